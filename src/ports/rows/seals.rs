//! Seals on what an investigating agency asked.

use async_trait::async_trait;

use crate::error::StoreError;

heyan_domain::words! {
    /// State of a seal.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub enum SealPhase {
        /// One auditor asked for it.
        Requested = "requested",
        /// Another auditor confirmed it.
        Sealed = "sealed",
        /// It was ended before its date.
        Lifted = "lifted",
    }
}

/// A seal on what an investigating agency asked.
#[derive(Clone)]
pub struct SealRow {
    /// `sea_…`.
    pub id: String,
    /// Its state.
    pub state: SealPhase,
    /// End of the seal, Unix microseconds.
    pub until: i64,
    /// Counts steps, from 1: the one before it must be current.
    pub revision: u32,
    /// Which, whose, of which case and by whom, sealed.
    pub facts: Vec<u8>,
    /// Unix microseconds.
    pub created_at: i64,
    /// Unix microseconds.
    pub updated_at: i64,
}

/// Seals on what an investigating agency asked.
#[async_trait]
pub trait SealStore: Send + Sync {
    /// Every seal, by id.
    async fn seals(&self) -> Result<Vec<SealRow>, StoreError>;
}
