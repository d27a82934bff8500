//! One task that turns misses into few queries: it takes all that wait, asks each key once, and answers everyone.
//! A caller that goes away costs nothing: its reply channel is closed, and the load still fills the cache.

use std::{collections::HashMap, sync::Arc};

use tokio::{sync::mpsc, sync::oneshot, task::JoinSet};

use super::{
    CacheConfig, CacheKey, CachePolicy, CacheSlot, LoadError, LoadedKey, RecordLoader, WantedKey,
    stamps::GenerationStamps, stamps::LoadStamp,
};

/// One caller that waits for some keys.
pub(super) struct CacheMiss<V> {
    pub(super) wants: Vec<WantedKey>,
    /// Hears all answers at once, in the order of `wants`.
    pub(super) reply: oneshot::Sender<Vec<LoadAnswer<V>>>,
}

/// The answers of one caller, until the last is there.
struct AnswerGathering<V> {
    answers: Vec<LoadAnswer<V>>,
    missing: usize,
    reply: oneshot::Sender<Vec<LoadAnswer<V>>>,
}

/// A caller, by number, and the place of a key among those that he waits for.
type KeyWaiter = (u64, usize);

type LoadAnswer<V> = Result<Arc<CacheSlot<V>>, LoadError>;
type AnswerSlots<V> = moka::sync::Cache<CacheKey, Arc<CacheSlot<V>>, ahash::RandomState>;
type WaitingKeys = HashMap<CacheKey, KeyWaiters, ahash::RandomState>;

/// Who waits for one key.
struct KeyWaiters {
    /// What the one who wants most wants.
    oldest_us: i64,
    /// The call of the first of them.
    trace: Option<Arc<str>>,
    callers: Vec<KeyWaiter>,
}

pub(super) struct MissLoader<L: RecordLoader + ?Sized> {
    config: CacheConfig,
    load: Arc<L>,
    slots: AnswerSlots<L::Record>,
    stamps: Arc<GenerationStamps>,
    now_us: Arc<dyn Fn() -> i64 + Send + Sync>,
    /// Keys that no query carries yet.
    queued: WaitingKeys,
    /// Keys that a query under way carries; who comes later joins and checks the stamp of what he gets.
    loading: WaitingKeys,
    /// Keys that callers wait for, in both maps.
    waiting: usize,
    /// Callers by number.
    callers: HashMap<u64, AnswerGathering<L::Record>, ahash::RandomState>,
    next_caller: u64,
}

/// What a query brought.
struct QueryResult<V> {
    keys: Vec<(CacheKey, LoadStamp)>,
    found: Result<Vec<Result<LoadedKey<V>, LoadError>>, LoadError>,
}

/// A store that answers fewer keys than asked would turn records into `not_found`.
#[derive(Debug, thiserror::Error)]
#[error("the store returned another number of records than requested")]
struct WrongLength;

impl<L: RecordLoader + ?Sized> MissLoader<L> {
    pub(super) fn new(
        config: CacheConfig,
        load: Arc<L>,
        slots: AnswerSlots<L::Record>,
        stamps: Arc<GenerationStamps>,
        now_us: Arc<dyn Fn() -> i64 + Send + Sync>,
    ) -> Self {
        Self {
            config,
            load,
            slots,
            stamps,
            now_us,
            queued: WaitingKeys::default(),
            loading: WaitingKeys::default(),
            waiting: 0,
            callers: HashMap::default(),
            next_caller: 0,
        }
    }

