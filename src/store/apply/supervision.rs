//! Applies what a commit writes of supervision. An alert of a cause that is known only adds its evidence; a step is compared and set
//! by the alert's revision.

use super::send::{changed, run};
use crate::batch::Turn;
use crate::engine::{Call, Engine};
use crate::fault::Fault;
use crate::pool::Lease;
use crate::read_supervision::STATE;
use crate::statement;
use heyan_ports::rows::{AlertRow, AlertStep, PostedEntries};

/// Writes the alerts of `turn`, and what it has of supervision.
pub(super) async fn apply<E: Engine>(conn: &mut Lease<'_, E>, turn: &Turn) -> Result<(), Fault> {
    for alert in &turn.alerts {
        run(conn, statement::INSERT_ALERT, |query| bind_alert(query, alert)).await?;
    }
    let supervision = &turn.supervision;
    for step in &supervision.steps {
        let bind = |query: E::Call| {
            query
                .bind(step.alert.clone())
                .bind(step.state.clone())
                .bind(i64::from(step.seq))
                .bind(step.at)
        };
        changed(conn, statement::UPDATE_ALERT, 1, bind).await?;
        changed(conn, statement::INSERT_ALERT_STEP, 1, |query| bind_step(query, step)).await?;
    }
    if let Some(posted) = &supervision.posted {
        changed(conn, statement::INSERT_SUPERVISION_ENTRIES, 1, |query| {
            bind_posted(query, posted)
        })
        .await?;
    }
    if let Some(kept) = &supervision.kept {
        let bind = |query: E::Call| query.bind(STATE).bind(kept.clone()).bind(turn.at);
        changed(conn, statement::UPSERT_SUPERVISION_STATE, 1, bind).await?;
    }
    for (origin, next) in &supervision.taken {
        let bind = |query: E::Call| query.bind(origin.clone()).bind(index(*next));
        run(conn, statement::DELETE_SUPERVISION_ENTRIES, bind).await?;
    }
    Ok(())
}

fn index(index: u64) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX)
}

fn bind_alert<Q: Call>(query: Q, row: &AlertRow) -> Q {
    query
        .bind(row.id.clone())
        .bind(row.rule.clone())
        .bind(row.once.clone())
        .bind(row.dataset.clone())
        .bind(row.subject.map(|subject| subject.0.to_vec()))
        .bind(row.mismatch.clone())
        .bind(row.agency.clone())
        .bind(row.facts.clone())
        .bind(row.at)
        .bind(row.class.clone())
        .bind(row.severity.clone())
        .bind(index(row.entries))
        .bind(row.evidence.clone())
        .bind(row.updated_at)
}

fn bind_step<Q: Call>(query: Q, row: &AlertStep) -> Q {
    query
        .bind(row.alert.clone())
        .bind(i64::from(row.seq))
        .bind(row.at)
        .bind(row.action.clone())
        .bind(row.state.clone())
        .bind(row.note.clone())
}

fn bind_posted<Q: Call>(query: Q, row: &PostedEntries) -> Q {
    query
        .bind(row.origin.clone())
        .bind(i64::from(row.node))
        .bind(index(row.first))
        .bind(index(row.next))
        .bind(row.body.clone())
}
