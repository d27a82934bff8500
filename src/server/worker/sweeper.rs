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

/// Pause between two checks whether the clock monitor has looked.
const LOOK_TICK: Duration = Duration::from_millis(100);

/// Longest wait for the clock monitor, which a hanging disk may delay.
const LOOKS_WITHIN: Duration = Duration::from_secs(10);

/// A time by which something may be deleted: read first, and the clock was found right by a look that began afterwards. `None`: it is
/// doubtful, or the clock is not being looked at.
async fn checked_time(hub: &Hub) -> Option<i64> {
    let health = &hub.node.health;
    let (now_us, looks) = (hub.clock.now_us(), health.clock_looks());
    let looked = async {
        // The next look to end may have begun before; the one after it did not.
        while health.clock_looks() < looks + 2 {
            tokio::time::sleep(LOOK_TICK).await;
        }
    };
    tokio::time::timeout(LOOKS_WITHIN, looked).await.ok()?;
    (!health.is_clock_unchecked()).then_some(now_us)
}

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
            if counts.is_multiple_of(COUNTS_PER_SWEEP)
                && let Some(now_us) = checked_time(&hub).await
                && duty.is_ours(&hub).await?
            {
                upkeep::sweep(&hub, now_us).await?;
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
