//! Records by subject, in memory: bounded in bytes, one load a key, misses coalesced into one query.
//! An entry is good only while its stamp is current: loads race invalidations, and without stamps a load that
//! began before a write would put the old record back after it (PROMISES §5.4).
//!
//! Order that keeps it: the loader reads the stamp *before* the store; the writer commits, *then* bumps the stamp,
//! *then* acknowledges; a reader compares the stamp on every hit and after every load that it joined.

#![cfg_attr(
    test,
    allow(
        clippy::string_slice,
        clippy::disallowed_methods,
        reason = "a test stops at the first surprise"
    )
)]

mod bounded;
mod loader;
mod stamps;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};

pub use bounded::BoundedMap;
use stamps::GenerationStamps;
pub use stamps::LoadStamp;

/// How a load failed, shared by all who waited for it; never cached.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LoadError {
    /// The store failed or did not answer in time.
    #[error("the store cannot be reached")]
    Store(#[source] Arc<dyn std::error::Error + Send + Sync>),
    /// More misses wait than the cache takes.
    #[error("too many loads wait")]
    Busy,
    /// The record changed faster than it could be read.
    #[error("the record kept changing while it was read")]
    Unstable,
    /// The outside source of the record gave no answer, and there is no older copy.
    #[error("the source gave no answer: {}", .0.word)]
    Source(SourceFailure),
}

/// How an outside source failed.
#[derive(Clone, Debug)]
pub struct SourceFailure {
    /// A word of a closed set.
    pub word: &'static str,
    /// Name of the connector.
    pub connector: Option<Arc<str>>,
    /// HTTP status of its answer.
    pub status: Option<u16>,
}

impl SourceFailure {
    /// A failure of which only the word is known.
    pub const fn of(word: &'static str) -> Self {
        Self {
            word,
            connector: None,
            status: None,
        }
    }
}

impl LoadError {
    /// Whether the same call may succeed a moment later.
    pub fn is_busy(&self) -> bool {
        matches!(self, Self::Busy)
    }

    /// How an outside source failed, where one is what failed.
    pub fn source_failure(&self) -> Option<&SourceFailure> {
        match self {
            Self::Source(failure) => Some(failure),
            _ => None,
        }
    }
}

/// Reads many records at once.
#[async_trait]
pub trait RecordLoader: Send + Sync + 'static {
    /// What is cached.
    type Record: MemoryWeight + Send + Sync + 'static;

    /// Answers in the order and length of `wants`, each key for itself; `now_us` is when the load begins.
    async fn load(&self, wants: &[WantedKey], now_us: i64) -> Vec<Result<LoadedKey<Self::Record>, LoadError>>;
}

/// One key that a load is asked for.
#[derive(Clone)]
pub struct WantedKey {
    /// Which record.
    pub key: CacheKey,
    /// A copy from before this time will not do, Unix microseconds.
    pub oldest_us: i64,
    /// The call that wants it; of several, the first.
    pub trace: Option<Arc<str>>,
}

/// What a load found for one key.
pub struct LoadedKey<V> {
    /// The record; `None` if there is none.
    pub record: Option<V>,
    /// When it was so, Unix microseconds.
    pub read_at: i64,
    /// Whether it may be kept.
    pub keep: CachePolicy,
}

/// Whether what was loaded may be answered again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CachePolicy {
    /// As long as the cache likes.
    Kept,
    /// Until this time, Unix microseconds.
    Until(i64),
    /// Never: it is an older copy, because the source could not be asked.
    Stale,
}

/// How fresh an answer must be.
#[derive(Clone, Copy, Debug)]
pub struct WantedFreshness {
    /// When it is asked, Unix microseconds.
    pub now_us: i64,
    /// A copy from before this time will not do, Unix microseconds.
    pub oldest_us: i64,
}

impl WantedFreshness {
    /// A copy of any age.
    pub const fn of_any_age(now_us: i64) -> Self {
        Self {
            now_us,
            oldest_us: i64::MIN,
        }
    }

    /// A copy that is at most `age_s` seconds old.
    pub fn at_most(age_s: u64, now_us: i64) -> Self {
        let age_us = i64::try_from(age_s).unwrap_or(i64::MAX).saturating_mul(1_000_000);
        Self {
            now_us,
            oldest_us: now_us.saturating_sub(age_us),
        }
    }
}

