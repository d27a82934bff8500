//! Electronic licence identifiers of GB/T 36904-2018: root, type, issuer, serial, version, check, joined by dots.
//! The check covers the four middle parts without root and dots, and official documents carry wrong ones: it is never a refusal.

use super::{Finding, Identifier, InvalidIdentifier, credit};
use crate::domain::fold;

/// The root that every identifier begins with.
pub const ROOT: &str = "1.2.156.3005.2";

/// The check character (ISO 7064 MOD 37,36) over the four parts, or nothing when a character is not 0-9 or A-Z.
pub fn check_character(kind: &str, issuer: &str, serial: &str, version: &str) -> Option<char> {
    let mut product = 36_u32;
    for c in [kind, issuer, serial, version].into_iter().flat_map(str::chars) {
        if c.is_ascii_lowercase() {
            return None;
        }
        let sum = (product + c.to_digit(36)?) % 36;
        product = (if sum == 0 { 36 } else { sum }) * 2 % 37;
    }
    char::from_digit((37 - product) % 36, 36).map(|c| c.to_ascii_uppercase())
}

/// Reads an identifier; width, case, spaces and the shape of the dots fold, a missing check character is filled in.
///
/// # Errors
/// `root`, `parts`, `length` or `alphabet`; a wrong check, issuer, type or version form is a finding.
pub fn parse(raw: &str) -> Result<Identifier, InvalidIdentifier> {
    let text: String = fold::text(raw, fold::Spaces::Drop, fold::Case::Upper)
        .chars()
        .map(|c| if fold::is_interpunct(c) || c == '。' { '.' } else { c })
        .collect();
    if text.is_empty() {
        return Err(InvalidIdentifier::Length);
    }
    let rest = text
        .strip_prefix(ROOT)
        .and_then(|rest| rest.strip_prefix('.'))
        .ok_or(InvalidIdentifier::Root)?;
    let parts: Vec<&str> = rest.split('.').collect();
    let (kind, issuer, serial, version, given) = match *parts.as_slice() {
        [kind, issuer, serial, version] => (kind, issuer, serial, version, ""),
        [kind, issuer, serial, version, check] => (kind, issuer, serial, version, check),
        _ => return Err(InvalidIdentifier::Parts),
    };
    if [kind, issuer, serial, version].iter().any(|part| part.is_empty()) {
        return Err(InvalidIdentifier::Length);
    }
    let legal = |part: &&str| part.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
    if ![kind, issuer, serial, version, given].iter().all(legal) {
        return Err(InvalidIdentifier::Alphabet);
    }
    let check = check_character(kind, issuer, serial, version).ok_or(InvalidIdentifier::Alphabet)?;
    let mut findings = Vec::new();
    if given.len() != 1 || !given.starts_with(check) {
        findings.push(Finding::LicenceCheckCharacter);
    }
    if kind.len() != 21 || kind.get(..18).is_none_or(|definer| credit::parse(definer).is_err()) {
        findings.push(Finding::LicenceTypeForm);
    }
    if credit::parse(issuer).is_err() {
        findings.push(Finding::LicenceIssuerForm);
    }
    if version.len() != 3 || !version.bytes().all(|b| b.is_ascii_digit()) {
        findings.push(Finding::LicenceVersionForm);
    }
    let body = format!("{ROOT}.{kind}.{issuer}.{serial}.{version}");
    let canonical = if given.is_empty() {
        format!("{body}.{check}")
    } else {
        format!("{body}.{given}")
    };
    Ok(Identifier {
        canonical,
        upgraded: false,
        alternative: None,
        findings,
    })
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
            parse(bad).is_ok_and(|id| id.canonical == bad && id.findings.contains(&Finding::LicenceCheckCharacter))
        );
        let local = "1.2.156.3005.2.11100000MB03271699022.340100.000000016.001.9";
        assert!(
            parse(local).is_ok_and(|id| id.findings.contains(&Finding::LicenceIssuerForm)
                && !id.findings.contains(&Finding::LicenceCheckCharacter))
        );
    }

    #[test]
    fn spelling_folds_and_a_missing_check_is_filled_in() {
        assert!(parse(&SOUND.to_lowercase()).is_ok_and(|id| id.canonical == SOUND));
        assert!(parse(&SOUND.replace('.', "．")).is_ok_and(|id| id.canonical == SOUND));
        let short = SOUND.strip_suffix(".U").unwrap_or_default();
        assert!(parse(short).is_ok_and(|id| id.canonical == SOUND && id.findings == [Finding::LicenceCheckCharacter]));
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
