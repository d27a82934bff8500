//! What no comparator can read: signs that stand for a lost character, errors of a spreadsheet, words that say "no value".
//! Such a value proves nothing: it is not equal to itself, not even byte for byte, and it is not different from anything.

use crate::fold::byte_set::ByteSet;
use crate::fold::{self, CaseFolding, SpaceFolding};

/// Which words say "no value" of a kind of field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NullWords {
    /// Of a name: 无 is no name, and ○ or × stands for a character that is kept back.
    Names,
    /// Of an address, where ○ is a numeral.
    Places,
    /// Of a number of a person, an organisation or a document: at least one digit must be left.
    Numbers,
    /// Of other text, where 无 is an answer.
    Text,
}

/// Bytes of text that holds no placeholder: Han and printing ASCII without `#`, `*` and `?`.
const SOUND: ByteSet = ByteSet::HAN.with(b' ', b'~').without(b'#').without(b'*').without(b'?');

/// Bytes of the longest null word.
const WORD_BYTES_MAX: usize = 18;

/// Whether folded text cannot be read.
pub(crate) fn is_unreadable(folded: &str, nulls: NullWords) -> bool {
    (!SOUND.holds(folded)
        && folded
            .chars()
            .any(|c| is_placeholder(c) || (nulls == NullWords::Names && is_mask(c))))
        || is_null_word(folded, nulls)
        || is_broken(folded)
        || (nulls == NullWords::Numbers && !folded.bytes().any(|byte| byte.is_ascii_digit()))
        || !folded.chars().any(char::is_alphanumeric)
}

/// Whether an address cannot be read; it is not folded yet.
pub(crate) fn is_unreadable_place(raw: &str) -> bool {
    if SOUND.holds(raw) {
        return is_unreadable(raw.trim(), NullWords::Places);
    }
    is_unreadable(
        &fold::text(raw, SpaceFolding::Drop, CaseFolding::Lower),
        NullWords::Places,
    )
}

/// Whether a value holds a control character. White space around a value is none, and breaks of lines are none where people write
/// several lines.
pub(crate) fn holds_control(raw: &str, may_break: bool) -> bool {
    raw.trim().chars().any(|c| match c {
        '\t' => false,
        '\n' | '\r' => !may_break,
        c => c.is_control(),
    })
}

/// A sign that registers and converters put where they have no character.
fn is_placeholder(c: char) -> bool {
    matches!(c,
        '?' | '？' | '*' | '＊' | '□' | '■' | '▢' | '▯' | '◻' | '☐' | '〓' | '※'
        | '\u{FFFC}' | '\u{FFFD}' | '\u{1A}' | '\u{2426}'
        // Private use: what has an assigned character was folded before.
        | '\u{E000}'..='\u{F8FF}' | '\u{F0000}'..='\u{10FFFF}')
        || (c.is_control() && !c.is_whitespace())
}

/// A sign that people write for a character of a name.
const fn is_mask(c: char) -> bool {
    matches!(c, '○' | '◯' | '×' | '✕' | '╳')
}

fn is_null_word(folded: &str, nulls: NullWords) -> bool {
    if folded.len() > WORD_BYTES_MAX {
        return false;
    }
    if !folded.is_ascii() {
        return match folded {
            "未知" | "不详" | "不明" | "未填" | "未填写" | "未登记" | "未采集" | "未录入" | "待定" | "待补"
            | "待补录" | "待补充" | "待核实" | "待查" | "暂无" | "暂缺" | "暂不详" | "缺失" | "空" | "空白"
            | "空值" | "无数据" | "无记录" => true,
            "无" | "無" | "没有" | "无名氏" | "某某" | "某某某" => nulls != NullWords::Text,
            _ => false,
        };
    }
    const WORDS: [&str; 13] = [
        "null",
        "(null)",
        "<null>",
        "n/a",
        "#n/a",
        "nan",
        "none",
        "nil",
        "undefined",
        "unknown",
        "empty",
        "tbd",
        "\\n",
    ];
    WORDS.iter().any(|word| word.eq_ignore_ascii_case(folded))
}

/// An error or a scientific figure of a spreadsheet, or the remains of a wrong decoding.
fn is_broken(folded: &str) -> bool {
    let Some(first) = folded.bytes().next() else {
        return true;
    };
    match first {
        b'#' => {
            const ERRORS: [&str; 9] = [
                "value",
                "ref",
                "null",
                "div/0",
                "name",
                "num",
                "spill",
                "calc",
                "getting_data",
            ];
            let word = folded.trim_start_matches('#').trim_end_matches(['!', '?']);
            word.is_empty() || ERRORS.iter().any(|error| error.eq_ignore_ascii_case(word))
        }
        b'0'..=b'9' => is_scientific(folded),
        _ => folded.contains("锟斤拷") || folded.contains("烫烫烫"),
    }
}

/// `3.40202E+17`: what a spreadsheet makes of a long number.
fn is_scientific(text: &str) -> bool {
    let Some((number, power)) = text.split_once(['E', 'e']) else {
        return false;
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let sound = number
        .split_once('.')
        .is_some_and(|(whole, part)| digits(whole) && digits(part));
    sound && power.strip_prefix(['+', '-']).is_some_and(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_errors_and_null_words_cannot_be_read() {
        for text in [
            "王?",
            "王？",
            "王□",
            "王〓",
            "王*",
            "3402*****",
            "王\u{FFFD}",
            "王\u{E5E5}",
            "王\u{F0000}",
            "王\u{0}",
            "#value!",
            "#N/A",
            "#REF!",
            "####",
            "null",
            "N/A",
            "\\N",
            "未知",
            "不详",
            "-",
            "--",
            "/",
            "…",
            "",
            "锟斤拷锟斤拷",
            "3.40202E+17",
        ] {
            for nulls in [NullWords::Names, NullWords::Places, NullWords::Numbers, NullWords::Text] {
                assert!(is_unreadable(text, nulls), "{text:?}");
            }
        }
    }

    #[test]
    fn ordinary_values_are_read() {
        for text in [
            "王伟",
            "刘〇",
            "李⿰王民",
            "o'brien sean",
            "芜湖甲&乙(集团)有限公司",
            "北京中路2号",
        ] {
            assert!(!is_unreadable(text, NullWords::Names), "{text}");
        }
        assert!(is_unreadable("张○", NullWords::Names) && !is_unreadable("一○五室", NullWords::Places));
        assert!(!is_unreadable("无", NullWords::Text) && is_unreadable("无", NullWords::Names));
        assert!(
            !is_unreadable("34020219900101001X", NullWords::Numbers) && is_unreadable("无证件", NullWords::Numbers)
        );
        assert!(!is_unreadable("3e12", NullWords::Text) && !is_unreadable("na", NullWords::Names));
    }
}
