//! Rows of a file as bytes, with the byte at which each ends: there the next batch begins.
//! Lines are split before they are decoded. That is sound in UTF-8 and in GB 18030: no byte of a longer character there is
//! a line feed, a carriage return or a quotation mark.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, BufReader, Read, Seek as _, SeekFrom},
    path::Path,
};

use super::FolderPosition;
use crate::rows::{
    charset::{self, Charset},
    foreign::ForeignFormat,
    header,
    lines::{LineExtent, TextLines},
    sheet::{SheetFault, SheetRows},
};
use crate::source::config::{FileConfig, FileFormat, TextEncoding};

/// One row: its parts as written, or the reason why it is not a row.
pub(super) struct FolderRow {
    pub(super) bytes: Result<RowParts, &'static str>,
    /// From 1. NDJSON: the line. CSV: the row, the header being the first.
    pub(super) number: u64,
    /// Line of the file on which it begins, from 1.
    pub(super) line: u64,
    /// Last line of it.
    pub(super) last_line: u64,
    /// Byte after it.
    pub(super) end: u64,
}

/// What a row is made of.
pub(super) enum RowParts {
    /// One line of JSON.
    Line(Box<str>),
    /// Cells.
    Cells(Vec<String>),
}

/// Rows from one place of a file on.
pub(super) struct FolderRows {
    kind: FolderFileKind,
    encoding: RowEncoding,
    /// Whether the encoding is only what the connector says.
    is_unmarked: bool,
    header: Option<Vec<String>>,
    foreign: Option<ForeignFormat>,
    row_bytes_max: usize,
    number: u64,
    size: u64,
    offset: u64,
}

enum FolderFileKind {
    Lines(TextLines<BufReader<File>>),
    Cells(Box<SheetRows<BufReader<File>>>),
    /// Nothing more can be read from it.
    Ended,
}

type RowEncoding = &'static encoding_rs::Encoding;

/// Bytes in which the format of a file is looked for.
const HEAD_BYTES: u64 = 4096;

