//! The life of a mismatch: its steps, the correction it leads to, and what is pending about a subject.

pub mod actions;
pub(crate) mod correct;
pub mod pending;
pub mod steps;
pub mod unlock;
