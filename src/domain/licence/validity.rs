//! Whether a licence holds on a day: whole days of Asia/Shanghai, the first and the last included.
//! What its register says of it (吊销, 注销 …) goes before its dates: a revoked licence does not come back by having time left.

use jiff::civil::Date;

use super::LicenceStanding;
use crate::compare::{DateForm, date};

/// One end of a validity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValidityBound {
    /// The register states none.
    Unstated,
    /// 长期: there is no such end.
    Open,
    /// This day, included.
    Day(Date),
    /// What the register states cannot be read as a date.
    Unreadable,
}

impl ValidityBound {
    /// The first day, from what a register writes: a month or a year begins with its first day.
    pub fn first(raw: Option<&str>) -> Self {
        Self::read(raw, |(first, _)| first)
    }

    /// The last day: a month or a year ends with its last day.
    pub fn last(raw: Option<&str>) -> Self {
        Self::read(raw, |(_, last)| last)
    }

    fn read(raw: Option<&str>, end: impl Fn((Date, Date)) -> Date) -> Self {
        let Some(raw) = raw.filter(|raw| !raw.trim().is_empty()) else {
            return Self::Unstated;
        };
        match date::parse(raw) {
            None => Self::Unreadable,
            Some(DateForm::Open) => Self::Open,
            Some(form) => form.range().map_or(Self::Open, |range| Self::Day(end(range))),
        }
    }

    /// Whether this day is behind `on`.
    fn is_after(self, on: Date) -> bool {
        matches!(self, Self::Day(day) if day > on)
    }

    /// Whether this day is before `on`.
    fn is_before(self, on: Date) -> bool {
        matches!(self, Self::Day(day) if day < on)
    }

    /// Whether what begins here has begun by `on`; what states no day has.
    pub(crate) fn has_begun(self, on: Date) -> bool {
        !self.is_after(on)
    }
}

/// A day as a caller names it: one whole day, in any form that registers write.
pub fn day(raw: &str) -> Option<Date> {
    match date::parse(raw) {
        Some(DateForm::Day(day)) => Some(day),
        _ => None,
    }
}

