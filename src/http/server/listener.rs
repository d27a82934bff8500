//! The public listener: the server of `actix-web` on connections that are counted, and that offer no upgrade.
//! `HttpServer` takes TCP streams only, so its parts are put together here.

use std::{fmt, net::TcpListener, sync::Arc, time::Duration};

use actix_http::{HttpService, Protocol, Request, Response};
use actix_server::{Server, ServerBuilder};
use actix_service::{IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt as _, fn_service, map_config};
use actix_tls::accept::{
    TlsError,
    rustls_0_23::{Acceptor, TlsStream},
};
use actix_web::{Error, body::MessageBody, dev::AppConfig, rt::net::TcpStream};

use super::{
    connections::{ConnectionRegister, CountedStream},
    upgrades::WithoutUpgrades,
};

/// How long an HTTP/1 connection may take to close, as in `HttpServer`.
const DISCONNECT_DEADLINE: Duration = Duration::from_secs(1);

/// Times of connections, and their register.
#[derive(Clone)]
pub(super) struct ConnectionRules {
    /// Longest time to receive the head of a request.
    pub(super) head: Duration,
    /// How long an idle connection is kept.
    pub(super) keep_alive: Duration,
    /// Counts them.
    pub(super) register: Arc<ConnectionRegister>,
}

impl ConnectionRules {
    /// Counts a connection that was just accepted.
    fn count(&self, stream: TcpStream) -> CountedStream<TcpStream> {
        let unknown = std::net::IpAddr::from([0, 0, 0, 0]);
        let address = stream.peer_addr().map_or(unknown, |peer| peer.ip());
        self.register.register(stream, address)
    }
}

/// Serves the application that `factory` makes for each worker.
///
/// # Errors
/// Returns an error if the listener cannot be used.
pub(super) fn serve<F, I, S, B>(
    builder: ServerBuilder,
    listener: TcpListener,
    rules: ConnectionRules,
    tls: Option<rustls::ServerConfig>,
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
    macro_rules! http {
        () => {{
            let stopping = stopping.clone();
            let application = factory().into_factory().map_err(|error| error.into().error_response());
            HttpService::build()
                .graceful_shutdown_signal(move || {
                    let stopping = stopping.clone();
                    async move { stopping.notified().await }
                })
                .keep_alive(rules.keep_alive)
                .client_request_timeout(rules.head)
                .client_disconnect_timeout(DISCONNECT_DEADLINE)
                .finish(map_config(application, |()| AppConfig::default()))
        }};
    }
    let built = match tls {
        None => builder.listen(name, listener, move || {
            let counted = rules.clone();
            fn_service(move |stream: TcpStream| {
                let stream = counted.count(stream);
                async move {
                    let peer = stream.inner().peer_addr().ok();
                    Ok((WithoutUpgrades::new(stream), Protocol::Http1, peer))
                }
            })
            .and_then(http!())
        })?,
        Some(mut tls) => {
            // The build has no HTTP/2.
            tls.alpn_protocols = vec![b"http/1.1".to_vec()];
            builder.listen(name, listener, move || {
                let counted = rules.clone();
                fn_service(move |stream: TcpStream| {
                    let stream = counted.count(stream);
                    async move {
                        let _best_effort = stream.inner().set_nodelay(true);
                        Ok(stream)
                    }
                })
                .and_then(Acceptor::new(tls.clone()).map_err(TlsError::into_service_error))
                .and_then(fn_service(|stream: TlsStream<CountedStream<TcpStream>>| async move {
                    let peer = stream.get_ref().0.inner().peer_addr().ok();
                    Ok((stream, Protocol::Http1, peer))
                }))
                .and_then(http!().map_err(TlsError::Service))
            })?
        }
    };
    Ok(built.run())
}
