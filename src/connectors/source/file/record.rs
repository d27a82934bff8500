//! A row as `PUT /v1/datasets/{dataset}/records` takes a record: `{"subject":{},"fields":{},"source_version":…}`.
//! Their names and codes become ours by the connector's maps; without maps a row is written as `heyan import` takes it.

use serde_json::{Map, Value};

use super::rows::RowParts;
use crate::source::config::{FieldFrom, FieldMap, FileConfig, FileFormat};
use heyan_domain::json::{self, JsonRules};
use heyan_ports::outward::SourceFault;

/// What people may call a column.
#[derive(Clone, Debug)]
pub struct ColumnNames {
    /// Name in the dataset's schema.
    pub name: String,
    /// Its labels, any of which may stand in a header row.
    pub labels: Vec<String>,
}

/// The identifiers and fields of a dataset, for CSV files without a map.
#[derive(Clone, Debug)]
pub struct RecordShape {
    /// Identifiers.
    pub subject: Vec<ColumnNames>,
    /// Fields.
    pub fields: Vec<ColumnNames>,
}

/// Code of a row.
type RowCode = &'static str;

/// Makes records of the rows of one file.
pub(super) enum RecordReader<'a> {
    /// Lines that are records already.
    Whole,
    /// Lines or cells with their names.
    Mapped {
        config: &'a FileConfig,
        header: Option<Vec<String>>,
    },
    /// Cells with our names.
    Ours { columns: Vec<ColumnContent> },
}

/// What a column of ours holds.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum ColumnContent {
    Subject(String),
    Field(String),
    Version,
    Effective,
    Source,
    /// A last column without a name is what a trailing comma makes.
    Unnamed,
}

/// A whole number that every JSON reader keeps (RFC 7493 §2.2).
const SAFE_MAX: i64 = 1 << 53;

impl<'a> RecordReader<'a> {
    /// A reader of rows under `header`.
    ///
    /// # Errors
    /// The header is missing, or a column that is needed is not in it.
    pub(super) fn new(
        config: &'a FileConfig,
        shape: Option<&RecordShape>,
        header: Option<&[String]>,
    ) -> Result<Self, RowCode> {
        let mapped = !config.columns.is_empty();
        match (config.format, mapped) {
            (FileFormat::Ndjson, false) => Ok(Self::Whole),
            (FileFormat::Ndjson, true) => Ok(Self::Mapped { config, header: None }),
            (FileFormat::Csv, true) => {
                let header = header.ok_or("no_header")?;
                let named = config.subject.values().chain(config.columns.values());
                let wanted = named.map(|field| &field.from);
                let more = [&config.version_column, &config.effective_column];
                let mut wanted = wanted.chain(more.into_iter().flatten());
                let there = |name: &String| header.iter().filter(|cell| cell.trim() == name).count() == 1;
                if !wanted.all(there) {
                    return Err("unknown_header");
                }
                Ok(Self::Mapped {
                    config,
                    header: Some(header.to_vec()),
                })
            }
            (FileFormat::Csv, false) => Ok(Self::Ours {
                columns: columns_of(header.ok_or("no_header")?, shape.ok_or("unknown_header")?)?,
            }),
        }
    }

    /// The record of one row.
    ///
    /// # Errors
    /// The code of why it is none.
    pub(super) fn record(&self, parts: RowParts) -> Result<Value, RowCode> {
        match (self, parts) {
            (Self::Whole, RowParts::Line(line)) => object(&line),
            (Self::Mapped { config, .. }, RowParts::Line(line)) => {
                let row = object(&line)?;
                mapped(config, |pointer| said(row.pointer(pointer)))
            }
            (Self::Mapped { config, header }, RowParts::Cells(cells)) => {
                let header = header.as_deref().unwrap_or_default();
                if cells.len() != header.len() {
                    return Err("wrong_column_count");
                }
                let cell = |name: &str| {
                    let place = header.iter().position(|cell| cell.trim() == name);
                    let cell = place.and_then(|place| cells.get(place));
                    Ok(cell.map(|cell| cell.trim().to_owned()))
                };
                mapped(config, cell)
            }
            (Self::Ours { columns }, RowParts::Cells(cells)) => ours(columns, &cells),
            _ => Err("invalid_json"),
        }
    }
}

