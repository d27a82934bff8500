//! Names of verifications: `ver_` and 26 characters of Crockford's base 32, the form of a ULID.
//! The 128 bits are time (48, milliseconds), node (16) and ledger index (64): an id finds its entry with no table.

use std::fmt;

use super::error::AppError;
use heyan_auth::secret;

/// Names one verification; an item of a chunk has its position behind a dash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerificationId {
    /// When it was answered, Unix milliseconds.
    pub at_ms: i64,
    /// The node that answered.
    pub node: u16,
    /// Index in that node's ledger.
    pub index: u64,
}

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH: usize = 26;

impl VerificationId {
    /// The 30 characters, without an allocation.
    pub fn text(self) -> [u8; 30] {
        id_text(b"ver_", self.at_ms, self.node, self.index)
    }

    /// The id of a text, with the position of an item in its chunk.
    pub fn parse(text: &str) -> Option<(Self, Option<usize>)> {
        let digits = text.strip_prefix("ver_")?;
        let (digits, position) = match digits.split_once('-') {
            Some((digits, position)) if position.len() <= 5 => (digits, Some(position.parse().ok()?)),
            Some(_) => return None,
            None => (digits, None),
        };
        if digits.len() != LENGTH || digits.as_bytes().first().is_none_or(|first| *first > b'7') {
            return None;
        }
        let digit = |byte| {
            ALPHABET
                .iter()
                .position(|letter| *letter == byte)
                .and_then(|digit| u128::try_from(digit).ok())
        };
        let bits = digits
            .bytes()
            .try_fold(0_u128, |bits, byte| Some((bits << 5) | digit(byte)?))?;
        let id = Self {
            at_ms: i64::try_from(bits >> 80).ok()?,
            node: u16::try_from((bits >> 64) & 0xffff).ok()?,
            index: u64::try_from(bits & u128::from(u64::MAX)).ok()?,
        };
        Some((id, position))
    }
}

/// A prefix of four characters and 26 of Crockford's base 32: time, node, and a number that is the node's own.
fn id_text(prefix: &[u8; 4], at_ms: i64, node: u16, number: u64) -> [u8; 30] {
    let time = u128::try_from(at_ms).unwrap_or_default() & 0xffff_ffff_ffff;
    let mut bits = (time << 80) | (u128::from(node) << 64) | u128::from(number);
    let mut text = [b'0'; 30];
    let (front, digits) = text.split_at_mut(4);
    front.copy_from_slice(prefix);
    for place in digits.iter_mut().rev() {
        let digit = usize::try_from(bits & 31).unwrap_or_default();
        *place = ALPHABET.get(digit).copied().unwrap_or(b'0');
        bits >>= 5;
    }
    text
}

/// A new id of the form of a verification's, with a random number: `mis_…`, `evt_…`, `dlv_…`, `sub_…`, `alt_…`.
/// Ids of one node sort by their time, to the millisecond.
///
/// # Errors
/// The system's random source failed.
pub fn new_id(prefix: &[u8; 4], now_us: i64, node: u16) -> Result<String, AppError> {
    let number = secret::random_number().map_err(|_unavailable| AppError::Internal("the random source failed"))?;
    let text = id_text(prefix, now_us.div_euclid(1_000), node, number);
    Ok(String::from_utf8_lossy(&text).into_owned())
}

impl fmt::Display for VerificationId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(std::str::from_utf8(&self.text()).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use crate::foundation::ids::*;

    #[test]
    fn an_id_reads_back_and_sorts_by_time() {
        let id = VerificationId {
            at_ms: 1_795_363_200_123,
            node: 7,
            index: u64::MAX - 5,
        };
        assert_eq!(VerificationId::parse(&id.to_string()), Some((id, None)));
        assert_eq!(VerificationId::parse(&format!("{id}-12")), Some((id, Some(12))));
        let later = VerificationId {
            at_ms: id.at_ms + 1,
            node: 0,
            index: 0,
        };
        assert!(later.to_string() > id.to_string());
    }

    #[test]
    fn new_ids_are_of_one_form_and_distinct() {
        let ids: std::collections::HashSet<String> = (0..1_000)
            .map(|_| new_id(b"mis_", 1_795_363_200_123_000, 7).unwrap())
            .collect();
        assert_eq!(ids.len(), 1_000);
        assert!(ids.iter().all(|id| id.len() == 30 && id.starts_with("mis_01")));
        let later = new_id(b"mis_", 1_795_363_200_124_000, 0).unwrap();
        assert!(ids.iter().all(|id| *id < later));
    }

    #[test]
    fn other_texts_are_no_ids() {
        for text in [
            "",
            "ver_",
            "ver_01J",
            "ver_8ZZZZZZZZZZZZZZZZZZZZZZZZZ",
            "ver_0000000000000000000000000U",
            "mis_00000000000000000000000000",
        ] {
            assert_eq!(VerificationId::parse(text), None, "{text}");
        }
    }
}
