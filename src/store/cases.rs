//! Joint cases: written by compare and set, and read by those who handle them. A check is numbered within its case: two that take
//! one number cannot both stand.

use super::apply::send::changed;
use super::engine::{Call, Columns, Engine};
use super::fault::Fault;
use super::pool::{Lease, Pool};
use super::read::{bytes_16, column, fetch, fetch_one, number};
use crate::statement;
use heyan_ports::rows::{CaseCheckRow, CaseRow, CaseWrites};
use heyan_ports::store::{StoreError, SubjectKey};

/// Writes cases and checks.
pub(super) async fn apply<E: Engine>(conn: &mut Lease<'_, E>, writes: &CaseWrites) -> Result<(), Fault> {
    for (row, parties) in &writes.opened {
        changed(conn, statement::INSERT_CASE, 1, |query| bind_new(query, row)).await?;
        for agency in parties {
            let bind = |query: E::Call| query.bind(agency.clone()).bind(row.id.clone());
            changed(conn, statement::INSERT_CASE_PARTY, 1, bind).await?;
        }
    }
    for row in &writes.changed {
        changed(conn, statement::UPDATE_CASE, 1, |query| bind_changed(query, row)).await?;
    }
    for row in &writes.checks {
        changed(conn, statement::INSERT_CASE_CHECK, 1, |query| bind_check(query, row)).await?;
    }
    Ok(())
}

fn bind_new<Q: Call>(query: Q, row: &CaseRow) -> Q {
    query
        .bind(row.id.clone())
        .bind(row.lead.clone())
        .bind(row.state.clone())
        .bind(row.until)
        .bind(i64::from(row.revision))
        .bind(row.facts.clone())
        .bind(row.created_at)
        .bind(row.updated_at)
}

fn bind_changed<Q: Call>(query: Q, row: &CaseRow) -> Q {
    query
        .bind(row.id.clone())
        .bind(row.state.clone())
        .bind(i64::from(row.revision))
        .bind(row.facts.clone())
        .bind(row.updated_at)
}

fn bind_check<Q: Call>(query: Q, row: &CaseCheckRow) -> Q {
    query
        .bind(row.case.clone())
        .bind(i64::from(row.number))
        .bind(row.dataset.to_string())
        .bind(row.subject.0.to_vec())
        .bind(i64::from(row.record_version))
        .bind(row.verification.clone())
        .bind(row.facts.clone())
        .bind(row.created_at)
}

pub(super) async fn one<E: Engine>(pool: &Pool<E>, id: &str) -> Result<Option<CaseRow>, StoreError> {
    let id = id.to_owned();
    fetch_one(pool, statement::SELECT_CASE, |query| query.bind(id), read).await
}

pub(super) async fn of_agency<E: Engine>(
    pool: &Pool<E>,
    agency: &str,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<CaseRow>, StoreError> {
    let (agency, after) = (agency.to_owned(), after.map(str::to_owned));
    let bind = |query: E::Call| query.bind(agency).bind(after).bind(i64::from(limit));
    fetch(pool, statement::SELECT_CASES, bind, read).await
}

pub(super) async fn checks<E: Engine>(pool: &Pool<E>, case: &str) -> Result<Vec<CaseCheckRow>, StoreError> {
    const TABLE: &str = "case_checks";
    let case = case.to_owned();
    let read = |row: &E::Row| {
        Ok(CaseCheckRow {
            case: column(row, 0, TABLE, "case_id")?,
            number: number(row, 1, TABLE, "number")?,
            dataset: column::<_, String>(row, 2, TABLE, "dataset")?.into(),
            subject: SubjectKey(bytes_16(row, 3, TABLE, "subject")?),
            record_version: number(row, 4, TABLE, "record_version")?,
            verification: column(row, 5, TABLE, "verification")?,
            facts: column(row, 6, TABLE, "facts")?,
            created_at: column(row, 7, TABLE, "created_at")?,
        })
    };
    fetch(pool, statement::SELECT_CASE_CHECKS, |query| query.bind(case), read).await
}

fn read<R: Columns>(row: &R) -> Result<CaseRow, StoreError> {
    const TABLE: &str = "cases";
    Ok(CaseRow {
        id: column(row, 0, TABLE, "id")?,
        lead: column(row, 1, TABLE, "lead")?,
        state: column(row, 2, TABLE, "state")?,
        until: column(row, 3, TABLE, "until")?,
        revision: number(row, 4, TABLE, "revision")?,
        facts: column(row, 5, TABLE, "facts")?,
        created_at: column(row, 6, TABLE, "created_at")?,
        updated_at: column(row, 7, TABLE, "updated_at")?,
    })
}
