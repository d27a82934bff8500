//! Who may call and what they may do: the compiled table, its changes, tokens.

pub mod admin;
pub mod part;
pub mod table;
pub mod token;
