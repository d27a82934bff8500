//! Drives the feeds: each polls, takes the records in by the one path that all records take, then stores how far it came, then tells
//! the feed. A crash in between takes the same records again, which changes nothing.

use std::{sync::Arc, time::Duration};

use tokio::task::{Id, JoinSet};

use heyan_app::{
    foundation::{error::AppError, lease::ClusterDuty},
    node::hub::Hub,
    records::feed,
};
use heyan_ports::outward::FeedInfo;

use super::round::told;

/// Between two looks for feeds that are new since connectors were read again.
const LOOK: Duration = Duration::from_millis(500);

/// Drives every feed, for ever.
pub(super) async fn run(hub: Arc<Hub>) {
    let mut tasks = JoinSet::new();
    let mut driven: Vec<(Id, FeedInfo)> = Vec::new();
    loop {
        while let Some(ended) = tasks.try_join_next_with_id() {
            let id = match &ended {
                Ok((id, ())) => *id,
                Err(error) => error.id(),
            };
            driven.retain(|(task, _)| *task != id);
        }
        for info in hub.outward.connectors.feeds().iter() {
            // Who drives an older description of the same feed ends first: one place has one writer.
            if driven.iter().all(|(_, other)| other.name != info.name) {
                let task = tasks.spawn(drive(Arc::clone(&hub), info.clone()));
                driven.push((task.id(), info.clone()));
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Drives one feed until it is not among the connectors any more, or is described otherwise.
async fn drive(hub: Arc<Hub>, info: FeedInfo) {
    let worker = format!("feed:{}", info.name);
    let mut duty = ClusterDuty::new(worker.clone());
    let mut is_down = false;
    while is_wanted(&hub, &info) {
        match take_once(&hub, &info, &mut duty).await {
            Ok(progress) => {
                if std::mem::take(&mut is_down) {
                    tracing::info!(connector = info.name, "connector recovered");
                }
                if progress == feed::FeedProgress::More {
                    continue;
                }
            }
            Err(AppError::Load(error)) if error.source_failure().is_some() => {
                let failure = error.source_failure();
                let (status, cause) = (failure.and_then(|failure| failure.status), error.to_string());
                if !std::mem::replace(&mut is_down, true) {
                    tracing::warn!(connector = info.name, status, cause, "connector down: its records wait");
                }
            }
            Err(error) => told(&worker, &error),
        }
        pause(&hub, &info).await;
    }
    duty.give_back(&hub).await;
}

fn is_wanted(hub: &Hub, info: &FeedInfo) -> bool {
    hub.outward.connectors.feeds().contains(info)
}

/// The pause of a feed, cut short when it is not wanted any more.
async fn pause(hub: &Hub, info: &FeedInfo) {
    let end = tokio::time::Instant::now() + Duration::from_secs(info.interval_s.max(1));
    while is_wanted(hub, info) && tokio::time::Instant::now() < end {
        tokio::time::sleep_until((tokio::time::Instant::now() + LOOK).min(end)).await;
    }
}

async fn take_once(hub: &Hub, info: &FeedInfo, duty: &mut ClusterDuty) -> Result<feed::FeedProgress, AppError> {
    match duty.is_ours(hub).await? {
        true => feed::take(hub, info).await,
        false => Ok(feed::FeedProgress::All),
    }
}
