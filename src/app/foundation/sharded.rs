//! A map by id that is copied in the time of a small part of it: a change copies the shard that it touches, and shares all others.

use std::{collections::HashMap, sync::Arc};

type MapShard<V> = Arc<HashMap<Box<str>, V, ahash::RandomState>>;

/// Shards of a map: with 100,000 rows a change copies about 400.
const SHARDS: usize = 256;

/// Rows by id.
#[derive(Clone)]
pub struct ShardedMap<V> {
    shards: Box<[MapShard<V>]>,
    hasher: ahash::RandomState,
}

impl<V> Default for ShardedMap<V> {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| MapShard::default()).collect(),
            hasher: ahash::RandomState::default(),
        }
    }
}

impl<V> ShardedMap<V> {
    fn place(&self, id: &str) -> usize {
        // A remainder of 256 always fits.
        usize::try_from(self.hasher.hash_one(id) % SHARDS as u64).unwrap_or_default()
    }

    /// The row of an id.
    pub fn get(&self, id: &str) -> Option<&V> {
        self.shards.get(self.place(id))?.get(id)
    }

    /// Whether there is a row of the id.
    pub fn contains_key(&self, id: &str) -> bool {
        self.get(id).is_some()
    }

    /// Every id, in any order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.shards.iter().flat_map(|shard| shard.keys()).map(|id| &**id)
    }

    /// Every row, in any order.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.shards.iter().flat_map(|shard| shard.values())
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.shards.iter().all(|shard| shard.is_empty())
    }
}

impl<V: Clone> ShardedMap<V> {
    /// Sets the row of an id.
    pub fn insert(&mut self, id: &str, row: V) {
        let place = self.place(id);
        if let Some(shard) = self.shards.get_mut(place) {
            Arc::make_mut(shard).insert(id.into(), row);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_does_not_see_later_changes_and_shares_what_they_do_not_touch() {
        let mut one = ShardedMap::default();
        for n in 0..1_000 {
            one.insert(&n.to_string(), n);
        }
        let mut two = one.clone();
        two.insert("7", 70);
        assert_eq!((one.get("7"), two.get("7")), (Some(&7), Some(&70)));
        assert_eq!(two.values().count(), 1_000);
        let shared = one.shards.iter().zip(&two.shards).filter(|(a, b)| Arc::ptr_eq(a, b));
        assert_eq!(shared.count(), SHARDS - 1);
        assert!(one.contains_key("999") && !one.contains_key("1000") && one.keys().count() == 1_000);
        assert!(!one.is_empty() && ShardedMap::<u8>::default().is_empty());
    }
}
