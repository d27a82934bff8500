//! Bytes of a file as UTF-8, whatever of UTF-8, GB18030 or UTF-16 they were written in.
//! The choice falls at the first byte that is not ASCII, with the next megabyte in sight: a long ASCII head settles nothing.

use std::io::{self, Read};

use clap::ValueEnum;
use encoding_rs::{Decoder, DecoderResult, GB18030, UTF_8, UTF_16BE, UTF_16LE};

/// How a file's characters are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FileCharset {
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

/// Marks an `io::Error`: no encoding fits, a person must say.
#[derive(Debug, thiserror::Error)]
#[error("cannot detect the encoding; name it with --encoding")]
pub(crate) struct UndecidedCharset;

/// A reader of UTF-8. What cannot be decoded becomes U+FFFD, for the rows' reader to refuse.
pub(crate) struct DecodedReader<R> {
    inner: R,
    raw: Vec<u8>,
    taken: usize,
    text: Vec<u8>,
    given: usize,
    state: DecoderState,
    at_end: bool,
}

enum DecoderState {
    Start(Option<FileCharset>),
    AsciiSoFar,
    Decoding(Decoder),
    Done,
}

/// Bytes in sight when the choice falls.
const SIGHT_BYTES: usize = 1 << 20;
const PIECE_BYTES: usize = 1 << 16;

impl<R: Read> DecodedReader<R> {
    /// Reads `inner` as `charset`, or as what it seems to be.
    pub(crate) fn new(inner: R, charset: Option<FileCharset>) -> Self {
        let state = DecoderState::Start(charset);
        Self {
            inner,
            raw: Vec::new(),
            taken: 0,
            text: Vec::new(),
            given: 0,
            state,
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
                DecoderState::Start(charset) => {
                    let charset = *charset;
                    self.start(charset)?;
                }
                DecoderState::AsciiSoFar => self.pass_ascii()?,
                DecoderState::Decoding(_) => self.decode()?,
                DecoderState::Done => return Ok(()),
            }
        }
        Ok(())
    }

    /// A byte order mark decides, whatever was asked for.
    fn start(&mut self, charset: Option<FileCharset>) -> io::Result<()> {
        self.fetch(4)?;
        let (marked, length) = match self.raw.as_slice() {
            [0xef, 0xbb, 0xbf, ..] => (Some(FileCharset::Utf8), 3),
            [0x84, 0x31, 0x95, 0x33, ..] => (Some(FileCharset::Gb18030), 4),
            [0xff, 0xfe, ..] => (Some(FileCharset::Utf16Le), 2),
            [0xfe, 0xff, ..] => (Some(FileCharset::Utf16Be), 2),
            _ => (None, 0),
        };
        self.taken = length;
        self.state = match marked.or(charset) {
            Some(charset) => DecoderState::Decoding(decoder(charset)),
            None => DecoderState::AsciiSoFar,
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
            self.fetch(SIGHT_BYTES)?;
            let charset = guess(&self.raw, !self.at_end)
                .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, UndecidedCharset))?;
            self.state = DecoderState::Decoding(decoder(charset));
        } else if self.at_end {
            self.state = DecoderState::Done;
        }
        Ok(())
    }

    fn decode(&mut self) -> io::Result<()> {
        self.fetch(1)?;
        let DecoderState::Decoding(decoder) = &mut self.state else {
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
            self.state = DecoderState::Done;
        }
        Ok(())
    }
}

impl<R: Read> Read for DecodedReader<R> {
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

fn decoder(charset: FileCharset) -> Decoder {
    let encoding = match charset {
        FileCharset::Utf8 => UTF_8,
        FileCharset::Gb18030 => GB18030,
        FileCharset::Utf16Le => UTF_16LE,
        FileCharset::Utf16Be => UTF_16BE,
    };
    encoding.new_decoder_without_bom_handling()
}

/// What bytes that are not all ASCII seem to be. A few damaged characters do not change the answer: nearly all of UTF-8
/// also passes as GB18030, so one bad byte must not turn a whole file into other characters. Characters of two bytes speak
/// for neither: GB 2312 text, read one byte off, is full of them.
fn guess(bytes: &[u8], more_follows: bool) -> Option<FileCharset> {
    let (mut good, mut bad) = (0_usize, 0_usize);
    let mut chunks = bytes.utf8_chunks().peekable();
    while let Some(chunk) = chunks.next() {
        good += chunk.valid().chars().filter(|c| c.len_utf8() > 2).count();
        let cut_off = more_follows && chunks.peek().is_none();
        if !chunk.invalid().is_empty() && !cut_off {
            bad += 1;
        }
    }
    if bad == 0 || good > 9 * bad {
        return Some(FileCharset::Utf8);
    }
    let (good, bad) = count_gb18030(bytes, more_follows);
    (bad == 0 || good > 9 * bad).then_some(FileCharset::Gb18030)
}

/// Characters outside ASCII, and malformed places.
fn count_gb18030(bytes: &[u8], more_follows: bool) -> (usize, usize) {
    let mut decoder = decoder(FileCharset::Gb18030);
    let mut text = [0_u8; 8192];
    let (mut rest, mut good, mut bad) = (bytes, 0, 0);
    loop {
        let (result, read, written) = decoder.decode_to_utf8_without_replacement(rest, &mut text, !more_follows);
        let decoded = std::str::from_utf8(text.get(..written).unwrap_or_default()).unwrap_or_default();
        good += decoded.chars().filter(|c| !c.is_ascii()).count();
        rest = rest.get(read..).unwrap_or_default();
        match result {
            DecoderResult::InputEmpty => return (good, bad),
            DecoderResult::OutputFull => {}
            DecoderResult::Malformed(..) => bad += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], charset: Option<FileCharset>) -> io::Result<String> {
        let mut text = String::new();
        DecodedReader::new(bytes, charset).read_to_string(&mut text)?;
        Ok(text)
    }

    fn gb18030(text: &str) -> Vec<u8> {
        GB18030.encode(text).0.into_owned()
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
        assert!(read(&bytes, Some(FileCharset::Gb18030)).is_ok());
    }

    #[test]
    fn a_character_split_by_the_end_of_sight_is_no_damage() {
        let text = "号".repeat(SIGHT_BYTES);
        assert!(read(text.as_bytes(), None).unwrap() == text);
        let bytes = gb18030(&text);
        assert!(read(&bytes, None).unwrap() == text);
    }
}
