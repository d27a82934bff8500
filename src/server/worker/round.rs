//! What the rounds of every worker have in common: when to pause, when to end, and how a failure is logged.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use heyan_app::foundation::error::AppError;
use heyan_telemetry::{LineGate, causes};
use tokio::sync::watch;

/// Between two rounds that find something: while much happens, a round takes what came meanwhile together. What happens after a pause
/// is told at once.
const GATHER: Duration = Duration::from_millis(10);

/// After a failure, before the next try.
pub(crate) const PAUSE: Duration = Duration::from_secs(1);

/// Runs `work` until it ends or the node stops.
pub(crate) async fn until(mut stopped: watch::Receiver<bool>, work: impl Future<Output = ()>) {
    tokio::select! {
        () = work => {}
        _ = stopped.wait_for(|stop| *stop) => {}
    }
}

/// Waits until a round is worth it, if the last one took all that there was.
pub(crate) async fn gather(began: Instant, took_all: bool) {
    if took_all {
        tokio::time::sleep_until((began + GATHER).into()).await;
    }
}

/// Logs that a worker failed: three lines a minute of each, and how many were held back.
pub(crate) fn told(worker: &str, error: &AppError) {
    static GATES: Mutex<BTreeMap<String, LineGate>> = Mutex::new(BTreeMap::new());
    let mut gates = GATES.lock().unwrap_or_else(PoisonError::into_inner);
    let gate = gates.entry(worker.to_owned()).or_insert_with(|| LineGate::of(3));
    if let Some(held_back) = gate.pass() {
        let cause = causes(error);
        tracing::warn!(
            worker,
            cause,
            held_back,
            "a worker could not do its work; it tries again"
        );
    }
}
