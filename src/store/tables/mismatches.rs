//! Mismatches: compared and set by their revision; steps only come in.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    apply::{changed, run, send_rows},
    batch::{ApplyResult, CommitBatch, bytes, hex, json_text, keys_text, rows_of},
    engine::{RowColumns, StatementCall, StoreEngine},
    fault::StoreFault,
    pool::{ConnectionLease, ConnectionPool},
    rows::{RowResult, bytes_16, column, fetch, fetch_one, flag, list, number, word},
    sql_store::SqlStore,
    statement::{self},
};
use heyan_domain::mismatch::MismatchPhase;
use heyan_ports::{
    error::StoreError,
    mismatches::{DueWrite, LoopCounts, MismatchFilter, MismatchRow, MismatchStore, MismatchWrite, StepRow},
    subject::{RecordKey, RowKey, SubjectKey},
};

#[async_trait]
impl<E: StoreEngine> MismatchStore for SqlStore<E> {
    async fn mismatch(&self, subject: SubjectKey, id: &str) -> Result<Option<MismatchRow>, StoreError> {
        let id = id.to_owned();
        let bind = |query: E::Call| query.bind(subject.0.to_vec()).bind(id);
        fetch_one(&self.readers, statement::SELECT_MISMATCH, bind, read_mismatch).await
    }

    async fn find_mismatch(&self, id: &str) -> Result<Option<MismatchRow>, StoreError> {
        let id = id.to_owned();
        fetch_one(
            &self.readers,
            statement::FIND_MISMATCH,
            |query| query.bind(id),
            read_mismatch,
        )
        .await
    }

    async fn mismatch_steps(&self, subject: SubjectKey, id: &str) -> Result<Vec<StepRow>, StoreError> {
        steps(&self.readers, subject, id).await
    }

    async fn mismatches(&self, filter: &MismatchFilter) -> Result<Vec<MismatchRow>, StoreError> {
        let filter = filter.clone();
        let bind = |query: E::Call| {
            query
                .bind(filter.agency)
                .bind(filter.datasets.map(|datasets| json_text(&datasets)))
                .bind(filter.state.map(|state| state.as_str().to_owned()))
                .bind(filter.due_before)
                .bind(filter.after)
                .bind(i64::from(filter.limit))
        };
        fetch(&self.readers, statement::SELECT_MISMATCHES, bind, read_mismatch).await
    }

    async fn mismatches_by_key(&self, keys: &[RowKey]) -> Result<Vec<MismatchRow>, StoreError> {
        let bind = |query: E::Call| query.bind(keys_text(keys));
        fetch(&self.readers, statement::SELECT_MISMATCHES_BY_KEY, bind, read_mismatch).await
    }

    async fn undated_mismatches(&self, limit: u32) -> RowResult<Vec<MismatchRow>> {
        let bind = |query: E::Call| query.bind(i64::from(limit));
        fetch(&self.readers, statement::SELECT_UNDATED_MISMATCHES, bind, read_mismatch).await
    }

    async fn delivered_mismatches(&self, limit: u32) -> Result<Vec<MismatchRow>, StoreError> {
        let bind = |query: E::Call| query.bind(i64::from(limit));
        fetch(
            &self.readers,
            statement::SELECT_DELIVERED_MISMATCHES,
            bind,
            read_mismatch,
        )
        .await
    }

    async fn mismatch_of(
        &self,
        key: &RecordKey,
        matter: &[u8; 16],
        fields: &[String],
    ) -> Result<Option<MismatchRow>, StoreError> {
        let bind = |query: E::Call| {
            query
                .bind(Arc::clone(&key.dataset))
                .bind(key.subject.0.to_vec())
                .bind(matter.to_vec())
                .bind(json_text(fields))
        };
        fetch_one(&self.readers, statement::SELECT_MISMATCH_OF, bind, read_mismatch).await
    }

    async fn pending_mismatches(&self, subject: SubjectKey) -> Result<Vec<MismatchRow>, StoreError> {
        let bind = |query: E::Call| query.bind(subject.0.to_vec());
        fetch(&self.readers, statement::SELECT_PENDING_MISMATCHES, bind, read_mismatch).await
    }

