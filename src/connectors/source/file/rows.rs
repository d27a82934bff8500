//! Rows of a file as bytes, with the byte at which each ends: there the next batch begins.
//! Rows are split before they are decoded. That is sound in UTF-8 and in GB 18030: no byte of a longer character there is
//! a line feed, a quotation mark, a comma, a semicolon or a tab (GB 18030-2022 §5: second bytes from 0x30, 0x3b is none).

use std::{
    cell::Cell,
    fs::File,
    io::{self, BufRead as _, BufReader, Read, Seek as _, SeekFrom},
    path::Path,
    rc::Rc,
};

use crate::source::config::{FileConfig, FileFormat, TextEncoding};

/// One row: its parts as they stand, or why it is none.
pub(super) struct FolderRow {
    pub(super) bytes: Result<RowParts, &'static str>,
    /// From 1. NDJSON: the line. CSV: the row, the header being the first.
    pub(super) number: u64,
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
    header: Option<Vec<String>>,
    row_bytes_max: u64,
    number: u64,
    size: u64,
    offset: u64,
}

enum FolderFileKind {
    Lines(BufReader<File>),
    Cells(Box<SheetReader>),
    /// Nothing more can be read from it.
    Ended,
}

struct SheetReader {
    reader: csv::Reader<LineGuard>,
    /// Byte of the file at which `reader` began.
    base: u64,
    since_row: Rc<Cell<u64>>,
    cells: csv::ByteRecord,
}

type RowEncoding = &'static encoding_rs::Encoding;

/// Bytes that the CSV reader takes at once.
const BUFFER_BYTES: usize = 8 << 10;

impl FolderRows {
    /// Opens a file at `offset`, before which `number` rows lie.
    pub(super) fn open(path: &Path, config: &FileConfig, offset: u64, number: u64) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let size = file.metadata()?.len();
        let (encoding, mark) = encoding_of(&mut file, config.encoding)?;
        let row_bytes_max = config.row_bytes_max as u64;
        let mut rows = Self {
            kind: FolderFileKind::Ended,
            encoding,
            header: None,
            row_bytes_max,
            number,
            size,
            offset: offset.max(mark),
        };
        match config.format {
            FileFormat::Ndjson => {
                file.seek(SeekFrom::Start(rows.offset))?;
                rows.kind = FolderFileKind::Lines(BufReader::new(file));
            }
            FileFormat::Csv => rows.open_sheet(file, mark)?,
        }
        Ok(rows)
    }

    fn open_sheet(&mut self, mut file: File, mark: u64) -> io::Result<()> {
        file.seek(SeekFrom::Start(mark))?;
        let mut head = Vec::new();
        Read::by_ref(&mut file)
            .take(self.row_bytes_max)
            .read_to_end(&mut head)?;
        let delimiter = delimiter_of(&head);
        let mut sheet = SheetReader::at(file, mark, delimiter, self.row_bytes_max)?;
        let Ok(true) = sheet.read()? else {
            // Empty, or its header has no end: no row is understood.
            return Ok(());
        };
        let cells: Result<Vec<String>, _> = sheet.cells.iter().map(|cell| decode(self.encoding, cell)).collect();
        self.header = cells.ok();
        let behind_header = sheet.end();
        if self.offset < behind_header {
            (self.offset, self.number) = (behind_header, 1);
        }
        self.kind = FolderFileKind::Cells(Box::new(sheet.move_to(self.offset, delimiter, self.row_bytes_max)?));
        Ok(())
    }

    /// The cells of the first row of a CSV file; `None`: NDJSON, or there is none that can be read.
    pub(super) fn header(&self) -> Option<&[String]> {
        self.header.as_deref()
    }

    /// Whether no row follows.
    pub(super) fn is_at_end(&self) -> io::Result<bool> {
        Ok(self.offset >= self.size || matches!(self.kind, FolderFileKind::Ended))
    }

    /// The next row; blank ones are passed over.
    pub(super) fn next(&mut self) -> io::Result<Option<FolderRow>> {
        match self.kind {
            FolderFileKind::Lines(_) => self.next_line(),
            FolderFileKind::Cells(_) => self.next_cells(),
            FolderFileKind::Ended => Ok(None),
        }
    }

    fn next_line(&mut self) -> io::Result<Option<FolderRow>> {
        let FolderFileKind::Lines(reader) = &mut self.kind else {
            return Ok(None);
        };
        loop {
            let mut line = Vec::new();
            let read = reader
                .by_ref()
                .take(self.row_bytes_max + 1)
                .read_until(b'\n', &mut line)?;
            if read == 0 {
                self.kind = FolderFileKind::Ended;
                return Ok(None);
            }
            self.number += 1;
            self.offset += read as u64;
            let too_long = line.last() != Some(&b'\n') && read as u64 > self.row_bytes_max;
            if too_long {
                self.offset += reader.skip_until(b'\n')? as u64;
            }
            let line = line.trim_ascii();
            if line.is_empty() && !too_long {
                continue;
            }
            let bytes = if too_long {
                Err("row_too_long")
            } else {
                decode(self.encoding, line).map(|text| RowParts::Line(text.into()))
            };
            return Ok(Some(FolderRow {
                bytes,
                number: self.number,
                end: self.offset,
            }));
        }
    }

    fn next_cells(&mut self) -> io::Result<Option<FolderRow>> {
        loop {
            let FolderFileKind::Cells(sheet) = &mut self.kind else {
                return Ok(None);
            };
            let bytes = match sheet.read()? {
                Ok(false) => {
                    self.kind = FolderFileKind::Ended;
                    return Ok(None);
                }
                Ok(true) if sheet.cells.iter().all(|cell| cell.trim_ascii().is_empty()) => None,
                Ok(true) if sheet.cells.as_slice().len() as u64 > self.row_bytes_max => Some(Err("row_too_long")),
                Ok(true) => {
                    let cells: Result<Vec<String>, _> =
                        sheet.cells.iter().map(|cell| decode(self.encoding, cell)).collect();
                    Some(cells.map(RowParts::Cells))
                }
                // Either a very long row, or a quotation mark without its partner. What follows could be the inside of a
                // cell, which somebody else wrote: it is not read as rows.
                Err(EndlessLine) => Some(Err("row_without_end")),
            };
            let without_end = matches!(bytes, Some(Err("row_without_end")));
            self.number += 1;
            self.offset = if without_end { self.size } else { sheet.end() };
            if without_end {
                self.kind = FolderFileKind::Ended;
            }
            if let Some(bytes) = bytes {
                return Ok(Some(FolderRow {
                    bytes,
                    number: self.number,
                    end: self.offset,
                }));
            }
        }
    }
}

