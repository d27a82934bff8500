//! Applies batches inside one open transaction, in few statements however many batches there are.
//! A fault says only that *some* batch does not stand: the caller must roll back, whoever's it was.

mod bus;
mod keys;
pub(crate) mod send;
mod supervision;
mod turn;

pub(super) use self::turn::forget_old;

use std::collections::HashSet;
use std::sync::Arc;

use self::send::{as_expected, changed, run, send_rows};
use super::batch::{Batch, RecordRow, Turn, hex, json_text};
use super::engine::{Call, Engine, EngineName};
use super::fault::Fault;
use super::notice;
use super::pool::Lease;
use crate::statement::{self, RowStatement};
use heyan_ports::commit::{AgencyRow, ClientRow, GrantRow};
use heyan_ports::store::{LiveFetch, RecordKey, SubjectKey};

/// Writes all of `batches`, in order; answers the outbox ids of each.
pub(super) async fn apply_all<E: Engine>(conn: &mut Lease<'_, E>, batches: &[&Batch]) -> Result<Vec<Vec<i64>>, Fault> {
    apply_records(conn, batches).await?;
    super::watches::wake(conn, batches).await?;
    for row in batches.iter().flat_map(|batch| &batch.live_fetches) {
        changed(conn, statement::UPSERT_LIVE_FETCH, 1, |query| {
            bind_live_fetch(query, row)
        })
        .await?;
    }
    for row in batches.iter().flat_map(|batch| &batch.agencies) {
        changed(conn, statement::UPSERT_AGENCY, 1, |query| bind_agency(query, row)).await?;
    }
    for row in batches.iter().flat_map(|batch| &batch.clients) {
        changed(conn, statement::UPSERT_CLIENT, 1, |query| bind_client(query, row)).await?;
    }
    for row in batches.iter().flat_map(|batch| &batch.grants) {
        changed(conn, statement::UPSERT_GRANT, 1, |query| bind_grant(query, row)).await?;
    }
    let turns: Vec<&Turn> = batches.iter().filter_map(|batch| batch.turn.as_deref()).collect();
    keys::apply_all(conn, &turns).await?;
    turn::apply_all(conn, &turns).await?;
    for batch in batches {
        if let Some(turn) = &batch.turn {
            super::quality::apply(conn, &batch.node.origin, &turn.quality).await?;
        }
    }
    let ids = apply_entries(conn, batches).await?;
    if E::ENGINE == EngineName::Postgres {
        for payload in notice::payloads(batches) {
            run(conn, statement::NOTIFY, |query| query.bind(payload)).await?;
        }
    }
    Ok(ids)
}

/// Takes in what may be used once; answers how many rows that were.
pub(super) async fn use_once<E: Engine>(conn: &mut Lease<'_, E>, hash: [u8; 16], until_s: i64) -> Result<u64, Fault> {
    let statement = statement::INSERT_USED_ONCE;
    let call = E::call(E::text(statement)).bind(hash.to_vec()).bind(until_s);
    conn.execute(statement.name, call).await
}

/// Adds to daily counters; `usage` is a JSON array of `[grant, day, used]`.
pub(super) async fn add_usage<E: Engine>(conn: &mut Lease<'_, E>, usage: &str, rows: usize) -> Result<(), Fault> {
    changed(conn, statement::ADD_USAGE, rows, |query| query.bind(usage.to_owned())).await
}

/// Deletes outbox rows; `ids` is a JSON array. How many rows go is not checked: after a crash between the ledger's
/// sync and this call the same ids are forgotten again.
pub(super) async fn forget_entries<E: Engine>(conn: &mut Lease<'_, E>, ids: &str) -> Result<(), Fault> {
    run(conn, statement::DELETE_ENTRIES, |query| query.bind(ids.to_owned())).await
}

/// Settles what a name stands for, unless it is settled.
pub(super) async fn settle<E: Engine>(conn: &mut Lease<'_, E>, name: &str, value: &str) -> Result<(), Fault> {
    let bind = |query: E::Call| query.bind(name.to_owned()).bind(value.to_owned());
    run(conn, statement::INSERT_META, bind).await
}

