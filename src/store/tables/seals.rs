//! Seals: compared and set by their revision.

use async_trait::async_trait;

use crate::{
    apply::changed,
    batch::{ApplyResult, CommitBatch, rows_of},
    engine::{StatementCall, StoreEngine},
    pool::ConnectionLease,
    rows::{column, fetch, number},
    sql_store::SqlStore,
    statement::{self},
};
use heyan_ports::{
    error::StoreError,
    seals::{SealRow, SealStore},
};

#[async_trait]
impl<E: StoreEngine> SealStore for SqlStore<E> {
    async fn seals(&self) -> Result<Vec<SealRow>, StoreError> {
        const TABLE: &str = "trace_seals";
        let read = |row: &E::Row| {
            Ok(SealRow {
                id: column(row, 0, TABLE, "id")?,
                state: column(row, 1, TABLE, "state")?,
                until: column(row, 2, TABLE, "until")?,
                revision: number(row, 3, TABLE, "revision")?,
                facts: column(row, 4, TABLE, "facts")?,
                created_at: column(row, 5, TABLE, "created_at")?,
                updated_at: column(row, 6, TABLE, "updated_at")?,
            })
        };
        fetch(&self.readers, statement::SELECT_SEALS, |query| query, read).await
    }
}

/// Writes seals.
pub(super) fn apply<'a, E: StoreEngine>(
    conn: &'a mut ConnectionLease<'_, E>,
    batches: &'a [&'a CommitBatch],
) -> ApplyResult<'a> {
    Box::pin(async move {
        for row in rows_of(batches) {
            changed(conn, statement::UPSERT_SEAL, 1, |query| bind_seal(query, row)).await?;
        }
        Ok(())
    })
}

fn bind_seal<Q: StatementCall>(query: Q, row: &SealRow) -> Q {
    query
        .bind(row.id.clone())
        .bind(row.state.clone())
        .bind(row.until)
        .bind(i64::from(row.revision))
        .bind(row.facts.clone())
        .bind(row.created_at)
        .bind(row.updated_at)
}