/// The encoding of a file, and the length of its byte order mark, which overrides what is configured.
fn encoding_of(file: &mut File, configured: TextEncoding) -> io::Result<(RowEncoding, u64)> {
    let mut head = Vec::new();
    Read::by_ref(file).take(4).read_to_end(&mut head)?;
    let encoding = match head.as_slice() {
        [0xef, 0xbb, 0xbf, ..] => (encoding_rs::UTF_8, 3),
        [0x84, 0x31, 0x95, 0x33] => (encoding_rs::GB18030, 4),
        _ => match configured {
            TextEncoding::Utf8 => (encoding_rs::UTF_8, 0),
            TextEncoding::Gb18030 => (encoding_rs::GB18030, 0),
        },
    };
    Ok(encoding)
}

fn decode(encoding: RowEncoding, bytes: &[u8]) -> Result<String, &'static str> {
    encoding
        .decode_without_bom_handling_and_without_replacement(bytes)
        .map(std::borrow::Cow::into_owned)
        .ok_or("undecodable")
}

/// The one of comma, tab and semicolon that the header row has most of.
pub fn delimiter_of(head: &[u8]) -> u8 {
    let lines = head.split(|byte| *byte == b'\n');
    let row = lines
        .into_iter()
        .find(|row| !row.trim_ascii().is_empty())
        .unwrap_or_default();
    let count = |delimiter: u8| row.iter().filter(|byte| **byte == delimiter).count();
    let most = [b';', b'\t', b',']
        .into_iter()
        .max_by_key(|delimiter| count(*delimiter));
    most.unwrap_or(b',')
}

/// A row whose end is too far away.
struct EndlessLine;

/// Stops a CSV reader that looks for the end of one row for too long.
struct LineGuard {
    inner: File,
    since_row: Rc<Cell<u64>>,
    bytes_max: u64,
    /// Whether the limit was met: the reader wraps the error, and this is surer than to unwrap it.
    met: Rc<Cell<LineMet>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum LineMet {
    No,
    Yes,
}

impl Read for LineGuard {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.since_row.get() > self.bytes_max {
            self.met.set(LineMet::Yes);
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let read = self.inner.read(out)?;
        self.since_row.set(self.since_row.get() + read as u64);
        Ok(read)
    }
}

impl SheetReader {
    fn at(mut file: File, base: u64, delimiter: u8, row_bytes_max: u64) -> io::Result<Self> {
        file.seek(SeekFrom::Start(base))?;
        let since_row = Rc::new(Cell::new(0));
        let guard = LineGuard {
            inner: file,
            since_row: Rc::clone(&since_row),
            // The reader runs ahead of the row by its buffer.
            bytes_max: row_bytes_max + BUFFER_BYTES as u64,
            met: Rc::new(Cell::new(LineMet::No)),
        };
        let mut builder = csv::ReaderBuilder::new();
        let reader = builder
            .flexible(true)
            .has_headers(false)
            .delimiter(delimiter)
            .buffer_capacity(BUFFER_BYTES)
            .from_reader(guard);
        Ok(Self {
            reader,
            base,
            since_row,
            cells: csv::ByteRecord::new(),
        })
    }

    /// The same file from another byte on.
    fn move_to(self, offset: u64, delimiter: u8, row_bytes_max: u64) -> io::Result<Self> {
        Self::at(self.reader.into_inner().inner, offset, delimiter, row_bytes_max)
    }

    /// Reads one row into `cells`; `Ok(Ok(false))`: there is none.
    fn read(&mut self) -> io::Result<Result<bool, EndlessLine>> {
        self.since_row.set(0);
        let found = self.reader.read_byte_record(&mut self.cells);
        if self.reader.get_ref().met.get() == LineMet::Yes {
            return Ok(Err(EndlessLine));
        }
        found.map(Ok).map_err(|error| match error.into_kind() {
            csv::ErrorKind::Io(error) => error,
            _ => io::ErrorKind::InvalidData.into(),
        })
    }

    /// Byte of the file after the row that was read last.
    fn end(&self) -> u64 {
        self.base + self.reader.position().byte()
    }
}
