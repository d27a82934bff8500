//! A circuit breaker: after enough failures in a row a target is left alone for a while, then tried with one probe at a time.
//! A result counts only with the [`Pass`] it was sent with, so a late answer from before the break neither opens nor closes anything.
//!
//! `probes in flight ≤ 1`, and `pause ≤ pause_max`: whatever happens, a probe is let through again. Pure: times are Unix or
//! monotonic microseconds of the caller; a clock that is set back lengthens a pause by its own length at most.
//! Own code: a pure value under the hub's clock, one probe at a time; the crates own a clock and threads.

/// When to open, and how long to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerConfig {
    /// Failed requests in a row that open it; 0 counts as 1.
    pub open_after_requests: u32,
    /// First pause before a probe.
    pub pause_min_ms: u32,
    /// Longest pause: each failed probe doubles the pause up to it.
    pub pause_max_ms: u32,
    /// After so long without a result a probe is given up and the next is let through; more than a request's own deadline.
    pub probe_max_ms: u32,
}

impl Default for BreakerConfig {
    /// Five failures; 1 s doubling to 60 s; 30 s for a probe.
    fn default() -> Self {
        Self {
            open_after_requests: 5,
            pause_min_ms: 1_000,
            pause_max_ms: 60_000,
            probe_max_ms: 30_000,
        }
    }
}

/// What was let through; to be given back with its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a probe whose result is never told holds the breaker open for its time limit"]
pub struct BreakerTicket {
    epoch: u64,
}

/// Whether a request may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendPermit {
    /// Send it.
    Go(BreakerTicket),
    /// Send it: it decides whether the breaker closes.
    Probe(BreakerTicket),
    /// Do not send; ask again at this time, in microseconds.
    Reject {
        /// When the next probe may go, unless the one in flight ends sooner.
        until_us: i64,
    },
}

impl SendPermit {
    /// The pass, when the request may be sent.
    pub const fn pass(self) -> Option<BreakerTicket> {
        match self {
            Self::Go(pass) | Self::Probe(pass) => Some(pass),
            Self::Reject { .. } => None,
        }
    }
}

/// The state as operators see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BreakerState {
    /// Requests pass.
    Closed,
    /// Requests are rejected.
    Open,
    /// A probe may pass or is in flight.
    HalfOpen,
}

impl BreakerState {
    /// The word in metrics and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

/// One target's breaker; callers that share it hold a lock around each call, never around the request.
#[derive(Clone, Debug)]
pub struct Breaker {
    config: BreakerConfig,
    /// Grows with every change of state: a pass of an earlier one is stale.
    epoch: u64,
    state: BreakerPhase,
}

#[derive(Clone, Copy, Debug)]
enum BreakerPhase {
    Closed { failed: u32 },
    Open { until_us: i64, pause_us: i64 },
    Probing { until_us: i64, pause_us: i64 },
}

impl Breaker {
    /// A closed breaker.
    pub const fn new(config: BreakerConfig) -> Self {
        Self {
            config,
            epoch: 0,
            state: BreakerPhase::Closed { failed: 0 },
        }
    }

    /// Whether a request may be sent now.
    pub fn allow(&mut self, now_us: i64) -> SendPermit {
        let (until_us, pause_us, wait_us) = match self.state {
            BreakerPhase::Closed { .. } => return SendPermit::Go(BreakerTicket { epoch: self.epoch }),
            BreakerPhase::Open { until_us, pause_us } => (until_us, pause_us, pause_us),
            BreakerPhase::Probing { until_us, pause_us } => (until_us, pause_us, self.probe_max_us()),
        };
        if now_us >= until_us {
            let until_us = now_us.saturating_add(self.probe_max_us());
            let pass = self.turn(BreakerPhase::Probing { until_us, pause_us });
            return SendPermit::Probe(pass);
        }
        // A clock that was set back must not keep the target shut for longer than the whole wait.
        let latest_us = now_us.saturating_add(wait_us);
        if let BreakerPhase::Open { until_us, .. } | BreakerPhase::Probing { until_us, .. } = &mut self.state {
            *until_us = (*until_us).min(latest_us);
        }
        SendPermit::Reject {
            until_us: until_us.min(latest_us),
        }
    }