impl FolderRows {
    /// Opens a file at a position. `known` counts the cells of a row that name columns.
    pub(super) fn open(
        path: &Path,
        config: &FileConfig,
        begin: &FolderPosition,
        known: &dyn Fn(&[String]) -> usize,
    ) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let size = file.metadata()?.len();
        let mut head = Vec::new();
        Read::by_ref(&mut file).take(HEAD_BYTES).read_to_end(&mut head)?;
        let marked = Charset::marked(&head);
        let utf16 = |charset: Charset| matches!(charset, Charset::Utf16Le | Charset::Utf16Be);
        let in_utf16 = marked.map_or_else(
            || Charset::utf16_without_mark(&head).is_some(),
            |(charset, _)| utf16(charset),
        );
        let configured = match config.encoding {
            TextEncoding::Utf8 => Charset::Utf8,
            TextEncoding::Gb18030 => Charset::Gb18030,
        };
        let (charset, mark) = marked.unwrap_or((configured, 0));
        let mut rows = Self {
            kind: FolderFileKind::Ended,
            encoding: charset.encoding(),
            is_unmarked: marked.is_none() && configured == Charset::Utf8,
            header: None,
            foreign: ForeignFormat::of(&head).or(in_utf16.then_some(ForeignFormat::Utf16)),
            row_bytes_max: config.row_bytes_max,
            number: begin.row,
            size,
            offset: begin.offset.max(mark as u64),
        };
        if rows.foreign.is_some() {
            return Ok(rows);
        }
        match config.format {
            FileFormat::Ndjson => {
                rows.kind = FolderFileKind::Lines(rows.lines_at(file, rows.offset, begin.row)?);
            }
            FileFormat::Csv => rows.open_sheet(file, mark as u64, begin.line, known)?,
        }
        Ok(rows)
    }

    fn lines_at(&self, mut file: File, offset: u64, line: u64) -> io::Result<TextLines<BufReader<File>>> {
        file.seek(SeekFrom::Start(offset))?;
        Ok(TextLines::new(BufReader::new(file), line, offset, self.row_bytes_max))
    }

    fn open_sheet(&mut self, file: File, mark: u64, line: u64, known: &dyn Fn(&[String]) -> usize) -> io::Result<()> {
        let again = file.try_clone()?;
        let mut lines = self.lines_at(file, mark, 0)?;
        let (header, mut ahead) = header::find(&mut lines, self.encoding, known)?;
        let Some(header) = header.filter(|header| header.is_readable) else {
            // Empty, or its header cannot be read: no row is understood.
            return Ok(());
        };
        if self.offset < header.end {
            (self.offset, self.number) = (header.end, 1);
        } else {
            ahead = VecDeque::new();
            lines = self.lines_at(again, self.offset, line)?;
        }
        self.header = Some(header.cells);
        let rows = SheetRows::new(lines, ahead, self.encoding, header.delimiter, self.row_bytes_max);
        self.kind = FolderFileKind::Cells(Box::new(rows));
        Ok(())
    }

    /// The cells of the header of a CSV file; `None`: NDJSON, or there is none that can be read.
    pub(super) fn header(&self) -> Option<&[String]> {
        self.header.as_deref()
    }

    /// What the file is, where it is neither CSV nor NDJSON.
    pub(super) fn foreign(&self) -> Option<ForeignFormat> {
        self.foreign
    }

    /// Whether no row follows.
    pub(super) fn is_at_end(&self) -> bool {
        self.offset >= self.size || matches!(self.kind, FolderFileKind::Ended)
    }

    /// The next row; blank ones are passed over.
    pub(super) fn next(&mut self) -> io::Result<Option<FolderRow>> {
        let row = match &mut self.kind {
            FolderFileKind::Lines(lines) => next_line(lines, self.encoding, self.is_unmarked)?,
            FolderFileKind::Cells(sheet) => next_cells(sheet, self.is_unmarked)?,
            FolderFileKind::Ended => None,
        };
        let Some(mut row) = row else {
            self.kind = FolderFileKind::Ended;
            return Ok(None);
        };
        if matches!(row.bytes, Err("row_without_end")) {
            row.end = self.size;
            self.kind = FolderFileKind::Ended;
        }
        self.number = match self.kind {
            FolderFileKind::Lines(_) => row.line,
            _ => self.number + 1,
        };
        row.number = self.number;
        self.offset = row.end;
        Ok(Some(row))
    }
}

fn next_line(
    lines: &mut TextLines<BufReader<File>>,
    encoding: RowEncoding,
    is_unmarked: bool,
) -> io::Result<Option<FolderRow>> {
    while let Some(line) = lines.next_line()? {
        let bytes = line.bytes.trim_ascii();
        let is_whole = line.extent == LineExtent::Whole;
        if bytes.is_empty() && is_whole {
            continue;
        }
        let text = encoding.decode_without_bom_handling_and_without_replacement(bytes);
        let bytes = match text {
            _ if !is_whole => Err("row_too_long"),
            None => Err("undecodable"),
            Some(text) if is_unmarked && charset::is_doubtful(&text) => Err("doubtful_encoding"),
            Some(text) => Ok(RowParts::Line(text.into())),
        };
        return Ok(Some(FolderRow {
            bytes,
            number: 0,
            line: line.number,
            last_line: line.number,
            end: line.end,
        }));
    }
    Ok(None)
}

fn next_cells(sheet: &mut SheetRows<BufReader<File>>, is_unmarked: bool) -> io::Result<Option<FolderRow>> {
    let Some(row) = sheet.next_row()? else {
        return Ok(None);
    };
    let bytes = match row.cells {
        Ok(_) if is_unmarked && charset::is_doubtful(&row.text) => Err("doubtful_encoding"),
        Ok(cells) => Ok(RowParts::Cells(cells)),
        Err(SheetFault::TooLong) => Err("row_too_long"),
        Err(SheetFault::Undecodable) => Err("undecodable"),
        Err(SheetFault::StrayQuote) => Err("stray_quote"),
        Err(SheetFault::UnclosedQuote) => Err("row_without_end"),
    };
    Ok(Some(FolderRow {
        bytes,
        number: 0,
        line: row.line,
        last_line: row.last_line,
        end: row.end,
    }))
}
