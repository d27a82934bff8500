//! Watches: written by compare and set, woken by the very transaction that writes a new version of their record.
//! A watch that is woken gets a new revision, so that a writer that read it before cannot overwrite it.

use async_trait::async_trait;

use crate::{
    apply::{changed, run},
    batch::{ApplyResult, CommitBatch, hex, json_text, rows_of},
    engine::{RowColumns, StatementCall, StoreEngine},
    pool::{ConnectionLease, ConnectionPool},
    rows::{bytes_16, column, fetch, fetch_one, number, word},
    sql_store::SqlStore,
    statement::{self},
};
use heyan_ports::{
    error::StoreError,
    subject::SubjectKey,
    watches::{WatchFilter, WatchPhase, WatchRow, WatchStore},
};

#[async_trait]
impl<E: StoreEngine> WatchStore for SqlStore<E> {
    async fn watch(&self, id: &str) -> Result<Option<WatchRow>, StoreError> {
        one(&self.readers, id).await
    }

    async fn watches(&self, filter: &WatchFilter) -> Result<Vec<WatchRow>, StoreError> {
        let _turn = self.lists.turn().await?;
        let filter = filter.clone();
        let is_wanted = |state: &WatchPhase| filter.state.is_none_or(|wanted| wanted == *state);
        let states = WatchPhase::ALL.into_iter().filter(is_wanted);
        let states: Vec<&str> = states.map(WatchPhase::as_str).collect();
        let bind = |query: E::Call| {
            query
                .bind(filter.agency)
                .bind(json_text(&states))
                .bind(filter.after.unwrap_or_default())
                .bind(i64::from(filter.limit))
        };
        fetch(&self.lists.pool, statement::SELECT_WATCHES, bind, read).await
    }

    async fn due_watches(&self, now: i64, limit: u32) -> Result<Vec<WatchRow>, StoreError> {
        let bind = |query: E::Call| query.bind(now).bind(i64::from(limit));
        fetch(&self.readers, statement::SELECT_DUE_WATCHES, bind, read).await
    }
}

/// Wakes the watches of every record that is written, and writes watches.
pub(super) fn apply<'a, E: StoreEngine>(
    conn: &'a mut ConnectionLease<'_, E>,
    batches: &'a [&'a CommitBatch],
) -> ApplyResult<'a> {
    Box::pin(async move {
        for row in rows_of::<WatchRow>(batches) {
            match row.revision {
                1 => changed(conn, statement::INSERT_WATCH, 1, |query| bind_new(query, row)).await?,
                _ => changed(conn, statement::UPDATE_WATCH, 1, |query| bind_changed(query, row)).await?,
            }
        }
        Ok(())
    })
}

pub(super) async fn one<E: StoreEngine>(pool: &ConnectionPool<E>, id: &str) -> Result<Option<WatchRow>, StoreError> {
    let id = id.to_owned();
    fetch_one(pool, statement::FIND_WATCH, |query| query.bind(id), read).await
}

/// Wakes the watches of every record that `batches` write.
pub(super) fn wake<'a, E: StoreEngine>(
    conn: &'a mut ConnectionLease<'_, E>,
    batches: &'a [&'a CommitBatch],
) -> ApplyResult<'a> {
    Box::pin(async move {
        let records = batches.iter().flat_map(|batch| &batch.records);
        let subjects: Vec<String> = records.map(|row| hex(row.subject)).collect();
        match subjects.is_empty() {
            true => Ok(()),
            false => run(conn, statement::WAKE_WATCHES, |query| query.bind(json_text(&subjects))).await,
        }
    })
}

fn bind_new<Q: StatementCall>(query: Q, row: &WatchRow) -> Q {
    query
        .bind(row.id.clone())
        .bind(row.agency.clone())
        .bind(row.dataset.to_string())
        .bind(row.subject.0.to_vec())
        .bind(row.state.as_str())
        .bind(row.until)
        .bind(row.next_at)
        .bind(i64::from(row.revision))
        .bind(row.facts.clone())
        .bind(row.created_at)
        .bind(row.updated_at)
}

fn bind_changed<Q: StatementCall>(query: Q, row: &WatchRow) -> Q {
    query
        .bind(row.subject.0.to_vec())
        .bind(row.id.clone())
        .bind(row.state.as_str())
        .bind(row.next_at)
        .bind(i64::from(row.revision))
        .bind(row.facts.clone())
        .bind(row.updated_at)
}

fn read<R: RowColumns>(row: &R) -> Result<WatchRow, StoreError> {
    const TABLE: &str = "watches";
    Ok(WatchRow {
        id: column(row, 0, TABLE, "id")?,
        agency: column(row, 1, TABLE, "agency")?,
        dataset: column::<_, String>(row, 2, TABLE, "dataset")?.into(),
        subject: SubjectKey(bytes_16(row, 3, TABLE, "subject")?),
        state: word(row, 4, TABLE, "state", WatchPhase::parse)?,
        until: column(row, 5, TABLE, "until")?,
        next_at: column(row, 6, TABLE, "next_at")?,
        revision: number(row, 7, TABLE, "revision")?,
        facts: column(row, 8, TABLE, "facts")?,
        created_at: column(row, 9, TABLE, "created_at")?,
        updated_at: column(row, 10, TABLE, "updated_at")?,
    })
}
