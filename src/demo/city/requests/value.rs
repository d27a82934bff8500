//! One claimed value: literal or predicate, and how it is made from what the record holds.
//! Nothing is escaped: no word of the city needs it (tested on records and requests).

use super::Expected;
use crate::city::calendar::Date;

/// How a value is to be claimed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
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
pub(super) enum Value {
    /// A literal.
    Text(String),
    /// An operation on dates, which discloses none.
    Predicate(&'static str, Date),
}

/// A value and the verdict that it must get.
pub(super) type Claimed = (Value, Expected);

/// The literal of a mode; a field without variants is claimed as it is.
pub(super) fn settle(
    mode: Mode,
    exact: impl Into<String>,
    written: impl Into<String>,
    wrong: impl Into<String>,
) -> Claimed {
    match mode {
        Mode::Exact | Mode::Variant => (Value::Text(exact.into()), Expected::Match),
        Mode::Written => (Value::Text(written.into()), Expected::Match),
        Mode::Wrong => (Value::Text(wrong.into()), Expected::Mismatch),
    }
}

/// Appends one member to the object of claims.
pub(crate) fn push_claim(json: &mut String, field: &str, value: &Value) {
    if !json.ends_with('{') {
        json.push(',');
    }
    for part in ["\"", field, "\":"] {
        json.push_str(part);
    }
    match value {
        Value::Text(text) => {
            for part in ["\"", text, "\""] {
                json.push_str(part);
            }
        }
        Value::Predicate(op, date) => {
            for part in ["{\"op\":\"", op, "\",\"value\":\""] {
                json.push_str(part);
            }
            date.write(json);
            json.push_str("\"}");
        }
    }
}
