//! The part of an address behind its divisions: street, number, building, entrance and room in one spelling.
//! A Chinese numeral becomes digits only directly before a unit such as 幢; 九华山路 keeps its 九.

use std::borrow::Cow;

use crate::byte_set::ByteSet;
use crate::{fold, numeral};

/// Bytes of an address in which [`prepare`] has nothing to fold; a bracket at the end may still close a remark.
const PREPARED: ByteSet = ByteSet::HAN
    .with(b'0', b'9')
    .with(b'A', b'Z')
    .with(b'-', b'-')
    .with(b'(', b')');

/// Units that a numeral is read before, longest first.
const UNITS: [&str; 13] = [
    "号楼", "单元", "号", "幢", "栋", "座", "楼", "层", "室", "组", "弄", "户", "房",
];
/// Words that may be left out behind the number of the last room.
const ROOMS: [&str; 8] = ["号室", "号房间", "号房", "房间", "室", "户", "房", "#"];
/// Characters that turn a number with a unit into a name: 二号路, 三组村.
const NAME_ENDS: [char; 14] = [
    '路', '街', '道', '巷', '村', '镇', '乡', '桥', '线', '山', '湖', '河', '庄', '港',
];
/// What the brackets behind an address may end with to be a remark and no part of it.
const REMARKS: [&str; 10] = [
    "附近",
    "旁边",
    "旁",
    "对面",
    "隔壁",
    "门口",
    "联系",
    "路口",
    "楼下",
    "交叉口",
];

/// A piece of the tail.
#[derive(Clone, PartialEq, Eq)]
enum Token<'a> {
    /// A run of ASCII digits and letters, or the digits of a numeral.
    Number(Cow<'a, str>),
    /// A hyphen.
    Dash,
    /// A unit behind a number.
    Unit(&'static str),
    /// Any other text.
    Text(&'a str),
}

impl Token<'_> {
    fn as_str(&self) -> &str {
        match self {
            Self::Number(number) => number,
            Self::Dash => "-",
            Self::Unit(unit) => unit,
            Self::Text(text) => text,
        }
    }
}

/// Folds an address before its divisions are taken off: width, case, spaces, brackets, dashes, commas, remarks in brackets.
pub(crate) fn prepare(raw: &str) -> Cow<'_, str> {
    let mut text = if PREPARED.holds(raw) {
        Cow::Borrowed(raw)
    } else {
        match fold::text(raw, fold::Spaces::KeepBetweenWords, fold::Case::Upper) {
            folded if PREPARED.holds(&folded) => folded,
            folded => Cow::Owned(punctuation(&folded)),
        }
    };
    let kept = without_remarks(&text).len();
    if kept < text.len() {
        text.to_mut().truncate(kept);
    }
    text
}

/// Brackets and dashes in one form; commas and spaces go unless they part two numbers.
fn punctuation(folded: &str) -> String {
    let mut text = String::with_capacity(folded.len());
    let mut before = None;
    let mut rest = folded.chars().peekable();
    while let Some(c) = rest.next() {
        let c = fold::dash(fold::bracket(c));
        let next_digit = rest.peek().is_some_and(char::is_ascii_alphanumeric);
        let between_digits = before.is_some_and(|b: char| b.is_ascii_alphanumeric()) && next_digit;
        match c {
            ' ' | ',' | '，' | '、' | ';' | '。' if !between_digits => {}
            '#' if before.is_some_and(|b| b.is_ascii_alphanumeric()) => text.push('号'),
            _ => text.push(c),
        }
        before = Some(c);
    }
    text
}

/// The text without remarks such as (某银行附近) and repeated division names in brackets at its end.
fn without_remarks(text: &str) -> &str {
    let mut kept = text;
    while let Some((before, inner)) = kept.strip_suffix(')').and_then(|open| open.rsplit_once('(')) {
        let remark = before.contains(inner)
            || REMARKS.iter().any(|end| inner.ends_with(end))
            || !crate::reference::divisions_named(inner).is_empty();
        if !remark {
            break;
        }
        kept = before;
    }
    kept
}

/// The one spelling of a tail.
pub(crate) fn canonical(tail: &str) -> String {
    let mut tokens = tokens(tail);
    drop_room_word(&mut tokens);
    spread_dashes(&mut tokens);
    let mut out = String::with_capacity(tokens.iter().map(|token| token.as_str().len()).sum());
    tokens.iter().for_each(|token| out.push_str(token.as_str()));
    out
}

/// A tail with every Chinese numeral as digits: only to see that two tails differ by nothing else.
pub(crate) fn with_digits(tail: &str) -> String {
    let mut out = String::with_capacity(tail.len());
    let mut rest = tail;
    while let Some(c) = rest.chars().next() {
        let (run, behind) = split_numeral(rest);
        match numeral::digits(run) {
            Some(digits) => {
                out.push_str(&digits);
                rest = behind;
            }
            None => {
                out.push(c);
                rest = rest.get(c.len_utf8()..).unwrap_or_default();
            }
        }
    }
    out
}