/// Bytes that a record takes in memory.
pub trait MemoryWeight {
    /// Approximate bytes, heap included.
    fn weight(&self) -> usize;
}

/// Dataset number (two bytes, big-endian) and canonical subject.
pub type CacheKey = Box<[u8]>;

/// A cached answer of the store: a record, or that there is none.
pub struct CacheSlot<V> {
    stamp: LoadStamp,
    /// When it was read, Unix microseconds.
    pub read_at: i64,
    /// Whether it was cached. A stale record is returned to the callers that waited for it, and not cached.
    pub keep: CachePolicy,
    /// The record.
    pub record: Option<V>,
}

impl<V> CacheSlot<V> {
    /// Whether it is an older copy, because the source could not be asked.
    pub fn is_stale(&self) -> bool {
        self.keep == CachePolicy::Stale
    }

    fn serves(&self, wanted: WantedFreshness) -> bool {
        let lives = match self.keep {
            CachePolicy::Kept => true,
            CachePolicy::Until(end) => wanted.now_us < end,
            CachePolicy::Stale => false,
        };
        lives && self.read_at >= wanted.oldest_us
    }
}

/// How a record came to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheLookup {
    /// From memory.
    Hit,
    /// Read from the store for this call, or by a load that it joined.
    Miss,
    /// The same, although it may be in memory: what is in memory is not trusted now.
    Bypass,
}

/// Limits of the cache.
#[derive(Clone, Debug)]
pub struct CacheConfig {
    /// Bytes that cached records may take.
    pub capacity_bytes: u64,
    /// Longest life of an entry.
    pub ttl: Duration,
    /// Keys in one query of the store.
    pub batch_keys_max: usize,
    /// Queries of the store at once.
    pub loads_max: usize,
    /// Misses that may wait.
    pub waiting_max: usize,
    /// Longest wait for one load.
    pub load_timeout: Duration,
    /// Bytes at the front of a key that only this node understands: what nodes tell each other leaves them out.
    pub own_key_bytes: usize,
    /// Whether stamps are compared: `false` only to show in a test what goes wrong without them.
    pub check_stamps: StampCheck,
}

/// Whether entries are checked against their stamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StampCheck {
    /// Always, outside one test.
    On,
    /// Only in the test that shows the race.
    Off,
}

/// The cache of one node.
pub struct RecordCache<L: RecordLoader + ?Sized> {
    slots: moka::sync::Cache<CacheKey, Arc<CacheSlot<L::Record>>, ahash::RandomState>,
    stamps: Arc<GenerationStamps>,
    misses: mpsc::Sender<loader::CacheMiss<L::Record>>,
    check_stamps: StampCheck,
}

/// Loads that one look-up may join or start before it gives up.
const ATTEMPTS_MAX: usize = 16;

impl<L: RecordLoader + ?Sized> RecordCache<L> {
    /// Starts the cache's loader on the current tokio runtime.
    pub fn start(config: CacheConfig, load: Arc<L>, now_us: Arc<dyn Fn() -> i64 + Send + Sync>) -> Self {
        let slots = moka::sync::Cache::builder()
            .max_capacity(config.capacity_bytes)
            .weigher(|key: &CacheKey, slot: &Arc<CacheSlot<L::Record>>| {
                let record = slot.record.as_ref().map_or(0, MemoryWeight::weight);
                u32::try_from(key.len() + record + SLOT_OVERHEAD_BYTES).unwrap_or(u32::MAX)
            })
            .time_to_live(config.ttl)
            .build_with_hasher(ahash::RandomState::new());
        let stamps = Arc::new(GenerationStamps::new(config.own_key_bytes));
        let (misses, queue) = mpsc::channel(config.waiting_max);
        let check_stamps = config.check_stamps;
        let loader = loader::MissLoader::new(config, load, slots.clone(), Arc::clone(&stamps), now_us);
        tokio::spawn(loader.run(queue));
        Self {
            slots,
            stamps,
            misses,
            check_stamps,
        }
    }

    /// The record of `key`, from memory when its entry is current and young enough.
    ///
    /// # Errors
    /// Returns an error if the store or the source cannot be reached, or too many loads wait.
    pub async fn get(
        &self,
        key: &[u8],
        wanted: WantedFreshness,
    ) -> Result<(Arc<CacheSlot<L::Record>>, CacheLookup), LoadError> {
        match self.peek(key, wanted) {
            Some(slot) => Ok((slot, CacheLookup::Hit)),
            None => self.load(key, wanted).await.map(|slot| (slot, CacheLookup::Miss)),
        }
    }

