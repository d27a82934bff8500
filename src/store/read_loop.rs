//! Reads of the loop: mismatches, events, deliveries, subscriptions, answers, guesses and replies.
//! Each is one statement on a read connection: it sees the last commit and never waits for the writer.

use std::sync::Arc;

use super::batch::{hex, json_text, keys_text};
use super::engine::{Call, Columns, Engine};
use super::pool::Pool;
use super::read::{bytes_16, bytes_32, column, fetch, fetch_one, flag, list, number};
use crate::app::ports::{RecordKey, StoreError, SubjectKey};
use crate::app::rows::{
    AnswerRow, Delivery, DeliveryFilter, Event, GuessRow, ItemRow, LoopCounts, MismatchFilter, MismatchRow, RowKey,
    SavedReply, SealRow, StepRow, SubscriptionRow,
};
use crate::domain::budget::Standing;
use crate::store::statement;

type Read<T> = Result<T, StoreError>;

pub(super) async fn mismatch<E: Engine>(pool: &Pool<E>, subject: SubjectKey, id: &str) -> Read<Option<MismatchRow>> {
    let id = id.to_owned();
    let bind = |query: E::Call| query.bind(subject.0.to_vec()).bind(id);
    fetch_one(pool, statement::SELECT_MISMATCH, bind, read_mismatch).await
}

pub(super) async fn mismatches_by_key<E: Engine>(pool: &Pool<E>, keys: &[RowKey]) -> Read<Vec<MismatchRow>> {
    let bind = |query: E::Call| query.bind(keys_text(keys));
    fetch(pool, statement::SELECT_MISMATCHES_BY_KEY, bind, read_mismatch).await
}

pub(super) async fn find_mismatch<E: Engine>(pool: &Pool<E>, id: &str) -> Read<Option<MismatchRow>> {
    let id = id.to_owned();
    fetch_one(pool, statement::FIND_MISMATCH, |query| query.bind(id), read_mismatch).await
}

pub(super) async fn steps<E: Engine>(pool: &Pool<E>, subject: SubjectKey, id: &str) -> Read<Vec<StepRow>> {
    let id = id.to_owned();
    let bind = |query: E::Call| query.bind(subject.0.to_vec()).bind(id);
    fetch(pool, statement::SELECT_STEPS, bind, read_step).await
}

pub(super) async fn mismatches<E: Engine>(pool: &Pool<E>, filter: &MismatchFilter) -> Read<Vec<MismatchRow>> {
    let filter = filter.clone();
    let bind = |query: E::Call| {
        query
            .bind(filter.agency)
            .bind(filter.datasets.map(|datasets| json_text(&datasets)))
            .bind(filter.state)
            .bind(filter.due_before)
            .bind(filter.after)
            .bind(i64::from(filter.limit))
    };
    fetch(pool, statement::SELECT_MISMATCHES, bind, read_mismatch).await
}

pub(super) async fn undated_mismatches<E: Engine>(pool: &Pool<E>, limit: u32) -> Read<Vec<MismatchRow>> {
    let bind = |query: E::Call| query.bind(i64::from(limit));
    fetch(pool, statement::SELECT_UNDATED_MISMATCHES, bind, read_mismatch).await
}

pub(super) async fn delivered_mismatches<E: Engine>(pool: &Pool<E>, limit: u32) -> Read<Vec<MismatchRow>> {
    let bind = |query: E::Call| query.bind(i64::from(limit));
    fetch(pool, statement::SELECT_DELIVERED_MISMATCHES, bind, read_mismatch).await
}

pub(super) async fn mismatch_of<E: Engine>(
    pool: &Pool<E>,
    key: &RecordKey,
    matter: &[u8; 16],
    fields: &[String],
) -> Read<Option<MismatchRow>> {
    let bind = |query: E::Call| {
        query
            .bind(Arc::clone(&key.dataset))
            .bind(key.subject.0.to_vec())
            .bind(matter.to_vec())
            .bind(json_text(fields))
    };
    fetch_one(pool, statement::SELECT_MISMATCH_OF, bind, read_mismatch).await
}

pub(super) async fn pending_mismatches<E: Engine>(pool: &Pool<E>, subject: SubjectKey) -> Read<Vec<MismatchRow>> {
    let bind = |query: E::Call| query.bind(subject.0.to_vec());
    fetch(pool, statement::SELECT_PENDING_MISMATCHES, bind, read_mismatch).await
}

pub(super) async fn guesses_about<E: Engine>(pool: &Pool<E>, subject: SubjectKey) -> Read<Vec<GuessRow>> {
    let bind = |query: E::Call| query.bind(subject.0.to_vec());
    fetch(pool, statement::SELECT_GUESSES_ABOUT, bind, read_guess).await
}

