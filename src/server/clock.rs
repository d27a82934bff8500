//! Is the wall clock right? It must go on as the monotonic clock does, and agree with the newest ledger entry and the database. A clock
//! that jumped is believed again when it has jumped back, or after a day without a jump: until then nothing is deleted by it.

use std::time::{Duration, Instant};

use heyan_app::node::hub::Hub;
use heyan_ledger::entry;

/// How far clocks may be apart, and how far a step of NTP may go.
const LEEWAY_US: i64 = 30_000_000;

/// How long a hub may have been off before its clock is doubted at a start.
const OFF_US: i64 = 86_400_000_000;

/// How long a new time must go on without a jump to be believed.
const BELIEVED_AFTER: Duration = Duration::from_hours(24);

/// Keeps the time of the newest entry, before this start makes entries by its own clock.
pub(super) fn keep_newest_entry(hub: &Hub) {
    let end = hub.ledger.stats().durable;
    let newest = end.checked_sub(1).and_then(|last| hub.ledger.entries(last, 1).ok());
    if let Some(at_us) = newest.and_then(|entries| entries.first().and_then(|(_, bytes)| entry::time_of(bytes))) {
        hub.node.health.set_newest_entry_time(at_us);
    }
}

/// A time by both clocks.
#[derive(Clone, Copy)]
struct ClockPair {
    at: Instant,
    wall_us: i64,
}

impl ClockPair {
    /// How far `wall_us` is ahead of what it should be now.
    fn ahead_us(&self, now: Instant, wall_us: i64) -> i64 {
        let passed = now.saturating_duration_since(self.at).as_micros();
        let expected = self.wall_us.saturating_add(i64::try_from(passed).unwrap_or(i64::MAX));
        wall_us.saturating_sub(expected)
    }
}

/// A time that is not believed yet.
struct ClockDoubt {
    new: ClockPair,
    ahead_us: i64,
}

/// The clock since the start of the node.
pub(super) struct ClockWatch {
    believed: ClockPair,
    doubt: Option<ClockDoubt>,
}

impl ClockWatch {
    /// Compares the clock with what the node has.
    pub(super) fn start(hub: &Hub) -> Self {
        let health = &hub.node.health;
        let (newest_us, others) = (health.newest_entry_time(), health.database_time());
        Self::start_at(Instant::now(), hub.clock.now_us(), newest_us, others)
    }

    fn start_at(now: Instant, wall_us: i64, newest_us: Option<i64>, database: Option<i64>) -> Self {
        let this = ClockPair { at: now, wall_us };
        // What the others say the time is, when this one is too far from it.
        let by_entry = newest_us.filter(|newest| {
            let ahead = wall_us.saturating_sub(*newest);
            !(-LEEWAY_US..=OFF_US).contains(&ahead)
        });
        let by_database = database.filter(|now_us| wall_us.abs_diff(*now_us) > LEEWAY_US.unsigned_abs());
        match by_database.or(by_entry) {
            None => Self {
                believed: this,
                doubt: None,
            },
            Some(other_us) => Self {
                believed: ClockPair {
                    at: now,
                    wall_us: other_us,
                },
                doubt: Some(ClockDoubt {
                    new: this,
                    ahead_us: wall_us.saturating_sub(other_us),
                }),
            },
        }
    }

    /// Looks at the clock; answers what is wrong with it.
    pub(super) fn look(&mut self, now: Instant, wall_us: i64) -> Option<String> {
        let is_near = |ahead_us: i64| ahead_us.abs() <= LEEWAY_US;
        let ahead_us = self.believed.ahead_us(now, wall_us);
        let this = ClockPair { at: now, wall_us };
        self.doubt = match self.doubt.take() {
            _ if is_near(ahead_us) => {
                // Small steps add up over months: each is taken over.
                self.believed = this;
                None
            }
            Some(doubt) if is_near(doubt.new.ahead_us(now, wall_us)) => {
                if now.saturating_duration_since(doubt.new.at) >= BELIEVED_AFTER {
                    self.believed = this;
                    None
                } else {
                    Some(doubt)
                }
            }
            _ => Some(ClockDoubt { new: this, ahead_us }),
        };
        let doubt = self.doubt.as_ref()?;
        let seconds = doubt.ahead_us.div_euclid(1_000_000);
        Some(match seconds >= 0 {
            true => format!("{seconds} s ahead of the monotonic clock, the newest entry or the database"),
            false => format!(
                "{} s behind the monotonic clock, the newest entry or the database",
                -seconds
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_US: i64 = 1_800_000_000_000_000;
    const DAY_US: i64 = 86_400_000_000;

    fn after(begin: Instant, hours: u64) -> Instant {
        begin + Duration::from_hours(hours)
    }

    fn wall(hours: i64) -> i64 {
        NOW_US + hours * 3_600_000_000
    }

    #[test]
    fn a_clock_that_goes_on_is_believed() {
        let begin = Instant::now();
        let mut clock = ClockWatch::start_at(begin, NOW_US, Some(NOW_US - 60_000_000), None);
        for hours in 0..100 {
            assert_eq!(
                clock.look(after(begin, hours), wall(i64::try_from(hours).unwrap())),
                None
            );
        }
    }

    #[test]
    fn a_jump_is_doubted_until_it_is_undone_or_a_day_has_passed() {
        for jump in [1, -1, 32 * 24, -87_600] {
            let begin = Instant::now();
            let mut clock = ClockWatch::start_at(begin, NOW_US, None, None);
            assert!(clock.look(after(begin, 1), wall(1 + jump)).is_some(), "{jump}");
            assert!(clock.look(after(begin, 2), wall(2 + jump)).is_some());
            assert_eq!(clock.look(after(begin, 3), wall(3)), None, "undone");
            assert!(clock.look(after(begin, 4), wall(4 + jump)).is_some());
            assert!(clock.look(after(begin, 27), wall(27 + jump)).is_some());
            assert_eq!(clock.look(after(begin, 29), wall(29 + jump)), None, "a day has passed");
        }
    }

    #[test]
    fn a_second_jump_begins_the_day_anew() {
        let begin = Instant::now();
        let mut clock = ClockWatch::start_at(begin, NOW_US, None, None);
        assert!(clock.look(after(begin, 1), wall(100)).is_some());
        assert!(clock.look(after(begin, 20), wall(200)).is_some());
        assert!(clock.look(after(begin, 30), wall(210)).is_some());
        assert_eq!(clock.look(after(begin, 45), wall(225)), None);
    }

    #[test]
    fn a_start_compares_with_the_newest_entry_and_the_database() {
        let begin = Instant::now();
        let doubted = |newest, database| {
            let mut clock = ClockWatch::start_at(begin, NOW_US, newest, database);
            clock.look(begin, NOW_US).is_some()
        };
        assert!(!doubted(None, None));
        assert!(!doubted(Some(NOW_US - DAY_US / 2), Some(NOW_US)));
        assert!(
            doubted(Some(NOW_US - 32 * DAY_US), None),
            "32 days ahead, or off for so long"
        );
        assert!(doubted(Some(NOW_US + 3_600_000_000), None), "behind");
        assert!(doubted(Some(NOW_US - 1_000_000), Some(NOW_US + 60_000_000)));
    }
}
