//! How long a connection has not answered. A writer that hangs looks like one that works, except for its age.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// Age of a call from which on further writes are refused at once.
pub(super) const STALLED_AFTER: Duration = Duration::from_secs(1);

/// Age of a call at which those who wait behind it are told so.
pub(super) const GIVE_UP_AFTER: Duration = Duration::from_secs(5);

/// The call under way on the one connection of a writer.
pub(super) struct CallProgress {
    opened: Instant,
    /// Nanoseconds after `opened`; 0: none is under way.
    since: AtomicU64,
}

impl CallProgress {
    pub(super) fn new() -> Self {
        Self {
            opened: Instant::now(),
            since: AtomicU64::new(0),
        }
    }

    /// A call begins that may take `grace` before its age counts.
    pub(super) fn begin(&self, grace: Duration) {
        let since = (self.opened.elapsed() + grace).as_nanos();
        let since = u64::try_from(since).unwrap_or(u64::MAX).max(1);
        self.since.store(since, Ordering::Release);
    }

    /// The call has ended.
    pub(super) fn end(&self) {
        self.since.store(0, Ordering::Release);
    }

    /// Age of the call under way; zero when there is none.
    pub(super) fn age(&self) -> Duration {
        match self.since.load(Ordering::Acquire) {
            0 => Duration::ZERO,
            since => self.opened.elapsed().saturating_sub(Duration::from_nanos(since)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_age_is_that_of_the_call_under_way() {
        let progress = CallProgress::new();
        assert_eq!(progress.age(), Duration::ZERO);
        progress.begin(Duration::ZERO);
        let (begun, step) = (Instant::now(), Duration::from_millis(20));
        while begun.elapsed() < step {
            std::hint::spin_loop();
        }
        assert!(progress.age() >= step);
        progress.end();
        assert_eq!(progress.age(), Duration::ZERO);
        progress.begin(Duration::from_secs(60));
        assert_eq!(progress.age(), Duration::ZERO);
    }
}
