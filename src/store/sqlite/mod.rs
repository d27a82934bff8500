//! The embedded store: one SQLite file, one writer, several readers.
//! `acknowledged ⇒ synced`: every write waits for `synchronous=FULL`, also when it shares its sync with others.
//! The write connection belongs to the writer task alone; nothing else may take it, or the order of arrival is lost.

mod file;
mod open;

use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;

use sqlx::sqlite::{Sqlite, SqliteConnection, SqliteRow};

use super::batch::StoreNode;
use super::engine::{EngineName, ErrorKind, NoLine, StoreEngine, of_driver};
use super::lists::LISTS_MAX;
use super::migrate;
use super::sql_store::SqlStore;
use super::writer::WriterLimits;
use super::writer_task;
use heyan_ports::error::StoreError;
use heyan_ports::store::Store;

pub use self::file::SqliteFile;

/// Where the database is and how much it may use.
#[derive(Clone, Debug)]
pub struct SqliteConfig {
    /// Name of the node whose ledger takes the entries of commits.
    pub origin: String,
    /// The database file; made with mode 0600, in a directory that is made with mode 0700.
    pub path: PathBuf,
    /// Read connections, each a thread.
    pub readers: u32,
    /// How long to wait for a lock held by another process, milliseconds.
    pub busy_timeout_ms: u64,
    /// Page cache of the write connection, KiB.
    pub writer_cache_kib: u32,
    /// Page cache of each read connection, KiB.
    pub reader_cache_kib: u32,
    /// Writes that may wait for the writer; further callers wait outside, first come first served.
    pub write_queue_max: usize,
    /// Writes that may share one transaction.
    pub group_writes_max: usize,
    /// Rows of one transaction after which no further write joins it.
    pub group_rows_max: usize,
}

impl SqliteConfig {
    /// Defaults for a small machine: 4 readers, 5 s, 64 MiB for the writer, 32 MiB a reader.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            origin: String::new(),
            path: path.into(),
            readers: 4,
            busy_timeout_ms: 5_000,
            writer_cache_kib: 64 * 1024,
            reader_cache_kib: 32 * 1024,
            write_queue_max: 1_024,
            group_writes_max: 512,
            group_rows_max: 20_000,
        }
    }
}

/// The embedded system of record.
pub struct SqliteStore {
    store: Arc<dyn Store>,
}

impl Deref for SqliteStore {
    type Target = dyn Store;

    fn deref(&self) -> &Self::Target {
        &*self.store
    }
}

impl SqliteStore {
    /// Opens or creates the database and brings its schema up to date. The writer runs on the current tokio runtime,
    /// which must have a timer and outlive the store.
    ///
    /// # Errors
    /// [`StoreError::Engine`] with statement `open` and an [`OpenError`](super::OpenError) as source when the file must not be used.
    pub async fn open(config: SqliteConfig) -> Result<Self, StoreError> {
        let write_pool = open::open_writer(&config).await?;
        migrate::migrate(&write_pool).await?;
        let readers = open::open_readers(&config, config.readers).await?;
        let lists = open::open_readers(&config, LISTS_MAX).await?;
        let limits = WriterLimits {
            queue: config.write_queue_max,
            group_jobs: config.group_writes_max,
            group_rows: config.group_rows_max,
        };
        let writer = writer_task::start(Arc::new(write_pool), limits);
        let node = StoreNode {
            origin: config.origin.as_str().into(),
            run: Arc::default(),
        };
        Ok(Self {
            store: Arc::new(SqlStore::<Sqlite>::new(node, readers, lists, vec![writer], None)),
        })
    }

    /// The port.
    pub fn port(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store)
    }
}

/// Primary result codes (low byte of the extended code) that one commit can cause by what it holds.
const TOO_BIG: i32 = 18;
const CONSTRAINT: i32 = 19;
/// Extended codes of a primary key or a unique column that is already taken.
const PRIMARY_KEY_TAKEN: i32 = 1555;
const UNIQUE_TAKEN: i32 = 2067;

of_driver!(Sqlite, SqliteRow);

impl StoreEngine for Sqlite {
    type Call = sqlx::query::Query<'static, Self, <Self as sqlx::Database>::Arguments>;
    type Line = NoLine;
    const ENGINE: EngineName = EngineName::Sqlite;

    fn call(text: &'static str) -> Self::Call {
        sqlx::query(text)
    }

    async fn execute(conn: &mut SqliteConnection, call: Self::Call) -> Result<u64, sqlx::Error> {
        call.execute(conn).await.map(|done| done.rows_affected())
    }

    async fn rows(conn: &mut SqliteConnection, call: Self::Call) -> Result<Vec<SqliteRow>, sqlx::Error> {
        call.fetch_all(conn).await
    }

    async fn script(conn: &mut SqliteConnection, text: &'static str) -> Result<(), sqlx::Error> {
        sqlx::raw_sql(text).execute(conn).await.map(drop)
    }

    /// The numbers of one insert are consecutive, because the engine's counter (`AUTOINCREMENT`) only grows and there is one
    /// writer.
    async fn numbered(conn: &mut SqliteConnection, call: Self::Call, rows: usize) -> Result<Vec<i64>, sqlx::Error> {
        let last = call.execute(conn).await?.last_insert_rowid();
        let first = last - i64::try_from(rows).unwrap_or(0) + 1;
        Ok((first..=last).collect())
    }

    fn kind(error: &sqlx::Error) -> ErrorKind {
        let code: Option<i32> = error.as_database_error().and_then(|error| error.code()?.parse().ok());
        match code {
            Some(PRIMARY_KEY_TAKEN | UNIQUE_TAKEN) => ErrorKind::Conflict,
            Some(code) if matches!(code & 0xff, TOO_BIG | CONSTRAINT) => ErrorKind::OfOneCommit,
            _ => ErrorKind::Engine,
        }
    }
}
