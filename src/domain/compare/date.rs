//! Civil dates in every form that registers write, with their precision, and the words that mean "open-ended".
//! A month is not its first day: 2018-08 and 2018-08-01 disagree, because nobody knows that they agree.

use std::borrow::Cow;

use jiff::ToSpan;
use jiff::civil::{Date, date};

use crate::fold::{self, Case, Spaces};
use crate::numeral;
use crate::verdict::{Basis, ReviewReason, Verdict};

/// From this year on a written date may be a register's way of saying 长期 (20991231 is common), so it is for review against 长期.
const FAR_YEAR: i16 = 2099;
/// The year that stands for open-ended in itself.
const OPEN_YEAR: i16 = 9999;
/// China Standard Time, UTC+8, in seconds.
const CHINA_OFFSET_S: i64 = 8 * 3600;
const DAY_S: i64 = 86_400;

const OPEN_WORDS: [&str; 20] = [
    "长期",
    "长期有效",
    "長期",
    "長期有效",
    "永久",
    "永久有效",
    "永久期限",
    "永续",
    "无期限",
    "无限期",
    "无固定期限",
    "无固定期",
    "无限",
    "不限",
    "不限期",
    "不约定期限",
    "未约定期限",
    "终身",
    "终身有效",
    "長久",
];

/// A date as precise as it was written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum DateForm {
    /// 长期 and its sentinels.
    Open,
    /// One day.
    Day(Date),
    /// A month, held as its first day.
    Month(Date),
    /// A year, held as its first day.
    Year(Date),
}

impl DateForm {
    /// The first and the last day it may mean; nothing for open-ended.
    pub(crate) fn range(self) -> Option<(Date, Date)> {
        match self {
            Self::Open => None,
            Self::Day(day) => Some((day, day)),
            Self::Month(first) => Some((first, first.last_of_month())),
            Self::Year(first) => Some((first, first.last_of_year())),
        }
    }

    /// Whether it may be a register's way of writing 长期.
    pub(crate) fn is_far(self) -> bool {
        self.range().is_some_and(|(first, _)| first.year() >= FAR_YEAR)
    }

    /// The verdict on two dates; symmetric.
    pub(crate) fn judge(self, other: Self) -> Verdict {
        if self == other {
            Verdict::Match(Basis::Normalized)
        } else if (self == Self::Open && other.is_far()) || (other == Self::Open && self.is_far()) {
            Verdict::Review(ReviewReason::Sentinel)
        } else {
            Verdict::Mismatch
        }
    }
}

/// Reads a date, or nothing when the text is none.
pub(crate) fn parse(raw: &str) -> Option<DateForm> {
    if let Some(day) = iso_day(raw) {
        return Some(open_year(DateForm::Day(day)));
    }
    let text = fold::text(raw, Spaces::KeepBetweenWords, Case::Upper);
    let in_words = !text.starts_with(|c: char| c.is_ascii_digit());
    if (in_words && OPEN_WORDS.contains(&text.as_ref()))
        || matches!(text.as_ref(), "00000000" | "0000-00-00" | "0000/00/00" | "0000.00.00")
    {
        return Some(DateForm::Open);
    }
    let text = text.strip_prefix("公元").unwrap_or(&text);
    let day = without_midnight(text);
    if day.bytes().all(|b| b.is_ascii_digit()) {
        return digits(day);
    }
    if let Some(seconds) = day
        .strip_prefix('-')
        .filter(|rest| rest.len() >= 8 && rest.bytes().all(|b| b.is_ascii_digit()))
    {
        return epoch(seconds, -1);
    }
    separated(day).map(open_year)
}

/// The common case without any folding: YYYY-MM-DD.
fn iso_day(raw: &str) -> Option<Date> {
    let bytes = raw.as_bytes();
    let dashed = bytes.len() == 10 && bytes.get(4) == Some(&b'-') && bytes.get(7) == Some(&b'-');
    if !dashed {
        return None;
    }
    calendar_day(raw.get(..4)?, raw.get(5..7)?, raw.get(8..)?)
}

fn open_year(form: DateForm) -> DateForm {
    match form.range() {
        Some((first, _)) if first.year() == OPEN_YEAR => DateForm::Open,
        _ => form,
    }
}

/// Takes a time of exactly midnight off; any other time is more than a date and stays, so that nothing is lost.
fn without_midnight(text: &str) -> &str {
    if !text.bytes().any(|b| matches!(b, b'T' | b' ')) {
        return text;
    }
    for mark in ['T', ' '] {
        let Some((day, time)) = text.split_once(mark) else {
            continue;
        };
        let time = time
            .strip_suffix('Z')
            .or_else(|| time.strip_suffix("+08:00"))
            .or_else(|| time.strip_suffix("+0800"))
            .unwrap_or(time);
        if time.len() >= 4 && time.bytes().all(|b| matches!(b, b'0' | b':' | b'.')) {
            return day;
        }
    }
    text
}

