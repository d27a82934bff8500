//! Service items that were registered.

use async_trait::async_trait;

use crate::error::StoreError;

/// One service item that was registered.
#[derive(Clone, Debug)]
pub struct ItemRow {
    /// Code, primary key.
    pub code: String,
    /// Version, from 1; only a newer one replaces it.
    pub version: u32,
    /// The item as it was written, JSON.
    pub body: String,
    /// Unix microseconds.
    pub updated_at: i64,
}

/// Service items that were registered.
#[async_trait]
pub trait ItemStore: Send + Sync {
    /// Every service item that was registered.
    async fn items(&self) -> Result<Vec<ItemRow>, StoreError>;
}
