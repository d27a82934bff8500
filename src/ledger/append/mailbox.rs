//! What travels between a lane and the appender: parcels of entries one way, their indexes the other.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};
use std::task::Waker;
use std::time::Instant;

use futures_util::task::AtomicWaker;

use crate::tree::TreeHash;

/// Entries of one lane, one behind the other.
#[derive(Default)]
pub(crate) struct EntryParcel {
    /// Number of the lane.
    pub lane: usize,
    /// The entries' bytes.
    pub bytes: Vec<u8>,
    /// The entries.
    pub entries: Vec<ParcelEntry>,
}

/// One entry of a parcel.
pub(crate) struct ParcelEntry {
    /// Where its bytes end; they begin where those of the one before end.
    pub end: usize,
    /// Its leaf hash, made by the caller's thread.
    pub leaf: TreeHash,
    /// The caller's slot.
    pub slot: u32,
    /// When the caller handed it over.
    pub queued: Instant,
}

/// A parcel that is dealt with. `first` is the index of its first entry; `None`: the ledger failed.
pub(crate) struct DoneParcel {
    /// The parcel.
    pub parcel: EntryParcel,
    /// Index of its first entry.
    pub first: Option<u64>,
}

/// Where the appender leaves what it brings.
#[derive(Default)]
pub(crate) struct LaneMailbox {
    brought: Mutex<Vec<DoneParcel>>,
    waker: AtomicWaker,
    closed: AtomicBool,
    given_up: AtomicBool,
}

impl LaneMailbox {
    /// Leaves parcels of a group; `brought` is empty afterwards.
    pub(crate) fn bring(&self, brought: &mut Vec<DoneParcel>) {
        self.brought().append(brought);
        self.waker.wake();
    }

    /// Says that nothing comes any more.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.waker.wake();
    }

    /// Says that what is waited for does not return for now.
    pub(crate) fn give_up(&self) {
        self.given_up.store(true, Ordering::Release);
        self.waker.wake();
    }

    /// Whether that was said since the last call.
    pub(crate) fn gave_up(&self) -> bool {
        self.given_up.load(Ordering::Relaxed) && self.given_up.swap(false, Ordering::AcqRel)
    }

    /// Swaps what was left into `brought`, and keeps `waker` for what comes next. Returns whether nothing comes any more.
    pub(crate) fn take(&self, waker: &Waker, brought: &mut Vec<DoneParcel>) -> bool {
        self.waker.register(waker);
        let closed = self.closed.load(Ordering::Acquire);
        std::mem::swap(&mut *self.brought(), brought);
        closed
    }

    fn brought(&self) -> MutexGuard<'_, Vec<DoneParcel>> {
        self.brought.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
