//! The nodes that share a store, and leases among them.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    apply::run,
    engine::{OpenLine, StatementCall, StoreEngine},
    fault::StoreFault,
    notice,
    pool::{ConnectionLease, ConnectionPool},
    rows::{column, fetch, fetch_one, number},
    sql_store::SqlStore,
    statement::{self},
    writer::WriterWork,
};
use heyan_ports::{
    error::StoreError,
    nodes::{CosignedRow, NodeNews, NodeRow, NodeStore},
};

#[async_trait]
impl<E: StoreEngine> NodeStore for SqlStore<E> {
    async fn listen(&self) -> Result<Option<Box<dyn NodeNews>>, StoreError> {
        match &self.line {
            Some(line) => line.listen(&self.node.run).await.map(Some),
            None => Ok(None),
        }
    }

    async fn beat(&self, number: u64) -> Result<(), StoreError> {
        self.say(notice::beat(&self.node.run, number)).await
    }

    async fn lease(&self, name: &str, for_ms: u64) -> Result<bool, StoreError> {
        if self.line.is_none() {
            return Ok(true);
        }
        let statement = statement::TAKE_LEASE;
        let call = E::call(E::text(statement))
            .bind(name.to_owned())
            .bind(Arc::clone(&self.node.origin))
            .bind(i64::try_from(for_ms).unwrap_or(i64::MAX));
        Ok(self.change(statement, call).await? == 1)
    }

    async fn release(&self, name: &str) -> Result<(), StoreError> {
        if self.line.is_some() {
            let statement = statement::DELETE_LEASE;
            let call = E::call(E::text(statement))
                .bind(name.to_owned())
                .bind(Arc::clone(&self.node.origin));
            self.change(statement, call).await?;
        }
        Ok(())
    }

    async fn show_node(&self, node: &NodeRow) -> Result<(), StoreError> {
        if self.line.is_none() {
            return Ok(());
        }
        let call = E::call(E::text(statement::UPSERT_NODE))
            .bind(node.origin.clone())
            .bind(i64::from(node.number))
            .bind(node.url.clone())
            .bind(node.ledger_key.clone())
            .bind(node.checkpoint.clone());
        match self.change(statement::UPSERT_NODE, call).await? {
            1 => Ok(()),
            _ => Err(StoreError::Conflict),
        }
    }

    // Every node that was ever shown.
    async fn nodes(&self) -> Result<Vec<NodeRow>, StoreError> {
        const TABLE: &str = "nodes";
        let read = |row: &E::Row| {
            Ok(NodeRow {
                origin: column(row, 0, TABLE, "origin")?,
                number: number(row, 1, TABLE, "number")?,
                url: column(row, 2, TABLE, "url")?,
                ledger_key: column(row, 3, TABLE, "ledger_key")?,
                checkpoint: column(row, 4, TABLE, "checkpoint")?,
                seen_at: column(row, 5, TABLE, "seen_at")?,
            })
        };
        fetch(&self.readers, statement::SELECT_NODES, |query| query, read).await
    }

    async fn keep_cosigned(&self, row: &CosignedRow) -> Result<(), StoreError> {
        let call = E::call(E::text(statement::UPSERT_COSIGNED))
            .bind(row.origin.clone())
            .bind(row.witness.clone())
            .bind(row.witness_key.clone())
            .bind(row.checkpoint.clone())
            .bind(row.at);
        self.change(statement::UPSERT_COSIGNED, call).await?;
        Ok(())
    }

    // The newest countersigned checkpoints.
    async fn cosigned(&self) -> Result<Vec<CosignedRow>, StoreError> {
        const TABLE: &str = "cosigned";
        let read = |row: &E::Row| {
            Ok(CosignedRow {
                origin: column(row, 0, TABLE, "origin")?,
                witness: column(row, 1, TABLE, "witness")?,
                witness_key: column(row, 2, TABLE, "witness_key")?,
                checkpoint: column(row, 3, TABLE, "checkpoint")?,
                at: column(row, 4, TABLE, "at")?,
            })
        };
        fetch(&self.readers, statement::SELECT_COSIGNED, |query| query, read).await
    }

    async fn settle(&self, name: &str, value: &str) -> Result<String, StoreError> {
        let work = WriterWork::Settle(name.to_owned(), value.to_owned());
        self.writer().submit(work).await?;
        settled(&self.readers, name).await
    }
}

/// What a name was settled to stand for.
pub(super) async fn settled<E: StoreEngine>(pool: &ConnectionPool<E>, name: &str) -> Result<String, StoreError> {
    let name = name.to_owned();
    let read = |row: &E::Row| column(row, 0, "meta", "value");
    let found = fetch_one(pool, statement::SELECT_META, |query| query.bind(name), read).await?;
    found.ok_or(StoreError::BadRow {
        table: "meta",
        column: "value",
    })
}

/// Settles what a name stands for, unless it is settled.
pub(crate) async fn settle<E: StoreEngine>(
    conn: &mut ConnectionLease<'_, E>,
    name: &str,
    value: &str,
) -> Result<(), StoreFault> {
    let bind = |query: E::Call| query.bind(name.to_owned()).bind(value.to_owned());
    run(conn, statement::INSERT_META, bind).await
}