    /// The request went well.
    pub fn succeeded(&mut self, pass: BreakerTicket) {
        if pass.epoch != self.epoch {
            return;
        }
        match &mut self.state {
            BreakerPhase::Closed { failed } => *failed = 0,
            BreakerPhase::Probing { .. } => {
                let _ = self.turn(BreakerPhase::Closed { failed: 0 });
            }
            BreakerPhase::Open { .. } => {}
        }
    }

    /// The target failed, at whatever the caller counts as its fault.
    pub fn failed(&mut self, pass: BreakerTicket, now_us: i64) {
        if pass.epoch != self.epoch {
            return;
        }
        let pause_us = match &mut self.state {
            BreakerPhase::Closed { failed } => {
                *failed = failed.saturating_add(1);
                if *failed < self.config.open_after_requests {
                    return;
                }
                self.pause_min_us()
            }
            BreakerPhase::Probing { pause_us, .. } => pause_us.saturating_mul(2).min(self.pause_max_us()),
            BreakerPhase::Open { .. } => return,
        };
        let until_us = now_us.saturating_add(pause_us);
        let _ = self.turn(BreakerPhase::Open { until_us, pause_us });
    }

    /// The request was not sent after all, or says nothing of the target: a probe is free again at once.
    pub fn abandoned(&mut self, pass: BreakerTicket, now_us: i64) {
        if let (BreakerPhase::Probing { pause_us, .. }, true) = (self.state, pass.epoch == self.epoch) {
            let _ = self.turn(BreakerPhase::Open {
                until_us: now_us,
                pause_us,
            });
        }
    }

    /// The state now.
    pub const fn state(&self, now_us: i64) -> BreakerState {
        match self.state {
            BreakerPhase::Closed { .. } => BreakerState::Closed,
            BreakerPhase::Open { until_us, .. } if now_us < until_us => BreakerState::Open,
            BreakerPhase::Open { .. } | BreakerPhase::Probing { .. } => BreakerState::HalfOpen,
        }
    }

    fn turn(&mut self, state: BreakerPhase) -> BreakerTicket {
        self.epoch = self.epoch.wrapping_add(1);
        self.state = state;
        BreakerTicket { epoch: self.epoch }
    }

    fn pause_min_us(&self) -> i64 {
        // A pause of 0 would never double.
        (i64::from(self.config.pause_min_ms) * 1_000).clamp(1_000, self.pause_max_us())
    }

    fn pause_max_us(&self) -> i64 {
        (i64::from(self.config.pause_max_ms) * 1_000).max(1_000)
    }

