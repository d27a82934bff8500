//! Reads of supervision: alerts with their steps, what the rules have seen, and entries that wait for the node that watches.

use super::engine::{Call, Columns, Engine};
use super::pool::Pool;
use super::read::{column, fetch, fetch_one, number};
use super::read_loop::subject;
use crate::statement;
use heyan_ports::rows::{AlertFilter, AlertRow, AlertStep, PostedEntries};
use heyan_ports::store::StoreError;

type Read<T> = Result<T, StoreError>;

/// The one row of `supervision_state`.
pub(super) const STATE: &str = "rules";

pub(super) async fn alerts<E: Engine>(pool: &Pool<E>, filter: &AlertFilter) -> Read<Vec<AlertRow>> {
    let filter = filter.clone();
    let (before, before_id) = filter.before.unwrap_or((i64::MAX, String::new()));
    let bind = |query: E::Call| {
        query
            .bind(filter.state)
            .bind(filter.class)
            .bind(filter.rule)
            .bind(filter.since.unwrap_or(i64::MIN))
            .bind(before)
            .bind(before_id)
            .bind(i64::from(filter.limit))
    };
    fetch(pool, statement::SELECT_ALERTS, bind, read_alert).await
}

pub(super) async fn alert<E: Engine>(pool: &Pool<E>, id: &str) -> Read<Option<AlertRow>> {
    let id = id.to_owned();
    fetch_one(pool, statement::SELECT_ALERT, |query| query.bind(id), read_alert).await
}

pub(super) async fn unpublished_alerts<E: Engine>(pool: &Pool<E>, limit: u32) -> Read<Vec<AlertRow>> {
    let bind = |query: E::Call| query.bind(i64::from(limit));
    fetch(pool, statement::SELECT_UNPUBLISHED_ALERTS, bind, read_alert).await
}

pub(super) async fn alert_steps<E: Engine>(pool: &Pool<E>, id: &str) -> Read<Vec<AlertStep>> {
    const TABLE: &str = "alert_steps";
    let id = id.to_owned();
    let read = |row: &E::Row| {
        Ok(AlertStep {
            alert: id.clone(),
            seq: number(row, 0, TABLE, "seq")?,
            at: column(row, 1, TABLE, "at")?,
            action: column(row, 2, TABLE, "action")?,
            state: column(row, 3, TABLE, "state")?,
            note: column(row, 4, TABLE, "note")?,
        })
    };
    let bind = |query: E::Call| query.bind(id.clone());
    fetch(pool, statement::SELECT_ALERT_STEPS, bind, read).await
}

pub(super) async fn state<E: Engine>(pool: &Pool<E>) -> Read<Option<Vec<u8>>> {
    let read = |row: &E::Row| column(row, 0, "supervision_state", "body");
    fetch_one(
        pool,
        statement::SELECT_SUPERVISION_STATE,
        |query| query.bind(STATE),
        read,
    )
    .await
}

pub(super) async fn origins<E: Engine>(pool: &Pool<E>) -> Read<Vec<String>> {
    let read = |row: &E::Row| column(row, 0, "supervision_entries", "origin");
    fetch(pool, statement::SELECT_SUPERVISION_ORIGINS, |query| query, read).await
}

pub(super) async fn entries<E: Engine>(
    pool: &Pool<E>,
    origin: &str,
    from: u64,
    limit: u32,
) -> Read<Vec<PostedEntries>> {
    const TABLE: &str = "supervision_entries";
    let origin = origin.to_owned();
    let read = |row: &E::Row| {
        Ok(PostedEntries {
            origin: origin.clone(),
            node: number(row, 0, TABLE, "node")?,
            first: number(row, 1, TABLE, "first")?,
            next: number(row, 2, TABLE, "next")?,
            body: column(row, 3, TABLE, "body")?,
        })
    };
    let from = i64::try_from(from).unwrap_or(i64::MAX);
    let bind = |query: E::Call| query.bind(origin.clone()).bind(from).bind(i64::from(limit));
    fetch(pool, statement::SELECT_SUPERVISION_ENTRIES, bind, read).await
}

fn read_alert<R: Columns>(row: &R) -> Read<AlertRow> {
    const TABLE: &str = "alerts";
    Ok(AlertRow {
        id: column(row, 0, TABLE, "id")?,
        rule: column(row, 1, TABLE, "rule")?,
        once: column(row, 2, TABLE, "once")?,
        dataset: column(row, 3, TABLE, "dataset")?,
        subject: subject(row, 4, TABLE)?,
        mismatch: column(row, 5, TABLE, "mismatch")?,
        agency: column(row, 6, TABLE, "agency")?,
        facts: column(row, 7, TABLE, "facts")?,
        at: column(row, 8, TABLE, "at")?,
        class: column(row, 9, TABLE, "class")?,
        severity: column(row, 10, TABLE, "severity")?,
        state: column(row, 11, TABLE, "state")?,
        revision: number(row, 12, TABLE, "revision")?,
        entries: number(row, 13, TABLE, "entries")?,
        evidence: column(row, 14, TABLE, "evidence")?,
        updated_at: column(row, 15, TABLE, "updated_at")?,
    })
}
