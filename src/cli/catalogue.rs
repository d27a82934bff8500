//! What a hub's catalogue says of a dataset, as far as the columns of a CSV file need it.
//! A header names a column by its name or by a label of any language; `subject.x`, `fields.x` and `claims.x` settle a doubt.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::Value;

use super::{
    client::{HubClient, RequestVerb},
    failure::CommandFailure,
};

/// A dataset of the catalogue.
#[derive(Deserialize)]
pub(crate) struct DatasetShape {
    /// Its name.
    pub name: String,
    /// Members that name the subject.
    #[serde(default)]
    subject: Vec<NamedColumn>,
    /// Fields of the record.
    #[serde(default)]
    fields: Vec<NamedColumn>,
}

#[derive(Deserialize)]
struct NamedColumn {
    name: String,
    /// A text, or texts by language.
    #[serde(default)]
    label: Value,
}

/// What the rows of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowKind {
    /// Records: `source_version`, `effective_at` and `source` stand beside subject and fields.
    Record,
    /// Requests: `ref` and `dataset` stand beside subject and claims.
    Request,
}

/// What a column holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ColumnKind {
    /// A member of the subject.
    Subject(String),
    /// A field, or a claim about one.
    Field(String),
    /// A member of the row itself.
    Own(&'static str),
    /// Nothing of this dataset.
    Unknown,
}

/// What becomes of columns that the dataset does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnknownColumns {
    /// They are a mistake.
    Refuse,
    /// They are passed over.
    Ignore,
}

const RECORD_OWN: &[(&str, &str)] = &[
    ("source_version", "来源版本"),
    ("effective_at", "生效时间"),
    ("source", "来源"),
];
const REQUEST_OWN: &[(&str, &str)] = &[("ref", "序号"), ("dataset", "数据资源")];

impl DatasetShape {
    /// Asks for one dataset.
    ///
    /// # Errors
    /// The hub refuses, cannot be reached, or its answer names no subject.
    pub(crate) async fn of(hub: &HubClient, dataset: &str) -> Result<Self, CommandFailure> {
        let answer = hub
            .call(RequestVerb::Get, &["v1", "datasets", dataset], &[], None)
            .await?;
        let shape: Self =
            serde_json::from_value(answer).map_err(|_| CommandFailure::unreachable("cli.odd_shape", [dataset]))?;
        if shape.subject.is_empty() {
            return Err(CommandFailure::unreachable("cli.odd_shape", [dataset]));
        }
        Ok(shape)
    }

    /// Asks for all datasets.
    ///
    /// # Errors
    /// The hub refuses, cannot be reached, or answers something else.
    pub(crate) async fn all(hub: &HubClient) -> Result<Vec<Self>, CommandFailure> {
        #[derive(Deserialize)]
        struct CatalogueAnswer {
            datasets: Vec<DatasetShape>,
        }
        let answer = hub.call(RequestVerb::Get, &["v1", "datasets"], &[], None).await?;
        let answer: Result<CatalogueAnswer, _> = serde_json::from_value(answer);
        answer
            .map(|answer| answer.datasets)
            .map_err(|_| CommandFailure::unreachable("cli.odd_answer", ["/v1/datasets"]))
    }

    fn column(&self, header: &str, kind: RowKind) -> ColumnKind {
        let subject = |text: &str| find(&self.subject, text).map(ColumnKind::Subject);
        let field = |text: &str| find(&self.fields, text).map(ColumnKind::Field);
        if let Some(rest) = header.strip_prefix("subject.") {
            return subject(rest).unwrap_or(ColumnKind::Unknown);
        }
        if let Some(rest) = header
            .strip_prefix("fields.")
            .or_else(|| header.strip_prefix("claims."))
        {
            return field(rest).unwrap_or(ColumnKind::Unknown);
        }
        own(header, kind)
            .or_else(|| subject(header))
            .or_else(|| field(header))
            .unwrap_or(ColumnKind::Unknown)
    }

    /// What each column of a header holds in this dataset.
    pub(crate) fn columns(&self, header: &[String], kind: RowKind) -> Vec<ColumnKind> {
        header.iter().map(|name| self.column(name, kind)).collect()
    }

