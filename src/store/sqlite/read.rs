//! Reads: each on one of the read connections, which see the last commit and never wait for the writer.
//! Rows are matched to keys by their place in the key list, so an answer has the order of its question.

use std::collections::HashMap;

use serde::de::DeserializeOwned;
use sqlx::Row;
use sqlx::sqlite::{SqlitePool, SqliteRow};

use super::batch::{hex, json_text};
use super::fault::engine;
use crate::app::commit::{AgencyRow, ClientRow, GrantRow, GrantUsage};
use crate::app::ports::{
    AccessRows, LiveFetch, NewestRecord, PendingEntry, RecordKey, StoreError, StoredRecord, SubjectKey,
};
use crate::store::statement;

/// The keys of each dataset: their places in `keys`, and their subjects in hexadecimal.
fn by_dataset(keys: &[RecordKey]) -> HashMap<&str, (Vec<usize>, Vec<String>)> {
    let mut by_dataset: HashMap<&str, (Vec<usize>, Vec<String>)> = HashMap::new();
    for (place, key) in keys.iter().enumerate() {
        let (places, subjects) = by_dataset.entry(&key.dataset).or_default();
        places.push(place);
        subjects.push(hex(key.subject));
    }
    by_dataset
}

/// Point look-ups of what a verification needs. All rows of a query come as one text: here each row costs a hand-over between
/// two threads and an allocation a column, which is more than finding it.
pub(super) async fn newest(pool: &SqlitePool, keys: &[RecordKey]) -> Result<Vec<Option<NewestRecord>>, StoreError> {
    const TABLE: &str = "records";
    let mut found: Vec<Option<NewestRecord>> = vec![None; keys.len()];
    let name = statement::SELECT_NEWEST.name;
    let mut conn = pool.acquire().await.map_err(engine(name))?;
    for (dataset, (places, subjects)) in by_dataset(keys) {
        let row = sqlx::query(statement::SELECT_NEWEST.text)
            .bind(dataset.to_owned())
            .bind(json_text(&subjects))
            .fetch_one(&mut *conn)
            .await
            .map_err(engine(name))?;
        let rows: Option<&str> = column(&row, 0, TABLE, "fields")?;
        for row in rows.into_iter().flat_map(|rows| rows.split(ROW_END)) {
            let bad = |column| StoreError::BadRow { table: TABLE, column };
            let mut columns = row.splitn(4, COLUMN_END);
            let mut next = |name| columns.next().ok_or(bad(name));
            let nth: usize = next("key")?.parse().map_err(|_| bad("key"))?;
            let record = NewestRecord {
                version: next("version")?.parse().map_err(|_| bad("version"))?,
                received_at: next("received_at")?.parse().map_err(|_| bad("received_at"))?,
                fields: next("fields")?.to_owned(),
            };
            if let Some(slot) = places.get(nth).and_then(|place| found.get_mut(*place)) {
                *slot = Some(record);
            }
        }
    }
    Ok(found)
}

/// Between the columns of a row, and between rows, of `select_newest`. JSON holds neither as it stands: in its texts they are escaped.
const COLUMN_END: char = '\u{1f}';
const ROW_END: char = '\u{1e}';

/// Point look-ups: one query for each dataset named in `keys`.
pub(super) async fn records(pool: &SqlitePool, keys: &[RecordKey]) -> Result<Vec<Option<StoredRecord>>, StoreError> {
    let mut found: Vec<Option<StoredRecord>> = vec![None; keys.len()];
    let name = statement::SELECT_RECORDS.name;
    let mut conn = pool.acquire().await.map_err(engine(name))?;
    for (dataset, (places, subjects)) in by_dataset(keys) {
        let rows = sqlx::query(statement::SELECT_RECORDS.text)
            .bind(dataset.to_owned())
            .bind(json_text(&subjects))
            .fetch_all(&mut *conn)
            .await
            .map_err(engine(name))?;
        for row in &rows {
            let nth: i64 = column(row, 0, "records", "key")?;
            let place = usize::try_from(nth).ok().and_then(|nth| places.get(nth));
            if let Some(slot) = place.and_then(|place| found.get_mut(*place)) {
                *slot = Some(stored_record(row, "records")?);
            }
        }
    }
    Ok(found)
}

/// One version, current or past.
pub(super) async fn record_version(
    pool: &SqlitePool,
    key: &RecordKey,
    version: u32,
) -> Result<Option<StoredRecord>, StoreError> {
    let SubjectKey(subject) = key.subject;
    let row = sqlx::query(statement::SELECT_RECORD_VERSION.text)
        .bind(key.dataset.to_string())
        .bind(subject.to_vec())
        .bind(i64::from(version))
        .fetch_optional(pool)
        .await
        .map_err(engine(statement::SELECT_RECORD_VERSION.name))?;
    row.map(|row| stored_record(&row, "record_versions")).transpose()
}

