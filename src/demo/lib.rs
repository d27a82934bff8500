//! The synthetic city, the hub on it, the pretend agency system, and the bench: no part of a production build.

#![expect(clippy::print_stderr, reason = "a command line prints")]
#![cfg_attr(
    test,
    allow(
        clippy::string_slice,
        clippy::disallowed_methods,
        reason = "a test stops at the first surprise"
    )
)]

pub mod bench;
pub mod city;
pub mod command;
mod inbox;
