//! Resident numbers of GB 11643-1999 and the permits of the same form: 15 or 18 characters.
//! A birth year before 1900 is legal, and a county code may be retired for decades: neither is an error.

use std::borrow::Cow;

use jiff::civil::Date;

use super::alphabet::DIGITS;
use super::{CanonicalIdentifier, IdentifierFinding, InvalidIdentifier, as_given_or_spelt};
use crate::{fold, reference};

/// The first year that a living person of the numbering scheme could be born in.
const YEAR_MIN: i16 = 1800;
const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const CHARACTERS: [char; 11] = ['1', '0', 'X', '9', '8', '7', '6', '5', '4', '3', '2'];
/// What people and machines write for the X at the end.
const LIKE_X: [char; 11] = ['Ⅹ', 'ⅹ', '×', 'Х', 'х', 'Χ', 'χ', '✕', '✖', '╳', '⨯'];

/// The check character (ISO 7064 MOD 11-2) of the first 17 digits, or nothing when they are not 17 digits.
pub fn check_character(digits: &str) -> Option<char> {
    let sum = DIGITS.weigh(digits.as_bytes(), WEIGHTS)?;
    CHARACTERS.get((sum % 11) as usize).copied()
}

/// The six-digit division code at the head of a canonical number; for a permanent residence card the province of application.
pub(crate) fn division_of(canonical: &str) -> Option<u32> {
    if canonical.len() != 18 {
        return None;
    }
    if canonical.starts_with('9') {
        return canonical
            .get(1..3)?
            .parse::<u32>()
            .ok()
            .map(|province| province * 10_000);
    }
    canonical.get(..6)?.parse().ok()
}

/// The birth date inside a canonical number.
pub fn birth_date(canonical: &str) -> Option<Date> {
    let digits = canonical.get(6..14).filter(|_| canonical.len() == 18)?;
    let part = |from: usize, to: usize| digits.get(from..to)?.parse::<i16>().ok();
    Date::new(
        part(0, 4)?,
        i8::try_from(part(4, 6)?).ok()?,
        i8::try_from(part(6, 8)?).ok()?,
    )
    .ok()
}

/// The 18-digit form a century earlier of a number brought from 15 to 18 digits, when its order code leaves the century open.
///
/// Persons over a hundred when numbers were given out have the order codes 996 to 999, but registers hold later births with
/// them too: both forms are to be looked up.
pub(crate) fn other_century(canonical: &str) -> Option<String> {
    let (division, rest) = (canonical.get(..6)?, canonical.get(6..17)?.strip_prefix("19")?);
    if !matches!(rest.get(6..)?, "996" | "997" | "998" | "999") {
        return None;
    }
    let body = format!("{division}18{rest}");
    check_character(&body).map(|check| format!("{body}{check}"))
}

/// Reads 18 characters, 15 digits (brought to 18), or the old 15-character permanent residence form.
///
/// # Errors
/// `length`, `alphabet`, `date`, `check_character` or `order_code`.
pub fn parse(raw: &str) -> Result<CanonicalIdentifier, InvalidIdentifier> {
    as_given_or_spelt(raw, read, spelling)
}

/// Upper case, half width, no spaces; the look-alikes of X at the end become X.
fn spelling(raw: &str) -> Cow<'_, str> {
    let text = fold::text(raw, fold::SpaceFolding::Drop, fold::CaseFolding::Upper);
    match text.strip_suffix(LIKE_X) {
        Some(body) => Cow::Owned(format!("{body}X")),
        None => text,
    }
}

fn read(text: &str) -> Result<CanonicalIdentifier, InvalidIdentifier> {
    match text.len() {
        18 if text.is_ascii() => eighteen(text),
        15 if text.is_ascii() => fifteen(text),
        _ if text.chars().count() == 15 || text.chars().count() == 18 => Err(InvalidIdentifier::Alphabet),
        _ => Err(InvalidIdentifier::Length),
    }
}

fn eighteen(text: &str) -> Result<CanonicalIdentifier, InvalidIdentifier> {
    let (body, last) = text.split_at(17);
    let check = check_character(body).ok_or(InvalidIdentifier::Alphabet)?;
    if !last.bytes().all(|b| b.is_ascii_digit() || b == b'X') {
        return Err(InvalidIdentifier::Alphabet);
    }
    if !date_exists(body.get(6..14).unwrap_or_default()) {
        return Err(InvalidIdentifier::Date);
    }
    let permanent = text.starts_with('9');
    if permanent && body.ends_with("000") {
        return Err(InvalidIdentifier::OrderCode);
    }
    if !last.starts_with(check) {
        return Err(InvalidIdentifier::CheckCharacter);
    }
    let known = division_of(text).is_some_and(reference::division_known);
    Ok(CanonicalIdentifier::plain(text.to_owned()).with((!known).then_some(IdentifierFinding::DivisionUnknown)))
}

