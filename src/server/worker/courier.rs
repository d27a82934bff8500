//! Carries deliveries to their targets: each target has its own place, its own breaker and its own count of attempts, so a
//! slow, stuck or failing one delays no other. Order is kept per target and record: the store hands out a delivery only
//! when no earlier one of the same record is pending.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{sync::watch, task::JoinSet};

use super::round::{PAUSE, told};
use heyan_app::{
    delivery::deliveries::{self, AttemptResult, SINK},
    foundation::{error::AppError, lease::ClusterDuty},
    node::hub::Hub,
};
use heyan_domain::{
    breaker::{Breaker, BreakerConfig, BreakerState, BreakerTicket, SendPermit},
    delivery::AttemptOutcome,
};
use heyan_ports::deliveries::StoredDelivery;

/// How many attempts at once.
#[derive(Clone, Copy, Debug)]
pub struct CourierLimits {
    /// At one target.
    pub target_attempts_max: usize,
    /// At all.
    pub attempts_max: usize,
}

/// The longest sleep: the clock may be set meanwhile.
const TICK: Duration = Duration::from_millis(500);
/// Until a target that another node serves is looked at again; between two looks at all targets.
const TICK_US: i64 = 500_000;

/// Between two looks at all targets when no bell asks for one.
const LOOK_US: i64 = 30_000_000;

/// Looks at all targets take at most one part in so many of the time.
const LOOK_SHARE: i64 = 20;

/// One target.
struct TargetPlace {
    /// Among several nodes, one at a time serves a target.
    duty: ClusterDuty,
    breaker: Breaker,
    under_way: HashSet<String>,
    /// When it is served next, if time alone brings it.
    planned_us: Option<i64>,
    attempts_max: usize,
    /// Whether the log was told that it fails.
    is_down: bool,
}

impl TargetPlace {
    fn new(target: &str, attempts_max: usize) -> Self {
        Self {
            duty: ClusterDuty::new(format!("target:{target}")),
            breaker: Breaker::new(BreakerConfig::default()),
            under_way: HashSet::new(),
            planned_us: None,
            attempts_max,
            is_down: false,
        }
    }
}

impl TargetPlace {
    /// One line when a target is given up for a while, and one when it takes messages again.
    fn tell_turn(&mut self, target: &str, health: TargetHealth, now_us: i64) {
        let connector = target.strip_prefix(SINK).unwrap_or(target);
        let is_closed = self.breaker.state(now_us) == BreakerState::Closed;
        match health {
            TargetHealth::Sick(status) if !is_closed && !self.is_down => {
                self.is_down = true;
                tracing::warn!(connector, status, "connector down: its messages wait");
            }
            TargetHealth::Well(status) if is_closed && self.is_down => {
                self.is_down = false;
                tracing::info!(connector, status, "connector recovered");
            }
            _ => {}
        }
    }
}

/// What an attempt came back with.
struct DoneAttempt {
    target: String,
    delivery: String,
    pass: BreakerTicket,
    health: TargetHealth,
}

/// What an attempt says about its target.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TargetHealth {
    Well(Option<u16>),
    Sick(Option<u16>),
    /// The target was not asked.
    Unknown,
}

struct Courier {
    hub: Arc<Hub>,
    limits: CourierLimits,
    places: HashMap<String, TargetPlace>,
    /// When which target is served next.
    plan: BTreeSet<(i64, String)>,
    attempts: JoinSet<DoneAttempt>,
    /// When all targets that have something pending are looked for again.
    look_at_us: i64,
    /// Not before this time, whatever a bell says.
    look_not_before_us: i64,
}

