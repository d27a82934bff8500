//! What needs two persons, what administration did, and who contributed what.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    apply::changed,
    batch::{ApplyResult, CommitBatch, bytes, hex, json_text, rows_of},
    engine::{StatementCall, StoreEngine},
    pool::ConnectionLease,
    rows::{bytes_16, column, fetch, number, word},
    sql_store::SqlStore,
    statement::{self},
};
use heyan_ports::{
    approvals::{AdministrationRow, ApprovalPhase, ApprovalRow, ApprovalStore, ContributionRow},
    error::StoreError,
    subject::SubjectKey,
};

#[async_trait]
impl<E: StoreEngine> ApprovalStore for SqlStore<E> {
    async fn approvals(&self) -> Result<Vec<ApprovalRow>, StoreError> {
        const TABLE: &str = "approvals";
        let read = |row: &E::Row| {
            Ok(ApprovalRow {
                id: column(row, 0, TABLE, "id")?,
                kind: column(row, 1, TABLE, "kind")?,
                state: word(row, 2, TABLE, "state", ApprovalPhase::parse)?,
                asked_by: column(row, 3, TABLE, "asked_by")?,
                revision: number(row, 4, TABLE, "revision")?,
                facts: column(row, 5, TABLE, "facts")?,
                created_at: column(row, 6, TABLE, "created_at")?,
                updated_at: column(row, 7, TABLE, "updated_at")?,
            })
        };
        fetch(&self.readers, statement::SELECT_APPROVALS, |query| query, read).await
    }

    async fn administration(&self, before: Option<&str>, limit: u32) -> Result<Vec<AdministrationRow>, StoreError> {
        const TABLE: &str = "administration_log";
        // Ids begin with the time: no id is greater than this one.
        let before = before.unwrap_or("adm_zzzzzzzzzzzzzzzzzzzzzzzzzz").to_owned();
        let bind = |query: E::Call| query.bind(before).bind(i64::from(limit));
        let read = |row: &E::Row| {
            Ok(AdministrationRow {
                id: column(row, 0, TABLE, "id")?,
                at: column(row, 1, TABLE, "at")?,
                action: column(row, 2, TABLE, "action")?,
                target: column(row, 3, TABLE, "target")?,
                by_client: column(row, 4, TABLE, "by_client")?,
            })
        };
        fetch(&self.readers, statement::SELECT_ADMINISTRATION, bind, read).await
    }

    async fn contributions(
        &self,
        dataset: &str,
        subjects: &[SubjectKey],
    ) -> Result<Vec<(SubjectKey, u32, u32)>, StoreError> {
        const TABLE: &str = "contributions";
        let dataset = dataset.to_owned();
        let subjects: Vec<String> = subjects.iter().map(|subject| hex(*subject)).collect();
        let bind = |query: E::Call| query.bind(dataset).bind(json_text(&subjects));
        let read = |row: &E::Row| {
            Ok((
                SubjectKey(bytes_16(row, 0, TABLE, "subject")?),
                number(row, 1, TABLE, "agency")?,
                number(row, 2, TABLE, "version")?,
            ))
        };
        fetch(&self.readers, statement::SELECT_CONTRIBUTIONS, bind, read).await
    }
}

/// Writes approvals, acts of administration and contributions.
pub(super) fn apply<'a, E: StoreEngine>(
    conn: &'a mut ConnectionLease<'_, E>,
    batches: &'a [&'a CommitBatch],
) -> ApplyResult<'a> {
    Box::pin(async move {
        for row in rows_of(batches) {
            changed(conn, statement::UPSERT_APPROVAL, 1, |query| bind_approval(query, row)).await?;
        }
        for row in rows_of(batches) {
            changed(conn, statement::INSERT_ADMINISTRATION, 1, |query| bind_act(query, row)).await?;
        }
        for row in rows_of(batches) {
            changed(conn, statement::UPSERT_CONTRIBUTION, 1, |query| {
                bind_contribution(query, row)
            })
            .await?;
        }
        Ok(())
    })
}

fn bind_approval<Q: StatementCall>(query: Q, row: &ApprovalRow) -> Q {
    query
        .bind(row.id.clone())
        .bind(row.kind.clone())
        .bind(row.state.as_str())
        .bind(row.asked_by.clone())
        .bind(i64::from(row.revision))
        .bind(row.facts.clone())
        .bind(row.created_at)
        .bind(row.updated_at)
}

fn bind_act<Q: StatementCall>(query: Q, row: &AdministrationRow) -> Q {
    query
        .bind(row.id.clone())
        .bind(row.at)
        .bind(row.action.clone())
        .bind(row.target.clone())
        .bind(row.by_client.clone())
}

fn bind_contribution<Q: StatementCall>(query: Q, row: &ContributionRow) -> Q {
    query
        .bind(Arc::clone(&row.key.dataset))
        .bind(bytes(row.key.subject))
        .bind(i64::from(row.agency))
        .bind(i64::from(row.version))
}
