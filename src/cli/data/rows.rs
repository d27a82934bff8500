//! Rows of an NDJSON or CSV file, read on a thread of their own and handed over in small groups.
//! At most a few groups wait, and a row has a longest length: memory stays the same however long the file is.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use clap::ValueEnum;
use tokio::sync::mpsc;

use super::sheet;
use crate::{
    catalogue::{ColumnKind, DatasetShape, RowKind, UnknownColumns},
    failure::CommandFailure,
    text::CliLanguage,
};
use heyan_connectors::rows::{
    charset::{self, Charset, CharsetDoubt},
    decode::DecodedText,
    foreign::ForeignFormat,
    lines::{LineExtent, TextLines},
};

/// How a file's rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RowFormat {
    /// One JSON object per line.
    Ndjson,
    /// A header row, then cells between commas, semicolons or tabs (RFC 4180 quoting).
    Csv,
}

/// How a file's characters are written, as on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum EncodingName {
    /// UTF-8, with or without a byte order mark.
    #[value(name = "utf-8", alias = "utf8")]
    Utf8,
    /// GB 18030, including GBK and GB 2312.
    #[value(name = "gb18030", aliases = ["gbk", "gb2312"])]
    Gb18030,
    /// UTF-16, little endian.
    #[value(name = "utf-16le")]
    Utf16Le,
    /// UTF-16, big endian.
    #[value(name = "utf-16be")]
    Utf16Be,
}

impl From<EncodingName> for Charset {
    fn from(name: EncodingName) -> Self {
        match name {
            EncodingName::Utf8 => Self::Utf8,
            EncodingName::Gb18030 => Self::Gb18030,
            EncodingName::Utf16Le => Self::Utf16Le,
            EncodingName::Utf16Be => Self::Utf16Be,
        }
    }
}

/// A row of the file.
pub(crate) struct FileRow {
    /// Line on which it begins, from 1.
    pub line: u64,
    /// The row as one line of JSON for the hub, or why it cannot be made.
    pub json: Result<String, RowFault>,
    /// The row as written in the file, if that differs from `json`.
    pub raw: Option<String>,
}

/// Why a row cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowFault {
    /// Longer than [`ROW_BYTES_MAX`].
    TooLong,
    /// A character is lost.
    Undecodable,
    /// Another number of columns than the header.
    Columns { has: usize, header: usize },
    /// `source_version` is no number.
    Version,
    /// No dataset, or one that the hub does not have.
    Dataset,
    /// A filled column that the row's dataset does not have.
    Column(usize),
    /// A formula instead of a value.
    Formula(usize),
    /// A word that is Han in GBK, in a file of UTF-8.
    Doubtful,
    /// Text behind a closing quotation mark.
    StrayQuote,
    /// A quotation mark without its partner: the rest of the file was not read.
    Quote,
}

/// Longest row, bytes.
pub(crate) const ROW_BYTES_MAX: usize = 1 << 20;
const GROUP_BYTES: usize = 1 << 16;
const GROUP_ROWS: usize = 512;
const GROUPS_WAITING_MAX: usize = 4;

impl RowFault {
    /// For programs.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::TooLong => "row_too_long",
            Self::Undecodable => "undecodable",
            Self::Columns { .. } => "wrong_column_count",
            Self::Version => "invalid_source_version",
            Self::Dataset => "unknown_dataset",
            Self::Column(_) => "unknown_column",
            Self::Formula(_) => "formula",
            Self::Doubtful => "doubtful_encoding",
            Self::StrayQuote => "stray_quote",
            Self::Quote => "unclosed_quote",
        }
    }

    /// The column at fault, from 1.
    pub(crate) fn column(self) -> Option<usize> {
        match self {
            Self::Column(number) | Self::Formula(number) => Some(number),
            _ => None,
        }
    }

    /// For people.
    pub(crate) fn say(self, lang: CliLanguage) -> String {
        let max = ROW_BYTES_MAX.to_string();
        match self {
            Self::TooLong => lang.say("cli.row_too_long", &[&max]),
            Self::Undecodable => lang.say("cli.row_undecodable", &[]),
            Self::Columns { has, header } => lang.say("cli.row_columns", &[&has.to_string(), &header.to_string()]),
            Self::Version => lang.say("cli.row_version", &[]),
            Self::Dataset => lang.say("cli.row_dataset", &[]),
            Self::Column(number) => lang.say("cli.row_column", &[&number.to_string()]),
            Self::Formula(number) => lang.say("cli.row_formula", &[&number.to_string()]),
            Self::Doubtful => lang.say("cli.row_doubtful", &[]),
            Self::StrayQuote => lang.say("cli.row_stray_quote", &[]),
            Self::Quote => lang.say("cli.row_quote", &[&max]),
        }
    }
}

