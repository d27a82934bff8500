//! The one way to write: commit, then update memory, then append to the ledger, then wake the workers.

use std::{
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

use heyan_ledger::{AppendLane, AppendedEntry, LedgerError};
use heyan_ports::{
    access::{AccessRows, AgencyRow, ClientRow, GrantRow},
    commit::Commit,
    deliveries::{DeliveryPhase, DeliveryResult, DeliveryRow, EventRow, FannedEvent, SubscriptionRow},
    error::StoreError,
    guesses::{ForgivenSubject, GuessHead},
    items::ItemRow,
    mismatches::MismatchWrite,
};

use super::hub::Hub;
use crate::{delivery::traced, foundation::error::AppError};

/// Between two attempts at a full ledger queue.
const QUEUE_WAIT: Duration = Duration::from_millis(2);

/// Age of the ledger's group under way from which on a change waits for its end.
const SLOW_GROUP: Duration = Duration::from_millis(250);
const SLOW_GROUP_LOOK: Duration = Duration::from_millis(20);

/// Outbox rows that are deleted at once.
const FORGET_MAX: usize = 2_000;

/// How a task's entries come into the ledger.
pub trait LedgerAppender {
    /// Appends one entry; it is on disk when this returns.
    ///
    /// # Errors
    /// Returns an error if the ledger is not accepting entries: no answer may be sent.
    fn append(&self, hub: &Hub, entry: Vec<u8>) -> impl Future<Output = Result<AppendedEntry, AppError>>;
}

impl LedgerAppender for AppendLane {
    fn append(&self, hub: &Hub, entry: Vec<u8>) -> impl Future<Output = Result<AppendedEntry, AppError>> {
        hub.append_on(self, entry)
    }
}

/// Appends over the ledger's queue: for a task that is not bound to a thread.
pub struct QueueAppender;

impl LedgerAppender for QueueAppender {
    fn append(&self, hub: &Hub, entry: Vec<u8>) -> impl Future<Output = Result<AppendedEntry, AppError>> {
        hub.append(entry)
    }
}

/// What was committed, and still has to be appended to the ledger.
pub struct PendingAppend {
    ids: Vec<i64>,
    commit: Arc<Commit>,
}

impl PendingAppend {
    /// Entries of the outbox whose commit was made earlier.
    pub(super) fn earlier(ids: Vec<i64>, entries: Vec<Vec<u8>>) -> Self {
        Self {
            ids,
            commit: Arc::new(Commit::default().entries(entries)),
        }
    }
}

/// Attempts at a decision that another writer may overtake.
pub struct CommitAttempts(u32);

impl CommitAttempts {
    /// Attempts at one decision; with several nodes, guesses about one subject may meet often.
    const MAX: u32 = 16;

    /// No attempt was made yet.
    pub const fn none() -> Self {
        Self(0)
    }

    /// Counts an attempt. Whether `error` says that another writer was first, so that the caller must read and decide again.
    pub fn again(&mut self, error: &AppError) -> bool {
        self.0 += 1;
        matches!(error, AppError::Store(StoreError::Conflict)) && self.0 < Self::MAX
    }
}

impl Hub {
    /// Appends one entry; it is on disk when this returns.
    ///
    /// # Errors
    /// Returns an error if the ledger is not accepting entries: no answer may be sent.
    pub async fn append(&self, entry: Vec<u8>) -> Result<AppendedEntry, AppError> {
        let queued = Instant::now();
        let appended = self.ledger.append(entry).await;
        self.node.metrics.ledger_append_seconds.observe(queued.elapsed());
        Ok(appended?)
    }

    /// Appends one entry on a worker's own lane; it is on disk when this returns.
    ///
    /// # Errors
    /// Returns an error if the ledger is not accepting entries: no answer may be sent.
    pub async fn append_on(&self, lane: &AppendLane, entry: Vec<u8>) -> Result<AppendedEntry, AppError> {
        let queued = Instant::now();
        let appended = lane.append(&entry, queued).await;
        self.node.metrics.ledger_append_seconds.observe(queued.elapsed());
        Ok(appended?)
    }

    /// Writes one state change: commits it, updates memory, appends its entries to the ledger, wakes the workers, in this order. The
    /// caller may answer only after this returned. Returns the positions of the entries in the ledger.
    ///
    /// # Errors
    /// The store refuses or cannot be asked, or the ledger is known not to accept entries: nothing is written. The ledger fails
    /// meanwhile: the change stands, and the outbox keeps its entries.
    pub async fn write(&self, commit: Commit) -> Result<Vec<AppendedEntry>, AppError> {
        let committed = self.commit(commit).await?;
        self.enter(committed).await
    }

    /// The first half of [`Hub::write`]: commits and updates memory. The entries are still to be appended.
    ///
    /// # Errors
    /// The store refuses or cannot be asked, or the ledger accepts nothing: nothing is written.
    pub async fn commit(&self, mut commit: Commit) -> Result<PendingAppend, AppError> {
        traced::mark(self, &mut commit)?;
        self.await_ledger().await?;
        self.fold_alerts(&mut commit);
        let (number, position) = self.node.changes.number(&self.ledger, self.clock.now_us());
        let is_kept = position.is_some();
        let commit = Arc::new(match position {
            Some(position) => commit.with(position),
            None => commit,
        });
        let ids = self.store.commit(Arc::clone(&commit)).await?;
        if is_kept {
            self.node.changes.keep(number);
        }
        self.tell_memory(&commit).await?;
        Ok(PendingAppend { ids, commit })
    }

    /// Returns an error if a change could not be entered, or there is too little space: then nothing may be done that it would tell of.
    ///
    /// # Errors
    /// `Ledger`, `SpaceLow`.
    pub fn ensure_writable(&self) -> Result<(), AppError> {
        self.ledger.ensure_accepting()?;
        match self.node.health.is_space_low() {
            true => Err(AppError::SpaceLow),
            false => Ok(()),
        }
    }

    /// The ledger first: a change is not begun behind a group that may never return.
    async fn await_ledger(&self) -> Result<(), AppError> {
        let groups = self.ledger.stats().groups;
        while self.ledger.oldest_wait() >= SLOW_GROUP && self.ledger.stats().groups == groups {
            self.ensure_writable()?;
            tokio::time::sleep(SLOW_GROUP_LOOK).await;
        }
        self.ensure_writable()
    }

    /// Brings memory up to date with the store. The stamps of records come first: a reader that no longer sees a dispute must already
    /// see the correction.
    async fn tell_memory(&self, commit: &Commit) -> Result<(), AppError> {
        for bucket in &commit.stamps {
            self.records.caches.invalidate_bucket(*bucket);
        }
        let pending = &self.mismatches.pending;
        for write in commit.rows::<MismatchWrite>() {
            pending.tell(&write.row);
        }
        for forgiven in commit.rows::<ForgivenSubject>() {
            pending.change(forgiven.0, |about| about.guessed.clear());
        }
        for head in commit.rows::<GuessHead>() {
            pending.change(head.subject, |about| about.guess_head = head.revision);
        }
        if !(commit.lacks::<AgencyRow>() && commit.lacks::<ClientRow>() && commit.lacks::<GrantRow>()) {
            let rows = AccessRows {
                agencies: commit.rows().cloned().collect(),
                clients: commit.rows().cloned().collect(),
                grants: commit.rows().cloned().collect(),
                usage: Vec::new(),
            };
            self.take_access(&rows).await;
        }
        if !commit.lacks::<SubscriptionRow>() {
            self.take_subscriptions(commit.rows()).await;
        }
        if !commit.lacks::<ItemRow>() {
            self.take_items(commit.rows()).await;
        }
        Ok(())
    }

    /// The second half of [`Hub::write`]: appends what was committed, in order, and wakes the workers. The outbox forgets the entries a
    /// little later: a crash in between appends them twice, never not at all.
    ///
    /// # Errors
    /// Returns an error if the ledger has failed; the outbox keeps the entries for the next start.
    pub async fn enter(&self, committed: PendingAppend) -> Result<Vec<AppendedEntry>, AppError> {
        let PendingAppend { ids, commit } = committed;
        let mut appended = Vec::with_capacity(commit.ledger_entries.len());
        for together in neighbours(&commit.ledger_entries) {
            appended.extend(self.append_surely(together).await?);
        }
        let mut done = self.node.done_entries.lock().unwrap_or_else(PoisonError::into_inner);
        done.extend(ids);
        drop(done);
        self.wake(&commit);
        Ok(appended)
    }

    /// Wakes the workers that have something to do after a commit.
    fn wake(&self, commit: &Commit) {
        let is_due = |result: &DeliveryResult| result.state == DeliveryPhase::Pending && result.next_at <= commit.at;
        let has = |test: &dyn Fn(&DeliveryResult) -> bool| commit.rows().any(test);
        if !commit.lacks::<EventRow>() {
            self.wake_relay();
        }
        if has(&is_due) {
            self.wake_courier();
        }
        if !(commit.lacks::<DeliveryRow>() && commit.lacks::<SubscriptionRow>()) {
            let wakeups = &self.node.wakeups;
            wakeups.touch(commit.rows().map(|row: &DeliveryRow| row.target.clone()));
            wakeups.touch(commit.rows().map(|row: &SubscriptionRow| row.id.clone()));
            wakeups.courier.notify_one();
        }
        if !commit.lacks::<FannedEvent>() || has(&|result| result.state != DeliveryPhase::Pending) {
            self.wake_closer();
        }
    }

    /// Deletes from the outbox the entries that were appended since the last call.
    ///
    /// # Errors
    /// Returns an error if the store cannot be reached: the next call deletes them.
    pub async fn forget_entered(&self) -> Result<(), AppError> {
        let done = || self.node.done_entries.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let ids: Vec<_> = done().iter().take(FORGET_MAX).copied().collect();
            if ids.is_empty() {
                return Ok(());
            }
            self.store.forget_entries(&ids).await?;
            // Only now: a call that fails or is cancelled leaves them to the next one. New ids are appended behind these; if these are
            // no longer in front, another call has deleted them.
            let mut done = done();
            if done.starts_with(&ids) {
                done.drain(..ids.len());
            }
        }
    }

    /// Appends entries whose state is committed already. Waits for a full queue, because the change cannot be taken back.
    ///
    /// # Errors
    /// Returns an error if the ledger has failed; the outbox keeps the entries for the next start.
    async fn append_surely(&self, entries: Vec<Vec<u8>>) -> Result<Vec<AppendedEntry>, AppError> {
        loop {
            match self.ledger.append_many(entries.clone()).await {
                Err(LedgerError::Busy) => tokio::time::sleep(QUEUE_WAIT).await,
                appended => return Ok(appended?),
            }
        }
    }
}

/// Splits the entries of a commit into groups that are appended at once. Each group waits for the disk once and is at most as long as
/// one entry may be.
fn neighbours(entries: &[Vec<u8>]) -> Vec<Vec<Vec<u8>>> {
    const BYTES_MAX: usize = 32_768;
    const FRAME_BYTES: usize = 128;
    let (mut pieces, mut bytes): (Vec<Vec<Vec<u8>>>, usize) = (Vec::new(), 0);
    for entry in entries {
        let more = entry.len() + FRAME_BYTES;
        match pieces.last_mut().filter(|_| bytes + more <= BYTES_MAX) {
            Some(piece) => piece.push(entry.clone()),
            None => {
                pieces.push(vec![entry.clone()]);
                bytes = 0;
            }
        }
        bytes += more;
    }
    pieces
}
