//! What the workers of the server share (the hub, the limits, the timers of the routes), and what each has for itself.
//! Timers are resolved once per route and class, when first needed: observing is a few atomic additions.

use std::{
    net::IpAddr,
    rc::Rc,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use actix_web::{http::StatusCode, web};

use super::{admission::WorkerPlaces, route::Route, stranger::StrangerBudget, turn::TurnWaiters};

use heyan_app::{access::token::RecentTokens, node::hub::Hub};
use heyan_auth::network::IpNetwork;
use heyan_ledger::AppendLane;
use heyan_telemetry::DurationHistogram;

/// Limits of the server.
#[derive(Clone, Debug)]
pub struct ServerLimits {
    /// Longest JSON body, bytes.
    pub body_bytes_max: usize,
    /// Longest body of a batch, bytes.
    pub batch_bytes_max: usize,
    /// Longest line of a stream, bytes.
    pub line_bytes_max: usize,
    /// Longest time to receive a body.
    pub body_deadline: Duration,
    /// Calls that one worker answers at once.
    pub calls_max: usize,
    /// Calls of unknown callers of one address and worker in a second.
    pub stranger_calls_s_max: u32,
    /// Connections of the listener.
    pub connections: ConnectionLimits,
}

/// How many connections there may be, and of whom.
#[derive(Clone, Debug)]
pub struct ConnectionLimits {
    /// Of one address (of one network of 64 bits, in IPv6).
    pub address_max: usize,
    /// Of all addresses.
    pub all_max: usize,
    /// Addresses of proxies, which may have any number.
    pub trusted_proxies: Vec<IpNetwork>,
}

impl ConnectionLimits {
    /// Whether many callers come from `address`.
    pub fn is_proxy(&self, address: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|network| network.contains(address))
    }
}

/// Shared by all workers.
pub struct WorkerState {
    /// The hub.
    pub hub: Arc<Hub>,
    /// Limits of the server.
    pub limits: ServerLimits,
    routes: &'static [Route],
    timers: Vec<[OnceLock<DurationHistogram>; 4]>,
}

/// What one worker thread of the server works with: what all share, and what only it has, which is never waited for.
pub(crate) struct OfWorker {
    shared: web::Data<WorkerState>,
    /// Its way into the ledger.
    pub lane: AppendLane,
    /// Tokens that it met last.
    pub tokens: RecentTokens,
    pub(super) places: WorkerPlaces,
    pub(super) turns: TurnWaiters,
    /// What unknown callers have used.
    pub(super) strangers: StrangerBudget,
}

impl OfWorker {
    /// For the thread that calls.
    pub(crate) fn new(shared: web::Data<WorkerState>) -> Rc<Self> {
        Rc::new(Self {
            lane: shared.hub.ledger.lane(),
            tokens: RecentTokens::default(),
            turns: TurnWaiters::default(),
            strangers: StrangerBudget::new(shared.limits.stranger_calls_s_max),
            places: WorkerPlaces::new(shared.limits.calls_max),
            shared,
        })
    }
}

impl std::ops::Deref for OfWorker {
    type Target = WorkerState;
    fn deref(&self) -> &WorkerState {
        &self.shared
    }
}

const STATUS_CLASSES: [&str; 4] = ["2xx", "3xx", "4xx", "5xx"];

impl WorkerState {
    /// A state for the rows of a route table, whose timers are resolved when they are first needed.
    pub fn new(hub: Arc<Hub>, limits: ServerLimits, routes: &'static [Route]) -> Self {
        let timers = routes.iter().map(|_| STATUS_CLASSES.map(|_| OnceLock::new())).collect();
        Self {
            hub,
            limits,
            routes,
            timers,
        }
    }

    pub(crate) fn observe(&self, route: &'static Route, status: StatusCode, started: Instant) {
        let class = usize::from(status.as_u16() / 100).saturating_sub(2);
        let position = self.routes.iter().position(|row| std::ptr::eq(row, route));
        let cell = position
            .and_then(|position| self.timers.get(position))
            .and_then(|cells| cells.get(class));
        let (Some(cell), Some(word)) = (cell, STATUS_CLASSES.get(class)) else {
            return;
        };
        let resolve = || self.hub.node.metrics.http_route(route.path, route.method, word);
        cell.get_or_init(resolve).observe(started.elapsed());
    }
}
