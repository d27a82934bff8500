//! The public listener; the one for operators is in `health`.
//! The hub's own signal handling stops them: accept no more, finish what was begun, then seal the ledger.

mod connections;
mod listener;
mod upgrades;

use std::{net::TcpListener, sync::Arc, time::Duration};

use actix_server::ServerBuilder;
pub use actix_web::dev::ServerHandle;
use actix_web::{App, http::header, middleware::DefaultHeaders, web};

use crate::{
    call::state::{OfWorker, ServerLimits, WorkerState},
    routes::{self, ROUTES},
};

use self::{connections::ConnectionRegister, listener::ConnectionRules};
pub use crate::call::state::ConnectionLimits;
use heyan_app::node::hub::Hub;

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

/// Connections of one worker above its limit: one that makes room is counted by the server until it is closed.
const CONNECTIONS_SPARE: usize = 64;

/// Serves the public listener; the future ends when the server has stopped.
///
/// # Errors
/// Returns an error if the listener cannot be used.
pub fn public(
    hub: Arc<Hub>,
    listener: TcpListener,
    config: ServerConfig,
) -> std::io::Result<(ServerHandle, impl Future<Output = std::io::Result<()>>)> {
    let state = web::Data::new(WorkerState::new(Arc::clone(&hub), config.limits.clone(), ROUTES));
    let application = move || {
        App::new()
            .app_data(state.clone())
            .app_data(OfWorker::new(state.clone()))
            .wrap(security_headers())
            .configure(routes::configure)
    };
    let builder = ServerBuilder::new()
        .workers(config.workers)
        .max_concurrent_connections(config.connections_max + CONNECTIONS_SPARE)
        .shutdown_timeout(config.stop_deadline.as_secs())
        .disable_signals();
    let rules = ConnectionRules {
        head: config.head_deadline,
        keep_alive: config.keep_alive,
        register: ConnectionRegister::new(config.limits.connections, move || hub.node.metrics.shed.inc()),
    };
    let server = listener::serve(builder, listener, rules, config.tls, application)?;
    Ok((server.handle(), server))
}

fn security_headers() -> DefaultHeaders {
    DefaultHeaders::new()
        .add((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .add((header::REFERRER_POLICY, "no-referrer"))
}
