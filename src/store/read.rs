//! Reads: each on one of the read connections, which see the last commit and never wait for the writer.
//! Rows are matched to keys by their place in the key list, so an answer has the order of its question.

use std::collections::HashMap;
use std::sync::Arc;

use super::batch::{hex, json_text};
use super::engine::{Call, Cell, Columns, Engine};
use super::pool::{Lease, Pool};
use crate::statement::{self, Statement};
use heyan_ports::commit::{AgencyRow, ClientRow, GrantRow, GrantUsage};
use heyan_ports::store::{
    AccessRows, CosignedRow, LiveFetch, NewestRecord, NodeRow, PendingEntry, RecordKey, StoreError, StoredRecord,
    SubjectKey,
};
use serde::de::DeserializeOwned;

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
pub(super) async fn newest<E: Engine>(
    pool: &Pool<E>,
    keys: &[RecordKey],
) -> Result<Vec<Option<NewestRecord>>, StoreError> {
    const TABLE: &str = "records";
    let mut found: Vec<Option<NewestRecord>> = vec![None; keys.len()];
    let mut conn = pool.lend().await?;
    for (dataset, (places, subjects)) in by_dataset(keys) {
        let call = E::call(E::text(statement::SELECT_NEWEST))
            .bind(dataset.to_owned())
            .bind(json_text(&subjects));
        let row = conn.rows(statement::SELECT_NEWEST.name, call).await?;
        let rows: Option<&str> = row.first().map_or(Ok(None), |row| column(row, 0, TABLE, "fields"))?;
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
pub(super) async fn records<E: Engine>(
    pool: &Pool<E>,
    keys: &[RecordKey],
) -> Result<Vec<Option<StoredRecord>>, StoreError> {
    let mut found: Vec<Option<StoredRecord>> = vec![None; keys.len()];
    let mut conn = pool.lend().await?;
    for (dataset, (places, subjects)) in by_dataset(keys) {
        let call = E::call(E::text(statement::SELECT_RECORDS))
            .bind(dataset.to_owned())
            .bind(json_text(&subjects));
        let rows = conn.rows(statement::SELECT_RECORDS.name, call).await?;
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
pub(super) async fn record_version<E: Engine>(
    pool: &Pool<E>,
    key: &RecordKey,
    version: u32,
) -> Result<Option<StoredRecord>, StoreError> {
    let SubjectKey(subject) = key.subject;
    let bind = |query: E::Call| {
        query
            .bind(Arc::clone(&key.dataset))
            .bind(subject.to_vec())
            .bind(i64::from(version))
    };
    let read = |row: &E::Row| stored_record(row, "record_versions");
    fetch_one(pool, statement::SELECT_RECORD_VERSION, bind, read).await
}

/// The records under a keyed hash.
pub(super) async fn subjects_of_key<E: Engine>(
    pool: &Pool<E>,
    dataset: &str,
    hash: [u8; 16],
) -> Result<Vec<SubjectKey>, StoreError> {
    const TABLE: &str = "record_keys";
    let statement = statement::SELECT_RECORD_KEYS;
    let call = E::call(E::text(statement)).bind(dataset.to_owned()).bind(hash.to_vec());
    let rows = pool.lend().await?.rows(statement.name, call).await?;
    let subject = |row: &E::Row| {
        let bytes: Vec<u8> = column(row, 0, TABLE, "subject")?;
        let bytes = <[u8; 16]>::try_from(bytes).map_err(|_| StoreError::BadRow {
            table: TABLE,
            column: "subject",
        })?;
        Ok(SubjectKey(bytes))
    };
    rows.iter().map(subject).collect()
}

/// When the source of a live record was last asked.
pub(super) async fn live_fetch<E: Engine>(pool: &Pool<E>, key: &RecordKey) -> Result<Option<LiveFetch>, StoreError> {
    let SubjectKey(subject) = key.subject;
    let bind = |query: E::Call| query.bind(Arc::clone(&key.dataset)).bind(subject.to_vec());
    let read = |row: &E::Row| {
        Ok(LiveFetch {
            at_us: column(row, 0, "live_fetches", "fetched_at")?,
            found: flag(row, 1, "live_fetches", "found")?,
        })
    };
    fetch_one(pool, statement::SELECT_LIVE_FETCH, bind, read).await
}

/// Everything about access, as one moment saw it, so that no grant is seen without its agency.
pub(super) async fn access<E: Engine>(pool: &Pool<E>) -> Result<AccessRows, StoreError> {
    let mut conn = pool.lend().await?;
    conn.begin_reading().await?;
    let mut rows = AccessRows::default();
    for row in all(&mut conn, statement::SELECT_AGENCIES).await? {
        rows.agencies.push(agency(&row)?);
    }
    for row in all(&mut conn, statement::SELECT_CLIENTS).await? {
        rows.clients.push(client(&row)?);
    }
    for row in all(&mut conn, statement::SELECT_GRANTS).await? {
        rows.grants.push(grant(&row)?);
    }
    for row in all(&mut conn, statement::SELECT_USAGE).await? {
        rows.usage.push(usage(&row)?);
    }
    conn.commit().await?;
    Ok(rows)
}

async fn all<E: Engine>(conn: &mut Lease<'_, E>, statement: Statement) -> Result<Vec<E::Row>, StoreError> {
    Ok(conn.rows(statement.name, E::call(E::text(statement))).await?)
}

/// Oldest outbox rows of a node.
pub(super) async fn pending_entries<E: Engine>(
    pool: &Pool<E>,
    origin: &Arc<str>,
    limit: u32,
) -> Result<Vec<PendingEntry>, StoreError> {
    let bind = |query: E::Call| query.bind(Arc::clone(origin)).bind(i64::from(limit));
    let entry = |row: &E::Row| {
        Ok(PendingEntry {
            id: column(row, 0, "ledger_outbox", "id")?,
            entry: column(row, 1, "ledger_outbox", "entry")?,
        })
    };
    fetch(pool, statement::SELECT_ENTRIES, bind, entry).await
}

/// Current records per dataset. Walks the whole key index: for a page or a metric, not for a request.
pub(super) async fn record_counts<E: Engine>(pool: &Pool<E>) -> Result<Vec<(String, u64)>, StoreError> {
    let count = |row: &E::Row| {
        Ok((
            column(row, 0, "records", "dataset")?,
            number(row, 1, "records", "count")?,
        ))
    };
    fetch(pool, statement::COUNT_RECORDS, |query| query, count).await
}

/// The counters of grants, of the newest two days.
pub(super) async fn all_usage<E: Engine>(pool: &Pool<E>) -> Result<Vec<GrantUsage>, StoreError> {
    fetch(pool, statement::SELECT_USAGE, |query| query, usage).await
}

/// Every node that was ever shown.
pub(super) async fn nodes<E: Engine>(pool: &Pool<E>) -> Result<Vec<NodeRow>, StoreError> {
    const TABLE: &str = "nodes";
    let read = |row: &E::Row| {
        Ok(NodeRow {
            origin: column(row, 0, TABLE, "origin")?,
            number: number(row, 1, TABLE, "number")?,
            url: column(row, 2, TABLE, "url")?,
            ledger_key: column(row, 3, TABLE, "ledger_key")?,
            checkpoint: column(row, 4, TABLE, "checkpoint")?,
            seen_at: column(row, 5, TABLE, "seen_at")?,
        })
    };
    fetch(pool, statement::SELECT_NODES, |query| query, read).await
}

/// The newest countersigned checkpoints.
pub(super) async fn cosigned<E: Engine>(pool: &Pool<E>) -> Result<Vec<CosignedRow>, StoreError> {
    const TABLE: &str = "cosigned";
    let read = |row: &E::Row| {
        Ok(CosignedRow {
            origin: column(row, 0, TABLE, "origin")?,
            witness: column(row, 1, TABLE, "witness")?,
            witness_key: column(row, 2, TABLE, "witness_key")?,
            checkpoint: column(row, 3, TABLE, "checkpoint")?,
            at: column(row, 4, TABLE, "at")?,
        })
    };
    fetch(pool, statement::SELECT_COSIGNED, |query| query, read).await
}

/// What a node is asked.
pub(super) async fn asks<E: Engine>(pool: &Pool<E>, origin: &Arc<str>) -> Result<Vec<(String, String)>, StoreError> {
    let read = |row: &E::Row| Ok((column(row, 0, "asks", "id")?, column(row, 1, "asks", "question")?));
    fetch(
        pool,
        statement::SELECT_ASKS,
        |query| query.bind(Arc::clone(origin)),
        read,
    )
    .await
}

/// The answer to a question, when there is one.
pub(super) async fn answer<E: Engine>(pool: &Pool<E>, id: &str) -> Result<Option<Vec<u8>>, StoreError> {
    let id = id.to_owned();
    let read = |row: &E::Row| column(row, 0, "asks", "answer");
    fetch_one(pool, statement::SELECT_ASK, |query| query.bind(id), read).await
}

/// What a name was settled to stand for.
pub(super) async fn settled<E: Engine>(pool: &Pool<E>, name: &str) -> Result<String, StoreError> {
    let name = name.to_owned();
    let read = |row: &E::Row| column(row, 0, "meta", "value");
    let found = fetch_one(pool, statement::SELECT_META, |query| query.bind(name), read).await?;
    found.ok_or(StoreError::BadRow {
        table: "meta",
        column: "value",
    })
}

/// All rows of one statement.
pub(super) async fn fetch<E: Engine, T>(
    pool: &Pool<E>,
    statement: Statement,
    bind: impl FnOnce(E::Call) -> E::Call,
    read: impl Fn(&E::Row) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let call = bind(E::call(E::text(statement)));
    let rows = pool.lend().await?.rows(statement.name, call).await?;
    rows.iter().map(read).collect()
}

/// The first row of one statement, if there is one.
pub(super) async fn fetch_one<E: Engine, T>(
    pool: &Pool<E>,
    statement: Statement,
    bind: impl FnOnce(E::Call) -> E::Call,
    read: impl Fn(&E::Row) -> Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    let rows = fetch(pool, statement, bind, read).await?;
    Ok(rows.into_iter().next())
}

fn stored_record<R: Columns>(row: &R, table: &'static str) -> Result<StoredRecord, StoreError> {
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

fn agency<R: Columns>(row: &R) -> Result<AgencyRow, StoreError> {
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

fn client<R: Columns>(row: &R) -> Result<ClientRow, StoreError> {
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

fn grant<R: Columns>(row: &R) -> Result<GrantRow, StoreError> {
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

fn usage<R: Columns>(row: &R) -> Result<GrantUsage, StoreError> {
    const TABLE: &str = "grant_usage";
    Ok(GrantUsage {
        grant: column(row, 0, TABLE, "grant_id")?,
        day: number(row, 1, TABLE, "day")?,
        used: number(row, 2, TABLE, "used")?,
    })
}

pub(super) fn column<'r, R: Columns, T: Cell<'r>>(
    row: &'r R,
    place: usize,
    table: &'static str,
    column: &'static str,
) -> Result<T, StoreError> {
    T::read(row, place).map_err(|_bad| StoreError::BadRow { table, column })
}

pub(super) fn number<T: TryFrom<i64>>(
    row: &impl Columns,
    place: usize,
    table: &'static str,
    name: &'static str,
) -> Result<T, StoreError> {
    narrow(column(row, place, table, name)?, table, name)
}

fn narrow<T: TryFrom<i64>>(value: i64, table: &'static str, column: &'static str) -> Result<T, StoreError> {
    T::try_from(value).map_err(|_| StoreError::BadRow { table, column })
}

pub(super) fn flag(
    row: &impl Columns,
    place: usize,
    table: &'static str,
    name: &'static str,
) -> Result<bool, StoreError> {
    let value: i64 = column(row, place, table, name)?;
    match value {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(StoreError::BadRow { table, column: name }),
    }
}

pub(super) fn list<T: DeserializeOwned>(
    row: &impl Columns,
    place: usize,
    table: &'static str,
    name: &'static str,
) -> Result<Vec<T>, StoreError> {
    let text: &str = column(row, place, table, name)?;
    serde_json::from_str(text).map_err(|_| StoreError::BadRow { table, column: name })
}

pub(super) fn bytes_32(
    row: &impl Columns,
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
    row: &impl Columns,
    place: usize,
    table: &'static str,
    name: &'static str,
) -> Result<[u8; 16], StoreError> {
    let bytes: &[u8] = column(row, place, table, name)?;
    bytes.try_into().map_err(|_| StoreError::BadRow { table, column: name })
}
