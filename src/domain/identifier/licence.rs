//! Electronic licence identifiers of GB/T 36904-2018: root, type, issuer, serial, version, check, joined by dots.
//! The check covers the four middle parts without root and dots, and official documents carry wrong ones: it is never a refusal.

use std::borrow::Cow;

use super::alphabet::BASE_36;
use super::{CanonicalIdentifier, IdentifierFinding, InvalidIdentifier, as_given_or_spelt, credit};
use crate::fold;

/// The root that every identifier begins with.
pub(crate) const ROOT: &str = "1.2.156.3005.2";

/// The check character (ISO 7064 MOD 37,36) over the four parts, or nothing when a character is not 0-9 or A-Z.
pub fn check_character(kind: &str, issuer: &str, serial: &str, version: &str) -> Option<char> {
    let mut product = 36;
    for part in [kind, issuer, serial, version] {
        for byte in part.bytes() {
            // Modulo 36 with 36 for 0, then doubled modulo 37: subtractions, as 0 < product ≤ 36.
            let sum = product + BASE_36.value(byte)?;
            let doubled = 2 * if sum > 36 { sum - 36 } else { sum };
            product = if doubled >= 37 { doubled - 37 } else { doubled };
        }
    }
    BASE_36.character((37 - product) % 36)
}

/// Reads an identifier; width, case, spaces and the shape of the dots fold, a missing check character is filled in.
///
/// # Errors
/// `root`, `parts`, `length` or `alphabet`; a wrong check, issuer, type or version form is a finding.
pub fn parse(raw: &str) -> Result<CanonicalIdentifier, InvalidIdentifier> {
    as_given_or_spelt(raw, read, spelling)
}

/// Upper case, half width, no spaces, full stops for all dots.
fn spelling(raw: &str) -> Cow<'_, str> {
    let text = fold::text(raw, fold::SpaceFolding::Drop, fold::CaseFolding::Upper);
    let is_dot = |c: char| fold::is_interpunct(c) || c == '。';
    if text.is_ascii() {
        text
    } else {
        Cow::Owned(text.replace(is_dot, "."))
    }
}

/// As `split_once`, which costs more on parts as short as these.
fn split_dot(text: &str) -> Option<(&str, &str)> {
    let at = text.bytes().position(|byte| byte == b'.')?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

fn read(text: &str) -> Result<CanonicalIdentifier, InvalidIdentifier> {
    if text.is_empty() {
        return Err(InvalidIdentifier::Length);
    }
    let rest = text
        .strip_prefix(ROOT)
        .and_then(|rest| rest.strip_prefix('.'))
        .ok_or(InvalidIdentifier::Root)?;
    let (kind, rest) = split_dot(rest).ok_or(InvalidIdentifier::Parts)?;
    let (issuer, rest) = split_dot(rest).ok_or(InvalidIdentifier::Parts)?;
    let (serial, rest) = split_dot(rest).ok_or(InvalidIdentifier::Parts)?;
    let (version, given) = split_dot(rest).unwrap_or((rest, ""));
    if split_dot(given).is_some() {
        return Err(InvalidIdentifier::Parts);
    }
    if [kind, issuer, serial, version].iter().any(|part| part.is_empty()) {
        return Err(InvalidIdentifier::Length);
    }
    let check = check_character(kind, issuer, serial, version).ok_or(InvalidIdentifier::Alphabet)?;
    if !given.bytes().all(|byte| BASE_36.value(byte).is_some()) {
        return Err(InvalidIdentifier::Alphabet);
    }
    let is_code = |text: &str| credit::check(text).is_ok();
    let sound_check = given.len() == 1 && given.starts_with(check);
    let sound_kind = kind.len() == 21 && kind.get(..18).is_some_and(is_code);
    let sound_version = version.len() == 3 && version.bytes().all(|b| b.is_ascii_digit());
    let canonical = if given.is_empty() {
        format!("{ROOT}.{kind}.{issuer}.{serial}.{version}.{check}")
    } else {
        text.to_owned()
    };
    Ok(CanonicalIdentifier::plain(canonical)
        .with((!sound_check).then_some(IdentifierFinding::LicenceCheckCharacter))
        .with((!sound_kind).then_some(IdentifierFinding::LicenceTypeForm))
        .with((!is_code(issuer)).then_some(IdentifierFinding::LicenceIssuerForm))
        .with((!sound_version).then_some(IdentifierFinding::LicenceVersionForm)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: &str = "1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U";

    #[test]
    fn the_reference_value_of_iso_7064_comes_out() {
        assert_eq!(check_character("A12425GABC1234002", "", "", ""), Some('M'));
    }

    #[test]
    fn public_identifiers_are_sound() {
        for raw in [
            SOUND,
            "1.2.156.3005.2.11100000000013338W009.11330105002500287C.2025052201.002.0",
            "1.2.156.3005.2.11100000000013338W032.11220000013544541J.2430599.001.F",
        ] {
            assert!(
                parse(raw).is_ok_and(|id| id.canonical == raw && id.findings.is_empty()),
                "{raw}"
            );
        }
    }

    #[test]
    fn doubts_are_findings() {
        let bad = "1.2.156.3005.2.11100000000013661B006.113700000045046442.209FA4E88F9E4C878F3E9BED2CE7EA49.001.M";
        assert!(
            parse(bad)
                .is_ok_and(|id| id.canonical == bad && id.findings.contains(&IdentifierFinding::LicenceCheckCharacter))
        );
        let local = "1.2.156.3005.2.11100000MB03271699022.340100.000000016.001.9";
        assert!(
            parse(local).is_ok_and(|id| id.findings.contains(&IdentifierFinding::LicenceIssuerForm)
                && !id.findings.contains(&IdentifierFinding::LicenceCheckCharacter))
        );
    }

    #[test]
    fn spelling_folds_and_a_missing_check_is_filled_in() {
        assert!(parse(&SOUND.to_lowercase()).is_ok_and(|id| id.canonical == SOUND));
        assert!(parse(&SOUND.replace('.', "．")).is_ok_and(|id| id.canonical == SOUND));
        let short = SOUND.strip_suffix(".U").unwrap_or_default();
        assert!(
            parse(short)
                .is_ok_and(|id| id.canonical == SOUND && id.findings == [IdentifierFinding::LicenceCheckCharacter])
        );
    }

    #[test]
    fn what_cannot_be_one_is_refused() {
        let code = |raw: &str| parse(raw).map_or_else(InvalidIdentifier::code, |_| "ok");
        assert_eq!(code("1.2.156.3005.3.A.B.C.001.1"), "root");
        assert_eq!(code("1.2.156.3005.2.A.B.C"), "parts");
        assert_eq!(code("1.2.156.3005.2.A..C.001.1"), "length");
        assert_eq!(code("1.2.156.3005.2.A.B.C_D.001.1"), "alphabet");
        assert_eq!(code(""), "length");
    }
}
