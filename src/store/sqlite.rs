//! SQLite through sqlx: one connection writes, several read, and reads never wait for the writer (WAL).
//! sqlx futures must not be dropped half-way, so every write runs on a task of its own to its end.

use std::{
    fs::Permissions,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use sqlx::{
    ConnectOptions, Row, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{access, migrate, records};
use crate::app::{
    commit::{Commit, GrantUsage},
    ports::{AccessRows, PendingEntry, RecordKey, Store, StoreError, StoredRecord},
};

/// How the database is opened.
#[derive(Clone, Debug)]
pub struct SqliteConfig {
    /// Database file.
    pub path: PathBuf,
    /// Read connections.
    pub readers: u32,
    /// Longest wait for a lock, milliseconds.
    pub busy_timeout_ms: u64,
    /// Page cache of each connection, KiB.
    pub cache_kib: u32,
}

/// The embedded store.
pub struct SqliteStore {
    writer: SqlitePool,
    readers: SqlitePool,
}

/// Before this release a WAL could be reset under a reader.
const OLDEST_SQLITE: (u32, u32, u32) = (3, 51, 3);

/// Pages in the WAL after which the writer moves them into the database: 16 MiB.
const CHECKPOINT_PAGES: &str = "4096";

/// Why a database is refused.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("SQLite {0} is older than 3.51.3")]
    Old(String),
    #[error("a write was cut off")]
    CutOff,
}

/// Wraps an engine's error with the name of its statement.
pub(super) fn engine<E>(statement: &'static str) -> impl FnOnce(E) -> StoreError
where
    E: std::error::Error + Send + Sync + 'static,
{
    move |source| StoreError::Engine {
        statement,
        source: Box::new(source),
    }
}

impl SqliteStore {
    /// Opens or makes the database, and brings its schema up to date.
    ///
    /// # Errors
    /// The file cannot be opened, SQLite is too old, or the schema is newer than this binary.
    pub async fn open(config: SqliteConfig) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(&config.path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_millis(config.busy_timeout_ms))
            .pragma("trusted_schema", "OFF")
            .pragma("cell_size_check", "ON")
            .pragma("mmap_size", "0")
            .pragma("temp_store", "MEMORY")
            .pragma("cache_size", format!("-{}", config.cache_kib))
            .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
            .disable_statement_logging();
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .min_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options.clone())
            .await
            .map_err(engine("open"))?;
        make_private(&config.path)?;
        refuse_old(&writer).await?;
        migrate::migrate(&writer).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(config.readers)
            .min_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options.pragma("query_only", "ON").create_if_missing(false))
            .await
            .map_err(engine("open"))?;
        Ok(Self { writer, readers })
    }

    async fn write<T, F>(&self, work: impl FnOnce(SqlitePool) -> F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let done = tokio::spawn(work(self.writer.clone())).await;
        done.unwrap_or_else(|_panicked| Err(engine("write")(Refused::CutOff)))
    }
}

fn make_private(path: &Path) -> Result<(), StoreError> {
    std::fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(engine("open"))
}

async fn refuse_old(pool: &SqlitePool) -> Result<(), StoreError> {
    let row = sqlx::query(include_str!("sql/version.sql"))
        .fetch_one(pool)
        .await
        .map_err(engine("version"))?;
    let version: String = row.try_get(0).map_err(engine("version"))?;
    let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or_default());
    let mut next = || parts.next().unwrap_or_default();
    if (next(), next(), next()) < OLDEST_SQLITE {
        return Err(engine("version")(Refused::Old(version)));
    }
    Ok(())
}

#[async_trait]
impl Store for SqliteStore {
    async fn records(&self, keys: &[RecordKey]) -> Result<Vec<Option<StoredRecord>>, StoreError> {
        records::get(&self.readers, keys).await
    }

    async fn record_version(&self, key: &RecordKey, version: u32) -> Result<Option<StoredRecord>, StoreError> {
        records::get_version(&self.readers, key, version).await
    }

    async fn commit(&self, commit: Arc<Commit>) -> Result<Vec<i64>, StoreError> {
        self.write(|pool| async move {
            let mut work = pool.begin_with("BEGIN IMMEDIATE").await.map_err(engine("begin"))?;
            // Dropped on an error, the transaction rolls back: all or none.
            records::write(&mut work, &commit.records).await?;
            access::write(&mut work, &commit).await?;
            let mut ids = Vec::with_capacity(commit.ledger_entries.len());
            for entry in &commit.ledger_entries {
                let done = sqlx::query(include_str!("sql/outbox_put.sql"))
                    .bind(entry.as_slice())
                    .execute(&mut *work)
                    .await;
                ids.push(done.map_err(engine("outbox_put"))?.last_insert_rowid());
            }
            work.commit().await.map_err(engine("commit"))?;
            Ok(ids)
        })
        .await
    }

    async fn access(&self) -> Result<AccessRows, StoreError> {
        access::all(&self.readers).await
    }

    async fn pending_entries(&self, limit: u32) -> Result<Vec<PendingEntry>, StoreError> {
        let name = "outbox_oldest";
        let query = sqlx::query(include_str!("sql/outbox_oldest.sql")).bind(limit);
        let rows = query.fetch_all(&self.readers).await.map_err(engine(name))?;
        rows.iter()
            .map(|row| {
                let id = row.try_get(0).map_err(engine(name))?;
                Ok(PendingEntry {
                    id,
                    entry: row.try_get(1).map_err(engine(name))?,
                })
            })
            .collect()
    }

    async fn forget_entries(&self, ids: &[i64]) -> Result<(), StoreError> {
        if ids.is_empty() {
            return Ok(());
        }
        let list = format!("{ids:?}");
        self.write(|pool| async move {
            let query = sqlx::query(include_str!("sql/outbox_forget.sql")).bind(list);
            query.execute(&pool).await.map(drop).map_err(engine("outbox_forget"))
        })
        .await
    }

    async fn add_usage(&self, usage: &[GrantUsage]) -> Result<(), StoreError> {
        if usage.is_empty() {
            return Ok(());
        }
        let usage = usage.to_vec();
        self.write(|pool| async move {
            let mut work = pool.begin_with("BEGIN IMMEDIATE").await.map_err(engine("begin"))?;
            for row in &usage {
                let used = i64::try_from(row.used).unwrap_or(i64::MAX);
                let query = sqlx::query(include_str!("sql/usage_add.sql"))
                    .bind(&row.grant)
                    .bind(row.day)
                    .bind(used);
                query.execute(&mut *work).await.map_err(engine("usage_add"))?;
            }
            work.commit().await.map_err(engine("commit"))
        })
        .await
    }

    async fn record_counts(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let name = "record_counts";
        let query = sqlx::query(include_str!("sql/record_counts.sql"));
        let rows = query.fetch_all(&self.readers).await.map_err(engine(name))?;
        rows.iter()
            .map(|row| {
                let count: i64 = row.try_get(1).map_err(engine(name))?;
                Ok((
                    row.try_get(0).map_err(engine(name))?,
                    u64::try_from(count).unwrap_or_default(),
                ))
            })
            .collect()
    }

    async fn ping(&self) -> Result<(), StoreError> {
        for pool in [&self.readers, &self.writer] {
            sqlx::query(include_str!("sql/ping.sql"))
                .execute(pool)
                .await
                .map_err(engine("ping"))?;
        }
        Ok(())
    }

    async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}
