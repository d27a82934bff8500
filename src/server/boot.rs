//! Makes a node from its settings and serves it until it is told to stop.
//! Order of a start: keys, store, ledger, then what a crash left over, then the listeners. Order of a stop: listeners,
//! counters, ledger sealed, store closed.

use std::{
    fs::Permissions,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use anyhow::Context;
use tokio::{
    net::TcpSocket,
    signal::unix::{Signal, SignalKind, signal},
};

use super::{assemble::assemble, bus, harden, outward, store, tls};
use crate::worker::Workers;
use heyan_app::{
    node::{hub::Hub, peers},
    supervision::{self},
    verification::{live::LiveLoad, record::CachedRecord},
};
use heyan_auth::keys::{self};
use heyan_cache::RecordLoader;
use heyan_catalog::{self as catalog, Catalog};
use heyan_config::Config;
use heyan_domain::division::HomeCity;
use heyan_http::{
    ServerLimits,
    server::{self, ServerConfig},
};
use heyan_ports::error::StoreError;
use heyan_ports::{
    outward::{OutsideSystems, WebhookSender},
    time::{Clock, SystemClock},
};

/// A node whose listeners are bound.
pub struct BoundNode {
    /// The hub.
    pub hub: Arc<Hub>,
    /// Base address of the public listener.
    pub url: String,
    /// Base address of the operators' listener.
    pub admin_url: String,
    public: TcpListener,
    admin: TcpListener,
    config: Config,
}

/// Longest wait for attempts that are under way when the node stops.
const WORKERS_STOP: Duration = Duration::from_secs(5);

/// Opens everything and binds the listeners; nothing is answered yet.
pub async fn open(config: Config) -> anyhow::Result<BoundNode> {
    let webhooks = Arc::new(outward::webhooks(&config)?);
    let connectors = outward::connectors(&config, &webhooks)?;
    open_around(config, connectors, webhooks, Arc::new(SystemClock)).await
}

/// As [`open`], with the outside systems and the clock given.
pub async fn open_at(
    config: Config,
    connectors: Arc<dyn OutsideSystems>,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<BoundNode> {
    let webhooks = Arc::new(outward::webhooks(&config)?);
    open_around(config, connectors, webhooks, clock).await
}

async fn open_around(
    config: Config,
    connectors: Arc<dyn OutsideSystems>,
    webhooks: Arc<dyn WebhookSender>,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<BoundNode> {
    let data = &config.node.data_dir;
    make_private_dir(data)?;
    if let Some(folder) = config
        .node
        .root_key_file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        make_private_dir(folder)?;
    }
    let root = &config.node.root_key_file;
    anyhow::ensure!(
        root.exists() || !data.join(store::DATABASE).exists(),
        "the root key file {} is missing, but {} contains data encrypted with it: restore the key file from its backup",
        root.display(),
        data.display()
    );
    let keys = keys::load_or_create(root)?;
    let patience = Duration::from_millis(config.http.body_timeout_ms);
    let (public, url) = bind(&config.http.listen, config.http.tls.is_configured(), patience)?;
    let (admin, admin_url) = bind(&config.http.admin_listen, false, patience)?;
    let catalog = Arc::new(Catalog::load_at_home(
        folder_of(&config.catalog.datasets_dir),
        HomeCity::parse(&config.catalog.home_city),
    )?);
    let items = catalog::item::load(folder_of(&config.catalog.items_dir), &catalog)?;
    let rules = catalog::supervision::load(folder_of(&config.supervision.rules_file))?;
    let store = store::open(&config, &keys).await?;
    let hub = Arc::new(assemble(
        &config,
        &keys,
        (catalog, items, rules),
        store,
        (connectors, webhooks),
        (&url, clock),
    )?);
    let load: Arc<dyn RecordLoader<Record = CachedRecord>> = Arc::new(LiveLoad::new(&hub));
    hub.records.caches.start_live(hub.catalog.iter(), |dataset| {
        hub.outward.connectors.is_live(&dataset.name).then(|| Arc::clone(&load))
    });
    peers::refuse_a_double(&hub).await.map_err(anyhow::Error::msg)?;
    peers::show(&hub).await?;
    hub.reload_access().await?;
    hub.reload_items().await?;
    hub.reload_subscriptions().await?;
    let _nothing_was_held = hub.reload_pending().await?;
    let left_over = hub.append_left_over().await?;
    if left_over > 0 {
        tracing::info!(left_over, "appended ledger entries that the last stop left behind");
    }
    supervision::begin(&hub).await?;
    Ok(BoundNode {
        hub,
        url,
        admin_url,
        public,
        admin,
        config,
    })
}

/// A folder of the settings; an empty one is none.
pub fn folder_of(folder: &Path) -> Option<&Path> {
    Some(folder).filter(|folder| !folder.as_os_str().is_empty())
}

fn make_private_dir(folder: &Path) -> anyhow::Result<()> {
    if !folder.is_dir() {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot create folder {}", folder.display()))?;
        std::fs::set_permissions(folder, Permissions::from_mode(0o700))
            .with_context(|| format!("cannot restrict access to folder {}", folder.display()))?;
    }
    Ok(())
}

/// Connections that may wait to be accepted. The standard library's listener has 128: a crowd that comes at once would be left
/// to its repeats.
const BACKLOG: u32 = 1_024;

fn listen(address: &str) -> std::io::Result<TcpListener> {
    let mut last = std::io::Error::from(std::io::ErrorKind::AddrNotAvailable);
    for address in std::net::ToSocketAddrs::to_socket_addrs(address)? {
        let socket = match address.is_ipv4() {
            true => TcpSocket::new_v4()?,
            false => TcpSocket::new_v6()?,
        };
        socket.set_reuseaddr(true)?;
        match socket.bind(address).and_then(|()| socket.listen(BACKLOG)) {
            Ok(listener) => return listener.into_std(),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Lets the system cut off a reader that takes nothing for so long: TCP_USER_TIMEOUT, which accepted connections inherit. The
/// server has no limit of its own, and a connection that cannot be written to would hold what it answers, and a stop, for ever.
#[cfg(target_os = "linux")]
fn limit_readers(listener: &TcpListener, patience: Duration) -> std::io::Result<()> {
    let milliseconds = u32::try_from(patience.as_millis()).unwrap_or(u32::MAX);
    Ok(rustix::net::sockopt::set_tcp_user_timeout(listener, milliseconds)?)
}

#[cfg(not(target_os = "linux"))]
fn limit_readers(_listener: &TcpListener, _patience: Duration) -> std::io::Result<()> {
    Ok(())
}

fn bind(address: &str, tls: bool, patience: Duration) -> anyhow::Result<(TcpListener, String)> {
    let listener = listen(address)
        .with_context(|| format!("cannot listen on {address}; choose another address in [http] of the settings"))?;
    limit_readers(&listener, patience).with_context(|| format!("cannot set socket timeouts on {address}"))?;
    let scheme = if tls { "https" } else { "http" };
    let url = format!("{scheme}://{}", listener.local_addr()?);
    Ok((listener, url))
}

impl BoundNode {
    /// Serves until SIGTERM or SIGINT; a second signal ends the process at once. `ready` is called when a signal would
    /// already stop the node gently.
    pub async fn serve(self, ready: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
        let mut signals = StopSignals::listen()?;
        ready()?;
        self.serve_until(async move {
            signals.next().await;
            tokio::spawn(async move {
                signals.next().await;
                #[expect(
                    clippy::disallowed_methods,
                    reason = "the second signal means at once; it is as safe as kill -9"
                )]
                std::process::exit(1);
            });
            Ok(())
        })
        .await
    }

    /// Serves until `stop` ends.
    pub async fn serve_until(self, stop: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
        let http = &self.config.http;
        let workers = match http.workers {
            0 => std::thread::available_parallelism().map_or(2, usize::from),
            workers => workers,
        };
        let config = ServerConfig {
            workers,
            connections_max: harden::connections_within_files(http.connections_max, workers),
            head_deadline: Duration::from_millis(http.head_timeout_ms),
            keep_alive: Duration::from_millis(http.keep_alive_ms),
            stop_deadline: Duration::from_millis(http.stop_timeout_ms),
            limits: ServerLimits {
                body_bytes_max: http.body_bytes_max,
                batch_bytes_max: http.batch_bytes_max,
                line_bytes_max: http.line_bytes_max,
                body_deadline: Duration::from_millis(http.body_timeout_ms),
                calls_max: http.calls_max,
            },
            tls: tls::of(&self.config)?,
        };
        let (public, public_done) = server::public(Arc::clone(&self.hub), self.public, config)?;
        let (admin, admin_done) = server::admin(Arc::clone(&self.hub), self.admin)?;
        let public_done = tokio::spawn(public_done);
        let admin_done = tokio::spawn(admin_done);
        let saver = tokio::spawn(save_usage(Arc::clone(&self.hub)));
        let workers = Workers::start(
            &self.hub,
            outward::courier_limits(&self.config),
            bus::work(&self.config),
        );
        tracing::info!(url = self.url, admin_url = self.admin_url, "serving");
        stop.await?;
        self.hub.node.draining.store(true, Ordering::Release);
        if http.drain_ms > 0 {
            tracing::info!(
                drain_ms = http.drain_ms,
                "draining: /readyz reports it; calls are still answered"
            );
            tokio::time::sleep(Duration::from_millis(http.drain_ms)).await;
        }
        tracing::info!("stopping: what was begun is finished");
        public.stop(true).await;
        let _stopped = public_done.await;
        admin.stop(false).await;
        let _stopped = admin_done.await;
        saver.abort();
        workers.stop(WORKERS_STOP).await;
        self.hub.outward.bus.close().await;
        self.hub.forget_entered().await?;
        self.hub.store.add_usage(&self.hub.access.counters.drain()).await?;
        self.hub.ledger.close()?;
        self.hub.store.close().await;
        Ok(())
    }
}

/// Counts of daily ceilings go to the store every second.
async fn save_usage(hub: Arc<Hub>) {
    let mut second = tokio::time::interval(Duration::from_secs(1));
    loop {
        second.tick().await;
        if let Err(error) = save_usage_once(&hub).await {
            tracing::warn!(error = %error, "cannot save the counts of daily ceilings");
        }
    }
}

/// Adds what was counted here, and takes over what other nodes counted: a ceiling is exact to within two seconds of their use.
async fn save_usage_once(hub: &Hub) -> Result<(), StoreError> {
    let usage = hub.access.counters.drain();
    if !usage.is_empty() {
        hub.store.add_usage(&usage).await?;
    }
    if hub.node.trust.is_among_others() {
        hub.access.counters.restore(&hub.store.usage().await?);
    }
    Ok(())
}

/// SIGTERM and SIGINT.
struct StopSignals {
    term: Signal,
    interrupt: Signal,
}

impl StopSignals {
    fn listen() -> anyhow::Result<Self> {
        Ok(Self {
            term: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.term.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
