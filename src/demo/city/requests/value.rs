//! One claimed value: literal or predicate, and how it is made from what the record holds.
//! Nothing is escaped: no word of the city needs it (tested on records and requests).

use super::ExpectedVerdict;
use crate::city::calendar::Date;

/// How a value is to be claimed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ClaimMode {
    /// As the record holds it.
    Exact,
    /// The same, otherwise written.
    Written,
    /// Another value.
    Wrong,
    /// With a variant that a person must look at.
    Variant,
}

/// What is claimed.
pub(super) enum ClaimValue {
    /// A literal.
    Text(String),
    /// An operation on dates, which discloses none.
    Predicate(&'static str, Date),
}

/// A value and the verdict that it must get.
pub(super) type ClaimedValue = (ClaimValue, ExpectedVerdict);

/// The literal of a mode; a field without variants is claimed as it is.
pub(super) fn settle(
    mode: ClaimMode,
    exact: impl Into<String>,
    written: impl Into<String>,
    wrong: impl Into<String>,
) -> ClaimedValue {
    match mode {
        ClaimMode::Exact | ClaimMode::Variant => (ClaimValue::Text(exact.into()), ExpectedVerdict::Match),
        ClaimMode::Written => (ClaimValue::Text(written.into()), ExpectedVerdict::Match),
        ClaimMode::Wrong => (ClaimValue::Text(wrong.into()), ExpectedVerdict::Mismatch),
    }
}

/// Appends one member to the object of claims.
pub(crate) fn push_claim(json: &mut String, field: &str, value: &ClaimValue) {
    if !json.ends_with('{') {
        json.push(',');
    }
    for part in ["\"", field, "\":"] {
        json.push_str(part);
    }
    match value {
        ClaimValue::Text(text) => {
            for part in ["\"", text, "\""] {
                json.push_str(part);
            }
        }
        ClaimValue::Predicate(op, date) => {
            for part in ["{\"op\":\"", op, "\",\"value\":\""] {
                json.push_str(part);
            }
            date.write(json);
            json.push_str("\"}");
        }
    }
}
