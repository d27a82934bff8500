//! Events, deliveries, subscriptions and answers.

use async_trait::async_trait;

use crate::{
    apply::{changed, run, send_rows},
    batch::{ApplyResult, CommitBatch, bytes, hex, json_text, keys_text, rows_of},
    engine::{EngineName, RowColumns, StatementCall, StoreEngine},
    fault::StoreFault,
    pool::ConnectionLease,
    rows::{RowResult, bytes_16, column, fetch, fetch_one, flag, list, number, subject, word},
    sql_store::SqlStore,
    statement::{self, SqlStatement},
    tallies::TallyKind,
};
use heyan_ports::{
    deliveries::{
        AnswerRow, DeliveryFilter, DeliveryPhase, DeliveryResult, DeliveryRow, DeliveryStore, EventKind, EventRow,
        FannedEvent, StoredDelivery, StoredEvent, SubscriptionPhase, SubscriptionRow,
    },
    error::StoreError,
    subject::{RowKey, SubjectKey},
};

#[async_trait]
impl<E: StoreEngine> DeliveryStore for SqlStore<E> {
    async fn subscriptions(&self) -> Result<Vec<SubscriptionRow>, StoreError> {
        const TABLE: &str = "subscriptions";
        let read = |row: &E::Row| {
            Ok(SubscriptionRow {
                id: column(row, 0, TABLE, "id")?,
                agency: column(row, 1, TABLE, "agency")?,
                url: column(row, 2, TABLE, "url")?,
                events: list(row, 3, TABLE, "events")?,
                datasets: list(row, 4, TABLE, "datasets")?,
                until: column(row, 5, TABLE, "until")?,
                supersedes: flag(row, 6, TABLE, "supersedes")?,
                secret: column(row, 7, TABLE, "secret")?,
                previous_secret: column(row, 8, TABLE, "previous_secret")?,
                previous_valid_until: column(row, 9, TABLE, "previous_valid_until")?,
                state: word(row, 10, TABLE, "state", SubscriptionPhase::parse)?,
                created_at: column(row, 11, TABLE, "created_at")?,
                updated_at: column(row, 12, TABLE, "updated_at")?,
            })
        };
        fetch(&self.readers, statement::SELECT_SUBSCRIPTIONS, |query| query, read).await
    }

    async fn new_events(&self, limit: u32) -> Result<Vec<StoredEvent>, StoreError> {
        let bind = |query: E::Call| query.bind(i64::from(limit));
        fetch(&self.readers, statement::SELECT_NEW_EVENTS, bind, |row| {
            read_event(row, 0)
        })
        .await
    }

    async fn answers_of(&self, subjects: &[SubjectKey]) -> Result<Vec<AnswerRow>, StoreError> {
        const TABLE: &str = "answers";
        let read = |row: &E::Row| {
            Ok(AnswerRow {
                subject: bytes_16(row, 0, TABLE, "subject")?,
                agency: number(row, 1, TABLE, "agency")?,
                version: column(row, 2, TABLE, "version")?,
                verification: column(row, 3, TABLE, "verification")?,
                at: column(row, 4, TABLE, "at")?,
            })
        };
        let subjects: Vec<String> = subjects.iter().map(|subject| hex(*subject)).collect();
        let bind = |query: E::Call| query.bind(json_text(&subjects));
        fetch(&self.readers, statement::SELECT_ANSWERS, bind, read).await
    }

    async fn newest_changes(&self, subjects: &[SubjectKey]) -> Result<Vec<StoredEvent>, StoreError> {
        let subjects: Vec<String> = subjects.iter().map(|subject| hex(*subject)).collect();
        let bind = |query: E::Call| query.bind(json_text(&subjects));
        fetch(&self.readers, statement::SELECT_NEWEST_CHANGES, bind, |row| {
            read_event(row, 0)
        })
        .await
    }

    async fn due_deliveries(&self, target: &str, now: i64, limit: u32) -> Result<Vec<StoredDelivery>, StoreError> {
        let target = target.to_owned();
        let bind = |query: E::Call| query.bind(target).bind(now).bind(i64::from(limit));
        fetch(&self.readers, statement::SELECT_DUE_DELIVERIES, bind, read_delivery).await
    }

    async fn next_delivery_at(&self, target: &str) -> Result<Option<i64>, StoreError> {
        let target = target.to_owned();
        let read = |row: &E::Row| column(row, 0, "deliveries", "next_at");
        let found = fetch_one(
            &self.readers,
            statement::SELECT_NEXT_DELIVERY,
            |query| query.bind(target),
            read,
        )
        .await?;
        Ok(found.flatten())
    }

