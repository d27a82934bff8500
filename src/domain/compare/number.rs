//! Numbers of persons, organisations and licences as field values.
//! A value that is no valid number is still compared as text: registers hold broken numbers, and a field is no subject.

use super::{Digits, Form, NumberKind};
use crate::identifier::{Identifier, IdentifierKind, document_number, resident};
use crate::verdict::{Basis, Verdict};

/// The form of a number as given.
pub(crate) fn form(kind: NumberKind, raw: &str) -> Form {
    let parsed = match kind {
        NumberKind::Only(kind) => kind.parse(raw).ok(),
        NumberKind::Party => party(raw),
    };
    match parsed {
        Some(id) => {
            let digits = if id.upgraded { Digits::Upgraded } else { Digits::Given };
            Form::Number(id.canonical.into(), digits)
        }
        None => {
            // No number of its kind: as one on a document.
            Form::Number(document_number(raw).into(), Digits::Given)
        }
    }
}

/// The verdict on two numbers; symmetric.
///
/// A 15-digit number whose century is unsure agrees with the 18-digit number of either century.
pub(crate) fn judge(a: (&str, Digits), b: (&str, Digits)) -> Verdict {
    if a.1 == b.1 {
        let same = a.0 == b.0;
        return if same {
            Verdict::Match(Basis::Normalized)
        } else {
            Verdict::Mismatch
        };
    }
    let upgraded = if a.1 == Digits::Upgraded { a.0 } else { b.0 };
    let given = if a.1 == Digits::Upgraded { b.0 } else { a.0 };
    let other = || resident::other_century(upgraded).is_some_and(|other| other == given);
    if upgraded == given || other() {
        Verdict::Match(Basis::Upgraded)
    } else {
        Verdict::Mismatch
    }
}

/// A valid resident number, else a valid credit code, else nothing: a passport or another document.
fn party(raw: &str) -> Option<Identifier> {
    [IdentifierKind::ResidentNumber, IdentifierKind::CreditCode]
        .into_iter()
        .find_map(|kind| kind.parse(raw).ok())
}
