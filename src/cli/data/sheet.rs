//! Rows of a CSV file as JSON: a header row says what each column is, a dataset's catalogue entry what that means.
//! Cells stay text, whatever they look like, but for a claim written as a JSON predicate; an empty cell is no value.

use std::{collections::HashMap, io::BufRead};

use serde_json::{Map, Value, json};

use super::rows::{FileRow, GroupWriter, ROW_BYTES_MAX, ReaderStop, RowFault, RowPlan, SheetFacts, cannot_read};
use crate::{
    catalogue::{self, ColumnKind, RowKind, UnknownColumns},
    failure::CommandFailure,
};
use heyan_connectors::rows::{
    charset, header,
    lines::TextLines,
    marks,
    sheet::{SheetFault, SheetRow, SheetRows},
};

/// Reads all rows of a file. `unknown` says what becomes of columns that the dataset does not have, and whether the encoding
/// was guessed.
///
/// # Errors
/// Returns an error if the header does not fit the dataset, the file cannot be read on, or the receiver wants no more rows.
pub(super) fn read(
    input: impl BufRead,
    name: &str,
    plan: &RowPlan,
    (unknown, is_guessed): (UnknownColumns, bool),
    groups: &mut GroupWriter,
) -> Result<(), ReaderStop> {
    let unread = |error: std::io::Error| ReaderStop::Failed(cannot_read(name, &error));
    let mut lines = TextLines::new(input, 0, 0, ROW_BYTES_MAX);
    let known = |cells: &[String]| plan.known(cells);
    let (header, ahead) = header::find(&mut lines, encoding_rs::UTF_8, &known).map_err(unread)?;
    let header = header.ok_or_else(|| ReaderStop::Failed(CommandFailure::usage("cli.no_header", [name])))?;
    let table = SheetTable::new(header.cells, plan, unknown, name).map_err(ReaderStop::Failed)?;
    let own = plan
        .dataset
        .as_deref()
        .and_then(|dataset| table.columns.get(dataset).zip(plan.shape(dataset)));
    let _only_once = plan.facts.set(SheetFacts {
        missing: own.map(|(columns, shape)| shape.missing(columns)).unwrap_or_default(),
        header: table.header.clone(),
    });
    let mut rows = SheetRows::new(lines, ahead, encoding_rs::UTF_8, header.delimiter, ROW_BYTES_MAX);
    while let Some(row) = rows.next_row().map_err(unread)? {
        let json = match cells_of(&row, is_guessed) {
            Ok(cells) => table.json(cells, row.line),
            Err(fault) => Err(fault),
        };
        groups.push(FileRow {
            line: row.line,
            json,
            raw: Some(row.text),
        })?;
    }
    Ok(())
}

fn cells_of(row: &SheetRow, is_guessed: bool) -> Result<&[String], RowFault> {
    let cells = row.cells.as_ref().map_err(|fault| match fault {
        SheetFault::TooLong => RowFault::TooLong,
        SheetFault::Undecodable => RowFault::Undecodable,
        SheetFault::StrayQuote => RowFault::StrayQuote,
        SheetFault::UnclosedQuote => RowFault::Quote,
    })?;
    if is_guessed && charset::is_doubtful(&row.text) {
        return Err(RowFault::Doubtful);
    }
    Ok(cells)
}

/// A header, and what it means for each dataset.
struct SheetTable<'a> {
    header: Vec<String>,
    plan: &'a RowPlan,
    unknown: UnknownColumns,
    dataset_column: Option<usize>,
    columns: HashMap<&'a str, Vec<ColumnKind>>,
}