/// Runs until told to stop; attempts under way then end by themselves.
pub(super) async fn run(hub: Arc<Hub>, limits: CourierLimits, mut stopped: watch::Receiver<bool>) {
    let mut courier = Courier {
        hub,
        limits,
        places: HashMap::new(),
        plan: BTreeSet::new(),
        attempts: JoinSet::new(),
        look_at_us: i64::MIN,
        look_not_before_us: i64::MIN,
    };
    while !*stopped.borrow() {
        if let Err(error) = courier.hand_out().await {
            told("courier", &error);
            tokio::time::sleep(PAUSE).await;
        }
        let pause = courier.pause();
        tokio::select! {
            () = courier.hub.node.wakeups.courier.notified() => {}
            Some(done) = courier.attempts.join_next() => courier.take_back(done),
            () = tokio::time::sleep(pause) => {}
            _ = stopped.wait_for(|stop| *stop) => {}
        }
        // Whatever else has come back meanwhile is taken back too: one look at the store serves all of it.
        while let Some(done) = courier.attempts.try_join_next() {
            courier.take_back(done);
        }
    }
    while courier.attempts.join_next().await.is_some() {}
}

impl Courier {
    /// Until time brings something to do.
    fn pause(&self) -> Duration {
        if self.attempts.len() >= self.limits.attempts_max {
            // An attempt that ends makes room.
            return TICK;
        }
        let next_us = self.plan.first().map_or(i64::MAX, |(at_us, _)| *at_us);
        let wait_us = next_us.min(self.look_at_us).saturating_sub(self.hub.clock.now_us());
        TICK.min(Duration::from_micros(u64::try_from(wait_us).unwrap_or(0)))
    }

    fn take_back(&mut self, done: Result<DoneAttempt, tokio::task::JoinError>) {
        let Ok(done) = done else { return };
        let now_us = self.hub.clock.now_us();
        let Some(place) = self.places.get_mut(&done.target) else {
            return;
        };
        place.under_way.remove(&done.delivery);
        match done.health {
            TargetHealth::Well(_) => place.breaker.succeeded(done.pass),
            TargetHealth::Sick(_) => place.breaker.failed(done.pass, now_us),
            TargetHealth::Unknown => place.breaker.abandoned(done.pass, now_us),
        }
        place.tell_turn(&done.target, done.health, now_us);
        self.plan_at(&done.target, Some(now_us));
    }

    /// Starts attempts wherever a target has room and something is due.
    async fn hand_out(&mut self) -> Result<(), AppError> {
        let now_us = self.hub.clock.now_us();
        let touched = self.hub.node.wakeups.take_touched();
        for target in touched.named {
            self.plan_at(&target, Some(now_us));
        }
        if touched.others {
            self.look_at_us = self.look_at_us.min(self.look_not_before_us);
        }
        if now_us >= self.look_at_us {
            self.look(now_us).await?;
        }
        while self.attempts.len() < self.limits.attempts_max {
            let Some((_, target)) = self.plan.first().filter(|(at_us, _)| *at_us <= now_us).cloned() else {
                break;
            };
            let next_us = match self.serve(&target, now_us).await {
                Ok(next_us) => next_us,
                Err(error) => {
                    self.plan_at(&target, Some(now_us + TICK_US));
                    return Err(error);
                }
            };
            self.plan_at(&target, next_us.map(|next_us| next_us.max(now_us + 1)));
        }
        Ok(())
    }

    /// Looks at all targets that have something pending: those of other nodes, those that were told of before a start, deleted ones.
    async fn look(&mut self, now_us: i64) -> Result<(), AppError> {
        let begun = Instant::now();
        for (target, next_us) in self.hub.store.pending_targets().await? {
            let planned_us = self.places.get(&target).and_then(|place| place.planned_us);
            let is_busy = self
                .places
                .get(&target)
                .is_some_and(|place| !place.under_way.is_empty());
            // One that is being served, or rests after failures, plans itself.
            if planned_us.is_none() && !is_busy {
                self.plan_at(&target, Some(next_us));
            }
        }
        let took_us = i64::try_from(begun.elapsed().as_micros()).unwrap_or(LOOK_US);
        self.look_at_us = now_us + LOOK_US;
        self.look_not_before_us = now_us + TICK_US.max(took_us.saturating_mul(LOOK_SHARE)).min(LOOK_US);
        Ok(())
    }

