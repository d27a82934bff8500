//! Loads race invalidations: with stamps nothing stale is ever answered, and without them it is.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use heyan::cache::{
    CacheConfig, CachePolicy, LoadError, LoadedKey, MemoryWeight, RecordCache, RecordLoader, SourceFailure, StampCheck,
    WantedFreshness, WantedKey,
};
use tokio::sync::Semaphore;

/// A store with one number, which a load has read and holds back until the gate lets it go.
struct GatedStore {
    value: AtomicU64,
    reading: Semaphore,
    gate: Semaphore,
    loads: AtomicU64,
}

struct Number(u64);

impl MemoryWeight for Number {
    fn weight(&self) -> usize {
        8
    }
}

#[async_trait]
impl RecordLoader for GatedStore {
    type Record = Number;
    async fn load(&self, wants: &[WantedKey], now_us: i64) -> Vec<Result<LoadedKey<Number>, LoadError>> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        let read = self.value.load(Ordering::SeqCst);
        self.reading.add_permits(1);
        self.gate.acquire().await.unwrap().forget();
        let loaded = |_want| {
            Ok(LoadedKey {
                record: Some(Number(read)),
                read_at: now_us,
                keep: CachePolicy::Kept,
            })
        };
        wants.iter().map(loaded).collect()
    }
}

fn gated(value: u64) -> Arc<GatedStore> {
    let (reading, gate) = (Semaphore::new(0), Semaphore::new(0));
    Arc::new(GatedStore {
        value: AtomicU64::new(value),
        reading,
        gate,
        loads: AtomicU64::new(0),
    })
}

fn cache_of(store: &Arc<GatedStore>, check_stamps: StampCheck) -> Arc<RecordCache<GatedStore>> {
    let config = CacheConfig {
        capacity_bytes: 1 << 20,
        ttl: Duration::from_secs(60),
        batch_keys_max: 16,
        loads_max: 2,
        waiting_max: 10_000,
        load_timeout: Duration::from_secs(5),
        own_key_bytes: 0,
        check_stamps,
    };
    Arc::new(RecordCache::start(config, Arc::clone(store), Arc::new(|| 0)))
}

const ANY: WantedFreshness = WantedFreshness::of_any_age(0);
const ROUNDS: u64 = 2_500;

/// In each round a load has read the old value when the writer commits, bumps and acknowledges. Answers the rounds in
/// which the reader that joined the load, or the one that came after the acknowledgement, was told the old value.
async fn stale_rounds(check_stamps: StampCheck) -> u64 {
    let store = gated(0);
    let cache = cache_of(&store, check_stamps);
    let mut stale = 0;
    for round in 1..=ROUNDS {
        cache.invalidate(&[1]);
        let reader = Arc::clone(&cache);
        let joined = tokio::spawn(async move { reader.get(&[1], ANY).await.unwrap().0.record.as_ref().unwrap().0 });
        store.reading.acquire().await.unwrap().forget();
        store.value.store(round, Ordering::SeqCst);
        cache.invalidate(&[1]);
        // Acknowledged: from here on the old value must not be told. The gate lets this load and any later one go.
        store.gate.add_permits(8);
        let joined = joined.await.unwrap();
        let after = cache.get(&[1], ANY).await.unwrap().0.record.as_ref().unwrap().0;
        if joined < round || after < round {
            stale += 1;
        }
        store.gate.forget_permits(usize::MAX);
        store.reading.forget_permits(usize::MAX);
    }
    stale
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_that_races_a_write_never_answers_stale() {
    assert_eq!(stale_rounds(StampCheck::On).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_stamps_the_same_race_answers_stale_every_time() {
    assert_eq!(stale_rounds(StampCheck::Off).await, ROUNDS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_misses_of_one_key_ask_the_store_once() {
    let store = gated(7);
    let cache = cache_of(&store, StampCheck::On);
    let asking = (0..500).map(|_| {
        let cache = Arc::clone(&cache);
        tokio::spawn(async move { cache.load(&[1], ANY).await.unwrap().record.as_ref().unwrap().0 })
    });
    let asking: Vec<_> = asking.collect();
    store.reading.acquire().await.unwrap().forget();
    store.gate.add_permits(100);
    for answer in asking {
        assert_eq!(answer.await.unwrap(), 7);
    }
    // One load carries those who came before it ended; who came later starts at most a few more.
    assert!(
        store.loads.load(Ordering::SeqCst) <= 10,
        "{} loads",
        store.loads.load(Ordering::SeqCst)
    );
}

/// Knows every key but one, and says what it was asked for.
struct Picky {
    loads: AtomicU64,
}

#[async_trait]
impl RecordLoader for Picky {
    type Record = Number;
    async fn load(&self, wants: &[WantedKey], now_us: i64) -> Vec<Result<LoadedKey<Number>, LoadError>> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        let loaded = |want: &WantedKey| match want.key[0] {
            9 => Err(LoadError::Source(SourceFailure::of("down"))),
            number => Ok(LoadedKey {
                record: Some(Number(number.into())),
                read_at: now_us,
                keep: if number == 8 {
                    CachePolicy::Stale
                } else {
                    CachePolicy::Kept
                },
            }),
        };
        wants.iter().map(loaded).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_fails_fails_alone_and_neither_a_fault_nor_a_stale_copy_is_kept() {
    let load = Arc::new(Picky {
        loads: AtomicU64::new(0),
    });
    let config = CacheConfig {
        capacity_bytes: 1 << 20,
        ttl: Duration::from_secs(60),
        batch_keys_max: 16,
        loads_max: 1,
        waiting_max: 100,
        load_timeout: Duration::from_secs(5),
        own_key_bytes: 0,
        check_stamps: StampCheck::On,
    };
    let cache = Arc::new(RecordCache::start(config, Arc::clone(&load), Arc::new(|| 0)));
    let together = [1, 9, 8, 2].map(|key| {
        let cache = Arc::clone(&cache);
        tokio::spawn(async move { cache.get(&[key], ANY).await.map(|(slot, _)| slot.is_stale()) })
    });
    let mut answers = Vec::new();
    for answer in together {
        answers.push(answer.await.unwrap().ok());
    }
    assert_eq!(answers, [Some(false), None, Some(true), Some(false)]);
    assert!(cache.peek(&[1], ANY).is_some() && cache.peek(&[9], ANY).is_none() && cache.peek(&[8], ANY).is_none());
    let loads = load.loads.load(Ordering::SeqCst);
    assert!(cache.get(&[9], ANY).await.is_err());
    assert_eq!(load.loads.load(Ordering::SeqCst), loads + 1);
}
