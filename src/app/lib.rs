//! Use cases, one folder a capability, over the ports of the core. Read, decide purely, commit or enter, answer.
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
pub mod archive;
pub mod bus;
pub mod cases;
pub mod delivery;
pub mod foundation;
pub mod items;
pub mod licences;
pub mod mismatch;
pub mod node;
pub mod quality;
pub mod records;
pub mod supervision;
pub mod traces;
pub mod verification;
pub mod watches;