/// One harmless write, to show that the engine can.
pub(super) async fn ping<E: Engine>(conn: &mut Lease<'_, E>) -> Result<(), Fault> {
    changed(conn, statement::PING, 1, |query| query).await
}

/// Writes record versions in waves without a repeated key, so that a wave's rows may be sorted and merged.
async fn apply_records<E: Engine>(conn: &mut Lease<'_, E>, batches: &[&Batch]) -> Result<(), Fault> {
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
async fn apply_wave<E: Engine>(conn: &mut Lease<'_, E>, wave: &mut Vec<&RecordRow>) -> Result<(), Fault> {
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

/// Writes the ledger entries of all batches.
async fn apply_entries<E: Engine>(conn: &mut Lease<'_, E>, batches: &[&Batch]) -> Result<Vec<Vec<i64>>, Fault> {
    let sql: &'static RowStatement = &statement::INSERT_ENTRIES;
    let entries: Vec<(&Arc<str>, &Vec<u8>)> = batches
        .iter()
        .flat_map(|batch| batch.entries.iter().map(|entry| (&batch.node.origin, entry)))
        .collect();
    let mut ids = Vec::with_capacity(entries.len());
    for (text, run) in sql.runs::<E, _>(&entries) {
        let bind = |query: E::Call, (origin, entry): &(&Arc<str>, &Vec<u8>)| {
            query.bind(Arc::clone(origin)).bind((*entry).clone())
        };
        let call = run.iter().fold(E::call(text), bind);
        ids.extend(conn.numbered(sql.name, call, run.len()).await?);
    }
    let mut ids = ids.into_iter();
    Ok(batches
        .iter()
        .map(|batch| ids.by_ref().take(batch.entries.len()).collect())
        .collect())
}

fn bind_record<Q: Call>(query: Q, row: &RecordRow) -> Q {
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

fn bind_live_fetch<Q: Call>(query: Q, (key, fetch): &(RecordKey, LiveFetch)) -> Q {
    query
        .bind(key.dataset.to_string())
        .bind(key.subject.0.to_vec())
        .bind(fetch.at_us)
        .bind(i64::from(fetch.found))
}

fn bind_agency<Q: Call>(query: Q, row: &AgencyRow) -> Q {
    query
        .bind(row.id.clone())
        .bind(i64::from(row.number))
        .bind(row.name.clone())
        .bind(row.credit_code.clone())
        .bind(json_text(&row.authority_for))
        .bind(json_text(&row.networks))
        .bind(i64::from(row.disabled))
        .bind(row.created_at)
        .bind(row.updated_at)
}

fn bind_client<Q: Call>(query: Q, row: &ClientRow) -> Q {
    query
        .bind(row.id.clone())
        .bind(row.name.clone())
        .bind(row.role.clone())
        .bind(row.agency.clone())
        .bind(row.secret_hash.to_vec())
        .bind(row.previous_secret_hash.map(|hash| hash.to_vec()))
        .bind(row.previous_valid_until)
        .bind(row.public_key.map(|key| key.to_vec()))
        .bind(i64::from(row.disabled))
        .bind(row.created_at)
        .bind(row.updated_at)
}

fn bind_grant<Q: Call>(query: Q, row: &GrantRow) -> Q {
    query
        .bind(row.id.clone())
        .bind(row.agency.clone())
        .bind(row.dataset.clone())
        .bind(json_text(&row.fields))
        .bind(json_text(&row.operations))
        .bind(json_text(&row.item_codes))
        .bind(row.valid_from)
        .bind(row.valid_until)
        .bind(
            row.daily_ceiling
                .map(|ceiling| i64::try_from(ceiling).unwrap_or(i64::MAX)),
        )
        .bind(json_text(&row.networks))
        .bind(row.revoked_at)
        .bind(row.created_at)
}