fn digits(text: &str) -> Option<DateForm> {
    let month = |digits: &str| {
        Some(DateForm::Month(calendar_day(
            digits.get(..4)?,
            digits.get(4..6)?,
            "01",
        )?))
    };
    match text.len() {
        4 => Some(DateForm::Year(calendar_day(text, "01", "01")?)),
        6 => month(text),
        8 => calendar_day(text.get(..4)?, text.get(4..6)?, text.get(6..)?)
            .map(DateForm::Day)
            .map(open_year),
        14 if text.ends_with("000000") => digits(text.get(..8)?),
        9..=13 => epoch(text, 1),
        _ => None,
    }
}

/// Seconds (up to 10 digits) or milliseconds since 1970, as a day in China.
///
/// Registers write the local midnight; other lengths than 10 and 13 are read only when they are one.
fn epoch(text: &str, sign: i64) -> Option<DateForm> {
    let number = text.parse::<i64>().ok()?.checked_mul(sign)?;
    let seconds = if text.len() <= 10 {
        number
    } else {
        number.div_euclid(1000)
    };
    let local = seconds + CHINA_OFFSET_S;
    let (mut days, time) = (local.div_euclid(DAY_S), local.rem_euclid(DAY_S));
    let midnight = matches!(time, 0 | CHINA_OFFSET_S | 82_800);
    if !midnight && !matches!(text.len(), 10 | 13) {
        return None;
    }
    let mut day = date(1970, 1, 1).checked_add(i32::try_from(days).ok()?.days()).ok()?;
    // Summer time: the midnight of a summer's day in these years was 23:00 of the day before in standard time.
    if time == 82_800 && matches!(day.year(), 1940..=1949 | 1986..=1991) {
        days += 1;
        day = date(1970, 1, 1).checked_add(i32::try_from(days).ok()?.days()).ok()?;
    }
    Some(open_year(DateForm::Day(day)))
}

/// Year, month and day with separators or with 年月日, in digits or in Chinese numerals.
fn separated(text: &str) -> Option<DateForm> {
    let spaceless = if text.contains(' ') {
        Cow::Owned(text.replace(' ', ""))
    } else {
        Cow::Borrowed(text)
    };
    // Up to three parts, each with the mark behind it; behind the last there may be none.
    let (mut numbers, mut marks) = ([0; 3], [' '; 3]);
    let mut count = 0;
    let mut rest: &str = &spaceless;
    while !rest.is_empty() {
        let (part, mark, behind) = split_part(rest);
        if count == 0 && part.chars().count() != 4 {
            return None;
        }
        *numbers.get_mut(count)? = number(part)?;
        *marks.get_mut(count)? = mark;
        rest = behind;
        count += 1;
    }
    let [year, month, day] = numbers;
    let day = match (count, marks) {
        (3, ['Y', 'M', 'D' | ' '] | ['-', '-', ' ']) => DateForm::Day(civil(year, month, day)?),
        (2, ['Y', 'M' | ' ', _] | ['-', ' ', _]) => DateForm::Month(civil(year, month, 1)?),
        (1, ['Y', ..]) => DateForm::Year(civil(year, 1, 1)?),
        _ => return None,
    };
    Some(day)
}

/// What stands before the first mark of a date, the mark (a space for none), and what follows it.
fn split_part(text: &str) -> (&str, char, &str) {
    for (at, c) in text.char_indices() {
        let mark = match c {
            '0'..='9' => continue,
            '年' => 'Y',
            '月' => 'M',
            '日' | '号' => 'D',
            _ => match fold::dash(c) {
                '-' | '/' | '.' | '\\' | '·' | '。' | ',' | '、' => '-',
                _ => continue,
            },
        };
        let (part, rest) = text.split_at(at);
        return (part, mark, rest.get(c.len_utf8()..).unwrap_or_default());
    }
    (text, ' ', "")
}

fn civil(year: u16, month: u16, day: u16) -> Option<Date> {
    Date::new(
        i16::try_from(year).ok()?,
        i8::try_from(month).ok()?,
        i8::try_from(day).ok()?,
    )
    .ok()
}

fn number(part: &str) -> Option<u16> {
    if part.len() <= 4 && part.bytes().all(|b| b.is_ascii_digit()) {
        return part.parse().ok();
    }
    let run = if part == "元" { "一" } else { part };
    numeral::value(run).and_then(|value| u16::try_from(value).ok())
}

fn calendar_day(year: &str, month: &str, day: &str) -> Option<Date> {
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if ![year, month, day].into_iter().all(digits) {
        return None;
    }
    Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()
}
