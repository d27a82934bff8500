//! One node: the hub, its neighbours, the outbox, idempotency keys, and its upkeep.

pub mod hub;
pub mod idempotency;
pub mod news;
pub mod outbox;
pub mod peers;
pub(crate) mod tables;
pub mod upkeep;
