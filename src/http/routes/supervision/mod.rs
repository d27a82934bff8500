//! Routes for those who supervise: alerts, rules, traces and their seals, archives.

pub(crate) mod alerts;
pub(crate) mod archives;
pub(crate) mod rules;
pub(crate) mod seals;
pub(crate) mod traces;
