//! Where a service item takes a value from that a register is asked about: the item itself, the applicant, the material, another
//! material, or the day.
//! A text that begins with `$` and is not one of these is a mistake in the item, never a value.

use std::borrow::Cow;

use jiff::{ToSpan, civil::Date};

/// Longest name of a value, bytes.
const NAME_BYTES_MAX: usize = 64;

/// Longest key of a material, bytes.
const KEY_BYTES_MAX: usize = 64;

/// Years that `$today` may go back or forward.
const YEARS_MAX: i32 = 200;

/// A value of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueTemplate {
    /// As the item says it.
    Literal(Box<str>),
    /// Given once for all materials: `$applicant.x`.
    Applicant(Box<str>),
    /// Given for this material: `$material.x`.
    Material(Box<str>),
    /// Given for another material of the item: `$materials.seller.name`. Two materials that must speak of one person take the same value.
    Other {
        /// Key of that material.
        material: Box<str>,
        /// Name of its value.
        name: Box<str>,
    },
    /// A fixed day of the year of the check, so many years later or before: `$day.08-31`, `$day.08-31-6y`.
    DayOfYear {
        /// Month, 1 to 12.
        month: i8,
        /// Day of the month; it exists in each year.
        day: i8,
        /// Years that are added.
        years: i32,
    },
    /// The day of the check, so many years later (or, below zero, before): `$today`, `$today-18y`, `$today+1y`.
    Today(i32),
}

/// It begins with `$` and means nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownTemplate;

impl ValueTemplate {
    /// Reads a value of an item.
    ///
    /// # Errors
    /// [`UnknownTemplate`].
    pub fn parse(text: &str) -> Result<Self, UnknownTemplate> {
        let Some(rest) = text.strip_prefix('$') else {
            return Ok(Self::Literal(text.into()));
        };
        if let Some(name) = rest.strip_prefix("applicant.") {
            return name_of(name).map(Self::Applicant);
        }
        if let Some(name) = rest.strip_prefix("material.") {
            return name_of(name).map(Self::Material);
        }
        if let Some(place) = rest.strip_prefix("materials.") {
            let (material, name) = place.split_once('.').ok_or(UnknownTemplate)?;
            return Ok(Self::Other {
                material: key_of(material)?,
                name: name_of(name)?,
            });
        }
        if let Some(day) = rest.strip_prefix("day.") {
            return day_of_year(day);
        }
        let years = rest.strip_prefix("today").ok_or(UnknownTemplate)?;
        years_of(years).map(Self::Today)
    }

    /// Whether the value is one that somebody declared, not one that the item demands.
    pub const fn is_declared(&self) -> bool {
        matches!(self, Self::Applicant(_) | Self::Material(_) | Self::Other { .. })
    }

    /// Whether the value depends on the day of the check.
    pub const fn is_day(&self) -> bool {
        matches!(self, Self::Today(_) | Self::DayOfYear { .. })
    }

    /// A value that needs no request; `None` for one that somebody has to declare.
    pub fn own_value(&self, today: Date) -> Option<Cow<'_, str>> {
        match self {
            Self::Literal(text) => Some(Cow::Borrowed(text)),
            // A day that the other year does not have (29 February) is the last one of its month there.
            Self::Today(years) => Some(Cow::Owned(today.saturating_add(years.years()).to_string())),
            Self::DayOfYear { month, day, years } => {
                let of_year = Date::new(today.year(), *month, *day).ok()?;
                Some(Cow::Owned(of_year.saturating_add(years.years()).to_string()))
            }
            Self::Applicant(_) | Self::Material(_) | Self::Other { .. } => None,
        }
    }
}

/// Reads nothing, `-18y` or `+1y`.
fn years_of(text: &str) -> Result<i32, UnknownTemplate> {
    if text.is_empty() {
        return Ok(0);
    }
    let years = text.strip_suffix('y').ok_or(UnknownTemplate)?;
    if !years.starts_with(['-', '+']) {
        return Err(UnknownTemplate);
    }
    let years: i32 = years.parse().map_err(|_| UnknownTemplate)?;
    match years.abs() <= YEARS_MAX {
        true => Ok(years),
        false => Err(UnknownTemplate),
    }
}

