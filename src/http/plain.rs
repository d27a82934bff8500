//! A listener on plain HTTP: the server of `actix-web`, on connections without offers to upgrade.
//! `HttpServer` takes TCP streams only, so its parts are put together here; TLS clients agree on the protocol before the first request and
//! go on using `HttpServer`.

use std::{fmt, net::TcpListener, time::Duration};

use actix_http::{HttpService, Protocol, Request, Response};
use actix_server::{Server, ServerBuilder};
use actix_service::{IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt as _, fn_service, map_config};
use actix_web::{Error, body::MessageBody, dev::AppConfig, rt::net::TcpStream};

use super::upgrades::WithoutUpgrades;

/// How long an HTTP/1 connection may take to close, as in `HttpServer`.
const DISCONNECT_DEADLINE: Duration = Duration::from_secs(1);

/// Times of connections.
#[derive(Clone, Copy, Debug)]
pub(super) struct ConnectionDeadlines {
    /// Longest time to receive the head of a request.
    pub(super) head: Duration,
    /// How long an idle connection is kept.
    pub(super) keep_alive: Duration,
}

/// Serves the application that `factory` makes for each worker.
///
/// # Errors
/// The listener cannot be used.
pub(super) fn serve<F, I, S, B>(
    builder: ServerBuilder,
    listener: TcpListener,
    deadlines: ConnectionDeadlines,
    factory: F,
) -> std::io::Result<Server>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<Error> + 'static,
    S::InitError: fmt::Debug,
    S::Response: Into<Response<B>> + 'static,
    <S::Service as Service<Request>>::Future: 'static,
    S::Service: 'static,
    B: MessageBody + 'static,
{
    let stopping = builder.graceful_shutdown_signal();
    let name = listener.local_addr()?.to_string();
    let built = builder.listen(name, listener, move || {
        let stopping = stopping.clone();
        let application = factory().into_factory().map_err(|error| error.into().error_response());
        let http = HttpService::build()
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .keep_alive(deadlines.keep_alive)
            .client_request_timeout(deadlines.head)
            .client_disconnect_timeout(DISCONNECT_DEADLINE)
            .finish(map_config(application, |()| AppConfig::default()));
        fn_service(|stream: TcpStream| async move {
            let peer = stream.peer_addr().ok();
            Ok((WithoutUpgrades::new(stream), Protocol::Http1, peer))
        })
        .and_then(http)
    })?;
    Ok(built.run())
}
