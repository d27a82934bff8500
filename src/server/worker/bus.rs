//! The workers of the bus: one publishes events and alerts, one the answers of the ledger, one its checkpoints, one takes the feed
//! in, one answers requests. Each waits for a bus that is down by itself, and none holds up another.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{sync::watch, task::JoinSet};

use super::round::{PAUSE, gather, told, until};
use heyan_app::bus::{
    checkpoints::{self, SentCheckpoints},
    completed::{self, CompletedTail},
    feed::{FeedReader, FeedSettings},
    outbox,
    requests::{ProblemWriter, RequestReader},
};
use heyan_app::{
    foundation::{error::AppError, lease::ClusterDuty},
    node::hub::Hub,
};
use heyan_ports::bus::BusTopic;

/// Between two looks when no bell rings.
const PUBLISH_TICK: Duration = Duration::from_millis(200);
const COMPLETED_TICK: Duration = Duration::from_millis(100);
const COUNT_TICK: Duration = Duration::from_secs(2);
const CHECKPOINT_TICK: Duration = Duration::from_secs(1);

/// What comes in over the bus.
#[derive(Default)]
pub struct BusWork {
    /// Who feeds records, and how many at once.
    pub feed: Option<FeedSettings>,
    /// How refusals of requests are written, and how many items a request has at most.
    pub requests: Option<(Arc<dyn ProblemWriter>, usize)>,
}

/// Starts the workers that the bus has work for.
pub(super) fn start(tasks: &mut JoinSet<()>, hub: &Arc<Hub>, work: BusWork, stopped: &watch::Receiver<bool>) {
    let hears = |topics: &[BusTopic]| topics.iter().any(|topic| hub.outward.bus.hears(*topic));
    if hears(&[BusTopic::RecordChanged, BusTopic::Mismatch, BusTopic::Supervision]) {
        tasks.spawn(until(stopped.clone(), publisher(Arc::clone(hub))));
        tasks.spawn(until(stopped.clone(), counter(Arc::clone(hub))));
    }
    if hears(&[BusTopic::VerificationCompleted]) {
        tasks.spawn(until(stopped.clone(), completer(Arc::clone(hub))));
    }
    if hears(&[BusTopic::Checkpoint]) {
        tasks.spawn(until(stopped.clone(), shower(Arc::clone(hub))));
    }
    if let Some(settings) = work.feed.filter(|_| hub.outward.bus.brings(BusTopic::Feed)) {
        tasks.spawn(until(stopped.clone(), feeder(Arc::clone(hub), settings)));
    }
    if let Some((problems, items_max)) = work
        .requests
        .filter(|_| hub.outward.bus.brings(BusTopic::VerifyRequest))
    {
        tasks.spawn(until(stopped.clone(), answerer(Arc::clone(hub), problems, items_max)));
    }
}

/// One node publishes for all: two that drained one outbox could send a record's changes in another order.
async fn publisher(hub: Arc<Hub>) {
    let mut duty = ClusterDuty::new("publisher");
    loop {
        let _rung = tokio::time::timeout(PUBLISH_TICK, hub.node.wakeups.publisher.notified()).await;
        loop {
            let began = Instant::now();
            match publish_once(&hub, &mut duty).await {
                Ok(0) => break,
                Ok(rows) => gather(began, rows < outbox::ROUND_MAX as usize).await,
                Err(error) => {
                    tell("publisher", &error);
                    tokio::time::sleep(PAUSE).await;
                    break;
                }
            }
        }
    }
}

async fn publish_once(hub: &Hub, duty: &mut ClusterDuty) -> Result<usize, AppError> {
    match duty.is_ours(hub).await? {
        true => {
            hub.ensure_writable()?;
            outbox::publish(hub).await
        }
        false => Ok(0),
    }
}

/// Counts what waits to be published.
async fn counter(hub: Arc<Hub>) {
    loop {
        match hub.store.unpublished_counts().await {
            Ok(counts) => {
                for (what, waiting) in counts {
                    let topic = match what.as_str() {
                        "alerts" => BusTopic::Supervision,
                        _ => BusTopic::RecordChanged,
                    };
                    let waiting = i64::try_from(waiting).unwrap_or(i64::MAX);
                    hub.node.metrics.bus.lag(topic.name(), waiting);
                }
            }
            Err(error) => tell("bus counter", &error.into()),
        }
        tokio::time::sleep(COUNT_TICK).await;
    }
}

async fn completer(hub: Arc<Hub>) {
    let mut tail = CompletedTail::default();
    loop {
        match completed::publish(&hub, &mut tail).await {
            Ok(0) => tokio::time::sleep(COMPLETED_TICK).await,
            Ok(_) => {}
            Err(error) => {
                tell("completer", &error);
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Shows the checkpoints of this node, and what it countersigned.
async fn shower(hub: Arc<Hub>) {
    let mut shown = SentCheckpoints::default();
    loop {
        if let Err(error) = checkpoints::publish(&hub, &mut shown).await {
            tell("checkpoints", &error);
        }
        tokio::time::sleep(CHECKPOINT_TICK).await;
    }
}

async fn feeder(hub: Arc<Hub>, settings: FeedSettings) {
    let mut feed = match FeedReader::start(&hub, settings) {
        Ok(feed) => feed,
        Err(fault) => {
            tracing::error!(fault = %fault, "cannot read the record feed from Kafka");
            return std::future::pending().await;
        }
    };
    loop {
        if let Err(error) = feed.take(&hub).await {
            tell("feed of the bus", &error);
            tokio::time::sleep(PAUSE).await;
        }
    }
}

async fn answerer(hub: Arc<Hub>, problems: Arc<dyn ProblemWriter>, items_max: usize) {
    let mut requests = match RequestReader::start(&hub, problems, items_max) {
        Ok(requests) => requests,
        Err(fault) => {
            tracing::error!(fault = %fault, "cannot read verification requests from Kafka");
            return std::future::pending().await;
        }
    };
    loop {
        if let Err(error) = requests.answer(&hub).await {
            tell("requests of the bus", &error);
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// A bus that is down is told of where it is noticed, once; the rest is told here.
fn tell(worker: &str, error: &AppError) {
    if !outbox::is_not_taken(error) {
        told(worker, error);
    }
}