fn columns_of(header: &[String], shape: &RecordShape) -> Result<Vec<ColumnContent>, RowCode> {
    let find = |all: &[ColumnNames], cell: &str| {
        let by_name = all.iter().find(|named| named.name.eq_ignore_ascii_case(cell));
        let by_label = || {
            all.iter()
                .find(|named| named.labels.iter().any(|label| label.trim() == cell))
        };
        by_name.or_else(by_label).map(|named| named.name.clone())
    };
    let mut columns: Vec<ColumnContent> = Vec::with_capacity(header.len());
    for cell in header {
        let cell = cell.trim();
        let column = if cell.is_empty() {
            ColumnContent::Unnamed
        } else if let Some(name) = find(&shape.subject, cell) {
            ColumnContent::Subject(name)
        } else if let Some(name) = find(&shape.fields, cell) {
            ColumnContent::Field(name)
        } else {
            match cell.to_ascii_lowercase().as_str() {
                "source_version" => ColumnContent::Version,
                "effective_at" => ColumnContent::Effective,
                "source" => ColumnContent::Source,
                _ => return Err("unknown_header"),
            }
        };
        if column != ColumnContent::Unnamed && columns.contains(&column) {
            return Err("unknown_header");
        }
        columns.push(column);
    }
    let has = |named: &ColumnNames| columns.contains(&ColumnContent::Subject(named.name.clone()));
    if shape.subject.iter().all(has) {
        Ok(columns)
    } else {
        Err("unknown_header")
    }
}

/// A row of cells under our names. An empty cell is no value.
fn ours(columns: &[ColumnContent], cells: &[String]) -> Result<Value, RowCode> {
    if cells.len() != columns.len() {
        return Err("wrong_column_count");
    }
    let (mut record, mut subject, mut fields) = (Map::new(), Map::new(), Map::new());
    for (column, cell) in columns.iter().zip(cells) {
        let cell = cell.trim();
        if cell.is_empty() {
            continue;
        }
        match column {
            ColumnContent::Subject(name) => drop(subject.insert(name.clone(), cell.into())),
            ColumnContent::Field(name) => drop(fields.insert(name.clone(), cell.into())),
            ColumnContent::Version => drop(record.insert("source_version".to_owned(), version(cell)?)),
            ColumnContent::Effective => drop(record.insert("effective_at".to_owned(), cell.into())),
            ColumnContent::Source => drop(record.insert("source".to_owned(), cell.into())),
            ColumnContent::Unnamed => return Err("wrong_column_count"),
        }
    }
    record.insert("subject".to_owned(), Value::Object(subject));
    record.insert("fields".to_owned(), Value::Object(fields));
    Ok(Value::Object(record))
}

/// A row under their names; `said` gives what stands at one of them.
fn mapped(config: &FileConfig, said: impl Fn(&str) -> Result<Option<String>, RowCode>) -> Result<Value, RowCode> {
    let all = |map: &FieldMap| -> Result<Map<String, Value>, RowCode> {
        let mut out = Map::new();
        for (name, from) in map {
            if let Some(value) = value_of(from, said(&from.from)?)? {
                out.insert(name.clone(), value.into());
            }
        }
        Ok(out)
    };
    let mut record = Map::new();
    if let Some(column) = &config.version_column {
        let text = said(column)?.unwrap_or_default();
        record.insert("source_version".to_owned(), version(&text)?);
    }
    if let Some(column) = &config.effective_column
        && let Some(time) = said(column)?.filter(|time| !time.is_empty())
    {
        record.insert("effective_at".to_owned(), time.into());
    }
    record.insert("subject".to_owned(), Value::Object(all(&config.subject)?));
    record.insert("fields".to_owned(), Value::Object(all(&config.columns)?));
    Ok(Value::Object(record))
}

fn value_of(from: &FieldFrom, said: Option<String>) -> Result<Option<String>, RowCode> {
    from.value_of(said.as_deref()).map_err(|fault| match fault {
        SourceFault::Unreadable("an unmapped code") => "unmapped_code",
        _ => "missing_field",
    })
}

/// What a member of a line says, as text: text as it is, whole numbers in decimal, `true` and `false`.
fn said(value: Option<&Value>) -> Result<Option<String>, RowCode> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(Value::Bool(truth)) => Ok(Some(truth.to_string())),
        Some(Value::Number(number)) if number.is_i64() || number.is_u64() => Ok(Some(number.to_string())),
        Some(_) => Err("invalid_value"),
    }
}

fn version(text: &str) -> Result<Value, RowCode> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse::<i64>().ok().filter(|number| digits && *number < SAFE_MAX);
    number.map(Value::from).ok_or("invalid_source_version")
}

/// A line that is one object, no member of which is there twice: two readers could take either.
fn object(line: &str) -> Result<Value, RowCode> {
    // As deep as the parser itself allows: a member that no map names may be anything.
    let rules = JsonRules {
        depth_max: usize::MAX,
        ..JsonRules::FOREIGN
    };
    match json::parse(line.as_bytes(), rules) {
        Ok(value) if value.is_object() => Ok(value),
        Err(error) if error.code() == "duplicate_member" => Err("duplicate_member"),
        _ => Err("invalid_json"),
    }
}
