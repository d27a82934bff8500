//! Records in SQLite: many keys in one query, and new records in bulk; sqlx costs a thread hop a query, four times the
//! query itself, so nothing here asks row by row where rows are many.

use std::{collections::HashMap, fmt::Write as _};

use serde_json::Value;
use sqlx::{Row, Sqlite, SqlitePool, Transaction, sqlite::SqliteRow};

use super::sqlite::engine;
use crate::app::{
    commit::RecordWrite,
    ports::{RecordKey, StoreError, StoredRecord, SubjectKey},
};

/// Keys of one query; more are asked in several.
const KEYS_MAX: usize = 4_096;

/// New records of one statement.
const INSERTS_MAX: usize = 2_048;

pub(super) async fn get(pool: &SqlitePool, keys: &[RecordKey]) -> Result<Vec<Option<StoredRecord>>, StoreError> {
    let name = "records_get";
    let mut found: Vec<Option<StoredRecord>> = Vec::new();
    found.resize_with(keys.len(), || None);
    // A key may stand more than once: each place gets the record.
    let mut places: HashMap<&RecordKey, Vec<usize>> = HashMap::with_capacity(keys.len());
    for (place, key) in keys.iter().enumerate() {
        places.entry(key).or_default().push(place);
    }
    let distinct: Vec<&RecordKey> = places.keys().copied().collect();
    for part in distinct.chunks(KEYS_MAX) {
        let list = key_list(part);
        let query = sqlx::query(include_str!("sql/records_get.sql")).bind(list);
        let rows = query.fetch_all(pool).await.map_err(engine(name))?;
        for row in &rows {
            let position: i64 = row.try_get(0).map_err(engine(name))?;
            let key = usize::try_from(position).ok().and_then(|position| part.get(position));
            let key = key.ok_or(StoreError::BadRow {
                table: "records",
                column: "subject",
            })?;
            let record = record_of(row, 1)?;
            for place in places.get(*key).into_iter().flatten() {
                if let Some(slot) = found.get_mut(*place) {
                    *slot = Some(record.clone());
                }
            }
        }
    }
    Ok(found)
}

fn key_list(keys: &[&RecordKey]) -> String {
    let mut list = String::with_capacity(keys.len() * 64 + 2);
    list.push('[');
    for (position, key) in keys.iter().enumerate() {
        if position > 0 {
            list.push(',');
        }
        // Dataset names are a-z, 0-9 and dashes: nothing to escape.
        list.push_str("[\"");
        list.push_str(&key.dataset);
        list.push_str("\",\"");
        put_hex(&mut list, &key.subject);
        list.push_str("\"]");
    }
    list.push(']');
    list
}

fn put_hex(out: &mut String, subject: &SubjectKey) {
    for byte in subject.0 {
        // Writing to a String cannot fail.
        let _ = write!(out, "{byte:02x}");
    }
}

pub(super) async fn get_version(
    pool: &SqlitePool,
    key: &RecordKey,
    version: u32,
) -> Result<Option<StoredRecord>, StoreError> {
    let query = sqlx::query(include_str!("sql/record_version_get.sql"));
    let query = query.bind(&*key.dataset).bind(key.subject.0.to_vec()).bind(version);
    let row = query.fetch_optional(pool).await.map_err(engine("record_version_get"))?;
    row.as_ref().map(|row| record_of(row, 0)).transpose()
}

fn record_of(row: &SqliteRow, first: usize) -> Result<StoredRecord, StoreError> {
    let name = "records_get";
    let bad = |column| StoreError::BadRow {
        table: "records",
        column,
    };
    let version: i64 = row.try_get(first).map_err(engine(name))?;
    Ok(StoredRecord {
        version: u32::try_from(version).map_err(|_too_large| bad("version"))?,
        source_version: row.try_get(first + 1).map_err(engine(name))?,
        effective_at: row.try_get(first + 2).map_err(engine(name))?,
        received_at: row.try_get(first + 3).map_err(engine(name))?,
        source: row.try_get(first + 4).map_err(engine(name))?,
        subject: row.try_get(first + 5).map_err(engine(name))?,
        fields: row.try_get(first + 6).map_err(engine(name))?,
    })
}

/// Writes new records in bulk, then replacements one by one; both check what the decision was made on.
pub(super) async fn write(work: &mut Transaction<'_, Sqlite>, writes: &[RecordWrite]) -> Result<(), StoreError> {
    let (new, replaced): (Vec<&RecordWrite>, Vec<&RecordWrite>) =
        writes.iter().partition(|write| write.expected.is_none());
    for part in new.chunks(INSERTS_MAX) {
        let rows: Vec<Value> = part.iter().map(|write| row_of(write)).collect();
        let query = sqlx::query(include_str!("sql/records_insert.sql")).bind(Value::Array(rows).to_string());
        let done = query.execute(&mut **work).await.map_err(engine("records_insert"))?;
        if usize::try_from(done.rows_affected()) != Ok(part.len()) {
            return Err(StoreError::Conflict);
        }
    }
    for write in replaced {
        replace(work, write).await?;
    }
    Ok(())
}

fn row_of(write: &RecordWrite) -> Value {
    let mut subject = String::with_capacity(32);
    put_hex(&mut subject, &write.subject);
    let record = &write.record;
    serde_json::json!([
        &*write.dataset,
        subject,
        record.version,
        record.source_version,
        record.effective_at,
        record.received_at,
        record.source,
        record.subject,
        record.fields,
    ])
}

async fn replace(work: &mut Transaction<'_, Sqlite>, write: &RecordWrite) -> Result<(), StoreError> {
    let (subject, expected) = (write.subject.0.to_vec(), write.expected);
    let query = sqlx::query(include_str!("sql/record_archive.sql"));
    let query = query.bind(&*write.dataset).bind(subject.clone()).bind(expected);
    let done = query.execute(&mut **work).await.map_err(engine("record_archive"))?;
    if done.rows_affected() != 1 {
        return Err(StoreError::Conflict);
    }
    let record = &write.record;
    let query = sqlx::query(include_str!("sql/record_replace.sql"))
        .bind(&*write.dataset)
        .bind(subject)
        .bind(expected)
        .bind(record.version)
        .bind(record.source_version)
        .bind(record.effective_at)
        .bind(record.received_at)
        .bind(&record.source)
        .bind(&record.subject)
        .bind(&record.fields);
    let done = query.execute(&mut **work).await.map_err(engine("record_replace"))?;
    if done.rows_affected() == 1 {
        Ok(())
    } else {
        Err(StoreError::Conflict)
    }
}
