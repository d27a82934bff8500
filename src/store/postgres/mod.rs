//! The store of several nodes: PostgreSQL, reached over the network.
//! `acknowledged ⇒ synced` rests on settings of the server: one that could lose what it acknowledged is refused at the start.
//!
//! Nothing here waits without end. The server ends a statement after `statement_timeout_ms`; this side gives a call up a little
//! later and throws its connection away, for a peer that is silently gone answers nothing.

mod copy;
mod line;
mod open;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgRow, Postgres};

use super::batch::{RecordRow, StoreNode};
use super::engine::{EngineName, ErrorKind, OpenLine, StoreEngine, of_driver};
use super::lists::LISTS_MAX;
use super::migrate;
use super::pool::{ConnectionPool, PoolPatience};
use super::sql_store::SqlStore;
use super::writer::WriterLimits;
use super::writer_task;
use heyan_ports::store::Store;
use heyan_ports::{error::StoreError, nodes::NodeNews};

/// Where the database is and how much of it this node uses.
#[derive(Clone)]
pub struct PostgresConfig {
    /// Connection URL, with the password: no `Debug`.
    pub url: String,
    /// Name of the node whose ledger takes the entries of commits.
    pub origin: String,
    /// Connections that look up.
    pub readers: u32,
    /// Connections that write, each taking what waits as one transaction.
    pub writers: u32,
    /// How long to wait for a connection, milliseconds.
    pub connect_timeout_ms: u64,
    /// After how long the server ends a statement, milliseconds.
    pub statement_timeout_ms: u64,
    /// Whether this node may bring the schema up to date.
    pub migrate: MigratePolicy,
    /// Writes that may wait for a writer; further callers wait outside, first come first served.
    pub write_queue_max: usize,
    /// Writes that may share one transaction.
    pub group_writes_max: usize,
    /// Rows of one transaction after which no further write joins it.
    pub group_rows_max: usize,
}

/// Whether a start takes missing steps of the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MigratePolicy {
    /// It does: its role may change the schema.
    AtStart,
    /// It refuses to start instead.
    Refuse,
}

impl PostgresConfig {
    /// Defaults: 8 readers, 2 writers, 5 s to connect and for a statement.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            origin: String::new(),
            readers: 8,
            writers: 2,
            connect_timeout_ms: 5_000,
            statement_timeout_ms: 5_000,
            migrate: MigratePolicy::AtStart,
            write_queue_max: 1_024,
            group_writes_max: 512,
            group_rows_max: 20_000,
        }
    }

    /// Refuses a connection URL that cannot be read; connects nowhere.
    ///
    /// # Errors
    /// [`StoreError::Engine`] with statement `open`.
    pub fn check(&self) -> Result<(), StoreError> {
        open::options(self).map(drop)
    }

    /// This side's limit is a little later than the server's, so that a slow statement is the server's to end.
    fn patience(&self) -> PoolPatience {
        PoolPatience {
            connect: Some(Duration::from_millis(self.connect_timeout_ms)),
            answer: Some(Duration::from_millis(self.statement_timeout_ms) + ANSWER_GRACE),
        }
    }
}

const ANSWER_GRACE: Duration = Duration::from_millis(1_000);

/// Connects, checks that the server keeps what it acknowledges, and brings the schema up to date or requires that it is.
///
/// # Errors
/// [`StoreError::Engine`] with statement `open` when the database must not be used; else what failed.
pub async fn open_postgres(config: &PostgresConfig) -> Result<Arc<dyn Store>, StoreError> {
    let options = open::options(config)?;
    let pool = |places: u32| ConnectionPool::<Postgres>::new(options.clone(), places, config.patience());
    let readers = pool(config.readers);
    open::refuse_unsafe_server(&readers).await?;
    match config.migrate {
        MigratePolicy::AtStart => migrate::migrate(&readers).await?,
        MigratePolicy::Refuse => migrate::require(&readers).await?,
    }
    let limits = WriterLimits {
        queue: config.write_queue_max,
        group_jobs: config.group_writes_max,
        group_rows: config.group_rows_max,
    };
    let node = StoreNode {
        origin: config.origin.as_str().into(),
        run: format!("{}/{}", config.origin, uuid::Uuid::now_v7().simple()).into(),
    };
    let writers = (0..config.writers.max(1)).map(|_| writer_task::start(Arc::new(pool(1)), limits));
    let line = ListenOptions(options.clone());
    Ok(Arc::new(SqlStore::new(
        node,
        readers,
        pool(LISTS_MAX),
        writers.collect(),
        Some(line),
    )))
}

/// How a line is opened.
pub(super) struct ListenOptions(PgConnectOptions);

#[async_trait]
impl OpenLine for ListenOptions {
    async fn listen(&self, run: &Arc<str>) -> Result<Box<dyn NodeNews>, StoreError> {
        line::ListenLine::begin(self.0.clone(), run).await
    }
}

of_driver!(Postgres, PgRow);

impl StoreEngine for Postgres {
    type Call = sqlx::query::Query<'static, Self, <Self as sqlx::Database>::Arguments>;
    type Line = ListenOptions;
    const ENGINE: EngineName = EngineName::Postgres;

    fn call(text: &'static str) -> Self::Call {
        sqlx::query(text)
    }

    async fn execute(conn: &mut PgConnection, call: Self::Call) -> Result<u64, sqlx::Error> {
        call.execute(conn).await.map(|done| done.rows_affected())
    }

    async fn rows(conn: &mut PgConnection, call: Self::Call) -> Result<Vec<PgRow>, sqlx::Error> {
        call.fetch_all(conn).await
    }

    async fn script(conn: &mut PgConnection, text: &'static str) -> Result<(), sqlx::Error> {
        sqlx::raw_sql(text).execute(conn).await.map(drop)
    }

    async fn numbered(conn: &mut PgConnection, call: Self::Call, _rows: usize) -> Result<Vec<i64>, sqlx::Error> {
        let rows = call.fetch_all(conn).await?;
        rows.iter().map(|row| sqlx::Row::try_get(row, 0)).collect()
    }

    async fn copy_records(conn: &mut PgConnection, rows: &[&RecordRow]) -> Result<Option<u64>, sqlx::Error> {
        copy::records(conn, rows).await
    }

    fn kind(error: &sqlx::Error) -> ErrorKind {
        let code = error.as_database_error().and_then(|error| error.code());
        match code.as_deref() {
            // A key is taken; one of two that waited for each other; one of two that cannot both have been first.
            Some("23505" | "40P01" | "40001") => ErrorKind::Conflict,
            // Values, constraints and limits of what a commit holds.
            Some(code) if matches!(code.get(..2), Some("22" | "23" | "54")) => ErrorKind::OfOneCommit,
            _ => ErrorKind::Engine,
        }
    }
}
