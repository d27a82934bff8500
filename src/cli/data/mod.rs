//! Rows of a file sent to the hub: read, decoded, imported or verified, and what was rejected.

pub(crate) mod import;
pub(crate) mod rejects;
pub(crate) mod report;
pub(crate) mod rows;
pub(crate) mod send;
pub(crate) mod sheet;
pub(crate) mod verify;
