//! Bytes of a file as UTF-8, whatever of UTF-8, GB 18030 or UTF-16 they were written in.
//! The choice falls at the first byte that is not ASCII, with the next megabyte in sight: a long ASCII head settles nothing.

use std::io::{self, Read};

use encoding_rs::Decoder;

use super::{
    charset::{self, Charset},
    foreign::ForeignFormat,
};

/// A reader of UTF-8. What cannot be decoded becomes U+FFFD, for the rows' reader to refuse. An error carries a
/// [`charset::CharsetDoubt`] or a [`ForeignFormat`] where that is the reason.
pub struct DecodedText<R> {
    inner: R,
    raw: Vec<u8>,
    taken: usize,
    text: Vec<u8>,
    given: usize,
    state: DecodeState,
    at_end: bool,
}

enum DecodeState {
    Start(Option<Charset>),
    AsciiSoFar,
    Decoding(Decoder),
    Done,
}

/// Bytes in sight when the choice falls.
const SIGHT_BYTES: usize = 1 << 20;
/// Bytes in which the format of a file is looked for.
const HEAD_BYTES: usize = 4096;
const PIECE_BYTES: usize = 1 << 16;

fn refusal(reason: impl std::error::Error + Send + Sync + 'static) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

impl<R: Read> DecodedText<R> {
    /// Reads `inner` as `charset`, or as what it seems to be.
    pub fn new(inner: R, charset: Option<Charset>) -> Self {
        Self {
            inner,
            raw: Vec::new(),
            taken: 0,
            text: Vec::new(),
            given: 0,
            state: DecodeState::Start(charset),
            at_end: false,
        }
    }

    /// Has at least `wanted` bytes that are not decoded yet, or all there are.
    fn fetch(&mut self, wanted: usize) -> io::Result<()> {
        self.raw.drain(..self.taken);
        self.taken = 0;
        while self.raw.len() < wanted && !self.at_end {
            let have = self.raw.len();
            self.raw.resize(have + PIECE_BYTES, 0);
            let read = match self.raw.get_mut(have..) {
                Some(room) => self.inner.read(room),
                None => Ok(0),
            };
            let kept = if matches!(&read, Err(error) if error.kind() == io::ErrorKind::Interrupted) {
                Ok(None)
            } else {
                read.map(Some)
            };
            self.raw.truncate(have + kept.as_ref().map_or(0, |n| n.unwrap_or(0)));
            self.at_end = kept? == Some(0);
        }
        Ok(())
    }

    /// Makes more text; leaves it empty only at the end.
    fn refill(&mut self) -> io::Result<()> {
        self.text.clear();
        self.given = 0;
        while self.text.is_empty() {
            match &self.state {
                DecodeState::Start(charset) => {
                    let charset = *charset;
                    self.start(charset)?;
                }
                DecodeState::AsciiSoFar => self.pass_ascii()?,
                DecodeState::Decoding(_) => self.decode()?,
                DecodeState::Done => return Ok(()),
            }
        }
        Ok(())
    }

    /// A byte order mark decides, whatever was asked for.
    fn start(&mut self, charset: Option<Charset>) -> io::Result<()> {
        // What came with the first bytes is in sight: a slow pipe is not waited for.
        self.fetch(4)?;
        let head = self.raw.get(..self.raw.len().min(HEAD_BYTES)).unwrap_or_default();
        if let Some(format) = ForeignFormat::of(head) {
            return Err(refusal(format));
        }
        let marked = Charset::marked(head);
        self.taken = marked.map_or(0, |(_, length)| length);
        let marked = marked.map(|(charset, _)| charset);
        let charset = marked.or(charset).or_else(|| Charset::utf16_without_mark(head));
        self.state = match charset {
            Some(charset) => DecodeState::Decoding(charset.encoding().new_decoder_without_bom_handling()),
            None => DecodeState::AsciiSoFar,
        };
        Ok(())
    }

    fn pass_ascii(&mut self) -> io::Result<()> {
        self.fetch(1)?;
        let other = self.raw.iter().position(|byte| !byte.is_ascii());
        let ascii = other.unwrap_or(self.raw.len());
        self.text.extend_from_slice(self.raw.get(..ascii).unwrap_or_default());
        self.taken = ascii;
        if other.is_some() {
            // What was read of the ASCII before stays in sight: a letter beside a character is evidence.
            let before = self.text.last().copied();
            self.fetch(SIGHT_BYTES)?;
            let sight: Vec<u8> = before.into_iter().chain(self.raw.iter().copied()).collect();
            let charset = charset::guess(&sight, !self.at_end).map_err(refusal)?;
            self.state = DecodeState::Decoding(charset.encoding().new_decoder_without_bom_handling());
        } else if self.at_end {
            self.state = DecodeState::Done;
        }
        Ok(())
    }

    fn decode(&mut self) -> io::Result<()> {
        self.fetch(1)?;
        let DecodeState::Decoding(decoder) = &mut self.state else {
            return Ok(());
        };
        let piece = self.raw.get(..self.raw.len().min(PIECE_BYTES)).unwrap_or_default();
        let last = self.at_end && piece.len() == self.raw.len();
        self.text.resize(
            decoder.max_utf8_buffer_length(piece.len()).unwrap_or(4 * PIECE_BYTES),
            0,
        );
        let (_result, read, written, _replaced) = decoder.decode_to_utf8(piece, &mut self.text, last);
        self.text.truncate(written);
        self.taken = read;
        if last && read == piece.len() {
            self.state = DecodeState::Done;
        }
        Ok(())
    }
}

impl<R: Read> Read for DecodedText<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.given >= self.text.len() {
            self.refill()?;
        }
        let rest = self.text.get(self.given..).unwrap_or_default();
        let count = rest.len().min(out.len());
        for (to, from) in out.iter_mut().zip(rest) {
            *to = *from;
        }
        self.given += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], charset: Option<Charset>) -> io::Result<String> {
        let mut text = String::new();
        DecodedText::new(bytes, charset).read_to_string(&mut text)?;
        Ok(text)
    }

    fn gb18030(text: &str) -> Vec<u8> {
        encoding_rs::GB18030.encode(text).0.into_owned()
    }

    #[test]
    fn utf8_gb18030_and_utf16_are_told_apart() {
        let text = "姓名,住址\n王小明,芜湖市镜湖区𠮷祥路2号\n".repeat(50);
        assert_eq!(read(text.as_bytes(), None).unwrap(), text);
        assert_eq!(read(&gb18030(&text), None).unwrap(), text);
        assert_eq!(read(format!("\u{feff}{text}").as_bytes(), None).unwrap(), text);
        let utf16: Vec<u8> = std::iter::once(0xfeff)
            .chain(text.encode_utf16())
            .flat_map(u16::to_le_bytes)
            .collect();
        assert_eq!(read(&utf16, None).unwrap(), text);
        assert_eq!(read(b"", None).unwrap(), "");
        assert_eq!(read(b"plain", None).unwrap(), "plain");
    }

    #[test]
    fn three_megabytes_of_ascii_do_not_settle_the_encoding() {
        let text = format!("{}王小明\n", "0123456\n".repeat(400_000));
        assert_eq!(read(&gb18030(&text), None).unwrap(), text);
        assert_eq!(read(text.as_bytes(), None).unwrap(), text);
    }

    #[test]
    fn one_damaged_byte_does_not_turn_utf8_into_other_characters() {
        let mut bytes = "王小明住在芜湖市镜湖区北京中路\n".repeat(20).into_bytes();
        bytes[4] = 0xff;
        let text = read(&bytes, None).unwrap();
        assert!(text.contains('\u{fffd}') && text.ends_with("芜湖市镜湖区北京中路\n"));
    }

    #[test]
    fn what_fits_nothing_is_left_to_a_person() {
        let bytes: Vec<u8> = [0xff, 0x80, 0xfe, 0x20].repeat(100).into_iter().skip(1).collect();
        assert!(read(&bytes, None).is_err());
        assert!(read(&bytes, Some(Charset::Gb18030)).is_ok());
    }

    #[test]
    fn a_character_split_by_the_end_of_sight_is_no_damage() {
        let text = "号".repeat(SIGHT_BYTES);
        assert!(read(text.as_bytes(), None).unwrap() == text);
        let bytes = gb18030(&text);
        assert!(read(&bytes, None).unwrap() == text);
    }
}
