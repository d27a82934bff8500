//! The part of an address behind its divisions: street, number, building, entrance and room in one spelling.
//! A Chinese numeral becomes digits only directly before a unit such as 幢; 九华山路 keeps its 九.

use crate::domain::{fold, numeral};

/// Units that a numeral is read before, longest first.
const UNITS: [&str; 13] = [
    "号楼", "单元", "号", "幢", "栋", "座", "楼", "层", "室", "组", "弄", "户", "房",
];
/// Words that a building's number may bear.
const BUILDINGS: [&str; 7] = ["号楼", "号幢", "号栋", "幢楼", "栋楼", "幢", "栋"];
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
enum Token {
    /// A run of ASCII digits and letters.
    Number(String),
    /// A hyphen.
    Dash,
    /// A unit behind a number.
    Unit(&'static str),
    /// Any other text.
    Text(String),
}

/// Folds an address before its divisions are taken off: width, case, spaces, brackets, dashes, commas, remarks in brackets.
pub(crate) fn prepare(raw: &str) -> String {
    let folded = fold::text(raw, fold::Spaces::KeepBetweenWords, fold::Case::Upper);
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
    strip_remarks(&mut text);
    text
}

/// Takes remarks such as (某银行附近) and repeated division names in brackets off the end.
fn strip_remarks(text: &mut String) {
    while text.ends_with(')') {
        let Some(open) = text.rfind('(') else { return };
        let inner = text.get(open + 1..text.len() - 1).unwrap_or_default();
        let before = text.get(..open).unwrap_or_default();
        let remark = before.contains(inner)
            || REMARKS.iter().any(|end| inner.ends_with(end))
            || !crate::domain::reference::divisions_named(inner).is_empty();
        if !remark {
            return;
        }
        text.truncate(open);
    }
}

/// The one spelling of a tail.
pub(crate) fn canonical(tail: &str) -> String {
    let mut tokens = tokens(tail);
    drop_needless_dashes(&mut tokens);
    drop_room_word(&mut tokens);
    spread_dashes(&mut tokens);
    let mut out = String::with_capacity(tail.len());
    for token in &tokens {
        match token {
            Token::Number(text) | Token::Text(text) => out.push_str(text),
            Token::Unit(unit) => out.push_str(unit),
            Token::Dash => out.push('-'),
        }
    }
    out
}

/// A tail with every Chinese numeral as digits: only to see that two tails differ by nothing else.
pub(crate) fn with_digits(tail: &str) -> String {
    let chars: Vec<char> = tail.chars().collect();
    let mut out = String::with_capacity(tail.len());
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        let run = numeral_run(&chars, at);
        match numeral::digits(run) {
            Some(digits) => {
                out.push_str(&digits);
                at += run.len();
            }
            None => {
                out.push(c);
                at += 1;
            }
        }
    }
    out
}

fn numeral_run(chars: &[char], at: usize) -> &[char] {
    let rest = chars.get(at..).unwrap_or_default();
    let end = rest
        .iter()
        .position(|&c| !numeral::is_everyday(c))
        .unwrap_or(rest.len());
    rest.get(..end).unwrap_or_default()
}

fn tokens(tail: &str) -> Vec<Token> {
    let chars: Vec<char> = tail.chars().collect();
    let mut out: Vec<Token> = Vec::new();
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        let rest = chars.get(at..).unwrap_or_default();
        if c.is_ascii_alphanumeric() {
            let end = rest
                .iter()
                .position(|c| !c.is_ascii_alphanumeric())
                .unwrap_or(rest.len());
            let number: String = rest.iter().take(end).collect();
            at += end;
            at += push_unit(&mut out, number, chars.get(at..).unwrap_or_default());
        } else if c == '-' {
            out.push(Token::Dash);
            at += 1;
        } else {
            let run = numeral_run(&chars, at);
            let behind = chars.get(at + run.len()..).unwrap_or_default();
            match numeral::digits(run).filter(|_| unit_follows(behind)) {
                Some(number) => {
                    at += run.len();
                    at += push_unit(&mut out, number, behind);
                }
                None => {
                    let taken = run.len().max(1);
                    if !matches!(out.last(), Some(Token::Text(_))) {
                        out.push(Token::Text(String::with_capacity(48)));
                    }
                    if let Some(Token::Text(last)) = out.last_mut() {
                        last.extend(rest.iter().take(taken));
                    }
                    at += taken;
                }
            }
        }
    }
    out
}

