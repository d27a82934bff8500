//! How far something was read, and what the bus has taken.

use async_trait::async_trait;

use super::{deliveries::read_event, supervision::read_alert};
use crate::{
    apply::{changed, run},
    batch::{ApplyResult, CommitBatch, json_text, keys_text},
    engine::{StatementCall, StoreEngine},
    fault::StoreFault,
    pool::ConnectionLease,
    rows::{bytes_16, column, fetch, fetch_one},
    sql_store::SqlStore,
    statement::{self, SqlStatement},
    tallies::{self, TallyKind},
};
use heyan_ports::{
    deliveries::StoredEvent,
    error::StoreError,
    positions::{BusWrites, PositionStore, ReadPosition},
    supervision::AlertRow,
};

#[async_trait]
impl<E: StoreEngine> PositionStore for SqlStore<E> {
    async fn position(&self, name: &str) -> Result<Option<String>, StoreError> {
        let name = name.to_owned();
        let read = |row: &E::Row| column(row, 0, "positions", "position");
        fetch_one(
            &self.readers,
            statement::SELECT_POSITION,
            |query| query.bind(name),
            read,
        )
        .await
    }

    async fn unpublished_events(&self, limit: u32) -> Result<Vec<StoredEvent>, StoreError> {
        let bind = |query: E::Call| query.bind(i64::from(limit));
        fetch(&self.readers, statement::SELECT_UNPUBLISHED_EVENTS, bind, |row| {
            read_event(row, 0)
        })
        .await
    }

    async fn unpublished_alerts(&self, limit: u32) -> Result<Vec<AlertRow>, StoreError> {
        let bind = |query: E::Call| query.bind(i64::from(limit));
        fetch(&self.readers, statement::SELECT_UNPUBLISHED_ALERTS, bind, read_alert).await
    }

    async fn unpublished_counts(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let counts = tallies::read(&self.readers).await?.into_iter();
        let counts = counts.filter(|(kind, ..)| kind == "unpublished");
        Ok(counts.map(|(_, table, rows)| (table, rows)).collect())
    }

    async fn parked_keys(&self, topic: &str, limit: u32) -> Result<Vec<[u8; 16]>, StoreError> {
        let topic = topic.to_owned();
        let bind = |query: E::Call| query.bind(topic).bind(i64::from(limit));
        let read = |row: &E::Row| bytes_16(row, 0, "parked_keys", "key");
        fetch(&self.readers, statement::SELECT_PARKED_KEYS, bind, read).await
    }
}

/// Writes positions, and what concerns the bus. A position that is not where its reader left it is a conflict: then somebody else reads
/// the same partition, and none of the commit stands.
pub(super) fn apply<'a, E: StoreEngine>(
    conn: &'a mut ConnectionLease<'_, E>,
    batches: &'a [&'a CommitBatch],
) -> ApplyResult<'a> {
    Box::pin(async move {
        for batch in batches {
            let at = batch.commit.at;
            for position in batch.commit.rows::<ReadPosition>() {
                let bind = |query: E::Call| query.bind(position.name.clone()).bind(position.value.clone()).bind(at);
                changed(conn, statement::UPSERT_POSITION, 1, bind).await?;
            }
            for bus in batch.commit.rows() {
                apply_bus(conn, bus, at).await?;
            }
        }
        Ok(())
    })
}

/// Marks rows of a table as published, and counts them.
async fn mark_published<E: StoreEngine>(
    conn: &mut ConnectionLease<'_, E>,
    statement: SqlStatement,
    table: &str,
    bind: impl FnOnce(E::Call) -> E::Call,
) -> Result<(), StoreFault> {
    let marked = conn.execute(statement.name, bind(E::call(E::text(statement)))).await?;
    conn.count(
        TallyKind::Unpublished,
        table,
        -i64::try_from(marked).unwrap_or_default(),
    );
    Ok(())
}

async fn apply_bus<E: StoreEngine>(
    conn: &mut ConnectionLease<'_, E>,
    bus: &BusWrites,
    at: i64,
) -> Result<(), StoreFault> {
    // How many rows change is not checked: what was published twice is marked once.
    if !bus.events.is_empty() {
        let bind = |query: E::Call| query.bind(keys_text(&bus.events));
        mark_published(conn, statement::MARK_PUBLISHED_EVENTS, "events", bind).await?;
    }
    if !bus.alerts.is_empty() {
        let bind = |query: E::Call| query.bind(json_text(&bus.alerts));
        mark_published(conn, statement::MARK_PUBLISHED_ALERTS, "alerts", bind).await?;
    }
    for advance in &bus.advances {
        let bind = |query: E::Call| {
            query
                .bind(advance.name.clone())
                .bind(advance.to.clone())
                .bind(at)
                .bind(advance.from.clone())
        };
        changed(conn, statement::ADVANCE_POSITION, 1, bind).await?;
    }
    for (topic, key) in &bus.parked {
        let bind = |query: E::Call| query.bind(*topic).bind(key.to_vec()).bind(at);
        run(conn, statement::INSERT_PARKED_KEY, bind).await?;
    }
    for (topic, key) in &bus.released {
        let bind = |query: E::Call| query.bind(*topic).bind(key.to_vec());
        run(conn, statement::DELETE_PARKED_KEY, bind).await?;
    }
    Ok(())
}
