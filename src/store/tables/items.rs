//! Service items that were registered.

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
    items::{ItemRow, ItemStore},
};

#[async_trait]
impl<E: StoreEngine> ItemStore for SqlStore<E> {
    async fn items(&self) -> Result<Vec<ItemRow>, StoreError> {
        const TABLE: &str = "items";
        let read = |row: &E::Row| {
            Ok(ItemRow {
                code: column(row, 0, TABLE, "code")?,
                version: number(row, 1, TABLE, "version")?,
                body: column(row, 2, TABLE, "body")?,
                updated_at: column(row, 3, TABLE, "updated_at")?,
            })
        };
        fetch(&self.readers, statement::SELECT_ITEMS, |query| query, read).await
    }
}

/// Writes service items.
pub(super) fn apply<'a, E: StoreEngine>(
    conn: &'a mut ConnectionLease<'_, E>,
    batches: &'a [&'a CommitBatch],
) -> ApplyResult<'a> {
    Box::pin(async move {
        for row in rows_of(batches) {
            changed(conn, statement::UPSERT_ITEM, 1, |query| bind_item(query, row)).await?;
        }
        Ok(())
    })
}

fn bind_item<Q: StatementCall>(query: Q, row: &ItemRow) -> Q {
    query
        .bind(row.code.clone())
        .bind(i64::from(row.version))
        .bind(row.body.clone())
        .bind(row.updated_at)
}
