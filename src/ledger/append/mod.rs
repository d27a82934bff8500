//! Appending: callers hand entries to the intake or to a lane, the appender writes and syncs groups, the sealer signs
//! checkpoints over them; `recover` restores their state when a ledger is opened.

pub mod appender;
pub mod intake;
pub mod lane;
pub mod mailbox;
pub mod recover;
pub mod sealer;
pub mod shared;