/// The everyday numerals at the head of a text, and what follows them.
fn split_numeral(text: &str) -> (&str, &str) {
    let end = text.find(|c| !numeral::is_everyday(c)).unwrap_or(text.len());
    text.split_at(end)
}

fn tokens(tail: &str) -> Vec<Token<'_>> {
    let mut out = Vec::with_capacity(16);
    // What is read as text reaches from `text` to `rest`.
    let (mut text, mut rest) = (tail, tail);
    while let Some(c) = rest.chars().next() {
        if c.is_ascii_alphanumeric() {
            push_text(&mut out, text, rest);
            let end = rest.bytes().position(|b| !b.is_ascii_alphanumeric());
            let (number, behind) = rest.split_at(end.unwrap_or(rest.len()));
            rest = push_number(&mut out, Cow::Borrowed(number), behind);
            text = rest;
        } else if c == '-' {
            push_text(&mut out, text, rest);
            // A dash behind a unit says nothing: 3幢-2单元-501.
            if !out.last().is_some_and(is_unit) {
                out.push(Token::Dash);
            }
            rest = rest.get(1..).unwrap_or_default();
            text = rest;
        } else if numeral::is_everyday(c) {
            let (run, behind) = split_numeral(rest);
            match numeral::digits(run).filter(|_| unit_follows(behind)) {
                Some(number) => {
                    push_text(&mut out, text, rest);
                    rest = push_number(&mut out, Cow::Owned(number), behind);
                    text = rest;
                }
                None => rest = behind,
            }
        } else {
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
        }
    }
    push_text(&mut out, text, rest);
    out
}

/// Pushes what stands in `text` before `rest`, its end.
fn push_text<'a>(out: &mut Vec<Token<'a>>, text: &'a str, rest: &str) {
    let before = text.get(..text.len() - rest.len()).unwrap_or_default();
    if !before.is_empty() {
        out.push(Token::Text(before));
    }
}

/// Whether a token is a unit, or text that ends with one.
fn is_unit(token: &Token<'_>) -> bool {
    match token {
        Token::Unit(_) => true,
        Token::Text(text) => text.ends_with(['号', '楼', '层', '室']),
        _ => false,
    }
}

/// Whether a unit, and not the name of a road or village, stands here.
fn unit_follows(text: &str) -> bool {
    let behind = UNITS.iter().filter_map(|unit| text.strip_prefix(unit));
    behind.into_iter().any(|behind| !behind.starts_with(NAME_ENDS))
}

/// Pushes a number and the building or entrance word behind it; returns what follows.
fn push_number<'a>(out: &mut Vec<Token<'a>>, number: Cow<'a, str>, behind: &'a str) -> &'a str {
    let lettered = number.bytes().any(|b| b.is_ascii_alphabetic());
    out.push(Token::Number(number));
    let mut rest = behind.chars();
    let (first, second) = (rest.next(), rest.next());
    let (unit, taken) = match (first, second) {
        (Some('号'), Some('楼' | '幢' | '栋')) | (Some('幢' | '栋'), Some('楼')) => ("幢", 2),
        (Some('幢' | '栋'), _) => ("幢", 1),
        (Some('座'), _) if lettered => ("幢", 1),
        (Some('单'), Some('元')) => ("单元", 2),
        _ => return behind,
    };
    out.push(Token::Unit(unit));
    let taken = behind.chars().take(taken).map(char::len_utf8).sum::<usize>();
    behind.get(taken..).unwrap_or_default()
}

/// 501室, 501户, 501房 and 501 are one room when nothing follows.
fn drop_room_word(tokens: &mut Vec<Token<'_>>) {
    if let [.., Token::Number(_), Token::Text(last)] = tokens.as_slice()
        && ROOMS.contains(last)
    {
        tokens.pop();
    }
}

/// 3-2-501 is 3幢2单元501, 3幢2-501 and 3-2单元501 too, 3-501 is 3幢501: the dashes at the end become units.
fn spread_dashes(tokens: &mut [Token<'_>]) {
    use Token::{Dash, Number, Unit};
    match tokens {
        [.., Number(_), dash @ Dash, Number(_), Unit("单元"), Number(_)] => *dash = Unit("幢"),
        [.., Dash, Number(_), Dash, Number(_), Dash, Number(_)] => {}
        [.., Number(_), first @ Dash, Number(_), second @ Dash, Number(_)] => {
            *first = Unit("幢");
            *second = Unit("单元");
        }
        [.., Unit("幢"), Number(_), dash @ Dash, Number(_)] => *dash = Unit("单元"),
        // A last number of three digits or more is a room; 2-3 may be a street number.
        [.., Number(_), dash @ Dash, Number(room)] if room.len() >= 3 => *dash = Unit("幢"),
        _ => {}
    }
}
