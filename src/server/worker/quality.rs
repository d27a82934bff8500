//! Tallies this node's ledger for the data-quality ledger, a commit a second at most. Each node tallies its own.

use std::{sync::Arc, time::Duration};

use super::round::{PAUSE, told};
use heyan_app::node::hub::Hub;
use heyan_app::quality::{self, TallyTail};

/// Between two rounds.
const TICK: Duration = Duration::from_secs(1);

/// Runs for ever.
pub(super) async fn run(hub: Arc<Hub>) {
    let mut tail = TallyTail::default();
    loop {
        if let Err(error) = quality::tally(&hub, &mut tail).await {
            told("quality", &error);
            tokio::time::sleep(PAUSE).await;
        }
        tokio::time::sleep(TICK).await;
    }
}
