//! One task that turns misses into few queries: it takes all that wait, asks each key once, and answers everyone.
//! A caller that goes away costs nothing: its reply channel is closed, and the load still fills the cache.

use std::{collections::HashMap, sync::Arc};

use tokio::{sync::mpsc, sync::oneshot, task::JoinSet};

use super::{CacheConfig, Key, Load, LoadError, Slot, stamps::Stamp, stamps::Stamps};

/// One caller that waits for one key.
pub(super) struct Miss<V> {
    pub(super) key: Key,
    pub(super) reply: oneshot::Sender<Answer<V>>,
}

type Answer<V> = Result<Arc<Slot<V>>, LoadError>;
type Slots<V> = moka::sync::Cache<Key, Arc<Slot<V>>, ahash::RandomState>;
type Waiting<V> = HashMap<Key, Vec<oneshot::Sender<Answer<V>>>, ahash::RandomState>;

pub(super) struct Loader<L: Load> {
    config: CacheConfig,
    load: Arc<L>,
    slots: Slots<L::Record>,
    stamps: Arc<Stamps>,
    now_us: Arc<dyn Fn() -> i64 + Send + Sync>,
    /// Keys that no query carries yet.
    queued: Waiting<L::Record>,
    /// Keys that a query under way carries; who comes later joins and checks the stamp of what he gets.
    loading: Waiting<L::Record>,
    /// Callers in both maps.
    waiting: usize,
}

struct Loaded<V> {
    keys: Vec<(Key, Stamp)>,
    records: Result<Vec<Option<V>>, LoadError>,
}

/// A store that answers fewer keys than asked would turn records into `not_found`.
#[derive(Debug, thiserror::Error)]
#[error("the store answered another number of records than asked")]
struct WrongLength;

impl<L: Load> Loader<L> {
    pub(super) fn new(
        config: CacheConfig,
        load: Arc<L>,
        slots: Slots<L::Record>,
        stamps: Arc<Stamps>,
        now_us: Arc<dyn Fn() -> i64 + Send + Sync>,
    ) -> Self {
        Self {
            config,
            load,
            slots,
            stamps,
            now_us,
            queued: Waiting::default(),
            loading: Waiting::default(),
            waiting: 0,
        }
    }

    /// Runs until the cache is dropped.
    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<Miss<L::Record>>) {
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
                Some(loaded) = queries.join_next() => {
                    if let Ok(loaded) = loaded {
                        self.finish(loaded);
                    }
                }
            }
            while queries.len() < self.config.loads_max && !self.queued.is_empty() {
                self.start(&mut queries);
            }
        }
    }

    fn wait(&mut self, miss: Miss<L::Record>) {
        if self.waiting >= self.config.waiting_max {
            // The caller may have gone away; then nobody is told.
            let _ = miss.reply.send(Err(LoadError::Busy));
            return;
        }
        self.waiting += 1;
        match self.loading.get_mut(&miss.key) {
            Some(waiting) => waiting.push(miss.reply),
            None => self.queued.entry(miss.key).or_default().push(miss.reply),
        }
    }

    fn start(&mut self, queries: &mut JoinSet<Loaded<L::Record>>) {
        let names: Vec<Key> = self.queued.keys().take(self.config.batch_keys_max).cloned().collect();
        // The stamp is read before the store: a write that commits after this point bumps it, and the entry is void.
        let keys: Vec<(Key, Stamp)> = names.iter().map(|key| (key.clone(), self.stamps.read(key))).collect();
        for key in &names {
            if let Some(waiting) = self.queued.remove(key) {
                self.loading.insert(key.clone(), waiting);
            }
        }
        let load = Arc::clone(&self.load);
        let timeout = self.config.load_timeout;
        queries.spawn(async move {
            // On its own task: a load that is given up still runs to its end, since sqlx futures must not be dropped.
            let query = tokio::spawn(async move { load.load(&names).await });
            let records = match tokio::time::timeout(timeout, query).await {
                Ok(Ok(Ok(records))) if records.len() == keys.len() => Ok(records),
                Ok(Ok(Ok(_))) => Err(LoadError::Store(Arc::new(WrongLength))),
                Ok(Ok(Err(error))) => Err(LoadError::Store(error)),
                Ok(Err(error)) => Err(LoadError::Store(Arc::new(error))),
                Err(error) => Err(LoadError::Store(Arc::new(error))),
            };
            Loaded { keys, records }
        });
    }

    fn finish(&mut self, loaded: Loaded<L::Record>) {
        let read_at = (self.now_us)();
        let mut records = match loaded.records {
            Ok(records) => records.into_iter(),
            Err(error) => {
                for (key, _) in loaded.keys {
                    self.answer(&key, &Err(error.clone()));
                }
                return;
            }
        };
        for (key, stamp) in loaded.keys {
            let slot = Arc::new(Slot {
                stamp,
                read_at,
                record: records.next().flatten(),
            });
            self.slots.insert(key.clone(), Arc::clone(&slot));
            self.answer(&key, &Ok(slot));
        }
    }

    fn answer(&mut self, key: &Key, answer: &Answer<L::Record>) {
        let replies = self.loading.remove(key).unwrap_or_default();
        self.waiting -= replies.len();
        for reply in replies {
            // A caller that went away has closed his channel; nothing is owed to him.
            let _ = reply.send(answer.clone());
        }
    }
}