/// A file and its encoding.
#[derive(clap::Args, Clone)]
pub(crate) struct FileArgs {
    /// NDJSON or CSV; `-` is standard input
    pub file: PathBuf,
    /// Format of the rows [default: by the file name, else by the first character]
    #[arg(long, value_enum)]
    pub format: Option<RowFormat>,
    /// Character encoding [default: detected]; a byte order mark takes precedence
    #[arg(long, value_enum)]
    pub encoding: Option<EncodingName>,
    /// Ignore CSV columns that the dataset does not have
    #[arg(long)]
    pub ignore_unknown: bool,
    /// Start with the row on this line
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub from_line: u64,
}

/// What the header of a sheet says.
#[derive(Clone, Default)]
pub(crate) struct SheetFacts {
    /// Its cells.
    pub header: Vec<String>,
    /// Fields of the dataset for which there is no column.
    pub missing: Vec<String>,
}

/// What a row is made into.
pub(crate) struct RowPlan {
    /// Records or requests.
    pub kind: RowKind,
    /// Dataset of rows that name none; for records, of all rows.
    pub dataset: Option<String>,
    /// The catalogue, as far as it is needed; empty for NDJSON.
    pub shapes: Arc<Vec<DatasetShape>>,
    /// Filled when the header of a sheet was read, before the first row.
    pub facts: Arc<OnceLock<SheetFacts>>,
}

impl RowPlan {
    /// A dataset of the catalogue.
    pub(super) fn shape(&self, name: &str) -> Option<&DatasetShape> {
        self.shapes.iter().find(|shape| shape.name == name)
    }

    /// How many cells of a row name columns, in the dataset that has most of them.
    pub(super) fn known(&self, cells: &[String]) -> usize {
        let known = |shape: &DatasetShape| {
            let columns = shape.columns(cells, self.kind);
            columns.iter().filter(|column| **column != ColumnKind::Unknown).count()
        };
        self.shapes.iter().map(known).max().unwrap_or_default()
    }
}

/// An opened file.
pub(crate) struct OpenedFile {
    reader: BufReader<DecodedText<CountedReader<Box<dyn Read + Send>>>>,
    name: String,
    args: FileArgs,
    /// How its rows are written.
    pub format: RowFormat,
    /// Bytes read so far.
    pub read: Arc<AtomicU64>,
    /// Bytes in all, where that is known.
    pub length: Option<u64>,
}

/// Groups of rows, then one failure if the file cannot be read on.
pub(crate) type RowGroups = mpsc::Receiver<Result<Vec<FileRow>, CommandFailure>>;

struct CountedReader<R> {
    inner: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Read for CountedReader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(out)?;
        self.count.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

impl OpenedFile {
    /// Opens a file and tells its format and encoding.
    ///
    /// # Errors
    /// It cannot be opened, is one JSON array, or no encoding fits.
    pub(crate) fn open(args: &FileArgs) -> Result<Self, CommandFailure> {
        let name = args.file.display().to_string();
        let count = Arc::new(AtomicU64::new(0));
        let (inner, length): (Box<dyn Read + Send>, _) = if args.file.as_os_str() == "-" {
            (Box::new(io::stdin()), None)
        } else {
            let file = File::open(&args.file).and_then(|file| file.metadata().map(|about| (file, about)));
            let (file, about) = file.map_err(|error| cannot_read(&name, &error))?;
            if about.is_dir() {
                return Err(CommandFailure::unreachable("cli.cannot_read", [&name, "a directory"]));
            }
            (Box::new(file), about.is_file().then_some(about.len()))
        };
        let counted = CountedReader {
            inner,
            count: Arc::clone(&count),
        };
        let decoded = DecodedText::new(counted, args.encoding.map(Charset::from));
        let mut reader = BufReader::with_capacity(GROUP_BYTES, decoded);
        let head = reader.fill_buf().map_err(|error| cannot_read(&name, &error))?;
        let first = head.iter().find(|byte| !byte.is_ascii_whitespace()).copied();
        let format = args.format.or_else(|| format_of(&args.file)).unwrap_or(match first {
            Some(b'{' | b'[') | None => RowFormat::Ndjson,
            Some(_) => RowFormat::Csv,
        });
        if format == RowFormat::Ndjson && first == Some(b'[') {
            return Err(CommandFailure::usage("cli.json_array", [&name]));
        }
        Ok(Self {
            reader,
            name,
            args: args.clone(),
            format,
            read: count,
            length,
        })
    }

    /// The first line of an NDJSON file, if `wanted` takes it; else it stays where it is. Only a line that lies whole in the
    /// first 64 KiB is looked at.
    pub(crate) fn take_first_line<T>(&mut self, wanted: impl FnOnce(&[u8]) -> Option<T>) -> Option<T> {
        let head = self.reader.fill_buf().ok()?;
        let end = head.iter().position(|byte| matches!(byte, b'\n' | b'\r'))?;
        let taken = wanted(head.get(..end)?)?;
        // The end of the line stays, so that the numbers of the lines stay.
        self.reader.consume(end);
        Some(taken)
    }

