//! Working days by the State Council's yearly notices: when something is due, and how many working days have gone by.
//! A year without its notice is [`MissingYear`], never five days a week: the notice moves some thirty days of each year.
//!
//! `config/reference/holidays.csv` is compiled in; an operator's file of the same form adds later years and corrects
//! days, with no new release. A day without a row is off on Saturday and Sunday and worked otherwise. `years ⊆ rows`: a
//! year is known when its rows hold 1 January and 1 October, off by law since 1949, so that one stray row opens no year.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use jiff::ToSpan;
use jiff::civil::{Date, Weekday, date};
use thiserror::Error;

const SHIPPED: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../config/reference/holidays.csv"
));
const HEADER: &str = "date,name,kind";
/// The most lines of an operator's file: two centuries of notices.
pub const LINES_MAX: usize = 10_000;

const DAY_US: i64 = 86_400_000_000;
/// China has no daylight saving: Asia/Shanghai is UTC+8 all year, since 1991.
const CHINA_OFFSET_US: i64 = 8 * 3_600 * 1_000_000;

/// The working days of the years whose notices are known.
#[derive(Clone, Debug, Default)]
pub struct WorkingCalendar {
    days: BTreeMap<Date, DayKind>,
    years: BTreeSet<i16>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DayKind {
    Off,
    Work,
}

/// The table has no notice for this year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the working-day table has no year {0}")]
pub struct MissingYear(pub i16);

/// Why an operator's table cannot be taken; lines count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CalendarError {
    /// The first line is not the header.
    #[error("line 1 is not `date,name,kind`")]
    Header,
    /// Not three cells.
    #[error("line {0} has not three cells")]
    Cells(usize),
    /// The first cell is no `YYYY-MM-DD`.
    #[error("line {0} begins with no date")]
    Date(usize),
    /// The third cell is neither `off` nor `work`.
    #[error("line {0} ends in neither `off` nor `work`")]
    Kind(usize),
    /// The date stands on an earlier line too.
    #[error("line {0} repeats a date")]
    Repeated(usize),
    /// More than [`LINES_MAX`] lines.
    #[error("the table has more lines than it may have")]
    TooLong,
    /// A new year without 1 January or without 1 October as days off: not the whole notice.
    #[error("the rows of {0} are not a whole year's notice: 1 January and 1 October must be off")]
    IncompleteYear(i16),
}

static TABLE: LazyLock<WorkingCalendar> = LazyLock::new(|| {
    // A broken table would leave no year at all, which every question then says; the tests parse it.
    WorkingCalendar::default().extended(SHIPPED).unwrap_or_default()
});

impl WorkingCalendar {
    /// The table of this release: 2018 to 2026.
    pub fn shipped() -> &'static Self {
        &TABLE
    }

    /// The table of this release with an operator's: `date,name,kind`, later years whole, corrections day by day.
    ///
    /// A row replaces the shipped row of its day. A byte order mark and CRLF are taken, so that a spreadsheet may write it.
    ///
    /// # Errors
    /// [`CalendarError`], at the first line that is wrong.
    pub fn with_extra(csv_text: &str) -> Result<Self, CalendarError> {
        TABLE.clone().extended(csv_text)
    }

    fn extended(mut self, csv_text: &str) -> Result<Self, CalendarError> {
        let mut seen = BTreeSet::new();
        let text = csv_text.strip_prefix('\u{feff}').unwrap_or(csv_text);
        let mut lines = text.lines().map(str::trim_end).zip(1..);
        if lines.next().is_none_or(|(header, _)| header != HEADER) {
            return Err(CalendarError::Header);
        }
        for (line, at) in lines {
            if at > LINES_MAX {
                return Err(CalendarError::TooLong);
            }
            if line.is_empty() {
                continue;
            }
            let (day, kind) = row(line, at)?;
            if !seen.insert(day) {
                return Err(CalendarError::Repeated(at));
            }
            self.days.insert(day, kind);
        }
        for year in seen.iter().map(|day| day.year()) {
            if !self.years.contains(&year) && !self.has_whole_notice(year) {
                return Err(CalendarError::IncompleteYear(year));
            }
            self.years.insert(year);
        }
        Ok(self)
    }

    fn has_whole_notice(&self, year: i16) -> bool {
        [(1, 1), (10, 1)].into_iter().all(|(month, day)| {
            Date::new(year, month, day).is_ok_and(|statutory| self.days.get(&statutory) == Some(&DayKind::Off))
        })
    }

    /// The years whose notices are known, ascending.
    pub fn years(&self) -> impl DoubleEndedIterator<Item = i16> {
        self.years.iter().copied()
    }

    /// Whether the day is worked.
    ///
    /// # Errors
    /// [`MissingYear`].
    pub fn is_working(&self, day: Date) -> Result<bool, MissingYear> {
        if !self.years.contains(&day.year()) {
            return Err(MissingYear(day.year()));
        }
        Ok(match self.days.get(&day) {
            Some(kind) => *kind == DayKind::Work,
            None => !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday),
        })
    }

    /// The `working_days`-th working day after `start`; the day of receipt does not count. For 0, `start` itself.
    ///
    /// # Errors
    /// [`MissingYear`], when any day on the way lies in a year that is not known; `start` itself may.
    pub fn due(&self, start: Date, working_days: u32) -> Result<Date, MissingYear> {
        let (mut day, mut left) = (start, working_days);
        while left > 0 {
            day = after(day)?;
            left -= u32::from(self.is_working(day)?);
        }
        Ok(day)
    }
}

