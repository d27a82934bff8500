//! The append-only, durable, provable log: opaque entries of 1..=65,535 bytes, group commit, tiles, signed checkpoints, proofs.
//! `append` returns only after the entry is on disk, but not yet under a checkpoint: proofs exist for *sealed* entries,
//! at most `seal_interval_ms` later (`wait_sealed`).
//!
//! Reading order: `tree`, `note`; `disk` (how bytes lie and what counts as damage); `append` (from a caller to a signed
//! checkpoint); `entry` (what an entry says); then what leaves the house: `tile`, `receipt`, `verify`.
//! C2SP tlog-tiles, tlog-checkpoint, signed-note and tlog-proof; RFC 6962 hashes. Proofs, checkpoint text and note form come
//! from `tlog_tiles` and `signed_note`; hashing and Ed25519 are ring's (300-byte leaf: sha2 1,741 ns, ring 1,055 ns).
//!
//! Its limit: a holder of the signing key can rewrite everything after the last checkpoint that is kept elsewhere.

#![cfg_attr(
    test,
    allow(
        clippy::string_slice,
        clippy::disallowed_methods,
        reason = "a test stops at the first surprise"
    )
)]

mod append;
pub mod copy;
mod disk;
pub mod entry;
pub mod index;
mod note;
mod reading;
pub mod receipt;
pub mod tile;
mod tree;
mod types;
pub mod verify;
pub mod witness;

use std::fs::{self, File, TryLockError};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

pub use append::condition::LedgerCondition;
pub use append::lane::AppendLane;
pub use disk::scan::LogDamage;
pub use entry::{answered, named};
pub use note::{CosignatureRule, NoteError, NoteSigner, TreeHead, VerifierKey};
pub use tree::{TreeHash, leaf_hash};
pub use types::{AppendedEntry, LedgerConfig, LedgerError, LedgerStats};

use append::{
    appender::Appender,
    condition,
    intake::{AppendAnswer, AppendJob, EntryIntake, JobEntries, QueueMessage, hash_checked},
    recover,
    sealer::Sealer,
    shared::{self, CheckpointWaiter, CoverAnswer, SharedLedger},
};
use disk::{frame::GROUP_FRAMES_MAX, journal, levels, sync_dir};

/// Replaces a small file, so that a crash leaves the old content or the new.
///
/// # Errors
/// I/O.
pub fn write_small_file(directory: &std::path::Path, name: &str, content: &[u8]) -> std::io::Result<()> {
    disk::write_atomically(directory, name, content)
}

/// Name of the lock file; it stays empty.
const LOCK: &str = "lock";

/// An open ledger. Cheap to share behind an `Arc`; dropping it closes it.
pub struct Ledger {
    dir: PathBuf,
    origin: String,
    vkey: String,
    shared: Arc<SharedLedger>,
    intake: Arc<EntryIntake>,
    threads: Mutex<Option<LedgerThreads>>,
    _lock: File,
}

struct LedgerThreads {
    appender: JoinHandle<()>,
    sealer: JoinHandle<()>,
    watch: JoinHandle<()>,
}

