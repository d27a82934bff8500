//! The data-quality ledger: tallies are added up in the commit that moves the position they were read to, and summed over the nodes
//! when they are read.

use super::apply::send::changed;
use super::batch::json_text;
use super::engine::{Call, Engine};
use super::fault::Fault;
use super::pool::{Lease, Pool};
use super::read::{column, fetch, number};
use crate::statement;
use heyan_ports::rows::{QualityWrites, StepTally, VerdictTally};
use heyan_ports::store::StoreError;

/// Adds up tallies of the node of `origin`; no two of them have one key.
pub(super) async fn apply<E: Engine>(
    conn: &mut Lease<'_, E>,
    origin: &str,
    tallies: &QualityWrites,
) -> Result<(), Fault> {
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

pub(super) async fn verdicts<E: Engine>(
    pool: &Pool<E>,
    (from, to): (i32, i32),
    agency: Option<u32>,
) -> Result<Vec<VerdictTally>, StoreError> {
    const TABLE: &str = "quality_verdicts";
    let bind = |query: E::Call| {
        query
            .bind(i64::from(from))
            .bind(i64::from(to))
            .bind(agency.map(i64::from))
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
    fetch(pool, statement::SELECT_VERDICTS, bind, read).await
}

pub(super) async fn steps<E: Engine>(pool: &Pool<E>, (from, to): (i32, i32)) -> Result<Vec<StepTally>, StoreError> {
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