    // A worker's own question: callers that page through lists do not hold it up.
    async fn pending_targets(&self) -> Result<Vec<(String, i64)>, StoreError> {
        const TABLE: &str = "deliveries";
        let read = |row: &E::Row| Ok((column(row, 0, TABLE, "target")?, column(row, 1, TABLE, "next_at")?));
        fetch(&self.lists.pool, statement::SELECT_PENDING_TARGETS, |query| query, read).await
    }

    async fn deliveries(&self, filter: &DeliveryFilter) -> Result<Vec<StoredDelivery>, StoreError> {
        let _turn = self.lists.turn().await?;
        let filter = filter.clone();
        let is_wanted = |state: &DeliveryPhase| filter.state.is_none_or(|wanted| wanted == *state);
        let states: Vec<&str> = DeliveryPhase::ALL
            .into_iter()
            .filter(is_wanted)
            .map(DeliveryPhase::as_str)
            .collect();
        let (statement, of) = match (filter.target, filter.agency) {
            (Some(target), _) => (statement::SELECT_DELIVERIES_OF_TARGET, Some(target)),
            (None, Some(agency)) => (statement::SELECT_DELIVERIES_OF_AGENCY, Some(agency)),
            (None, None) => (statement::SELECT_DELIVERIES_OF_ANY, None),
        };
        let bind = |query: E::Call| {
            let query = match of {
                Some(of) => query.bind(of),
                None => query,
            };
            let query = query.bind(json_text(&states));
            query
                .bind(filter.after.unwrap_or(i64::MIN))
                .bind(i64::from(filter.limit))
        };
        fetch(&self.lists.pool, statement, bind, read_delivery).await
    }

    async fn dead_deliveries(
        &self,
        target: Option<&str>,
        (from, until): (i64, i64),
        limit: u32,
    ) -> Result<Vec<StoredDelivery>, StoreError> {
        let _turn = self.lists.turn().await?;
        let (statement, of) = match target.map(str::to_owned) {
            Some(target) => (statement::SELECT_DEAD_DELIVERIES_OF_TARGET, Some(target)),
            None => (statement::SELECT_DEAD_DELIVERIES, None),
        };
        let bind = |query: E::Call| {
            let query = match of {
                Some(of) => query.bind(of),
                None => query,
            };
            query.bind(from).bind(until).bind(i64::from(limit))
        };
        fetch(&self.lists.pool, statement, bind, read_delivery).await
    }

    async fn delivery(&self, id: &str) -> Result<Option<StoredDelivery>, StoreError> {
        let id = id.to_owned();
        fetch_one(
            &self.readers,
            statement::FIND_DELIVERY,
            |query| query.bind(id),
            read_delivery,
        )
        .await
    }

    async fn mismatch_deliveries(&self, subject: SubjectKey, id: &str) -> Result<Vec<StoredDelivery>, StoreError> {
        let id = id.to_owned();
        let bind = |query: E::Call| query.bind(subject.0.to_vec()).bind(id);
        fetch(
            &self.readers,
            statement::SELECT_MISMATCH_DELIVERIES,
            bind,
            read_delivery,
        )
        .await
    }
}

/// Writes events, deliveries, results of attempts, subscriptions and answers. A second event of a cause, delivery or answer is passed
/// over.
pub(super) fn apply<'a, E: StoreEngine>(
    conn: &'a mut ConnectionLease<'_, E>,
    batches: &'a [&'a CommitBatch],
) -> ApplyResult<'a> {
    Box::pin(async move {
        let events: Vec<&EventRow> = rows_of(batches).collect();
        send_rows(conn, &statement::INSERT_EVENTS, &events, bind_event).await?;
        let unpublished = events.iter().filter(|event| !event.is_published).count();
        conn.count(TallyKind::Unpublished, "events", rows(unpublished));
        apply_deliveries(conn, batches).await?;
        for row in rows_of(batches) {
            let bind = |query: E::Call| bind_subscription(query, row);
            changed(conn, statement::UPSERT_SUBSCRIPTION, 1, bind).await?;
        }
        let answers: Vec<&AnswerRow> = rows_of(batches).collect();
        apply_answers(conn, &answers).await
    })
}

