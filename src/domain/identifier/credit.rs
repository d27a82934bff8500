//! Unified social credit codes: GB 32100-2015 over all 18 characters and GB 11714 over characters 9 to 17.
//! A check that fails is a finding, as registers hold such codes from before 2016; a letter in the first two places is legal
//! (N rural collectives, Y other, A military).

use std::borrow::Cow;

use super::alphabet::{Alphabet, BASE_36};
use super::{CanonicalIdentifier, IdentifierFinding, InvalidIdentifier, as_given_or_spelt};
use crate::{fold, reference};

const ALPHABET: Alphabet = Alphabet::new("0123456789ABCDEFGHJKLMNPQRTUWXY");
const WEIGHTS: [u32; 17] = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];
const BODY_WEIGHTS: [u32; 8] = [3, 7, 9, 10, 5, 8, 4, 2];

/// The check character of the first 17 characters (GB 32100-2015, mod 31), or nothing when they are not of its alphabet.
pub fn check_character(first: &str) -> Option<char> {
    whole_check(first.as_bytes())
}

fn whole_check(first: &[u8]) -> Option<char> {
    let sum = ALPHABET.weigh(first, WEIGHTS)?;
    ALPHABET.character((31 - sum % 31) % 31)
}

/// The check character of an organisation code's eight body characters (GB 11714, mod 11).
pub(crate) fn organization_check_character(body: &str) -> Option<char> {
    organization_check(body.as_bytes())
}

fn organization_check(body: &[u8]) -> Option<char> {
    match 11 - BASE_36.weigh(body, BODY_WEIGHTS)? % 11 {
        10 => Some('X'),
        11 => Some('0'),
        digit => char::from_digit(digit, 10),
    }
}

/// The whole code of eight leading characters (authority, kind, division) and eight of the organisation; for made-up cities.
pub fn complete(prefix: &str, body: &str) -> Option<String> {
    let first = format!("{prefix}{body}{}", organization_check_character(body)?);
    let check = check_character(&first)?;
    Some(format!("{first}{check}"))
}

/// Whether a text, as people type it, is a code with the right check characters.
pub fn is_sound(raw: &str) -> bool {
    check(&spelling(raw)).is_ok()
}

/// The organisation code inside a canonical credit code.
pub fn organization_of(canonical: &str) -> Option<&str> {
    canonical.get(8..17)
}

/// Reads an organisation code (GB 11714) of nine characters, with or without the dash before the last; nothing when it is none.
pub fn parse_organization(raw: &str) -> Option<CanonicalIdentifier> {
    let text = spelling(raw);
    let (body, last) = (text.get(..8)?, text.get(8..)?);
    let sound = text.is_ascii() && organization_check(body.as_bytes()).is_some_and(|check| last == check.to_string());
    sound.then(|| CanonicalIdentifier::plain(text.clone().into_owned()))
}

/// Reads a code as people type it: case, width, spaces and dashes fold; a check that fails is a finding.
///
/// # Errors
/// `length` or `alphabet`.
pub fn parse(raw: &str) -> Result<CanonicalIdentifier, InvalidIdentifier> {
    as_given_or_spelt(raw, read, spelling)
}

/// Upper case, half width, no spaces and no dashes.
fn spelling(raw: &str) -> Cow<'_, str> {
    let text = fold::text(raw, fold::SpaceFolding::Drop, fold::CaseFolding::Upper);
    let is_dash = |c: char| fold::dash(c) == '-';
    if text.contains(is_dash) {
        Cow::Owned(text.replace(is_dash, ""))
    } else {
        text
    }
}

fn read(text: &str) -> Result<CanonicalIdentifier, InvalidIdentifier> {
    let sound = match check(text) {
        Ok(()) => true,
        Err(InvalidIdentifier::CheckCharacter) => false,
        Err(refused) => return Err(refused),
    };
    let division = text.get(2..8).and_then(|digits| digits.parse::<u32>().ok());
    let known = division.is_some_and(reference::division_known);
    Ok(CanonicalIdentifier::plain(text.to_owned())
        .with((!sound).then_some(IdentifierFinding::CreditCodeCheckCharacter))
        .with((!known).then_some(IdentifierFinding::DivisionUnknown)))
}