    async fn loop_counts(&self, today: &str) -> Result<LoopCounts, StoreError> {
        let today = today.to_owned();
        let of_mismatches = |row: &E::Row| {
            let (state, count): (String, u64) = (
                column(row, 0, "mismatches", "state")?,
                number(row, 1, "mismatches", "count")?,
            );
            let overdue: Option<i64> = column(row, 2, "mismatches", "due_on")?;
            Ok((
                state,
                count,
                u64::try_from(overdue.unwrap_or_default()).unwrap_or_default(),
            ))
        };
        let bind = |query: E::Call| query.bind(today);
        let mismatches = fetch(&self.readers, statement::COUNT_MISMATCHES, bind, of_mismatches).await?;
        let of_deliveries = |row: &E::Row| {
            let (state, count): (String, u64) = (
                column(row, 0, "deliveries", "state")?,
                number(row, 1, "deliveries", "count")?,
            );
            Ok((
                state,
                count,
                column::<_, Option<i64>>(row, 2, "deliveries", "created_at")?,
            ))
        };
        let deliveries = fetch(&self.readers, statement::COUNT_DELIVERIES, |query| query, of_deliveries).await?;
        let of_alerts = |row: &E::Row| Ok((column(row, 0, "alerts", "rule")?, number(row, 1, "alerts", "count")?));
        Ok(LoopCounts {
            alerts: fetch(&self.readers, statement::COUNT_ALERTS, |query| query, of_alerts).await?,
            overdue: mismatches.iter().map(|(_, _, overdue)| overdue).sum(),
            oldest_pending_at: deliveries
                .iter()
                .find(|(state, ..)| state == "pending")
                .and_then(|(_, _, oldest)| *oldest),
            mismatches: mismatches.into_iter().map(|(state, count, _)| (state, count)).collect(),
            deliveries: deliveries.into_iter().map(|(state, count, _)| (state, count)).collect(),
        })
    }
}

/// Writes mismatches and their steps. New ones go first, those of all commits together: each statement costs a hand-over between two
/// threads. What changes rows follows, one by one.
pub(super) fn apply<'a, E: StoreEngine>(
    conn: &'a mut ConnectionLease<'_, E>,
    batches: &'a [&'a CommitBatch],
) -> ApplyResult<'a> {
    Box::pin(async move {
        let writes = || rows_of::<MismatchWrite>(batches);
        let opened: Vec<&MismatchWrite> = writes().filter(|write| write.row.revision == 1).collect();
        ensure_no_open_mismatch(conn, &opened).await?;
        send_rows(conn, &statement::INSERT_MISMATCHES, &opened, bind_opened).await?;
        send_rows(conn, &statement::INSERT_STEPS, &opened, bind_step).await?;
        for write in writes().filter(|write| write.row.revision != 1) {
            changed(conn, statement::UPDATE_MISMATCH, 1, |query| bind_changed(query, write)).await?;
            send_rows(conn, &statement::INSERT_STEPS, &[write], bind_step).await?;
        }
        for due in rows_of::<DueWrite>(batches) {
            let bind = |query: E::Call| {
                let query = query.bind(bytes(due.mismatch.subject)).bind(due.mismatch.id.clone());
                query.bind(i64::from(due.revision)).bind(due.due_on.clone())
            };
            run(conn, statement::SET_DUE, bind).await?;
        }
        Ok(())
    })
}

pub(super) async fn steps<E: StoreEngine>(
    pool: &ConnectionPool<E>,
    subject: SubjectKey,
    id: &str,
) -> RowResult<Vec<StepRow>> {
    let id = id.to_owned();
    let bind = |query: E::Call| query.bind(subject.0.to_vec()).bind(id);
    fetch(pool, statement::SELECT_STEPS, bind, read_step).await
}

