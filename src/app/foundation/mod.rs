//! What every use case stands on: errors, ids, bytes as text, sealed columns, usage counters, leases, trust in what is in memory.

pub mod error;
pub mod hex;
pub mod ids;
pub mod lease;
pub mod purpose;
pub mod quota;
pub mod sharded;
pub mod trust;
pub mod usage;
pub mod vault;