/// Reads `08-31` or `08-31-6y`: a day that each year has.
fn day_of_year(text: &str) -> Result<ValueTemplate, UnknownTemplate> {
    let (day, years) = text.split_at_checked(5).ok_or(UnknownTemplate)?;
    let (month, day) = day.split_once('-').ok_or(UnknownTemplate)?;
    let number = |text: &str| match text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        true => text.parse::<i8>().map_err(|_| UnknownTemplate),
        false => Err(UnknownTemplate),
    };
    let (month, day) = (number(month)?, number(day)?);
    // 2023 has no 29 February.
    Date::new(2023, month, day).map_err(|_| UnknownTemplate)?;
    let years = years_of(years)?;
    Ok(ValueTemplate::DayOfYear { month, day, years })
}

fn key_of(text: &str) -> Result<Box<str>, UnknownTemplate> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-';
    match !text.is_empty() && text.len() <= KEY_BYTES_MAX && text.bytes().all(plain) {
        true => Ok(text.into()),
        false => Err(UnknownTemplate),
    }
}

fn name_of(text: &str) -> Result<Box<str>, UnknownTemplate> {
    let fits = !text.is_empty() && text.len() <= NAME_BYTES_MAX;
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    match fits && text.bytes().all(plain) {
        true => Ok(text.into()),
        false => Err(UnknownTemplate),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn values_are_told_from_places_to_take_them_from() {
        let parse = |text| ValueTemplate::parse(text);
        assert_eq!(parse("正常"), Ok(ValueTemplate::Literal("正常".into())));
        assert_eq!(parse("$applicant.name"), Ok(ValueTemplate::Applicant("name".into())));
        assert_eq!(
            parse("$material.licence_id"),
            Ok(ValueTemplate::Material("licence_id".into()))
        );
        assert_eq!(parse("$today"), Ok(ValueTemplate::Today(0)));
        assert_eq!(parse("$today-18y"), Ok(ValueTemplate::Today(-18)));
        assert_eq!(parse("$today+1y"), Ok(ValueTemplate::Today(1)));
        let (material, name) = ("legal-rep".into(), "id_number".into());
        assert_eq!(
            parse("$materials.legal-rep.id_number"),
            Ok(ValueTemplate::Other { material, name })
        );
        let of_august = |years| ValueTemplate::DayOfYear {
            month: 8,
            day: 31,
            years,
        };
        assert_eq!(parse("$day.08-31"), Ok(of_august(0)));
        assert_eq!(parse("$day.08-31-6y"), Ok(of_august(-6)));
        for wrong in [
            "$",
            "$applicant",
            "$applicant.",
            "$applicant.Name",
            "$applicant.a.b",
            "$today-",
            "$today-y",
        ] {
            assert_eq!(parse(wrong), Err(UnknownTemplate), "{wrong}");
        }
        for wrong in [
            "$today18y",
            "$today-18m",
            "$today-201y",
            "$todayx",
            "$material.a/b",
            "$yesterday",
            "$materials.seller",
            "$materials..name",
            "$materials.Seller.name",
            "$day.8-31",
            "$day.02-29",
            "$day.13-01",
            "$day.08-31-6",
            "$day.08",
        ] {
            assert_eq!(parse(wrong), Err(UnknownTemplate), "{wrong}");
        }
    }

    #[test]
    fn the_day_so_many_years_ago_is_a_day_that_there_was() {
        let ago = |years, today| ValueTemplate::Today(years).own_value(today).unwrap().into_owned();
        assert_eq!(ago(0, date(2026, 11, 26)), "2026-11-26");
        assert_eq!(ago(-18, date(2026, 11, 26)), "2008-11-26");
        assert_eq!(ago(-18, date(2028, 2, 29)), "2010-02-28");
        assert_eq!(ago(-16, date(2028, 2, 29)), "2012-02-29");
        let school = ValueTemplate::parse("$day.08-31-6y").unwrap();
        for today in [date(2026, 1, 1), date(2026, 8, 31), date(2026, 12, 31)] {
            assert_eq!(school.own_value(today).unwrap(), "2020-08-31");
        }
        assert!(
            ValueTemplate::parse("$applicant.name")
                .unwrap()
                .own_value(date(2026, 1, 1))
                .is_none()
        );
    }
}