    /// Checks the header of a file that holds this dataset alone. Told by position: where the header row is missing, its
    /// cells are somebody's data.
    ///
    /// # Errors
    /// A column is unknown or there twice, or a member of the subject has none.
    pub(crate) fn check(
        &self,
        header: &[String],
        columns: &[ColumnKind],
        kind: RowKind,
        unknown: UnknownColumns,
        file: &str,
    ) -> Result<(), CommandFailure> {
        let mut seen = HashSet::new();
        for (place, column) in columns.iter().enumerate() {
            let number = (place + 1).to_string();
            // An unnamed last column is what a trailing comma makes.
            let unnamed = header.get(place).is_none_or(String::is_empty);
            if *column == ColumnKind::Unknown {
                if unknown == UnknownColumns::Refuse && !unnamed {
                    return Err(CommandFailure::usage(
                        "cli.odd_column",
                        [&number, file, &self.name, &self.known(kind)],
                    ));
                }
            } else if !seen.insert(format!("{column:?}")) {
                return Err(CommandFailure::usage("cli.twice_column", [file, &number]));
            }
        }
        for member in &self.subject {
            if !columns
                .iter()
                .any(|column| matches!(column, ColumnKind::Subject(name) if *name == member.name))
            {
                return Err(CommandFailure::usage(
                    "cli.no_subject_column",
                    [file, &member.name, &self.name],
                ));
            }
        }
        Ok(())
    }

    fn known(&self, kind: RowKind) -> String {
        let names = self.subject.iter().chain(&self.fields).map(|named| named.name.as_str());
        names
            .chain(own_of(kind).iter().map(|(name, _zh)| *name))
            .collect::<Vec<_>>()
            .join(", ")
    }
}

fn own_of(kind: RowKind) -> &'static [(&'static str, &'static str)] {
    match kind {
        RowKind::Record => RECORD_OWN,
        RowKind::Request => REQUEST_OWN,
    }
}

/// What a header says of the row itself.
pub(crate) fn own(header: &str, kind: RowKind) -> Option<ColumnKind> {
    let found = own_of(kind)
        .iter()
        .find(|(name, zh)| header.eq_ignore_ascii_case(name) || header == *zh);
    found.map(|(name, _zh)| ColumnKind::Own(name))
}

fn find(all: &[NamedColumn], header: &str) -> Option<String> {
    let by_name = all.iter().find(|named| named.name.eq_ignore_ascii_case(header));
    by_name
        .or_else(|| {
            all.iter()
                .find(|named| labels(&named.label).any(|label| label.trim() == header))
        })
        .map(|named| named.name.clone())
}

fn labels(label: &Value) -> impl Iterator<Item = &str> {
    let by_language = label
        .as_object()
        .into_iter()
        .flat_map(|all| all.values())
        .filter_map(Value::as_str);
    label.as_str().into_iter().chain(by_language)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn person() -> DatasetShape {
        serde_json::from_value(json!({"name":"natural-person",
            "subject":[{"name":"id_number","label":{"zh":"公民身份号码","en":"ID number"}}],
            "fields":[{"name":"name","label":{"zh":"姓名"}},{"name":"source","label":"出处"}]}))
        .unwrap()
    }

    fn check(header: &[&str], kind: RowKind, unknown: UnknownColumns) -> Result<Vec<ColumnKind>, CommandFailure> {
        let header: Vec<String> = header.iter().map(|name| (*name).to_owned()).collect();
        let columns = person().columns(&header, kind);
        person().check(&header, &columns, kind, unknown, "f.csv")?;
        Ok(columns)
    }

    #[test]
    fn names_and_labels_find_their_columns() {
        let columns = check(
            &["公民身份号码", "Name", "source", "fields.source"],
            RowKind::Record,
            UnknownColumns::Refuse,
        );
        let field = |name: &str| ColumnKind::Field(name.to_owned());
        assert_eq!(
            columns.unwrap(),
            [
                ColumnKind::Subject("id_number".to_owned()),
                field("name"),
                ColumnKind::Own("source"),
                field("source")
            ]
        );
    }

    #[test]
    fn a_missing_header_row_is_refused_without_its_cells() {
        let error = check(
            &["340207199705305213", "王小明"],
            RowKind::Record,
            UnknownColumns::Refuse,
        )
        .unwrap_err();
        assert!(!error.to_string().contains("340207") && error.to_string().contains("id_number, name"));
    }

    #[test]
    fn unknown_columns_may_be_passed_over_and_double_ones_may_not() {
        assert!(check(&["id_number", "x"], RowKind::Record, UnknownColumns::Ignore).is_ok());
        assert!(check(&["id_number", "ID_NUMBER"], RowKind::Record, UnknownColumns::Ignore).is_err());
        assert!(check(&["name"], RowKind::Request, UnknownColumns::Ignore).is_err());
        assert!(
            check(
                &["ref", "id_number", "name", ""],
                RowKind::Request,
                UnknownColumns::Refuse
            )
            .is_ok()
        );
    }
}