fn read_mismatch<R: RowColumns>(row: &R) -> RowResult<MismatchRow> {
    const TABLE: &str = "mismatches";
    Ok(MismatchRow {
        id: column(row, 0, TABLE, "id")?,
        dataset: column::<_, String>(row, 1, TABLE, "dataset")?.into(),
        subject: SubjectKey(bytes_16(row, 2, TABLE, "subject")?),
        agency: column(row, 3, TABLE, "agency")?,
        matter: bytes_16(row, 4, TABLE, "matter")?,
        fields: list(row, 5, TABLE, "fields")?,
        record_version: number(row, 6, TABLE, "record_version")?,
        state: word(row, 7, TABLE, "state", MismatchPhase::parse)?,
        is_final: flag(row, 8, TABLE, "is_final")?,
        due_on: column(row, 9, TABLE, "due_on")?,
        awaits: column(row, 10, TABLE, "awaits")?,
        revision: number(row, 11, TABLE, "revision")?,
        opened_at: column(row, 12, TABLE, "opened_at")?,
        updated_at: column(row, 13, TABLE, "updated_at")?,
        facts: column(row, 14, TABLE, "facts")?,
        expires_at: column(row, 15, TABLE, "expires_at")?,
    })
}

fn read_step<R: RowColumns>(row: &R) -> RowResult<StepRow> {
    const TABLE: &str = "mismatch_steps";
    let actor: &str = column(row, 4, TABLE, "actor")?;
    let known = ["agency", "authority", "hub"].into_iter().find(|known| *known == actor);
    Ok(StepRow {
        seq: number(row, 0, TABLE, "seq")?,
        at: column(row, 1, TABLE, "at")?,
        action: column(row, 2, TABLE, "action")?,
        state: word(row, 3, TABLE, "state", MismatchPhase::parse)?,
        actor: known.ok_or(StoreError::BadRow {
            table: TABLE,
            column: "actor",
        })?,
        note: column(row, 5, TABLE, "note")?,
    })
}

/// A conflict when there is a mismatch of the matter and the fields of one that is opened as the first.
async fn ensure_no_open_mismatch<E: StoreEngine>(
    conn: &mut ConnectionLease<'_, E>,
    opened: &[&MismatchWrite],
) -> Result<(), StoreFault> {
    let first = opened.iter().filter(|write| write.is_first);
    let first: Vec<_> = first
        .map(|write| &write.row)
        .map(|row| {
            let matter = hex(SubjectKey(row.matter));
            (hex(row.subject), &*row.dataset, matter, json_text(&row.fields))
        })
        .collect();
    if first.is_empty() {
        return Ok(());
    }
    let statement = statement::SELECT_STANDING;
    let call = E::call(E::text(statement)).bind(json_text(&first));
    match conn.rows(statement.name, call).await?.is_empty() {
        true => Ok(()),
        false => Err(StoreFault::Conflict),
    }
}

fn bind_opened<Q: StatementCall>(query: Q, write: &MismatchWrite) -> Q {
    let row = &write.row;
    query
        .bind(row.id.clone())
        .bind(Arc::clone(&row.dataset))
        .bind(bytes(row.subject))
        .bind(row.agency.clone())
        .bind(row.matter.to_vec())
        .bind(json_text(&row.fields))
        .bind(i64::from(row.record_version))
        .bind(row.state.as_str())
        .bind(i64::from(row.is_final))
        .bind(row.due_on.clone())
        .bind(row.awaits.clone())
        .bind(i64::from(row.revision))
        .bind(row.opened_at)
        .bind(row.updated_at)
        .bind(row.facts.clone())
        .bind(row.expires_at)
}

fn bind_changed<Q: StatementCall>(query: Q, write: &MismatchWrite) -> Q {
    let row = &write.row;
    query
        .bind(bytes(row.subject))
        .bind(row.id.clone())
        .bind(row.state.as_str())
        .bind(i64::from(row.is_final))
        .bind(row.due_on.clone())
        .bind(row.awaits.clone())
        .bind(i64::from(row.revision))
        .bind(row.updated_at)
        .bind(row.facts.clone())
        .bind(i64::from(row.record_version))
}

fn bind_step<Q: StatementCall>(query: Q, write: &MismatchWrite) -> Q {
    let step = &write.step;
    query
        .bind(bytes(write.row.subject))
        .bind(write.row.id.clone())
        .bind(i64::from(step.seq))
        .bind(step.at)
        .bind(step.action.clone())
        .bind(step.state.as_str())
        .bind(step.actor)
        .bind(step.note.clone())
}
