//! The first answers to requests with an idempotency key.

use async_trait::async_trait;

use crate::error::StoreError;

/// The first answer to a request with an idempotency key.
#[derive(Clone)]
pub struct SavedReply {
    /// Client id.
    pub client: String,
    /// The key.
    pub key: String,
    /// SHA-256 of method, path and body.
    pub fingerprint: [u8; 32],
    /// HTTP status.
    pub status: u16,
    /// The body, sealed.
    pub body: Vec<u8>,
    /// Unix microseconds.
    pub at: i64,
}

/// The first answers to requests with an idempotency key.
#[async_trait]
pub trait ReplyStore: Send + Sync {
    /// The saved answer to an idempotency key.
    async fn reply(&self, client: &str, key: &str) -> Result<Option<SavedReply>, StoreError>;
}
