//! Use cases: one file each, over the few ports of the core. Read, decide purely, commit or enter, answer.
//! Nothing here knows HTTP or SQL; every error is an `AppError`.

pub mod access;
pub mod admin;
pub mod answers;
pub mod caches;
pub mod chunk;
pub mod commit;
pub mod consequence;
mod correct;
pub mod deliveries;
pub mod error;
pub mod explain;
pub mod fanout;
pub mod feed;
mod guess;
pub mod hub;
pub mod live;
pub mod message;
pub mod mismatches;
pub mod outward;
pub mod pending;
pub mod ports;
pub mod purpose;
pub mod question;
pub mod record;
pub mod records;
pub mod replies;
pub mod rows;
pub mod steps;
pub mod subscriptions;
pub mod sweep;
pub mod time;
pub mod token;
pub mod usage;
pub mod vault;
pub mod verification_id;
pub mod verify;
