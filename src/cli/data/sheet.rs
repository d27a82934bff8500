//! Rows of a CSV file as JSON: a header row says what each column is, a dataset's catalogue entry what that means.
//! Cells stay text, whatever they look like, but for a claim written as a JSON predicate; an empty cell is no value.

use std::{
    cell::Cell,
    collections::HashMap,
    io::{self, BufRead, Read},
    rc::Rc,
};

use serde_json::{Map, Value, json};

use super::rows::{FileRow, GroupWriter, ROW_BYTES_MAX, ReaderStop, RowFault, RowPlan, cannot_read};
use crate::{
    catalogue::{self, ColumnKind, RowKind, UnknownColumns},
    failure::CommandFailure,
};
use heyan_connectors::source::file::delimiter_of;

/// Reads all rows of a file.
///
/// # Errors
/// The header does not fit the dataset, the file cannot be read on, or nobody wants more rows.
pub(super) fn read(
    mut input: impl BufRead,
    name: &str,
    plan: &RowPlan,
    unknown: UnknownColumns,
    groups: &mut GroupWriter,
) -> Result<(), ReaderStop> {
    let delimiter = delimiter_of(input.fill_buf().unwrap_or_default());
    let since_row = Rc::new(Cell::new(0));
    let guard = RowGuard {
        inner: input,
        since_row: Rc::clone(&since_row),
    };
    let mut builder = csv::ReaderBuilder::new();
    let mut reader = builder
        .flexible(true)
        .has_headers(false)
        .delimiter(delimiter)
        .from_reader(guard);
    let mut cells = csv::StringRecord::new();
    let mut table: Option<SheetTable<'_>> = None;
    loop {
        since_row.set(0);
        let begin = reader.position().line();
        match reader.read_record(&mut cells) {
            Ok(false) => break,
            Ok(true) => {}
            Err(error) if is_endless(&error) => {
                return groups.push(FileRow {
                    line: begin,
                    json: Err(RowFault::Quote),
                    raw: None,
                });
            }
            Err(error) => return Err(ReaderStop::Failed(cannot_read(name, &io_error(error)))),
        }
        let line = cells.position().map_or(begin, csv::Position::line);
        match &table {
            None => {
                let header = cells.iter().map(|cell| cell.trim().to_owned()).collect();
                table = Some(SheetTable::new(header, plan, unknown, name).map_err(ReaderStop::Failed)?);
            }
            Some(table) if cells.iter().any(|cell| !cell.trim().is_empty()) => {
                groups.push(FileRow {
                    line,
                    json: table.json(&cells, line),
                    raw: Some(raw_of(&cells)),
                })?;
            }
            Some(_) => {}
        }
    }
    if table.is_none() {
        return Err(ReaderStop::Failed(CommandFailure::usage("cli.no_header", [name])));
    }
    Ok(())
}

fn io_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        _ => io::ErrorKind::InvalidData.into(),
    }
}

/// Stops a CSV reader that looks for the end of one row for too long.
struct RowGuard<R> {
    inner: R,
    since_row: Rc<Cell<usize>>,
}

#[derive(Debug, thiserror::Error)]
#[error("unterminated row")]
struct EndlessRow;

impl<R: Read> Read for RowGuard<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.since_row.get() > ROW_BYTES_MAX {
            return Err(io::Error::other(EndlessRow));
        }
        let read = self.inner.read(out)?;
        self.since_row.set(self.since_row.get() + read);
        Ok(read)
    }
}

fn is_endless(error: &csv::Error) -> bool {
    let csv::ErrorKind::Io(error) = error.kind() else {
        return false;
    };
    error.get_ref().is_some_and(|inner| inner.is::<EndlessRow>())
}

fn raw_of(cells: &csv::StringRecord) -> String {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::Any(b' '))
        .from_writer(Vec::new());
    // Writing to memory cannot fail.
    let _ = writer.write_record(cells);
    let bytes = writer.into_inner().unwrap_or_default();
    String::from_utf8_lossy(bytes.strip_suffix(b" ").unwrap_or(&bytes)).into_owned()
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
            let shape = plan.shapes.iter().find(|shape| shape.name == dataset);
            let shape = shape.ok_or_else(|| CommandFailure::usage("cli.odd_shape", [dataset]))?;
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

    /// A row of cells as the hub wants it. An empty cell is no value; a request without `ref` is named by its line.
    fn json(&self, cells: &csv::StringRecord, line: u64) -> Result<String, RowFault> {
        if cells.iter().any(|cell| cell.contains('\u{fffd}')) {
            return Err(RowFault::Undecodable);
        }
        if cells.as_slice().len() > ROW_BYTES_MAX {
            return Err(RowFault::TooLong);
        }
        if cells.len() != self.header.len() {
            return Err(RowFault::Columns {
                has: cells.len(),
                header: self.header.len(),
            });
        }
        let named = self
            .dataset_column
            .and_then(|place| cells.get(place))
            .map(str::trim)
            .filter(|name| !name.is_empty());
        let dataset = named.or(self.plan.dataset.as_deref()).ok_or(RowFault::Dataset)?;
        let columns = self.columns.get(dataset).ok_or(RowFault::Dataset)?;
        let (mut row, mut subject, mut fields) = (Map::new(), Map::new(), Map::new());
        for (place, (cell, column)) in cells.iter().zip(columns).enumerate() {
            let cell = cell.trim();
            if cell.is_empty() {
                continue;
            }
            match column {
                ColumnKind::Subject(name) => drop(subject.insert(name.clone(), Value::from(cell))),
                ColumnKind::Field(name) => drop(fields.insert(name.clone(), self.value(cell))),
                ColumnKind::Own("source_version") => drop(row.insert("source_version".to_owned(), version(cell)?)),
                ColumnKind::Own(name) => drop(row.insert((*name).to_owned(), Value::from(cell))),
                ColumnKind::Unknown if self.unknown == UnknownColumns::Ignore => {}
                ColumnKind::Unknown => return Err(RowFault::Column(place + 1)),
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
