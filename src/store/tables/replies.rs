//! First answers to requests with an idempotency key.

use async_trait::async_trait;

use crate::{
    apply::changed,
    batch::{ApplyResult, CommitBatch, rows_of},
    engine::{StatementCall, StoreEngine},
    pool::ConnectionLease,
    rows::{bytes_32, column, fetch_one, number},
    sql_store::SqlStore,
    statement::{self},
};
use heyan_ports::{
    error::StoreError,
    replies::{ReplyStore, SavedReply},
};

#[async_trait]
impl<E: StoreEngine> ReplyStore for SqlStore<E> {
    async fn reply(&self, client: &str, key: &str) -> Result<Option<SavedReply>, StoreError> {
        const TABLE: &str = "replies";
        let (client, key) = (client.to_owned(), key.to_owned());
        let bind = |query: E::Call| query.bind(client.clone()).bind(key.clone());
        let read = |row: &E::Row| {
            Ok(SavedReply {
                client: client.clone(),
                key: key.clone(),
                fingerprint: bytes_32(row, 0, TABLE, "fingerprint")?.unwrap_or_default(),
                status: number(row, 1, TABLE, "status")?,
                body: column(row, 2, TABLE, "body")?,
                at: column(row, 3, TABLE, "at")?,
            })
        };
        fetch_one(&self.readers, statement::SELECT_REPLY, bind, read).await
    }
}

/// Keeps first answers.
pub(super) fn apply<'a, E: StoreEngine>(
    conn: &'a mut ConnectionLease<'_, E>,
    batches: &'a [&'a CommitBatch],
) -> ApplyResult<'a> {
    Box::pin(async move {
        for row in rows_of(batches) {
            changed(conn, statement::INSERT_REPLY, 1, |query| bind_reply(query, row)).await?;
        }
        Ok(())
    })
}

fn bind_reply<Q: StatementCall>(query: Q, row: &SavedReply) -> Q {
    query
        .bind(row.client.clone())
        .bind(row.key.clone())
        .bind(row.fingerprint.to_vec())
        .bind(i64::from(row.status))
        .bind(row.body.clone())
        .bind(row.at)
}
