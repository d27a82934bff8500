//! The system of record, whole: one trait a capability, and what concerns all of them.
//! A store decides nothing: it applies a whole [`Commit`] or none of it.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::{
    access::AccessStore, asks::AskStore, cases::CaseStore, commit::Commit, deliveries::DeliveryStore,
    error::StoreError, guesses::GuessStore, items::ItemStore, mismatches::MismatchStore, nodes::NodeStore,
    outbox::OutboxStore, positions::PositionStore, quality::QualityStore, records::RecordStore, replies::ReplyStore,
    seals::SealStore, supervision::SupervisionStore, watches::WatchStore,
};

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
    /// What nodes asked each other and nobody took away, Unix microseconds.
    pub asks_us: i64,
    /// What may be used once, Unix seconds.
    pub used_s: i64,
}

/// The system of record: SQLite (embedded) or PostgreSQL (cluster).
#[async_trait]
pub trait Store:
    RecordStore
    + AccessStore
    + MismatchStore
    + GuessStore
    + DeliveryStore
    + ItemStore
    + SealStore
    + WatchStore
    + CaseStore
    + QualityStore
    + ReplyStore
    + PositionStore
    + SupervisionStore
    + NodeStore
    + AskStore
    + OutboxStore
    + 'static
{
    /// Applies all of `commit` or none; answers the outbox ids of `commit.ledger_entries`, in order.
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
