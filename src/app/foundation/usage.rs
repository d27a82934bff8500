//! Daily ceilings: one lock-free counter a grant, for the day in Asia/Shanghai.
//! Counts go to the store every second; a crash may lose that second's counts, never an answer's ledger entry.

use std::sync::atomic::{AtomicU64, Ordering};

pub use heyan_domain::calendar::china_day as day_of;

/// Day number in the upper 24 bits, look-ups in the lower 40.
#[derive(Default)]
pub struct UsageCounter {
    today: AtomicU64,
    unsaved: AtomicU64,
    /// Taken back after they were saved: the store holds so many more.
    excess: AtomicU64,
}

const COUNT_BITS: u32 = 40;
const COUNT_MASK: u64 = (1 << COUNT_BITS) - 1;

fn pack(day: i32, used: u64) -> u64 {
    (u64::from(day.max(0).unsigned_abs()) << COUNT_BITS) | used.min(COUNT_MASK)
}

fn used_on(packed: u64, day: i32) -> u64 {
    if packed >> COUNT_BITS == u64::from(day.max(0).unsigned_abs()) {
        packed & COUNT_MASK
    } else {
        0
    }
}

/// Adds one to a count of `day`.
fn more(counter: &AtomicU64, day: i32) {
    let add = |packed| Some(pack(day, used_on(packed, day) + 1));
    let _always = counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
}

/// Takes one from a count of `day`; `false`: there is none.
fn less(counter: &AtomicU64, day: i32) -> bool {
    let take = |packed| Some(pack(day, used_on(packed, day).checked_sub(1)?));
    counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
}

impl UsageCounter {
    /// Counts one look-up on `day` unless `ceiling` are counted already.
    pub fn take(&self, day: i32, ceiling: u64) -> bool {
        let taken = self.today.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |packed| {
            let used = used_on(packed, day);
            (used < ceiling).then(|| pack(day, used + 1))
        });
        if taken.is_ok() && !less(&self.excess, day) {
            more(&self.unsaved, day);
        }
        taken.is_ok()
    }

    /// Takes back one count of `day`.
    pub fn give_back(&self, day: i32) {
        if less(&self.today, day) && !less(&self.unsaved, day) {
            more(&self.excess, day);
        }
    }

    /// Sets what an earlier run counted on `day`, when that is the newest day known.
    pub fn restore(&self, day: i32, used: u64) {
        let excess = used_on(self.excess.load(Ordering::Relaxed), day);
        self.today
            .fetch_max(pack(day, used.saturating_sub(excess)), Ordering::Relaxed);
    }

    /// The day and the count not yet saved, once.
    pub fn drain(&self) -> Option<(i32, u64)> {
        let packed = self.unsaved.swap(0, Ordering::Relaxed);
        let used = packed & COUNT_MASK;
        (used > 0).then(|| (i32::try_from(packed >> COUNT_BITS).unwrap_or_default(), used))
    }
}

#[cfg(test)]
mod tests {
    use crate::foundation::usage::*;

    #[test]
    fn a_ceiling_holds_for_its_day_and_starts_anew_on_the_next() {
        let counter = UsageCounter::default();
        assert!(counter.take(20_000, 2) && counter.take(20_000, 2));
        assert!(!counter.take(20_000, 2));
        assert!(counter.take(20_001, 2));
        assert_eq!(counter.drain(), Some((20_001, 1)));
        assert_eq!(counter.drain(), None);
    }

    #[test]
    fn what_was_taken_back_does_not_count_even_if_it_was_saved() {
        let counter = UsageCounter::default();
        assert!(counter.take(20_000, 2) && counter.take(20_000, 2));
        assert_eq!(counter.drain(), Some((20_000, 2)));
        counter.give_back(20_000);
        counter.restore(20_000, 2);
        assert!(
            counter.take(20_000, 2),
            "the store still holds the count that was taken back"
        );
        assert_eq!(counter.drain(), None, "and it is this one now");
        assert!(!counter.take(20_000, 2));
        counter.give_back(20_001);
        assert!(!counter.take(20_000, 2), "a day takes nothing from another");
    }

    #[test]
    fn what_an_earlier_run_counted_still_counts() {
        let counter = UsageCounter::default();
        counter.restore(20_000, 5);
        assert!(!counter.take(20_000, 5));
        assert!(counter.take(20_000, 6));
    }
}
