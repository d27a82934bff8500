//! Records: versions in waves, keyed hashes, and when sources were asked.

use std::{collections::HashMap, collections::HashSet, sync::Arc};

use async_trait::async_trait;

use crate::{
    apply::{as_expected, changed, run, send_rows},
    batch::{ApplyResult, CommitBatch, RecordRow, hex, json_text, rows_of},
    engine::{RowColumns, StatementCall, StoreEngine},
    fault::StoreFault,
    pool::ConnectionLease,
    rows::{column, fetch, fetch_one, flag, number},
    sql_store::SqlStore,
    statement::{self},
};
use heyan_ports::{
    error::StoreError,
    records::{FetchWrite, LiveFetch, NewestRecord, RecordKeys, RecordStore, StoredRecord},
    subject::{RecordKey, SubjectKey},
};

/// One row: dataset, hash, subject.
type SubjectRow<'b> = (&'b RecordKeys, [u8; 16]);

const ROW_END: char = '\u{1e}';

/// Between the columns of a row, and between rows, of `select_newest`. JSON holds neither as it stands: in its texts they are escaped.
const COLUMN_END: char = '\u{1f}';

#[async_trait]
impl<E: StoreEngine> RecordStore for SqlStore<E> {
    // Point look-ups: one query for each dataset named in `keys`.
    async fn records(&self, keys: &[RecordKey]) -> Result<Vec<Option<StoredRecord>>, StoreError> {
        let mut found: Vec<Option<StoredRecord>> = vec![None; keys.len()];
        let mut conn = self.readers.lend().await?;
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

    // Point look-ups of what a verification needs. All rows of a query come as one text: here each row costs a hand-over between
    // two threads and an allocation a column, which is more than finding it.
    async fn newest(&self, keys: &[RecordKey]) -> Result<Vec<Option<NewestRecord>>, StoreError> {
        const TABLE: &str = "records";
        let mut found: Vec<Option<NewestRecord>> = vec![None; keys.len()];
        let mut conn = self.readers.lend().await?;
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

    // One version, current or past.
    async fn record_version(&self, key: &RecordKey, version: u32) -> Result<Option<StoredRecord>, StoreError> {
        let SubjectKey(subject) = key.subject;
        let bind = |query: E::Call| {
            query
                .bind(Arc::clone(&key.dataset))
                .bind(subject.to_vec())
                .bind(i64::from(version))
        };
        let read = |row: &E::Row| stored_record(row, "record_versions");
        fetch_one(&self.readers, statement::SELECT_RECORD_VERSION, bind, read).await
    }

    // A page of current records, by the key index.
    async fn records_after(
        &self,
        dataset: &str,
        after: SubjectKey,
        limit: u32,
    ) -> Result<Vec<(SubjectKey, StoredRecord)>, StoreError> {
        const TABLE: &str = "records";
        let statement = statement::SELECT_RECORDS_AFTER;
        let call = E::call(E::text(statement))
            .bind(dataset.to_owned())
            .bind(after.0.to_vec())
            .bind(i64::from(limit));
        let rows = self.readers.lend().await?.rows(statement.name, call).await?;
        rows.iter()
            .map(|row| Ok((subject_of(row, TABLE)?, stored_record(row, TABLE)?)))
            .collect()
    }

    // The records under a keyed hash.
    async fn subjects_of_key(&self, dataset: &str, hash: [u8; 16]) -> Result<Vec<SubjectKey>, StoreError> {
        const TABLE: &str = "record_keys";
        let statement = statement::SELECT_RECORD_KEYS;
        let call = E::call(E::text(statement)).bind(dataset.to_owned()).bind(hash.to_vec());
        let rows = self.readers.lend().await?.rows(statement.name, call).await?;
        rows.iter().map(|row| subject_of(row, TABLE)).collect()
    }

    // When the source of a live record was last asked.
    async fn live_fetch(&self, key: &RecordKey) -> Result<Option<LiveFetch>, StoreError> {
        let SubjectKey(subject) = key.subject;
        let bind = |query: E::Call| query.bind(Arc::clone(&key.dataset)).bind(subject.to_vec());
        let read = |row: &E::Row| {
            Ok(LiveFetch {
                at_us: column(row, 0, "live_fetches", "fetched_at")?,
                found: flag(row, 1, "live_fetches", "found")?,
            })
        };
        fetch_one(&self.readers, statement::SELECT_LIVE_FETCH, bind, read).await
    }

    // Current records per dataset. Walks the whole key index: for a page or a metric, not for a request.
    async fn record_counts(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let _turn = self.lists.turn().await?;
        let count = |row: &E::Row| {
            Ok((
                column(row, 0, "records", "dataset")?,
                number(row, 1, "records", "count")?,
            ))
        };
        fetch(&self.lists.pool, statement::COUNT_RECORDS, |query| query, count).await
    }
}

/// Writes record versions, keyed hashes, and when sources were asked.
pub(super) fn apply<'a, E: StoreEngine>(
    conn: &'a mut ConnectionLease<'_, E>,
    batches: &'a [&'a CommitBatch],
) -> ApplyResult<'a> {
    Box::pin(async move {
        apply_records(conn, batches).await?;
        for row in rows_of::<FetchWrite>(batches) {
            changed(conn, statement::UPSERT_LIVE_FETCH, 1, |query| {
                bind_live_fetch(query, row)
            })
            .await?;
        }
        apply_keys(conn, batches).await
    })
}

