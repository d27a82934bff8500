//! Limits and names of a node.

use crate::foundation::quota::QuotaLimits;

/// Limits and names that use cases need.
#[derive(Clone, Debug)]
pub struct NodeSettings {
    /// Number of the node, part of every id it makes.
    pub node: u16,
    /// Name of the node's ledger.
    pub origin: String,
    /// Base address that tokens and documents name.
    pub public_url: String,
    /// Issuer and audience of access tokens.
    pub issuer: String,
    /// Life of an access token, seconds.
    pub token_ttl_s: i64,
    /// How long the secret before a rotation stays good, seconds.
    pub rotation_overlap_s: i64,
    /// Items of one batch.
    pub batch_items_max: usize,
    /// Items of one ledger entry.
    pub chunk_items_max: usize,
    /// Longest validity of a joint case, hours.
    pub case_hours_max: u32,
    /// What one agency may cause.
    pub quotas: QuotaLimits,
    /// Longest watch, days.
    pub watch_days_max: i32,
}
