//! Agencies, their people and what they may do.

pub(crate) mod admin;
pub(crate) mod agency;
pub(crate) mod grant;
pub(crate) mod user;
