//! Events carried outward: subscriptions, fan-out to targets, messages, attempts.

pub mod answers;
pub mod deliveries;
pub mod fanout;
pub mod message;
pub mod subscriptions;
pub mod table;
pub(crate) mod traced;
