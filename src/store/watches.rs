//! Watches: written by compare and set, woken by the very transaction that writes a new version of their record, and read.
//! A watch that is woken gets a new revision: whoever looked at it before the wake cannot write over it.

use super::apply::send::{changed, run};
use super::batch::{Batch, hex, json_text};
use super::engine::{Call, Columns, Engine};
use super::fault::Fault;
use super::pool::{Lease, Pool};
use super::read::{bytes_16, column, fetch, fetch_one, number};
use crate::statement;
use heyan_ports::rows::{WatchFilter, WatchRow};
use heyan_ports::store::{StoreError, SubjectKey};

/// Wakes the watches of every record that `batches` write.
pub(super) async fn wake<E: Engine>(conn: &mut Lease<'_, E>, batches: &[&Batch]) -> Result<(), Fault> {
    let records = batches.iter().flat_map(|batch| &batch.records);
    let subjects: Vec<String> = records.map(|row| hex(row.subject)).collect();
    match subjects.is_empty() {
        true => Ok(()),
        false => run(conn, statement::WAKE_WATCHES, |query| query.bind(json_text(&subjects))).await,
    }
}

/// Writes watches.
pub(super) async fn apply<E: Engine>(conn: &mut Lease<'_, E>, watches: &[WatchRow]) -> Result<(), Fault> {
    for row in watches {
        match row.revision {
            1 => changed(conn, statement::INSERT_WATCH, 1, |query| bind_new(query, row)).await?,
            _ => changed(conn, statement::UPDATE_WATCH, 1, |query| bind_changed(query, row)).await?,
        }
    }
    Ok(())
}

fn bind_new<Q: Call>(query: Q, row: &WatchRow) -> Q {
    query
        .bind(row.id.clone())
        .bind(row.agency.clone())
        .bind(row.dataset.to_string())
        .bind(row.subject.0.to_vec())
        .bind(row.state.clone())
        .bind(row.until)
        .bind(row.next_at)
        .bind(i64::from(row.revision))
        .bind(row.facts.clone())
        .bind(row.created_at)
        .bind(row.updated_at)
}

fn bind_changed<Q: Call>(query: Q, row: &WatchRow) -> Q {
    query
        .bind(row.subject.0.to_vec())
        .bind(row.id.clone())
        .bind(row.state.clone())
        .bind(row.next_at)
        .bind(i64::from(row.revision))
        .bind(row.facts.clone())
        .bind(row.updated_at)
}

pub(super) async fn one<E: Engine>(pool: &Pool<E>, id: &str) -> Result<Option<WatchRow>, StoreError> {
    let id = id.to_owned();
    fetch_one(pool, statement::FIND_WATCH, |query| query.bind(id), read).await
}

pub(super) async fn list<E: Engine>(pool: &Pool<E>, filter: &WatchFilter) -> Result<Vec<WatchRow>, StoreError> {
    let filter = filter.clone();
    let bind = |query: E::Call| {
        query
            .bind(filter.agency)
            .bind(filter.state)
            .bind(filter.after)
            .bind(i64::from(filter.limit))
    };
    fetch(pool, statement::SELECT_WATCHES, bind, read).await
}

pub(super) async fn due<E: Engine>(pool: &Pool<E>, now: i64, limit: u32) -> Result<Vec<WatchRow>, StoreError> {
    let bind = |query: E::Call| query.bind(now).bind(i64::from(limit));
    fetch(pool, statement::SELECT_DUE_WATCHES, bind, read).await
}

pub(super) async fn count<E: Engine>(pool: &Pool<E>, agency: &str) -> Result<u64, StoreError> {
    let agency = agency.to_owned();
    let read = |row: &E::Row| number(row, 0, "watches", "count");
    let found = fetch_one(pool, statement::COUNT_WATCHES, |query| query.bind(agency), read).await?;
    Ok(found.unwrap_or_default())
}

fn read<R: Columns>(row: &R) -> Result<WatchRow, StoreError> {
    const TABLE: &str = "watches";
    Ok(WatchRow {
        id: column(row, 0, TABLE, "id")?,
        agency: column(row, 1, TABLE, "agency")?,
        dataset: column::<_, String>(row, 2, TABLE, "dataset")?.into(),
        subject: SubjectKey(bytes_16(row, 3, TABLE, "subject")?),
        state: column(row, 4, TABLE, "state")?,
        until: column(row, 5, TABLE, "until")?,
        next_at: column(row, 6, TABLE, "next_at")?,
        revision: number(row, 7, TABLE, "revision")?,
        facts: column(row, 8, TABLE, "facts")?,
        created_at: column(row, 9, TABLE, "created_at")?,
        updated_at: column(row, 10, TABLE, "updated_at")?,
    })
}
