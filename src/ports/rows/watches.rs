//! Watched verifications.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{error::StoreError, subject::SubjectKey};

heyan_domain::words! {
    /// State of a watch.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub enum WatchPhase {
        /// The answer is still the first one.
        Unchanged = "unchanged",
        /// The answer has changed since.
        Changed = "changed",
        /// It is no longer looked at.
        Ended = "ended",
    }
}

/// A verification that is watched.
#[derive(Clone)]
pub struct WatchRow {
    /// `wat_…`.
    pub id: String,
    /// Agency id.
    pub agency: String,
    /// Dataset name.
    pub dataset: Arc<str>,
    /// Subject pseudonym.
    pub subject: SubjectKey,
    /// Its state.
    pub state: WatchPhase,
    /// End of the watch, exclusive, Unix microseconds.
    pub until: i64,
    /// When to look again, Unix microseconds; 0: at once, because the record changed.
    pub next_at: i64,
    /// Counts changes, from 1.
    pub revision: u32,
    /// What was asked and what was told, sealed.
    pub facts: Vec<u8>,
    /// Unix microseconds.
    pub created_at: i64,
    /// Unix microseconds.
    pub updated_at: i64,
}

/// Which watches of an agency a list wants.
#[derive(Clone, Default)]
pub struct WatchFilter {
    /// Whose.
    pub agency: String,
    /// In this state.
    pub state: Option<WatchPhase>,
    /// With a greater id.
    pub after: Option<String>,
    /// Rows at most.
    pub limit: u32,
}

/// Watched verifications.
#[async_trait]
pub trait WatchStore: Send + Sync {
    /// One watch.
    async fn watch(&self, id: &str) -> Result<Option<WatchRow>, StoreError>;

    /// Watches by id.
    async fn watches(&self, filter: &WatchFilter) -> Result<Vec<WatchRow>, StoreError>;

    /// Watches that have not ended and are to be looked at by `now`, the longest due first; at most `limit`.
    async fn due_watches(&self, now: i64, limit: u32) -> Result<Vec<WatchRow>, StoreError>;
}
