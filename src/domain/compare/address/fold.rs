//! What is folded before an address is read: width, case, spaces, brackets, dashes, postcodes; and whether it can be read at all.
//! A space between two numbers stays, because it parts them.

use std::borrow::Cow;

use crate::byte_set::ByteSet;
use crate::fold;

/// Bytes of an address in which nothing is folded.
const PREPARED: ByteSet = ByteSet::HAN
    .with(b'0', b'9')
    .with(b'A', b'Z')
    .with(b'-', b'-')
    .with(b'(', b')');

/// Words that registers write where they hold no address.
const NO_ADDRESS: [&str; 20] = [
    "无", "空", "略", "未知", "不详", "不明", "暂无", "没有", "其他", "同上", "保密", "待补", "待定", "未填", "未填写",
    "未登记", "未采集", "地址不详", "住址不详", "详见附件",
];

/// Folds an address before its divisions are taken off.
pub(super) fn prepare(raw: &str) -> Cow<'_, str> {
    if PREPARED.holds(raw) {
        return Cow::Borrowed(raw);
    }
    match fold::text(raw, fold::Spaces::KeepBetweenWords, fold::Case::Upper) {
        folded if PREPARED.holds(&folded) => folded,
        folded => Cow::Owned(punctuation(&folded)),
    }
}

/// Whether a folded address can be read: it has a Han character, is no word for "none", and holds no placeholder.
pub(super) fn is_readable(text: &str) -> bool {
    !text.is_ascii()
        && !(text.len() <= 12 && NO_ADDRESS.contains(&text))
        && (PREPARED.holds(text) || !text.chars().any(is_placeholder))
        && text.chars().any(fold::is_han)
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

/// The address without a postcode in front of it or behind it.
pub(super) fn without_postcode(text: &str) -> &str {
    let mut kept = text;
    let named = |text: &'_ str| ["邮政编码", "邮编"].iter().any(|word| text.ends_with(word));
    if let Some((before, code)) = kept.len().checked_sub(6).and_then(|at| kept.split_at_checked(at))
        && is_postcode(code)
        && named(before)
    {
        kept = before.trim_end_matches("邮政编码").trim_end_matches("邮编");
    }
    for word in ["邮政编码", "邮编", ""] {
        if let Some((code, behind)) = kept.strip_prefix(word).and_then(|rest| rest.split_at_checked(6))
            && is_postcode(code)
            && behind.chars().next().is_some_and(fold::is_han)
            && !crate::division::Chain::take(behind).0.is_empty()
        {
            return behind;
        }
    }
    kept
}

/// Whether a text is six digits.
pub(super) fn is_postcode(text: &str) -> bool {
    text.len() == 6 && text.bytes().all(|b| b.is_ascii_digit())
}
