//! What every worker of the server shares: the hub, the limits, and the timers of the routes.
//! Timers are resolved once per route, so that observing is a few atomic additions.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::http::StatusCode;

use super::routes::{ROUTES, Route};
use crate::{app::hub::Hub, telemetry::Timer};

/// Limits of the server.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Longest JSON body, bytes.
    pub body_bytes_max: usize,
    /// Longest body of a batch, bytes.
    pub batch_bytes_max: usize,
    /// Longest line of a stream, bytes.
    pub line_bytes_max: usize,
    /// Longest time to receive a body.
    pub body_deadline: Duration,
}

/// Shared by all workers.
pub struct State {
    /// The hub.
    pub hub: Arc<Hub>,
    /// Limits of the server.
    pub limits: Limits,
    timers: Vec<[Option<Timer>; 4]>,
}

const STATUS_CLASSES: [&str; 4] = ["2xx", "3xx", "4xx", "5xx"];

impl State {
    /// Resolves the timers.
    pub fn new(hub: Arc<Hub>, limits: Limits) -> Self {
        let timer = |route: &Route| STATUS_CLASSES.map(|class| hub.metrics.http_route(route.path, route.method, class));
        let timers = ROUTES.iter().map(timer).collect();
        Self { hub, limits, timers }
    }

    pub(super) fn observe(&self, route: &'static Route, status: StatusCode, started: Instant) {
        let class = usize::from(status.as_u16() / 100).saturating_sub(2);
        let position = ROUTES.iter().position(|row| std::ptr::eq(row, route));
        let timers = position.and_then(|position| self.timers.get(position));
        if let Some(Some(timer)) = timers.and_then(|timers| timers.get(class)) {
            timer.observe(started.elapsed().as_secs_f64());
        }
    }
}
