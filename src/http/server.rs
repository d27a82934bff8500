//! The two listeners: the public one, and the one for operators' machines (`/metrics`, health).
//! The hub's own signal handling stops them: accept no more, finish what was begun, then seal the ledger.

use std::{
    net::TcpListener,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use actix_server::ServerBuilder;
use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer, dev::ServerHandle, http::header, middleware::DefaultHeaders, web,
};
use serde_json::json;

use super::{
    plain::{self, ConnectionDeadlines},
    problem::{ProblemCode, ProblemDocument},
    refuse, routes,
    state::{OfWorker, ServerLimits, WorkerState},
};
use heyan_app::node::hub::Hub;
use heyan_ports::bus::BusState;

/// How a listener serves.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Worker threads of the public listener.
    pub workers: usize,
    /// Connections of one worker.
    pub connections_max: usize,
    /// Longest time to receive the head of a request.
    pub head_deadline: Duration,
    /// How long an idle connection is kept.
    pub keep_alive: Duration,
    /// How long a stop waits for what was begun.
    pub stop_deadline: Duration,
    /// Limits of bodies.
    pub limits: ServerLimits,
    /// TLS of the public listener.
    pub tls: Option<rustls::ServerConfig>,
}

/// Serves the public listener; the future ends when the server has stopped.
///
/// # Errors
/// The listener cannot be used.
pub fn public(
    hub: Arc<Hub>,
    listener: TcpListener,
    config: ServerConfig,
) -> std::io::Result<(ServerHandle, impl Future<Output = std::io::Result<()>>)> {
    let state = web::Data::new(WorkerState::new(hub, config.limits.clone()));
    let application = move || {
        App::new()
            .app_data(state.clone())
            .app_data(OfWorker::new(state.clone()))
            .wrap(security_headers())
            .configure(routes::configure)
    };
    let server = match config.tls {
        Some(tls) => HttpServer::new(application)
            .workers(config.workers)
            .max_connections(config.connections_max)
            .client_request_timeout(config.head_deadline)
            .keep_alive(config.keep_alive)
            .shutdown_timeout(config.stop_deadline.as_secs())
            .disable_signals()
            .listen_rustls_0_23(listener, tls)?
            .run(),
        None => {
            let deadlines = ConnectionDeadlines {
                head: config.head_deadline,
                keep_alive: config.keep_alive,
            };
            let builder = ServerBuilder::new()
                .workers(config.workers)
                .max_concurrent_connections(config.connections_max)
                .shutdown_timeout(config.stop_deadline.as_secs())
                .disable_signals();
            plain::serve(builder, listener, deadlines, application)?
        }
    };
    Ok((server.handle(), server))
}

fn security_headers() -> DefaultHeaders {
    DefaultHeaders::new()
        .add((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .add((header::REFERRER_POLICY, "no-referrer"))
}

/// Serves the operators' listener; the future ends when the server has stopped.
///
/// # Errors
/// The listener cannot be used.
pub fn admin(
    hub: Arc<Hub>,
    listener: TcpListener,
) -> std::io::Result<(ServerHandle, impl Future<Output = std::io::Result<()>>)> {
    let hub = web::Data::from(hub);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(hub.clone())
            .route("/metrics", routes::read().to(metrics))
            .route("/livez", routes::read().to(livez))
            .route("/readyz", routes::read().to(readyz))
            .route("/startupz", routes::read().to(livez))
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

async fn metrics(hub: web::Data<Hub>) -> HttpResponse {
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
    let stats = hub.ledger.stats();
    hub.node.metrics.cache_entries.set(signed(hub.records.caches.entries()));
    hub.node.metrics.cache_bytes.set(signed(hub.records.caches.bytes()));
    hub.node.metrics.ledger_size.set(signed(stats.durable));
    let age_us = if stats.sealed < stats.durable {
        hub.clock.now_us().saturating_sub(stats.checkpoint_at_us)
    } else {
        0
    };
    hub.node
        .metrics
        .checkpoint_age_seconds
        .set(Duration::from_micros(age_us.max(0).unsigned_abs()).as_secs_f64());
}

/// No I/O: the process answers.
async fn livez() -> HttpResponse {
    HttpResponse::Ok().json(json!({"status": "ok"}))
}

/// Whether this node should get traffic.
async fn readyz(hub: web::Data<Hub>) -> HttpResponse {
    if hub.node.draining.load(Ordering::Acquire) {
        // What is asked of it meanwhile is answered all the same.
        return HttpResponse::ServiceUnavailable().json(json!({"status": "draining", "checks": {}}));
    }
    let store = hub.store.ping().await.is_ok();
    let ledger = hub.ledger.failure().is_none();
    let nodes = hub.node.trust.holds();
    let word = |good: bool| if good { "ok" } else { "failed" };
    // A bus that is down holds up nobody who asks: it is told, and takes no node out of service.
    let bus = hub.outward.bus.state();
    let status = match (store && ledger, bus) {
        (true, BusState::Degraded) => "degraded",
        (good, _) => word(good),
    };
    let nodes = if nodes { "ok" } else { "unheard" };
    let checks = json!({"store": word(store), "ledger": word(ledger), "nodes": nodes, "bus": bus.as_str()});
    let body = json!({"status": status, "checks": checks});
    if store && ledger {
        HttpResponse::Ok().json(body)
    } else {
        HttpResponse::ServiceUnavailable().json(body)
    }
}
