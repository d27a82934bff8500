//! Which encoding the bytes of a file are in, by evidence. Characters of two bytes speak for neither UTF-8 nor GB 18030: 薛小英
//! in GBK is valid UTF-8 and reads `ѦСӢ` there. Where nothing else is in sight, nothing is guessed: a person says.

use encoding_rs::{DecoderResult, Encoding, GB18030, UTF_8, UTF_16BE, UTF_16LE};

/// How a file's characters are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// UTF-8, with or without a byte order mark.
    Utf8,
    /// GB 18030, including GBK and GB 2312.
    Gb18030,
    /// UTF-16, little endian.
    Utf16Le,
    /// UTF-16, big endian.
    Utf16Be,
}

/// Why no encoding was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CharsetDoubt {
    /// The bytes fit none.
    #[error("the bytes fit no encoding; name it with --encoding")]
    FitsNone,
    /// The bytes fit UTF-8 and GB 18030.
    #[error("the bytes fit UTF-8 and GB 18030; name the encoding with --encoding")]
    FitsBoth,
}

impl Charset {
    /// The encoding in the sense of the decoder.
    pub fn encoding(self) -> &'static Encoding {
        match self {
            Self::Utf8 => UTF_8,
            Self::Gb18030 => GB18030,
            Self::Utf16Le => UTF_16LE,
            Self::Utf16Be => UTF_16BE,
        }
    }

    /// The encoding that a byte order mark states, and the mark's length.
    pub fn marked(head: &[u8]) -> Option<(Self, usize)> {
        match head {
            [0xef, 0xbb, 0xbf, ..] => Some((Self::Utf8, 3)),
            [0x84, 0x31, 0x95, 0x33, ..] => Some((Self::Gb18030, 4)),
            [0xff, 0xfe, ..] => Some((Self::Utf16Le, 2)),
            [0xfe, 0xff, ..] => Some((Self::Utf16Be, 2)),
            _ => None,
        }
    }

    /// UTF-16 without a mark: digits and separators have their zero bytes on one side alone.
    pub fn utf16_without_mark(head: &[u8]) -> Option<Self> {
        let zeros = |from: usize| head.iter().skip(from).step_by(2).filter(|byte| **byte == 0).count();
        let (even, odd) = (zeros(0), zeros(1));
        let enough = |count: usize| count >= 2 && count * 20 >= head.len() / 2;
        let charset = match (even, odd) {
            (0, odd) if enough(odd) => Self::Utf16Le,
            (even, 0) if enough(even) => Self::Utf16Be,
            _ => return None,
        };
        let whole = head.get(..head.len() & !1).unwrap_or_default();
        let decoded = charset.encoding().decode_without_bom_handling(whole).0;
        // The last character may be cut in half.
        let lost = decoded.chars().rev().skip(1).filter(|c| *c == '\u{fffd}').count();
        (lost == 0).then_some(charset)
    }
}

/// What bytes that are not all ASCII are. A few damaged characters do not change the answer: nearly all of UTF-8 also passes as
/// GB 18030, so one bad byte must not turn a whole file into other characters.
///
/// # Errors
/// They fit none, or both.
pub fn guess(bytes: &[u8], more_follows: bool) -> Result<Charset, CharsetDoubt> {
    let (mut good, mut bad, mut narrow) = (0_usize, 0_usize, NarrowCount::default());
    let mut chunks = bytes.utf8_chunks().peekable();
    while let Some(chunk) = chunks.next() {
        good += chunk.valid().chars().filter(|c| c.len_utf8() > 2).count();
        narrow.add(chunk.valid());
        let cut_off = more_follows && chunks.peek().is_none();
        if !chunk.invalid().is_empty() && !cut_off {
            bad += 1;
        }
    }
    if bad == 0 && good == 0 {
        // Only characters of two bytes: Latin letters with marks, or Han in GBK.
        let is_utf8 = narrow.doubtful == 0 || narrow.sure > 9 * narrow.doubtful;
        return if is_utf8 {
            Ok(Charset::Utf8)
        } else {
            Err(CharsetDoubt::FitsBoth)
        };
    }
    if bad == 0 || good > 9 * bad {
        return Ok(Charset::Utf8);
    }
    let (good, bad) = count_gb18030(bytes, more_follows);
    if bad == 0 || good > 9 * bad {
        Ok(Charset::Gb18030)
    } else {
        Err(CharsetDoubt::FitsNone)
    }
}