/// When the source of a live record was last asked.
pub(super) async fn live_fetch(pool: &SqlitePool, key: &RecordKey) -> Result<Option<LiveFetch>, StoreError> {
    let SubjectKey(subject) = key.subject;
    let row = sqlx::query(statement::SELECT_LIVE_FETCH.text)
        .bind(key.dataset.to_string())
        .bind(subject.to_vec())
        .fetch_optional(pool)
        .await
        .map_err(engine(statement::SELECT_LIVE_FETCH.name))?;
    let fetch = |row: SqliteRow| {
        Ok(LiveFetch {
            at_us: column(&row, 0, "live_fetches", "fetched_at")?,
            found: flag(&row, 1, "live_fetches", "found")?,
        })
    };
    row.map(fetch).transpose()
}

/// Everything about access, in one read transaction so that no grant is seen without its agency.
pub(super) async fn access(pool: &SqlitePool) -> Result<AccessRows, StoreError> {
    let mut tx = pool.begin().await.map_err(engine("begin"))?;
    let mut rows = AccessRows::default();
    let fetched = sqlx::query(statement::SELECT_AGENCIES.text).fetch_all(&mut *tx).await;
    for row in fetched.map_err(engine(statement::SELECT_AGENCIES.name))? {
        rows.agencies.push(agency(&row)?);
    }
    let fetched = sqlx::query(statement::SELECT_CLIENTS.text).fetch_all(&mut *tx).await;
    for row in fetched.map_err(engine(statement::SELECT_CLIENTS.name))? {
        rows.clients.push(client(&row)?);
    }
    let fetched = sqlx::query(statement::SELECT_GRANTS.text).fetch_all(&mut *tx).await;
    for row in fetched.map_err(engine(statement::SELECT_GRANTS.name))? {
        rows.grants.push(grant(&row)?);
    }
    let fetched = sqlx::query(statement::SELECT_USAGE.text).fetch_all(&mut *tx).await;
    for row in fetched.map_err(engine(statement::SELECT_USAGE.name))? {
        rows.usage.push(usage(&row)?);
    }
    tx.commit().await.map_err(engine("commit"))?;
    Ok(rows)
}

/// Oldest outbox rows.
pub(super) async fn pending_entries(pool: &SqlitePool, limit: u32) -> Result<Vec<PendingEntry>, StoreError> {
    let rows = sqlx::query(statement::SELECT_ENTRIES.text)
        .bind(i64::from(limit))
        .fetch_all(pool)
        .await
        .map_err(engine(statement::SELECT_ENTRIES.name))?;
    let entry = |row: &SqliteRow| {
        Ok(PendingEntry {
            id: column(row, 0, "ledger_outbox", "id")?,
            entry: column(row, 1, "ledger_outbox", "entry")?,
        })
    };
    rows.iter().map(entry).collect()
}

/// Current records per dataset. Walks the whole key index: for a page or a metric, not for a request.
pub(super) async fn record_counts(pool: &SqlitePool) -> Result<Vec<(String, u64)>, StoreError> {
    let rows = sqlx::query(statement::COUNT_RECORDS.text)
        .fetch_all(pool)
        .await
        .map_err(engine(statement::COUNT_RECORDS.name))?;
    let count = |row: &SqliteRow| {
        Ok((
            column(row, 0, "records", "dataset")?,
            number(row, 1, "records", "count")?,
        ))
    };
    rows.iter().map(count).collect()
}

fn stored_record(row: &SqliteRow, table: &'static str) -> Result<StoredRecord, StoreError> {
    Ok(StoredRecord {
        version: number(row, 1, table, "version")?,
        source_version: column(row, 2, table, "source_version")?,
        effective_at: column(row, 3, table, "effective_at")?,
        received_at: column(row, 4, table, "received_at")?,
        source: column(row, 5, table, "source")?,
        subject: column(row, 6, table, "identifiers")?,
        fields: column(row, 7, table, "fields")?,
    })
}

fn agency(row: &SqliteRow) -> Result<AgencyRow, StoreError> {
    const TABLE: &str = "agencies";
    Ok(AgencyRow {
        id: column(row, 0, TABLE, "id")?,
        number: number(row, 1, TABLE, "number")?,
        name: column(row, 2, TABLE, "name")?,
        credit_code: column(row, 3, TABLE, "credit_code")?,
        authority_for: list(row, 4, TABLE, "authority_for")?,
        networks: list(row, 5, TABLE, "networks")?,
        disabled: flag(row, 6, TABLE, "disabled")?,
        created_at: column(row, 7, TABLE, "created_at")?,
        updated_at: column(row, 8, TABLE, "updated_at")?,
    })
}