/// Whether a text in its canonical spelling is a code.
///
/// # Errors
/// `length`, `alphabet` or `check_character`.
pub(super) fn check(text: &str) -> Result<(), InvalidIdentifier> {
    let bytes = text.as_bytes();
    let sound = |(last, first): (&u8, &[u8])| {
        let (check, organization) = (whole_check(first)?, organization_check(first.get(8..16)?)?);
        Some(check == char::from(*last) && organization == char::from(*first.get(16)?))
    };
    if bytes.split_last().and_then(sound) == Some(true) {
        return Ok(());
    }
    Err(if text.chars().count() != 18 {
        InvalidIdentifier::Length
    } else if text.bytes().all(|byte| ALPHABET.value(byte).is_some()) {
        InvalidIdentifier::CheckCharacter
    } else {
        InvalidIdentifier::Alphabet
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn code(raw: &str) -> &'static str {
        let word = |id: CanonicalIdentifier| id.findings.first().map_or("ok", |finding| finding.as_str());
        parse(raw).map_or_else(InvalidIdentifier::code, word)
    }

    #[test]
    fn real_codes_are_read_with_their_letters() {
        for raw in [
            "91110000600037341L",
            "91440300708461136T",
            "91110108551385082Q",
            "91350100M000100Y43",
            "914403006990676707",
            "91440300L83341734R",
            "11100000000013338W",
            "113402000030106774",
            "91340200MA2MQ218X8",
            "Y1340200000000019R",
            "A11100000000000275",
            "11100000MB0341032Y",
            "1131000068735121X0",
            "12441500196720244T",
        ] {
            assert!(parse(raw).is_ok_and(|id| id.canonical == raw), "{raw}");
        }
    }

    #[test]
    fn spelling_folds() {
        for raw in [
            "91340200ma2mq218x8",
            "９１340200 MA2MQ218X8",
            "91340200-MA2MQ218X-8",
            "91340200MA2MQ218‐X8",
        ] {
            assert!(parse(raw).is_ok_and(|id| id.canonical == "91340200MA2MQ218X8"), "{raw}");
        }
    }

    #[test]
    fn each_check_is_needed() {
        assert_eq!(code("91340200713920435C"), "credit_code_check_character");
        assert_eq!(code("913402007627885481"), "credit_code_check_character");
        assert_eq!(code("91440300708461O36T"), "alphabet");
        assert_eq!(code("91440300708461136"), "length");
        // The first check right, the second wrong.
        let first = "91340200000000015";
        let whole = format!("{first}{}", check_character(first).unwrap_or('?'));
        assert_eq!(code(&whole), "credit_code_check_character");
    }

    #[test]
    fn an_organisation_code_is_one_with_and_without_its_dash() {
        for raw in ["MA2MQ218-X", "ma2mq218x", "MA2MQ218 — X"] {
            assert!(
                parse_organization(raw).is_some_and(|id| id.canonical == "MA2MQ218X"),
                "{raw}"
            );
        }
        for raw in ["MA2MQ2180", "MA2MQ218", "E12345678", "91340200MA2MQ218X8", "一二三四"] {
            assert!(parse_organization(raw).is_none(), "{raw}");
        }
        assert_eq!(organization_of("91340200MA2MQ218X8"), Some("MA2MQ218X"));
    }

    #[test]
    fn an_unknown_division_is_a_finding() {
        let made = complete("91349999", "00000001").unwrap_or_default();
        assert!(parse(&made).is_ok_and(|id| id.findings == [IdentifierFinding::DivisionUnknown]));
    }

    proptest! {
        #[test]
        fn completed_codes_parse_and_any_wrong_last_character_fails(body in "[0-9A-HJ-NPQRTUWXY]{8}", wrong in 0_u32..31) {
            let made = complete("91340200", &body).unwrap();
            prop_assert!(check(&made).is_ok());
            let other = ALPHABET.character(wrong).unwrap();
            let mut changed = made.clone();
            changed.pop();
            changed.push(other);
            prop_assert!(changed == made || check(&changed) == Err(InvalidIdentifier::CheckCharacter));
        }
    }
}
