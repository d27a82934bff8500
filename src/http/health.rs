//! The operators' listener: `/metrics`, and health. It answers from the start on, before the hub is opened: then `/readyz` says
//! `starting`.

use std::{
    net::TcpListener,
    sync::{Arc, OnceLock, Weak, atomic::Ordering},
    time::Duration,
};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, dev::ServerHandle, web};

use super::{
    problem::{ProblemCode, ProblemDocument},
    refuse, routes,
};
use heyan_api as api;
use heyan_app::node::hub::Hub;
use heyan_ledger::LedgerCondition;
use heyan_ports::bus::BusState;

/// Age of a call to the database from which on it is stalled, and longest wait of `/readyz` for an answer of it.
const STALLED_AFTER: Duration = Duration::from_secs(1);

/// What the listener tells of; nothing until the hub is there.
#[derive(Default)]
pub struct HealthPort {
    hub: OnceLock<Weak<Hub>>,
}

impl HealthPort {
    /// From now on the listener tells of `hub`.
    pub fn show(&self, hub: &Arc<Hub>) {
        let _first_counts = self.hub.set(Arc::downgrade(hub));
    }

    /// The hub, from when it is there until it is gone.
    fn hub(&self) -> Option<Arc<Hub>> {
        self.hub.get()?.upgrade()
    }
}

/// State of one part, worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum PartHealth {
    Ok,
    Degraded,
    Stalled,
    Failed,
}

impl PartHealth {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Degraded => "degraded",
            Self::Stalled => "stalled",
            Self::Failed => "failed",
        }
    }

    fn degraded_if(degraded: bool) -> Self {
        match degraded {
            true => Self::Degraded,
            false => Self::Ok,
        }
    }
}

/// Serves the operators' listener; the future ends when the server has stopped.
///
/// # Errors
/// The listener cannot be used.
pub fn serve(
    port: Arc<HealthPort>,
    listener: TcpListener,
) -> std::io::Result<(ServerHandle, impl Future<Output = std::io::Result<()>>)> {
    let port = web::Data::from(port);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(port.clone())
            .route("/metrics", routes::read().to(metrics))
            .route("/livez", routes::read().to(livez))
            .route("/readyz", routes::read().to(readyz))
            .route("/startupz", routes::read().to(startupz))
            .default_service(web::to(async |request: HttpRequest| {
                refuse::respond(&request, ProblemDocument::new(ProblemCode::RouteNotFound))
            }))
    })
    .workers(1)
    .listen(listener)?
    .shutdown_timeout(1)
    .disable_signals()
    .run();
    Ok((server.handle(), server))
}

async fn metrics(port: web::Data<HealthPort>) -> HttpResponse {
    let Some(hub) = port.hub() else {
        return starting();
    };
    observe(&hub);
    match hub.node.metrics.text() {
        Ok(text) => HttpResponse::Ok()
            .content_type("text/plain; version=0.0.4; charset=utf-8")
            .body(text),
        Err(error) => {
            tracing::error!(error = %error, "cannot write metrics");
            HttpResponse::InternalServerError().finish()
        }
    }
}

/// Brings gauges up to date: they are asked for, never pushed.
fn observe(hub: &Hub) {
    let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let (stats, metrics) = (hub.ledger.stats(), &hub.node.metrics);
    metrics.cache_entries.set(signed(hub.records.caches.entries()));
    metrics.cache_bytes.set(signed(hub.records.caches.bytes()));
    metrics.ledger_size.set(signed(stats.durable));
    let age_us = if stats.sealed < stats.durable {
        hub.clock.now_us().saturating_sub(stats.checkpoint_at_us)
    } else {
        0
    };
    let age = Duration::from_micros(age_us.max(0).unsigned_abs());
    metrics.checkpoint_age_seconds.set(age.as_secs_f64());
    let waits = hub.ledger.oldest_wait();
    metrics.machine.ledger_oldest_wait_seconds.set(waits.as_secs_f64());
    let waits = hub.store.oldest_wait();
    metrics.machine.store_oldest_wait_seconds.set(waits.as_secs_f64());
    metrics
        .machine
        .clock_unchecked
        .set(i64::from(hub.node.health.is_clock_unchecked()));
    metrics
        .machine
        .log_lines_lost
        .set(signed(heyan_telemetry::lines_lost()));
}

/// No I/O: the process answers.
async fn livez() -> HttpResponse {
    HttpResponse::Ok().json(api::NodeHealth {
        status: "ok".into(),
        checks: None,
    })
}

/// Whether the node is open.
async fn startupz(port: web::Data<HealthPort>) -> HttpResponse {
    match port.hub() {
        Some(_) => livez().await,
        None => starting(),
    }
}

/// The node starts or stops: the parts are not looked at.
fn unready(status: &'static str) -> HttpResponse {
    HttpResponse::ServiceUnavailable().json(api::NodeHealth {
        status: status.into(),
        checks: Some(api::HealthChecks::default()),
    })
}

fn starting() -> HttpResponse {
    unready("starting")
}

/// Whether this node should get traffic.
async fn readyz(port: web::Data<HealthPort>) -> HttpResponse {
    let Some(hub) = port.hub() else {
        return starting();
    };
    if hub.node.draining.load(Ordering::Acquire) {
        // What is asked of it meanwhile is answered all the same.
        return unready("draining");
    }
    let (store, ledger) = (store(&hub).await, ledger(&hub));
    let (disk, clock) = (
        PartHealth::degraded_if(hub.node.health.is_space_low()),
        PartHealth::degraded_if(hub.node.health.is_clock_unchecked()),
    );
    // A bus that is down, or nodes that are not heard, delay no caller: the node reports it and stays in service.
    let bus = PartHealth::degraded_if(hub.outward.bus.state() == BusState::Degraded);
    let nodes = PartHealth::degraded_if(!hub.node.trust.holds());
    let parts = [store, ledger, nodes, bus, clock, disk];
    let status = parts.into_iter().max().unwrap_or(PartHealth::Ok);
    let word = |part: PartHealth| Some(part.as_str().into());
    let body = api::NodeHealth {
        status: status.as_str().into(),
        checks: Some(api::HealthChecks {
            store: word(store),
            ledger: word(ledger),
            nodes: word(nodes),
            bus: word(bus),
            clock: word(clock),
            disk: word(disk),
        }),
    };
    match status {
        PartHealth::Ok | PartHealth::Degraded => HttpResponse::Ok().json(body),
        PartHealth::Stalled | PartHealth::Failed => HttpResponse::ServiceUnavailable().json(body),
    }
}

fn ledger(hub: &Hub) -> PartHealth {
    match hub.ledger.condition() {
        LedgerCondition::Accepting => PartHealth::degraded_if(hub.ledger.sealing_failure().is_some()),
        LedgerCondition::Stalled => PartHealth::Stalled,
        LedgerCondition::Blocked | LedgerCondition::Failed => PartHealth::Failed,
    }
}

async fn store(hub: &Hub) -> PartHealth {
    if hub.store.oldest_wait() >= STALLED_AFTER {
        return PartHealth::Stalled;
    }
    match tokio::time::timeout(STALLED_AFTER, hub.store.ping()).await {
        Ok(Ok(())) => PartHealth::Ok,
        Ok(Err(_)) => PartHealth::Failed,
        Err(_late) => PartHealth::Stalled,
    }
}
