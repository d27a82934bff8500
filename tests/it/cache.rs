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

/// A store with one number a key, whose answers take a while to arrive.
struct SlowStore {
    values: Vec<AtomicU64>,
    loads: AtomicU64,
}

struct Number(u64);

impl Weigh for Number {
    fn weight(&self) -> usize {
        8
    }
}

fn number_of(key: &[u8]) -> usize {
    usize::from(key[0])
}

#[async_trait]
impl Load for SlowStore {
    type Record = Number;
    async fn load(&self, keys: &[Key]) -> Result<Vec<Option<Number>>, Arc<dyn std::error::Error + Send + Sync>> {
        self.loads.fetch_add(1, Ordering::Relaxed);
        let read: Vec<u64> = keys
            .iter()
            .map(|key| self.values[number_of(key)].load(Ordering::SeqCst))
            .collect();
        // The window of the race: the value was read, and has not arrived yet.
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
        Ok(read.into_iter().map(|value| Some(Number(value))).collect())
    }
}

const ROUNDS: u64 = 5_000;
const KEYS: u8 = 4;

async fn stale_answers(check_stamps: StampCheck) -> u64 {
    let store = Arc::new(SlowStore {
        values: (0..KEYS).map(|_| AtomicU64::new(0)).collect(),
        loads: AtomicU64::new(0),
    });
    let config = CacheConfig {
        capacity_bytes: 1 << 20,
        ttl: Duration::from_secs(60),
        batch_keys_max: 16,
        loads_max: 2,
        waiting_max: 1_000,
        load_timeout: Duration::from_secs(5),
        check_stamps,
    };
    let cache = Arc::new(RecordCache::start(config, Arc::clone(&store), Arc::new(|| 0)));
    let mut stale = 0;
    let mut readers = tokio::task::JoinSet::new();
    let done = Arc::new(AtomicU64::new(0));
    for reader in 0..4_u8 {
        let (cache, done) = (Arc::clone(&cache), Arc::clone(&done));
        readers.spawn(async move {
            let mut n = reader;
            while done.load(Ordering::Relaxed) == 0 {
                n = (n + 1) % KEYS;
                cache.get(&[n]).await.unwrap();
                tokio::task::yield_now().await;
            }
        });
    }
    for round in 1..=ROUNDS {
        let key = u8::try_from(round % u64::from(KEYS)).unwrap();
        // Commit, bump, acknowledge; then the writer reads its own write.
        store.values[usize::from(key)].store(round, Ordering::SeqCst);
        cache.invalidate(&[key]);
        for _ in 0..3 {
            let (slot, _) = cache.get(&[key]).await.unwrap();
            if slot.record.as_ref().unwrap().0 < round {
                stale += 1;
            }
            tokio::task::yield_now().await;
        }
    }
    done.store(1, Ordering::Relaxed);
    while let Some(reader) = readers.join_next().await {
        reader.unwrap();
    }
    stale
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_that_races_a_write_never_answers_stale() {
    assert_eq!(stale_answers(StampCheck::On).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_stamps_the_same_race_answers_stale() {
    assert!(
        stale_answers(StampCheck::Off).await > 0,
        "the test must be able to see the race"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_misses_of_one_key_ask_the_store_once() {
    let store = Arc::new(SlowStore {
        values: (0..KEYS).map(|_| AtomicU64::new(7)).collect(),
        loads: AtomicU64::new(0),
    });
    let config = CacheConfig {
        capacity_bytes: 1 << 20,
        ttl: Duration::from_secs(60),
        batch_keys_max: 16,
        loads_max: 1,
        waiting_max: 10_000,
        load_timeout: Duration::from_secs(5),
        check_stamps: StampCheck::On,
    };
    let cache = Arc::new(RecordCache::start(config, Arc::clone(&store), Arc::new(|| 0)));
    let asking = (0..500).map(|_| {
        let cache = Arc::clone(&cache);
        async move { cache.load(&[1]).await.unwrap().record.as_ref().unwrap().0 }
    });
    let answers = futures_util::future::join_all(asking).await;
    assert!(answers.iter().all(|answer| *answer == 7));
    assert!(
        store.loads.load(Ordering::Relaxed) <= 3,
        "{} loads",
        store.loads.load(Ordering::Relaxed)
    );
}
