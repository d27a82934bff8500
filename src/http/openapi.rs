//! The API description.

/// The committed document.
pub const COMMITTED: &str = "{}";
