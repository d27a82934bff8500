//! Chinese numerals as digits, for dates, amounts and building numbers.
//! A run without 十百千 is a digit string (二〇一八 is 2018), a run with them is a sum (二十三 is 23); both are met in one text.

/// The value of one numeral digit, everyday or formal, 〇 and its look-alikes included.
pub(crate) const fn digit(c: char) -> Option<u32> {
    Some(match c {
        '〇' | '零' | '○' | '◯' | 'Ο' | 'О' => 0,
        '一' | '壹' | '弌' => 1,
        '二' | '贰' | '貳' | '两' | '兩' => 2,
        '三' | '叁' | '參' | '叄' => 3,
        '四' | '肆' => 4,
        '五' | '伍' => 5,
        '六' | '陆' | '陸' => 6,
        '七' | '柒' => 7,
        '八' | '捌' => 8,
        '九' | '玖' => 9,
        _ => return None,
    })
}

/// The scale of a numeral character, 10 to 1,000.
pub(crate) const fn scale(c: char) -> Option<u32> {
    Some(match c {
        '十' | '拾' => 10,
        '百' | '佰' => 100,
        '千' | '仟' => 1000,
        _ => return None,
    })
}

/// Whether a run is one of the short forms of speech, whose last digit stands for another place: 三万五, 一百五.
pub(crate) fn is_colloquial(run: &str) -> bool {
    let mut from_end = run.chars().rev();
    let ends_in_digit = from_end.next().and_then(digit).is_some_and(|digit| digit > 0);
    let behind_large = |c: char| scale(c).is_some_and(|scale| scale >= 100) || matches!(c, '万' | '萬' | '亿' | '億');
    ends_in_digit && from_end.next().is_some_and(behind_large)
}

/// The everyday numeral characters that may stand in a building number or a road name.
pub(crate) const fn is_everyday(c: char) -> bool {
    matches!(
        c,
        '〇' | '零'
            | '○'
            | '一'
            | '二'
            | '三'
            | '四'
            | '五'
            | '六'
            | '七'
            | '八'
            | '九'
            | '十'
            | '百'
            | '廿'
            | '卅'
    )
}

/// The value below 10,000 of a numeral run; `None` if it is not one.
pub(crate) fn value(run: &str) -> Option<u32> {
    let (mut length, mut positional) = (0, false);
    for c in run.chars() {
        length += 1;
        positional |= scale(c).is_some() || matches!(c, '廿' | '卅');
    }
    if length == 0 || length > 9 {
        return None;
    }
    if !positional {
        return run
            .chars()
            .try_fold(0_u32, |sum, c| sum.checked_mul(10)?.checked_add(digit(c)?));
    }
    let (mut total, mut pending, mut last_scale) = (0_u32, None, 10_000_u32);
    for c in run.chars() {
        if let Some(unit) = scale(c) {
            if unit >= last_scale {
                return None;
            }
            total += pending.take().unwrap_or(1) * unit;
            last_scale = unit;
        } else if matches!(c, '廿' | '卅') {
            if pending.is_some() || last_scale <= 10 {
                return None;
            }
            total += if c == '廿' { 20 } else { 30 };
            last_scale = 10;
        } else {
            let number = digit(c)?;
            match (number, pending) {
                (0, None) => {}
                (_, None) => pending = Some(number),
                _ => return None,
            }
        }
    }
    Some(total + pending.unwrap_or(0))
}

/// The digits of a numeral run: a digit string keeps its leading zeros, a sum is written out.
pub(crate) fn digits(run: &str) -> Option<String> {
    let plain: Option<String> = run
        .chars()
        .map(|c| digit(c).and_then(|d| char::from_digit(d, 10)))
        .collect();
    match plain {
        Some(text) if !text.is_empty() => Some(text),
        _ => value(run).map(|number| number.to_string()),
    }
}

/// A whole number written in Chinese numerals with 万 and 亿, e.g. 伍拾万 or 一亿二千万.
pub(crate) fn whole(text: &str) -> Option<u64> {
    let (mut total, mut seen) = (0_u64, false);
    let mut rest = text;
    while let Some((section, unit, behind)) = section(rest) {
        let part = if section.is_empty() && seen {
            0
        } else {
            u64::from(section_value(section)?)
        };
        // 亿 multiplies all that stands before it, 万 only its own section.
        total = if unit > 10_000 {
            (total + part).checked_mul(unit)?
        } else {
            total.checked_add(part * unit)?
        };
        (rest, seen) = (behind, true);
    }
    if rest.is_empty() {
        return seen.then_some(total);
    }
    total.checked_add(u64::from(section_value(rest)?))
}

/// What stands before the first 万 or 亿, what that is worth, and what follows it.
fn section(text: &str) -> Option<(&str, u64, &str)> {
    let (at, c) = text
        .char_indices()
        .find(|(_, c)| matches!(c, '万' | '萬' | '亿' | '億'))?;
    let unit = if matches!(c, '万' | '萬') {
        10_000
    } else {
        100_000_000
    };
    Some((text.get(..at)?, unit, text.get(at + c.len_utf8()..)?))
}

fn section_value(section: &str) -> Option<u32> {
    let mut rest = section.chars();
    let zero_first = rest.next().is_some_and(|first| digit(first) == Some(0));
    let rest = rest.as_str();
    value(if zero_first && !rest.is_empty() { rest } else { section })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digit_strings_and_sums_are_read() {
        for (text, expected) in [
            ("二〇一八", 2018),
            ("二○一八", 2018),
            ("一九九零", 1990),
            ("十", 10),
            ("十六", 16),
            ("二十", 20),
            ("三十九", 39),
            ("一百零五", 105),
            ("一百二十", 120),
            ("廿三", 23),
            ("卅", 30),
            ("三千二百", 3200),
        ] {
            assert_eq!(value(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn runs_that_are_no_numeral_are_refused() {
        for text in ["", "十百", "一二十", "二十十", "张", "百百"] {
            assert_eq!(value(text), None, "{text}");
        }
        assert_eq!(digits("〇五").as_deref(), Some("05"));
    }

    #[test]
    fn short_forms_of_speech_are_told() {
        for text in ["三万五", "一百五", "二千三", "一亿二", "壹佰伍"] {
            assert!(is_colloquial(text), "{text}");
        }
        for text in ["三十五", "一百零五", "三万五千", "五", "一百", "二〇一八"] {
            assert!(!is_colloquial(text), "{text}");
        }
    }

    #[test]
    fn whole_numbers_with_large_units_are_read() {
        for (text, expected) in [
            ("伍拾万", 500_000),
            ("壹佰贰拾叁万肆仟伍佰陆拾柒", 1_234_567),
            ("一亿二千万", 120_000_000),
            ("十万零五百", 100_500),
        ] {
            assert_eq!(whole(text), Some(expected), "{text}");
        }
        assert_eq!(whole("元"), None);
    }
}