    fn probe_max_us(&self) -> i64 {
        (i64::from(self.config.probe_max_ms) * 1_000).max(1_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MS_US: i64 = 1_000;

    fn config() -> BreakerConfig {
        BreakerConfig {
            open_after_requests: 3,
            pause_min_ms: 100,
            pause_max_ms: 400,
            probe_max_ms: 50,
        }
    }

    fn go(breaker: &mut Breaker, now_us: i64) -> BreakerTicket {
        match breaker.allow(now_us) {
            SendPermit::Go(pass) => pass,
            other => panic!("{other:?}"),
        }
    }

    fn probe(breaker: &mut Breaker, now_us: i64) -> BreakerTicket {
        match breaker.allow(now_us) {
            SendPermit::Probe(pass) => pass,
            other => panic!("{other:?}"),
        }
    }

    fn opened() -> Breaker {
        let mut breaker = Breaker::new(config());
        for _ in 0..3 {
            let pass = go(&mut breaker, 0);
            breaker.failed(pass, 0);
        }
        breaker
    }

    #[test]
    fn failures_in_a_row_open_it_and_a_success_between_them_does_not_let_them() {
        let mut breaker = Breaker::new(config());
        for failure in [true, true, false, true, true] {
            let pass = go(&mut breaker, 0);
            if failure {
                breaker.failed(pass, 0);
            } else {
                breaker.succeeded(pass);
            }
            assert_eq!(breaker.state(0), BreakerState::Closed);
        }
        let pass = go(&mut breaker, 0);
        breaker.failed(pass, 0);
        assert_eq!(breaker.state(0), BreakerState::Open);
        assert_eq!(breaker.allow(99 * MS_US), SendPermit::Reject { until_us: 100 * MS_US });
        assert_eq!(breaker.state(100 * MS_US).as_str(), "half_open");
    }

    #[test]
    fn one_probe_at_a_time_decides() {
        let mut breaker = opened();
        let pass = probe(&mut breaker, 100 * MS_US);
        assert_eq!(breaker.allow(120 * MS_US), SendPermit::Reject { until_us: 150 * MS_US });
        breaker.succeeded(pass);
        assert_eq!(breaker.state(130 * MS_US), BreakerState::Closed);
        let pass = go(&mut breaker, 130 * MS_US);
        breaker.failed(pass, 130 * MS_US);
        assert_eq!(
            breaker.state(130 * MS_US),
            BreakerState::Closed,
            "the count starts anew"
        );
    }

    #[test]
    fn the_pause_doubles_to_its_bound_and_starts_anew_after_a_success() {
        let mut breaker = opened();
        let mut now_us = 0;
        for pause_ms in [100, 200, 400, 400, 400] {
            now_us += pause_ms * MS_US;
            assert!(matches!(breaker.allow(now_us - 1), SendPermit::Reject { until_us } if until_us == now_us));
            let pass = probe(&mut breaker, now_us);
            breaker.failed(pass, now_us);
        }
        let pass = probe(&mut breaker, now_us + 400 * MS_US);
        breaker.succeeded(pass);
        for _ in 0..3 {
            let pass = go(&mut breaker, now_us);
            breaker.failed(pass, now_us);
        }
        let until_us = now_us + 100 * MS_US;
        assert_eq!(breaker.allow(now_us), SendPermit::Reject { until_us });
    }

    #[test]
    fn a_late_answer_from_before_the_break_changes_nothing() {
        let mut breaker = Breaker::new(config());
        let early: Vec<_> = (0..10).map(|_| go(&mut breaker, 0)).collect();
        for pass in &early[..3] {
            breaker.failed(*pass, 0);
        }
        breaker.succeeded(early[3]);
        breaker.failed(early[4], 50 * MS_US);
        assert_eq!(breaker.allow(0), SendPermit::Reject { until_us: 100 * MS_US });
        let pass = probe(&mut breaker, 100 * MS_US);
        breaker.succeeded(early[5]);
        breaker.failed(early[6], 101 * MS_US);
        breaker.abandoned(early[7], 101 * MS_US);
        assert!(breaker.allow(101 * MS_US).pass().is_none());
        breaker.succeeded(pass);
        for pass in &early[7..] {
            breaker.failed(*pass, 103 * MS_US);
        }
        assert_eq!(breaker.state(103 * MS_US), BreakerState::Closed);
    }

    #[test]
    fn a_probe_that_is_lost_or_given_back_makes_way_for_the_next() {
        let mut breaker = opened();
        let lost = probe(&mut breaker, 100 * MS_US);
        let second = probe(&mut breaker, 150 * MS_US);
        breaker.succeeded(lost);
        assert!(
            breaker.allow(160 * MS_US).pass().is_none(),
            "the lost one decides nothing"
        );
        breaker.abandoned(second, 160 * MS_US);
        let third = probe(&mut breaker, 160 * MS_US);
        breaker.succeeded(third);
        assert_eq!(breaker.state(161 * MS_US), BreakerState::Closed);
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_shut_the_target_for_longer_than_a_pause() {
        let day_us = 86_400_000 * MS_US;
        let mut breaker = Breaker::new(config());
        for _ in 0..3 {
            let pass = go(&mut breaker, day_us);
            breaker.failed(pass, day_us);
        }
        assert_eq!(breaker.allow(0), SendPermit::Reject { until_us: 100 * MS_US });
        let _ = probe(&mut breaker, 100 * MS_US);
        assert_eq!(breaker.allow(0), SendPermit::Reject { until_us: 50 * MS_US });
        assert!(breaker.allow(50 * MS_US).pass().is_some());
    }

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Allow,
        Succeed(usize),
        Fail(usize),
        Abandon(usize),
        Wait(i64),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => Just(Step::Allow),
            1 => (0_usize..8).prop_map(Step::Succeed),
            3 => (0_usize..8).prop_map(Step::Fail),
            1 => (0_usize..8).prop_map(Step::Abandon),
            2 => (0_i64..500 * MS_US).prop_map(Step::Wait),
            1 => (-500 * MS_US..0).prop_map(Step::Wait),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn two_probes_are_never_in_flight_and_a_probe_always_comes_again(
            steps in prop::collection::vec(step(), 1..120),
            open_after_requests in 0_u32..5,
            pause_min_ms in 0_u32..600,
        ) {
            let config = BreakerConfig { open_after_requests, pause_min_ms, ..config() };
            let (pause_max_us, probe_max_us) = (400 * MS_US, 50 * MS_US);
            let mut breaker = Breaker::new(config);
            let (mut now_us, mut in_flight) = (0_i64, Vec::new());
            // The probe whose result is awaited, and when it is given up at the latest.
            let mut awaited: Option<(BreakerTicket, i64)> = None;
            for step in steps {
                let settle = |at: usize, in_flight: &mut Vec<BreakerTicket>| {
                    (!in_flight.is_empty()).then(|| in_flight.swap_remove(at % in_flight.len()))
                };
                let mut told = None;
                match step {
                    Step::Wait(us) => now_us += us,
                    Step::Allow => match breaker.allow(now_us) {
                        SendPermit::Go(pass) => {
                            prop_assert_eq!(breaker.state(now_us), BreakerState::Closed);
                            in_flight.push(pass);
                        }
                        SendPermit::Probe(pass) => {
                            prop_assert!(awaited.is_none_or(|(_, until_us)| now_us >= until_us), "two probes");
                            prop_assert_eq!(breaker.state(now_us), BreakerState::HalfOpen);
                            awaited = Some((pass, now_us + probe_max_us));
                            in_flight.push(pass);
                        }
                        SendPermit::Reject { until_us } => {
                            prop_assert!(until_us > now_us && until_us <= now_us + pause_max_us.max(probe_max_us));
                            prop_assert_ne!(breaker.state(now_us), BreakerState::Closed);
                            if let Some((_, limit_us)) = &mut awaited {
                                *limit_us = (*limit_us).min(now_us + probe_max_us);
                            }
                        }
                    },
                    Step::Succeed(at) => {
                        told = settle(at, &mut in_flight);
                        told.into_iter().for_each(|pass| breaker.succeeded(pass));
                    }
                    Step::Fail(at) => {
                        told = settle(at, &mut in_flight);
                        told.into_iter().for_each(|pass| breaker.failed(pass, now_us));
                    }
                    Step::Abandon(at) => {
                        told = settle(at, &mut in_flight);
                        told.into_iter().for_each(|pass| breaker.abandoned(pass, now_us));
                    }
                }
                if told.is_some() && told == awaited.map(|(pass, _)| pass) {
                    awaited = None;
                }
            }
            if let SendPermit::Reject { until_us } = breaker.allow(now_us) {
                prop_assert!(matches!(breaker.allow(until_us), SendPermit::Probe(_)));
            }
        }
    }
}
