//! Options of a comparator as they stand in a dataset file, and why they are refused.

use serde_json::Value;
use thiserror::Error;

/// Why a comparator cannot be made; the texts come from a dataset file, never from a person.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ComparatorError {
    /// No comparator has this name.
    #[error("there is no comparator {0:?}")]
    UnknownName(String),
    /// The comparator knows no such option.
    #[error("comparator {comparator:?} has no option {option:?}")]
    UnknownOption {
        /// The comparator.
        comparator: String,
        /// The option.
        option: String,
    },
    /// An option has a wrong shape or value.
    #[error("option {option:?} of comparator {comparator:?} must be {expected}")]
    BadOption {
        /// The comparator.
        comparator: &'static str,
        /// The option.
        option: String,
        /// What it must be.
        expected: &'static str,
    },
}

/// Refuses options that are no object or hold an unknown key.
pub(super) fn known_options(comparator: &str, options: &Value, known: &[&str]) -> Result<(), ComparatorError> {
    let unknown = match options {
        Value::Null => None,
        Value::Object(map) => map.keys().find(|key| !known.contains(&key.as_str())).cloned(),
        _ => Some("(not an object)".to_owned()),
    };
    match unknown {
        Some(option) => Err(ComparatorError::UnknownOption {
            comparator: comparator.to_owned(),
            option,
        }),
        None => Ok(()),
    }
}
