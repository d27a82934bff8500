//! Runs statements inside the open transaction of a group of commits.
//! A fault says only that *some* commit of the group does not stand: the caller must roll back, whoever's it was.

use super::{
    engine::StoreEngine,
    fault::StoreFault,
    pool::ConnectionLease,
    statement::{self, RowStatement, SqlStatement},
};

/// One harmless write, to show that the engine can.
pub(super) async fn ping<E: StoreEngine>(conn: &mut ConnectionLease<'_, E>) -> Result<(), StoreFault> {
    changed(conn, statement::PING, 1, |query| query).await
}

/// Runs one statement and refuses when it changed another number of rows than its caller decided on.
pub(super) async fn changed<E: StoreEngine>(
    conn: &mut ConnectionLease<'_, E>,
    statement: SqlStatement,
    rows: usize,
    bind: impl FnOnce(E::Call) -> E::Call,
) -> Result<(), StoreFault> {
    let call = bind(E::call(E::text(statement)));
    as_expected(conn.execute(statement.name, call).await?, rows)
}

/// Runs a statement that may change any number of rows.
pub(super) async fn run<E: StoreEngine>(
    conn: &mut ConnectionLease<'_, E>,
    statement: SqlStatement,
    bind: impl FnOnce(E::Call) -> E::Call,
) -> Result<(), StoreFault> {
    let call = bind(E::call(E::text(statement)));
    conn.execute(statement.name, call).await.map(drop)
}

pub(super) fn as_expected(affected: u64, rows: usize) -> Result<(), StoreFault> {
    if u64::try_from(rows) == Ok(affected) {
        Ok(())
    } else {
        Err(StoreFault::Conflict)
    }
}

/// Sends rows in few statements, and refuses when one of them changed another number of rows.
pub(super) async fn send_rows<E: StoreEngine, T>(
    conn: &mut ConnectionLease<'_, E>,
    sql: &'static RowStatement,
    rows: &[&T],
    bind: impl Fn(E::Call, &T) -> E::Call,
) -> Result<(), StoreFault> {
    for (text, run) in sql.runs::<E, _>(rows) {
        let call = run.iter().fold(E::call(text), |query, row| bind(query, row));
        as_expected(conn.execute(sql.name, call).await?, run.len())?;
    }
    Ok(())
}
