//! Listens to the other nodes that share the store. A line that is silent for longer than a few beats is lost: it is begun anew, and
//! everything is read again. Beats go out on another connection than the one that hears them, so that both ways are proved.

use std::{sync::Arc, time::Duration};

use super::round::told;
use heyan_app::{
    foundation::error::AppError,
    node::{hub::Hub, news, peers},
};
use heyan_ports::nodes::{NodeNews, NodeNotice};

/// Between two beats.
const BEAT: Duration = Duration::from_millis(250);

/// Silence after which the line is lost.
const SILENCE: Duration = Duration::from_millis(1_500);

/// Between two shows of this node.
const SHOW: Duration = Duration::from_millis(1_000);

/// Before a line that was lost is begun anew.
const AGAIN: Duration = Duration::from_millis(200);

/// Runs for ever; does nothing where no other node shares the store.
pub(super) async fn run(hub: Arc<Hub>) {
    if !hub.node.trust.is_among_others() {
        return std::future::pending().await;
    }
    tokio::join!(beat(&hub), listen(&hub), show(&hub));
}

async fn beat(hub: &Hub) {
    let mut lost = false;
    loop {
        let sent = tokio::time::timeout(SILENCE, hub.store.beat(hub.node.trust.beat())).await;
        let failed = !matches!(sent, Ok(Ok(())));
        if failed && !lost {
            tracing::warn!("cannot send the heartbeat to the other nodes");
        }
        lost = failed;
        tokio::time::sleep(BEAT).await;
    }
}

/// Shows this node and the newest checkpoint of its ledger to the others, so that none of them can be shown another history.
async fn show(hub: &Hub) {
    loop {
        let done = async {
            peers::show(hub).await?;
            peers::witness(hub).await
        };
        if let Err(error) = done.await {
            told("listener", &error);
        }
        tokio::time::sleep(SHOW).await;
    }
}

async fn listen(hub: &Arc<Hub>) {
    loop {
        if let Err(error) = follow(hub).await {
            told("listener", &error);
        }
        hub.node.metrics.lines_lost.inc();
        tokio::time::sleep(AGAIN).await;
    }
}

/// Follows one line until it is lost.
async fn follow(hub: &Arc<Hub>) -> Result<(), AppError> {
    let line = tokio::time::timeout(SILENCE, hub.store.listen()).await;
    let Some(mut line) =
        line.map_err(|_silent| AppError::Internal("no connection for notices of the other nodes in time"))??
    else {
        return Ok(());
    };
    // What happened before the line is read now; what happens from now on is heard.
    news::read_everything(hub).await?;
    loop {
        for notice in next(&mut *line).await? {
            news::take(hub, notice).await?;
        }
    }
}

async fn next(line: &mut dyn NodeNews) -> Result<Vec<NodeNotice>, AppError> {
    match tokio::time::timeout(SILENCE, line.next()).await {
        Ok(notices) => Ok(notices?),
        Err(_silent) => Err(AppError::Internal(
            "no notices or heartbeats arrive from the other nodes",
        )),
    }
}
