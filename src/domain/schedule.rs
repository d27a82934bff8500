//! When a push is tried again: the delays of a delivery's attempts, as a value, with jitter and `Retry-After`.
//! The first delay stands before the first attempt: n delays are n attempts, and after the n-th failed one the delivery is dead.
//!
//! `now ≤ At`, and `asked ≤ At - now` for every `Retry-After` up to the limit. Randomness comes in as a number.
//! Own code: the delays of a delivery outlive the process; retry crates wait inside one.

use thiserror::Error;

/// The most attempts that a schedule may hold.
pub const ATTEMPTS_MAX: usize = 64;
/// The longest delay: 30 days.
pub(crate) const DELAY_MAX_S: u32 = 30 * DAY_S;
/// The longest `Retry-After` that is honoured: 24 hours.
pub(crate) const RETRY_AFTER_MAX_S: u32 = DAY_S;

const DAY_S: u32 = 86_400;
const SECOND_US: i64 = 1_000_000;
/// A delay is moved by at most one part in this many, earlier or later.
const JITTER_PART: i128 = 10;

/// The delays before each attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetrySchedule {
    delays_s: Vec<u32>,
}

/// What follows so many attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextAttempt {
    /// Another attempt, not before this Unix time in microseconds.
    At(i64),
    /// None: the delivery is a dead letter.
    Dead,
}

/// Why delays are no schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidSchedule {
    /// Without an attempt nothing is ever sent.
    #[error("a schedule needs at least one delay")]
    Empty,
    /// More than [`ATTEMPTS_MAX`].
    #[error("a schedule holds at most {ATTEMPTS_MAX} delays")]
    TooMany,
    /// A delay above [`DELAY_MAX_S`].
    #[error("a delay is at most {DELAY_MAX_S} seconds")]
    TooLong,
}

impl Default for RetrySchedule {
    /// 0 s, 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 10 h: eight attempts in some 28 hours (CONTRACT §5).
    fn default() -> Self {
        Self {
            delays_s: vec![0, 5, 300, 1_800, 7_200, 18_000, 36_000, 36_000],
        }
    }
}

impl RetrySchedule {
    /// A schedule of the seconds before each attempt; the first is usually 0.
    ///
    /// # Errors
    /// [`InvalidSchedule`].
    pub fn new(delays_s: Vec<u32>) -> Result<Self, InvalidSchedule> {
        if delays_s.is_empty() {
            return Err(InvalidSchedule::Empty);
        }
        if delays_s.len() > ATTEMPTS_MAX {
            return Err(InvalidSchedule::TooMany);
        }
        if delays_s.iter().any(|delay_s| *delay_s > DELAY_MAX_S) {
            return Err(InvalidSchedule::TooLong);
        }
        Ok(Self { delays_s })
    }

    /// The most attempts of one delivery.
    pub fn attempts(&self) -> usize {
        self.delays_s.len()
    }

    /// When to try next, `attempts_made` attempts having failed; 0 asks for the first.
    ///
    /// The delay is moved by up to a tenth, earlier or later, by `random` (uniform over all of `u32`), so that what failed
    /// together is not retried together. `retry_after_s` is what the receiver asked for with its last answer: the attempt is
    /// at least that late, and for the same reason up to a tenth later, but never later than the limit. It never brings an
    /// attempt forward, and it adds none to the schedule.
    pub fn next(&self, attempts_made: u32, random: u32, retry_after_s: Option<u32>, now_us: i64) -> NextAttempt {
        let delay_s = usize::try_from(attempts_made)
            .ok()
            .and_then(|made| self.delays_s.get(made));
        let Some(delay_s) = delay_s else {
            return NextAttempt::Dead;
        };
        let delay_us = i64::from(*delay_s) * SECOND_US;
        let planned_us = delay_us + spread(delay_us, 2 * i128::from(random) - i128::from(u32::MAX));
        let limit_us = i64::from(RETRY_AFTER_MAX_S) * SECOND_US;
        let asked_us = retry_after_s.map_or(0, |asked_s| {
            let asked_us = i64::from(asked_s) * SECOND_US;
            (asked_us + spread(asked_us, i128::from(random))).min(limit_us)
        });
        NextAttempt::At(now_us.saturating_add(planned_us.max(asked_us)))
    }
}

