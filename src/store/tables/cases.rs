//! Joint cases: written by compare and set. A check is numbered within its case: two that take one number cannot both stand.

use async_trait::async_trait;

use crate::{
    apply::changed,
    batch::{ApplyResult, CommitBatch, rows_of},
    engine::{RowColumns, StatementCall, StoreEngine},
    fault::StoreFault,
    pool::{ConnectionLease, ConnectionPool},
    rows::{bytes_16, column, fetch, fetch_one, number, word},
    sql_store::SqlStore,
    statement::{self},
};
use heyan_ports::{
    cases::{CaseCheckRow, CasePhase, CaseRow, CaseStore, CaseWrites},
    error::StoreError,
    subject::SubjectKey,
};

#[async_trait]
impl<E: StoreEngine> CaseStore for SqlStore<E> {
    async fn case(&self, id: &str) -> Result<Option<CaseRow>, StoreError> {
        one(&self.readers, id).await
    }

    async fn cases_of(&self, agency: &str, after: Option<&str>, limit: u32) -> Result<Vec<CaseRow>, StoreError> {
        let _turn = self.lists.turn().await?;
        let (agency, after) = (agency.to_owned(), after.unwrap_or_default().to_owned());
        let bind = |query: E::Call| query.bind(agency).bind(after).bind(i64::from(limit));
        fetch(&self.lists.pool, statement::SELECT_CASES, bind, read).await
    }

    async fn case_checks(&self, case: &str) -> Result<Vec<CaseCheckRow>, StoreError> {
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
        fetch(
            &self.readers,
            statement::SELECT_CASE_CHECKS,
            |query| query.bind(case),
            read,
        )
        .await
    }
}

/// Writes cases and checks.
pub(super) fn apply<'a, E: StoreEngine>(
    conn: &'a mut ConnectionLease<'_, E>,
    batches: &'a [&'a CommitBatch],
) -> ApplyResult<'a> {
    Box::pin(async move {
        for writes in rows_of(batches) {
            apply_case(conn, writes).await?;
        }
        Ok(())
    })
}

pub(super) async fn one<E: StoreEngine>(pool: &ConnectionPool<E>, id: &str) -> Result<Option<CaseRow>, StoreError> {
    let id = id.to_owned();
    fetch_one(pool, statement::SELECT_CASE, |query| query.bind(id), read).await
}

async fn apply_case<E: StoreEngine>(conn: &mut ConnectionLease<'_, E>, writes: &CaseWrites) -> Result<(), StoreFault> {
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

fn bind_new<Q: StatementCall>(query: Q, row: &CaseRow) -> Q {
    query
        .bind(row.id.clone())
        .bind(row.lead.clone())
        .bind(row.state.as_str())
        .bind(row.until)
        .bind(i64::from(row.revision))
        .bind(row.facts.clone())
        .bind(row.created_at)
        .bind(row.updated_at)
}

fn bind_changed<Q: StatementCall>(query: Q, row: &CaseRow) -> Q {
    query
        .bind(row.id.clone())
        .bind(row.state.as_str())
        .bind(i64::from(row.revision))
        .bind(row.facts.clone())
        .bind(row.updated_at)
}

fn bind_check<Q: StatementCall>(query: Q, row: &CaseCheckRow) -> Q {
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

fn read<R: RowColumns>(row: &R) -> Result<CaseRow, StoreError> {
    const TABLE: &str = "cases";
    Ok(CaseRow {
        id: column(row, 0, TABLE, "id")?,
        lead: column(row, 1, TABLE, "lead")?,
        state: word(row, 2, TABLE, "state", CasePhase::parse)?,
        until: column(row, 3, TABLE, "until")?,
        revision: number(row, 4, TABLE, "revision")?,
        facts: column(row, 5, TABLE, "facts")?,
        created_at: column(row, 6, TABLE, "created_at")?,
        updated_at: column(row, 7, TABLE, "updated_at")?,
    })
}
