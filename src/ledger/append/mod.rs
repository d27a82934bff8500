//! Appending: callers hand entries to the intake or to a lane, the appender writes and syncs groups, the sealer signs
//! checkpoints over them; `recover` restores their state when a ledger is opened.

pub(crate) mod appender;
pub(crate) mod condition;
pub(crate) mod intake;
pub(crate) mod lane;
pub(crate) mod mailbox;
pub(crate) mod recover;
pub(crate) mod sealer;
pub(crate) mod shared;
