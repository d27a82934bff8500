//! Remembers one-time ids (`jti` of assertions) for as long as they could be used again.
//! When it is full it refuses: forgetting an id early would let its message in a second time.
//! Invariants: `entries ≤ capacity`; an id is forgotten only when `keep_until_s < forgotten_before_s`, and nothing that ends
//! before `forgotten_before_s` is taken in, so a clock that steps back opens no hole.
//! One scope (a client) has a share: what one client uses up refuses no other.
//! Own code: when full it must refuse; caches evict, which would let a message in twice.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use ring::hmac;

/// Why an id cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// Seen before.
    #[error("the one-time id was used before")]
    Seen,
    /// No room: the caller should answer "try later" (503), not "unauthorised".
    #[error("the store of one-time ids is full")]
    Full,
    /// The scope has used its share.
    #[error("the share of one-time ids of the client is used up")]
    ShareFull,
    /// Its time ended before ids that were already forgotten.
    #[error("the one-time id is too old to be judged")]
    Late,
}

/// Bounded set of keyed hashes with their ends. In this process only: what was used before a restart or on another node is for the
/// store to say.
pub struct ReplayCache {
    key: hmac::Key,
    capacity: usize,
    share: usize,
    inner: Mutex<ReplayInner>,
}

/// End, id and scope; the earliest end is the greatest.
type RememberedEnd = Reverse<(i64, [u8; 16], [u8; 16])>;

struct ReplayInner {
    seen: HashSet<[u8; 16]>,
    ends: BinaryHeap<RememberedEnd>,
    /// Ids of each scope.
    held: HashMap<[u8; 16], usize>,
    forgotten_before_s: i64,
}