    /// Plans when a target is served; `None`: what is under way will say.
    fn plan_at(&mut self, target: &str, at_us: Option<i64>) {
        let attempts_max = match target.strip_prefix(SINK) {
            Some(name) => {
                let sinks = self.hub.outward.connectors.sinks();
                let mut sinks = sinks.iter();
                sinks
                    .find(|sink| *sink.name == *name)
                    .map_or(1, |sink| sink.attempts_max.max(1))
            }
            None => self.limits.target_attempts_max,
        };
        let place = self
            .places
            .entry(target.to_owned())
            .or_insert_with(|| TargetPlace::new(target, attempts_max));
        if let Some(before_us) = std::mem::replace(&mut place.planned_us, at_us) {
            self.plan.remove(&(before_us, target.to_owned()));
        }
        if let Some(at_us) = at_us {
            self.plan.insert((at_us, target.to_owned()));
        }
    }

    /// Starts attempts at one target. Returns when it is to be served again, if time alone brings that.
    async fn serve(&mut self, target: &str, now_us: i64) -> Result<Option<i64>, AppError> {
        let hub = Arc::clone(&self.hub);
        let Some(place) = self.places.get_mut(target) else {
            return Ok(None);
        };
        let room = place.attempts_max.saturating_sub(place.under_way.len());
        if room == 0 {
            return Ok(None);
        }
        let mut permit = place.breaker.allow(now_us);
        if let SendPermit::Reject { until_us } = permit {
            return Ok(Some(until_us));
        }
        let wanted = u32::try_from(room + place.under_way.len()).unwrap_or(u32::MAX);
        let due = hub.store.due_deliveries(target, now_us, wanted).await?;
        let fresh: Vec<StoredDelivery> = due
            .into_iter()
            .filter(|delivery| !place.under_way.contains(&delivery.id))
            .collect();
        let theirs = !fresh.is_empty() && !place.duty.is_ours(&hub).await?;
        if fresh.is_empty() || theirs {
            if let Some(pass) = permit.pass() {
                place.breaker.abandoned(pass, now_us);
            }
            if theirs {
                return Ok(Some(now_us + TICK_US));
            }
            if !place.under_way.is_empty() {
                return Ok(None);
            }
            place.duty.give_back(&hub).await;
            return Ok(hub.store.next_delivery_at(target).await?);
        }
        for delivery in fresh.into_iter().take(room) {
            let Some(pass) = permit.pass() else { break };
            if self.attempts.len() >= self.limits.attempts_max {
                place.breaker.abandoned(pass, now_us);
                break;
            }
            place.under_way.insert(delivery.id.clone());
            self.attempts.spawn(carry(Arc::clone(&hub), delivery, pass));
            permit = place.breaker.allow(now_us);
        }
        // The last permit was not used.
        if let SendPermit::Probe(pass) = permit
            && place.under_way.is_empty()
        {
            place.breaker.abandoned(pass, now_us);
        }
        // What is under way comes back; where nothing could be started, it is tried again.
        Ok(place.under_way.is_empty().then_some(now_us + TICK_US))
    }
}

async fn carry(hub: Arc<Hub>, delivery: StoredDelivery, pass: BreakerTicket) -> DoneAttempt {
    let health = match attempt(&hub, &delivery).await {
        Ok(health) => health,
        Err(error) => {
            told("courier", &error);
            tokio::time::sleep(PAUSE).await;
            TargetHealth::Unknown
        }
    };
    DoneAttempt {
        target: delivery.target,
        delivery: delivery.id,
        pass,
        health,
    }
}

async fn attempt(hub: &Hub, delivery: &StoredDelivery) -> Result<TargetHealth, AppError> {
    // An attempt whose result cannot be written would be made again and again.
    hub.ensure_writable()?;
    let tried = deliveries::attempt(hub, delivery).await?;
    let health = match &tried {
        AttemptResult::Attempted(AttemptOutcome::Confirmed { status }) => TargetHealth::Well(Some(*status)),
        AttemptResult::Attempted(AttemptOutcome::Gone) => TargetHealth::Well(None),
        AttemptResult::Attempted(AttemptOutcome::Failed { status, .. }) => TargetHealth::Sick(*status),
        AttemptResult::Attempted(AttemptOutcome::Refused(_)) | AttemptResult::Cancelled => TargetHealth::Unknown,
    };
    deliveries::settle(hub, delivery, &tried).await?;
    Ok(health)
}