fn start_threads(shared: &Arc<SharedLedger>, appender: Appender, sealer: Sealer) -> Result<LedgerThreads, LedgerError> {
    let io = LedgerError::io("start a thread");
    let lanes = shared::LanesClosed(Arc::clone(shared));
    let run = move || {
        // Dropped after the appender and its queue, however it ends.
        let _lanes = lanes;
        appender.run();
    };
    let watched = Arc::clone(shared);
    Ok(LedgerThreads {
        appender: named("ledger-appender").spawn(run).map_err(io)?,
        sealer: named("ledger-sealer").spawn(move || sealer.run()).map_err(io)?,
        watch: named("ledger-watch")
            .spawn(move || condition::watch(&watched))
            .map_err(io)?,
    })
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
        sync_dir(&config.dir).map_err(io)?;
        let lock = lock(&config)?;
        let signer = NoteSigner::from_seed(&config.origin, &config.signing_seed)?;
        let vkey = signer.verifier().encode();
        let found = recover::recover(&config, &signer)?;
        let bundles_written = usize::try_from(found.sealed.head.size.div_ceil(tree::TILE)).unwrap_or(usize::MAX);
        let shared = Arc::new(SharedLedger::new(
            found.sealed,
            found.positions,
            found.segments,
            found.tail,
        ));
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
        sealer
            .seal()
            .map_err(|fault| LedgerError::io("seal the recovered tail")(fault.into()))?;
        let (queue, waiting) = crossbeam_channel::bounded(config.queue_max);
        let appender = Appender {
            shared: Arc::clone(&shared),
            queue: waiting,
            writer: found.writer,
            next_index: found.next_index,
            group_bytes_max: config.group_bytes_max,
            lanes: Vec::new(),
            again_at: None,
        };
        let threads = start_threads(&shared, appender, sealer)?;
        Ok(Self {
            dir: config.dir,
            origin: config.origin,
            vkey,
            intake: Arc::new(EntryIntake {
                shared: Arc::clone(&shared),
                queue,
                closing: AtomicBool::new(false),
                queue_max: config.queue_max,
                group_bytes_max: config.group_bytes_max,
                segment_bytes: usize::try_from(config.segment_bytes).unwrap_or(usize::MAX),
            }),
            shared,
            threads: Mutex::new(Some(threads)),
            _lock: lock,
        })
    }

    /// Appends one entry; returns once it is on disk.
    ///
    /// # Errors
    /// `EntrySize`, `Busy`, `Closed`, `Failed`. After `Failed` it is unknown whether the entry is on disk.
    /// Dropping the future does not take the entry back.
    pub async fn append(&self, entry: Vec<u8>) -> Result<AppendedEntry, LedgerError> {
        let leaf = hash_checked(&entry)?;
        let index = self.submitted(JobEntries::One([(entry, leaf)])).await?;
        Ok(AppendedEntry { index, leaf })
    }

    /// A way in for one thread of tasks: what waits there is answered a group at a time.
    pub fn lane(&self) -> AppendLane {
        let (number, mailbox) = self.shared.add_lane();
        AppendLane::new(number, mailbox, Arc::clone(&self.intake))
    }

    /// Appends several entries as one group: neighbours in the log, durable together, answered together.
    ///
    /// # Errors
    /// As `append`, and `BatchSize`.
    pub async fn append_many(&self, entries: Vec<Vec<u8>>) -> Result<Vec<AppendedEntry>, LedgerError> {
        let (entries, leaves) = hash_all(entries)?;
        let first = self.submitted(JobEntries::Many(entries)).await?;
        Ok(placed(first, leaves))
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
        self.shared.waiters().push(CheckpointWaiter { index, deadline, done });
        // Asked again behind the push: the sealer may have ended in between and would then never answer.
        if self.shared.failed() || self.shared.closed.load(Ordering::Acquire) {
            self.shared.waiters().clear();
        }
        if let Some(threads) = self.threads.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            threads.sealer.thread().unpark();
        }
        match answer.await {
            Ok(CoverAnswer::Yes) => Ok(()),
            Ok(CoverAnswer::NotYet) => Err(LedgerError::NotSealed),
            Err(_) if index < self.shared.counters.sealed.load(Ordering::Acquire) => Ok(()),
            Err(_) => Err(self.intake.gone()),
        }
    }

    /// Counters; never blocks.
    pub fn stats(&self) -> LedgerStats {
        let c = &self.shared.counters;
        // Read in the order sealed, durable, appended, so that the invariant holds in what is returned.
        let (sealed, durable) = (c.sealed.load(Ordering::Acquire), c.durable.load(Ordering::Acquire));
        LedgerStats {
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

    /// Whether entries are accepted; one atomic load.
    pub fn condition(&self) -> LedgerCondition {
        self.shared.condition()
    }

    /// Returns an error if no entry would be accepted now; one atomic load.
    ///
    /// # Errors
    /// `Stalled`, `Blocked`, `Failed`, `Closed`.
    pub fn ensure_accepting(&self) -> Result<(), LedgerError> {
        self.intake.open()
    }

    /// How long the oldest entry has waited for the disk; zero when none waits.
    pub fn oldest_wait(&self) -> Duration {
        self.shared.oldest_wait()
    }

    /// Why the ledger accepts nothing, in the operating system's words; `None` while it works. For health checks.
    pub fn failure(&self) -> Option<String> {
        self.shared.failure()
    }

    /// Why no checkpoint is published, in the operating system's words; entries are accepted all the same.
    pub fn sealing_failure(&self) -> Option<String> {
        self.shared.sealing_failure()
    }

    /// Whether a thread of the ledger ended although the ledger is open: nothing is appended or sealed any more.
    pub fn has_lost_a_thread(&self) -> bool {
        let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        threads.as_ref().is_some_and(|threads| {
            [&threads.appender, &threads.sealer, &threads.watch]
                .iter()
                .any(|thread| thread.is_finished())
        })
    }

    /// Takes nothing more, finishes what waits, seals everything, ends both threads. Calling it again does nothing.
    ///
    /// # Errors
    /// `Failed` when not everything could be sealed.
    pub fn close(&self) -> Result<(), LedgerError> {
        self.intake.closing.store(true, Ordering::Release);
        let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(LedgerThreads {
            appender,
            sealer,
            watch,
        }) = threads
        {
            let _ = self.intake.queue.send(QueueMessage::Stop);
            let appended = appender.join();
            self.shared.closed.store(true, Ordering::Release);
            sealer.thread().unpark();
            watch.thread().unpark();
            if appended.is_err() || sealer.join().is_err() || watch.join().is_err() {
                return Err(LedgerError::Failed);
            }
        }
        if self.shared.failed() {
            Err(LedgerError::Failed)
        } else {
            Ok(())
        }
    }

    /// Index of the first of `entries`, once they are on disk.
    async fn submitted(&self, entries: JobEntries) -> Result<u64, LedgerError> {
        // Made before the entries are handed over, so that no give-up is missed.
        let given_up = self.shared.given_up.notified();
        let answer = self.submit(entries)?;
        tokio::select! {
            biased;
            answer = answer => answer.map_err(|_| self.intake.gone())?,
            () = given_up => Err(LedgerError::Stalled),
        }
    }

    fn submit(&self, entries: JobEntries) -> Result<oneshot::Receiver<AppendAnswer>, LedgerError> {
        let (done, answer) = oneshot::channel();
        self.intake.open()?;
        let count = entries.as_slice().len();
        if count == 0 {
            return Err(LedgerError::EntrySize);
        }
        if count > GROUP_FRAMES_MAX || entries.framed_bytes() > self.intake.segment_bytes {
            return Err(LedgerError::BatchSize);
        }
        let queued = Instant::now();
        let sent = self
            .intake
            .queue
            .try_send(QueueMessage::Append(AppendJob { entries, done, queued }));
        sent.map(|()| answer).map_err(|refused| self.intake.refusal(&refused))
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        let _ = self.close();
    }
}

fn lock(config: &LedgerConfig) -> Result<File, LedgerError> {
    let io = LedgerError::io("lock the directory");
    let path = config.dir.join(LOCK);
    let file = disk::private().truncate(false).open(path).map_err(io)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(LedgerError::Locked),
        Err(TryLockError::Error(source)) => Err(io(source)),
    }
}

fn named(name: &str) -> thread::Builder {
    thread::Builder::new().name(name.to_owned())
}

/// Entries with their leaf hashes, and the hashes again for the answer.
type HashedEntries = (Vec<(Vec<u8>, TreeHash)>, Vec<TreeHash>);

fn hash_all(entries: Vec<Vec<u8>>) -> Result<HashedEntries, LedgerError> {
    let hashed: Vec<_> = entries
        .into_iter()
        .map(|e| hash_checked(&e).map(|leaf| (e, leaf)))
        .collect::<Result<_, _>>()?;
    let leaves = hashed.iter().map(|(_, leaf)| *leaf).collect();
    Ok((hashed, leaves))
}

fn placed(first: u64, leaves: Vec<TreeHash>) -> Vec<AppendedEntry> {
    (first..)
        .zip(leaves)
        .map(|(index, leaf)| AppendedEntry { index, leaf })
        .collect()
}

#[cfg(test)]
mod tests;
