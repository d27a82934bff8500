//! The append-only, durable, provable log: opaque entries of 1..=65,535 bytes, group commit, tiles, signed checkpoints, proofs.
//! `append` returns only after the entry is on disk, but not yet under a checkpoint: proofs exist for *sealed* entries,
//! at most `seal_interval_ms` later (`wait_sealed`).
//!
//! Reading order: `frame` and `scan` (how bytes lie and what counts as damage), `tree`, `note`; then `journal`, `levels`,
//! `appender`, `sealer`, `recover`; then what leaves the house: `tile`, `receipt`, `verify`.
//! C2SP tlog-tiles, tlog-checkpoint, signed-note and tlog-proof; RFC 6962 hashes. Proofs, checkpoint text and note form come
//! from `tlog_tiles` and `signed_note`; hashing and Ed25519 are ring's (300-byte leaf: sha2 1,741 ns, ring 1,055 ns).
//!
//! The honest limit: whoever holds the signing key can rewrite everything after the last checkpoint held elsewhere.

mod appender;
pub mod entry;
mod frame;
mod journal;
mod levels;
mod note;
mod reading;
pub mod receipt;
mod recover;
mod scan;
mod sealer;
mod shared;
pub mod tile;
mod tree;
pub mod verify;

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

use crossbeam_channel::{Sender, TrySendError};
use tokio::sync::oneshot;

pub use frame::ENTRY_BYTES_MAX;
pub use note::{NoteError, NoteSigner, TreeHead, VerifierKey};
pub use scan::Damage;
pub use tree::{Hash, leaf_hash};

use appender::{Appender, Entries, Job, Message};
use frame::{GROUP_FRAMES_MAX, HEADER};
use sealer::Sealer;
use shared::{Covered, Shared, Waiter};

/// Name of the lock file; it stays empty.
const LOCK: &str = "lock";

/// How a ledger is opened. Holds the signing seed, so it has no `Debug`.
#[derive(Clone)]
pub struct LedgerConfig {
    /// Directory of this ledger alone; created when absent.
    pub dir: PathBuf,
    /// Checkpoint origin and key name, such as `hub-1.heyan.local`: no white space, no plus sign.
    pub origin: String,
    /// Size of a journal segment in bytes, 4 KiB ..= 1 GiB; 16 MiB is a good value.
    pub segment_bytes: u64,
    /// Longest time between checkpoints while entries arrive, in milliseconds, 1..=1000.
    pub seal_interval_ms: u64,
    /// Ed25519 seed that signs checkpoints.
    pub signing_seed: [u8; 32],
    /// Largest group that one sync makes durable, in bytes; a single larger batch still forms a group of its own.
    pub group_bytes_max: usize,
    /// Callers that may wait at once; the next gets `Busy`.
    pub queue_max: usize,
    /// Wall clock in microseconds since 1970, for `Stats::checkpoint_at_us`.
    pub clock: Arc<dyn Fn() -> i64 + Send + Sync>,
}

/// Where an entry went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Index in the log, from 0, without gaps.
    pub index: u64,
    /// RFC 6962 leaf hash of the entry.
    pub leaf: Hash,
}

/// Counters since opening, except `appended`, `durable` and `sealed`, which count the whole log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Entries that have an index.
    pub appended: u64,
    /// Entries that a sync made safe.
    pub durable: u64,
    /// Entries under a published checkpoint.
    pub sealed: u64,
    /// Groups committed.
    pub groups: u64,
    /// Entries in the newest group.
    pub last_group: u64,
    /// When the newest checkpoint was published, microseconds since 1970; 0 before the first.
    pub checkpoint_at_us: i64,
    /// Sum over entries of the time from hand-over to durable, nanoseconds.
    pub append_ns: u64,
    /// Sum of the time spent writing and syncing groups, nanoseconds.
    pub sync_ns: u64,
    /// Calls refused because the queue was full.
    pub busy: u64,
}

