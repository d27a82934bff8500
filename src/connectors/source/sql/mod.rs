//! A source that is a table or view of somebody's database: one bound query for one subject.
//! Connections are this source's own and not those of a pool: a pool's permit is lost for ever with a peer that died
//! silently (sqlx #4349), whereas here the permit belongs to the task that asks, and the connection of a question that was
//! given up is dropped with it.
//!
//! `connections ≤ requests_at_once`, `questions ≤ requests_at_once + waiting_requests_max`, and every question ends
//! within `total_timeout_ms`, whatever the server does.

mod cell;
mod engine;
mod query;

use std::{
    os::unix::fs::PermissionsExt as _,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use serde_json::{Map, Value};
use tokio::sync::Semaphore;

use super::config::{ConnectorLimits, FieldMap, SqlConfig};
use super::sql::{
    engine::{RowTexts, SqlConnection, SqlEngine},
    query::SqlQuery,
};
use heyan_ports::outward::{SourceFault, SourceRecord};

/// A connection that nobody used for so long is not used again: something between may have forgotten it.
const IDLE_MAX: Duration = Duration::from_secs(60);

/// Of the whole time, what the server gets for a statement: it gives up before we do.
const STATEMENT_SHARE: f64 = 0.8;

/// One database that is asked.
pub struct SqlSource(Arc<SqlInner>);

struct SqlInner {
    engine: SqlEngine,
    query: SqlQuery,
    columns: FieldMap,
    version_column: Option<String>,
    connect: Duration,
    total: Duration,
    answer_bytes_max: usize,
    /// Questions under way and waiting.
    queue: Arc<Semaphore>,
    /// Questions under way.
    at_once: Semaphore,
    idle: Mutex<Vec<IdleConnection>>,
}

struct IdleConnection {
    connection: SqlConnection,
    since: Instant,
}

impl SqlSource {
    /// Reads the URL from the configuration's file. Nothing is connected yet.
    ///
    /// # Errors
    /// The file, which nobody else may read, the URL or the query cannot be used.
    pub fn open(config: &SqlConfig, limits: &ConnectorLimits) -> Result<Self, SourceFault> {
        let unreadable = |_error| SourceFault::Setup("the file with the URL of the database cannot be read");
        let about = std::fs::metadata(&config.engine_url_file).map_err(unreadable)?;
        if about.permissions().mode() & 0o077 != 0 {
            return Err(SourceFault::Setup(
                "the file with the URL of the database is open to others: chmod 600",
            ));
        }
        let url = std::fs::read_to_string(&config.engine_url_file).map_err(unreadable)?;
        Self::new(url.trim(), config, limits)
    }

    /// As [`SqlSource::open`], with the URL given.
    ///
    /// # Errors
    /// The URL or the query cannot be used.
    pub fn new(url: &str, config: &SqlConfig, limits: &ConnectorLimits) -> Result<Self, SourceFault> {
        let engine = SqlEngine::parse(url)?;
        let query = SqlQuery::parse(&config.query, engine.places())?;
        let at_once = limits.requests_at_once.max(1);
        Ok(Self(Arc::new(SqlInner {
            engine,
            query,
            columns: config.columns.clone(),
            version_column: config.version_column.clone(),
            connect: Duration::from_millis(limits.connect_timeout_ms),
            total: Duration::from_millis(limits.total_timeout_ms),
            answer_bytes_max: limits.answer_bytes_max,
            queue: Arc::new(Semaphore::new(at_once.saturating_add(limits.waiting_requests_max))),
            at_once: Semaphore::new(at_once),
            idle: Mutex::new(Vec::new()),
        })))
    }

    /// Identifiers that the query binds: each must be one of the dataset's.
    pub fn identifiers(&self) -> &[Box<str>] {
        &self.0.query.binds
    }

    /// Asks for one subject. May be dropped: the question then ends by itself, within its time.
    ///
    /// # Errors
    /// No answer that can be believed.
    pub async fn ask(&self, subject: &[(String, String)]) -> Result<Option<SourceRecord>, SourceFault> {
        let values = self.0.values(subject)?;
        let ticket = Arc::clone(&self.0.queue)
            .try_acquire_owned()
            .map_err(|_full| SourceFault::Busy)?;
        let inner = Arc::clone(&self.0);
        // On its own task: who asked may go away in the middle, and sqlx futures must not be dropped with a connection
        // that is used again.
        let question = tokio::spawn(async move {
            let answer = tokio::time::timeout(inner.total, Box::pin(inner.answer(&values))).await;
            drop(ticket);
            answer.unwrap_or_else(|_elapsed| {
                // What made this one hang may have made the idle ones dead.
                inner.idle().clear();
                Err(SourceFault::Timeout)
            })
        });
        question.await.unwrap_or(Err(SourceFault::Answer))
    }
}

impl SqlInner {
    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<IdleConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn values(&self, subject: &[(String, String)]) -> Result<Vec<String>, SourceFault> {
        let value = |name: &str| {
            let member = subject.iter().find(|(member, _)| member == name);
            member.map(|(_, value)| value.clone())
        };
        let values: Option<Vec<String>> = self.query.binds.iter().map(|name| value(name)).collect();
        values.ok_or(SourceFault::Setup(
            "the query names an identifier that the dataset does not have",
        ))
    }

    async fn answer(&self, values: &[String]) -> Result<Option<SourceRecord>, SourceFault> {
        let end = Instant::now() + self.total;
        let _turn = self.at_once.acquire().await.map_err(|_closed| SourceFault::Busy)?;
        let wanted = self.columns.values().map(|field| field.from.as_str());
        let wanted: Vec<&str> = wanted.chain(self.version_column.as_deref()).collect();
        let texts = loop {
            let idle = self.take();
            let fresh = idle.is_none();
            let mut connection = match idle {
                Some(connection) => connection,
                None => self.open_connection().await?,
            };
            match connection.row(&self.query, values, &wanted, end).await {
                Ok(texts) => {
                    self.give_back(connection);
                    break texts;
                }
                // The server may have closed an idle connection: reading twice does no harm. A fresh one tells the truth.
                Err(SourceFault::Connect) if !fresh => {}
                Err(fault) => return Err(fault),
            }
        };
        texts.map(|texts| self.record(texts)).transpose()
    }

    /// The idle connection that was used last, if it is young enough.
    fn take(&self) -> Option<SqlConnection> {
        let mut idle = self.idle();
        idle.retain(|idle| idle.since.elapsed() < IDLE_MAX);
        idle.pop().map(|idle| idle.connection)
    }

    fn give_back(&self, connection: SqlConnection) {
        self.idle().push(IdleConnection {
            connection,
            since: Instant::now(),
        });
    }

    async fn open_connection(&self) -> Result<SqlConnection, SourceFault> {
        let statement = self.total.mul_f64(STATEMENT_SHARE);
        tokio::time::timeout(self.connect, self.engine.connect(statement))
            .await
            .unwrap_or(Err(SourceFault::Timeout))
    }

    fn record(&self, texts: RowTexts) -> Result<SourceRecord, SourceFault> {
        let length: usize = texts.iter().flatten().map(String::len).sum();
        if length > self.answer_bytes_max {
            return Err(SourceFault::Unreadable("too long"));
        }
        let mut texts = texts.into_iter();
        let mut fields = Map::new();
        for (ours, theirs) in &self.columns {
            let said = texts.next().flatten();
            if let Some(value) = theirs.value_of(said.as_deref())? {
                fields.insert(ours.clone(), Value::from(value));
            }
        }
        let version = |text: Option<String>| {
            let number = text
                .and_then(|text| text.parse::<i64>().ok())
                .filter(|number| *number >= 0);
            number.ok_or(SourceFault::Unreadable("the version"))
        };
        let source_version = match self.version_column {
            Some(_) => Some(version(texts.next().flatten())?),
            None => None,
        };
        Ok(SourceRecord { fields, source_version })
    }
}
