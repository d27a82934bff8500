//! Integers that every JSON reader agrees on, RFC 8259 §6.

use serde::{Deserialize, Deserializer, Serialize, de::Error};

/// The largest of them.
pub const SAFE_INTEGER_MAX: u64 = (1 << 53) - 1;

/// An integer from 0 to 2⁵³ − 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SafeInteger(pub u64);

impl<'de> Deserialize<'de> for SafeInteger {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u64::deserialize(deserializer)?;
        if number <= SAFE_INTEGER_MAX {
            Ok(Self(number))
        } else {
            Err(D::Error::custom("unsafe_number"))
        }
    }
}
