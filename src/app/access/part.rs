//! Who may call and what they may do, as one node holds it in memory: the compiled table, counters, tokens.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use heyan_auth::{
    replay::ReplayCache,
    token::{TokenClaims, TokenSigner, TokenVerifier},
};
use heyan_cache::BoundedMap;
use tokio::sync::Mutex;

use super::{counters::CeilingCounters, table::AccessTable};
use crate::foundation::quota::QuotaCounts;

/// Who may call and what they may do.
pub struct AccessPart {
    /// The compiled table, swapped whole.
    pub table: ArcSwap<AccessTable>,
    /// Daily ceilings.
    pub counters: CeilingCounters,
    /// What callers have caused, as far as it is counted in memory.
    pub quotas: Arc<QuotaCounts>,
    /// One change of access at a time: read, decide, commit, swap.
    pub changes: Arc<Mutex<()>>,
    /// When access was last read from the store; held while it is.
    pub read_at: Mutex<Option<Instant>>,
    /// Signs access tokens.
    pub signer: TokenSigner,
    /// Verifies access tokens.
    pub verifier: TokenVerifier,
    /// Verified access tokens, by hash.
    pub tokens: TokenCache,
    /// Used `private_key_jwt` assertions.
    pub assertions: ReplayCache,
}

/// Verified tokens by SHA-256 of their text.
pub struct TokenCache {
    pub(super) claims: BoundedMap<[u8; 32], Arc<TokenClaims>>,
}

/// Tokens kept in memory.
const TOKENS_MAX: u64 = 100_000;

impl Default for TokenCache {
    fn default() -> Self {
        Self {
            claims: BoundedMap::new(TOKENS_MAX, Duration::from_secs(86_400)),
        }
    }
}
