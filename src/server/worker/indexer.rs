//! Indexes the ledger as it grows, and merges the index's runs at their own pace: a merge of a large run may take long, and
//! what is entered meanwhile is found all the same.

use std::{sync::Arc, time::Duration};

use tokio::{sync::watch, task::spawn_blocking};

use super::round::{PAUSE, told};
use heyan_app::traces::index;
use heyan_app::{foundation::error::AppError, node::hub::Hub};
use heyan_ledger::index::BATCH_ENTRIES;

/// Between two looks at the ledger when there was little new, and at the runs.
const INDEX_TICK: Duration = Duration::from_millis(100);
const MERGE_TICK: Duration = Duration::from_secs(1);

/// Runs until it is told to stop; what is under way then ends within a batch of entries or a block of rows.
pub(super) async fn run(hub: Arc<Hub>, stopped: watch::Receiver<bool>) {
    let merging = repeat(&hub, stopped.clone(), (1, MERGE_TICK), |hub| {
        index::merge(hub).map(u64::from)
    });
    let mut told = stopped.clone();
    let ending = async {
        // An error means that the sender is gone; that also means stop.
        let _stop = told.wait_for(|stop| *stop).await;
        hub.node.index.stop();
    };
    let indexing = repeat(&hub, stopped.clone(), (BATCH_ENTRIES, INDEX_TICK), index::step);
    tokio::join!(indexing, merging, ending);
}

/// Works while there is much work, on a thread that may block: after a step that did less than `enough` it waits a while, because what
/// comes in meanwhile costs less when it is done together.
async fn repeat(
    hub: &Arc<Hub>,
    mut stopped: watch::Receiver<bool>,
    (enough, tick): (u64, Duration),
    work: impl Fn(&Hub) -> Result<u64, AppError> + Copy + Send + 'static,
) {
    while !*stopped.borrow() {
        let hub = Arc::clone(hub);
        let pause = match spawn_blocking(move || work(&hub)).await {
            Ok(Ok(done)) if done >= enough => continue,
            Ok(Ok(_little)) => tick,
            Ok(Err(error)) => {
                told("indexer", &error);
                PAUSE
            }
            Err(_panicked) => PAUSE,
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stopped.wait_for(|stop| *stop) => {}
        }
    }
}
