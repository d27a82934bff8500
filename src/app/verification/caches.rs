//! The caches of one node: one for all stored datasets, and one of its own for each live dataset.
//! They share no queue and no limit of loads, so a source that hangs delays only calls about its own records.

use heyan_ports::outward::SourceFault;
use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use super::record::{CachedRecord, RecordLoad};
use crate::foundation::trust::LineTrust;
use heyan_cache::{
    CacheConfig, CacheLookup, CacheSlot, LoadError, RecordCache, RecordLoader, SourceFailure, WantedFreshness,
};
use heyan_catalog::Dataset;

/// One cache, whatever fills it.
type SubjectCache = RecordCache<dyn RecordLoader<Record = CachedRecord>>;

/// A record as a cache answers it.
pub type FoundSlot = Arc<CacheSlot<CachedRecord>>;

/// The number of the dataset, which begins a key, belongs to one run of one node.
pub const OWN_KEY_BYTES: usize = 2;

/// Questions to one source at once. What a source takes is the limit of its connector; this one bounds the node.
const LIVE_LOADS_MAX: usize = 64;

/// Callers that may wait for one source.
const LIVE_WAITING_MAX: usize = 4_096;

/// Memory of one live cache, as a part of the stored datasets' one.
const LIVE_SHARE: u64 = 8;

/// Longest wait for a source, in its queue and for its answer.
const LIVE_WAIT: Duration = Duration::from_secs(15);

/// The word for a source that did not answer in time.
pub(crate) const SOURCE_TIMEOUT: &str = SourceFault::Timeout.as_str();

type NowUs = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Every cache of records.
pub struct RecordCaches {
    config: CacheConfig,
    now_us: NowUs,
    /// Whether what is in memory may be used.
    trust: Arc<LineTrust>,
    stored: SubjectCache,
    /// By dataset number; set once, when the hub stands.
    live: OnceLock<Box<[Option<SubjectCache>]>>,
}

impl RecordCaches {
    /// Starts the cache of stored datasets on the current tokio runtime.
    pub fn start(config: CacheConfig, load: Arc<RecordLoad>, now_us: NowUs, trust: Arc<LineTrust>) -> Self {
        let load: Arc<dyn RecordLoader<Record = CachedRecord>> = load;
        Self {
            stored: RecordCache::start(config.clone(), load, Arc::clone(&now_us)),
            config,
            now_us,
            trust,
            live: OnceLock::new(),
        }
    }

    /// Starts a cache for each of `datasets` that `load_of` gives a loader for: the live ones. Before this every dataset is a
    /// stored one.
    pub fn start_live<'d>(
        &self,
        datasets: impl Iterator<Item = &'d Arc<Dataset>>,
        load_of: impl Fn(&Dataset) -> Option<Arc<dyn RecordLoader<Record = CachedRecord>>>,
    ) {
        let config = CacheConfig {
            capacity_bytes: self.config.capacity_bytes / LIVE_SHARE,
            // One key a load: an answer that is there must not wait for one that is not.
            batch_keys_max: 1,
            loads_max: LIVE_LOADS_MAX,
            waiting_max: LIVE_WAITING_MAX,
            load_timeout: LIVE_WAIT,
            ..self.config.clone()
        };
        let start = |dataset: &Arc<Dataset>| {
            let load = load_of(dataset)?;
            Some(RecordCache::start(config.clone(), load, Arc::clone(&self.now_us)))
        };
        self.live.get_or_init(|| datasets.map(start).collect());
    }

    /// Whether records of `dataset` are asked of a source.
    pub fn is_live(&self, dataset: &Dataset) -> bool {
        self.live_of(dataset.number).is_some()
    }

    /// How old a copy may be: as the caller says, and for a live dataset no older than its schema allows.
    pub fn wanted(&self, dataset: &Dataset, max_age_s: Option<u64>, now_us: i64) -> WantedFreshness {
        let of_dataset = self.is_live(dataset).then_some(dataset.freshness_s);
        match (max_age_s, of_dataset) {
            (Some(asked), Some(allowed)) => WantedFreshness::at_most(asked.min(allowed), now_us),
            (Some(age), None) | (None, Some(age)) => WantedFreshness::at_most(age, now_us),
            (None, None) => WantedFreshness::of_any_age(now_us),
        }
    }

    /// The record of a cache key, if it is in memory, current and young enough.
    pub fn peek(&self, key: &[u8], wanted: WantedFreshness) -> Option<FoundSlot> {
        if !self.trust.holds() {
            return None;
        }
        self.live_of(number_of(key)).unwrap_or(&self.stored).peek(key, wanted)
    }

    /// The record of a cache key.
    ///
    /// # Errors
    /// The store or the source could not be asked, or too many loads wait.
    pub async fn get(&self, key: &[u8], wanted: WantedFreshness) -> Result<(FoundSlot, CacheLookup), LoadError> {
        let trusted = self.trust.holds();
        let from = async |cache: &SubjectCache| match trusted {
            true => cache.get(key, wanted).await,
            false => cache.load(key, wanted).await.map(|slot| (slot, CacheLookup::Bypass)),
        };
        let Some(live) = self.live_of(number_of(key)) else {
            return from(&self.stored).await;
        };
        // A caller that gives up leaves the queue; the load goes on and fills the cache.
        match tokio::time::timeout(LIVE_WAIT, from(live)).await {
            Ok(found) => found,
            Err(_too_long) => Err(LoadError::Source(SourceFailure::of(SOURCE_TIMEOUT))),
        }
    }

    /// Records of stored datasets by their cache keys, read from the store together though copies may be in memory.
    pub async fn load_stored(&self, keys: &[(&[u8], WantedFreshness)]) -> Vec<Result<FoundSlot, LoadError>> {
        self.stored.load_many(keys).await
    }

    /// Makes every entry of `key` stale. Call after the write is committed and before it is acknowledged.
    pub fn invalidate(&self, key: &[u8]) {
        self.live_of(number_of(key)).unwrap_or(&self.stored).invalidate(key);
    }

    /// By what other nodes are told that entries of `key` are stale.
    pub fn bucket_of(&self, key: &[u8]) -> u16 {
        self.stored.bucket_of(key)
    }

    /// Makes every entry of a bucket stale, because another node says so.
    pub fn invalidate_bucket(&self, bucket: u16) {
        for cache in self.all() {
            cache.invalidate_bucket(bucket);
        }
    }

    /// Makes every entry stale, as after a lost invalidation bus.
    pub fn invalidate_all(&self) {
        for cache in self.all() {
            cache.invalidate_all();
        }
    }

    /// Entries in memory, approximately.
    pub fn entries(&self) -> u64 {
        self.all().map(RecordCache::entries).sum()
    }

    /// Bytes in memory, approximately.
    pub fn bytes(&self) -> u64 {
        self.all().map(RecordCache::bytes).sum()
    }

    fn live_of(&self, number: u16) -> Option<&SubjectCache> {
        self.live.get()?.get(usize::from(number))?.as_ref()
    }

    fn all(&self) -> impl Iterator<Item = &SubjectCache> {
        let live = self.live.get().into_iter().flat_map(|caches| caches.iter().flatten());
        std::iter::once(&self.stored).chain(live)
    }
}

/// The dataset number that a cache key begins with.
fn number_of(key: &[u8]) -> u16 {
    key.first_chunk().map_or(u16::MAX, |number| u16::from_be_bytes(*number))
}
