//! Use cases, one folder for each capability, over the ports. A use case reads, decides by pure code, commits or appends to the
//! ledger, and answers.
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
