//! What is folded before an address is read: width, case, spaces, brackets, dashes, postcodes; and whether it can be read at all.
//! A space between two numbers stays, because it parts them.

use std::borrow::Cow;

use crate::division::DivisionChain;
use crate::fold;
use crate::fold::byte_set::ByteSet;

/// Bytes of an address in which nothing is folded.
const PREPARED: ByteSet = ByteSet::HAN
    .with(b'0', b'9')
    .with(b'A', b'Z')
    .with(b'-', b'-')
    .with(b'(', b')');

/// Words that registers write where they hold no address.
const NO_ADDRESS: [&str; 20] = [
    "无",
    "空",
    "略",
    "未知",
    "不详",
    "不明",
    "暂无",
    "没有",
    "其他",
    "同上",
    "保密",
    "待补",
    "待定",
    "未填",
    "未填写",
    "未登记",
    "未采集",
    "地址不详",
    "住址不详",
    "详见附件",
];

/// The first two digits of the postcodes of each province, from and to.
#[rustfmt::skip]
const POSTCODES: [(u32, u32, u32); 31] = [
    (11, 10, 10), (12, 30, 30), (13, 5, 7), (14, 3, 4), (15, 1, 2), (21, 11, 12), (22, 13, 13), (23, 15, 16), (31, 20, 20),
    (32, 21, 22), (33, 31, 32), (34, 23, 24), (35, 35, 36), (36, 33, 34), (37, 25, 27), (41, 45, 47), (42, 43, 44),
    (43, 41, 42), (44, 51, 52), (45, 53, 54), (46, 57, 57), (50, 40, 40), (51, 61, 64), (52, 55, 56), (53, 65, 67),
    (54, 85, 86), (61, 71, 72), (62, 73, 74), (63, 81, 81), (64, 75, 75), (65, 83, 84),
];

/// Folds an address before its divisions are taken off.
pub(super) fn prepare(raw: &str) -> Cow<'_, str> {
    if PREPARED.holds(raw) {
        return Cow::Borrowed(raw);
    }
    match fold::text(raw, fold::SpaceFolding::KeepBetweenWords, fold::CaseFolding::Upper) {
        folded if PREPARED.holds(&folded) => folded,
        folded => {
            let text = punctuation(&folded);
            // Characters that meet because punctuation between them was removed may have another canonical order.
            let is_settled = text.len() == folded.len() || PREPARED.holds(&text);
            Cow::Owned(if is_settled { text } else { prepare(&text).into_owned() })
        }
    }
}

/// Whether a folded address can be read: it has a Han character, is no word for "none", and holds no placeholder.
pub(super) fn is_readable(text: &str) -> bool {
    let says_none = text.len() <= 12 && NO_ADDRESS.contains(&text);
    let has_placeholder = !PREPARED.holds(text) && text.chars().any(is_placeholder);
    text.chars().any(fold::is_han) && !says_none && !has_placeholder
}

/// A character that stands for others, or for one that was lost.
const fn is_placeholder(c: char) -> bool {
    matches!(
        c,
        '?' | '*' | '×' | '□' | '■' | '〓' | '▯' | '▢' | '\u{FFFD}' | '\u{E000}'..='\u{F8FF}' | '\u{F0000}'..='\u{10FFFD}'
    )
}

/// Brackets and dashes in one form; commas and spaces go unless they part two numbers.
fn punctuation(folded: &str) -> String {
    let mut text = String::with_capacity(folded.len());
    let mut before = None;
    let mut rest = folded.chars().peekable();
    while let Some(c) = rest.next() {
        let c = match fold::dash(fold::bracket(c)) {
            '~' | '～' | '〜' => '-',
            '，' | ';' | '；' => ',',
            '／' | '\\' => '/',
            c => c,
        };
        let next_digit = rest.peek().is_some_and(char::is_ascii_alphanumeric);
        let between_digits = before.is_some_and(|b: char| b.is_ascii_alphanumeric()) && next_digit;
        match c {
            ' ' | ',' | '、' | '。' | ':' | '：' | '"' | '\'' if !between_digits => {}
            _ => text.push(c),
        }
        before = Some(c);
    }
    text
}

/// The address without a postcode of its province in front of it or behind it, its divisions, and what follows them.
pub(super) fn take_head(text: &str) -> (DivisionChain, &str) {
    let mut kept = text;
    for word in ["邮政编码", "邮编", ""] {
        let code = text.strip_prefix(word).and_then(|rest| rest.split_at_checked(6));
        if let Some((code, behind)) = code.filter(|(_, behind)| behind.chars().next().is_some_and(fold::is_han)) {
            let (head, rest) = DivisionChain::take(behind);
            if is_postcode(code, &head) {
                return (head, rest);
            }
        }
    }
    let (head, rest) = DivisionChain::take(text);
    if let Some((before, code)) = text.len().checked_sub(6).and_then(|at| text.split_at_checked(at))
        && let Some(before) = ["邮政编码", "邮编"].iter().find_map(|word| before.strip_suffix(word))
        && is_postcode(code, &head)
    {
        kept = before;
    }
    let tail = kept.len().saturating_sub(text.len() - rest.len());
    (head, rest.get(..tail).unwrap_or(rest))
}

/// Whether a text is a postcode of the province of the head; it then says nothing new.
pub(super) fn is_postcode(text: &str, head: &DivisionChain) -> bool {
    let digits = text.len() == 6 && text.bytes().all(|b| b.is_ascii_digit());
    let first = digits.then(|| text.get(..2)?.parse::<u32>().ok()).flatten();
    first.is_some_and(|first| {
        let mut of_province = POSTCODES.iter().filter(|row| head.lies_in_province(row.0));
        of_province.any(|row| (row.1..=row.2).contains(&first))
    })
}

/// The text with every character that is outside the list of 2013 replaced by the first standard one; `None` if there is none.
pub(super) fn standard(raw: &str) -> Option<String> {
    let first = |c: char| crate::reference::standard_forms(c).chars().next();
    if raw.chars().all(|c| first(c).is_none()) {
        return None;
    }
    Some(raw.chars().map(|c| first(c).unwrap_or(c)).collect())
}
