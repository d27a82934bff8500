//! Rows and cells of a CSV file (RFC 4180, and what offices make of it), from its lines. A row that is wrong costs no other, but
//! for one: behind a quotation mark that is never closed nothing is read, because that could be the inside of a cell, which
//! somebody else wrote.

use std::{
    collections::VecDeque,
    io::{self, BufRead},
};

use encoding_rs::Encoding;

use super::lines::{LineExtent, TextLine, TextLines};

/// One row.
pub struct SheetRow {
    /// Line on which it begins, from 1.
    pub line: u64,
    /// Last line of it.
    pub last_line: u64,
    /// Byte after it.
    pub end: u64,
    /// Its cells as they stand, or why there are none.
    pub cells: Result<Vec<String>, SheetFault>,
    /// The row as text; the head of a long one.
    pub text: String,
}

/// Why a row has no cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SheetFault {
    /// Longer than a row may be.
    TooLong,
    /// Bytes that are no character of the encoding, or U+FFFD, which stands for a lost one.
    Undecodable,
    /// Text behind the closing quotation mark of a cell.
    StrayQuote,
    /// A quotation mark without its partner; no row follows.
    UnclosedQuote,
}

/// Rows of a sheet.
pub struct SheetRows<R> {
    lines: TextLines<R>,
    /// Lines that were read ahead.
    ahead: VecDeque<TextLine>,
    encoding: &'static Encoding,
    delimiter: char,
    row_bytes_max: usize,
    at_end: bool,
}

impl<R: BufRead> SheetRows<R> {
    /// Rows of `lines`, whose cells stand between `delimiter`s; `ahead` were read of them before.
    pub fn new(
        lines: TextLines<R>,
        ahead: VecDeque<TextLine>,
        encoding: &'static Encoding,
        delimiter: char,
        row_bytes_max: usize,
    ) -> Self {
        Self {
            lines,
            ahead,
            encoding,
            delimiter,
            row_bytes_max,
            at_end: false,
        }
    }

    fn line(&mut self) -> io::Result<Option<TextLine>> {
        match self.ahead.pop_front() {
            Some(line) => Ok(Some(line)),
            None => self.lines.next_line(),
        }
    }

