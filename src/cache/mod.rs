//! Records by subject, in memory: bounded in bytes, one load a key, misses coalesced into one query.
//! An entry is good only while its stamp is current: loads race invalidations, and without stamps a load that
//! began before a write would put the old record back after it (PROMISES §5.4).
//!
//! Order that keeps it: the loader reads the stamp *before* the store; the writer commits, *then* bumps the stamp,
//! *then* acknowledges; a reader compares the stamp on every hit and after every load that it joined.

mod bounded;
mod loader;
mod stamps;

use std::{hash::Hash, sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};

pub use bounded::Bounded;
pub use stamps::Stamp;
use stamps::Stamps;

/// How a load failed, shared by all who waited for it; never cached.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LoadError {
    /// The store failed or did not answer in time.
    #[error("the store could not be asked")]
    Store(#[source] Arc<dyn std::error::Error + Send + Sync>),
    /// More misses wait than the cache takes.
    #[error("too many loads wait")]
    Busy,
    /// The record changed faster than it could be read.
    #[error("the record kept changing while it was read")]
    Unstable,
}

impl LoadError {
    /// Whether the same call may succeed a moment later.
    pub fn is_busy(&self) -> bool {
        matches!(self, Self::Busy)
    }
}

/// Reads many records at once.
#[async_trait]
pub trait Load: Send + Sync + 'static {
    /// What is cached.
    type Record: Weigh + Send + Sync + 'static;

    /// Answers in the order and length of `keys`; `None`: no such record.
    async fn load(&self, keys: &[Key]) -> Result<Vec<Option<Self::Record>>, Arc<dyn std::error::Error + Send + Sync>>;
}

/// Bytes that a record takes in memory.
pub trait Weigh {
    /// Approximate bytes, heap included.
    fn weight(&self) -> usize;
}

/// Dataset number (two bytes, big-endian) and canonical subject.
pub type Key = Box<[u8]>;

/// A cached answer of the store: a record, or that there is none.
pub struct Slot<V> {
    stamp: Stamp,
    /// When it was read, Unix microseconds.
    pub read_at: i64,
    /// The record.
    pub record: Option<V>,
}

/// How a record came to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// From memory.
    Hit,
    /// Read from the store for this call, or by a load that it joined.
    Miss,
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
pub struct RecordCache<L: Load> {
    slots: moka::sync::Cache<Key, Arc<Slot<L::Record>>, ahash::RandomState>,
    stamps: Arc<Stamps>,
    misses: mpsc::Sender<loader::Miss<L::Record>>,
    check_stamps: StampCheck,
}

/// Loads that one look-up may join or start before it gives up.
const ATTEMPTS_MAX: usize = 16;

impl<L: Load> RecordCache<L> {
    /// Starts the cache's loader on the current tokio runtime.
    pub fn start(config: CacheConfig, load: Arc<L>, now_us: Arc<dyn Fn() -> i64 + Send + Sync>) -> Self {
        let slots = moka::sync::Cache::builder()
            .max_capacity(config.capacity_bytes)
            .weigher(|key: &Key, slot: &Arc<Slot<L::Record>>| {
                let record = slot.record.as_ref().map_or(0, Weigh::weight);
                u32::try_from(key.len() + record + SLOT_OVERHEAD_BYTES).unwrap_or(u32::MAX)
            })
            .time_to_live(config.ttl)
            .build_with_hasher(ahash::RandomState::new());
        let stamps = Arc::new(Stamps::new());
        let (misses, queue) = mpsc::channel(config.waiting_max);
        let check_stamps = config.check_stamps;
        let loader = loader::Loader::new(config, load, slots.clone(), Arc::clone(&stamps), now_us);
        tokio::spawn(loader.run(queue));
        Self {
            slots,
            stamps,
            misses,
            check_stamps,
        }
    }

    /// The record of `key`, from memory when its entry is current.
    ///
    /// # Errors
    /// The store could not be asked, or too many loads wait.
    pub async fn get(&self, key: &[u8]) -> Result<(Arc<Slot<L::Record>>, Lookup), LoadError> {
        match self.peek(key) {
            Some(slot) => Ok((slot, Lookup::Hit)),
            None => self.load(key).await.map(|slot| (slot, Lookup::Miss)),
        }
    }

    /// The current entry of `key`, if it is in memory.
    pub fn peek(&self, key: &[u8]) -> Option<Arc<Slot<L::Record>>> {
        self.slots.get(key).filter(|slot| self.is_current(key, slot))
    }

    /// Reads `key` from the store (or joins a load under way) even when an entry is in memory.
    ///
    /// # Errors
    /// The store could not be asked, or too many loads wait.
    pub async fn load(&self, key: &[u8]) -> Result<Arc<Slot<L::Record>>, LoadError> {
        for _ in 0..ATTEMPTS_MAX {
            let (reply, answer) = oneshot::channel();
            let miss = loader::Miss {
                key: Key::from(key),
                reply,
            };
            self.misses.try_send(miss).map_err(|_full| LoadError::Busy)?;
            let slot = answer.await.map_err(|_closed| LoadError::Busy)??;
            if self.is_current(key, &slot) {
                return Ok(slot);
            }
        }
        Err(LoadError::Unstable)
    }

    /// Makes every entry of `key` stale. Call after the write is committed and before it is acknowledged.
    pub fn invalidate(&self, key: &[u8]) {
        self.stamps.bump(key);
        self.slots.invalidate(key);
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

    fn is_current(&self, key: &[u8], slot: &Slot<L::Record>) -> bool {
        self.check_stamps == StampCheck::Off || self.stamps.read(key) == slot.stamp
    }
}

/// Bytes of bookkeeping per entry: moka's node, the `Arc`, the slot.
const SLOT_OVERHEAD_BYTES: usize = 200;

/// Hash of a key into the table of stamps; the same in every part of the cache.
fn hash_of(state: &ahash::RandomState, key: &[u8]) -> u64 {
    state.hash_one(KeyBytes(key))
}

struct KeyBytes<'a>(&'a [u8]);

impl Hash for KeyBytes<'_> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        state.write(self.0);
    }
}
