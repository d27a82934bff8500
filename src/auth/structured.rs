//! The part of structured fields (RFC 8941) that signed messages use: dictionaries of byte sequences and of inner lists.
//! Stricter than the RFC on purpose: a name that occurs twice, unpadded base64 and tabs inside lists are refused, so that
//! two readers of one header cannot see different things.

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// Longest header value accepted.
pub(super) const HEADER_BYTES_MAX: usize = 4096;

const MEMBERS_MAX: usize = 8;
const ITEMS_MAX: usize = 16;
const PARAMS_MAX: usize = 8;
const NAME_BYTES_MAX: usize = 64;
const STRING_BYTES_MAX: usize = 256;

/// The text is not of the expected form, or over a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// Value of a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Bare {
    /// At most 15 digits (RFC 8941 §3.3.1).
    Integer(i64),
    /// Printable ASCII (RFC 8941 §3.3.3).
    Text(String),
}

/// Strings in brackets with the parameters of the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct InnerList {
    /// The strings; items with parameters of their own are refused.
    pub items: Vec<String>,
    /// Parameters in the order given, each name once.
    pub params: Vec<(String, Bare)>,
}

impl InnerList {
    /// The value of a parameter.
    pub fn param(&self, name: &str) -> Option<&Bare> {
        self.params.iter().find(|(own, _)| own == name).map(|(_, value)| value)
    }

    /// Canonical text (RFC 8941 §4.1.1.1).
    pub fn serialize(&self) -> String {
        let mut out = String::from("(");
        for (at, item) in self.items.iter().enumerate() {
            if at > 0 {
                out.push(' ');
            }
            quote(item, &mut out);
        }
        out.push(')');
        for (name, value) in &self.params {
            out.push(';');
            out.push_str(name);
            out.push('=');
            match value {
                Bare::Integer(number) => out.push_str(&number.to_string()),
                Bare::Text(text) => quote(text, &mut out),
            }
        }
        out
    }
}

/// A dictionary whose members are inner lists, as `Signature-Input`.
pub(super) fn lists(text: &str) -> Result<Vec<(String, InnerList)>, Malformed> {
    dictionary(text, inner_list)
}

/// A dictionary whose members are byte sequences without parameters, as `Signature` and `Content-Digest`.
pub(super) fn byte_sequences(text: &str) -> Result<Vec<(String, Vec<u8>)>, Malformed> {
    dictionary(text, byte_sequence)
}

/// Writes `bytes` as a byte sequence.
pub(super) fn write_bytes(bytes: &[u8]) -> String {
    format!(":{}:", STANDARD.encode(bytes))
}

/// Whether `text` can be written as a string.
pub(super) fn is_string(text: &str) -> bool {
    text.len() <= STRING_BYTES_MAX && text.bytes().all(|b| (0x20..=0x7e).contains(&b))
}

/// Whether `text` can be a member name.
pub(super) fn is_name(text: &str) -> bool {
    let mut cursor = Cursor(text.as_bytes());
    name(&mut cursor).is_ok() && cursor.0.is_empty()
}

fn quote(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            out.push('\\');
        }
        out.push(character);
    }
    out.push('"');
}

/// What is left to read.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn expect(&mut self, byte: u8) -> Result<(), Malformed> {
        if self.next() == Some(byte) {
            Ok(())
        } else {
            Err(Malformed)
        }
    }

    fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> &[u8] {
        let end = self.0.iter().position(|b| !wanted(*b)).unwrap_or(self.0.len());
        let (taken, rest) = self.0.split_at(end);
        self.0 = rest;
        taken
    }
}

