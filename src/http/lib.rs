//! REST: who calls, parse, call `app`, answer. Handlers hold no rule of the domain.
//! `refuse` is the only place where an error becomes a problem document; `routes` is the only list of routes.

#![cfg_attr(
    test,
    allow(
        clippy::string_slice,
        clippy::disallowed_methods,
        reason = "a test stops at the first surprise"
    )
)]

mod access;
mod admission;
mod alerts;
mod applications;
mod archives;
mod call;
mod cases;
mod checks;
mod datasets;
pub mod docs;
mod extract;
pub mod health;
pub mod html;
mod idempotent;
mod intake;
mod items;
mod licences;
mod lines;
mod log;
mod mismatches;
mod oauth;
pub mod openapi;
mod outflow;
mod page;
mod pages;
mod parts;
mod plain;
pub mod problem;
pub mod problems;
mod quality;
mod receipts;
mod records;
mod refuse;
mod reply;
pub mod routes;
mod schemas;
mod seals;
pub mod server;
mod state;
mod stream;
mod strict;
mod subscriptions;
mod supervision;
mod traces;
mod turn;
mod upgrades;
mod verifications;
mod watches;

pub use state::{ServerLimits, WorkerState};
