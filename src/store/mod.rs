//! Engines behind the one port `app::ports::Store`; today SQLite, embedded.
//! No transaction type leaves this folder: a caller hands over a whole `Commit` and learns only whether it stands.

mod sqlite;
mod statement;

pub use sqlite::{BackupSummary, OpenError, SqliteConfig, SqliteStore};
