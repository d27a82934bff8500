//! Numbers of persons, organisations and licences as field values.
//! A value that is no valid number is still compared as text: registers hold broken numbers, and a field is no subject.

use super::unreadable::{self, NullWords};
use super::{NumberDigits, NumberKind, REVIEW_PARTIAL, ValueForm};
use crate::identifier::{CanonicalIdentifier, IdentifierFinding, IdentifierKind, credit, document_number, resident};
use crate::verdict::{MatchBasis, Verdict};

/// Between two numbers of a field that holds several; no number holds it.
const SEPARATOR: char = '、';

/// The form of a number as given.
pub(crate) fn form(kind: NumberKind, raw: &str) -> ValueForm {
    if let Some(id) = parsed(kind, raw) {
        if id.findings.contains(&IdentifierFinding::CreditCodeCheckCharacter) && is_rounded(&id.canonical) {
            return ValueForm::Unreadable;
        }
        let digits = if id.upgraded {
            NumberDigits::Upgraded
        } else {
            NumberDigits::Given
        };
        return ValueForm::Number(id.canonical.into(), digits);
    }
    // No number of its kind: as one on a document.
    let text = document_number(raw);
    if unreadable::is_unreadable(&text, NullWords::Numbers) || is_rounded(&text) {
        return ValueForm::Unreadable;
    }
    if kind == NumberKind::Party && text.contains(['、', ',', ';', '|', '/']) {
        return several(&text);
    }
    ValueForm::Number(text.into(), NumberDigits::Given)
}

/// Numbers of several holders, in one order.
fn several(text: &str) -> ValueForm {
    let parts = text.split(['、', ',', ';', '|', '/']).filter(|part| !part.is_empty());
    let mut numbers: Vec<String> = parts
        .map(|part| parsed(NumberKind::Party, part).map_or_else(|| part.to_owned(), |id| id.canonical))
        .collect();
    numbers.sort_unstable();
    ValueForm::Number(numbers.join("、").into(), NumberDigits::Given)
}

/// A long number after a spreadsheet: its last digits are lost, and zeros stand for them.
fn is_rounded(text: &str) -> bool {
    text.len() == 18 && text.ends_with("000") && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The verdict on two numbers; symmetric.
pub(crate) fn judge(a: (&str, NumberDigits), b: (&str, NumberDigits)) -> Verdict {
    if a.0 == b.0 {
        return match (a.1 == b.1, resident::other_century(a.0).is_some()) {
            (true, _) => Verdict::Match(MatchBasis::Normalized),
            (false, false) => Verdict::Match(MatchBasis::Upgraded),
            // The century of the order codes 996 to 999 is open.
            (false, true) => REVIEW_PARTIAL,
        };
    }
    let other_century = |(upgraded, digits): (&str, NumberDigits), given: &str| {
        digits == NumberDigits::Upgraded && resident::other_century(upgraded).is_some_and(|other| other == given)
    };
    if other_century(a, b.0) || other_century(b, a.0) || is_inside(a.0, b.0) || is_inside(b.0, a.0) {
        return REVIEW_PARTIAL;
    }
    if a.0.contains(SEPARATOR) || b.0.contains(SEPARATOR) {
        return sets(a.0, b.0);
    }
    Verdict::Mismatch
}

/// Whether `code` is the organisation code inside the credit code `whole`.
fn is_inside(code: &str, whole: &str) -> bool {
    code.len() == 9 && whole.len() == 18 && credit::organization_of(whole) == Some(code)
}

/// The verdict on the numbers of several holders that are not all the same.
fn sets(a: &str, b: &str) -> Verdict {
    let (left, right): (Vec<&str>, Vec<&str>) = (a.split(SEPARATOR).collect(), b.split(SEPARATOR).collect());
    let (few, mut many) = if left.len() <= right.len() {
        (left, right)
    } else {
        (right, left)
    };
    let all = few.into_iter().all(|one| {
        let found = many.iter().position(|other| *other == one);
        found.map(|at| many.swap_remove(at)).is_some()
    });
    if all { REVIEW_PARTIAL } else { Verdict::Mismatch }
}

fn parsed(kind: NumberKind, raw: &str) -> Option<CanonicalIdentifier> {
    match kind {
        NumberKind::Only(IdentifierKind::CreditCode) => organization(raw),
        NumberKind::Only(kind) => kind.parse(raw).ok(),
        NumberKind::Party => IdentifierKind::ResidentNumber
            .parse(raw)
            .ok()
            .or_else(|| organization(raw)),
    }
}

/// A credit code, or an organisation code of before 2015 with or without its dash.
fn organization(raw: &str) -> Option<CanonicalIdentifier> {
    IdentifierKind::CreditCode
        .parse(raw)
        .or_else(|refused| credit::parse_organization(raw).ok_or(refused))
        .ok()
}
