//! Loads race invalidations: with stamps nothing stale is ever answered, and without them it is.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use heyan::cache::{CacheConfig, Key, Load, RecordCache, StampCheck, Weigh};
use tokio::sync::Semaphore;

/// A store with one number, which a load has read and holds back until the gate lets it go.
struct GatedStore {
    value: AtomicU64,
    reading: Semaphore,
    gate: Semaphore,
    loads: AtomicU64,
}

struct Number(u64);

impl Weigh for Number {
    fn weight(&self) -> usize {
        8
    }
}

#[async_trait]
impl Load for GatedStore {
    type Record = Number;
    async fn load(&self, keys: &[Key]) -> Result<Vec<Option<Number>>, Arc<dyn std::error::Error + Send + Sync>> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        let read = self.value.load(Ordering::SeqCst);
        self.reading.add_permits(1);
        self.gate.acquire().await.unwrap().forget();
        Ok(keys.iter().map(|_| Some(Number(read))).collect())
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
        check_stamps,
    };
    Arc::new(RecordCache::start(config, Arc::clone(store), Arc::new(|| 0)))
}

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
        let joined = tokio::spawn(async move { reader.get(&[1]).await.unwrap().0.record.as_ref().unwrap().0 });
        store.reading.acquire().await.unwrap().forget();
        store.value.store(round, Ordering::SeqCst);
        cache.invalidate(&[1]);
        // Acknowledged: from here on the old value must not be told. The gate lets this load and any later one go.
        store.gate.add_permits(8);
        let joined = joined.await.unwrap();
        let after = cache.get(&[1]).await.unwrap().0.record.as_ref().unwrap().0;
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
        tokio::spawn(async move { cache.load(&[1]).await.unwrap().record.as_ref().unwrap().0 })
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
