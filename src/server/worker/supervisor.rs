//! Supervision: holds what the ledgers say against the rules. A node that does not have the duty only posts what its own ledger says.

use std::{sync::Arc, time::Duration};

use super::round::{PAUSE, told};
use heyan_app::supervision::watch::{ENTRIES_MAX, LedgerWatcher};
use heyan_app::{foundation::lease::ClusterDuty, node::hub::Hub};

/// Between two looks when there was little.
const TICK: Duration = Duration::from_millis(500);

/// Runs for ever.
pub(super) async fn run(hub: Arc<Hub>) {
    let mut watcher = LedgerWatcher::default();
    let mut duty = ClusterDuty::new("supervisor");
    loop {
        match watcher.round(&hub, &mut duty).await {
            Ok(read) if read < ENTRIES_MAX => tokio::time::sleep(TICK).await,
            // Whoever answers callers on this thread goes first.
            Ok(_) => tokio::task::yield_now().await,
            Err(error) => {
                told("supervisor", &error);
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}
