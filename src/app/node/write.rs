//! The one way to write: commit, then tell memory, then append to the ledger, then wake the workers.

use std::{
    sync::PoisonError,
    time::{Duration, Instant},
};

use heyan_ledger::{Appended, Lane, LedgerError};
use heyan_ports::commit::Commit;

use super::hub::Hub;
use crate::{foundation::error::AppError, licences};

/// Between two attempts at a full ledger queue.
const QUEUE_WAIT: Duration = Duration::from_millis(2);

/// Outbox rows that are deleted at once.
const FORGET_MAX: usize = 2_000;

/// How a task's entries come into the ledger.
pub trait LedgerAppender {
    /// Appends one entry; what returns is on disk.
    ///
    /// # Errors
    /// The ledger takes no entry, so no answer may leave.
    fn append(&self, hub: &Hub, entry: Vec<u8>) -> impl Future<Output = Result<Appended, AppError>>;
}

impl LedgerAppender for Lane {
    fn append(&self, hub: &Hub, entry: Vec<u8>) -> impl Future<Output = Result<Appended, AppError>> {
        hub.append_on(self, entry)
    }
}

/// The way in for a task that is bound to no thread.
pub struct QueueAppender;

impl LedgerAppender for QueueAppender {
    fn append(&self, hub: &Hub, entry: Vec<u8>) -> impl Future<Output = Result<Appended, AppError>> {
        hub.append(entry)
    }
}

/// What was committed and still has to be entered in the ledger.
pub struct Committed {
    pub(crate) ids: Vec<i64>,
    pub(crate) entries: Vec<Vec<u8>>,
}

impl Hub {
    /// Appends one entry; what returns is on disk.
    ///
    /// # Errors
    /// The ledger takes no entry, so no answer may leave.
    pub async fn append(&self, entry: Vec<u8>) -> Result<Appended, AppError> {
        let queued = Instant::now();
        let appended = self.ledger.append(entry).await;
        self.node.metrics.ledger_append_seconds.observe(queued.elapsed());
        Ok(appended?)
    }

    /// Appends one entry by a worker's own way in; what returns is on disk.
    ///
    /// # Errors
    /// The ledger takes no entry, so no answer may leave.
    pub async fn append_on(&self, lane: &Lane, entry: Vec<u8>) -> Result<Appended, AppError> {
        let queued = Instant::now();
        let appended = lane.append(&entry, queued).await;
        self.node.metrics.ledger_append_seconds.observe(queued.elapsed());
        Ok(appended?)
    }

    /// Commits; the entries have then still to be entered.
    ///
    /// # Errors
    /// The store refuses or cannot be asked.
    pub async fn commit(&self, mut commit: Commit) -> Result<Committed, AppError> {
        commit.record_keys = licences::keys_of(self, &commit.records);
        let ids = self.store.commit(&commit).await?;
        Ok(Committed {
            ids,
            entries: commit.ledger_entries,
        })
    }

    /// Enters what was committed, in order. The outbox forgets it a little later: a crash in between enters it twice, never
    /// not at all.
    ///
    /// # Errors
    /// The ledger has failed; the outbox keeps the entries for the next start.
    pub async fn enter(&self, committed: Committed) -> Result<Vec<Appended>, AppError> {
        let mut appended = Vec::with_capacity(committed.entries.len());
        for together in neighbours(committed.entries) {
            appended.extend(self.append_surely(together).await?);
        }
        let mut done = self.node.done_entries.lock().unwrap_or_else(PoisonError::into_inner);
        done.extend(committed.ids);
        Ok(appended)
    }

    /// Forgets in the outbox what was entered since the last call.
    ///
    /// # Errors
    /// The store could not be asked: the next call forgets them.
    pub async fn forget_entered(&self) -> Result<(), AppError> {
        let done = || self.node.done_entries.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let ids: Vec<_> = done().iter().take(FORGET_MAX).copied().collect();
            if ids.is_empty() {
                return Ok(());
            }
            self.store.forget_entries(&ids).await?;
            // Only now: a call that fails, or that a stop cuts short, leaves them to the next one. New ones come behind them; when they
            // are no longer in front, another call was faster.
            let mut done = done();
            if done.starts_with(&ids) {
                done.drain(..ids.len());
            }
        }
    }

    /// Appends entries whose state is committed already: a full queue is waited for, since the change stands.
    ///
    /// # Errors
    /// The ledger has failed; the outbox keeps the entries for the next start.
    async fn append_surely(&self, entries: Vec<Vec<u8>>) -> Result<Vec<Appended>, AppError> {
        loop {
            match self.ledger.append_many(entries.clone()).await {
                Err(LedgerError::Busy) => tokio::time::sleep(QUEUE_WAIT).await,
                appended => return Ok(appended?),
            }
        }
    }
}

/// Entries of a commit in pieces that the ledger takes at once: each waits for the disk once, and is no longer than one entry may be.
fn neighbours(entries: Vec<Vec<u8>>) -> Vec<Vec<Vec<u8>>> {
    const BYTES_MAX: usize = 32_768;
    const FRAME_BYTES: usize = 128;
    let (mut pieces, mut bytes): (Vec<Vec<Vec<u8>>>, usize) = (Vec::new(), 0);
    for entry in entries {
        let more = entry.len() + FRAME_BYTES;
        match pieces.last_mut().filter(|_| bytes + more <= BYTES_MAX) {
            Some(piece) => piece.push(entry),
            None => {
                pieces.push(vec![entry]);
                bytes = 0;
            }
        }
        bytes += more;
    }
    pieces
}