pub(super) async fn guesses_since<E: Engine>(pool: &Pool<E>, since: i64) -> Read<Vec<GuessRow>> {
    fetch(pool, statement::SELECT_GUESSES, |query| query.bind(since), read_guess).await
}

pub(super) async fn guess_head<E: Engine>(pool: &Pool<E>, subject: SubjectKey) -> Read<i64> {
    let bind = |query: E::Call| query.bind(subject.0.to_vec());
    let read = |row: &E::Row| column(row, 0, "guess_heads", "revision");
    let head = fetch_one(pool, statement::SELECT_GUESS_HEAD, bind, read).await?;
    Ok(head.unwrap_or_default())
}

pub(super) async fn unlock_request<E: Engine>(pool: &Pool<E>, subject: SubjectKey) -> Read<Option<(String, i64)>> {
    const TABLE: &str = "unlock_requests";
    let bind = |query: E::Call| query.bind(subject.0.to_vec());
    let read = |row: &E::Row| Ok((column(row, 0, TABLE, "client")?, column(row, 1, TABLE, "at")?));
    fetch_one(pool, statement::SELECT_UNLOCK_REQUEST, bind, read).await
}

fn read_guess<R: Columns>(row: &R) -> Read<GuessRow> {
    const TABLE: &str = "guesses";
    Ok(GuessRow {
        subject: SubjectKey(bytes_16(row, 0, TABLE, "subject")?),
        field: column(row, 1, TABLE, "field")?,
        value: bytes_16(row, 2, TABLE, "value")?,
        agency: number(row, 3, TABLE, "agency")?,
        standing: if flag(row, 4, TABLE, "is_known")? {
            Standing::OpenMatter
        } else {
            Standing::Stranger
        },
        units: number(row, 5, TABLE, "units")?,
        at: column(row, 6, TABLE, "at")?,
    })
}

pub(super) async fn subscriptions<E: Engine>(pool: &Pool<E>) -> Read<Vec<SubscriptionRow>> {
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
            state: column(row, 10, TABLE, "state")?,
            created_at: column(row, 11, TABLE, "created_at")?,
            updated_at: column(row, 12, TABLE, "updated_at")?,
        })
    };
    fetch(pool, statement::SELECT_SUBSCRIPTIONS, |query| query, read).await
}

pub(super) async fn items<E: Engine>(pool: &Pool<E>) -> Read<Vec<ItemRow>> {
    const TABLE: &str = "items";
    let read = |row: &E::Row| {
        Ok(ItemRow {
            code: column(row, 0, TABLE, "code")?,
            version: number(row, 1, TABLE, "version")?,
            body: column(row, 2, TABLE, "body")?,
            updated_at: column(row, 3, TABLE, "updated_at")?,
        })
    };
    fetch(pool, statement::SELECT_ITEMS, |query| query, read).await
}

pub(super) async fn seals<E: Engine>(pool: &Pool<E>) -> Read<Vec<SealRow>> {
    const TABLE: &str = "trace_seals";
    let read = |row: &E::Row| {
        Ok(SealRow {
            id: column(row, 0, TABLE, "id")?,
            state: column(row, 1, TABLE, "state")?,
            until: column(row, 2, TABLE, "until")?,
            revision: number(row, 3, TABLE, "revision")?,
            facts: column(row, 4, TABLE, "facts")?,
            created_at: column(row, 5, TABLE, "created_at")?,
            updated_at: column(row, 6, TABLE, "updated_at")?,
        })
    };
    fetch(pool, statement::SELECT_SEALS, |query| query, read).await
}

pub(super) async fn new_events<E: Engine>(pool: &Pool<E>, limit: u32) -> Read<Vec<Event>> {
    let bind = |query: E::Call| query.bind(i64::from(limit));
    fetch(pool, statement::SELECT_NEW_EVENTS, bind, |row| read_event(row, 0)).await
}

pub(super) async fn answers_of<E: Engine>(pool: &Pool<E>, subjects: &[SubjectKey]) -> Read<Vec<AnswerRow>> {
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
    fetch(pool, statement::SELECT_ANSWERS, bind, read).await
}

pub(super) async fn newest_changes<E: Engine>(pool: &Pool<E>, subjects: &[SubjectKey]) -> Read<Vec<Event>> {
    let subjects: Vec<String> = subjects.iter().map(|subject| hex(*subject)).collect();
    let bind = |query: E::Call| query.bind(json_text(&subjects));
    fetch(pool, statement::SELECT_NEWEST_CHANGES, bind, |row| read_event(row, 0)).await
}

pub(super) async fn due_deliveries<E: Engine>(
    pool: &Pool<E>,
    target: &str,
    now: i64,
    limit: u32,
) -> Read<Vec<Delivery>> {
    let target = target.to_owned();
    let bind = |query: E::Call| query.bind(target).bind(now).bind(i64::from(limit));
    fetch(pool, statement::SELECT_DUE_DELIVERIES, bind, read_delivery).await
}

