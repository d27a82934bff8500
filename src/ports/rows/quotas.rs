//! Rows that agencies have caused, counted by the store as it writes them.

use async_trait::async_trait;

use crate::error::StoreError;

heyan_domain::words! {
    /// A kind of row that a caller can cause, and of which an agency may have so many.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub enum QuotaKind {
        /// Mismatches that are not over.
        OpenMismatches = "open_mismatches",
        /// Joint cases that it leads, until they are forgotten.
        Cases = "cases",
        /// Answers that are kept for an idempotency key.
        SavedReplies = "saved_replies",
        /// Watches that have not ended.
        Watches = "watches",
        /// Subscriptions, deleted ones too until they are forgotten.
        Subscriptions = "subscriptions",
        /// Test events of its subscriptions.
        TestEvents = "test_events",
        /// Tokens of one client in an hour; counted in memory.
        Tokens = "tokens",
        /// Files that one agency has sent and broken off, and sends; counted in memory.
        Uploads = "uploads",
    }
}

/// Rows that agencies have caused.
#[async_trait]
pub trait QuotaStore: Send + Sync {
    /// How many rows of a kind an agency has caused that are kept. The store counts while it writes: this scans no table.
    async fn rows_held(&self, agency: &str, kind: QuotaKind) -> Result<u64, StoreError>;
}