fn dictionary<T>(
    text: &str,
    value: fn(&mut Cursor<'_>) -> Result<T, Malformed>,
) -> Result<Vec<(String, T)>, Malformed> {
    if text.len() > HEADER_BYTES_MAX {
        return Err(Malformed);
    }
    let mut cursor = Cursor(text.trim_matches(' ').as_bytes());
    let mut members: Vec<(String, T)> = Vec::new();
    loop {
        let name = name(&mut cursor)?;
        if members.len() == MEMBERS_MAX || members.iter().any(|(own, _)| *own == name) {
            return Err(Malformed);
        }
        cursor.expect(b'=')?;
        let value = value(&mut cursor)?;
        members.push((name, value));
        cursor.take_while(is_blank);
        if cursor.peek().is_none() {
            return Ok(members);
        }
        cursor.expect(b',')?;
        cursor.take_while(is_blank);
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn name(cursor: &mut Cursor<'_>) -> Result<String, Malformed> {
    if !cursor.peek().is_some_and(|b| b.is_ascii_lowercase() || b == b'*') {
        return Err(Malformed);
    }
    let bytes =
        cursor.take_while(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-' | b'.' | b'*'));
    if bytes.len() > NAME_BYTES_MAX {
        return Err(Malformed);
    }
    Ok(bytes.iter().copied().map(char::from).collect())
}

fn inner_list(cursor: &mut Cursor<'_>) -> Result<InnerList, Malformed> {
    cursor.expect(b'(')?;
    let mut items = Vec::new();
    loop {
        let spaces = cursor.take_while(|b| b == b' ').len();
        if cursor.peek() == Some(b')') {
            cursor.next();
            break;
        }
        if items.len() == ITEMS_MAX || (spaces == 0 && !items.is_empty()) {
            return Err(Malformed);
        }
        items.push(string(cursor)?);
    }
    let mut params: Vec<(String, Bare)> = Vec::new();
    while cursor.peek() == Some(b';') {
        cursor.next();
        cursor.take_while(|b| b == b' ');
        let name = name(cursor)?;
        if params.len() == PARAMS_MAX || params.iter().any(|(own, _)| *own == name) {
            return Err(Malformed);
        }
        cursor.expect(b'=')?;
        params.push((name, bare(cursor)?));
    }
    Ok(InnerList { items, params })
}

fn bare(cursor: &mut Cursor<'_>) -> Result<Bare, Malformed> {
    match cursor.peek() {
        Some(b'"') => string(cursor).map(Bare::Text),
        _ => integer(cursor).map(Bare::Integer),
    }
}

fn integer(cursor: &mut Cursor<'_>) -> Result<i64, Malformed> {
    let negative = cursor.peek() == Some(b'-');
    if negative {
        cursor.next();
    }
    let digits = cursor.take_while(|b| b.is_ascii_digit());
    if digits.is_empty() || digits.len() > 15 {
        return Err(Malformed);
    }
    let number = digits
        .iter()
        .fold(0i64, |sum, digit| sum * 10 + i64::from(digit - b'0'));
    Ok(if negative { -number } else { number })
}

fn string(cursor: &mut Cursor<'_>) -> Result<String, Malformed> {
    cursor.expect(b'"')?;
    let mut out = String::new();
    loop {
        let byte = match cursor.next() {
            Some(b'"') => return Ok(out),
            Some(b'\\') => match cursor.next() {
                Some(escaped @ (b'"' | b'\\')) => escaped,
                _ => return Err(Malformed),
            },
            Some(plain @ 0x20..=0x7e) => plain,
            _ => return Err(Malformed),
        };
        if out.len() == STRING_BYTES_MAX {
            return Err(Malformed);
        }
        out.push(char::from(byte));
    }
}

fn byte_sequence(cursor: &mut Cursor<'_>) -> Result<Vec<u8>, Malformed> {
    cursor.expect(b':')?;
    let encoded = cursor.take_while(|b| b != b':').to_vec();
    cursor.expect(b':')?;
    STANDARD.decode(encoded).map_err(|_| Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_signature_input_parses_and_is_written_canonically() {
        let text = r#" a=( "@method"   "x\"\\y" );created=007;  keyid="k",b=() "#;
        let parsed = lists(text).unwrap();
        assert_eq!(parsed[0].0, "a");
        assert_eq!(parsed[0].1.serialize(), r#"("@method" "x\"\\y");created=7;keyid="k""#);
        assert_eq!(parsed[0].1.param("created"), Some(&Bare::Integer(7)));
        assert_eq!(parsed[0].1.param("nonce"), None);
        assert_eq!(parsed[1], ("b".to_owned(), InnerList::default()));
    }

    #[test]
    fn malformed_lists_are_refused() {
        for text in [
            "",
            " ",
            "a",
            "a=",
            "a=(",
            "a=()x",
            "a=(),",
            "a=(),,b=()",
            "a=(),a=()",
            "A=()",
            "1=()",
            "a =()",
            "a= ()",
            r#"a=("x""y")"#,
            r#"a=("x"	"y")"#,
            r#"a=("x";sf)"#,
            r#"a=(x)"#,
            r#"a=("x"#,
            r#"a=("\x")"#,
            "a=(\"\u{e9}\")",
            "a=(\"\n\")",
            "a=();created",
            "a=();created=",
            "a=();created=1.5",
            "a=();created=-",
            "a=();created=1234567890123456",
            "a=();created=1;created=1",
            "a=();created=?1",
            "a=();created=:AA==:",
            "\ta=()",
        ] {
            assert_eq!(lists(text), Err(Malformed), "{text:?}");
        }
    }

    #[test]
    fn every_limit_holds() {
        let many =
            |n: usize, one: &dyn Fn(usize) -> String, between: &str| (0..n).map(one).collect::<Vec<_>>().join(between);
        let members = |n| many(n, &|at| format!("m{at}=()"), ", ");
        assert!(lists(&members(MEMBERS_MAX)).is_ok());
        assert!(lists(&members(MEMBERS_MAX + 1)).is_err());
        let items = |n| format!("a=({})", many(n, &|at| format!("\"{at}\""), " "));
        assert!(lists(&items(ITEMS_MAX)).is_ok());
        assert!(lists(&items(ITEMS_MAX + 1)).is_err());
        let params = |n| format!("a=(){}", many(n, &|at| format!(";p{at}=1"), ""));
        assert!(lists(&params(PARAMS_MAX)).is_ok());
        assert!(lists(&params(PARAMS_MAX + 1)).is_err());
        let string = |n| format!("a=(\"{}\")", "x".repeat(n));
        assert!(lists(&string(STRING_BYTES_MAX)).is_ok());
        assert!(lists(&string(STRING_BYTES_MAX + 1)).is_err());
        let name = |n| format!("{}=()", "x".repeat(n));
        assert!(lists(&name(NAME_BYTES_MAX)).is_ok());
        assert!(lists(&name(NAME_BYTES_MAX + 1)).is_err());
        assert!(lists(&format!("a=({})", " ".repeat(HEADER_BYTES_MAX))).is_err());
    }

    #[test]
    fn byte_sequences_have_one_spelling() {
        assert_eq!(
            byte_sequences("a=:AQI=:, b=::").unwrap(),
            [("a".to_owned(), vec![1, 2]), ("b".to_owned(), Vec::<u8>::new())]
        );
        for text in [
            "a=:AQI:",
            "a=:AQJ=:",
            "a=:AQ-_:",
            "a=:AQI=",
            "a=AQI=",
            "a=:AQI=:;x=1",
            "a=: AQI=:",
            "a=:AQI=:,a=:AQI=:",
        ] {
            assert_eq!(byte_sequences(text), Err(Malformed), "{text}");
        }
        assert_eq!(write_bytes(&[1, 2]), ":AQI=:");
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parsers_panic(text in ".{0,200}", close in r#"[a-c=()"; :,0-9\\-]{0,60}"#) {
            for text in [text, close] {
                let _ = lists(&text);
                let _ = byte_sequences(&text);
                let _ = is_name(&text);
            }
        }

        #[test]
        fn writing_and_reading_is_the_identity(
            items in proptest::collection::vec("[ -~]{0,20}", 0..6),
            number in -999_999_999_999_999i64..=999_999_999_999_999,
            text in "[ -~]{0,30}",
        ) {
            let list = InnerList {
                items,
                params: vec![("n".into(), Bare::Integer(number)), ("t".into(), Bare::Text(text))],
            };
            let read = lists(&format!("sig={}", list.serialize())).unwrap();
            prop_assert_eq!(&read[0].1, &list);
        }
    }
}