    /// Runs until the cache is dropped.
    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<CacheMiss<L::Record>>) {
        let mut queries = JoinSet::new();
        loop {
            tokio::select! {
                miss = queue.recv() => {
                    let Some(miss) = miss else { return };
                    self.wait(miss);
                    while let Ok(miss) = queue.try_recv() {
                        self.wait(miss);
                    }
                }
                Some(brought) = queries.join_next() => {
                    if let Ok(brought) = brought {
                        self.finish(brought);
                    }
                }
            }
            while queries.len() < self.config.loads_max && !self.queued.is_empty() {
                self.start(&mut queries);
            }
        }
    }

    fn wait(&mut self, miss: CacheMiss<L::Record>) {
        let CacheMiss { wants, reply } = miss;
        let answers: Vec<_> = wants.iter().map(|_| Err(LoadError::Busy)).collect();
        if self.waiting + wants.len() > self.config.waiting_max {
            // The caller may have gone away; then the answer is dropped.
            let _ = reply.send(answers);
            return;
        }
        self.waiting += wants.len();
        let caller = self.next_caller;
        self.next_caller += 1;
        let gathering = AnswerGathering {
            missing: wants.len(),
            answers,
            reply,
        };
        self.callers.insert(caller, gathering);
        for (place, want) in wants.into_iter().enumerate() {
            match self.loading.get_mut(&want.key) {
                Some(waiters) => waiters.callers.push((caller, place)),
                None => {
                    let waiters = self.queued.entry(want.key).or_insert_with(|| KeyWaiters {
                        oldest_us: i64::MIN,
                        trace: want.trace,
                        callers: Vec::new(),
                    });
                    waiters.oldest_us = waiters.oldest_us.max(want.oldest_us);
                    waiters.callers.push((caller, place));
                }
            }
        }
    }

    fn start(&mut self, queries: &mut JoinSet<QueryResult<L::Record>>) {
        let names: Vec<CacheKey> = self.queued.keys().take(self.config.batch_keys_max).cloned().collect();
        // The stamp is read before the store: a write that commits after this point bumps it, and the entry is void.
        let keys: Vec<(CacheKey, LoadStamp)> = names.iter().map(|key| (key.clone(), self.stamps.read(key))).collect();
        let mut wants = Vec::with_capacity(names.len());
        for key in names {
            if let Some(waiters) = self.queued.remove(&key) {
                wants.push(WantedKey {
                    key: key.clone(),
                    oldest_us: waiters.oldest_us,
                    trace: waiters.trace.clone(),
                });
                self.loading.insert(key, waiters);
            }
        }
        let load = Arc::clone(&self.load);
        let timeout = self.config.load_timeout;
        let now_us = (self.now_us)();
        queries.spawn(async move {
            // On its own task: a load that is given up still runs to its end, since sqlx futures must not be dropped.
            let query = tokio::spawn(async move { load.load(&wants, now_us).await });
            let found = match tokio::time::timeout(timeout, query).await {
                Ok(Ok(found)) if found.len() == keys.len() => Ok(found),
                Ok(Ok(_)) => Err(LoadError::Store(Arc::new(WrongLength))),
                Ok(Err(error)) => Err(LoadError::Store(Arc::new(error))),
                Err(error) => Err(LoadError::Store(Arc::new(error))),
            };
            QueryResult { keys, found }
        });
    }

    fn finish(&mut self, brought: QueryResult<L::Record>) {
        let mut found = match brought.found {
            Ok(found) => found.into_iter(),
            Err(error) => {
                for (key, _) in brought.keys {
                    self.answer(&key, &Err(error.clone()));
                }
                return;
            }
        };
        for (key, stamp) in brought.keys {
            let answer = match found.next() {
                Some(Ok(loaded)) => Ok(self.keep(&key, stamp, loaded)),
                Some(Err(error)) => Err(error),
                None => Err(LoadError::Store(Arc::new(WrongLength))),
            };
            self.answer(&key, &answer);
        }
    }

    fn keep(&self, key: &CacheKey, stamp: LoadStamp, loaded: LoadedKey<L::Record>) -> Arc<CacheSlot<L::Record>> {
        let slot = Arc::new(CacheSlot {
            stamp,
            read_at: loaded.read_at,
            keep: loaded.keep,
            record: loaded.record,
        });
        if loaded.keep != CachePolicy::Stale {
            self.slots.insert(key.clone(), Arc::clone(&slot));
        }
        slot
    }

    fn answer(&mut self, key: &CacheKey, answer: &LoadAnswer<L::Record>) {
        let waiters = self.loading.remove(key);
        for (caller, place) in waiters.map(|waiters| waiters.callers).unwrap_or_default() {
            self.waiting -= 1;
            let Some(gathering) = self.callers.get_mut(&caller) else {
                continue;
            };
            if let Some(told) = gathering.answers.get_mut(place) {
                *told = answer.clone();
            }
            gathering.missing -= 1;
            if gathering.missing == 0
                && let Some(AnswerGathering { answers, reply, .. }) = self.callers.remove(&caller)
            {
                // A caller that went away has closed his channel; nothing is owed to him.
                let _ = reply.send(answers);
            }
        }
    }
}
