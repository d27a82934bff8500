//! Turns: what only one may do at a time, on this node or on all that share the store. On a node alone a turn costs nothing.
//! A turn among nodes is a lease, so it ends by itself when its holder is gone; it keeps two from doing the same work, and no
//! promise rests on it: every commit stands or falls by what it compares.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::{Mutex, OwnedMutexGuard};

use super::error::AppError;
use crate::node::hub::Hub;
use heyan_ports::store::Store;

/// How long a turn is held without being renewed.
const LEASE: Duration = Duration::from_millis(5_000);

/// After how long a holder renews it.
const RENEW: Duration = Duration::from_millis(1_500);

/// Between two looks for a turn that somebody else holds.
const AGAIN: Duration = Duration::from_millis(20);

/// Longest wait for a turn, a little longer than a holder that is gone keeps it.
const WAIT: Duration = Duration::from_millis(7_000);

/// Work that one node does for all.
pub struct ClusterDuty {
    name: String,
    held_since: Option<Instant>,
}

impl ClusterDuty {
    /// A duty that is not held yet.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            held_since: None,
        }
    }

    /// Takes or keeps the duty; `false`: another node has it.
    ///
    /// # Errors
    /// The store could not be asked.
    pub async fn is_ours(&mut self, hub: &Hub) -> Result<bool, AppError> {
        if !hub.node.trust.is_among_others() || self.held_since.is_some_and(|since| since.elapsed() < RENEW) {
            return Ok(true);
        }
        // Before the question: the store counts from when it is asked, which is later.
        let asked = Instant::now();
        let taken = hub.store.lease(&self.name, millis(LEASE)).await?;
        self.held_since = taken.then_some(asked);
        Ok(taken)
    }

    /// Gives the duty back, so that another node need not wait for its end.
    pub async fn give_back(&mut self, hub: &Hub) {
        if self.held_since.take().is_some() {
            // What cannot be given back ends by itself.
            let _ended = hub.store.release(&self.name).await;
        }
    }
}

/// Somebody's turn; it ends when dropped.
pub struct DutyTurn {
    here: Option<OwnedMutexGuard<()>>,
    among_nodes: Option<(Arc<dyn Store>, &'static str)>,
}

impl Drop for DutyTurn {
    fn drop(&mut self) {
        let here = self.here.take();
        if let Some((store, name)) = self.among_nodes.take() {
            tokio::spawn(async move {
                // What cannot be given back ends by itself.
                let _ended = store.release(name).await;
                // Not before: the next turn of this node would be given back in the place of this one.
                drop(here);
            });
        }
    }
}

/// Waits for the turn of `name` on this node, by its lock, and among the nodes.
///
/// # Errors
/// The store could not be asked, or another node keeps the turn too long.
pub async fn wait(hub: &Hub, here: &Arc<Mutex<()>>, name: &'static str) -> Result<DutyTurn, AppError> {
    let mut turn = DutyTurn {
        here: Some(Arc::clone(here).lock_owned().await),
        among_nodes: None,
    };
    if !hub.node.trust.is_among_others() {
        return Ok(turn);
    }
    let begun = Instant::now();
    while !hub.store.lease(name, millis(LEASE)).await? {
        if begun.elapsed() > WAIT {
            return Err(AppError::Internal("another node keeps a turn too long"));
        }
        tokio::time::sleep(AGAIN).await;
    }
    turn.among_nodes = Some((Arc::clone(&hub.store), name));
    Ok(turn)
}

impl DutyTurn {
    /// Whether others may have changed something while it was waited for.
    pub fn is_among_nodes(&self) -> bool {
        self.among_nodes.is_some()
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
