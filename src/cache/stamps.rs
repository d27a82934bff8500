//! Generation stamps: one counter per hash bucket of keys, and one epoch for all.
//! Nodes tell each other buckets, so a key has the same bucket on every node and in every release: the hash below never changes.
//! Two keys may share a bucket: then a write of one reloads the other, which costs a query and is never wrong.

use std::sync::atomic::{AtomicU64, Ordering};

const BUCKETS: usize = 65_536;

/// What a load read before it asked the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadStamp {
    epoch: u64,
    generation: u64,
}

/// The counters of one node.
pub(super) struct GenerationStamps {
    /// Bytes at the front of a key that only this node understands.
    own_bytes: usize,
    epoch: AtomicU64,
    generations: Box<[AtomicU64]>,
}

impl GenerationStamps {
    pub(super) fn new(own_bytes: usize) -> Self {
        Self {
            own_bytes,
            epoch: AtomicU64::new(0),
            generations: (0..BUCKETS).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// The stamp of `key` now. Acquire: what the writer did before it bumped is seen after this read.
    pub(super) fn read(&self, key: &[u8]) -> LoadStamp {
        let generation = self.bucket(key).map_or(0, |bucket| bucket.load(Ordering::Acquire));
        LoadStamp {
            epoch: self.epoch.load(Ordering::Acquire),
            generation,
        }
    }

    pub(super) fn bump(&self, key: &[u8]) {
        if let Some(bucket) = self.bucket(key) {
            bucket.fetch_add(1, Ordering::AcqRel);
        }
    }

    pub(super) fn bump_bucket(&self, bucket: u16) {
        if let Some(bucket) = self.generations.get(usize::from(bucket)) {
            bucket.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// Which of the counters is that of `key`.
    pub(super) fn bucket_of(&self, key: &[u8]) -> u16 {
        bucket_of(key.get(self.own_bytes..).unwrap_or(key))
    }

    pub(super) fn bump_all(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
    }

    fn bucket(&self, key: &[u8]) -> Option<&AtomicU64> {
        self.generations.get(usize::from(self.bucket_of(key)))
    }
}

/// Eight bytes at a time, multiplied and folded; the top sixteen bits of the last product. Not keyed: whoever makes two keys
/// meet makes a look-up of one reload after a change of the other, and no more.
fn bucket_of(key: &[u8]) -> u16 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut hash = key.len() as u64;
    for part in key.chunks(8) {
        let mut word = [0; 8];
        for (to, from) in word.iter_mut().zip(part) {
            *to = *from;
        }
        hash = (hash.rotate_left(29) ^ u64::from_le_bytes(word)).wrapping_mul(ODD);
        hash ^= hash >> 32;
    }
    let [.., low, high] = hash.wrapping_mul(ODD).to_le_bytes();
    u16::from_le_bytes([low, high])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_the_same_bucket_in_every_release() {
        for (key, bucket) in [
            ("", 0x0000),
            ("34020719970530521X", 0x4a9d),
            ("11340200003010677X", 0x1483),
        ] {
            assert_eq!(bucket_of(key.as_bytes()), bucket, "{key}");
        }
    }

    #[test]
    fn what_only_one_node_understands_does_not_count() {
        let stamps = GenerationStamps::new(2);
        assert_eq!(stamps.bucket_of(b"\x00\x01abc"), stamps.bucket_of(b"\x07\x00abc"));
        let before = stamps.read(b"\x00\x01abc");
        stamps.bump_bucket(stamps.bucket_of(b"\x07\x00abc"));
        assert_ne!(stamps.read(b"\x00\x01abc"), before);
    }

    #[test]
    fn keys_that_look_alike_spread_over_the_buckets() {
        let numbers = (0..65_536_u32).map(|n| bucket_of(format!("3402071997{n:07}X").as_bytes()));
        let taken: std::collections::HashSet<u16> = numbers.collect();
        // A random function fills 63 %.
        assert!((40_000..43_000).contains(&taken.len()), "{}", taken.len());
    }
}
