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

pub mod access;
pub mod asks;
pub mod bus;
pub mod cases;
pub mod commit;
pub mod deliveries;
pub mod error;
pub mod guesses;
pub mod items;
pub mod mismatches;
pub mod nodes;
pub mod outbox;
pub mod outward;
pub mod positions;
pub mod quality;
pub mod records;
pub mod replies;
pub mod seals;
pub mod store;
pub mod subject;
pub mod supervision;
pub mod time;
pub mod watches;
