//! Use cases: one file each, over the few ports of the core. Read, decide purely, commit or enter, answer.
//! Nothing here knows HTTP or SQL; every error is an `AppError`.

#![cfg_attr(
    test,
    allow(
        clippy::string_slice,
        clippy::disallowed_methods,
        reason = "a test stops at the first surprise"
    )
)]

pub mod access;
pub mod admin;
pub mod answer_json;
pub mod answers;
pub mod applications;
pub mod archive;
pub mod bus;
pub mod caches;
pub mod cases;
pub mod checks;
pub mod chunk;
pub mod consequence;
mod correct;
pub mod deliveries;
pub mod error;
pub mod explain;
pub mod fanout;
pub mod feed;
mod guess;
pub mod hub;
pub mod items;
mod judge;
pub mod left_over;
pub mod licences;
pub mod live;
pub mod message;
pub mod mismatches;
pub mod news;
pub mod peers;
pub mod pending;
pub mod purpose;
pub mod quality;
pub mod question;
pub mod record;
pub mod records;
pub mod replies;
pub mod steps;
pub mod strict;
pub mod subscriptions;
pub mod supervision;
pub mod sweep;
mod tables;
pub mod token;
pub mod traces;
pub mod trust;
pub mod turns;
pub mod unlock;
pub mod usage;
pub mod vault;
pub mod verification_id;
pub mod verify;
pub mod watches;
mod yes_or_no;
