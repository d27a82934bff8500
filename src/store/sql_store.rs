//! The store: the port `Store` on either engine.
//! `acknowledged ⇒ synced`: every write waits for the engine's sync, also when it shares its sync with others.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use heyan_ports::{
    commit::Commit,
    error::StoreError,
    outbox::OutboxStore,
    store::{ForgetBefore, Store},
};

use super::{
    batch::{CommitBatch, StoreNode},
    engine::{StatementCall, StoreEngine},
    lists::ListLane,
    pool::ConnectionPool,
    statement::{self, SqlStatement},
    writer::{StoreWriter, WriterWork},
};

/// The system of record on one engine.
pub(super) struct SqlStore<E: StoreEngine> {
    pub(super) node: Arc<StoreNode>,
    /// The line to other nodes, where the store may be shared.
    pub(super) line: Option<E::Line>,
    pub(super) readers: ConnectionPool<E>,
    /// What lists read with.
    pub(super) lists: ListLane<E>,
    /// At least one.
    writers: Vec<StoreWriter>,
    next_writer: AtomicUsize,
}

impl<E: StoreEngine> SqlStore<E> {
    pub(super) fn new(
        node: StoreNode,
        readers: ConnectionPool<E>,
        lists: ConnectionPool<E>,
        writers: Vec<StoreWriter>,
        line: Option<E::Line>,
    ) -> Self {
        Self {
            node: Arc::new(node),
            line,
            readers,
            lists: ListLane::new(lists),
            writers,
            next_writer: AtomicUsize::new(0),
        }
    }

    /// Runs one statement by itself, beside the writers; how many rows it changed. For what only a shared store is asked.
    pub(super) async fn change(&self, statement: SqlStatement, call: E::Call) -> Result<u64, StoreError> {
        Ok(self.readers.lend().await?.execute(statement.name, call).await?)
    }

    /// Says something on the line, where there is one.
    pub(super) async fn say(&self, payload: String) -> Result<(), StoreError> {
        if self.line.is_some() {
            let call = E::call(E::text(statement::NOTIFY)).bind(payload);
            self.change(statement::NOTIFY, call).await?;
        }
        Ok(())
    }

    /// One writer after another, where there are several: none of them waits for what another is doing.
    pub(super) fn writer(&self) -> &StoreWriter {
        let nth = self.next_writer.fetch_add(1, Ordering::Relaxed) % self.writers.len().max(1);
        #[expect(
            clippy::indexing_slicing,
            reason = "there is at least one writer, and the number is below their count"
        )]
        &self.writers[nth]
    }
}

#[async_trait]
impl<E: StoreEngine> Store for SqlStore<E> {
    async fn commit(&self, commit: Arc<Commit>) -> Result<Vec<i64>, StoreError> {
        let work = WriterWork::Commit(CommitBatch::of(commit, &self.node));
        Ok(self.writer().submit(work).await?)
    }

    async fn forget_old(&self, before: ForgetBefore) -> Result<(), StoreError> {
        self.writer().submit(WriterWork::ForgetOld(before)).await?;
        Ok(())
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.pending_entries(0).await?;
        self.writer().submit(WriterWork::Ping).await?;
        Ok(())
    }

    fn oldest_wait(&self) -> Duration {
        let ages = self.writers.iter().map(StoreWriter::oldest_wait);
        ages.max().unwrap_or_default()
    }

    fn has_lost_a_writer(&self) -> bool {
        self.writers.iter().any(StoreWriter::has_ended)
    }

    async fn close(&self) {
        // Readers first: the last connection to close checkpoints, and only the writer may.
        self.readers.close().await;
        self.lists.close().await;
        for writer in &self.writers {
            writer.close().await;
        }
    }
}
