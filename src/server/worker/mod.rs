//! The workers that carry consequences outward at their own pace: relay, courier, closer, sweeper, watcher, quality, feeder.
//! Each wakes, rereads the state, acts, and is safe to do twice: a wake-up carries no data, so a start, a retry and normal
//! running are one path.

mod bus;
mod courier;
mod feeder;
mod indexer;
mod listener;
mod quality;
mod round;
mod supervisor;
mod sweeper;
mod watcher;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{sync::watch, task::JoinSet};

use heyan_app::{
    delivery::{
        answers::AnswerIndex,
        fanout::{self, FanoutDuty},
    },
    foundation::{error::AppError, lease::ClusterDuty},
    mismatch::actions as mismatches,
    node::hub::Hub,
};

use round::{PAUSE, gather, told, until};

pub use bus::BusWork;
pub use courier::CourierLimits;

/// Between two looks when no bell rings.
const RELAY_TICK: Duration = Duration::from_millis(200);
const CLOSER_TICK: Duration = Duration::from_secs(1);
const FORGET_TICK: Duration = Duration::from_millis(50);

/// Every worker of a node.
pub struct Workers {
    tasks: JoinSet<()>,
    stop: watch::Sender<bool>,
}

impl Workers {
    /// Starts them on the current runtime.
    pub fn start(hub: &Arc<Hub>, limits: CourierLimits, bus_work: BusWork) -> Self {
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        tasks.spawn(until(stopped.clone(), listener::run(Arc::clone(hub))));
        tasks.spawn(until(stopped.clone(), relay(Arc::clone(hub))));
        tasks.spawn(until(stopped.clone(), closer(Arc::clone(hub))));
        tasks.spawn(until(stopped.clone(), forgetter(Arc::clone(hub))));
        tasks.spawn(until(stopped.clone(), sweeper::run(Arc::clone(hub))));
        tasks.spawn(until(stopped.clone(), watcher::run(Arc::clone(hub))));
        tasks.spawn(until(stopped.clone(), quality::run(Arc::clone(hub))));
        tasks.spawn(until(stopped.clone(), supervisor::run(Arc::clone(hub))));
        tasks.spawn(courier::run(Arc::clone(hub), limits, stopped.clone()));
        tasks.spawn(indexer::run(Arc::clone(hub), stopped.clone()));
        bus::start(&mut tasks, hub, bus_work, &stopped);
        tasks.spawn(until(stopped.clone(), feeder::run(Arc::clone(hub))));
        Self { tasks, stop }
    }

    /// Waits until one of them ends, which none does before it is told to.
    pub async fn ended(&mut self) {
        let _worker = self.tasks.join_next().await;
    }

    /// Stops them: attempts under way end within `deadline` or are cut, which is as safe as a crash.
    pub async fn stop(mut self, deadline: Duration) {
        let _nobody_listens = self.stop.send(true);
        let all = async { while self.tasks.join_next().await.is_some() {} };
        let _cut = tokio::time::timeout(deadline, all).await;
    }
}

/// Turns events into deliveries, and reads the ledger for who was answered.
async fn relay(hub: Arc<Hub>) {
    let mut index = AnswerIndex::default();
    let mut duty = ClusterDuty::new("relay");
    loop {
        let _rung = tokio::time::timeout(RELAY_TICK, hub.node.wakeups.relay.notified()).await;
        loop {
            let began = Instant::now();
            match relay_once(&hub, &mut index, &mut duty).await {
                Ok(0) => break,
                Ok(events) => gather(began, events < fanout::EVENTS_MAX as usize).await,
                Err(error) => {
                    told("relay", &error);
                    tokio::time::sleep(PAUSE).await;
                    break;
                }
            }
        }
    }
}

async fn relay_once(hub: &Hub, index: &mut AnswerIndex, duty: &mut ClusterDuty) -> Result<usize, AppError> {
    let part = match duty.is_ours(hub).await? {
        true => FanoutDuty::Events,
        false => FanoutDuty::OwnAnswers,
    };
    fanout::fan_out(hub, index, part).await
}

/// Closes mismatches whose deliveries are over.
async fn closer(hub: Arc<Hub>) {
    let mut duty = ClusterDuty::new("closer");
    loop {
        let _rung = tokio::time::timeout(CLOSER_TICK, hub.node.wakeups.closer.notified()).await;
        loop {
            match close_once(&hub, &mut duty).await {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) => {
                    told("closer", &error);
                    tokio::time::sleep(PAUSE).await;
                    break;
                }
            }
        }
    }
}

async fn close_once(hub: &Hub, duty: &mut ClusterDuty) -> Result<usize, AppError> {
    match duty.is_ours(hub).await? {
        true => mismatches::close_delivered(hub).await,
        false => Ok(0),
    }
}

/// Deletes outbox rows whose entries are on disk.
async fn forgetter(hub: Arc<Hub>) {
    loop {
        tokio::time::sleep(FORGET_TICK).await;
        if let Err(error) = hub.forget_entered().await {
            told("forgetter", &error);
            tokio::time::sleep(PAUSE).await;
        }
    }
}
