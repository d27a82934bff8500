//! Whether what this node has in memory may still be used: several nodes that share a store hear each other's changes on a line,
//! and a node that has not heard it for the lease must not go on as if nothing had changed.
//! Monotonic time only: a process that was stopped and goes on finds its lease expired, whatever the wall clock says.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// What is known of the line.
pub struct LineTrust {
    /// `None`: no other node shares the store, so nothing changes behind this one's back.
    line: Option<LineState>,
}

struct LineState {
    begun: Instant,
    lease_ms: u64,
    /// Milliseconds since `begun` plus one up to which everything that was said has been heard; 0: not heard yet.
    heard_until: AtomicU64,
}

impl LineTrust {
    /// A node that has its store for itself.
    pub const fn alone() -> Self {
        Self { line: None }
    }

    /// A node that hears others; it trusts nothing before it has heard the line once.
    pub fn among_others(lease: Duration) -> Self {
        Self {
            line: Some(LineState {
                begun: Instant::now(),
                lease_ms: u64::try_from(lease.as_millis()).unwrap_or(u64::MAX),
                heard_until: AtomicU64::new(0),
            }),
        }
    }

    /// Whether memory may be used now.
    pub fn holds(&self) -> bool {
        let Some(line) = &self.line else { return true };
        let heard_until = line.heard_until.load(Ordering::Acquire);
        heard_until > 0 && line.now() <= heard_until.saturating_add(line.lease_ms)
    }

    /// The number of a beat that is sent now.
    pub fn beat(&self) -> u64 {
        self.line.as_ref().map_or(0, LineState::now)
    }

    /// A beat came back: everything that was said before it was sent has been taken in.
    pub fn heard(&self, beat: u64) {
        if let Some(line) = &self.line {
            line.heard_until.fetch_max(beat, Ordering::AcqRel);
        }
    }

    /// Whether other nodes share the store.
    pub fn is_among_others(&self) -> bool {
        self.line.is_some()
    }
}

impl LineState {
    /// Milliseconds since the beginning, from 1.
    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis())
            .unwrap_or(u64::MAX)
            .saturating_add(1)
    }
}

#[cfg(test)]
mod tests {
    use crate::foundation::trust::*;

    #[test]
    fn memory_is_used_only_while_the_line_was_heard_within_the_lease() {
        assert!(LineTrust::alone().holds());
        let trust = LineTrust::among_others(Duration::from_millis(0));
        assert!(!trust.holds(), "nothing was heard");
        // A beat from the future of the test: the lease of 0 ms runs from then.
        trust.heard(trust.beat() + 60_000);
        assert!(trust.holds());
        let trust = LineTrust::among_others(Duration::from_secs(60));
        trust.heard(trust.beat());
        assert!(trust.holds());
        let line = trust.line.as_ref().unwrap();
        line.heard_until.store(0, Ordering::Release);
        assert!(!trust.holds());
    }
}
