//! Times as outside systems write them: `yyyyMMddHHmmss`, `yyyy-MM-dd HH:mm:ss`, always in China Standard Time.
//! UTC+8 all the year: a machine's own time zone never decides what an agency reads.

use std::fmt::Write as _;

use jiff::{
    Timestamp,
    civil::DateTime,
    tz::{Offset, TimeZone},
};

use super::template::UnmadeRequest;

const CHINA: Offset = Offset::constant(8);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PatternItem {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    Milli,
    Plain(char),
}

/// A pattern of `yyyy MM dd HH mm ss SSS` and of `-`, `/`, `:`, `.`, space and `T` between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TimePattern(Vec<PatternItem>);

const WORDS: [(&str, PatternItem); 7] = [
    ("yyyy", PatternItem::Year),
    ("MM", PatternItem::Month),
    ("dd", PatternItem::Day),
    ("HH", PatternItem::Hour),
    ("mm", PatternItem::Minute),
    ("ss", PatternItem::Second),
    ("SSS", PatternItem::Milli),
];

impl TimePattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// It holds something else.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (mut items, mut rest) = (Vec::new(), text);
        while let Some(first) = rest.chars().next() {
            let word = WORDS
                .iter()
                .find_map(|(word, item)| Some((*item, rest.strip_prefix(word)?)));
            let (item, after) = match word {
                Some(found) => found,
                None if "-/:. T".contains(first) => (PatternItem::Plain(first), rest.get(1..).unwrap_or_default()),
                None => return Err("the time pattern is not of yyyy MM dd HH mm ss SSS".to_owned()),
            };
            items.push(item);
            rest = after;
        }
        if items.is_empty() {
            return Err("the time pattern is empty".to_owned());
        }
        Ok(Self(items))
    }

    /// Writes a time, Unix microseconds.
    ///
    /// # Errors
    /// It lies outside the years 1 to 9999.
    pub(super) fn write(&self, at_us: i64) -> Result<String, UnmadeRequest> {
        let at = Timestamp::from_microsecond(at_us).map_err(|_| UnmadeRequest("a time out of range"))?;
        let at = CHINA.to_datetime(at);
        let mut text = String::new();
        for item in &self.0 {
            let _ = match item {
                PatternItem::Year => write!(text, "{:04}", at.year()),
                PatternItem::Month => write!(text, "{:02}", at.month()),
                PatternItem::Day => write!(text, "{:02}", at.day()),
                PatternItem::Hour => write!(text, "{:02}", at.hour()),
                PatternItem::Minute => write!(text, "{:02}", at.minute()),
                PatternItem::Second => write!(text, "{:02}", at.second()),
                PatternItem::Milli => write!(text, "{:03}", at.millisecond()),
                PatternItem::Plain(c) => write!(text, "{c}"),
            };
        }
        Ok(text)
    }
}

/// Reads a time that a platform wrote: 13 digits are Unix milliseconds, `yyyy-MM-dd HH:mm:ss` is China Standard Time.
/// Unix microseconds.
pub(crate) fn read_time(text: &str) -> Option<i64> {
    if text.len() == 13 && text.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse::<i64>().ok()?.checked_mul(1_000);
    }
    if text.len() != 19 {
        return None;
    }
    let civil: DateTime = text.parse().ok()?;
    let zoned = civil.to_zoned(TimeZone::fixed(CHINA)).ok()?;
    Some(zoned.timestamp().as_microsecond())
}

#[cfg(test)]
mod tests {
    use crate::source::pattern::*;

    #[test]
    fn times_of_platforms_are_read_and_written_in_china() {
        assert_eq!(read_time("1700000000000"), Some(1_700_000_000_000_000));
        assert_eq!(read_time("2023-11-15 06:13:20"), Some(1_700_000_000_000_000));
        for text in [
            "1700000000",
            "2023-11-15",
            "never",
            "",
            "2023-13-15 06:13:20",
            "17000000000000",
        ] {
            assert_eq!(read_time(text), None, "{text}");
        }
        let pattern = TimePattern::parse("yyyy/MM/ddTHH:mm:ss.SSS").unwrap();
        assert_eq!(pattern.write(1_700_000_000_123_999).unwrap(), "2023/11/15T06:13:20.123");
        assert!(TimePattern::parse("").is_err() && TimePattern::parse("yy").is_err());
    }
}