/// Why the ledger did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// A setting is out of range.
    #[error("ledger setting out of range: {0}")]
    Config(&'static str),
    /// Another process has the directory open.
    #[error("the ledger directory is in use by another process")]
    Locked,
    /// `key.pub` belongs to another key or origin.
    #[error("the ledger was written under another key or origin")]
    KeyMismatch,
    /// What the checkpoint covers is not there unharmed.
    #[error(transparent)]
    Damaged(#[from] Damage),
    /// A write or sync failed: this ledger takes nothing any more until it is opened again.
    #[error("the ledger has failed and takes no more entries")]
    Failed,
    /// Closed, or closing.
    #[error("the ledger is closed")]
    Closed,
    /// The queue is full; try later.
    #[error("the ledger queue is full")]
    Busy,
    /// An entry is empty or longer than 65,535 bytes, or a batch is empty.
    #[error("an entry must have 1 to 65535 bytes, a batch at least one entry")]
    EntrySize,
    /// A batch does not fit into one segment or exceeds 65,536 entries.
    #[error("the batch does not fit into one group")]
    BatchSize,
    /// No such entry, tile or proof under the current checkpoint.
    #[error("not in the ledger, or not yet under a checkpoint")]
    NotFound,
    /// `wait_sealed` ran out of time.
    #[error("no checkpoint covers the entry yet")]
    NotSealed,
    /// The origin or the key cannot be used.
    #[error("checkpoint: {0}")]
    Note(#[from] NoteError),
    /// The operating system refused.
    #[error("ledger: cannot {what}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// Its cause.
        #[source]
        source: io::Error,
    },
}

impl LedgerError {
    fn io(what: &'static str) -> impl Fn(io::Error) -> Self + Copy {
        move |source| Self::Io { what, source }
    }
}

/// An open ledger. Cheap to share behind an `Arc`; dropping it closes it.
pub struct Ledger {
    dir: PathBuf,
    origin: String,
    vkey: String,
    batch_bytes_max: u64,
    shared: Arc<Shared>,
    queue: Sender<Message>,
    closing: AtomicBool,
    threads: Mutex<Option<Threads>>,
    _lock: File,
}

struct Threads {
    appender: JoinHandle<()>,
    sealer: JoinHandle<()>,
}

impl Ledger {
    /// Opens or creates the ledger in `config.dir`, repairs a torn tail and seals what was durable.
    ///
    /// # Errors
    /// `Locked`, `KeyMismatch`, `Damaged` when what the checkpoint covers is not whole, `Config`, `Note`, `Io`.
    pub fn open(config: LedgerConfig) -> Result<Self, LedgerError> {
        config.check()?;
        let io = LedgerError::io("create the directory");
        fs::create_dir_all(config.dir.join(journal::DIRECTORY)).map_err(io)?;
        fs::create_dir_all(config.dir.join(levels::DIRECTORY)).map_err(io)?;
        journal::sync_dir(&config.dir).map_err(io)?;
        let lock = lock(&config)?;
        let signer = NoteSigner::from_seed(&config.origin, &config.signing_seed)?;
        let vkey = signer.verifier().encode();
        let found = recover::recover(&config, &signer)?;
        let bundles_written = usize::try_from(found.sealed.head.size.div_ceil(tree::TILE)).unwrap_or(usize::MAX);
        let shared = Arc::new(Shared::new(found.sealed, found.positions, found.segments, found.tail));
        let mut sealer = Sealer {
            shared: Arc::clone(&shared),
            directory: config.dir.clone(),
            levels: found.levels,
            bundles: found.bundles,
            bundles_written,
            signer,
            clock: config.clock,
            interval: Duration::from_millis(config.seal_interval_ms),
            segment_bytes: config.segment_bytes,
        };
        sealer.seal().map_err(LedgerError::io("seal the recovered tail"))?;
        let (queue, waiting) = crossbeam_channel::bounded(config.queue_max);
        let appender = Appender {
            shared: Arc::clone(&shared),
            queue: waiting,
            writer: found.writer,
            next_index: found.next_index,
            group_bytes_max: config.group_bytes_max,
        };
        let io = LedgerError::io("start a thread");
        let appender = named("ledger-appender").spawn(move || appender.run()).map_err(io)?;
        let sealer = named("ledger-sealer").spawn(move || sealer.run()).map_err(io)?;
        Ok(Self {
            dir: config.dir,
            origin: config.origin,
            vkey,
            batch_bytes_max: config.segment_bytes,
            shared,
            queue,
            closing: AtomicBool::new(false),
            threads: Mutex::new(Some(Threads { appender, sealer })),
            _lock: lock,
        })
    }

    /// Appends one entry; returns once it is on disk.
    ///
    /// # Errors
    /// `EntrySize`, `Busy`, `Closed`, `Failed`. After `Failed` nobody knows whether the entry is on disk.
    /// Dropping the future does not take the entry back.
    pub async fn append(&self, entry: Vec<u8>) -> Result<Appended, LedgerError> {
        let leaf = hash_checked(&entry)?;
        let index = self
            .submit(Entries::One([(entry, leaf)]))?
            .await
            .map_err(|_| self.gone())??;
        Ok(Appended { index, leaf })
    }

    /// Appends several entries as one group: neighbours in the log, durable together, answered together.
    ///
    /// # Errors
    /// As `append`, and `BatchSize`.
    pub async fn append_many(&self, entries: Vec<Vec<u8>>) -> Result<Vec<Appended>, LedgerError> {
        let hashed: Result<Vec<_>, _> = entries
            .into_iter()
            .map(|e| hash_checked(&e).map(|leaf| (e, leaf)))
            .collect();
        let hashed = hashed?;
        let leaves: Vec<Hash> = hashed.iter().map(|(_, leaf)| *leaf).collect();
        let first = self.submit(Entries::Many(hashed))?.await.map_err(|_| self.gone())??;
        Ok((first..)
            .zip(leaves)
            .map(|(index, leaf)| Appended { index, leaf })
            .collect())
    }

    /// `append` for threads that may block.
    pub fn append_blocking(&self, entry: Vec<u8>) -> Result<Appended, LedgerError> {
        block_on(self.append(entry))
    }

    /// `append_many` for threads that may block.
    pub fn append_many_blocking(&self, entries: Vec<Vec<u8>>) -> Result<Vec<Appended>, LedgerError> {
        block_on(self.append_many(entries))
    }

    /// Waits until a published checkpoint covers `index`.
    ///
    /// # Errors
    /// `NotSealed` after `timeout`, `Failed`, `Closed`.
    pub async fn wait_sealed(&self, index: u64, timeout: Duration) -> Result<(), LedgerError> {
        if index < self.shared.counters.sealed.load(Ordering::Acquire) {
            return Ok(());
        }
        let (done, answer) = oneshot::channel();
        let now = Instant::now();
        let deadline = now.checked_add(timeout).unwrap_or(now + Duration::from_hours(1));
        self.shared.waiters().push(Waiter { index, deadline, done });
        // Asked again behind the push: the sealer may have ended in between and would then never answer.
        if self.shared.failed.load(Ordering::Acquire) || self.shared.closed.load(Ordering::Acquire) {
            self.shared.waiters().clear();
        }
        if let Some(threads) = self.threads.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            threads.sealer.thread().unpark();
        }
        match answer.await {
            Ok(Covered::Yes) => Ok(()),
            Ok(Covered::NotYet) => Err(LedgerError::NotSealed),
            Err(_) if index < self.shared.counters.sealed.load(Ordering::Acquire) => Ok(()),
            Err(_) => Err(self.gone()),
        }
    }

    /// Counters; never blocks.
    pub fn stats(&self) -> Stats {
        let c = &self.shared.counters;
        // Read in the order sealed, durable, appended, so that the invariant holds in what is returned.
        let (sealed, durable) = (c.sealed.load(Ordering::Acquire), c.durable.load(Ordering::Acquire));
        Stats {
            appended: c.appended.load(Ordering::Acquire),
            durable,
            sealed,
            groups: c.groups.load(Ordering::Relaxed),
            last_group: c.last_group.load(Ordering::Relaxed),
            checkpoint_at_us: c.checkpoint_at_us.load(Ordering::Acquire),
            append_ns: c.append_ns.load(Ordering::Relaxed),
            sync_ns: c.sync_ns.load(Ordering::Relaxed),
            busy: c.busy.load(Ordering::Relaxed),
        }
    }

    /// Why the ledger failed, in the operating system's words; `None` while it works. For health checks.
    pub fn failure(&self) -> Option<String> {
        self.shared.failure()
    }

    /// Takes nothing more, finishes what waits, seals everything, ends both threads. Calling it again does nothing.
    ///
    /// # Errors
    /// `Failed` when not everything could be sealed.
    pub fn close(&self) -> Result<(), LedgerError> {
        self.closing.store(true, Ordering::Release);
        let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Threads { appender, sealer }) = threads {
            let _ = self.queue.send(Message::Stop);
            let appended = appender.join();
            self.shared.closed.store(true, Ordering::Release);
            sealer.thread().unpark();
            if appended.is_err() || sealer.join().is_err() {
                return Err(LedgerError::Failed);
            }
        }
        if self.shared.failed.load(Ordering::Acquire) {
            Err(LedgerError::Failed)
        } else {
            Ok(())
        }
    }

    fn submit(&self, entries: Entries) -> Result<oneshot::Receiver<Result<u64, LedgerError>>, LedgerError> {
        if self.shared.failed.load(Ordering::Acquire) || self.closing.load(Ordering::Acquire) {
            return Err(self.gone());
        }
        let count = entries.as_slice().len();
        if count == 0 {
            return Err(LedgerError::EntrySize);
        }
        if count > GROUP_FRAMES_MAX || entries.framed_bytes() as u64 > self.batch_bytes_max {
            return Err(LedgerError::BatchSize);
        }
        let (done, answer) = oneshot::channel();
        match self.queue.try_send(Message::Append(Job {
            entries,
            done,
            queued: Instant::now(),
        })) {
            Ok(()) => Ok(answer),
            Err(TrySendError::Full(_)) => {
                self.shared.counters.busy.fetch_add(1, Ordering::Relaxed);
                Err(LedgerError::Busy)
            }
            Err(TrySendError::Disconnected(_)) => Err(self.gone()),
        }
    }

    /// Why nobody answers any more.
    fn gone(&self) -> LedgerError {
        let failed = self.shared.failed.load(Ordering::Acquire);
        if failed || !self.closing.load(Ordering::Acquire) {
            LedgerError::Failed
        } else {
            LedgerError::Closed
        }
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        let _ = self.close();
    }
}

