//! Lines of text in bytes, ended by LF, CRLF or CR alike, each with its number and the byte after it.
//! A line has a longest length: of a longer one the head is kept, and whether its quotation marks come in pairs.

use std::io::{self, BufRead};

/// One line without its end.
pub struct TextLine {
    /// The line, or the head of one that is too long.
    pub bytes: Vec<u8>,
    /// Its number, from 1.
    pub number: u64,
    /// Byte after its end.
    pub end: u64,
    /// What is left of it.
    pub extent: LineExtent,
}

/// Whether all of a line was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineExtent {
    /// All of it.
    Whole,
    /// Only its head; its quotation marks come in pairs.
    Head,
    /// Only its head; a quotation mark is left without a partner.
    HeadInQuotes,
}

/// Reads lines.
pub struct TextLines<R> {
    reader: R,
    number: u64,
    offset: u64,
    bytes_max: usize,
}

/// As much of a line that is too long is kept, for the person who must find it.
pub const HEAD_KEPT_BYTES: usize = 4096;

/// What DOS wrote at the end of a file.
const SUBSTITUTE: u8 = 0x1a;

impl<R: BufRead> TextLines<R> {
    /// Lines of `reader`, which stands behind line `number` at byte `offset`.
    pub fn new(reader: R, number: u64, offset: u64, bytes_max: usize) -> Self {
        Self {
            reader,
            number,
            offset,
            bytes_max,
        }
    }

    /// The next line; `None`: there is none.
    ///
    /// # Errors
    /// The reader cannot be read on.
    pub fn next_line(&mut self) -> io::Result<Option<TextLine>> {
        let mut line = TextLine {
            bytes: Vec::new(),
            number: self.number + 1,
            end: 0,
            extent: LineExtent::Whole,
        };
        let (mut length, mut in_quotes) = (0_u64, false);
        let ended = loop {
            let piece = match self.reader.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            };
            if piece.is_empty() {
                break false;
            }
            let end = piece.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let part = piece.get(..end.unwrap_or(piece.len())).unwrap_or_default();
            let room = self.bytes_max.saturating_sub(line.bytes.len());
            if line.extent == LineExtent::Whole && part.len() > room {
                line.extent = LineExtent::Head;
                in_quotes = odd_quotes(&line.bytes);
            }
            if line.extent == LineExtent::Whole {
                line.bytes.extend_from_slice(part);
            } else {
                let missing = HEAD_KEPT_BYTES.saturating_sub(line.bytes.len());
                line.bytes
                    .extend_from_slice(part.get(..missing.min(part.len())).unwrap_or_default());
                in_quotes ^= odd_quotes(part);
            }
            length += part.len() as u64;
            let terminator = end.and_then(|end| piece.get(end)).copied();
            let used = part.len() + usize::from(terminator.is_some());
            self.reader.consume(used);
            if let Some(terminator) = terminator {
                length += 1;
                length += u64::from(terminator == b'\r' && self.skip_line_feed()?);
                break true;
            }
        };
        if !ended && length == 0 {
            return Ok(None);
        }
        if !ended {
            let kept = line.bytes.iter().rposition(|byte| *byte != SUBSTITUTE);
            line.bytes.truncate(kept.map_or(0, |last| last + 1));
        }
        if line.extent != LineExtent::Whole {
            line.bytes.truncate(HEAD_KEPT_BYTES);
            if in_quotes {
                line.extent = LineExtent::HeadInQuotes;
            }
        }
        self.number += 1;
        self.offset += length;
        line.end = self.offset;
        Ok(Some(line))
    }

    /// Passes over the LF of a CRLF.
    fn skip_line_feed(&mut self) -> io::Result<bool> {
        loop {
            let next = match self.reader.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other?.first().copied(),
            };
            let is_line_feed = next == Some(b'\n');
            self.reader.consume(usize::from(is_line_feed));
            return Ok(is_line_feed);
        }
    }
}

fn odd_quotes(bytes: &[u8]) -> bool {
    bytes.iter().filter(|byte| **byte == b'"').count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    fn read(bytes: &[u8], buffer: usize, max: usize) -> Vec<(u64, u64, String, LineExtent)> {
        let mut lines = TextLines::new(BufReader::with_capacity(buffer, bytes), 0, 0, max);
        std::iter::from_fn(|| lines.next_line().unwrap())
            .map(|line| {
                let text = String::from_utf8(line.bytes).unwrap();
                (line.number, line.end, text, line.extent)
            })
            .collect()
    }

    #[test]
    fn every_kind_of_line_end_counts_alike() {
        for (end, width) in [("\n", 1), ("\r\n", 2), ("\r", 1)] {
            let text = ["a", "", "b", "c"].join(end) + end;
            for buffer in 1..8 {
                let lines = read(text.as_bytes(), buffer, 100);
                let seen: Vec<(u64, &str)> = lines.iter().map(|line| (line.0, line.2.as_str())).collect();
                assert_eq!(seen, [(1, "a"), (2, ""), (3, "b"), (4, "c")], "{end:?} {buffer}");
                assert_eq!(lines[0].1, 1 + width);
                assert_eq!(lines[3].1, text.len() as u64);
            }
        }
    }

    #[test]
    fn the_end_mark_of_dos_is_no_line_and_part_of_none() {
        let lines = read(b"a\r\nb\x1a\x1a", 4, 100);
        assert_eq!(lines[1].2, "b");
        let lines = read(b"a\r\n\x1a", 4, 100);
        assert_eq!((lines.len(), lines[1].2.as_str()), (2, ""));
    }

    #[test]
    fn a_line_that_is_too_long_keeps_its_head_and_costs_no_other() {
        let text = format!("a\n{}\nb\n{}\"x\nc", "x".repeat(50_000), "y".repeat(60));
        let lines = read(text.as_bytes(), 16, 40);
        let extents: Vec<_> = lines.iter().map(|line| (line.0, line.3)).collect();
        assert_eq!(
            extents,
            [
                (1, LineExtent::Whole),
                (2, LineExtent::Head),
                (3, LineExtent::Whole),
                (4, LineExtent::HeadInQuotes),
                (5, LineExtent::Whole)
            ]
        );
        assert_eq!(lines[1].2.len(), HEAD_KEPT_BYTES);
        assert_eq!(lines[4].1, text.len() as u64);
    }
}
