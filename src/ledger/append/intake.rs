//! The queue to the appender: what it carries, and whether anything may enter.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crossbeam_channel::{Sender, TrySendError};
use tokio::sync::oneshot;

use super::condition::LedgerCondition;
use super::mailbox::EntryParcel;
use super::shared::SharedLedger;
use crate::LedgerError;
use crate::disk::frame::{ENTRY_BYTES_MAX, HEADER};
use crate::tree::{TreeHash, leaf_hash};

/// What the queue carries.
pub(crate) enum QueueMessage {
    /// Entries of one caller.
    Append(AppendJob),
    /// Entries of many callers of one lane.
    Parcel(EntryParcel),
    /// Nothing comes after this: finish and end.
    Stop,
}

/// Entries of one caller, which become durable together.
pub(crate) struct AppendJob {
    /// Entries with their leaf hashes, made by the caller's thread.
    pub entries: JobEntries,
    /// Hears the index of the first.
    pub done: oneshot::Sender<AppendAnswer>,
    /// When the caller handed it over.
    pub queued: Instant,
}

/// The index of a job's first entry, or why it was not appended.
pub(crate) type AppendAnswer = Result<u64, LedgerError>;

/// One entry without a second allocation, or several.
pub(crate) enum JobEntries {
    /// The common case.
    One([(Vec<u8>, TreeHash); 1]),
    /// A batch.
    Many(Vec<(Vec<u8>, TreeHash)>),
}

impl JobEntries {
    /// The entries in order.
    pub(crate) fn as_slice(&self) -> &[(Vec<u8>, TreeHash)] {
        match self {
            Self::One(one) => one,
            Self::Many(many) => many,
        }
    }

    /// Bytes that they take in the journal.
    pub(crate) fn framed_bytes(&self) -> usize {
        self.as_slice().iter().map(|(entry, _)| HEADER + entry.len()).sum()
    }
}

/// Where entries go in, and whether any may: of the ledger and of its lanes.
pub(crate) struct EntryIntake {
    pub shared: Arc<SharedLedger>,
    pub queue: Sender<QueueMessage>,
    pub closing: AtomicBool,
    /// Callers of one lane that may wait.
    pub queue_max: usize,
    /// Bytes of one parcel in the journal; a single larger entry still travels alone.
    pub group_bytes_max: usize,
    /// Bytes of one caller's entries in the journal.
    pub segment_bytes: usize,
}

impl EntryIntake {
    /// Whether entries are taken.
    pub(crate) fn open(&self) -> Result<(), LedgerError> {
        if self.shared.condition() != LedgerCondition::Accepting || self.closing.load(Ordering::Acquire) {
            return Err(self.gone());
        }
        Ok(())
    }

    /// Why the queue did not take something; a full one is counted.
    pub(crate) fn refusal(&self, refused: &TrySendError<QueueMessage>) -> LedgerError {
        match refused {
            TrySendError::Full(_) => self.busy(),
            TrySendError::Disconnected(_) => self.gone(),
        }
    }

    pub(crate) fn busy(&self) -> LedgerError {
        self.shared.counters.busy.fetch_add(1, Ordering::Relaxed);
        LedgerError::Busy
    }

    /// Why the appender no longer answers.
    pub(crate) fn gone(&self) -> LedgerError {
        match self.shared.condition() {
            LedgerCondition::Failed => LedgerError::Failed,
            LedgerCondition::Blocked => LedgerError::Blocked,
            _ if self.closing.load(Ordering::Acquire) => LedgerError::Closed,
            LedgerCondition::Stalled => LedgerError::Stalled,
            // The appender has ended, or a failed group was answered a moment ago and is written again by now.
            LedgerCondition::Accepting => LedgerError::Failed,
        }
    }
}

/// The leaf hash of an entry.
///
/// # Errors
/// `EntrySize`.
pub(crate) fn hash_checked(entry: &[u8]) -> Result<TreeHash, LedgerError> {
    // In the caller's thread: many callers hash at once, and the appender is the one thread that everybody waits for.
    if (1..=ENTRY_BYTES_MAX).contains(&entry.len()) {
        Ok(leaf_hash(entry))
    } else {
        Err(LedgerError::EntrySize)
    }
}
