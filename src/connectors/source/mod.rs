//! Outside systems of `connectors/*.toml`: sources that are asked, feeds that bring records, sinks that are told.
//! What comes from outside may be wrong, late or endless; what cannot be believed is a `SourceFault`, never a mismatch and
//! never "not found".

pub mod answer;
pub mod auth;
pub mod check;
pub mod config;
pub mod exchange;
pub mod fields;
pub mod file;
pub mod http;
mod opened;
mod pattern;
pub mod poll;
mod request;
pub mod secret_file;
pub mod set;
pub mod sink;
pub mod sql;
pub mod template;
mod tree;
pub(crate) mod trouble;
mod xml;

#[cfg(test)]
mod tests;

pub use set::{ConnectorSet, DatasetFacts, SignedSink};
