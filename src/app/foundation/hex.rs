//! Bytes as text.

use data_encoding::HEXLOWER;

/// A pseudonym or a hash as text.
pub fn hex(subject: &[u8]) -> String {
    HEXLOWER.encode(subject)
}
