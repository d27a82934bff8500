//! REST: authenticate, parse, call `app`, answer. Handlers hold no rule of the domain.
//! `refuse` is the only place where an error becomes a problem document; `routes` is the only list of routes.

#![cfg_attr(
    test,
    allow(
        clippy::string_slice,
        clippy::disallowed_methods,
        reason = "a test stops at the first surprise"
    )
)]

mod call;
pub mod docs;
mod extract;
pub mod health;
pub mod html;
mod idempotent;
mod intake;
mod lines;
pub mod openapi;
mod outflow;
pub mod page;
mod parts;
pub mod problem;
pub mod problems;
mod refuse;
mod reply;
pub mod routes;
pub mod server;
mod strict;

pub use call::state::{ServerLimits, WorkerState};
