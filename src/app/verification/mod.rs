//! Verifications: the question, the look-up, the judgement, what follows from it, and the answer.

pub mod answer_json;
pub(crate) mod asker;
pub mod caches;
pub mod chunk;
pub mod consequence;
pub mod explain;
pub(crate) mod guess;
pub(crate) mod judge;
pub mod judgement;
pub mod live;
pub mod question;
pub mod record;
pub(crate) mod source;
pub mod verify;
pub(crate) mod yes_or_no;
