//! What the use cases need of the world: rows with the traits that keep them, time, the bus, and outside systems.
//! Adapters implement these traits and name no use case.

#![cfg_attr(
    test,
    allow(
        clippy::string_slice,
        clippy::disallowed_methods,
        reason = "a test stops at the first surprise"
    )
)]

pub mod bus;
pub mod commit;
pub mod error;
pub mod outward;
mod rows;
pub mod store;
pub mod subject;
pub mod time;
pub mod trace;

pub use rows::*;
