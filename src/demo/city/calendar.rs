//! Civil dates of the generator: day numbers, ages and spans in the proleptic Gregorian calendar.
//! There is no clock: the city is as of one fixed day, so that one seed gives one city whenever it is made.

/// The day as of which the city is made; no birth and no issue is dated after it.
pub(crate) const AS_OF: Date = Date {
    year: 2026,
    month: 11,
    day: 22,
};

/// A civil date.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    /// Year.
    pub year: i32,
    /// Month, 1 to 12.
    pub month: u32,
    /// Day of the month, from 1.
    pub day: u32,
}

impl Date {
    /// The first of January of `year`.
    pub(crate) const fn new_year(year: i32) -> Self {
        Self { year, month: 1, day: 1 }
    }

    /// Days since 1970-01-01 (era arithmetic on 400-year cycles that begin in March).
    pub const fn days(self) -> i32 {
        let year = if self.month <= 2 { self.year - 1 } else { self.year };
        let era = year.div_euclid(400);
        let of_era = year.rem_euclid(400);
        let month = (self.month as i32 + 9) % 12;
        let of_year = (153 * month + 2) / 5 + self.day as i32 - 1;
        era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
    }

    /// The date of a day number.
    pub(crate) const fn from_days(days: i32) -> Self {
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let day = shifted.rem_euclid(146_097);
        let of_era = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
        let of_year = day - (365 * of_era + of_era / 4 - of_era / 100);
        let month = (5 * of_year + 2) / 153;
        let civil_month = if month < 10 { month + 3 } else { month - 9 };
        let year = of_era + era * 400;
        Self {
            year: if civil_month <= 2 { year + 1 } else { year },
            month: civil_month as u32,
            day: (of_year - (153 * month + 2) / 5 + 1) as u32,
        }
    }

    /// Whole years from `self` to `later`.
    pub(crate) const fn years_to(self, later: Self) -> i32 {
        let before_birthday = later.month < self.month || (later.month == self.month && later.day < self.day);
        later.year - self.year - before_birthday as i32
    }

    /// The same day `years` later; 29 February becomes 1 March where the year has none.
    pub(crate) const fn plus_years(self, years: i32) -> Self {
        let moved = Self {
            year: self.year + years,
            ..self
        };
        Self::from_days(moved.days())
    }

    /// `days` later.
    pub(crate) const fn plus_days(self, days: i32) -> Self {
        Self::from_days(self.days() + days)
    }

    /// Writes `YYYY-MM-DD`.
    pub fn write(self, out: &mut String) {
        self.write_with(out, "-");
    }

    /// Writes year, month and day with two digits and `separator` between them.
    pub(crate) fn write_with(self, out: &mut String, separator: &str) {
        push_digits(out, self.year.unsigned_abs().into(), 4);
        out.push_str(separator);
        push_digits(out, self.month.into(), 2);
        out.push_str(separator);
        push_digits(out, self.day.into(), 2);
    }
}

/// Writes `number` with at least `width` digits, at most 20.
pub(crate) fn push_digits(out: &mut String, number: u64, width: usize) {
    let mut digits = [b'0'; 20];
    let (mut rest, mut used) = (number, 0);
    for slot in digits.iter_mut().rev() {
        if rest == 0 && used >= width.max(1) {
            break;
        }
        *slot = b'0' + (rest % 10) as u8;
        rest /= 10;
        used += 1;
    }
    push_ascii(out, digits.get(20 - used..).unwrap_or_default());
}

/// Writes ASCII bytes as text.
pub(crate) fn push_ascii(out: &mut String, bytes: &[u8]) {
    out.push_str(str::from_utf8(bytes).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use crate::city::calendar::*;

    #[test]
    fn day_numbers_and_dates_agree_over_two_centuries() {
        assert_eq!(Date::new_year(1970).days(), 0);
        let mut previous = Date::from_days(-36_525);
        for day in -36_524..36_525 {
            let date = Date::from_days(day);
            assert_eq!(date.days(), day);
            assert!(date > previous);
            previous = date;
        }
    }

    #[test]
    fn ages_change_on_the_birthday() {
        let born = Date {
            year: 2008,
            month: 11,
            day: 23,
        };
        assert_eq!(born.years_to(AS_OF), 17);
        assert_eq!(born.plus_days(-1).years_to(AS_OF), 18);
    }

    #[test]
    fn digits_are_padded_and_never_cut() {
        let mut out = String::new();
        push_digits(&mut out, 7, 3);
        push_digits(&mut out, 0, 1);
        push_digits(&mut out, 12_345, 2);
        assert_eq!(out, "007012345");
    }
}