/// The date in China at a time in Unix microseconds; the first or last date there is, beyond them.
pub fn china_date(us: i64) -> Date {
    // Wider than every date there is, and within what a span may hold.
    let days = china_day(us).clamp(-5_000_000, 5_000_000);
    date(1970, 1, 1).saturating_add(days.days())
}

/// Days from 1970-01-01 to a date.
pub fn day_number(day: Date) -> i32 {
    date(1970, 1, 1).until(day).map_or(0, |span| span.get_days())
}

/// Days since 1970-01-01 in China at a time in Unix microseconds.
pub fn china_day(us: i64) -> i32 {
    i32::try_from(us.saturating_add(CHINA_OFFSET_US).div_euclid(DAY_US)).unwrap_or_default()
}

/// When a day begins in China, Unix microseconds.
pub fn china_midnight_us(day: Date) -> i64 {
    let since = day.duration_since(date(1970, 1, 1));
    since.as_secs().saturating_mul(1_000_000) - CHINA_OFFSET_US
}

fn after(day: Date) -> Result<Date, MissingYear> {
    day.tomorrow().map_err(|_| MissingYear(day.year().saturating_add(1)))
}

fn row(line: &str, at: usize) -> Result<(Date, DayKind), CalendarError> {
    let mut cells = line.split(',').map(str::trim);
    let (Some(day), Some(_), Some(kind), None) = (cells.next(), cells.next(), cells.next(), cells.next()) else {
        return Err(CalendarError::Cells(at));
    };
    let kind = match kind {
        "off" => DayKind::Off,
        "work" => DayKind::Work,
        _ => return Err(CalendarError::Kind(at)),
    };
    // jiff also reads a date with a time; only the plain form is of this table.
    let plain = day.len() == "YYYY-MM-DD".len();
    match day.parse() {
        Ok(day) if plain => Ok((day, kind)),
        _ => Err(CalendarError::Date(at)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The working days later than `start`, up to and with `end`: what [`WorkingCalendar::due`] is the inverse of.
    fn working_days_between(calendar: &WorkingCalendar, start: Date, end: Date) -> Result<u32, MissingYear> {
        let (mut day, mut count) = (start, 0);
        while day < end {
            day = after(day)?;
            count += u32::from(calendar.is_working(day)?);
        }
        Ok(count)
    }

    /// Written by `tests/calendar_cases.py` from a package's own arithmetic.
    const CASES: &str = include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/vectors/due_dates.csv"
    ));

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn due(start: &str, working_days: u32) -> String {
        let found = WorkingCalendar::shipped().due(day(start), working_days);
        found.map_or_else(|missing| missing.to_string(), |day| day.to_string())
    }

    fn works(text: &str) -> bool {
        WorkingCalendar::shipped().is_working(day(text)).unwrap()
    }

    #[test]
    fn the_table_of_this_release_is_whole() {
        let table = WorkingCalendar::default().extended(SHIPPED).unwrap();
        assert_eq!(table.years().collect::<Vec<_>>(), (2018..=2026).collect::<Vec<_>>());
        assert_eq!(table.days.len(), 322);
        // The statutory days: 11 until 2024, 13 since; what the notices add only moves weekends.
        for year in 2018..=2026 {
            let first = date(year, 1, 1);
            let weekdays = (0..first.days_in_year())
                .map(|n| first.checked_add(i32::from(n).days()).unwrap())
                .filter(|day| !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday))
                .count();
            let worked = working_days_between(&table, date(year - 1, 12, 31), date(year, 12, 31)).unwrap();
            let lost = weekdays - worked as usize;
            assert!((9..=13).contains(&lost), "{year}: {lost}");
        }
    }

    #[test]
    fn due_dates_agree_with_an_independent_computation() {
        let mut cases = 0;
        for line in CASES.lines().skip(1) {
            let [start, working_days, expected, _kind] = line.split(',').collect::<Vec<_>>()[..] else {
                panic!("{line}");
            };
            let working_days = working_days.parse().unwrap();
            assert_eq!(due(start, working_days), expected, "{line}");
            let back = working_days_between(WorkingCalendar::shipped(), day(start), day(expected));
            assert_eq!(back, Ok(working_days), "{line}");
            cases += 1;
        }
        assert!(cases >= 200, "{cases}");
    }

    #[test]
    fn the_example_of_the_contract_holds() {
        assert_eq!(due("2026-11-20", 10), "2026-12-04");
    }

    #[test]
    fn days_made_up_for_spring_festival_are_worked() {
        // 2026: off 15 to 23 February, made up on Saturday 14 and Saturday 28 February.
        assert!(works("2026-02-14") && works("2026-02-28") && !works("2026-02-16") && !works("2026-02-22"));
        assert_eq!(due("2026-02-13", 1), "2026-02-14");
        assert_eq!(due("2026-02-13", 2), "2026-02-24");
        assert_eq!(due("2026-02-27", 1), "2026-02-28");
        // 2025: Sunday 26 January and Saturday 8 February.
        assert!(works("2025-01-26") && works("2025-02-08") && !works("2025-02-09"));
        assert_eq!(due("2025-01-25", 1), "2025-01-26");
        // 2024: Sundays 4 and 18 February.
        assert!(works("2024-02-04") && works("2024-02-18"));
        assert_eq!(due("2024-02-08", 2), "2024-02-18");
        assert_eq!(due("2024-02-09", 2), "2024-02-19");
        // 2020: prolonged to 2 February, and the make-up Saturday of the first notice fell away.
        assert!(!works("2020-01-31") && !works("2020-02-01") && !works("2020-02-02") && works("2020-02-03"));
        assert_eq!(due("2020-01-23", 1), "2020-02-03");
    }

    #[test]
    fn national_day_and_mid_autumn_may_be_one_holiday() {
        assert_eq!(due("2020-09-30", 1), "2020-10-09");
        assert_eq!(due("2020-09-26", 1), "2020-09-27");
        assert_eq!(due("2023-09-28", 1), "2023-10-07");
        assert_eq!(due("2023-09-28", 2), "2023-10-08");
        assert_eq!(due("2025-09-30", 1), "2025-10-09");
        assert_eq!(due("2025-09-30", 3), "2025-10-11");
        assert_eq!(due("2026-09-30", 3), "2026-10-10");
    }

    #[test]
    fn a_year_ends_in_the_next_when_that_is_known() {
        assert_eq!(due("2019-12-31", 1), "2020-01-02");
        assert_eq!(due("2024-12-31", 1), "2025-01-02");
        assert_eq!(due("2025-12-31", 1), "2026-01-04", "a make-up Sunday");
        assert_eq!(
            due("2017-12-31", 1),
            "2018-01-02",
            "the day of receipt itself does not count"
        );
    }

    #[test]
    fn a_missing_year_is_an_error_and_never_a_guess() {
        let calendar = WorkingCalendar::shipped();
        assert_eq!(calendar.due(date(2026, 12, 30), 1), Ok(date(2026, 12, 31)));
        assert_eq!(calendar.due(date(2026, 12, 31), 1), Err(MissingYear(2027)));
        assert_eq!(calendar.due(date(2026, 12, 25), 10), Err(MissingYear(2027)));
        assert_eq!(calendar.due(date(2017, 12, 29), 1), Err(MissingYear(2017)));
        assert_eq!(calendar.is_working(date(2027, 1, 4)), Err(MissingYear(2027)));
        assert_eq!(
            working_days_between(calendar, date(2026, 12, 30), date(2027, 1, 4)),
            Err(MissingYear(2027))
        );
        assert_eq!(WorkingCalendar::default().due(Date::MAX, 1), Err(MissingYear(10_000)));
        assert_eq!(MissingYear(2027).to_string(), "the working-day table has no year 2027");
    }

    #[test]
    fn an_operators_file_adds_a_year_and_corrects_a_day() {
        let text = "\u{feff}date,name,kind\r\n2026-12-28,停工,off\r\n2027-01-01,元旦,off\r\n2027-01-03,元旦,work\r\n\
                    2027-10-01,国庆节,off\r\n";
        let calendar = WorkingCalendar::with_extra(text).unwrap();
        assert_eq!(calendar.years().next_back(), Some(2027));
        assert_eq!(calendar.due(date(2026, 12, 25), 1), Ok(date(2026, 12, 29)));
        assert_eq!(calendar.due(date(2026, 12, 31), 2), Ok(date(2027, 1, 4)));
        assert_eq!(calendar.is_working(date(2027, 1, 3)), Ok(true));
        assert_eq!(WorkingCalendar::shipped().years().next_back(), Some(2026));
    }

    #[test]
    fn a_faulty_file_is_refused_with_its_line() {
        let refused = |rows: &str| WorkingCalendar::with_extra(&format!("date,name,kind\n{rows}")).unwrap_err();
        assert_eq!(WorkingCalendar::with_extra("").unwrap_err(), CalendarError::Header);
        assert_eq!(
            WorkingCalendar::with_extra("date;name;kind").unwrap_err(),
            CalendarError::Header
        );
        assert_eq!(refused("2026-01-01,元旦"), CalendarError::Cells(2));
        assert_eq!(refused("\n2026-01-01,a,b,off"), CalendarError::Cells(3));
        assert_eq!(refused("2026-02-30,元旦,off"), CalendarError::Date(2));
        assert_eq!(refused("2026-01-01T00:00,元旦,off"), CalendarError::Date(2));
        assert_eq!(refused("2026-01-01,元旦,OFF"), CalendarError::Kind(2));
        assert_eq!(
            refused("2026-01-01,元旦,off\n2026-01-01,元旦,work"),
            CalendarError::Repeated(3)
        );
        assert_eq!(refused("2027-01-01,元旦,off"), CalendarError::IncompleteYear(2027));
        assert_eq!(
            refused("2027-01-01,元旦,off\n2027-10-01,国庆节,work"),
            CalendarError::IncompleteYear(2027)
        );
        assert_eq!(refused(&"\n".repeat(LINES_MAX)), CalendarError::TooLong);
    }

    #[test]
    fn a_day_begins_at_midnight_in_china() {
        // 2026-11-22T15:59:59Z and 16:00:00Z
        assert_eq!(china_date(1_795_363_199_000_000), date(2026, 11, 22));
        assert_eq!(china_date(1_795_363_200_000_000), date(2026, 11, 23));
        assert_eq!(china_date(-1), date(1970, 1, 1));
        assert_eq!(china_midnight_us(date(2026, 11, 23)), 1_795_363_200_000_000);
        assert_eq!(china_date(-CHINA_OFFSET_US - 1), date(1969, 12, 31));
        assert_eq!((china_date(i64::MAX), china_date(i64::MIN)), (Date::MAX, Date::MIN));
    }

    proptest! {
        #[test]
        fn a_due_date_is_worked_and_as_many_working_days_away(at in 0_i32..2_900, working_days in 1_u32..200) {
            let calendar = WorkingCalendar::shipped();
            let start = date(2018, 1, 1).checked_add(at.days()).unwrap();
            let due = calendar.due(start, working_days).unwrap();
            prop_assert!(due > start && calendar.is_working(due).unwrap());
            prop_assert_eq!(working_days_between(calendar, start, due), Ok(working_days));
            prop_assert!(calendar.due(start, working_days + 1).is_ok_and(|next| next > due));
        }
    }
}