/// Whether text that was read as UTF-8 holds a word that is Han in GBK and hardly anything in UTF-8.
pub fn is_doubtful(text: &str) -> bool {
    if !text.bytes().any(|byte| (0xC2..=0xDF).contains(&byte)) {
        return false;
    }
    let mut narrow = NarrowCount::default();
    narrow.add(text);
    narrow.doubtful > 0
}

/// Characters of two bytes in UTF-8.
#[derive(Default)]
struct NarrowCount {
    /// Those that hardly can be Han in GBK.
    sure: usize,
    /// Those that can.
    doubtful: usize,
}

impl NarrowCount {
    /// Counts by words: a word of Han in GBK has two characters or more, each of them of GB 2312, and no letter beside it.
    fn add(&mut self, text: &str) {
        let (mut before, mut run, mut is_han) = (' ', 0_usize, true);
        for c in text.chars().chain(std::iter::once(' ')) {
            if matches!(c, '\u{80}'..='\u{7FF}') {
                is_han &= is_common_in_gbk(c) && !(run == 0 && before.is_ascii_alphabetic());
                run += 1;
                continue;
            }
            if run > 0 {
                let beside = c.is_ascii_alphabetic() || c.len_utf8() > 2 || before.len_utf8() > 2;
                if is_han && run > 1 && !beside {
                    self.doubtful += run;
                } else {
                    self.sure += run;
                }
            }
            (before, run, is_han) = (c, 0, true);
        }
    }
}

/// Whether the two bytes of a character are a Han character of GB 2312 as well.
fn is_common_in_gbk(c: char) -> bool {
    let mut bytes = [0; 4];
    matches!(c.encode_utf8(&mut bytes).as_bytes(), [0xC2..=0xDF, 0xA1..=0xBF])
}

/// Characters outside ASCII, and malformed places.
fn count_gb18030(bytes: &[u8], more_follows: bool) -> (usize, usize) {
    let mut decoder = GB18030.new_decoder_without_bom_handling();
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

    fn gbk(text: &str) -> Vec<u8> {
        GB18030.encode(text).0.into_owned()
    }

    #[test]
    fn han_of_two_bytes_that_could_be_utf8_is_not_guessed() {
        for name in ["薛小英", "谢小雪", "谢英", "小英"] {
            let bytes = gbk(&format!("id_number,name\n1,{name}\n"));
            assert!(std::str::from_utf8(&bytes).is_ok(), "{name}: not of this kind");
            assert_eq!(guess(&bytes, false), Err(CharsetDoubt::FitsBoth), "{name}");
        }
    }

    #[test]
    fn evidence_beside_it_decides() {
        let mixed = gbk("id_number,name\n1,薛小英\n2,王小明\n");
        assert_eq!(guess(&mixed, false), Ok(Charset::Gb18030));
        assert_eq!(
            guess(&gbk("公民身份号码,姓名\n1,薛小英\n"), false),
            Ok(Charset::Gb18030)
        );
        assert_eq!(guess("姓名\n薛小英\n".as_bytes(), false), Ok(Charset::Utf8));
        for text in [
            "name\nJosé Núñez\n",
            "name\nИван Петров\n",
            "name\nJosé·María\n",
            "name\nZoë\n",
        ] {
            assert_eq!(guess(text.as_bytes(), false), Ok(Charset::Utf8), "{text}");
        }
    }

    #[test]
    fn a_row_of_gbk_in_a_file_of_utf8_is_doubtful_and_foreign_names_are_not() {
        let row = String::from_utf8(gbk("1,薛小英")).unwrap();
        assert!(is_doubtful(&row));
        for text in [
            "王小明",
            "JOSÉ NÚÑEZ",
            "Ивaнов Пётр",
            "买买提·吐尔逊",
            "25°C",
            "Müller & Söhne",
            "±0.5",
        ] {
            assert!(!is_doubtful(text), "{text}");
        }
    }

    #[test]
    fn utf16_is_found_without_its_mark() {
        let text = "公民身份号码,姓名\r\n340204198006031475,张三\r\n";
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(Charset::utf16_without_mark(&little), Some(Charset::Utf16Le));
        assert_eq!(Charset::utf16_without_mark(&big), Some(Charset::Utf16Be));
        assert_eq!(Charset::utf16_without_mark(text.as_bytes()), None);
        assert_eq!(Charset::utf16_without_mark(b"1,\0\0\0,x\n"), None);
    }
}