impl<'a> SheetTable<'a> {
    fn new(
        header: Vec<String>,
        plan: &'a RowPlan,
        unknown: UnknownColumns,
        file: &str,
    ) -> Result<Self, CommandFailure> {
        let is_dataset = |name: &String| catalogue::own(name, plan.kind) == Some(ColumnKind::Own("dataset"));
        let dataset_column = header.iter().position(is_dataset);
        let columns: HashMap<&str, Vec<ColumnKind>> = plan
            .shapes
            .iter()
            .map(|shape| (shape.name.as_str(), shape.columns(&header, plan.kind)))
            .collect();
        if dataset_column.is_none() {
            let dataset = plan
                .dataset
                .as_deref()
                .ok_or_else(|| CommandFailure::usage("cli.needs_dataset", [file]))?;
            let shape = plan
                .shape(dataset)
                .ok_or_else(|| CommandFailure::usage("cli.odd_shape", [dataset]))?;
            let own = columns.get(dataset).map_or(&[][..], Vec::as_slice);
            shape.check(&header, own, plan.kind, unknown, file)?;
        }
        Ok(Self {
            header,
            plan,
            unknown,
            dataset_column,
            columns,
        })
    }

    /// A cell as it stands, but for the claim `{"op":…,"value":…}`.
    fn value(&self, cell: &str) -> Value {
        let claim = if self.plan.kind == RowKind::Request {
            predicate(cell)
        } else {
            None
        };
        claim.unwrap_or_else(|| Value::from(cell))
    }

    /// A row of cells as the hub wants it. An empty cell is no value, and so is a last one that is missing; a request without
    /// `ref` is named by its line.
    fn json(&self, cells: &[String], line: u64) -> Result<String, RowFault> {
        let is_filled = |cell: &String| !marks::trimmed(cell).is_empty();
        let filled = cells.iter().rposition(is_filled).map_or(0, |last| last + 1);
        if filled > self.header.len() {
            return Err(RowFault::Columns {
                has: cells.len(),
                header: self.header.len(),
            });
        }
        let named = self.dataset_column.and_then(|place| cells.get(place));
        let named = named.map(|cell| marks::trimmed(cell)).filter(|name| !name.is_empty());
        let dataset = named.or(self.plan.dataset.as_deref()).ok_or(RowFault::Dataset)?;
        let columns = self.columns.get(dataset).ok_or(RowFault::Dataset)?;
        let (mut row, mut subject, mut fields) = (Map::new(), Map::new(), Map::new());
        for ((cell, column), number) in cells.iter().take(filled).zip(columns).zip(1..) {
            if *column == ColumnKind::Unknown && self.unknown == UnknownColumns::Ignore {
                continue;
            }
            let cell = marks::value_of(cell).map_err(|_formula| RowFault::Formula(number))?;
            if cell.is_empty() {
                continue;
            }
            match column {
                ColumnKind::Subject(name) => drop(subject.insert(name.clone(), Value::from(cell))),
                ColumnKind::Field(name) => drop(fields.insert(name.clone(), self.value(cell))),
                ColumnKind::Own("source_version") => drop(row.insert("source_version".to_owned(), version(cell)?)),
                ColumnKind::Own(name) => drop(row.insert((*name).to_owned(), Value::from(cell))),
                ColumnKind::Unknown => return Err(RowFault::Column(number)),
            }
        }
        if self.plan.kind == RowKind::Request && !row.contains_key("ref") {
            row.insert("ref".to_owned(), Value::from(format!("line-{line}")));
        }
        row.insert("subject".to_owned(), Value::Object(subject));
        let fields_name = match self.plan.kind {
            RowKind::Record => "fields",
            RowKind::Request => "claims",
        };
        row.insert(fields_name.to_owned(), Value::Object(fields));
        Ok(Value::Object(row).to_string())
    }
}

/// A predicate, where a cell holds one as JSON.
fn predicate(cell: &str) -> Option<Value> {
    let value: Value = serde_json::from_str(cell.starts_with('{').then_some(cell)?).ok()?;
    value.get("op").is_some().then_some(value)
}

/// A safe integer (RFC 7493 §2.2).
fn version(cell: &str) -> Result<Value, RowFault> {
    let digits = cell.bytes().all(|byte| byte.is_ascii_digit());
    let number = cell.parse::<u64>().ok().filter(|number| digits && *number < (1 << 53));
    number.map(|number| json!(number)).ok_or(RowFault::Version)
}
