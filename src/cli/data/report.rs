//! What an import tells of single rows: the column at fault and the reason, in the language asked for, and the rows to look at
//! first. Never a value.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::rows::{RowFault, SheetFacts};
use crate::{catalogue::DatasetShape, table::table, text::CliLanguage};

/// One thing that is wrong with a row.
pub(crate) struct RowPlace {
    /// The column as people call it; empty: the row as a whole.
    pub column: String,
    /// Code for programs.
    pub code: String,
    /// Reason.
    pub reason: String,
}

impl RowPlace {
    /// For the file of rejected or marked rows.
    pub(crate) fn to_json(&self) -> Value {
        let mut place = json!({"code": self.code, "reason": self.reason});
        if let Some(members) = place.as_object_mut().filter(|_| !self.column.is_empty()) {
            members.insert("column".to_owned(), self.column.as_str().into());
        }
        place
    }

    fn line(&self) -> String {
        if self.column.is_empty() {
            self.reason.clone()
        } else {
            format!("{}: {}", self.column, self.reason)
        }
    }
}

/// All reasons of a row in one text.
pub(crate) fn reason_of(places: &[RowPlace]) -> String {
    places.iter().map(RowPlace::line).collect::<Vec<_>>().join(" ")
}

/// What names columns.
pub(crate) struct ColumnNames<'a> {
    /// The dataset.
    pub shape: &'a DatasetShape,
    /// The header, once it was read.
    pub facts: Option<&'a SheetFacts>,
    /// Language of texts.
    pub lang: CliLanguage,
}

impl ColumnNames<'_> {
    fn of_member(&self, name: &str) -> String {
        let tag = match self.lang {
            CliLanguage::En => "en",
            CliLanguage::Zh => "zh",
        };
        self.shape.title(name, tag)
    }

    /// What the client itself found.
    pub(crate) fn of_fault(&self, fault: RowFault) -> Vec<RowPlace> {
        let column = fault.column().map(|number| {
            let cell = self.facts.and_then(|facts| facts.header.get(number - 1));
            cell.filter(|cell| !cell.is_empty())
                .cloned()
                .unwrap_or_else(|| number.to_string())
        });
        vec![RowPlace {
            column: column.unwrap_or_default(),
            code: fault.code().to_owned(),
            reason: fault.say(self.lang),
        }]
    }

    /// What a problem document says.
    pub(crate) fn of_problem(&self, problem: &Value) -> Vec<RowPlace> {
        let text = |name: &str| problem.get(name).and_then(Value::as_str).map(str::to_owned);
        let errors = problem.get("errors").and_then(Value::as_array);
        let places: Vec<RowPlace> = errors
            .into_iter()
            .flatten()
            .map(|error| self.of_member_error(error))
            .collect();
        if !places.is_empty() {
            return places;
        }
        vec![RowPlace {
            column: String::new(),
            code: text("code").unwrap_or_else(|| "unanswered".to_owned()),
            reason: text("detail")
                .or_else(|| text("title"))
                .unwrap_or_else(|| self.lang.say("cli.row_unanswered", &[])),
        }]
    }

    /// What an answer with findings says.
    pub(crate) fn of_findings(&self, answer: &Value) -> Vec<RowPlace> {
        let findings = answer.get("findings").and_then(Value::as_array);
        findings
            .into_iter()
            .flatten()
            .map(|finding| self.of_member_error(finding))
            .collect()
    }

    fn of_member_error(&self, error: &Value) -> RowPlace {
        let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let pointer = text("pointer");
        let member = ["#/fields/", "#/subject/", "#/claims/"]
            .iter()
            .find_map(|part| pointer.strip_prefix(part));
        let own = || pointer.strip_prefix("#/").map(str::to_owned).unwrap_or_default();
        RowPlace {
            column: member.map_or_else(own, |member| self.of_member(member)),
            code: text("code"),
            reason: text("detail"),
        }
    }
}

/// The rows to look at first: refused ones, those with most faults, in the order of the file.
#[derive(Default)]
pub(crate) struct WorstRows(Vec<WorstRow>);

struct WorstRow {
    is_taken: bool,
    line: u64,
    places: Vec<RowPlace>,
}

/// Rows that are listed.
const ROWS_MAX: usize = 10;

impl WorstRows {
    /// Adds a row, if it is one of them.
    pub(crate) fn add(&mut self, is_taken: bool, line: u64, places: Vec<RowPlace>) {
        self.0.push(WorstRow { is_taken, line, places });
        self.0
            .sort_by_key(|row| (row.is_taken, std::cmp::Reverse(row.places.len()), row.line));
        self.0.truncate(ROWS_MAX);
    }

    /// For programs.
    pub(crate) fn to_json(&self) -> Value {
        let rows = self.0.iter().flat_map(|row| {
            let places = row.places.iter().map(RowPlace::to_json);
            places.map(|mut place| {
                if let Some(members) = place.as_object_mut() {
                    members.insert("line".to_owned(), row.line.into());
                    members.insert("taken".to_owned(), row.is_taken.into());
                }
                place
            })
        });
        rows.collect()
    }

    /// For people.
    pub(crate) fn text(&self, lang: CliLanguage) -> Option<String> {
        let rows: Vec<Vec<String>> = self
            .0
            .iter()
            .flat_map(|row| {
                let places = row.places.iter();
                places.map(|place| vec![row.line.to_string(), place.column.clone(), place.reason.clone()])
            })
            .collect();
        if rows.is_empty() {
            return None;
        }
        let head = ["cli.line", "cli.column", "cli.reason"].map(|key| lang.say(key, &[]));
        let head: Vec<&str> = head.iter().map(String::as_str).collect();
        Some(format!("{}\n{}", lang.say("cli.worst_rows", &[]), table(&head, &rows)))
    }
}

/// The fields that would be erased, with the records of each, for people.
pub(crate) fn erased_text(erased: &BTreeMap<String, u64>, names: &ColumnNames<'_>) -> Option<String> {
    let lang = names.lang;
    let line = |(field, count): (&String, &u64)| lang.say("cli.erases", &[&names.of_member(field), &count.to_string()]);
    let lines: Vec<String> = erased.iter().map(line).collect();
    (!lines.is_empty()).then(|| format!("{}\n  {}", lang.say("cli.would_erase", &[]), lines.join("\n  ")))
}

/// The columns that a file lacks, as people call them.
pub(crate) fn missing_text(missing: &[String], replaces: bool, names: &ColumnNames<'_>) -> Option<String> {
    let titles: Vec<String> = missing.iter().map(|name| names.of_member(name)).collect();
    let list = titles.join(if names.lang == CliLanguage::Zh { "、" } else { ", " });
    let text = if replaces {
        names.lang.say("cli.erased_columns", &[&list])
    } else {
        names.lang.say("cli.kept_columns", &[&list])
    };
    (!missing.is_empty()).then_some(text)
}
