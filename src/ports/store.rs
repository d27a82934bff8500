//! The system of record, whole: the traits of all capabilities (`rows`), and what concerns all of them.
//! A store decides nothing: it applies a whole [`Commit`] or none of it.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::{commit::Commit, error::StoreError, rows::RowStores};

/// Up to when what is kept for a while is forgotten.
#[derive(Clone, Copy, Debug)]
pub struct ForgetBefore {
    /// Saved replies, Unix microseconds.
    pub replies_us: i64,
    /// Guesses, Unix microseconds.
    pub guesses_us: i64,
    /// Requests to forgive guesses, Unix microseconds.
    pub unlocks_us: i64,
    /// Watches that ended, Unix microseconds.
    pub watches_us: i64,
    /// Joint cases whose time was over, Unix microseconds.
    pub cases_us: i64,
    /// Subscriptions that were deleted, Unix microseconds.
    pub subscriptions_us: i64,
    /// Test events, Unix microseconds.
    pub tests_us: i64,
    /// What was asked for and waited for a second person, Unix microseconds.
    pub approvals_us: i64,
    /// Mismatches that expired, Unix microseconds.
    pub expired_us: i64,
    /// Questions between nodes that were never collected, Unix microseconds.
    pub asks_us: i64,
    /// What may be used once, Unix seconds.
    pub used_s: i64,
}

/// The system of record: SQLite (embedded) or PostgreSQL (cluster).
#[async_trait]
pub trait Store: RowStores + 'static {
    /// Applies all of `commit` or none. Returns the outbox ids of `commit.ledger_entries`, in order.
    async fn commit(&self, commit: Arc<Commit>) -> Result<Vec<i64>, StoreError>;

    /// Deletes what is older than the given times.
    async fn forget_old(&self, before: ForgetBefore) -> Result<(), StoreError>;

    /// Answers when the engine can read and write.
    async fn ping(&self) -> Result<(), StoreError>;

    /// How long the engine has not answered a writer; zero when no call is under way. Never blocks.
    fn oldest_wait(&self) -> Duration;

    /// Whether a writer has ended: the store was closed, or can write nothing until it is opened again.
    fn has_lost_a_writer(&self) -> bool;

    /// Flushes and closes; later calls fail.
    async fn close(&self);
}
