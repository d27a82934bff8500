//! Mismatches: compared and set by their revision; steps only come in.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    apply::{changed, send_rows},
    batch::{ApplyResult, CommitBatch, bytes, hex, json_text, keys_text, rows_of},
    engine::{RowColumns, StatementCall, StoreEngine},
    fault::StoreFault,
    pool::{ConnectionLease, ConnectionPool},
    rows::{RowResult, bytes_16, column, fetch, fetch_one, flag, list, number, word},
    sql_store::SqlStore,
    statement::{self},
    tallies::{self, TallyKind},
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
        let _turn = self.lists.turn().await?;
        let datasets = match &filter.datasets {
            Some(datasets) => json_text(datasets),
            None => json_text(&self.datasets_of_mismatches(filter.agency.as_deref()).await?),
        };
        let is_wanted = |state: &MismatchPhase| {
            filter.state.is_none_or(|wanted| wanted == *state) && !(filter.due_before.is_some() && state.is_final())
        };
        let states: Vec<&str> = MismatchPhase::ALL
            .into_iter()
            .filter(is_wanted)
            .map(MismatchPhase::as_str)
            .collect();
        let states = json_text(&states);
        let (of, after) = (filter.agency.clone(), filter.after.clone().unwrap_or_default());
        let limit = i64::from(filter.limit);
        let of_whom = |query: E::Call| match of {
            Some(agency) => query.bind(agency),
            None => query,
        };
        if let Some(before) = filter.due_before.clone() {
            let statement = match filter.agency {
                Some(_) => statement::SELECT_DUE_MISMATCHES_OF_AGENCY,
                None => statement::SELECT_DUE_MISMATCHES_OF_DATASETS,
            };
            let (day, id) = self.place_among_due(after).await?;
            let bind = |query| {
                let query = of_whom(query).bind(datasets).bind(states);
                query.bind(before).bind(day).bind(id).bind(limit)
            };
            return fetch(&self.lists.pool, statement, bind, read_mismatch).await;
        }
        let statement = match filter.agency {
            Some(_) => statement::SELECT_MISMATCHES_OF_AGENCY,
            None => statement::SELECT_MISMATCHES_OF_DATASETS,
        };
        let bind = |query| of_whom(query).bind(datasets).bind(states).bind(after).bind(limit);
        fetch(&self.lists.pool, statement, bind, read_mismatch).await
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
        let mut counts = LoopCounts::default();
        for (kind, word, rows) in tallies::read(&self.lists.pool).await? {
            match &*kind {
                "mismatch" => counts.mismatches.push((word, rows)),
                "due" if *word < *today => counts.overdue += rows,
                "delivery" => counts.deliveries.push((word, rows)),
                "alert" => counts.alerts.push((word, rows)),
                _ => {}
            }
        }
        let read = |row: &E::Row| column(row, 0, "deliveries", "created_at");
        let oldest = statement::SELECT_OLDEST_PENDING;
        counts.oldest_pending_at = fetch_one(&self.lists.pool, oldest, |query| query, read).await?;
        Ok(counts)
    }
}

impl<E: StoreEngine> SqlStore<E> {
    /// The datasets of which there are mismatches, of one agency or of all.
    async fn datasets_of_mismatches(&self, agency: Option<&str>) -> RowResult<Vec<String>> {
        let read = |row: &E::Row| column(row, 0, "mismatches", "dataset");
        match agency.map(str::to_owned) {
            Some(agency) => {
                let bind = |query: E::Call| query.bind(agency);
                fetch(&self.lists.pool, statement::SELECT_DATASETS_OF_AGENCY, bind, read).await
            }
            None => {
                let statement = statement::SELECT_DATASETS_OF_MISMATCHES;
                fetch(&self.lists.pool, statement, |query| query, read).await
            }
        }
    }

    /// Day and id of the row that a page by due day comes after: `day:id`, or an id alone, whose day is read.
    async fn place_among_due(&self, after: String) -> RowResult<(String, String)> {
        if let Some((day, id)) = after.split_once(':') {
            return Ok((day.to_owned(), id.to_owned()));
        }
        if after.is_empty() {
            return Ok((String::new(), after));
        }
        let row = self.find_mismatch(&after).await?;
        Ok((row.and_then(|row| row.due_on).unwrap_or_default(), after))
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
        for write in &opened {
            count(conn, write.row.state, write.row.due_on.as_deref(), 1);
        }
        for write in writes().filter(|write| write.row.revision != 1) {
            count_step(conn, &write.row).await?;
            changed(conn, statement::UPDATE_MISMATCH, 1, |query| bind_changed(query, write)).await?;
            send_rows(conn, &statement::INSERT_STEPS, &[write], bind_step).await?;
        }
        for due in rows_of::<DueWrite>(batches) {
            let bind = |query: E::Call| {
                let query = query.bind(bytes(due.mismatch.subject)).bind(due.mismatch.id.clone());
                query.bind(i64::from(due.revision)).bind(due.due_on.clone())
            };
            let call = bind(E::call(E::text(statement::SET_DUE)));
            if conn.execute(statement::SET_DUE.name, call).await? == 1 {
                conn.count(TallyKind::Due, &due.due_on, 1);
            }
        }
        Ok(())
    })
}

/// Counts a mismatch in a state: so many more.
fn count<E: StoreEngine>(conn: &mut ConnectionLease<'_, E>, state: MismatchPhase, due_on: Option<&str>, rows: i64) {
    conn.count(TallyKind::Mismatch, state.as_str(), rows);
    if let Some(day) = due_on.filter(|_| !state.is_final()) {
        conn.count(TallyKind::Due, day, rows);
    }
}

/// Counts what a step changes. A mismatch that is not there is refused by the step itself.
async fn count_step<E: StoreEngine>(conn: &mut ConnectionLease<'_, E>, row: &MismatchRow) -> Result<(), StoreFault> {
    const TABLE: &str = "mismatches";
    let statement = statement::SELECT_BEFORE_STEP;
    let call = E::call(E::text(statement))
        .bind(bytes(row.subject))
        .bind(row.id.clone());
    let found = conn.rows(statement.name, call).await?;
    let Some(before) = found.first() else {
        return Ok(());
    };
    let bad = |column| move |_bad: StoreError| StoreFault::BadRow { table: TABLE, column };
    let state = word(before, 0, TABLE, "state", MismatchPhase::parse).map_err(bad("state"))?;
    let due_on: Option<String> = column(before, 1, TABLE, "due_on").map_err(bad("due_on"))?;
    count(conn, state, due_on.as_deref(), -1);
    count(conn, row.state, row.due_on.as_deref(), 1);
    Ok(())
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
