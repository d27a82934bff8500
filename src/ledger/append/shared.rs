//! What the callers, the appender and the sealer share, and the order in which they may see it grow.
//!
//! **Invariant** `sealed ≤ durable ≤ appended`: `appended` counts entries that have an index, `durable` those that a sync
//! made safe, `sealed` those that a signed checkpoint on disk covers. Each is raised only after its work is done, in this
//! order, and none ever falls. The appender alone raises the first two, the sealer alone the third.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, oneshot};

use super::condition::LedgerCondition;
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
    pub closed: AtomicBool,
    /// Wakes those who wait for a group that does not return.
    pub given_up: Notify,
    /// A `LedgerCondition`; `Failed` never changes again.
    condition: AtomicU8,
    /// When the oldest waiting entry was handed over, in nanoseconds after `opened`; 0: none waits.
    waiting_since: AtomicU64,
    opened: Instant,
    failure: Mutex<Option<io::Error>>,
    sealing: Mutex<Option<io::Error>>,
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
            closed: AtomicBool::new(false),
            given_up: Notify::new(),
            condition: AtomicU8::new(LedgerCondition::Accepting.number()),
            waiting_since: AtomicU64::new(0),
            opened: Instant::now(),
            failure: Mutex::default(),
            sealing: Mutex::default(),
            sealed: RwLock::new(Arc::new(sealed)),
            positions: RwLock::new(positions),
            segments: RwLock::new(segments),
            unsealed: Mutex::new(unsealed),
            waiters: Mutex::default(),
            lanes: Mutex::default(),
        }
    }

    /// Whether entries are accepted; one load.
    pub(crate) fn condition(&self) -> LedgerCondition {
        LedgerCondition::of_number(self.condition.load(Ordering::Acquire))
    }

    /// Goes over to another condition, unless it is not `from` any more.
    pub(crate) fn change(&self, from: LedgerCondition, to: LedgerCondition) {
        let (from, to) = (from.number(), to.number());
        // If the exchange fails, another thread has set a newer condition.
        let _changed = self
            .condition
            .compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire);
    }

    /// Whether a sync failed.
    pub(crate) fn failed(&self) -> bool {
        self.condition() == LedgerCondition::Failed
    }

    /// Marks the ledger failed for ever and lets the waiters go.
    pub(crate) fn fail(&self, cause: io::Error) {
        let mut failure = lock(&self.failure);
        if !self.failed() {
            *failure = Some(cause);
        }
        self.condition
            .store(LedgerCondition::Failed.number(), Ordering::Release);
        drop(failure);
        lock(&self.waiters).clear();
    }

    /// Refuses entries until a later try succeeds.
    pub(crate) fn block(&self, cause: io::Error) {
        let mut failure = lock(&self.failure);
        if !self.failed() {
            *failure = Some(cause);
            self.condition
                .store(LedgerCondition::Blocked.number(), Ordering::Release);
        }
    }

    /// Accepts entries again after `block`.
    pub(crate) fn unblock(&self) {
        let mut failure = lock(&self.failure);
        if self.condition() == LedgerCondition::Blocked {
            *failure = None;
            self.condition
                .store(LedgerCondition::Accepting.number(), Ordering::Release);
        }
    }

    /// Why the ledger accepts nothing, in the operating system's words.
    pub(crate) fn failure(&self) -> Option<String> {
        lock(&self.failure).as_ref().map(ToString::to_string)
    }

    /// What keeps the sealer from sealing, `None` when nothing does.
    pub(crate) fn sealing(&self, trouble: Option<io::Error>) {
        *lock(&self.sealing) = trouble;
    }

    /// Why nothing is sealed, in the operating system's words.
    pub(crate) fn sealing_failure(&self) -> Option<String> {
        lock(&self.sealing).as_ref().map(ToString::to_string)
    }

    /// A group is about to be written, whose oldest entry was handed over at `oldest`.
    pub(crate) fn begin_group(&self, oldest: Instant) {
        let since = oldest.saturating_duration_since(self.opened).as_nanos();
        let since = u64::try_from(since).unwrap_or(u64::MAX).max(1);
        self.waiting_since.store(since, Ordering::Release);
    }

    /// The group is dealt with.
    pub(crate) fn end_group(&self) {
        self.waiting_since.store(0, Ordering::Release);
    }

    /// How long the oldest entry has waited; zero when none waits.
    pub(crate) fn oldest_wait(&self) -> Duration {
        match self.waiting_since.load(Ordering::Acquire) {
            0 => Duration::ZERO,
            since => self.opened.elapsed().saturating_sub(Duration::from_nanos(since)),
        }
    }

    /// Tells everybody who waits for the group under way that it does not return.
    pub(crate) fn give_up(&self) {
        self.given_up.notify_waiters();
        for mailbox in self.lanes() {
            mailbox.give_up();
        }
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
        if std::thread::panicking() {
            self.0.fail(io::Error::other("the thread that appends has ended"));
        }
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
