//! The types of the ledger's interface: settings, answers, counters and errors.
//! `Failed` is final for an open ledger: after a failed sync it is unknown what is on disk, so nothing is ever retried.
//! `Stalled` and `Blocked` pass by themselves.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::disk::frame::HEADER;
use super::disk::scan::LogDamage;
use super::note::NoteError;
use super::tree::TreeHash;

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
    /// Wall clock in microseconds since 1970, for `LedgerStats::checkpoint_at_us`.
    pub clock: Arc<dyn Fn() -> i64 + Send + Sync>,
}

/// Where an entry went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AppendedEntry {
    /// Index in the log, from 0, without gaps.
    pub index: u64,
    /// RFC 6962 leaf hash of the entry.
    pub leaf: TreeHash,
}

/// Counters since opening, except `appended`, `durable` and `sealed`, which count the whole log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LedgerStats {
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
    Damaged(#[from] LogDamage),
    /// A sync failed: this ledger takes nothing any more until it is opened again.
    #[error("the ledger has failed and takes no more entries")]
    Failed,
    /// A write or sync does not return; whether an entry that waited gets to the disk is not known.
    #[error("the ledger's disk does not answer")]
    Stalled,
    /// A write failed before its sync; it is tried again each second, and what was refused is not in the ledger.
    #[error("the ledger cannot write to its disk")]
    Blocked,
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
    pub(super) fn io(what: &'static str) -> impl Fn(io::Error) -> Self + Copy {
        move |source| Self::Io { what, source }
    }
}

impl LedgerConfig {
    /// Refuses settings that cannot work.
    ///
    /// # Errors
    /// `Config`, naming the setting.
    pub(super) fn check(&self) -> Result<(), LedgerError> {
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
