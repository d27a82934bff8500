//! Lines that would come by the thousand: a few are written at once, and the next after a minute says how many were held back.

use std::sync::{
    OnceLock,
    atomic::{AtomicU64, Ordering},
};
use std::time::{Duration, Instant};

/// After which lines of a kind are written again.
const PAUSE: Duration = Duration::from_secs(60);

/// Lets a few lines of a kind through a minute.
pub struct LineGate {
    /// Lines that may pass in a minute.
    most: u64,
    /// Milliseconds after the process's first line at which the minute ends.
    ends: AtomicU64,
    passed: AtomicU64,
    held: AtomicU64,
}

impl LineGate {
    /// A gate for so many lines a minute, through which nothing has come yet.
    pub const fn of(most: u64) -> Self {
        Self {
            most,
            ends: AtomicU64::new(0),
            passed: AtomicU64::new(0),
            held: AtomicU64::new(0),
        }
    }

    /// `Some`: write the line; the number of those held back since the last. `None`: hold this one back.
    pub fn pass(&self) -> Option<u64> {
        static FIRST: OnceLock<Instant> = OnceLock::new();
        self.pass_at(FIRST.get_or_init(Instant::now).elapsed())
    }

    fn pass_at(&self, now: Duration) -> Option<u64> {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let (now, ends) = (millis(now), self.ends.load(Ordering::Relaxed));
        let begins = now >= ends
            && self
                .ends
                .compare_exchange(ends, now + millis(PAUSE), Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        if begins {
            self.passed.store(1, Ordering::Relaxed);
            return Some(self.held.swap(0, Ordering::Relaxed));
        }
        if self.passed.load(Ordering::Relaxed) < self.most && self.passed.fetch_add(1, Ordering::Relaxed) < self.most {
            return Some(0);
        }
        self.held.fetch_add(1, Ordering::Relaxed);
        None
    }
}

/// An error with its causes, in one line.
pub fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let words = cause.to_string();
        // A transparent error says what its cause says.
        if !text.ends_with(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_lines_pass_a_minute_and_the_next_tells_how_many_did_not() {
        let gate = LineGate::of(1);
        assert_eq!(gate.pass_at(Duration::from_secs(5)), Some(0));
        assert_eq!((6..60).filter_map(|s| gate.pass_at(Duration::from_secs(s))).count(), 0);
        assert_eq!(gate.pass_at(Duration::from_secs(65)), Some(54));
        assert_eq!(gate.pass_at(Duration::from_secs(66)), None);
        let gate = LineGate::of(3);
        assert_eq!((0..10).filter_map(|_| gate.pass_at(Duration::from_secs(1))).count(), 3);
    }

    #[test]
    fn causes_stand_in_one_line() {
        let inner = std::io::Error::from_raw_os_error(28);
        let outer = std::io::Error::other(inner);
        assert!(causes(&outer).contains("No space left on device"));
    }
}
