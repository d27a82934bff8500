//! Engines behind the one port `app::ports::Store`: SQLite, embedded; PostgreSQL, for several nodes. One code serves both; what
//! differs stands in `sqlite/` and `postgres/`, and in the few texts of `sql/sqlite/` and `sql/postgres/`.
//! No transaction type leaves this folder: a caller hands over a whole `Commit` and learns only whether it stands.

#![cfg_attr(
    test,
    allow(
        clippy::string_slice,
        clippy::disallowed_methods,
        reason = "a test stops at the first surprise"
    )
)]

mod apply;
mod batch;
mod engine;
mod fault;
mod lists;
mod migrate;
mod notice;
mod open_error;
mod pool;
mod postgres;
mod progress;
mod rows;
mod sql_store;
mod sqlite;
#[macro_use]
mod statement;
mod tables;
mod tallies;
mod writer;
mod writer_task;

pub use fault::is_away;
pub use open_error::OpenError;
pub use postgres::{MigratePolicy, PostgresConfig, open_postgres};
pub use sqlite::{SqliteConfig, SqliteFile, SqliteStore};
