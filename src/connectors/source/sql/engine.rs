//! Connections of the three engines behind one face: open one that only reads, ask for one row, say what failed.
//! A future here may be dropped at any await, and then its connection is dropped with it and never used again: nobody
//! knows what half an answer it still carries.

use std::{
    str::FromStr as _,
    time::{Duration, Instant},
};

use futures_util::{Stream, TryStreamExt as _};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, Row as _,
    mysql::{MySqlConnectOptions, MySqlConnection, MySqlDatabaseError},
    postgres::{PgConnectOptions, PgConnection},
    sqlite::{SqliteConnectOptions, SqliteConnection},
};

use super::{
    cell::RowCells,
    query::{PlaceStyle, SqlQuery},
};
use heyan_ports::outward::SourceFault;

/// An engine and where it is. Holds a password: no `Debug`.
#[derive(Clone)]
pub(super) enum SqlEngine {
    Postgres(Box<PgConnectOptions>),
    MySql(Box<MySqlConnectOptions>),
    Sqlite(Box<SqliteConnectOptions>),
}

/// A connection that is owned by nobody else.
pub(super) enum SqlConnection {
    Postgres(Box<PgConnection>),
    MySql(Box<MySqlConnection>),
    Sqlite(Box<SqliteConnection>),
}

/// Virtual machine steps of SQLite between two looks at the clock.
const STEPS: i32 = 10_000;

impl SqlEngine {
    /// Reads a URL. No statement is logged: the log would hold the text of every query.
    pub(super) fn parse(url: &str) -> Result<Self, SourceFault> {
        let wrong = |_error| SourceFault::Setup("the URL of the database cannot be read");
        match url.split(':').next().unwrap_or_default() {
            "postgres" | "postgresql" => {
                let options = PgConnectOptions::from_str(url).map_err(wrong)?;
                let options = options.application_name("heyan").disable_statement_logging();
                Ok(Self::Postgres(Box::new(options)))
            }
            "mysql" | "mariadb" => {
                let options = MySqlConnectOptions::from_str(url).map_err(wrong)?;
                Ok(Self::MySql(Box::new(options.disable_statement_logging())))
            }
            "sqlite" => {
                let options = SqliteConnectOptions::from_str(url).map_err(wrong)?;
                let options = options.read_only(true).create_if_missing(false);
                Ok(Self::Sqlite(Box::new(options.disable_statement_logging())))
            }
            _ => Err(SourceFault::Setup("the URL is of no known engine")),
        }
    }

    pub(super) fn places(&self) -> PlaceStyle {
        match self {
            Self::Postgres(_) => PlaceStyle::Numbered,
            Self::MySql(_) | Self::Sqlite(_) => PlaceStyle::Marks,
        }
    }

    /// Opens a connection that only reads and whose server gives a statement up after `statement`.
    pub(super) async fn connect(&self, statement: Duration) -> Result<SqlConnection, SourceFault> {
        let ms = statement.as_millis().max(1);
        match self {
            Self::Postgres(options) => {
                let mut connection = PgConnection::connect_with(options).await.map_err(fault_of)?;
                let set = format!(
                    "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY; SET statement_timeout = {ms}; \
                     SET lock_timeout = {ms}"
                );
                // Our own words and a number: nothing of a request is in it.
                connection
                    .execute(sqlx::raw_sql(AssertSqlSafe(set)))
                    .await
                    .map_err(fault_of)?;
                Ok(SqlConnection::Postgres(Box::new(connection)))
            }
            Self::MySql(options) => {
                let mut connection = MySqlConnection::connect_with(options).await.map_err(fault_of)?;
                let row = connection.fetch_one("SELECT VERSION()").await.map_err(fault_of)?;
                let version: String = row.try_get(0).map_err(fault_of)?;
                // The one counts seconds and the other milliseconds.
                let limit = if version.contains("MariaDB") {
                    format!("max_statement_time = {}", statement.as_secs_f64())
                } else {
                    format!("max_execution_time = {ms}")
                };
                for set in [
                    "SET SESSION TRANSACTION READ ONLY".to_owned(),
                    format!("SET SESSION {limit}"),
                ] {
                    connection
                        .execute(sqlx::raw_sql(AssertSqlSafe(set)))
                        .await
                        .map_err(fault_of)?;
                }
                Ok(SqlConnection::MySql(Box::new(connection)))
            }
            Self::Sqlite(options) => {
                let options = (**options).clone().busy_timeout(statement);
                let connection = SqliteConnection::connect_with(&options).await.map_err(fault_of)?;
                Ok(SqlConnection::Sqlite(Box::new(connection)))
            }
        }
    }
}

