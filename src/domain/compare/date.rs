//! Civil dates in every form that registers write, with their precision, and the words that mean "open-ended".
//! A month is not its first day: 2018-08 and 2018-08-01 are for review, because they need not agree.

use std::borrow::Cow;

use jiff::civil::{Date, DateTime};

use super::date_time::{self, ChinaTime};
use super::review::REVIEW_PARTIAL;
use crate::fold::numeral;
use crate::fold::{self, CaseFolding, SpaceFolding};
use crate::verdict::{MatchBasis, ReviewReason, Verdict};

/// From this year on a written date may be a register's way of saying 长期 (20991231 is common), so it is for review against 长期.
const FAR_YEAR: i16 = 2099;
/// The year that stands for open-ended in itself.
const OPEN_YEAR: i16 = 9999;
/// The years that a date is read in, beside [`OPEN_YEAR`]: 0001-01-01 is what a program writes for no date.
const YEARS: std::ops::RangeInclusive<i16> = 1800..=3000;

const OPEN_WORDS: [&str; 22] = [
    "长期",
    "长期有效",
    "長期",
    "長期有效",
    "永久",
    "永久有效",
    "永久存续",
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
    "长久",
];

/// Words in front of a date that say nothing of which day it is.
const BEFORE: [&str; 13] = [
    "公元",
    "有效期限至",
    "有效期截止",
    "有效期至",
    "有效至",
    "截止到",
    "截止至",
    "截止",
    "截至",
    "至",
    "到",
    "自",
    "于",
];
/// The same behind one.
const BEHIND: [&str; 6] = ["为止", "截止", "起始", "止", "起", "生"];

/// A date as precise as it was written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum DateForm {
    /// 长期 and its sentinels.
    Open,
    /// A second of a day, in China.
    Moment(DateTime),
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
            Self::Moment(moment) => Some((moment.date(), moment.date())),
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
            return Verdict::Match(MatchBasis::Normalized);
        }
        let is_moment = |form| matches!(form, Self::Moment(_));
        match (self.range(), other.range()) {
            (None, _) | (_, None) if self.is_far() || other.is_far() => Verdict::Review(ReviewReason::Sentinel),
            // Two seconds of one day, or two days, are two.
            (Some(a), Some(b)) if a == b && is_moment(self) && is_moment(other) => Verdict::Mismatch,
            // A coarse date that the fine one lies in.
            (Some(a), Some(b)) if (a.0 <= b.0 && b.1 <= a.1) || (b.0 <= a.0 && a.1 <= b.1) => REVIEW_PARTIAL,
            _ => Verdict::Mismatch,
        }
    }

    /// A text that two dates share when they are one.
    pub(crate) fn key(self) -> String {
        match (self, self.range()) {
            (Self::Moment(moment), _) => moment.to_string(),
            (_, Some((first, last))) => format!("{first}/{last}"),
            (_, None) => "open".to_owned(),
        }
    }
}

/// Reads a date; `None` if the text cannot be read.
pub(crate) fn parse(raw: &str) -> Option<DateForm> {
    if let Some(day) = iso_day(raw) {
        return usual(DateForm::Day(day));
    }
    let text = fold::text(raw, SpaceFolding::KeepBetweenWords, CaseFolding::Upper);
    let in_words = !text.starts_with(|c: char| c.is_ascii_digit());
    if (in_words && OPEN_WORDS.contains(&text.as_ref()))
        || matches!(text.as_ref(), "00000000" | "0000-00-00" | "0000/00/00" | "0000.00.00")
    {
        return Some(DateForm::Open);
    }
    let (text, weekday) = date_time::without_weekday(bare(&text));
    let form = written(text)?;
    if let Some(weekday) = weekday {
        let (first, last) = form.range()?;
        // The weekday contradicts the day, and either of them may be the wrong one.
        if first != last || first.weekday() != weekday {
            return None;
        }
    }
    usual(form)
}

