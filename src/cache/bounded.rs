//! A bounded map for what is cheap to make again, such as verified tokens.
//! An entry may go at any time: it is no place for what must be remembered.

use std::{hash::Hash, time::Duration};

/// At most `capacity` entries, each for at most `ttl`.
pub struct BoundedMap<K: Hash + Eq + Send + Sync + 'static, V: Clone + Send + Sync + 'static> {
    entries: moka::sync::Cache<K, V, ahash::RandomState>,
}

impl<K: Hash + Eq + Send + Sync + 'static, V: Clone + Send + Sync + 'static> BoundedMap<K, V> {
    /// An empty map.
    pub fn new(capacity: u64, ttl: Duration) -> Self {
        let entries = moka::sync::Cache::builder()
            .max_capacity(capacity)
            .time_to_live(ttl)
            .build_with_hasher(ahash::RandomState::new());
        Self { entries }
    }

    /// The value of a key.
    pub fn get(&self, key: &K) -> Option<V> {
        self.entries.get(key)
    }

    /// Sets the value of a key.
    pub fn insert(&self, key: K, value: V) {
        self.entries.insert(key, value);
    }
}
