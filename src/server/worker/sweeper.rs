//! Looks after what time alone changes: old replies and guesses, overdue mismatches, missing years of the calendar, and the
//! gauges of the board.

use std::{sync::Arc, time::Duration};

use super::round::told;
use heyan_app::{
    foundation::{error::AppError, lease::ClusterDuty},
    node::{
        hub::Hub,
        outbox::{OrphanedEntries, STRAY_AFTER},
        upkeep,
    },
};

/// Between two counts for the gauges.
const COUNT_TICK: Duration = Duration::from_secs(5);

/// Counts between two sweeps.
const COUNTS_PER_SWEEP: u32 = 12;

/// Runs for ever.
pub(super) async fn run(hub: Arc<Hub>) {
    let mut counts = 0_u32;
    let (mut duty, mut strays) = (ClusterDuty::new("sweeper"), OrphanedEntries::default());
    loop {
        let done: Result<(), AppError> = async {
            upkeep::count(&hub).await?;
            let entered = strays.enter(&hub, STRAY_AFTER).await?;
            if entered > 0 {
                tracing::warn!(entered, "recovered ledger entries of commits with unknown outcome");
            }
            // By a doubtful clock nothing is deleted.
            let sweeps = counts.is_multiple_of(COUNTS_PER_SWEEP) && !hub.node.health.is_clock_unchecked();
            if sweeps && duty.is_ours(&hub).await? {
                upkeep::sweep(&hub).await?;
            }
            Ok(())
        }
        .await;
        if let Err(error) = done {
            told("sweeper", &error);
        }
        counts = counts.wrapping_add(1);
        tokio::time::sleep(COUNT_TICK).await;
    }
}
