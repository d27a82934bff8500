//! How this program connects, and what it requires of the server before it trusts it with an acknowledgement.
//! Every session gets its own limits, so that a statement, a lock or a transaction that hangs is ended by the server.

use std::str::FromStr;

use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, Postgres};

use super::PostgresConfig;
use crate::OpenError;
use crate::engine::StoreEngine;
use crate::pool::ConnectionPool;
use crate::rows::column;
use crate::statement;
use heyan_ports::error::StoreError;

/// A lock is not waited for as long as a statement may take.
const LOCK_SHARE: u64 = 2;

/// Oldest server that this is tested with.
const SERVER_MIN: i64 = 140_000;

pub(super) fn options(config: &PostgresConfig) -> Result<PgConnectOptions, StoreError> {
    // The driver takes any scheme.
    if !["postgres://", "postgresql://"]
        .iter()
        .any(|scheme| config.url.starts_with(scheme))
    {
        return Err(OpenError::BadUrl.into());
    }
    // The driver's error would quote the URL, which holds the password.
    let options = PgConnectOptions::from_str(&config.url).map_err(|_quotes_the_url| OpenError::BadUrl)?;
    let statement_ms = config.statement_timeout_ms.max(1);
    Ok(options
        .application_name(&format!("heyan {}", config.origin))
        .options([
            ("statement_timeout", statement_ms),
            ("lock_timeout", (statement_ms / LOCK_SHARE).max(1)),
            ("idle_in_transaction_session_timeout", 2 * statement_ms),
            // The server gives up a peer that takes nothing, however it went.
            ("tcp_user_timeout", 2 * statement_ms),
        ])
        .options([("synchronous_commit", "on"), ("jit", "off")])
        .disable_statement_logging())
}

/// Refuses a server that is too old, or that could lose what it acknowledged.
pub(super) async fn refuse_unsafe_server(pool: &ConnectionPool<Postgres>) -> Result<(), StoreError> {
    let check = statement::SERVER_SETTINGS;
    let rows = pool
        .lend()
        .await?
        .rows(check.name, Postgres::call(check.postgres))
        .await?;
    let mut version = 0;
    for row in &rows {
        let name: &str = column(row, 0, "pg_settings", "name")?;
        let value: &str = column(row, 1, "pg_settings", "setting")?;
        match (name, value) {
            ("server_version_num", number) => version = number.parse().unwrap_or(0),
            ("fsync" | "full_page_writes", "off") => {
                return Err(OpenError::UnsafeServer {
                    setting: name.to_owned(),
                    value: value.to_owned(),
                }
                .into());
            }
            ("server_encoding", encoding) if encoding != "UTF8" => {
                return Err(OpenError::UnsafeServer {
                    setting: name.to_owned(),
                    value: value.to_owned(),
                }
                .into());
            }
            _ => {}
        }
    }
    match version >= SERVER_MIN {
        true => Ok(()),
        false => Err(OpenError::ServerTooOld { found: version }.into()),
    }
}
