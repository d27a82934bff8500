//! The system of record behind the port `app::ports::Store`. SQLite for the embedded default; PostgreSQL comes beside it.
//! A store decides nothing: it applies a whole `Commit` or none of it. All SQL text of the hub lies under `sql/`.

mod access;
mod migrate;
mod records;
mod sqlite;

pub use sqlite::{SqliteConfig, SqliteStore};
