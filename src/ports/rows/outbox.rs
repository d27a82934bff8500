//! Ledger entries that were committed with state and are still to be appended.

use async_trait::async_trait;

use crate::error::StoreError;

/// A ledger entry that was committed with state and still has to be appended.
pub struct PendingEntry {
    /// Outbox row.
    pub id: i64,
    /// Entry bytes.
    pub entry: Vec<u8>,
}

/// Ledger entries that were committed with state and are still to be appended.
#[async_trait]
pub trait OutboxStore: Send + Sync {
    /// Oldest entries of the ledger outbox, at most `limit`.
    async fn pending_entries(&self, limit: u32) -> Result<Vec<PendingEntry>, StoreError>;

    /// Takes over from a ledger of this node that was set aside: its outbox rows, so that the ledger of now gets their entries, and its
    /// number among the nodes.
    async fn take_over(&self, earlier_origin: &str) -> Result<(), StoreError>;

    /// Deletes outbox rows whose entries are durable in the ledger.
    async fn forget_entries(&self, ids: &[i64]) -> Result<(), StoreError>;
}