/// The text without the words that say which end of a period it is.
fn bare(text: &str) -> &str {
    let mut text = text.trim();
    if text.starts_with(|c: char| c.is_ascii_digit()) && text.ends_with(|c: char| c.is_ascii_digit()) {
        return text;
    }
    if let Some(rest) = BEFORE.iter().find_map(|word| text.strip_prefix(word)) {
        text = rest.trim_start_matches([':', ' ']);
    }
    BEHIND
        .iter()
        .find_map(|word| text.strip_suffix(word))
        .unwrap_or(text)
        .trim_end()
}

/// A date in digits, with marks, or with a time behind it.
fn written(text: &str) -> Option<DateForm> {
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return digits(text);
    }
    if let Some(seconds) = text
        .strip_prefix('-')
        .filter(|rest| rest.len() >= 8 && rest.bytes().all(|b| b.is_ascii_digit()))
    {
        return of_local(date_time::epoch(seconds, -1)?);
    }
    if let Some(form) = separated(text) {
        return Some(form);
    }
    let (day, time) = date_time::split(text)?;
    let (day, time) = match written_day(day)? {
        DateForm::Day(day) => (day, time),
        _ => return None,
    };
    of_local(date_time::on(day, time)?)
}

fn written_day(text: &str) -> Option<DateForm> {
    match text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit()) {
        true => digits(text),
        false => separated(text),
    }
}

fn of_local(local: ChinaTime) -> Option<DateForm> {
    Some(match local {
        ChinaTime::Day(day) => DateForm::Day(day),
        ChinaTime::Moment(moment) => DateForm::Moment(moment),
    })
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

/// The year 9999 means open-ended; `None` for a year outside [`YEARS`].
fn usual(form: DateForm) -> Option<DateForm> {
    match form.range() {
        Some((first, _)) if first.year() == OPEN_YEAR => Some(DateForm::Open),
        Some((first, _)) if !YEARS.contains(&first.year()) => None,
        _ => Some(form),
    }
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
        8 => calendar_day(text.get(..4)?, text.get(4..6)?, text.get(6..)?).map(DateForm::Day),
        9..=13 | 14 | 17 => {
            // A run of yyyyMMddHH may be the seconds of an epoch too: then it is neither.
            let stamp = stamp(text);
            match (stamp, date_time::epoch(text, 1)) {
                (Some(stamp), None) => Some(stamp),
                (None, Some(local)) => of_local(local),
                (Some(stamp), Some(ChinaTime::Moment(_))) => Some(stamp),
                _ => None,
            }
        }
        _ => None,
    }
}

/// yyyyMMdd with a time behind it: HH, HHmm, HHmmss or HHmmssSSS.
fn stamp(text: &str) -> Option<DateForm> {
    if !matches!(text.len(), 10 | 12 | 14 | 17) {
        return None;
    }
    let day = calendar_day(text.get(..4)?, text.get(4..6)?, text.get(6..8)?)?;
    if !(1900..=2100).contains(&day.year()) {
        return None;
    }
    let part = |at: usize| text.get(at..at + 2).map_or(Some(0), |two| two.parse().ok());
    of_local(date_time::at(day, part(8)?, part(10)?, part(12)?)?)
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
    // 二000年 and 二OOO年: digits and the letter among numerals.
    let plain: Option<String> = run
        .chars()
        .map(|c| match c {
            'O' => Some('0'),
            '0'..='9' => Some(c),
            _ => numeral::digit(c).and_then(|digit| char::from_digit(digit, 10)),
        })
        .collect();
    if let Some(digits) = plain.filter(|_| run.chars().any(|c| numeral::digit(c).is_some())) {
        return digits.parse().ok();
    }
    numeral::value(run).and_then(|value| u16::try_from(value).ok())
}

fn calendar_day(year: &str, month: &str, day: &str) -> Option<Date> {
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if ![year, month, day].into_iter().all(digits) {
        return None;
    }
    Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()
}
