//! Applies what a commit writes for the bus. A position that is not where its reader left it is a conflict: then somebody else
//! reads the same partition, and none of the commit stands.

use super::send::{changed, run};
use crate::batch::{json_text, keys_text};
use crate::engine::{Call, Engine};
use crate::fault::Fault;
use crate::pool::Lease;
use crate::statement;
use heyan_ports::rows::BusWrites;

/// Writes all of `bus`; `at` is the time of its commit.
pub(super) async fn apply<E: Engine>(conn: &mut Lease<'_, E>, bus: &BusWrites, at: i64) -> Result<(), Fault> {
    // How many rows change is not checked: what was published twice is marked once.
    if !bus.events.is_empty() {
        let bind = |query: E::Call| query.bind(keys_text(&bus.events));
        run(conn, statement::MARK_PUBLISHED_EVENTS, bind).await?;
    }
    if !bus.alerts.is_empty() {
        let bind = |query: E::Call| query.bind(json_text(&bus.alerts));
        run(conn, statement::MARK_PUBLISHED_ALERTS, bind).await?;
    }
    for advance in &bus.advances {
        let bind = |query: E::Call| {
            query
                .bind(advance.name.clone())
                .bind(advance.to.clone())
                .bind(at)
                .bind(advance.from.clone())
        };
        changed(conn, statement::ADVANCE_POSITION, 1, bind).await?;
    }
    for (topic, key) in &bus.parked {
        let bind = |query: E::Call| query.bind(*topic).bind(key.to_vec()).bind(at);
        run(conn, statement::INSERT_PARKED_KEY, bind).await?;
    }
    for (topic, key) in &bus.released {
        let bind = |query: E::Call| query.bind(*topic).bind(key.to_vec());
        run(conn, statement::DELETE_PARKED_KEY, bind).await?;
    }
    Ok(())
}