    /// The next row that is not blank; `None`: there is none.
    ///
    /// # Errors
    /// The reader cannot be read on.
    pub fn next_row(&mut self) -> io::Result<Option<SheetRow>> {
        while !self.at_end {
            let Some(first) = self.line()? else {
                self.at_end = true;
                break;
            };
            if first.extent == LineExtent::Whole && first.bytes.trim_ascii().is_empty() {
                continue;
            }
            let row = self.row(first)?;
            let is_blank = |cells: &Vec<String>| cells.iter().all(|cell| super::marks::trimmed(cell).is_empty());
            if !row.cells.as_ref().is_ok_and(is_blank) {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }

    /// The row that begins with a line.
    fn row(&mut self, first: TextLine) -> io::Result<SheetRow> {
        let mut splitter = CellSplitter::new(self.delimiter);
        let mut row = SheetRow {
            line: first.number,
            last_line: first.number,
            end: first.end,
            cells: Err(SheetFault::UnclosedQuote),
            text: String::new(),
        };
        let (mut bytes, mut is_lossy, mut behind) = (0, false, VecDeque::new());
        let mut next = Some(first);
        while let Some(line) = next {
            bytes += line.bytes.len();
            let (text, _) = self.encoding.decode_without_bom_handling(&line.bytes);
            if line.extent != LineExtent::Whole {
                let goes_on = splitter.is_in_quotes() || line.extent == LineExtent::HeadInQuotes;
                return Ok(self.ended(row, &line, &text, goes_on));
            }
            if bytes > self.row_bytes_max {
                break;
            }
            is_lossy |= text.contains('\u{fffd}');
            if line.number == row.line {
                row.text = text.clone().into_owned();
            }
            let state = splitter.take(&text);
            if line.number != row.line {
                behind.push_back(line);
            }
            match state {
                SplitState::Stray => {
                    // What the first line opened was closed by another cell's mark: that line alone is wrong.
                    self.give_back(behind);
                    row.cells = Err(SheetFault::StrayQuote);
                    return Ok(row);
                }
                SplitState::Whole => {
                    for line in &behind {
                        row.text.push('\n');
                        row.text
                            .push_str(&self.encoding.decode_without_bom_handling(&line.bytes).0);
                        (row.last_line, row.end) = (line.number, line.end);
                    }
                    row.cells = if is_lossy {
                        Err(SheetFault::Undecodable)
                    } else {
                        Ok(splitter.cells)
                    };
                    return Ok(row);
                }
                SplitState::InQuotes => {}
            }
            next = self.line()?;
        }
        self.at_end = true;
        Ok(row)
    }

    /// The row that a line ended which is too long.
    fn ended(&mut self, mut row: SheetRow, line: &TextLine, text: &str, goes_on: bool) -> SheetRow {
        if row.text.is_empty() {
            row.text = text.to_owned();
        }
        (row.last_line, row.end) = (line.number, line.end);
        if goes_on {
            self.at_end = true;
        } else {
            row.cells = Err(SheetFault::TooLong);
        }
        row
    }

    fn give_back(&mut self, lines: VecDeque<TextLine>) {
        for line in lines.into_iter().rev() {
            self.ahead.push_front(line);
        }
    }
}

/// How far a row has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SplitState {
    /// It ended with the line.
    Whole,
    /// A quotation mark is open.
    InQuotes,
    /// Something follows a closing quotation mark.
    Stray,
}

/// Splits lines into cells.
pub(super) struct CellSplitter {
    delimiter: char,
    pub(super) cells: Vec<String>,
    cell: String,
    in_quotes: bool,
}

impl CellSplitter {
    pub(super) fn new(delimiter: char) -> Self {
        Self {
            delimiter,
            cells: Vec::new(),
            cell: String::new(),
            in_quotes: false,
        }
    }

    fn is_in_quotes(&self) -> bool {
        self.in_quotes
    }

    /// Takes one line of the row.
    pub(super) fn take(&mut self, line: &str) -> SplitState {
        let mut rest = line;
        if self.in_quotes {
            match self.quoted(rest) {
                Ok(Some(behind)) => rest = behind,
                Ok(None) => return SplitState::InQuotes,
                Err(stray) => return stray,
            }
            match self.behind_cell(rest) {
                Some(behind) => rest = behind,
                None => return SplitState::Whole,
            }
        }
        loop {
            let text = rest.trim_start_matches(|c: char| c != self.delimiter && (c == ' ' || c == '\t'));
            let mark = text.strip_prefix('"').or_else(|| text.strip_prefix("=\""));
            if let Some(inside) = mark {
                match self.quoted(inside) {
                    Ok(Some(behind)) => rest = behind,
                    Ok(None) => return SplitState::InQuotes,
                    Err(stray) => return stray,
                }
            } else if let Some((cell, behind)) = self.in_typed_quotes(text) {
                self.cell.push_str(cell);
                rest = behind;
            } else {
                let end = rest.find(self.delimiter).unwrap_or(rest.len());
                let (cell, behind) = rest.split_at(end);
                self.cell.push_str(cell);
                rest = behind;
            }
            match self.behind_cell(rest) {
                Some(behind) => rest = behind,
                None => return SplitState::Whole,
            }
        }
    }

