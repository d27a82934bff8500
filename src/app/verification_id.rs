//! Names of verifications: `ver_` and 26 characters of Crockford's base 32, the form of a ULID.
//! The 128 bits are time (48, milliseconds), node (16) and ledger index (64): an id finds its entry with no table.

use std::fmt;

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
        let time = u128::try_from(self.at_ms).unwrap_or_default() & 0xffff_ffff_ffff;
        let mut bits = (time << 80) | (u128::from(self.node) << 64) | u128::from(self.index);
        let mut text = *b"ver_00000000000000000000000000";
        for place in text.iter_mut().skip(4).rev() {
            let digit = usize::try_from(bits & 31).unwrap_or_default();
            *place = ALPHABET.get(digit).copied().unwrap_or(b'0');
            bits >>= 5;
        }
        text
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

impl fmt::Display for VerificationId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(std::str::from_utf8(&self.text()).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
