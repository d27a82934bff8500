//! What the supervising department reads: findings, quality, traces and archives.

pub(crate) mod archive;
pub(crate) mod quality;
pub(crate) mod supervision;
pub(crate) mod trace;
