//! Ledger entries that wait to be appended.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    apply::run,
    batch::{CommitBatch, json_text},
    engine::{StatementCall, StoreEngine},
    fault::StoreFault,
    pool::{ConnectionLease, ConnectionPool},
    rows::{column, fetch},
    sql_store::SqlStore,
    statement::{self, RowStatement},
    writer::WriterWork,
};
use heyan_ports::{
    error::StoreError,
    outbox::{OutboxStore, PendingEntry},
};

#[async_trait]
impl<E: StoreEngine> OutboxStore for SqlStore<E> {
    async fn pending_entries(&self, limit: u32) -> Result<Vec<PendingEntry>, StoreError> {
        pending_entries(&self.readers, &self.node.origin, limit).await
    }

    async fn take_over(&self, earlier_origin: &str) -> Result<(), StoreError> {
        let work = WriterWork::TakeOver(Arc::clone(&self.node.origin), earlier_origin.to_owned());
        self.writer().submit(work).await?;
        Ok(())
    }

    async fn forget_entries(&self, ids: &[i64]) -> Result<(), StoreError> {
        if !ids.is_empty() {
            self.writer().submit(WriterWork::Forget(json_text(ids))).await?;
        }
        Ok(())
    }
}

/// Oldest outbox rows of a node.
pub(super) async fn pending_entries<E: StoreEngine>(
    pool: &ConnectionPool<E>,
    origin: &Arc<str>,
    limit: u32,
) -> Result<Vec<PendingEntry>, StoreError> {
    let bind = |query: E::Call| query.bind(Arc::clone(origin)).bind(i64::from(limit));
    let entry = |row: &E::Row| {
        Ok(PendingEntry {
            id: column(row, 0, "ledger_outbox", "id")?,
            entry: column(row, 1, "ledger_outbox", "entry")?,
        })
    };
    fetch(pool, statement::SELECT_ENTRIES, bind, entry).await
}

/// Writes the ledger entries of all batches.
pub(super) async fn apply_entries<E: StoreEngine>(
    conn: &mut ConnectionLease<'_, E>,
    batches: &[&CommitBatch],
) -> Result<Vec<Vec<i64>>, StoreFault> {
    let sql: &'static RowStatement = &statement::INSERT_ENTRIES;
    let entries: Vec<(&Arc<str>, &Vec<u8>)> = batches
        .iter()
        .flat_map(|batch| {
            batch
                .commit
                .ledger_entries
                .iter()
                .map(|entry| (&batch.node.origin, entry))
        })
        .collect();
    let mut ids = Vec::with_capacity(entries.len());
    for (text, run) in sql.runs::<E, _>(&entries) {
        let bind = |query: E::Call, (origin, entry): &(&Arc<str>, &Vec<u8>)| {
            query.bind(Arc::clone(origin)).bind((*entry).clone())
        };
        let call = run.iter().fold(E::call(text), bind);
        ids.extend(conn.numbered(sql.name, call, run.len()).await?);
    }
    let mut ids = ids.into_iter();
    Ok(batches
        .iter()
        .map(|batch| ids.by_ref().take(batch.commit.ledger_entries.len()).collect())
        .collect())
}

/// Gives the outbox rows of the ledger `earlier` to that of `origin`, and frees the number of its node.
pub(crate) async fn take_over<E: StoreEngine>(
    conn: &mut ConnectionLease<'_, E>,
    origin: &Arc<str>,
    earlier: &str,
) -> Result<(), StoreFault> {
    let bind = |query: E::Call| query.bind(Arc::clone(origin)).bind(earlier.to_owned());
    run(conn, statement::ADOPT_ENTRIES, bind).await?;
    run(conn, statement::DELETE_NODE, |query| query.bind(earlier.to_owned())).await
}

/// Deletes outbox rows; `ids` is a JSON array. How many rows go is not checked: after a crash between the ledger's
/// sync and this call the same ids are forgotten again.
pub(crate) async fn forget_entries<E: StoreEngine>(
    conn: &mut ConnectionLease<'_, E>,
    ids: &str,
) -> Result<(), StoreFault> {
    run(conn, statement::DELETE_ENTRIES, |query| query.bind(ids.to_owned())).await
}