/// What an asked row says: for each wanted column its text.
pub(super) type RowTexts = Vec<Option<String>>;

impl SqlConnection {
    /// The one row of a query, or none.
    pub(super) async fn row(
        &mut self,
        query: &SqlQuery,
        values: &[String],
        columns: &[&str],
        end: Instant,
    ) -> Result<Option<RowTexts>, SourceFault> {
        let text = AssertSqlSafe(std::sync::Arc::clone(&query.text));
        match self {
            Self::Postgres(connection) => {
                let bound = values.iter().fold(sqlx::query(text), |query, value| query.bind(value));
                one(bound.fetch(&mut **connection), columns).await
            }
            Self::MySql(connection) => {
                let bound = values.iter().fold(sqlx::query(text), |query, value| query.bind(value));
                one(bound.fetch(&mut **connection), columns).await
            }
            Self::Sqlite(connection) => {
                let mut handle = connection.lock_handle().await.map_err(fault_of)?;
                handle.set_progress_handler(STEPS, move || Instant::now() < end);
                drop(handle);
                let bound = values.iter().fold(sqlx::query(text), |query, value| query.bind(value));
                one(bound.fetch(&mut **connection), columns).await
            }
        }
    }
}

/// At most two rows are read, however many the query would give.
async fn one<R: RowCells>(
    mut rows: impl Stream<Item = Result<R, sqlx::Error>> + Unpin,
    columns: &[&str],
) -> Result<Option<RowTexts>, SourceFault> {
    let Some(row) = rows.try_next().await.map_err(fault_of)? else {
        return Ok(None);
    };
    let texts = columns
        .iter()
        .map(|column| row.text(column))
        .collect::<Result<_, _>>()?;
    match rows.try_next().await.map_err(fault_of)? {
        None => Ok(Some(texts)),
        Some(_) => Err(SourceFault::Unreadable("several rows")),
    }
}

/// What an engine's error comes to. Its text may quote values, and goes no further.
fn fault_of(error: sqlx::Error) -> SourceFault {
    match error {
        sqlx::Error::Database(error) => match error.try_downcast_ref::<MySqlDatabaseError>() {
            Some(mysql) => fault_of_mysql(mysql.number()),
            None => fault_of_code(&error.code().unwrap_or_default()),
        },
        sqlx::Error::Configuration(_) | sqlx::Error::InvalidArgument(_) => {
            SourceFault::Setup("the URL of the database cannot be used")
        }
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => SourceFault::Unreadable("a column's value"),
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::WorkerCrashed => SourceFault::Connect,
        sqlx::Error::Protocol(_) => SourceFault::Unreadable("the server's protocol"),
        _ => SourceFault::Answer,
    }
}

const REFUSED: SourceFault = SourceFault::Setup("the database refuses the query");

/// SQLSTATE of PostgreSQL (five characters), or the result code of SQLite (a number).
fn fault_of_code(code: &str) -> SourceFault {
    match code {
        // Cancelled by its time limit, or by waiting for a lock.
        "57014" | "55P03" => SourceFault::Timeout,
        "42501" => SourceFault::Auth,
        _ if code.starts_with("28") => SourceFault::Auth,
        // Shut down, too many connections, broken connection.
        _ if code.starts_with("57P") || code.starts_with("53") || code.starts_with("08") => SourceFault::Connect,
        // Syntax, names, types; a write in a session that only reads; no such database.
        "25006" | "3D000" => REFUSED,
        _ if code.len() == 5 && code.starts_with("42") => REFUSED,
        // SQLite: interrupted, busy; cannot open; error, read only.
        "9" | "5" | "6" => SourceFault::Timeout,
        "14" => SourceFault::Connect,
        "1" | "8" => REFUSED,
        _ => SourceFault::Answer,
    }
}

fn fault_of_mysql(number: u16) -> SourceFault {
    match number {
        // Statement time limit of MySQL and MariaDB, lock wait.
        3024 | 1969 | 1205 | 1317 => SourceFault::Timeout,
        1044 | 1045 | 1142 | 1143 | 1698 => SourceFault::Auth,
        // Too many connections, shut down, connection killed.
        1040 | 1053 | 1927 | 1152 | 1158..=1161 => SourceFault::Connect,
        1049 | 1054 | 1064 | 1146 | 1305 | 1792 => REFUSED,
        _ => SourceFault::Answer,
    }
}
