//! Alerts, their steps, and what supervision keeps.

use async_trait::async_trait;

use crate::{
    apply::{changed, run},
    batch::{ApplyResult, CommitBatch, json_text, rows_of},
    engine::{RowColumns, StatementCall, StoreEngine},
    fault::StoreFault,
    pool::ConnectionLease,
    rows::{RowResult, column, fetch, fetch_one, number, subject},
    sql_store::SqlStore,
    statement::{self},
    tallies::TallyKind,
};
use heyan_ports::{
    error::StoreError,
    supervision::{AlertFilter, AlertRow, AlertStep, PostedEntries, SupervisionStore, SupervisionWrites},
};

/// The one row of `supervision_state`.
pub(super) const STATE: &str = "rules";

#[async_trait]
impl<E: StoreEngine> SupervisionStore for SqlStore<E> {
    async fn alerts(&self, filter: &AlertFilter) -> Result<Vec<AlertRow>, StoreError> {
        let _turn = self.lists.turn().await?;
        const STATES: [&str; 3] = ["open", "acknowledged", "closed"];
        let filter = filter.clone();
        let read = |row: &E::Row| Ok((column(row, 0, "alerts", "rule")?, column(row, 1, "alerts", "class")?));
        let mut rules: Vec<(String, String)> =
            fetch(&self.lists.pool, statement::SELECT_ALERT_RULES, |query| query, read).await?;
        rules.retain(|(rule, class)| {
            filter.rule.as_ref().is_none_or(|wanted| wanted == rule)
                && filter.class.as_ref().is_none_or(|wanted| wanted == class)
        });
        let states = STATES.into_iter();
        let states: Vec<&str> = states
            .filter(|state| filter.state.as_ref().is_none_or(|wanted| wanted == state))
            .collect();
        let (before, before_id) = filter.before.unwrap_or((i64::MAX, String::new()));
        let bind = |query: E::Call| {
            query
                .bind(json_text(&rules))
                .bind(json_text(&states))
                .bind(filter.since.unwrap_or(i64::MIN))
                .bind(before)
                .bind(before_id)
                .bind(i64::from(filter.limit))
        };
        fetch(&self.lists.pool, statement::SELECT_ALERTS, bind, read_alert).await
    }

    async fn alert(&self, id: &str) -> Result<Option<AlertRow>, StoreError> {
        let id = id.to_owned();
        fetch_one(
            &self.readers,
            statement::SELECT_ALERT,
            |query| query.bind(id),
            read_alert,
        )
        .await
    }

    async fn alert_steps(&self, id: &str) -> Result<Vec<AlertStep>, StoreError> {
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
        fetch(&self.readers, statement::SELECT_ALERT_STEPS, bind, read).await
    }

    async fn supervision_state(&self) -> Result<Option<Vec<u8>>, StoreError> {
        let read = |row: &E::Row| column(row, 0, "supervision_state", "body");
        fetch_one(
            &self.readers,
            statement::SELECT_SUPERVISION_STATE,
            |query| query.bind(STATE),
            read,
        )
        .await
    }

    async fn posted_origins(&self) -> Result<Vec<String>, StoreError> {
        let read = |row: &E::Row| column(row, 0, "supervision_entries", "origin");
        fetch(
            &self.readers,
            statement::SELECT_SUPERVISION_ORIGINS,
            |query| query,
            read,
        )
        .await
    }

    async fn posted_entries(&self, origin: &str, from: u64, limit: u32) -> Result<Vec<PostedEntries>, StoreError> {
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
        fetch(&self.readers, statement::SELECT_SUPERVISION_ENTRIES, bind, read).await
    }
}