fn fifteen(text: &str) -> Result<CanonicalIdentifier, InvalidIdentifier> {
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        let (head, tail) = text.split_at(3);
        // The form of a permanent residence card until 2023; its check is not public.
        let old_card = head.bytes().all(|b| b.is_ascii_uppercase()) && tail.bytes().all(|b| b.is_ascii_digit());
        return if old_card {
            Ok(CanonicalIdentifier::plain(text.to_owned()))
        } else {
            Err(InvalidIdentifier::Alphabet)
        };
    }
    let (division, rest) = text.split_at(6);
    let body = format!("{division}19{rest}");
    let check = check_character(&body).ok_or(InvalidIdentifier::Alphabet)?;
    let mut upgraded = eighteen(&format!("{body}{check}"))?;
    upgraded.upgraded = true;
    upgraded.alternative = other_century(&upgraded.canonical);
    Ok(upgraded)
}

/// Whether eight digits are a day.
fn date_exists(digits: &str) -> bool {
    let mut digits = digits.bytes().map(|b| i16::from(b & 0x0F));
    let mut number = |places: usize| {
        digits
            .by_ref()
            .take(places)
            .fold(0, |number, digit| 10 * number + digit)
    };
    let (year, month, day) = (number(4), number(2), number(2));
    let (Ok(month), Ok(day)) = (i8::try_from(month), i8::try_from(day)) else {
        return false;
    };
    year >= YEAR_MIN && Date::new(year, month, day).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn code(raw: &str) -> &'static str {
        parse(raw).map_or_else(InvalidIdentifier::code, |_| "ok")
    }

    fn canonical(raw: &str) -> Option<String> {
        parse(raw).ok().map(|id| id.canonical)
    }

    #[test]
    fn the_examples_of_the_standard_are_read() {
        for raw in [
            "11010519491231002X",
            "440524188001010014",
            "360426199101010071",
            "810000199001010019",
            "820000199001010029",
            "830000198512310012",
            "932682198501010017",
            "911124198108030024",
            "934840199001010014",
            "342623197202290018",
        ] {
            assert!(
                parse(raw).is_ok_and(|id| id.findings.is_empty() && !id.upgraded),
                "{raw}"
            );
        }
    }

    #[test]
    fn every_spelling_of_x_and_width_is_one() {
        for last in ["x", "X", "Ｘ", "ｘ", "Ⅹ", "ⅹ", "×", "Х", "х"] {
            assert_eq!(
                canonical(&format!("1101051949 1231　００2{last} ")).as_deref(),
                Some("11010519491231002X"),
                "{last}"
            );
        }
    }

    #[test]
    fn fifteen_digits_are_brought_to_eighteen() {
        assert_eq!(canonical("110105491231002").as_deref(), Some("11010519491231002X"));
        assert_eq!(canonical("440524800101001").as_deref(), Some("440524198001010013"));
        let old = parse("340202950101996").ok();
        let alternative = old.as_ref().and_then(|id| id.alternative.as_deref());
        assert_eq!(old.as_ref().and_then(|id| id.canonical.get(6..10)), Some("1995"));
        assert_eq!(alternative.and_then(|id| id.get(6..10)), Some("1895"));
        assert!(parse("340202950101001").is_ok_and(|id| id.alternative.is_none()));
    }

    #[test]
    fn the_birth_date_is_read_from_eighteen_characters_only() {
        let born = |raw: &str| birth_date(raw).map(|date| date.to_string());
        assert_eq!(born("11010519491231002X").as_deref(), Some("1949-12-31"));
        assert_eq!(born("932682198501010017").as_deref(), Some("1985-01-01"));
        assert_eq!(born("CAN110019810803"), None);
    }

    #[test]
    fn what_cannot_be_a_number_is_refused_with_its_code() {
        for (raw, expected) in [
            ("110105194912310029", "check_character"),
            ("342623197002290013", "date"),
            ("11010519000230002X", "date"),
            ("932682198501010018", "check_character"),
            ("91268219850101001", "length"),
            ("", "length"),
            ("1101051949123100AX", "alphabet"),
            ("X10105194912310020", "alphabet"),
            ("110105491331002", "date"),
            ("93484019900101000X", "order_code"),
            ("一10105194912310029", "alphabet"),
            ("CAN11001981080X", "alphabet"),
        ] {
            assert_eq!(code(raw), expected, "{raw}");
        }
        assert_eq!(code("CAN110019810803"), "ok");
    }

    #[test]
    fn an_unknown_division_is_a_finding_and_a_retired_one_is_none() {
        let body = "99999919900101001";
        let unknown = format!(
            "34999919900101001{}",
            check_character("34999919900101001").unwrap_or('?')
        );
        assert!(parse(&unknown).is_ok_and(|id| id.findings == [IdentifierFinding::DivisionUnknown]));
        assert!(parse("340221196307152032").is_ok_and(|id| id.findings.is_empty()));
        assert!(check_character(body).is_some() && check_character("12").is_none());
    }

    proptest! {
        #[test]
        fn parsing_a_canonical_form_changes_nothing(body in "34020219[0-9]{2}0[1-9][012][1-8][0-9]{3}") {
            let raw = format!("{body}{}", check_character(&body).unwrap());
            if let Ok(id) = parse(&raw) {
                prop_assert!(id.canonical == raw);
            }
        }

        #[test]
        fn no_text_makes_the_parser_panic(raw in "\\PC{0,20}|[0-9Xx×　]{14,19}") {
            let _ = parse(&raw);
        }
    }
}
