//! One row of the index: under which key which entry is found. Rows sort as their bytes do.
//! Layout, big-endian: key 16 · ledger index 8 · position 4 · time in seconds 4.

/// Bytes of a row.
pub(crate) const ROW_BYTES: usize = 32;

/// What is looked for: a pseudonym, or a keyed hash of something that may not stand in the clear.
pub type IndexKey = [u8; 16];

/// That an entry is found under a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct IndexRow {
    /// What is looked for.
    pub key: IndexKey,
    /// Where it stands.
    pub place: LedgerPlace,
    /// When the entry was made, Unix seconds.
    pub at_s: u32,
}

/// Where something stands in a ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LedgerPlace {
    /// Index of the entry.
    pub index: u64,
    /// Its number among what the entry holds.
    pub position: u32,
}

impl LedgerPlace {
    /// Before every other.
    pub const FIRST: Self = Self { index: 0, position: 0 };

    /// Before everything of an entry.
    pub const fn before(index: u64) -> Self {
        Self { index, position: 0 }
    }
}

impl IndexRow {
    /// The first row that `key` may have from `place` on.
    pub const fn from(key: IndexKey, place: LedgerPlace) -> Self {
        Self { key, place, at_s: 0 }
    }

    /// Its bytes.
    pub fn to_bytes(self) -> [u8; ROW_BYTES] {
        let low =
            (u128::from(self.place.index) << 64) | (u128::from(self.place.position) << 32) | u128::from(self.at_s);
        let mut bytes = [0; ROW_BYTES];
        let (front, back) = bytes.split_at_mut(16);
        front.copy_from_slice(&self.key);
        back.copy_from_slice(&low.to_be_bytes());
        bytes
    }

    /// The inverse of `to_bytes`.
    pub fn from_bytes(bytes: &[u8; ROW_BYTES]) -> Self {
        let mut reader = crate::entry::reader::EntryReader(bytes);
        let key = reader.array().unwrap_or_default();
        let index = u64::from_be_bytes(reader.array().unwrap_or_default());
        let position = u32::from_be_bytes(reader.array().unwrap_or_default());
        let at_s = u32::from_be_bytes(reader.array().unwrap_or_default());
        Self {
            key,
            place: LedgerPlace { index, position },
            at_s,
        }
    }
}
