//! Opens a database file safely, or says why not: file modes, engine version, durability settings.
//! The engine accepts unknown or refused settings silently, so what matters is read back after it was set.

use std::fs::{self, DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Sqlite};

use super::SqliteConfig;
use crate::engine::ColumnCell;
use crate::open_error::OpenError;
use crate::pool::{ConnectionPool, PoolPatience};
use crate::rows::{column, fetch_one};
use crate::statement::{self, SqlStatement};
use heyan_ports::error::StoreError;

/// The first release without the WAL-reset defect.
const ENGINE_MIN: (u32, u32, u32) = (3, 51, 3);
/// Pages of the write-ahead log after which a commit checkpoints by itself (32 MiB): rarely, since the writer does it
/// when idle, and never so late that look-ups through the log grow slow or one checkpoint holds up writes.
const WAL_PAGES: &str = "8192";
/// Bytes that the write-ahead log file keeps once it was copied back.
const WAL_BYTES_KEPT: &str = "33554432";
/// A disk that does not answer must not hold callers for ever.
const READER_PATIENCE: PoolPatience = PoolPatience {
    connect: Some(Duration::from_secs(10)),
    answer: Some(Duration::from_secs(30)),
};
/// Read rows that may wait between the engine's thread and the task: a whole coalesced query, to save thread switches.
const ROWS_BUFFERED: usize = 512;

/// Opens the write connection: creates the file, and checks that commits will be durable.
pub(super) async fn open_writer(config: &SqliteConfig) -> Result<ConnectionPool<Sqlite>, StoreError> {
    let path = config.path.clone();
    tokio::task::spawn_blocking(move || prepare_files(&path))
        .await
        .map_err(|error| StoreError::Engine {
            statement: "open",
            source: Box::new(error),
        })??;
    let options = common(config, config.writer_cache_kib)
        .journal_mode(SqliteJournalMode::Wal)
        .pragma("wal_autocheckpoint", WAL_PAGES)
        .pragma("journal_size_limit", WAL_BYTES_KEPT)
        .thread_name(|_| "heyan-db-write".to_owned());
    let pool = ConnectionPool::new(options, 1, PoolPatience::default());
    let version: String = first_value(&pool, statement::SELECT_ENGINE_VERSION).await?;
    if !is_new_enough(&version) {
        return Err(OpenError::EngineTooOld { found: version }.into());
    }
    let journal: String = first_value(&pool, statement::JOURNAL_MODE).await?;
    if journal != "wal" {
        return Err(OpenError::Setting {
            setting: "journal_mode=wal",
        }
        .into());
    }
    let synchronous: i64 = first_value(&pool, statement::SYNCHRONOUS).await?;
    if synchronous < 2 {
        return Err(OpenError::Setting {
            setting: "synchronous=full",
        }
        .into());
    }
    Ok(pool)
}

/// Opens the read connections; the file must exist and have its schema.
pub(super) async fn open_readers(config: &SqliteConfig, places: u32) -> Result<ConnectionPool<Sqlite>, StoreError> {
    let pool = ConnectionPool::new(reader_options(config), places, READER_PATIENCE);
    drop(pool.lend().await?);
    Ok(pool)
}

/// One read connection outside the pool, for work that takes long.
pub(super) async fn open_apart(config: &SqliteConfig) -> Result<sqlx::SqliteConnection, StoreError> {
    reader_options(config)
        .connect()
        .await
        .map_err(|error| StoreError::Engine {
            statement: "open",
            source: Box::new(error),
        })
}

fn reader_options(config: &SqliteConfig) -> SqliteConnectOptions {
    common(config, config.reader_cache_kib)
        .read_only(true)
        .row_buffer_size(ROWS_BUFFERED)
        .thread_name(|id| format!("heyan-db-read-{id}"))
}

/// Settings of every connection. Statement logging is off because it would log at all; values are always bound.
fn common(config: &SqliteConfig, cache_kib: u32) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(&config.path)
        .create_if_missing(false)
        .busy_timeout(Duration::from_millis(config.busy_timeout_ms))
        .foreign_keys(true)
        .synchronous(SqliteSynchronous::Full)
        .pragma("trusted_schema", "OFF")
        .pragma("cell_size_check", "ON")
        .pragma("mmap_size", "0")
        .pragma("temp_store", "MEMORY")
        .pragma("cache_size", format!("-{cache_kib}"))
        .disable_statement_logging()
}

async fn first_value<T>(pool: &ConnectionPool<Sqlite>, statement: SqlStatement) -> Result<T, StoreError>
where
    T: for<'r> ColumnCell<'r>,
{
    let bad = StoreError::BadRow {
        table: statement.name,
        column: "value",
    };
    let value = fetch_one(
        pool,
        statement,
        |query| query,
        |row| column(row, 0, statement.name, "value"),
    );
    value.await?.ok_or(bad)
}

/// Creates what is missing with modes 0700 and 0600 (the engine gives its side files the mode of the main file) and
/// refuses what exists with wider ones.
fn prepare_files(path: &Path) -> Result<(), OpenError> {
    let dir = match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    };
    let failed = |path: &Path| {
        let path = path.to_path_buf();
        move |source| OpenError::Files { path, source }
    };
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(failed(dir))?;
    refuse_open_to_others(dir, 0o700)?;
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(failed(path))?;
    refuse_open_to_others(path, 0o600)
}

fn refuse_open_to_others(path: &Path, wanted: u32) -> Result<(), OpenError> {
    let metadata = fs::metadata(path).map_err(|source| OpenError::Files {
        path: path.to_path_buf(),
        source,
    })?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(OpenError::OpenToOthers {
            path: path.to_path_buf(),
            mode,
            wanted,
        });
    }
    Ok(())
}

fn is_new_enough(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().ok());
    match (parts.next(), parts.next(), parts.next()) {
        (Some(Some(major)), Some(Some(minor)), Some(Some(patch))) => (major, minor, patch) >= ENGINE_MIN,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_before_the_fix_is_refused() {
        assert!(is_new_enough("3.51.3"));
        assert!(is_new_enough("3.52.0"));
        assert!(is_new_enough("4.0.0"));
        for old in ["3.51.2", "3.50.9", "2.99.99", "3.51", ""] {
            assert!(!is_new_enough(old), "{old}");
        }
    }
}
