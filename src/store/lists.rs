//! Lists read beside look-ups, never instead of them: they have connections of their own and a small share of the machine.
//!
//! A list takes one of a few turns. A turn is given back only after a pause as long as the list took, times [`REST`]: however many callers
//! page through lists, lists together work a tenth of the time of each turn. One list alone waits for nothing. Beyond a queue of
//! [`WAITING_MAX`] callers are refused at once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{engine::StoreEngine, fault::StoreFault, pool::ConnectionPool};

/// Lists that are read at once; each has a connection.
pub(super) const LISTS_MAX: u32 = 2;

/// Lists that wait for a turn.
const WAITING_MAX: usize = 64;

/// How long a turn rests, in times of its work.
const REST: u32 = 9;

/// The longest rest: one slow list must not keep others out.
const REST_MAX: Duration = Duration::from_millis(100);

/// The connections of lists, and their turns.
pub(super) struct ListLane<E: StoreEngine> {
    pub(super) pool: ConnectionPool<E>,
    turns: Arc<Semaphore>,
    waiting: AtomicUsize,
}

/// A list that is being read.
pub(super) struct ListTurn {
    turn: Option<OwnedSemaphorePermit>,
    begun: Instant,
}

impl<E: StoreEngine> ListLane<E> {
    /// `pool` has [`LISTS_MAX`] places.
    pub(super) fn new(pool: ConnectionPool<E>) -> Self {
        Self {
            pool,
            turns: Arc::new(Semaphore::new(LISTS_MAX as usize)),
            waiting: AtomicUsize::new(0),
        }
    }

    /// Waits for a turn.
    ///
    /// # Errors
    /// `Busy` if too many wait already; `Closed`.
    pub(super) async fn turn(&self) -> Result<ListTurn, StoreFault> {
        let waits = Waiting::begin(&self.waiting).ok_or(StoreFault::Busy)?;
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        drop(waits);
        Ok(ListTurn {
            turn: Some(turn.map_err(|_closed| StoreFault::Closed)?),
            begun: Instant::now(),
        })
    }

    pub(super) async fn close(&self) {
        self.turns.close();
        self.pool.close().await;
    }
}

/// One that waits, also if it stops waiting.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(count: &'a AtomicUsize) -> Option<Self> {
        let waits = Self(count);
        // Counted first, so that the count is taken back in any case.
        (count.fetch_add(1, Ordering::Relaxed) < WAITING_MAX).then_some(waits)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for ListTurn {
    fn drop(&mut self) {
        let (Some(turn), Ok(runtime)) = (self.turn.take(), tokio::runtime::Handle::try_current()) else {
            return;
        };
        let rest = self.begun.elapsed().saturating_mul(REST).min(REST_MAX);
        runtime.spawn(async move {
            tokio::time::sleep(rest).await;
            drop(turn);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_wait_as_may_and_each_is_counted_once() {
        let count = AtomicUsize::new(0);
        let waiting: Vec<_> = (0..WAITING_MAX).map(|_| Waiting::begin(&count).unwrap()).collect();
        assert!(Waiting::begin(&count).is_none());
        assert_eq!(
            count.load(Ordering::Relaxed),
            WAITING_MAX,
            "one that was refused does not wait"
        );
        drop(waiting);
        assert_eq!(count.load(Ordering::Relaxed), 0);
        assert!(Waiting::begin(&count).is_some());
    }
}