/// How a licence stands on the day `on`.
///
/// `register` is what its register's status word stands for, if it is known; `replaced` says that a newer version had begun by then.
pub fn state_on(
    register: Option<LicenceStanding>,
    (from, until): (ValidityBound, ValidityBound),
    replaced: bool,
    on: Date,
) -> LicenceStanding {
    match register {
        Some(
            ended @ (LicenceStanding::Suspended
            | LicenceStanding::Revoked
            | LicenceStanding::Cancelled
            | LicenceStanding::Transferred
            | LicenceStanding::Replaced),
        ) => {
            return ended;
        }
        _ if replaced => return LicenceStanding::Replaced,
        _ => {}
    }
    if from.is_after(on) {
        return LicenceStanding::NotYetValid;
    }
    if until.is_before(on) || register == Some(LicenceStanding::Expired) {
        return LicenceStanding::Expired;
    }
    let readable = from != ValidityBound::Unreadable && until != ValidityBound::Unreadable;
    match register {
        Some(LicenceStanding::Valid) if readable => LicenceStanding::Valid,
        _ => LicenceStanding::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Register word, first day, last day, replaced, the day that is asked about, and how it stands then.
    #[rustfmt::skip]
    const VECTORS: &[(&str, &str, &str, bool, &str, &str)] = &[
        ("有效", "2020-01-01", "2024-12-31", false, "2019-12-31", "not_yet_valid"),
        ("有效", "2020-01-01", "2024-12-31", false, "2020-01-01", "valid"),
        ("有效", "2020-01-01", "2024-12-31", false, "2024-12-31", "valid"),
        ("有效", "2020-01-01", "2024-12-31", false, "2025-01-01", "expired"),
        ("01", "20200101", "20241231", false, "20241231", "valid"),
        ("01", "20200101", "20241231", false, "2025年1月1日", "expired"),
        // Milliseconds: midnight of 2024-12-31 in China is 16:00 of the day before in UTC.
        ("1", "1577808000000", "1735574400000", false, "2024-12-31", "valid"),
        ("1", "1577808000000", "1735574400000", false, "2025-01-01", "expired"),
        ("1", "1577808000000", "1735574400000", false, "2019-12-31", "not_yet_valid"),
        ("1", "1577808000000", "1735574400000", false, "2020-01-01", "valid"),
        // Open ends.
        ("有效", "2020-01-01", "长期", false, "2099-12-31", "valid"),
        ("有效", "2020-01-01", "99991231", false, "2200-01-01", "valid"),
        ("有效", "2020-01-01", "00000000", false, "2200-01-01", "valid"),
        ("有效", "2020-01-01", "", false, "2200-01-01", "valid"),
        ("有效", "", "2024-12-31", false, "1999-01-01", "valid"),
        // A month or a year as its whole.
        ("有效", "2020-02", "2024-02", false, "2024-02-29", "valid"),
        ("有效", "2020-02", "2024-02", false, "2024-03-01", "expired"),
        ("有效", "2020-02", "2024-02", false, "2020-01-31", "not_yet_valid"),
        ("有效", "2020年", "2024年", false, "2024-12-31", "valid"),
        // Leap days.
        ("有效", "2020-02-29", "2024-02-29", false, "2024-02-29", "valid"),
        ("有效", "2020-02-29", "2024-02-29", false, "2024-03-01", "expired"),
        // What the register says goes before the dates, and before a newer version.
        ("吊销", "2020-01-01", "长期", false, "2021-01-01", "revoked"),
        ("撤销", "2020-01-01", "2024-12-31", true, "2030-01-01", "revoked"),
        ("注销", "2020-01-01", "长期", true, "2021-01-01", "cancelled"),
        ("暂扣", "2020-01-01", "2024-12-31", false, "2019-01-01", "suspended"),
        ("办理转出", "2020-01-01", "长期", false, "2021-01-01", "transferred"),
        ("失效", "2020-01-01", "长期", false, "2021-01-01", "expired"),
        ("失效", "2022-01-01", "长期", false, "2021-01-01", "not_yet_valid"),
        // Replaced by a newer version.
        ("有效", "2020-01-01", "2024-12-31", true, "2024-06-01", "replaced"),
        ("失效", "2020-01-01", "2024-12-31", true, "2030-06-01", "replaced"),
        // Too little is known.
        ("其他", "2020-01-01", "长期", false, "2021-01-01", "unknown"),
        ("", "2020-01-01", "长期", false, "2021-01-01", "unknown"),
        ("大概有效", "2020-01-01", "长期", false, "2021-01-01", "unknown"),
        ("有效", "2020-01-01", "不详", false, "2021-01-01", "unknown"),
        ("其他", "2020-01-01", "2024-12-31", false, "2025-01-01", "expired"),
        ("其他", "2020-01-01", "2024-12-31", false, "2019-01-01", "not_yet_valid"),
    ];

    #[test]
    fn a_licence_stands_on_each_day_as_its_register_and_its_dates_say() {
        let words = super::super::status::StatusWords::named("housing").unwrap();
        for (word, from, until, replaced, on, expected) in VECTORS {
            let bounds = (ValidityBound::first(Some(from)), ValidityBound::last(Some(until)));
            let state = state_on(words.state(word), bounds, *replaced, day(on).unwrap());
            assert_eq!(state.as_str(), *expected, "{word} {from} to {until} on {on}");
        }
    }

    #[test]
    fn a_day_is_a_whole_day() {
        for raw in ["2024-02", "2024年", "长期", "2024-02-30", "", "soon"] {
            assert_eq!(day(raw), None, "{raw}");
        }
        assert_eq!(day("2024年2月29日"), Some(jiff::civil::date(2024, 2, 29)));
    }
}
