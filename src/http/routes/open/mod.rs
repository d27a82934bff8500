//! Routes without a known caller: tokens, the public side of the ledger, descriptions of the API, and pages for people.

pub(crate) mod log;
pub(crate) mod oauth;
pub(crate) mod pages;
pub(crate) mod schemas;
