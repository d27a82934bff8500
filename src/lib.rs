//! heyan 核验: a city's verification exchange hub. Modules in reading order: the pure core first, adapters last.
//! `ARCHITECTURE.md` says who may name whom; `tests/tidy.rs` enforces it.

#![cfg_attr(
    test,
    allow(
        clippy::string_slice,
        clippy::disallowed_methods,
        reason = "a test stops at the first surprise"
    )
)]

pub mod domain;

pub mod auth;
pub mod cache;
pub mod catalog;
pub mod ledger;

pub mod app;

pub mod bus;
pub mod guard;

pub mod city;
pub mod config;
pub mod http;
pub mod push;
pub mod source;
pub mod store;
pub mod telemetry;
pub mod worker;

pub mod cli;