/// Writes alerts, and what concerns supervision. An alert of a cause that is known only adds its evidence; a step is compared and set by
/// the alert's revision.
pub(super) fn apply<'a, E: StoreEngine>(
    conn: &'a mut ConnectionLease<'_, E>,
    batches: &'a [&'a CommitBatch],
) -> ApplyResult<'a> {
    Box::pin(async move {
        for alert in rows_of(batches) {
            apply_alert(conn, alert).await?;
        }
        for batch in batches {
            for writes in batch.commit.rows() {
                apply_writes(conn, writes, batch.commit.at).await?;
            }
        }
        Ok(())
    })
}

/// Inserts an alert, or adds its evidence to the one of its cause.
async fn apply_alert<E: StoreEngine>(conn: &mut ConnectionLease<'_, E>, alert: &AlertRow) -> Result<(), StoreFault> {
    let call = bind_alert(E::call(E::text(statement::INSERT_ALERT)), alert);
    if conn.execute(statement::INSERT_ALERT.name, call).await? == 1 {
        conn.count(TallyKind::Alert, &alert.rule, 1);
        conn.count(TallyKind::Unpublished, "alerts", 1);
        return Ok(());
    }
    let bind = |query: E::Call| {
        query
            .bind(alert.once.clone())
            .bind(alert.facts.clone())
            .bind(index(alert.entries))
            .bind(alert.evidence.clone())
            .bind(alert.updated_at)
    };
    run(conn, statement::ADD_EVIDENCE, bind).await
}

fn index(index: u64) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX)
}

fn bind_alert<Q: StatementCall>(query: Q, row: &AlertRow) -> Q {
    query
        .bind(row.id.clone())
        .bind(row.rule.clone())
        .bind(row.once.clone())
        .bind(row.dataset.clone())
        .bind(row.subject.map(|subject| subject.0.to_vec()))
        .bind(row.mismatch.clone())
        .bind(row.agency.clone())
        .bind(row.facts.clone())
        .bind(row.at)
        .bind(row.class.clone())
        .bind(row.severity.clone())
        .bind(index(row.entries))
        .bind(row.evidence.clone())
        .bind(row.updated_at)
}

fn bind_step<Q: StatementCall>(query: Q, row: &AlertStep) -> Q {
    query
        .bind(row.alert.clone())
        .bind(i64::from(row.seq))
        .bind(row.at)
        .bind(row.action.clone())
        .bind(row.state.clone())
        .bind(row.note.clone())
}

fn bind_posted<Q: StatementCall>(query: Q, row: &PostedEntries) -> Q {
    query
        .bind(row.origin.clone())
        .bind(i64::from(row.node))
        .bind(index(row.first))
        .bind(index(row.next))
        .bind(row.body.clone())
}

async fn apply_writes<E: StoreEngine>(
    conn: &mut ConnectionLease<'_, E>,
    supervision: &SupervisionWrites,
    at: i64,
) -> Result<(), StoreFault> {
    for step in &supervision.steps {
        let bind = |query: E::Call| {
            query
                .bind(step.alert.clone())
                .bind(step.state.clone())
                .bind(i64::from(step.seq))
                .bind(step.at)
        };
        changed(conn, statement::UPDATE_ALERT, 1, bind).await?;
        changed(conn, statement::INSERT_ALERT_STEP, 1, |query| bind_step(query, step)).await?;
    }
    if let Some(posted) = &supervision.posted {
        changed(conn, statement::INSERT_SUPERVISION_ENTRIES, 1, |query| {
            bind_posted(query, posted)
        })
        .await?;
    }
    if let Some(kept) = &supervision.kept {
        let bind = |query: E::Call| query.bind(STATE).bind(kept.clone()).bind(at);
        changed(conn, statement::UPSERT_SUPERVISION_STATE, 1, bind).await?;
    }
    for (origin, next) in &supervision.taken {
        let bind = |query: E::Call| query.bind(origin.clone()).bind(index(*next));
        run(conn, statement::DELETE_SUPERVISION_ENTRIES, bind).await?;
    }
    Ok(())
}

pub(super) fn read_alert<R: RowColumns>(row: &R) -> RowResult<AlertRow> {
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
