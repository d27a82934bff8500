//! A setting that may not be as it is.

use std::fmt;

/// One unsafe or impossible setting.
#[derive(Debug)]
pub struct UnsafeSetting {
    /// Such as `http.listen`.
    pub key: &'static str,
    /// What is wrong, and what to do.
    pub remedy: String,
}

impl fmt::Display for UnsafeSetting {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.key, self.remedy)
    }
}

/// Refuses values that are not between their least and their most.
pub(super) fn between(found: &mut Vec<UnsafeSetting>, rows: &[(&'static str, u64, u64, u64)]) {
    for (key, value, least, most) in rows {
        if !(least..=most).contains(&value) {
            found.push(UnsafeSetting {
                key,
                remedy: format!("must be {least} to {most}, is {value}"),
            });
        }
    }
}