async fn apply_deliveries<E: StoreEngine>(
    conn: &mut ConnectionLease<'_, E>,
    batches: &[&CommitBatch],
) -> Result<(), StoreFault> {
    // Events that may have nothing pending any more.
    let mut told: Vec<RowKey> = rows_of::<FannedEvent>(batches).map(|event| event.0.clone()).collect();
    if !told.is_empty() {
        let fanned = keys_text(&told);
        changed(conn, statement::MARK_FANNED, told.len(), |query| query.bind(fanned)).await?;
    }
    for delivery in rows_of(batches) {
        told.extend(apply_delivery(conn, delivery).await?);
    }
    for result in rows_of::<DeliveryResult>(batches) {
        let before = before_attempt(conn, result).await?;
        // No row: the delivery was superseded or cancelled while it was tried.
        let bind = |query| bind_result(query, result);
        let event = events_of(conn, statement::UPDATE_DELIVERY, result.key.subject, bind).await?;
        count(conn, before, -rows(event.len()));
        count(conn, result.state, rows(event.len()));
        if result.state != DeliveryPhase::Pending {
            told.extend(event);
        }
    }
    if told.is_empty() {
        return Ok(());
    }
    if E::ENGINE == EngineName::Postgres {
        // Two commits that each end one of the last two deliveries do not see each other: the second waits for the first here.
        run(conn, statement::LOCK_TOLD, |query| query.bind(keys_text(&told))).await?;
    }
    run(conn, statement::MARK_TOLD, |query| query.bind(keys_text(&told))).await
}

fn read_delivery<R: RowColumns>(row: &R) -> RowResult<StoredDelivery> {
    const TABLE: &str = "deliveries";
    let status: Option<i64> = column(row, 8, TABLE, "last_status")?;
    Ok(StoredDelivery {
        seq: column(row, 0, TABLE, "seq")?,
        id: column(row, 1, TABLE, "id")?,
        target: column(row, 2, TABLE, "target")?,
        reason: column(row, 3, TABLE, "reason")?,
        state: word(row, 4, TABLE, "state", DeliveryPhase::parse)?,
        attempts: number(row, 5, TABLE, "attempts")?,
        next_at: column(row, 6, TABLE, "next_at")?,
        last_result: column(row, 7, TABLE, "last_result")?,
        last_status: status.and_then(|status| u16::try_from(status).ok()),
        created_at: column(row, 9, TABLE, "created_at")?,
        updated_at: column(row, 10, TABLE, "updated_at")?,
        event: read_event(row, 11)?,
    })
}

/// Runs a statement that changes deliveries of a subject. Returns the events of those that it changed.
async fn events_of<E: StoreEngine>(
    conn: &mut ConnectionLease<'_, E>,
    statement: SqlStatement,
    subject: SubjectKey,
    bind: impl FnOnce(E::Call) -> E::Call,
) -> Result<Vec<RowKey>, StoreFault> {
    let call = bind(E::call(E::text(statement)));
    let rows = conn.rows(statement.name, call).await?;
    let event = |row: &E::Row| {
        let id = column(row, 0, "deliveries", "event")?;
        Ok(RowKey { subject, id })
    };
    rows.iter()
        .map(event)
        .collect::<Result<_, _>>()
        .map_err(|_bad: StoreError| StoreFault::BadRow {
            table: "deliveries",
            column: "event",
        })
}

/// Inserts a delivery. Returns the events of those that it supersedes.
async fn apply_delivery<E: StoreEngine>(
    conn: &mut ConnectionLease<'_, E>,
    row: &DeliveryRow,
) -> Result<Vec<RowKey>, StoreFault> {
    let insert = |query: E::Call| {
        query
            .bind(row.id.clone())
            .bind(row.event.clone())
            .bind(row.target.clone())
            .bind(bytes(row.subject))
            .bind(row.reason)
            .bind(row.next_at)
            .bind(row.created_at)
            .bind(row.created_at)
            .bind(row.agency.clone())
    };
    let call = insert(E::call(E::text(statement::INSERT_DELIVERY)));
    let inserted = conn.execute(statement::INSERT_DELIVERY.name, call).await?;
    count(
        conn,
        DeliveryPhase::Pending,
        i64::try_from(inserted).unwrap_or_default(),
    );
    if !row.supersedes {
        return Ok(Vec::new());
    }
    let bind = |query: E::Call| {
        query
            .bind(row.target.clone())
            .bind(bytes(row.subject))
            .bind(row.created_at)
    };
    let superseded = events_of(conn, statement::SUPERSEDE_DELIVERIES, row.subject, bind).await?;
    count(conn, DeliveryPhase::Pending, -rows(superseded.len()));
    Ok(superseded)
}

fn rows(count: usize) -> i64 {
    i64::try_from(count).unwrap_or_default()
}

