//! Where a service item takes a value from that a register is asked about: the item itself, the applicant, the material, or the day.
//! A text that begins with `$` and is none of these is a mistake of whoever wrote the item, never a value.

use std::borrow::Cow;

use jiff::{ToSpan, civil::Date};

/// Longest name of a value, bytes.
const NAME_BYTES_MAX: usize = 64;

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
        let years = rest.strip_prefix("today").ok_or(UnknownTemplate)?;
        if years.is_empty() {
            return Ok(Self::Today(0));
        }
        let years = years.strip_suffix('y').ok_or(UnknownTemplate)?;
        if !years.starts_with(['-', '+']) {
            return Err(UnknownTemplate);
        }
        let years: i32 = years.parse().map_err(|_| UnknownTemplate)?;
        match years.abs() <= YEARS_MAX {
            true => Ok(Self::Today(years)),
            false => Err(UnknownTemplate),
        }
    }

    /// Whether the value is one that somebody declared, not one that the item demands.
    pub const fn is_declared(&self) -> bool {
        matches!(self, Self::Applicant(_) | Self::Material(_))
    }

    /// A value that needs no request; `None` for one that somebody has to declare.
    pub fn own_value(&self, today: Date) -> Option<Cow<'_, str>> {
        match self {
            Self::Literal(text) => Some(Cow::Borrowed(text)),
            // A day that the other year does not have (29 February) is the last one of its month there.
            Self::Today(years) => Some(Cow::Owned(today.saturating_add(years.years()).to_string())),
            Self::Applicant(_) | Self::Material(_) => None,
        }
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
        assert!(
            ValueTemplate::parse("$applicant.name")
                .unwrap()
                .own_value(date(2026, 1, 1))
                .is_none()
        );
    }
}
