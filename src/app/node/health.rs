//! What is known of the machine that the node runs on: space, clock, and whether the process must end. Found out by a thread of the
//! server, read by `/readyz` and before each commit.

use std::sync::{
    OnceLock,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use tokio::sync::Notify;

/// State of the node's machine.
#[derive(Default)]
pub struct NodeHealth {
    space_low: AtomicBool,
    clock_unchecked: AtomicBool,
    clock_looks: AtomicU64,
    newest_entry_us: OnceLock<i64>,
    database_time: OnceLock<i64>,
    fatal: OnceLock<String>,
    ends: Notify,
}

impl NodeHealth {
    /// Whether so little space is left that nothing new is written.
    pub fn is_space_low(&self) -> bool {
        self.space_low.load(Ordering::Relaxed)
    }

    /// Says whether little space is left; answers whether that is new.
    pub fn set_space_low(&self, low: bool) -> bool {
        self.space_low.swap(low, Ordering::Relaxed) != low
    }

    /// Whether nothing may be deleted by the clock, because it disagrees with what else tells the time.
    pub fn is_clock_unchecked(&self) -> bool {
        self.clock_unchecked.load(Ordering::Acquire)
    }

    /// Says whether the clock is doubtful; answers whether that is new.
    pub fn set_clock_unchecked(&self, unchecked: bool) -> bool {
        let before = self.clock_unchecked.swap(unchecked, Ordering::AcqRel);
        self.clock_looks.fetch_add(1, Ordering::AcqRel);
        before != unchecked
    }

    /// How often the clock was looked at.
    pub fn clock_looks(&self) -> u64 {
        self.clock_looks.load(Ordering::Acquire)
    }

    /// Time of the newest ledger entry before this start, Unix microseconds.
    pub fn newest_entry_time(&self) -> Option<i64> {
        self.newest_entry_us.get().copied()
    }

    /// Keeps it. Call before anything is entered by this start's own clock.
    pub fn set_newest_entry_time(&self, at_us: i64) {
        let _first_counts = self.newest_entry_us.set(at_us);
    }

    /// What the database said the time was at the start, Unix microseconds.
    pub fn database_time(&self) -> Option<i64> {
        self.database_time.get().copied()
    }

    /// Keeps what the database said the time was.
    pub fn set_database_time(&self, at_us: i64) {
        let _first_counts = self.database_time.set(at_us);
    }

    /// Says that only a restart can mend this node. The first cause counts.
    pub fn end(&self, cause: String) {
        if self.fatal.set(cause).is_ok() {
            self.ends.notify_waiters();
        }
    }

    /// Waits until only a restart can mend this node; answers why.
    pub async fn ended(&self) -> String {
        loop {
            let ends = self.ends.notified();
            if let Some(cause) = self.fatal.get() {
                return cause.clone();
            }
            ends.await;
        }
    }
}
