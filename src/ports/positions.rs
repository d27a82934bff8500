//! How far something was read, and what the bus has taken.

use async_trait::async_trait;

use crate::{deliveries::StoredEvent, error::StoreError, subject::RowKey, supervision::AlertRow};

/// What a commit writes for the bus.
#[derive(Clone, Default)]
pub struct BusWrites {
    /// Events that the bus has taken.
    pub events: Vec<RowKey>,
    /// Ids of alerts that the bus has taken.
    pub alerts: Vec<String>,
    /// How far a topic was taken in. Another position than the expected one is a conflict: somebody else reads it.
    pub advances: Vec<PositionAdvance>,
    /// Keys behind which records without a version wait: topic and keyed hash.
    pub parked: Vec<(&'static str, [u8; 16])>,
    /// Keys behind which nothing waits any more.
    pub released: Vec<(&'static str, [u8; 16])>,
}

/// One step of a position that is compared and set.
#[derive(Clone)]
pub struct PositionAdvance {
    /// Name of the position.
    pub name: String,
    /// What it must be; `None`: it must not be there yet.
    pub from: Option<String>,
    /// What it becomes.
    pub to: String,
}

impl BusWrites {
    /// Rows that it writes, about.
    pub fn weight(&self) -> usize {
        self.events.len() + self.alerts.len() + self.advances.len() + self.parked.len() + self.released.len()
    }
}

/// How far something was read, and what the bus has taken.
#[async_trait]
pub trait PositionStore: Send + Sync {
    /// How far something was read.
    async fn position(&self, name: &str) -> Result<Option<String>, StoreError>;

    /// Oldest events that the bus has not taken, at most `limit`.
    async fn unpublished_events(&self, limit: u32) -> Result<Vec<StoredEvent>, StoreError>;

    /// Oldest alerts that the bus has not taken, at most `limit`.
    async fn unpublished_alerts(&self, limit: u32) -> Result<Vec<AlertRow>, StoreError>;

    /// How many `events` and `alerts` the bus has not taken.
    async fn unpublished_counts(&self) -> Result<Vec<(String, u64)>, StoreError>;

    /// Keys of a topic behind which records without a version wait, at most `limit`.
    async fn parked_keys(&self, topic: &str, limit: u32) -> Result<Vec<[u8; 16]>, StoreError>;
}
