//! What the callers, the appender and the sealer share, and the order in which they may see it grow.
//!
//! **Invariant** `sealed ≤ durable ≤ appended`: `appended` counts entries that have an index, `durable` those that a sync
//! made safe, `sealed` those that a signed checkpoint on disk covers. Each is raised only after its work is done, in this
//! order, and none ever falls. The appender alone raises the first two, the sealer alone the third.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Instant;

use tokio::sync::oneshot;

use super::mailbox::LaneMailbox;
use crate::disk::journal::FramePosition;
use crate::note::TreeHead;
use crate::tree::TreeHash;

/// The newest published checkpoint.
pub(crate) struct SealedCheckpoint {
    /// Signed note.
    pub text: String,
    /// What it says.
    pub head: TreeHead,
}

/// Someone who waits for a checkpoint that covers `index`.
pub(crate) struct CheckpointWaiter {
    /// Entry that must be covered.
    pub index: u64,
    /// When to give up.
    pub deadline: Instant,
    /// Hears whether it is covered.
    pub done: oneshot::Sender<CoverAnswer>,
}

/// Answer to a waiter.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum CoverAnswer {
    /// A checkpoint covers the entry.
    Yes,
    /// Time ran out first.
    NotYet,
}

/// Counters of the ledger, read without a lock.
#[derive(Default)]
pub(crate) struct LedgerCounters {
    pub appended: AtomicU64,
    pub durable: AtomicU64,
    pub sealed: AtomicU64,
    pub groups: AtomicU64,
    pub last_group: AtomicU64,
    pub checkpoint_at_us: AtomicI64,
    pub append_ns: AtomicU64,
    pub sync_ns: AtomicU64,
    pub busy: AtomicU64,
}

/// State of one open ledger.
pub(crate) struct SharedLedger {
    pub counters: LedgerCounters,
    /// Once set never cleared: after a failed sync nothing is known about the disk.
    pub failed: AtomicBool,
    pub closed: AtomicBool,
    failure: Mutex<Option<io::Error>>,
    sealed: RwLock<Arc<SealedCheckpoint>>,
    positions: RwLock<Vec<FramePosition>>,
    segments: RwLock<Vec<u64>>,
    unsealed: Mutex<Vec<TreeHash>>,
    waiters: Mutex<Vec<CheckpointWaiter>>,
    lanes: Mutex<Vec<Arc<LaneMailbox>>>,
}

impl SharedLedger {
    /// The state after recovery: everything durable, `head` sealed.
    pub(crate) fn new(
        sealed: SealedCheckpoint,
        positions: Vec<FramePosition>,
        segments: Vec<u64>,
        unsealed: Vec<TreeHash>,
    ) -> Self {
        let counters = LedgerCounters::default();
        let durable = sealed.head.size + unsealed.len() as u64;
        counters.appended.store(durable, Ordering::Release);
        counters.durable.store(durable, Ordering::Release);
        counters.sealed.store(sealed.head.size, Ordering::Release);
        Self {
            counters,
            failed: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            failure: Mutex::default(),
            sealed: RwLock::new(Arc::new(sealed)),
            positions: RwLock::new(positions),
            segments: RwLock::new(segments),
            unsealed: Mutex::new(unsealed),
            waiters: Mutex::default(),
            lanes: Mutex::default(),
        }
    }

    /// Marks the ledger failed for ever and lets the waiters go.
    pub(crate) fn fail(&self, cause: io::Error) {
        self.failed.store(true, Ordering::Release);
        lock(&self.failure).get_or_insert(cause);
        lock(&self.waiters).clear();
    }

    /// Why the ledger failed, in the operating system's words.
    pub(crate) fn failure(&self) -> Option<String> {
        lock(&self.failure).as_ref().map(ToString::to_string)
    }

    /// The newest checkpoint.
    pub(crate) fn sealed(&self) -> Arc<SealedCheckpoint> {
        Arc::clone(&read(&self.sealed))
    }

    /// Publishes a checkpoint that is already on disk.
    pub(crate) fn publish(&self, sealed: SealedCheckpoint, now_us: i64) {
        let size = sealed.head.size;
        *write(&self.sealed) = Arc::new(sealed);
        self.counters.checkpoint_at_us.store(now_us, Ordering::Release);
        self.counters.sealed.store(size, Ordering::Release);
    }

    /// Makes one durable group visible to readers and to the sealer.
    pub(crate) fn made_durable(&self, leaves: &[TreeHash], positions: &[FramePosition], segment: Option<u64>) {
        write(&self.segments).extend(segment);
        if !positions.is_empty() {
            write(&self.positions).extend_from_slice(positions);
        }
        lock(&self.unsealed).extend_from_slice(leaves);
        self.counters.durable.fetch_add(leaves.len() as u64, Ordering::Release);
    }

    /// Takes the leaves that wait for a seal, in order.
    pub(crate) fn take_unsealed(&self) -> Vec<TreeHash> {
        std::mem::take(&mut *lock(&self.unsealed))
    }

    /// Positions of bundles, one per 256 entries.
    pub(crate) fn positions(&self) -> RwLockReadGuard<'_, Vec<FramePosition>> {
        read(&self.positions)
    }

    /// First indexes of the segments.
    pub(crate) fn segments(&self) -> Vec<u64> {
        read(&self.segments).clone()
    }

    /// A mailbox for a new lane, and its number.
    pub(crate) fn add_lane(&self) -> (usize, Arc<LaneMailbox>) {
        let mut lanes = lock(&self.lanes);
        let mailbox = Arc::new(LaneMailbox::default());
        lanes.push(Arc::clone(&mailbox));
        (lanes.len() - 1, mailbox)
    }

    /// Every lane's mailbox, by number.
    pub(crate) fn lanes(&self) -> Vec<Arc<LaneMailbox>> {
        lock(&self.lanes).clone()
    }

    /// Those who wait for a checkpoint.
    pub(crate) fn waiters(&self) -> MutexGuard<'_, Vec<CheckpointWaiter>> {
        lock(&self.waiters)
    }
}

/// Tells every lane, when dropped, that nothing comes any more.
pub(crate) struct LanesClosed(pub Arc<SharedLedger>);

impl Drop for LanesClosed {
    fn drop(&mut self) {
        for mailbox in self.0.lanes() {
            mailbox.close();
        }
    }
}

// A poisoned lock means that a thread panicked, which this crate's code does not; the data are whole either way.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