pub(super) async fn next_delivery_at<E: Engine>(pool: &Pool<E>, target: &str) -> Read<Option<i64>> {
    let target = target.to_owned();
    let read = |row: &E::Row| column(row, 0, "deliveries", "next_at");
    let found = fetch_one(pool, statement::SELECT_NEXT_DELIVERY, |query| query.bind(target), read).await?;
    Ok(found.flatten())
}

pub(super) async fn pending_targets<E: Engine>(pool: &Pool<E>) -> Read<Vec<String>> {
    let read = |row: &E::Row| column(row, 0, "deliveries", "target");
    fetch(pool, statement::SELECT_PENDING_TARGETS, |query| query, read).await
}

pub(super) async fn deliveries<E: Engine>(pool: &Pool<E>, filter: &DeliveryFilter) -> Read<Vec<Delivery>> {
    let filter = filter.clone();
    let (from, to) = filter.created.unwrap_or((i64::MIN, i64::MAX));
    let bind = |query: E::Call| {
        query
            .bind(filter.targets.map(|targets| json_text(&targets)))
            .bind(filter.state)
            .bind(filter.after)
            .bind(from)
            .bind(to)
            .bind(i64::from(filter.limit))
    };
    fetch(pool, statement::SELECT_DELIVERIES, bind, read_delivery).await
}

pub(super) async fn delivery<E: Engine>(pool: &Pool<E>, id: &str) -> Read<Option<Delivery>> {
    let id = id.to_owned();
    fetch_one(pool, statement::FIND_DELIVERY, |query| query.bind(id), read_delivery).await
}

pub(super) async fn mismatch_deliveries<E: Engine>(
    pool: &Pool<E>,
    subject: SubjectKey,
    id: &str,
) -> Read<Vec<Delivery>> {
    let id = id.to_owned();
    let bind = |query: E::Call| query.bind(subject.0.to_vec()).bind(id);
    fetch(pool, statement::SELECT_MISMATCH_DELIVERIES, bind, read_delivery).await
}

pub(super) async fn position<E: Engine>(pool: &Pool<E>, name: &str) -> Read<Option<String>> {
    let name = name.to_owned();
    let read = |row: &E::Row| column(row, 0, "positions", "position");
    fetch_one(pool, statement::SELECT_POSITION, |query| query.bind(name), read).await
}

pub(super) async fn reply<E: Engine>(pool: &Pool<E>, client: &str, key: &str) -> Read<Option<SavedReply>> {
    const TABLE: &str = "replies";
    let (client, key) = (client.to_owned(), key.to_owned());
    let bind = |query: E::Call| query.bind(client.clone()).bind(key.clone());
    let read = |row: &E::Row| {
        Ok(SavedReply {
            client: client.clone(),
            key: key.clone(),
            fingerprint: bytes_32(row, 0, TABLE, "fingerprint")?.unwrap_or_default(),
            status: number(row, 1, TABLE, "status")?,
            body: column(row, 2, TABLE, "body")?,
            at: column(row, 3, TABLE, "at")?,
        })
    };
    fetch_one(pool, statement::SELECT_REPLY, bind, read).await
}

pub(super) async fn unpublished_events<E: Engine>(pool: &Pool<E>, limit: u32) -> Read<Vec<Event>> {
    let bind = |query: E::Call| query.bind(i64::from(limit));
    fetch(pool, statement::SELECT_UNPUBLISHED_EVENTS, bind, |row| {
        read_event(row, 0)
    })
    .await
}

pub(super) async fn unpublished_counts<E: Engine>(pool: &Pool<E>) -> Read<Vec<(String, u64)>> {
    let read = |row: &E::Row| Ok((column(row, 0, "events", "kind")?, number(row, 1, "events", "count")?));
    fetch(pool, statement::COUNT_UNPUBLISHED, |query| query, read).await
}

pub(super) async fn parked_keys<E: Engine>(pool: &Pool<E>, topic: &str, limit: u32) -> Read<Vec<[u8; 16]>> {
    let topic = topic.to_owned();
    let bind = |query: E::Call| query.bind(topic).bind(i64::from(limit));
    let read = |row: &E::Row| bytes_16(row, 0, "parked_keys", "key");
    fetch(pool, statement::SELECT_PARKED_KEYS, bind, read).await
}

