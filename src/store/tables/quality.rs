//! Tallies of data quality: added up in the commit that moves the position they were read to, summed over the nodes when read.

use async_trait::async_trait;

use crate::{
    apply::changed,
    batch::{ApplyResult, CommitBatch, json_text},
    engine::{StatementCall, StoreEngine},
    fault::StoreFault,
    pool::{ConnectionLease, ConnectionPool},
    rows::{column, fetch, number},
    sql_store::SqlStore,
    statement::{self},
};
use heyan_ports::{
    error::StoreError,
    quality::{QualityStore, QualityWrites, StepTally, VerdictTally},
};

#[async_trait]
impl<E: StoreEngine> QualityStore for SqlStore<E> {
    async fn verdict_tallies(
        &self,
        (from, to): (i32, i32),
        agency: Option<u32>,
    ) -> Result<Vec<VerdictTally>, StoreError> {
        let _turn = self.lists.turn().await?;
        const TABLE: &str = "quality_verdicts";
        let statement = match agency {
            Some(_) => statement::SELECT_VERDICTS_OF_AGENCY,
            None => statement::SELECT_VERDICTS,
        };
        let bind = |query: E::Call| {
            let query = query.bind(i64::from(from)).bind(i64::from(to));
            match agency {
                Some(agency) => query.bind(i64::from(agency)),
                None => query,
            }
        };
        let read = |row: &E::Row| {
            Ok(VerdictTally {
                day: number(row, 0, TABLE, "day")?,
                rules: column(row, 1, TABLE, "rules")?,
                field: number(row, 2, TABLE, "field")?,
                agency: agency.unwrap_or_default(),
                code: number(row, 3, TABLE, "code")?,
                count: number(row, 4, TABLE, "count")?,
            })
        };
        fetch(&self.lists.pool, statement, bind, read).await
    }

    async fn step_tallies(&self, days: (i32, i32)) -> Result<Vec<StepTally>, StoreError> {
        steps(&self.readers, days).await
    }
}

/// Adds up tallies of the nodes that commit.
pub(super) fn apply<'a, E: StoreEngine>(
    conn: &'a mut ConnectionLease<'_, E>,
    batches: &'a [&'a CommitBatch],
) -> ApplyResult<'a> {
    Box::pin(async move {
        for batch in batches {
            for tallies in batch.commit.rows() {
                add_up(conn, &batch.node.origin, tallies).await?;
            }
        }
        Ok(())
    })
}

pub(super) async fn steps<E: StoreEngine>(
    pool: &ConnectionPool<E>,
    (from, to): (i32, i32),
) -> Result<Vec<StepTally>, StoreError> {
    const TABLE: &str = "quality_steps";
    let bind = |query: E::Call| query.bind(i64::from(from)).bind(i64::from(to));
    let read = |row: &E::Row| {
        Ok(StepTally {
            day: number(row, 0, TABLE, "day")?,
            dataset: column(row, 1, TABLE, "dataset")?,
            field: column(row, 2, TABLE, "field")?,
            action: column(row, 3, TABLE, "action")?,
            count: number(row, 4, TABLE, "count")?,
            days: number(row, 5, TABLE, "days")?,
        })
    };
    fetch(pool, statement::SELECT_QUALITY_STEPS, bind, read).await
}

/// Adds up tallies of the node of `origin`; no two of them have one key.
async fn add_up<E: StoreEngine>(
    conn: &mut ConnectionLease<'_, E>,
    origin: &str,
    tallies: &QualityWrites,
) -> Result<(), StoreFault> {
    let verdicts = tallies.verdicts.iter();
    let verdicts: Vec<_> = verdicts
        .map(|one| (one.day, &one.rules, one.field, one.agency, one.code, one.count))
        .collect();
    if !verdicts.is_empty() {
        let bind = |query: E::Call| query.bind(origin.to_owned()).bind(json_text(&verdicts));
        changed(conn, statement::ADD_VERDICTS, verdicts.len(), bind).await?;
    }
    let steps = tallies.steps.iter();
    let steps: Vec<_> = steps
        .map(|one| (one.day, &one.dataset, &one.field, &one.action, one.count, one.days))
        .collect();
    if !steps.is_empty() {
        let bind = |query: E::Call| query.bind(origin.to_owned()).bind(json_text(&steps));
        changed(conn, statement::ADD_QUALITY_STEPS, steps.len(), bind).await?;
    }
    Ok(())
}