impl LedgerConfig {
    fn check(&self) -> Result<(), LedgerError> {
        let frame_max = (HEADER + 1) as u64;
        let checks = [
            (
                (4_096..=1 << 30).contains(&self.segment_bytes) && self.segment_bytes > frame_max,
                "segment_bytes",
            ),
            ((1..=1_000).contains(&self.seal_interval_ms), "seal_interval_ms"),
            (
                self.group_bytes_max >= HEADER && self.group_bytes_max as u64 <= self.segment_bytes,
                "group_bytes_max",
            ),
            ((1..=1 << 20).contains(&self.queue_max), "queue_max"),
        ];
        match checks.iter().find(|(holds, _)| !holds) {
            Some((_, name)) => Err(LedgerError::Config(name)),
            None => Ok(()),
        }
    }
}

fn hash_checked(entry: &[u8]) -> Result<Hash, LedgerError> {
    // In the caller's thread: many callers hash at once, and the appender is the one thread that everybody waits for.
    if (1..=ENTRY_BYTES_MAX).contains(&entry.len()) {
        Ok(leaf_hash(entry))
    } else {
        Err(LedgerError::EntrySize)
    }
}

fn lock(config: &LedgerConfig) -> Result<File, LedgerError> {
    let io = LedgerError::io("lock the directory");
    let path = config.dir.join(LOCK);
    let file = File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(io)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(LedgerError::Locked),
        Err(TryLockError::Error(source)) => Err(io(source)),
    }
}

fn named(name: &str) -> thread::Builder {
    thread::Builder::new().name(name.to_owned())
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs a future on this thread. `oneshot::blocking_recv` would panic inside a runtime; this only blocks its thread.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}

#[cfg(test)]
mod tests;