pub(super) async fn loop_counts<E: Engine>(pool: &Pool<E>, today: &str) -> Read<LoopCounts> {
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
    let mismatches = fetch(pool, statement::COUNT_MISMATCHES, bind, of_mismatches).await?;
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
    let deliveries = fetch(pool, statement::COUNT_DELIVERIES, |query| query, of_deliveries).await?;
    let of_alerts = |row: &E::Row| Ok((column(row, 0, "alerts", "rule")?, number(row, 1, "alerts", "count")?));
    Ok(LoopCounts {
        alerts: fetch(pool, statement::COUNT_ALERTS, |query| query, of_alerts).await?,
        overdue: mismatches.iter().map(|(_, _, overdue)| overdue).sum(),
        oldest_pending_at: deliveries
            .iter()
            .find(|(state, ..)| state == "pending")
            .and_then(|(_, _, oldest)| *oldest),
        mismatches: mismatches.into_iter().map(|(state, count, _)| (state, count)).collect(),
        deliveries: deliveries.into_iter().map(|(state, count, _)| (state, count)).collect(),
    })
}

fn read_mismatch<R: Columns>(row: &R) -> Read<MismatchRow> {
    const TABLE: &str = "mismatches";
    Ok(MismatchRow {
        id: column(row, 0, TABLE, "id")?,
        dataset: column::<_, String>(row, 1, TABLE, "dataset")?.into(),
        subject: SubjectKey(bytes_16(row, 2, TABLE, "subject")?),
        agency: column(row, 3, TABLE, "agency")?,
        matter: bytes_16(row, 4, TABLE, "matter")?,
        fields: list(row, 5, TABLE, "fields")?,
        record_version: number(row, 6, TABLE, "record_version")?,
        state: column(row, 7, TABLE, "state")?,
        is_final: flag(row, 8, TABLE, "is_final")?,
        due_on: column(row, 9, TABLE, "due_on")?,
        awaits: column(row, 10, TABLE, "awaits")?,
        revision: number(row, 11, TABLE, "revision")?,
        opened_at: column(row, 12, TABLE, "opened_at")?,
        updated_at: column(row, 13, TABLE, "updated_at")?,
        facts: column(row, 14, TABLE, "facts")?,
    })
}

fn read_step<R: Columns>(row: &R) -> Read<StepRow> {
    const TABLE: &str = "mismatch_steps";
    let actor: &str = column(row, 4, TABLE, "actor")?;
    let known = ["agency", "authority", "hub"].into_iter().find(|known| *known == actor);
    Ok(StepRow {
        seq: number(row, 0, TABLE, "seq")?,
        at: column(row, 1, TABLE, "at")?,
        action: column(row, 2, TABLE, "action")?,
        state: column(row, 3, TABLE, "state")?,
        actor: known.ok_or(StoreError::BadRow {
            table: TABLE,
            column: "actor",
        })?,
        note: column(row, 5, TABLE, "note")?,
    })
}

/// An event whose first column is at `first`.
fn read_event<R: Columns>(row: &R, first: usize) -> Read<Event> {
    const TABLE: &str = "events";
    let version: Option<i64> = column(row, first + 5, TABLE, "version")?;
    Ok(Event {
        seq: column(row, first, TABLE, "seq")?,
        id: column(row, first + 1, TABLE, "id")?,
        kind: column(row, first + 2, TABLE, "kind")?,
        dataset: column(row, first + 3, TABLE, "dataset")?,
        subject: subject(row, first + 4, TABLE)?.filter(|subject| *subject != SubjectKey::NOBODY),
        version: version.and_then(|version| u32::try_from(version).ok()),
        mismatch: column(row, first + 6, TABLE, "mismatch")?,
        agency: column(row, first + 7, TABLE, "agency")?,
        facts: column(row, first + 8, TABLE, "facts")?,
        at: column(row, first + 9, TABLE, "at")?,
    })
}

fn read_delivery<R: Columns>(row: &R) -> Read<Delivery> {
    const TABLE: &str = "deliveries";
    let status: Option<i64> = column(row, 8, TABLE, "last_status")?;
    Ok(Delivery {
        seq: column(row, 0, TABLE, "seq")?,
        id: column(row, 1, TABLE, "id")?,
        target: column(row, 2, TABLE, "target")?,
        reason: column(row, 3, TABLE, "reason")?,
        state: column(row, 4, TABLE, "state")?,
        attempts: number(row, 5, TABLE, "attempts")?,
        next_at: column(row, 6, TABLE, "next_at")?,
        last_result: column(row, 7, TABLE, "last_result")?,
        last_status: status.and_then(|status| u16::try_from(status).ok()),
        created_at: column(row, 9, TABLE, "created_at")?,
        updated_at: column(row, 10, TABLE, "updated_at")?,
        event: read_event(row, 11)?,
    })
}

pub(super) fn subject<R: Columns>(row: &R, place: usize, table: &'static str) -> Read<Option<SubjectKey>> {
    let bad = || StoreError::BadRow {
        table,
        column: "subject",
    };
    let bytes: Option<&[u8]> = column(row, place, table, "subject")?;
    let subject = |bytes: &[u8]| bytes.try_into().map(SubjectKey).map_err(|_| bad());
    bytes.map(subject).transpose()
}