/// A tenth of a length, scaled by `random` over the range of `u32`.
fn spread(length_us: i64, random: i128) -> i64 {
    i64::try_from(i128::from(length_us) * random / i128::from(u32::MAX) / JITTER_PART).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW_US: i64 = 1_795_363_200_000_000;
    /// The random number that moves nothing, to within a microsecond of an hour.
    const MIDDLE: u32 = u32::MAX / 2;

    fn after_s(next: NextAttempt) -> Option<i64> {
        match next {
            NextAttempt::At(us) => Some((us - NOW_US + SECOND_US / 2).div_euclid(SECOND_US)),
            NextAttempt::Dead => None,
        }
    }

    #[test]
    fn the_schedule_of_the_contract_has_eight_attempts_and_then_none() {
        let schedule = RetrySchedule::default();
        let delays: Vec<_> = (0..10)
            .map(|made| after_s(schedule.next(made, MIDDLE, None, NOW_US)))
            .collect();
        let hours = |h: i64| Some(h * 3_600);
        let expected = [
            Some(0),
            Some(5),
            Some(300),
            Some(1_800),
            hours(2),
            hours(5),
            hours(10),
            hours(10),
        ];
        assert_eq!(delays[..8], expected);
        assert_eq!(delays[8..], [None, None]);
        assert_eq!(schedule.attempts(), 8);
        assert_eq!(schedule.next(u32::MAX, 0, Some(1), NOW_US), NextAttempt::Dead);
        let sum: i64 = expected.into_iter().flatten().sum();
        assert_eq!(sum, 27 * 3_600 + 35 * 60 + 5);
    }

    #[test]
    fn jitter_moves_a_delay_by_a_tenth_at_most() {
        let schedule = RetrySchedule::default();
        assert_eq!(after_s(schedule.next(3, 0, None, NOW_US)), Some(1_620));
        assert_eq!(after_s(schedule.next(3, u32::MAX, None, NOW_US)), Some(1_980));
        assert_eq!(
            schedule.next(0, u32::MAX, None, NOW_US),
            NextAttempt::At(NOW_US),
            "the first attempt is at once"
        );
    }

    #[test]
    fn a_receiver_that_asks_for_time_gets_it_up_to_the_limit() {
        let schedule = RetrySchedule::default();
        let asked = |made, random, s| after_s(schedule.next(made, random, Some(s), NOW_US));
        assert_eq!(asked(1, 0, 120), Some(120));
        assert_eq!(asked(1, u32::MAX, 120), Some(132));
        assert_eq!(asked(4, MIDDLE, 120), Some(7_200), "it never makes an attempt earlier");
        assert_eq!(asked(1, u32::MAX, 86_400), Some(86_400));
        assert_eq!(asked(1, 0, u32::MAX), Some(86_400));
        assert_eq!(asked(8, 0, 120), None);
    }

    #[test]
    fn delays_that_are_no_schedule_are_refused() {
        assert_eq!(RetrySchedule::new(vec![]), Err(InvalidSchedule::Empty));
        assert_eq!(
            RetrySchedule::new(vec![0; ATTEMPTS_MAX + 1]),
            Err(InvalidSchedule::TooMany)
        );
        assert_eq!(
            RetrySchedule::new(vec![0, DELAY_MAX_S + 1]),
            Err(InvalidSchedule::TooLong)
        );
        let two = RetrySchedule::new(vec![0, 1]).unwrap();
        assert_eq!(
            (two.next(1, MIDDLE, None, 0), two.next(2, 0, None, 0)),
            (NextAttempt::At(1_000_000), NextAttempt::Dead)
        );
    }

    proptest! {
        #[test]
        fn the_next_attempt_lies_between_its_bounds(
            delays_s in prop::collection::vec(0..=DELAY_MAX_S, 1..20),
            made in 0_u32..25,
            random: u32,
            retry_after_s in prop::option::of(any::<u32>()),
            now_us: i64,
        ) {
            let schedule = RetrySchedule::new(delays_s.clone()).unwrap();
            match (schedule.next(made, random, retry_after_s, now_us), delays_s.get(made as usize)) {
                (NextAttempt::Dead, None) => {}
                (NextAttempt::At(at_us), Some(delay_s)) => {
                    let delay_us = i64::from(*delay_s) * SECOND_US;
                    let asked_us = i64::from(retry_after_s.unwrap_or(0).min(RETRY_AFTER_MAX_S)) * SECOND_US;
                    let (least, most) = (delay_us - delay_us / 10, delay_us + delay_us / 10);
                    prop_assert!(at_us >= now_us.saturating_add(least.max(asked_us)));
                    prop_assert!(at_us <= now_us.saturating_add(most.max(asked_us + asked_us / 10)));
                }
                (next, delay) => prop_assert!(false, "{next:?} for {delay:?}"),
            }
        }
    }
}
