//! Outside systems of `connectors/*.toml`: sources that are asked, feeds that bring records, sinks that are told.
//! What comes from outside may be wrong, late or endless; what cannot be believed is a `SourceFault`, never a mismatch and
//! never "not found".

pub mod config;
pub mod fields;
pub mod file;
pub mod sql;