fn client(row: &SqliteRow) -> Result<ClientRow, StoreError> {
    const TABLE: &str = "clients";
    let secret_hash = bytes_32(row, 4, TABLE, "secret_hash")?;
    Ok(ClientRow {
        id: column(row, 0, TABLE, "id")?,
        name: column(row, 1, TABLE, "name")?,
        role: column(row, 2, TABLE, "role")?,
        agency: column(row, 3, TABLE, "agency")?,
        secret_hash: secret_hash.ok_or(StoreError::BadRow {
            table: TABLE,
            column: "secret_hash",
        })?,
        previous_secret_hash: bytes_32(row, 5, TABLE, "previous_secret_hash")?,
        previous_valid_until: column(row, 6, TABLE, "previous_valid_until")?,
        public_key: bytes_32(row, 7, TABLE, "public_key")?,
        disabled: flag(row, 8, TABLE, "disabled")?,
        created_at: column(row, 9, TABLE, "created_at")?,
        updated_at: column(row, 10, TABLE, "updated_at")?,
    })
}

fn grant(row: &SqliteRow) -> Result<GrantRow, StoreError> {
    const TABLE: &str = "grants";
    let ceiling: Option<i64> = column(row, 8, TABLE, "daily_ceiling")?;
    Ok(GrantRow {
        id: column(row, 0, TABLE, "id")?,
        agency: column(row, 1, TABLE, "agency")?,
        dataset: column(row, 2, TABLE, "dataset")?,
        fields: list(row, 3, TABLE, "fields")?,
        operations: list(row, 4, TABLE, "operations")?,
        item_codes: list(row, 5, TABLE, "item_codes")?,
        valid_from: column(row, 6, TABLE, "valid_from")?,
        valid_until: column(row, 7, TABLE, "valid_until")?,
        daily_ceiling: ceiling
            .map(|ceiling| narrow(ceiling, TABLE, "daily_ceiling"))
            .transpose()?,
        networks: list(row, 9, TABLE, "networks")?,
        revoked_at: column(row, 10, TABLE, "revoked_at")?,
        created_at: column(row, 11, TABLE, "created_at")?,
    })
}

fn usage(row: &SqliteRow) -> Result<GrantUsage, StoreError> {
    const TABLE: &str = "grant_usage";
    Ok(GrantUsage {
        grant: column(row, 0, TABLE, "grant_id")?,
        day: number(row, 1, TABLE, "day")?,
        used: number(row, 2, TABLE, "used")?,
    })
}

pub(super) fn column<'r, T>(
    row: &'r SqliteRow,
    place: usize,
    table: &'static str,
    column: &'static str,
) -> Result<T, StoreError>
where
    T: sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
{
    // The engine's error could quote the value; it is dropped.
    row.try_get(place).map_err(|_| StoreError::BadRow { table, column })
}

pub(super) fn number<T: TryFrom<i64>>(
    row: &SqliteRow,
    place: usize,
    table: &'static str,
    name: &'static str,
) -> Result<T, StoreError> {
    narrow(column(row, place, table, name)?, table, name)
}

fn narrow<T: TryFrom<i64>>(value: i64, table: &'static str, column: &'static str) -> Result<T, StoreError> {
    T::try_from(value).map_err(|_| StoreError::BadRow { table, column })
}

pub(super) fn flag(row: &SqliteRow, place: usize, table: &'static str, name: &'static str) -> Result<bool, StoreError> {
    let value: i64 = column(row, place, table, name)?;
    match value {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(StoreError::BadRow { table, column: name }),
    }
}

pub(super) fn list<T: DeserializeOwned>(
    row: &SqliteRow,
    place: usize,
    table: &'static str,
    name: &'static str,
) -> Result<Vec<T>, StoreError> {
    let text: &str = column(row, place, table, name)?;
    serde_json::from_str(text).map_err(|_| StoreError::BadRow { table, column: name })
}

pub(super) fn bytes_32(
    row: &SqliteRow,
    place: usize,
    table: &'static str,
    name: &'static str,
) -> Result<Option<[u8; 32]>, StoreError> {
    let bytes: Option<&[u8]> = column(row, place, table, name)?;
    bytes
        .map(|bytes| bytes.try_into().map_err(|_| StoreError::BadRow { table, column: name }))
        .transpose()
}

pub(super) fn bytes_16(
    row: &SqliteRow,
    place: usize,
    table: &'static str,
    name: &'static str,
) -> Result<[u8; 16], StoreError> {
    let bytes: &[u8] = column(row, place, table, name)?;
    bytes.try_into().map_err(|_| StoreError::BadRow { table, column: name })
}
