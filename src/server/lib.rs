//! Makes a node of its settings, and drives it: boot, listeners, workers.

#![cfg_attr(
    test,
    allow(
        clippy::string_slice,
        clippy::disallowed_methods,
        reason = "a test stops at the first surprise"
    )
)]

pub mod assemble;
pub mod backup;
pub mod boot;
mod bus;
mod clock;
mod connectors;
mod folder;
pub mod harden;
mod licences;
mod loss;
mod monitor;
mod origin;
pub mod outward;
pub mod process;
mod serving;
pub mod settings;
mod standing;
pub mod store;
mod tls;
pub mod worker;
