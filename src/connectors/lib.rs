//! Adapters to outside systems: live sources, feeds and sinks as data, signed webhooks, and the guard of every target.

#![cfg_attr(
    test,
    allow(
        clippy::string_slice,
        clippy::disallowed_methods,
        reason = "a test stops at the first surprise"
    )
)]

pub mod guard;
pub mod push;
pub mod rows;
pub mod source;