fn subject_of<R: RowColumns>(row: &R, table: &'static str) -> Result<SubjectKey, StoreError> {
    let bytes: Vec<u8> = column(row, 0, table, "subject")?;
    let bytes = <[u8; 16]>::try_from(bytes).map_err(|_| StoreError::BadRow {
        table,
        column: "subject",
    })?;
    Ok(SubjectKey(bytes))
}

/// Writes keyed hashes. A later version of a record comes after the one before it, also in one group of commits, so first versions are
/// sent together and the others follow one by one.
async fn apply_keys<E: StoreEngine>(
    conn: &mut ConnectionLease<'_, E>,
    batches: &[&CommitBatch],
) -> Result<(), StoreFault> {
    let all = || rows_of::<RecordKeys>(batches);
    let first: Vec<SubjectRow<'_>> = all().filter(|keys| !keys.replaces).flat_map(rows).collect();
    insert(conn, &first).await?;
    for keys in all().filter(|keys| keys.replaces) {
        let bind = |query: E::Call| query.bind(Arc::clone(&keys.dataset)).bind(keys.subject.0.to_vec());
        run(conn, statement::DELETE_RECORD_KEYS, bind).await?;
        insert(conn, &rows(keys).collect::<Vec<_>>()).await?;
    }
    Ok(())
}

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

fn stored_record<R: RowColumns>(row: &R, table: &'static str) -> Result<StoredRecord, StoreError> {
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

/// Writes record versions in waves without a repeated key, so that a wave's rows may be sorted and merged.
async fn apply_records<E: StoreEngine>(
    conn: &mut ConnectionLease<'_, E>,
    batches: &[&CommitBatch],
) -> Result<(), StoreFault> {
    let total = batches.iter().map(|batch| batch.records.len()).sum();
    let mut seen: HashSet<(&str, SubjectKey)> = HashSet::with_capacity(total);
    let mut wave = Vec::with_capacity(total);
    for row in batches.iter().flat_map(|batch| &batch.records) {
        if !seen.insert((&row.dataset, row.subject)) {
            apply_wave(conn, &mut wave).await?;
            seen.clear();
            seen.insert((&row.dataset, row.subject));
        }
        wave.push(row);
    }
    apply_wave(conn, &mut wave).await
}

/// Writes one wave and leaves it empty.
async fn apply_wave<E: StoreEngine>(
    conn: &mut ConnectionLease<'_, E>,
    wave: &mut Vec<&RecordRow>,
) -> Result<(), StoreFault> {
    // In key order, neighbours share the pages of the key index.
    wave.sort_unstable_by(|a, b| (&a.dataset, a.subject).cmp(&(&b.dataset, b.subject)));
    let (old, new): (Vec<&RecordRow>, Vec<&RecordRow>) = wave.drain(..).partition(|row| row.expected.is_some());
    match conn.copy_records(&new).await? {
        Some(copied) => as_expected(copied, new.len())?,
        None => send_rows(conn, &statement::INSERT_RECORDS, &new, bind_record).await?,
    }
    if !old.is_empty() {
        // The compare of compare-and-set: only a row that still has the expected version is archived.
        let keys: Vec<_> = old
            .iter()
            .map(|row| (&*row.dataset, hex(row.subject), row.expected))
            .collect();
        let keys = json_text(&keys);
        changed(conn, statement::ARCHIVE_RECORDS, old.len(), |query| query.bind(keys)).await?;
        send_rows(conn, &statement::REPLACE_RECORDS, &old, bind_record).await?;
    }
    Ok(())
}

fn bind_record<Q: StatementCall>(query: Q, row: &RecordRow) -> Q {
    query
        .bind(Arc::clone(&row.dataset))
        .bind(row.subject.0.to_vec())
        .bind(i64::from(row.version))
        .bind(row.source_version)
        .bind(row.effective_at)
        .bind(row.received_at)
        .bind(row.source.clone())
        .bind(Arc::clone(&row.identifiers))
        .bind(Arc::clone(&row.fields))
}

fn bind_live_fetch<Q: StatementCall>(query: Q, FetchWrite { key, fetch }: &FetchWrite) -> Q {
    query
        .bind(key.dataset.to_string())
        .bind(key.subject.0.to_vec())
        .bind(fetch.at_us)
        .bind(i64::from(fetch.found))
}

fn rows(keys: &RecordKeys) -> impl Iterator<Item = SubjectRow<'_>> {
    keys.hashes.iter().map(move |hash| (keys, *hash))
}

async fn insert<E: StoreEngine>(conn: &mut ConnectionLease<'_, E>, rows: &[SubjectRow<'_>]) -> Result<(), StoreFault> {
    let rows: Vec<&SubjectRow<'_>> = rows.iter().collect();
    send_rows(conn, &statement::INSERT_RECORD_KEYS, &rows, |query, (keys, hash)| {
        query
            .bind(Arc::clone(&keys.dataset))
            .bind(hash.to_vec())
            .bind(keys.subject.0.to_vec())
    })
    .await
}