impl ReplayCache {
    /// `key` hides the ids and keeps an attacker from aiming at one bucket. An entry takes about 70 bytes; room is needed
    /// for the highest rate × the longest time to keep. One scope may have `share` entries of it.
    pub fn new(key: &[u8; 32], capacity: usize, share: usize) -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, key),
            capacity,
            share,
            inner: Mutex::new(ReplayInner {
                seen: HashSet::new(),
                ends: BinaryHeap::new(),
                held: HashMap::new(),
                forgotten_before_s: i64::MIN,
            }),
        }
    }

    /// Takes `id` of `scope` (the client or key id) in until `keep_until_s`, both times Unix seconds.
    /// Call it last, after the signature has been verified, or strangers fill it.
    pub fn remember(&self, scope: &str, id: &str, now_s: i64, keep_until_s: i64) -> Result<(), ReplayError> {
        let mark = self.mark(scope, id);
        let mut inner = self.lock();
        inner.forget(now_s);
        if keep_until_s < inner.forgotten_before_s {
            return Err(ReplayError::Late);
        }
        if inner.seen.contains(&mark) {
            return Err(ReplayError::Seen);
        }
        if inner.seen.len() >= self.capacity {
            return Err(ReplayError::Full);
        }
        let of_scope = self.mark(scope, "");
        let held = inner.held.entry(of_scope).or_default();
        if *held >= self.share {
            return Err(ReplayError::ShareFull);
        }
        *held += 1;
        inner.seen.insert(mark);
        inner.ends.push(Reverse((keep_until_s, mark, of_scope)));
        Ok(())
    }

    /// Ids held now.
    pub fn len(&self) -> usize {
        self.lock().seen.len()
    }

    /// Whether none is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Keyed hash of an id, by which nodes that share a root know it.
    pub fn mark(&self, scope: &str, id: &str) -> [u8; 16] {
        let mut context = hmac::Context::with_key(&self.key);
        // The length in front keeps ("ab", "c") and ("a", "bc") apart.
        context.update(&(scope.len() as u64).to_be_bytes());
        context.update(scope.as_bytes());
        context.update(id.as_bytes());
        let tag = context.sign();
        let mut mark = [0; 16];
        for (to, from) in mark.iter_mut().zip(tag.as_ref()) {
            *to = *from;
        }
        mark
    }

    fn lock(&self) -> MutexGuard<'_, ReplayInner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ReplayInner {
    fn forget(&mut self, now_s: i64) {
        self.forgotten_before_s = self.forgotten_before_s.max(now_s);
        while let Some(Reverse((end, mark, scope))) = self.ends.peek().copied() {
            if end >= self.forgotten_before_s {
                break;
            }
            self.ends.pop();
            self.seen.remove(&mark);
            if let Some(held) = self.held.get_mut(&scope) {
                *held -= 1;
                if *held == 0 {
                    self.held.remove(&scope);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(capacity: usize) -> ReplayCache {
        ReplayCache::new(&[3; 32], capacity, capacity)
    }

    #[test]
    fn an_id_is_good_once_within_its_time() {
        let cache = cache(10);
        assert_eq!(cache.remember("a", "1", 100, 700), Ok(()));
        assert_eq!(cache.remember("a", "1", 100, 700), Err(ReplayError::Seen));
        assert_eq!(cache.remember("a", "1", 700, 900), Err(ReplayError::Seen));
        assert_eq!(cache.remember("a", "1", 701, 900), Ok(()));
    }

    #[test]
    fn scopes_do_not_touch_each_other() {
        let cache = cache(10);
        assert_eq!(cache.remember("ab", "c", 1, 9), Ok(()));
        assert_eq!(cache.remember("a", "bc", 1, 9), Ok(()));
        assert_eq!(cache.remember("", "abc", 1, 9), Ok(()));
    }

    #[test]
    fn a_full_store_refuses_and_forgets_nothing_early() {
        let cache = cache(2);
        assert_eq!(cache.remember("a", "1", 0, 10), Ok(()));
        assert_eq!(cache.remember("a", "2", 0, 20), Ok(()));
        assert_eq!(cache.remember("a", "3", 10, 30), Err(ReplayError::Full));
        assert_eq!(cache.remember("a", "1", 10, 10), Err(ReplayError::Seen));
        assert_eq!(cache.remember("a", "3", 11, 30), Ok(()));
        assert_eq!(cache.remember("a", "2", 11, 30), Err(ReplayError::Seen));
        assert_eq!(cache.len(), 2);
    }

    #[test]
    fn one_scope_uses_up_its_share_and_no_more() {
        let cache = ReplayCache::new(&[3; 32], 10, 2);
        assert_eq!(cache.remember("a", "1", 0, 10), Ok(()));
        assert_eq!(cache.remember("a", "2", 0, 20), Ok(()));
        assert_eq!(cache.remember("a", "3", 0, 20), Err(ReplayError::ShareFull));
        assert_eq!(cache.remember("b", "3", 0, 20), Ok(()));
        assert_eq!(cache.remember("a", "3", 11, 20), Ok(()));
        assert_eq!(cache.remember("a", "4", 21, 30), Ok(()));
        assert_eq!(cache.lock().held.len(), 1);
    }

    #[test]
    fn a_clock_that_steps_back_opens_no_hole() {
        let cache = cache(10);
        assert_eq!(cache.remember("a", "1", 0, 10), Ok(()));
        assert_eq!(cache.remember("a", "2", 50, 60), Ok(()));
        assert_eq!(cache.remember("a", "1", 5, 10), Err(ReplayError::Late));
        assert!(!cache.is_empty());
    }

    #[test]
    fn of_many_threads_with_one_id_exactly_one_wins() {
        let cache = cache(1000);
        let won: usize = std::thread::scope(|scope| {
            let run = || {
                (0..200)
                    .filter(|n| cache.remember("s", &n.to_string(), 0, 9).is_ok())
                    .count()
            };
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(run)).collect();
            threads.into_iter().map(|t| t.join().unwrap()).sum()
        });
        assert_eq!(won, 200);
    }
}