    /// The entry of `key`, if it is in memory, current and young enough.
    pub fn peek(&self, key: &[u8], wanted: WantedFreshness) -> Option<Arc<CacheSlot<L::Record>>> {
        self.slots
            .get(key)
            .filter(|slot| slot.serves(wanted) && self.is_current(key, slot))
    }

    /// Reads `key` from the store (or joins a load under way) even when an entry is in memory.
    ///
    /// # Errors
    /// Returns an error if the store or the source cannot be reached, or too many loads wait.
    pub async fn load(&self, key: &[u8], wanted: WantedFreshness) -> Result<Arc<CacheSlot<L::Record>>, LoadError> {
        let mut loaded = self.load_many(&[(key, wanted)]).await;
        loaded.pop().unwrap_or(Err(LoadError::Unstable))
    }

    /// As [`Self::load`], for many keys with one message to the loader and one back; the answers have the order of `keys`.
    pub async fn load_many(
        &self,
        keys: &[(&[u8], WantedFreshness)],
    ) -> Vec<Result<Arc<CacheSlot<L::Record>>, LoadError>> {
        let mut answers: Vec<_> = keys.iter().map(|_| Err(LoadError::Unstable)).collect();
        let mut open: Vec<usize> = (0..keys.len()).collect();
        for _ in 0..ATTEMPTS_MAX {
            if open.is_empty() {
                break;
            }
            let asked = || open.iter().filter_map(|place| Some((*place, keys.get(*place)?)));
            let loaded = self.ask(asked().map(|(_, key)| key)).await;
            let mut again = Vec::new();
            for ((place, (key, wanted)), loaded) in asked().zip(loaded) {
                // A load that it joined may have begun for a caller who wanted less.
                let void = loaded.as_ref().is_ok_and(|slot| {
                    let answers = slot.is_stale() || slot.serves(*wanted);
                    !answers || !self.is_current(key, slot)
                });
                if void {
                    again.push(place);
                } else if let Some(answer) = answers.get_mut(place) {
                    *answer = loaded;
                }
            }
            open = again;
        }
        answers
    }

    async fn ask<'k>(
        &self,
        keys: impl Iterator<Item = &'k (&'k [u8], WantedFreshness)>,
    ) -> Vec<Result<Arc<CacheSlot<L::Record>>, LoadError>> {
        let (reply, answer) = oneshot::channel();
        let trace = heyan_ports::trace::parent();
        let want = |(key, wanted): &(&[u8], WantedFreshness)| WantedKey {
            key: CacheKey::from(*key),
            oldest_us: wanted.oldest_us,
            trace: trace.clone(),
        };
        let wants: Vec<WantedKey> = keys.map(want).collect();
        let busy = vec![Err(LoadError::Busy); wants.len()];
        match self.misses.try_send(loader::CacheMiss { wants, reply }) {
            Ok(()) => answer.await.unwrap_or(busy),
            Err(_full) => busy,
        }
    }

    /// Makes every entry of `key` stale. Call after the write is committed and before it is acknowledged.
    pub fn invalidate(&self, key: &[u8]) {
        self.stamps.bump(key);
        self.slots.invalidate(key);
    }

    /// By what other nodes are told that entries of `key` are stale.
    pub fn bucket_of(&self, key: &[u8]) -> u16 {
        self.stamps.bucket_of(key)
    }

    /// Makes every entry of a bucket stale, because another node says so.
    pub fn invalidate_bucket(&self, bucket: u16) {
        self.stamps.bump_bucket(bucket);
    }

    /// Makes every entry stale, as after a lost invalidation bus.
    pub fn invalidate_all(&self) {
        self.stamps.bump_all();
        self.slots.invalidate_all();
    }

    /// Entries in memory, approximately.
    pub fn entries(&self) -> u64 {
        self.slots.entry_count()
    }

    /// Bytes in memory, approximately.
    pub fn bytes(&self) -> u64 {
        self.slots.weighted_size()
    }

    fn is_current(&self, key: &[u8], slot: &CacheSlot<L::Record>) -> bool {
        self.check_stamps == StampCheck::Off || self.stamps.read(key) == slot.stamp
    }
}

/// Bytes of bookkeeping per entry: moka's node, the `Arc`, the slot.
const SLOT_OVERHEAD_BYTES: usize = 200;