    /// Reads the rows on a thread of their own.
    pub(crate) fn rows(self, plan: RowPlan) -> RowGroups {
        let (sender, receiver) = mpsc::channel(GROUPS_WAITING_MAX);
        tokio::task::spawn_blocking(move || {
            let mut groups = GroupWriter {
                sender,
                rows: Vec::new(),
                bytes: 0,
                from_line: self.args.from_line,
            };
            let end = match self.format {
                RowFormat::Ndjson => ndjson(self, &mut groups),
                RowFormat::Csv => self.csv(&plan, &mut groups),
            };
            groups.end(end);
        });
        receiver
    }
}

impl OpenedFile {
    fn csv(self, plan: &RowPlan, groups: &mut GroupWriter) -> Result<(), ReaderStop> {
        let unknown = if self.args.ignore_unknown {
            UnknownColumns::Ignore
        } else {
            UnknownColumns::Refuse
        };
        let is_guessed = self.args.encoding.is_none();
        sheet::read(self.reader, &self.name, plan, (unknown, is_guessed), groups)
    }
}

fn format_of(path: &Path) -> Option<RowFormat> {
    match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "ndjson" | "jsonl" | "json" => Some(RowFormat::Ndjson),
        "csv" | "tsv" => Some(RowFormat::Csv),
        _ => None,
    }
}

pub(super) fn cannot_read(name: &str, error: &io::Error) -> CommandFailure {
    if let Some(format) = ForeignFormat::within(error) {
        return CommandFailure::usage(foreign_text(format), [name]);
    }
    match error.get_ref().and_then(|inner| inner.downcast_ref::<CharsetDoubt>()) {
        Some(CharsetDoubt::FitsNone) => return CommandFailure::usage("cli.no_encoding", [name]),
        Some(CharsetDoubt::FitsBoth) => return CommandFailure::usage("cli.two_encodings", [name]),
        None => {}
    }
    CommandFailure::unreachable("cli.cannot_read", [name, &error.to_string()])
}

/// What a file is instead, and what to do.
fn foreign_text(format: ForeignFormat) -> &'static str {
    match format {
        ForeignFormat::Workbook => "cli.is_workbook",
        ForeignFormat::OldWorkbook => "cli.is_old_workbook",
        ForeignFormat::HtmlTable => "cli.is_html_table",
        ForeignFormat::Xml => "cli.is_xml",
        ForeignFormat::Compressed => "cli.is_compressed",
        ForeignFormat::Pdf => "cli.is_pdf",
        ForeignFormat::Utf16 => "cli.no_encoding",
    }
}

/// Why the reader stops early.
pub(super) enum ReaderStop {
    /// The receiver wants no more rows.
    Unwanted,
    Failed(CommandFailure),
}

pub(super) struct GroupWriter {
    sender: mpsc::Sender<Result<Vec<FileRow>, CommandFailure>>,
    rows: Vec<FileRow>,
    bytes: usize,
    from_line: u64,
}

impl GroupWriter {
    pub(super) fn push(&mut self, row: FileRow) -> Result<(), ReaderStop> {
        if row.line < self.from_line {
            return Ok(());
        }
        self.bytes += row.json.as_ref().map_or(0, String::len) + row.raw.as_ref().map_or(0, String::len);
        self.rows.push(row);
        if self.bytes >= GROUP_BYTES || self.rows.len() >= GROUP_ROWS {
            self.bytes = 0;
            let group = std::mem::take(&mut self.rows);
            return self
                .sender
                .blocking_send(Ok(group))
                .map_err(|_gone| ReaderStop::Unwanted);
        }
        Ok(())
    }

    /// A receiver that is gone wants neither the rest nor the reason.
    fn end(self, end: Result<(), ReaderStop>) {
        if !self.rows.is_empty() && self.sender.blocking_send(Ok(self.rows)).is_err() {
            return;
        }
        if let Err(ReaderStop::Failed(failure)) = end {
            let _gone = self.sender.blocking_send(Err(failure));
        }
    }
}

fn ndjson(source: OpenedFile, groups: &mut GroupWriter) -> Result<(), ReaderStop> {
    let is_guessed = source.args.encoding.is_none();
    let mut lines = TextLines::new(source.reader, 0, 0, ROW_BYTES_MAX);
    let unread = |error: io::Error| ReaderStop::Failed(cannot_read(&source.name, &error));
    while let Some(line) = lines.next_line().map_err(unread)? {
        let text = String::from_utf8_lossy(line.bytes.trim_ascii());
        let fault = if line.extent != LineExtent::Whole {
            Some(RowFault::TooLong)
        } else if text.contains('\u{fffd}') {
            Some(RowFault::Undecodable)
        } else if is_guessed && charset::is_doubtful(&text) {
            Some(RowFault::Doubtful)
        } else {
            None
        };
        let text = text.into_owned();
        let row = match fault {
            Some(fault) => FileRow {
                line: line.number,
                json: Err(fault),
                raw: Some(text),
            },
            None if text.is_empty() => continue,
            None => FileRow {
                line: line.number,
                json: Ok(text),
                raw: None,
            },
        };
        groups.push(row)?;
    }
    Ok(())
}
