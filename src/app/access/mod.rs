//! Who may call and what they may do: the compiled table, its changes, tokens.

pub mod admin;
pub mod agency_change;
pub mod approvals;
pub mod counters;
pub mod explain;
pub mod part;
mod role;
pub mod table;
pub mod token;
mod users;
