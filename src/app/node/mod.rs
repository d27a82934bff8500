//! One node: the hub, its neighbours, the outbox, idempotency keys, and its upkeep.

pub mod caller;
pub mod health;
pub mod hub;
pub mod idempotency;
pub mod news;
pub mod outbox;
pub mod peer_table;
pub mod peers;
pub(crate) mod quotas;
pub(crate) mod raise;
pub mod settings;
pub mod standing;
pub(crate) mod tables;
pub mod under_way;
pub mod upkeep;
pub mod wakeups;
pub mod write;