/// Counts deliveries of the states that are counted.
fn count<E: StoreEngine>(conn: &mut ConnectionLease<'_, E>, state: DeliveryPhase, rows: i64) {
    if matches!(state, DeliveryPhase::Pending | DeliveryPhase::Dead) {
        conn.count(TallyKind::Delivery, state.as_str(), rows);
    }
}

/// The state of a delivery before its result. Only one that is to be tried again may be in another state than pending.
async fn before_attempt<E: StoreEngine>(
    conn: &mut ConnectionLease<'_, E>,
    result: &DeliveryResult,
) -> Result<DeliveryPhase, StoreFault> {
    const TABLE: &str = "deliveries";
    if result.state != DeliveryPhase::Pending {
        return Ok(DeliveryPhase::Pending);
    }
    let statement = statement::SELECT_BEFORE_ATTEMPT;
    let call = E::call(E::text(statement))
        .bind(bytes(result.key.subject))
        .bind(result.key.id.clone());
    let found = conn.rows(statement.name, call).await?;
    let Some(before) = found.first() else {
        return Ok(DeliveryPhase::Pending);
    };
    word(before, 0, TABLE, "state", DeliveryPhase::parse).map_err(|_bad| StoreFault::BadRow {
        table: TABLE,
        column: "state",
    })
}

async fn apply_answers<E: StoreEngine>(
    conn: &mut ConnectionLease<'_, E>,
    answers: &[&AnswerRow],
) -> Result<(), StoreFault> {
    let sql = &*statement::INSERT_ANSWERS;
    for (text, run) in sql.runs::<E, _>(answers) {
        let call = run.iter().fold(E::call(text), |query, row| {
            query
                .bind(row.subject.to_vec())
                .bind(i64::from(row.agency))
                .bind(row.version)
                .bind(row.verification.clone())
                .bind(row.at)
        });
        conn.execute(sql.name, call).await?;
    }
    Ok(())
}

fn bind_event<Q: StatementCall>(query: Q, row: &EventRow) -> Q {
    query
        .bind(row.id.clone())
        .bind(row.kind.as_str())
        .bind(row.dataset.clone())
        .bind(bytes(row.subject.unwrap_or(SubjectKey::NONE)))
        .bind(row.version.map(i64::from))
        .bind(row.mismatch.clone())
        .bind(row.agency.clone())
        .bind(row.facts.clone())
        .bind(row.at)
        .bind(i64::from(row.is_fanned))
        .bind(i64::from(row.is_published))
}

fn bind_result<Q: StatementCall>(query: Q, row: &DeliveryResult) -> Q {
    query
        .bind(bytes(row.key.subject))
        .bind(row.key.id.clone())
        .bind(row.state.as_str())
        .bind(i64::from(row.attempts))
        .bind(row.next_at)
        .bind(row.last_result)
        .bind(row.last_status.map(i64::from))
        .bind(row.at)
}

fn bind_subscription<Q: StatementCall>(query: Q, row: &SubscriptionRow) -> Q {
    query
        .bind(row.id.clone())
        .bind(row.agency.clone())
        .bind(row.url.clone())
        .bind(json_text(&row.events))
        .bind(json_text(&row.datasets))
        .bind(row.until)
        .bind(i64::from(row.supersedes))
        .bind(row.secret.clone())
        .bind(row.previous_secret.clone())
        .bind(row.previous_valid_until)
        .bind(row.state.as_str())
        .bind(row.created_at)
        .bind(row.updated_at)
}

/// An event whose first column is at `first`.
pub(super) fn read_event<R: RowColumns>(row: &R, first: usize) -> RowResult<StoredEvent> {
    const TABLE: &str = "events";
    let version: Option<i64> = column(row, first + 5, TABLE, "version")?;
    Ok(StoredEvent {
        seq: column(row, first, TABLE, "seq")?,
        id: column(row, first + 1, TABLE, "id")?,
        kind: word(row, first + 2, TABLE, "kind", EventKind::parse)?,
        dataset: column(row, first + 3, TABLE, "dataset")?,
        subject: subject(row, first + 4, TABLE)?.filter(|subject| *subject != SubjectKey::NONE),
        version: version.and_then(|version| u32::try_from(version).ok()),
        mismatch: column(row, first + 6, TABLE, "mismatch")?,
        agency: column(row, first + 7, TABLE, "agency")?,
        facts: column(row, first + 8, TABLE, "facts")?,
        at: column(row, first + 9, TABLE, "at")?,
    })
}