    /// Ends the cell; what follows its delimiter, if one follows.
    fn behind_cell<'t>(&mut self, rest: &'t str) -> Option<&'t str> {
        self.cells.push(std::mem::take(&mut self.cell));
        rest.strip_prefix(self.delimiter)
    }

    /// Reads on inside quotation marks; what follows them on the line, `None` where they are still open at its end.
    fn quoted<'t>(&mut self, text: &'t str) -> Result<Option<&'t str>, SplitState> {
        let mut rest = text;
        self.in_quotes = true;
        while let Some((inside, behind)) = rest.split_once('"') {
            self.cell.push_str(inside);
            if let Some(more) = behind.strip_prefix('"') {
                self.cell.push('"');
                rest = more;
                continue;
            }
            self.in_quotes = false;
            let delimiter = self.delimiter;
            let after = behind.trim_start_matches(|c: char| c != delimiter && (c == ' ' || c == '\t'));
            let is_sound = after.is_empty() || after.starts_with(delimiter);
            return if is_sound {
                Ok(Some(after))
            } else {
                Err(SplitState::Stray)
            };
        }
        self.cell.push_str(rest);
        self.cell.push('\n');
        Ok(None)
    }

    /// A cell between the quotation marks of a typist, “…”, where they enclose all of it.
    fn in_typed_quotes<'t>(&self, text: &'t str) -> Option<(&'t str, &'t str)> {
        let inside = text.strip_prefix(['“', '”', '＂'])?;
        let end = inside.find(['”', '“', '＂'])?;
        let (cell, behind) = inside.split_at(end);
        let behind = behind.get(behind.chars().next().map_or(0, char::len_utf8)..)?;
        let behind = behind.trim_start_matches(|c: char| c != self.delimiter && c == ' ');
        (behind.is_empty() || behind.starts_with(self.delimiter)).then_some((cell, behind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str, delimiter: char, max: usize) -> Vec<(u64, Result<Vec<String>, SheetFault>)> {
        let lines = TextLines::new(text.as_bytes(), 0, 0, max);
        let mut sheet = SheetRows::new(lines, VecDeque::new(), encoding_rs::UTF_8, delimiter, max);
        std::iter::from_fn(|| sheet.next_row().unwrap())
            .map(|row| (row.line, row.cells))
            .collect()
    }

    fn one(text: &str, delimiter: char) -> Vec<String> {
        rows(text, delimiter, 1000).remove(0).1.unwrap()
    }

    #[test]
    fn cells_stand_between_delimiters_and_in_quotes() {
        assert_eq!(one("a,b,", ','), ["a", "b", ""]);
        assert_eq!(one("\"a,1\", \"b \"\"x\"\"\" ,c\"d", ','), ["a,1", "b \"x\"", "c\"d"]);
        assert_eq!(one("\"a\nb\",c", ','), ["a\nb", "c"]);
        assert_eq!(one("a，\"b，1\"，c", '，'), ["a", "b，1", "c"]);
        assert_eq!(one("a\t\tc", '\t'), ["a", "", "c"]);
        assert_eq!(one("=\"0012,3\",x", ','), ["0012,3", "x"]);
        assert_eq!(one("\"=\"\"0012\"\"\",x", ','), ["=\"0012\"", "x"]);
        assert_eq!(one("“张,三”,“四”,”五”,“六”路", ','), ["张,三", "四", "五", "“六”路"]);
    }

    #[test]
    fn a_row_that_is_wrong_costs_no_other() {
        let long = "x".repeat(5000);
        let text = format!("a,b\n\n1,\"张三,1\n2,\"李四\",2\n3,{long}\n4,\"x\"y\n5,z\n,,\n6,\u{fffd}\n7,\"a\n");
        let seen = rows(&text, ',', 1000);
        let seen: Vec<(u64, Result<usize, SheetFault>)> = seen
            .into_iter()
            .map(|(line, cells)| (line, cells.map(|cells| cells.len())))
            .collect();
        assert_eq!(
            seen,
            [
                (1, Ok(2)),
                (3, Err(SheetFault::StrayQuote)),
                (4, Ok(3)),
                (5, Err(SheetFault::TooLong)),
                (6, Err(SheetFault::StrayQuote)),
                (7, Ok(2)),
                (9, Err(SheetFault::Undecodable)),
                (10, Err(SheetFault::UnclosedQuote)),
            ]
        );
    }

    #[test]
    fn nothing_is_read_behind_a_quotation_mark_without_its_partner() {
        let inside = "666,假\n".repeat(300);
        let seen = rows(&format!("a,b\n1,\"{inside}\",x\n3,c\n"), ',', 1000);
        assert_eq!(seen.len(), 2);
        assert_eq!(seen[1], (2, Err(SheetFault::UnclosedQuote)));
    }
}