/// Whether a unit, and not the name of a road or village, stands here.
fn unit_follows(chars: &[char]) -> bool {
    UNITS
        .iter()
        .any(|unit| starts_with(chars, unit) && !chars.get(unit.chars().count()).is_some_and(|c| NAME_ENDS.contains(c)))
}

/// Pushes a number and the building or entrance word behind it; returns how many characters that word took.
fn push_unit(out: &mut Vec<Token>, number: String, behind: &[char]) -> usize {
    let lettered = number.bytes().any(|b| b.is_ascii_alphabetic());
    out.push(Token::Number(number));
    if let Some(word) = BUILDINGS.iter().find(|word| starts_with(behind, word)) {
        out.push(Token::Unit("幢"));
        return word.chars().count();
    }
    if lettered && starts_with(behind, "座") {
        out.push(Token::Unit("幢"));
        return 1;
    }
    if starts_with(behind, "单元") {
        out.push(Token::Unit("单元"));
        return 2;
    }
    0
}

fn starts_with(chars: &[char], word: &str) -> bool {
    let mut at = chars.iter();
    word.chars().all(|c| at.next() == Some(&c))
}

/// A dash behind a unit says nothing: 3幢-2单元-501.
fn drop_needless_dashes(tokens: &mut Vec<Token>) {
    let mut kept: Vec<Token> = Vec::with_capacity(tokens.len());
    for token in tokens.drain(..) {
        let behind_unit = match kept.last() {
            Some(Token::Unit(_)) => true,
            Some(Token::Text(text)) => text.ends_with(['号', '楼', '层', '室']),
            _ => false,
        };
        if token != Token::Dash || !behind_unit {
            kept.push(token);
        }
    }
    *tokens = kept;
}

/// 501室, 501户, 501房 and 501 are one room when nothing follows.
fn drop_room_word(tokens: &mut Vec<Token>) {
    if let [.., Token::Number(_), Token::Text(last)] = tokens.as_slice()
        && ROOMS.contains(&last.as_str())
    {
        tokens.pop();
    }
}

/// 3-2-501 is 3幢2单元501, 3幢2-501 and 3-2单元501 too, 3-501 is 3幢501.
fn spread_dashes(tokens: &mut Vec<Token>) {
    let unit = |word: &'static str| Token::Unit(word);
    if let [
        ..,
        Token::Number(building),
        Token::Dash,
        Token::Number(_),
        Token::Unit("单元"),
        Token::Number(_),
    ] = tokens.as_slice()
    {
        let (building, at) = (building.clone(), tokens.len() - 5);
        tokens.splice(at..at + 2, [Token::Number(building), unit("幢")]);
        return;
    }
    let (pieces, start) = match tokens.as_slice() {
        [
            ..,
            Token::Dash,
            Token::Number(_),
            Token::Dash,
            Token::Number(_),
            Token::Dash,
            Token::Number(_),
        ] => return,
        [
            ..,
            Token::Number(a),
            Token::Dash,
            Token::Number(b),
            Token::Dash,
            Token::Number(c),
        ] => (
            vec![
                Token::Number(a.clone()),
                unit("幢"),
                Token::Number(b.clone()),
                unit("单元"),
                Token::Number(c.clone()),
            ],
            tokens.len() - 5,
        ),
        [.., Token::Unit("幢"), Token::Number(a), Token::Dash, Token::Number(b)] => (
            vec![Token::Number(a.clone()), unit("单元"), Token::Number(b.clone())],
            tokens.len() - 3,
        ),
        // A last number of three digits or more is a room; 2-3 may be a street number.
        [.., Token::Number(a), Token::Dash, Token::Number(b)] if b.len() >= 3 => (
            vec![Token::Number(a.clone()), unit("幢"), Token::Number(b.clone())],
            tokens.len() - 3,
        ),
        _ => return,
    };
    tokens.truncate(start);
    tokens.extend(pieces);
}
