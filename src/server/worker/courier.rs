//! Carries deliveries to their targets: each target has its own place, its own breaker and its own count of attempts, so a
//! slow, stuck or failing one delays no other. Order is kept per target and record: the store hands out a delivery only
//! when no earlier one of the same record is pending.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
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

/// Between two looks when no bell rings.
const TICK: Duration = Duration::from_millis(500);
const TICK_US: i64 = 500_000;

/// Between two looks for targets that are gone.
const LEFT_OVER_US: i64 = 30_000_000;

/// One target.
struct TargetPlace {
    /// Among several nodes, one at a time serves a target.
    duty: ClusterDuty,
    breaker: Breaker,
    under_way: HashSet<String>,
    /// Before this time nothing is due.
    idle_until_us: i64,
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
            idle_until_us: 0,
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
    attempts: JoinSet<DoneAttempt>,
    /// When targets that are gone, but still have something pending, are looked for again.
    left_over_at_us: i64,
}

/// Runs until told to stop; attempts under way then end by themselves.
pub(super) async fn run(hub: Arc<Hub>, limits: CourierLimits, mut stopped: watch::Receiver<bool>) {
    let mut courier = Courier {
        hub,
        limits,
        places: HashMap::new(),
        attempts: JoinSet::new(),
        left_over_at_us: i64::MIN,
    };
    let mut rung = true;
    while !*stopped.borrow() {
        if let Err(error) = courier.hand_out(rung).await {
            told("courier", &error);
            tokio::time::sleep(PAUSE).await;
        }
        rung = false;
        tokio::select! {
            () = courier.hub.node.wakeups.courier.notified() => rung = true,
            Some(done) = courier.attempts.join_next() => courier.take_back(done),
            () = tokio::time::sleep(TICK) => {}
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
    fn take_back(&mut self, done: Result<DoneAttempt, tokio::task::JoinError>) {
        let Ok(done) = done else { return };
        let Some(place) = self.places.get_mut(&done.target) else {
            return;
        };
        place.under_way.remove(&done.delivery);
        place.idle_until_us = 0;
        let now_us = self.hub.clock.now_us();
        match done.health {
            TargetHealth::Well(_) => place.breaker.succeeded(done.pass),
            TargetHealth::Sick(_) => place.breaker.failed(done.pass, now_us),
            TargetHealth::Unknown => place.breaker.abandoned(done.pass, now_us),
        }
        place.tell_turn(&done.target, done.health, now_us);
    }

    /// Starts attempts wherever a target has room and something is due. After a bell every target is looked at.
    async fn hand_out(&mut self, rung: bool) -> Result<(), AppError> {
        let now_us = self.hub.clock.now_us();
        if now_us >= self.left_over_at_us {
            self.left_over_at_us = now_us + LEFT_OVER_US;
            for target in self.hub.store.pending_targets().await? {
                let attempts_max = self.limits.target_attempts_max;
                let place = TargetPlace::new(&target, attempts_max);
                self.places.entry(target).or_insert(place);
            }
        }
        for (target, attempts_max) in self.targets() {
            let place = self
                .places
                .entry(target.clone())
                .or_insert_with(|| TargetPlace::new(&target, attempts_max));
            if rung {
                place.idle_until_us = 0;
            }
            if now_us < place.idle_until_us || self.attempts.len() >= self.limits.attempts_max {
                continue;
            }
            self.serve(&target, now_us).await?;
        }
        Ok(())
    }

    /// Targets that may have something to receive, deleted ones too while they still do.
    fn targets(&self) -> Vec<(String, usize)> {
        let mut targets: Vec<(String, usize)> = self
            .hub
            .outward
            .subscriptions
            .load()
            .by_id
            .keys()
            .map(|id| (id.clone(), self.limits.target_attempts_max))
            .collect();
        for sink in self.hub.outward.connectors.sinks().iter() {
            targets.push((format!("{SINK}{}", sink.name), sink.attempts_max.max(1)));
        }
        let known: HashSet<&String> = targets.iter().map(|(target, _)| target).collect();
        let left: Vec<(String, usize)> = self
            .places
            .iter()
            .filter(|(target, _)| !known.contains(target))
            .map(|(target, place)| (target.clone(), place.attempts_max))
            .collect();
        targets.extend(left);
        targets
    }

    async fn serve(&mut self, target: &str, now_us: i64) -> Result<(), AppError> {
        let hub = Arc::clone(&self.hub);
        let Some(place) = self.places.get_mut(target) else {
            return Ok(());
        };
        let room = place.attempts_max.saturating_sub(place.under_way.len());
        if room == 0 {
            return Ok(());
        }
        let mut permit = place.breaker.allow(now_us);
        if let SendPermit::Reject { until_us } = permit {
            place.idle_until_us = until_us;
            return Ok(());
        }
        let wanted = u32::try_from(room + place.under_way.len()).unwrap_or(u32::MAX);
        let due = hub.store.due_deliveries(target, now_us, wanted).await?;
        if due.len() < wanted as usize {
            // All that is due is under way then: only a bell, an attempt that ends, or time brings more.
            place.idle_until_us = now_us + TICK_US;
        }
        let fresh: Vec<StoredDelivery> = due
            .into_iter()
            .filter(|delivery| !place.under_way.contains(&delivery.id))
            .collect();
        let theirs = !fresh.is_empty() && !place.duty.is_ours(&hub).await?;
        if theirs {
            place.idle_until_us = now_us + TICK_US;
        }
        if fresh.is_empty() || theirs {
            if let Some(pass) = permit.pass() {
                place.breaker.abandoned(pass, now_us);
            }
            if place.under_way.is_empty() && !theirs {
                place.duty.give_back(&hub).await;
                let next = hub.store.next_delivery_at(target).await?;
                place.idle_until_us = next.unwrap_or(i64::MAX).max(now_us + 1);
            }
            return Ok(());
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
        Ok(())
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
