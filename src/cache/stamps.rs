//! Generation stamps: one counter per hash bucket of keys, and one epoch for all.
//! Two keys may share a bucket: then a write of one reloads the other, which costs a query and is never wrong.

use std::sync::atomic::{AtomicU64, Ordering};

const BUCKETS: usize = 65_536;

/// What a load read before it asked the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    epoch: u64,
    generation: u64,
}

/// The counters of one node.
pub(super) struct Stamps {
    state: ahash::RandomState,
    epoch: AtomicU64,
    generations: Box<[AtomicU64]>,
}

impl Stamps {
    pub(super) fn new() -> Self {
        Self {
            state: ahash::RandomState::new(),
            epoch: AtomicU64::new(0),
            generations: (0..BUCKETS).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// The stamp of `key` now. Acquire: what the writer did before it bumped is seen after this read.
    pub(super) fn read(&self, key: &[u8]) -> Stamp {
        let generation = self.bucket(key).map_or(0, |bucket| bucket.load(Ordering::Acquire));
        Stamp {
            epoch: self.epoch.load(Ordering::Acquire),
            generation,
        }
    }

    pub(super) fn bump(&self, key: &[u8]) {
        if let Some(bucket) = self.bucket(key) {
            bucket.fetch_add(1, Ordering::AcqRel);
        }
    }

    pub(super) fn bump_all(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
    }

    fn bucket(&self, key: &[u8]) -> Option<&AtomicU64> {
        let index = usize::try_from(super::hash_of(&self.state, key)).unwrap_or_default() % BUCKETS;
        self.generations.get(index)
    }
}
