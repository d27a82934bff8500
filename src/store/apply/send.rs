//! Sends one statement, or rows in few statements, and holds the engine to the number of rows that were decided on.

use crate::engine::Engine;
use crate::fault::Fault;
use crate::pool::Lease;
use crate::statement::{RowStatement, Statement};

/// Runs one statement and refuses when it changed another number of rows than its caller decided on.
pub(crate) async fn changed<E: Engine>(
    conn: &mut Lease<'_, E>,
    statement: Statement,
    rows: usize,
    bind: impl FnOnce(E::Call) -> E::Call,
) -> Result<(), Fault> {
    let call = bind(E::call(E::text(statement)));
    as_expected(conn.execute(statement.name, call).await?, rows)
}

/// Runs a statement that may change any number of rows.
pub(crate) async fn run<E: Engine>(
    conn: &mut Lease<'_, E>,
    statement: Statement,
    bind: impl FnOnce(E::Call) -> E::Call,
) -> Result<(), Fault> {
    let call = bind(E::call(E::text(statement)));
    conn.execute(statement.name, call).await.map(drop)
}

/// Refuses when the engine changed another number of rows than `rows`.
pub(super) fn as_expected(affected: u64, rows: usize) -> Result<(), Fault> {
    if u64::try_from(rows) == Ok(affected) {
        Ok(())
    } else {
        Err(Fault::Conflict)
    }
}

/// Sends rows in few statements, and refuses when one of them changed another number of rows.
pub(crate) async fn send_rows<E: Engine, T>(
    conn: &mut Lease<'_, E>,
    sql: &'static RowStatement,
    rows: &[&T],
    bind: impl Fn(E::Call, &T) -> E::Call,
) -> Result<(), Fault> {
    for (text, run) in sql.runs::<E, _>(rows) {
        let call = run.iter().fold(E::call(text), |query, row| bind(query, row));
        as_expected(conn.execute(sql.name, call).await?, run.len())?;
    }
    Ok(())
}
