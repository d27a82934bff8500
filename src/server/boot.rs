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
use heyan_http::server::ServerHandle;
use tokio::{
    net::TcpSocket,
    signal::unix::{Signal, SignalKind, signal},
    task::JoinHandle,
};

use super::{
    assemble::assemble,
    bus, clock,
    connectors::ConnectorSlot,
    harden,
    monitor::MachineMonitor,
    outward,
    process::RestartNeeded,
    serving,
    settings::{self, PreparedSettings, ReloadedParts},
    standing::{self, OpenedStores},
    tls,
};
use crate::worker::Workers;
use heyan_app::{
    node::{hub::Hub, peers},
    supervision::{self},
    verification::{live::LiveLoad, record::CachedRecord},
};
use heyan_auth::keys::{self};
use heyan_cache::RecordLoader;
use heyan_config::Config;
use heyan_domain::calendar::china_day;
use heyan_http::{
    ServerLimits,
    health::{self, HealthPort},
    server::{self, ConnectionLimits, ServerConfig},
};
use heyan_ports::error::StoreError;
use heyan_ports::{
    outward::OutsideSystems,
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
    admin: AdminListener,
    tls: Option<tls::CertificateSlot>,
    connectors: Arc<ConnectorSlot>,
    config: Config,
}

/// The operators' listener, which serves while the rest is opened.
struct AdminListener {
    port: Arc<HealthPort>,
    handle: ServerHandle,
    done: JoinHandle<std::io::Result<()>>,
}

impl AdminListener {
    fn start(listener: TcpListener) -> std::io::Result<Self> {
        let port = Arc::new(HealthPort::default());
        let (handle, done) = health::serve(Arc::clone(&port), listener)?;
        let done = tokio::spawn(done);
        Ok(Self { port, handle, done })
    }
}

impl Drop for AdminListener {
    fn drop(&mut self) {
        // The command is sent at once; its end is not awaited.
        drop(self.handle.stop(false));
    }
}

/// Longest wait for attempts that are under way when the node stops.
const WORKERS_STOP: Duration = Duration::from_secs(5);

/// Longest time that an end takes beyond what it waits for by the settings.
const END_WITHIN: Duration = Duration::from_secs(15);

/// Exit code of a failure that only a restart can mend.
const RESTART_CODE: i32 = 5;

/// Opens everything and binds the listeners; nothing is answered yet.
pub async fn open(config: Config) -> anyhow::Result<BoundNode> {
    let prepared = settings::prepare(&config)?;
    open_around(config, prepared, None, Arc::new(SystemClock), None).await
}

/// As [`open`]; where database and ledger do not fit together, the loss is entered with `reason`.
///
/// # Errors
/// As [`open`].
pub async fn open_accepting(config: Config, reason: &str) -> anyhow::Result<BoundNode> {
    let prepared = settings::prepare(&config)?;
    open_around(config, prepared, None, Arc::new(SystemClock), Some(reason)).await
}

/// As [`open`], with the outside systems and the clock given.
pub async fn open_at(
    config: Config,
    connectors: Arc<dyn OutsideSystems>,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<BoundNode> {
    let prepared = settings::prepare(&config)?;
    open_around(config, prepared, Some(connectors), clock, None).await
}

async fn open_around(
    mut config: Config,
    prepared: PreparedSettings,
    outside: Option<Arc<dyn OutsideSystems>>,
    clock: Arc<dyn Clock>,
    accept: Option<&str>,
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
    let keys = keys::load_or_create(root)?;
    let patience = Duration::from_millis(config.http.body_timeout_ms);
    let (public, url) = bind(&config.http.listen, config.http.tls.is_configured(), patience)?;
    let (admin, admin_url) = bind(&config.http.admin_listen, false, patience)?;
    let admin = AdminListener::start(admin)?;
    serving::check(&config).await?;
    let OpenedStores {
        store,
        ledger,
        changes,
        epoch,
        accepted,
    } = standing::open(&mut config, &keys, &clock, accept).await?;
    serving::begin(&config)?;
    let PreparedSettings {
        catalog,
        items,
        rules,
        webhooks,
        connectors,
        tls,
    } = prepared;
    let hub = Arc::new(assemble(
        &config,
        &keys,
        (catalog, items, rules),
        (store, ledger),
        (outside.unwrap_or_else(|| Arc::clone(&connectors) as _), webhooks),
        (&url, clock),
    )?);
    hub.node.changes.begin(changes, epoch);
    clock::keep_newest_entry(&hub);
    settle(&hub).await?;
    standing::begin(&hub, &config, accepted).await?;
    admin.port.show(&hub);
    Ok(BoundNode {
        hub,
        url,
        admin_url,
        public,
        admin,
        tls,
        connectors,
        config,
    })
}

/// Reads what the store holds, and enters what the last stop left behind.
async fn settle(hub: &Arc<Hub>) -> anyhow::Result<()> {
    let load: Arc<dyn RecordLoader<Record = CachedRecord>> = Arc::new(LiveLoad::new(hub));
    hub.records.caches.start_live(hub.catalog.iter(), |dataset| {
        hub.outward.connectors.is_live(&dataset.name).then(|| Arc::clone(&load))
    });
    peers::check_node_identity(hub).await.map_err(anyhow::Error::msg)?;
    peers::show(hub).await?;
    if let Some(at_us) = peers::database_time(hub).await? {
        hub.node.health.set_database_time(at_us);
    }
    hub.reload_access().await?;
    hub.reload_items().await?;
    hub.reload_subscriptions().await?;
    let _nothing_was_held = hub.reload_pending().await?;
    let left_over = hub.append_left_over().await?;
    if left_over > 0 {
        tracing::info!(
            left_over,
            "appended ledger entries that were left in the outbox at the last stop"
        );
    }
    supervision::begin(hub).await?;
    Ok(())
}

pub(super) fn make_private_dir(folder: &Path) -> anyhow::Result<()> {
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
    /// Serves until SIGTERM or SIGINT; a second signal ends the process at once. SIGHUP reads certificate and connectors again; SIGUSR1
    /// and SIGUSR2 are ignored. `ready` is called when a signal would already stop the node gently.
    pub async fn serve(self, ready: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
        let mut signals = StopSignals::listen()?;
        ready()?;
        let hub = Arc::clone(&self.hub);
        tokio::spawn(async move {
            hub.node.health.ended().await;
            end_at_the_latest_in(END_WITHIN, RESTART_CODE).await;
        });
        let (config, tls) = (self.config.clone(), self.tls.clone());
        let (connectors, catalog) = (Arc::clone(&self.connectors), Arc::clone(&self.hub.catalog));
        let stop_within = Duration::from_millis(config.http.drain_ms + config.http.stop_timeout_ms) + END_WITHIN;
        self.serve_until(async move {
            while signals.next().await == SignalRequest::Reload {
                ReloadedParts {
                    tls: tls.as_ref(),
                    connectors: &connectors,
                    catalog: &catalog,
                }
                .reload(&config);
            }
            tokio::spawn(end_at_the_latest_in(stop_within, RESTART_CODE));
            tokio::spawn(async move {
                while signals.next().await == SignalRequest::Reload {}
                end_at_the_latest_in(Duration::ZERO, 1).await;
            });
            Ok(())
        })
        .await
    }

    fn server_config(&self, workers: usize) -> anyhow::Result<ServerConfig> {
        let http = &self.config.http;
        let connections_max = harden::connections_within_files(http.connections_max, workers);
        Ok(ServerConfig {
            workers,
            connections_max,
            head_deadline: Duration::from_millis(http.head_timeout_ms),
            keep_alive: Duration::from_millis(http.keep_alive_ms),
            stop_deadline: Duration::from_millis(http.stop_timeout_ms),
            limits: ServerLimits {
                body_bytes_max: http.body_bytes_max,
                batch_bytes_max: http.batch_bytes_max,
                line_bytes_max: http.line_bytes_max,
                body_deadline: Duration::from_millis(http.body_timeout_ms),
                calls_max: http.calls_max,
                stranger_calls_s_max: http.stranger_calls_s_max,
                connections: ConnectionLimits {
                    address_max: http.address_connections_max,
                    all_max: connections_max.saturating_mul(workers),
                    trusted_proxies: settings::trusted_proxies(&self.config)?,
                },
            },
            tls: self.tls.as_ref().map(tls::CertificateSlot::server_config),
        })
    }

    /// Serves until `stop` ends.
    ///
    /// # Errors
    /// [`RestartNeeded`] when something failed that only a restart can mend.
    pub async fn serve_until(self, stop: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
        let workers = match self.config.http.workers {
            0 => std::thread::available_parallelism().map_or(2, usize::from),
            workers => workers,
        };
        let config = self.server_config(workers)?;
        let Self {
            hub,
            url,
            admin_url,
            public,
            mut admin,
            tls: _,
            connectors: _,
            config: settings,
        } = self;
        let (public, public_done) = server::public(Arc::clone(&hub), public, config)?;
        let mut public_done = tokio::spawn(public_done);
        let mut saver = tokio::spawn(keep_usage(Arc::clone(&hub)));
        let mut workers = Workers::start(&hub, outward::courier_limits(&settings), bus::work(&settings));
        let mut keeper = tokio::spawn(standing::keep(Arc::clone(&hub), settings.clone()));
        let monitor = MachineMonitor::start(&hub, &settings)?;
        tracing::info!(url, admin_url, "serving");
        let ended = |what: &str| Err(format!("{what} has ended"));
        let stopped = tokio::select! {
            stopped = stop => Ok(stopped?),
            cause = hub.node.health.ended() => Err(cause),
            _ = &mut public_done => ended("the public listener"),
            _ = &mut admin.done => ended("the operators' listener"),
            _ = &mut saver => ended("the worker that saves counts"),
            _ = &mut keeper => ended("the worker that keeps positions"),
            () = workers.ended() => ended("a worker"),
        };
        if let Err(cause) = stopped {
            tracing::error!(cause, "ending: only a restart can mend this");
            drop(monitor);
            let listeners = async { tokio::join!(public.stop(false), admin.handle.stop(false)) };
            // What does not end by itself ends with the process.
            let _ended = tokio::time::timeout(WORKERS_STOP, listeners).await;
            let _closed = tokio::time::timeout(WORKERS_STOP, hub.store.close()).await;
            return Err(RestartNeeded(cause).into());
        }
        hub.node.draining.store(true, Ordering::Release);
        if settings.http.drain_ms > 0 {
            let drain_ms = settings.http.drain_ms;
            tracing::info!(drain_ms, "draining: /readyz reports it; calls are still answered");
            tokio::time::sleep(Duration::from_millis(drain_ms)).await;
        }
        tracing::info!("stopping: finishing the calls under way");
        public.stop(true).await;
        let _stopped = public_done.await;
        admin.handle.stop(false).await;
        let _stopped = (&mut admin.done).await;
        saver.abort();
        keeper.abort();
        let _ended = keeper.await;
        workers.stop(WORKERS_STOP).await;
        drop(monitor);
        hub.outward.bus.close().await;
        hub.forget_entered().await?;
        save_usage(&hub).await?;
        hub.ledger.close()?;
        hub.store.close().await;
        standing::keep_last(&hub, &settings);
        serving::end(&settings.node.data_dir);
        Ok(())
    }
}

/// Ends the process after a while, unless it has ended by itself.
async fn end_at_the_latest_in(wait: Duration, code: i32) {
    tokio::time::sleep(wait).await;
    heyan_telemetry::flush_log();
    #[expect(
        clippy::disallowed_methods,
        reason = "it did not end by itself, or shall not; that is as safe as kill -9"
    )]
    std::process::exit(code);
}

/// Counts of daily ceilings, and of subjects that agencies were right about, go to the store every second.
async fn keep_usage(hub: Arc<Hub>) {
    let mut second = tokio::time::interval(Duration::from_secs(1));
    loop {
        second.tick().await;
        if let Err(error) = exchange_usage(&hub).await {
            tracing::warn!(error = %error, "cannot save the counts of daily ceilings");
        }
    }
}

/// Adds what was counted here, and takes over what other nodes counted: a ceiling is exact to within two seconds of their use.
async fn exchange_usage(hub: &Hub) -> Result<(), StoreError> {
    save_usage(hub).await?;
    if hub.node.trust.is_among_others() {
        let today = china_day(hub.clock.now_us());
        hub.access.counters.restore(&hub.store.usage().await?);
        let right = hub.store.right_since(today - 1).await?;
        hub.access.counters.restore_right(&right, today);
    }
    Ok(())
}

/// Adds what was counted here to the store; asks it nothing if nothing was counted.
async fn save_usage(hub: &Hub) -> Result<(), StoreError> {
    let usage = hub.access.counters.drain();
    if !usage.is_empty() {
        hub.store.add_usage(&usage).await?;
    }
    let right = hub.access.counters.drain_right();
    if !right.is_empty() {
        hub.store.add_right(&right).await?;
    }
    Ok(())
}

/// What a signal asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SignalRequest {
    Stop,
    Reload,
}

/// SIGTERM and SIGINT, SIGHUP, and those that are ignored.
struct StopSignals {
    term: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl StopSignals {
    fn listen() -> anyhow::Result<Self> {
        ignore_signals()?;
        Ok(Self {
            term: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> SignalRequest {
        tokio::select! {
            _ = self.term.recv() => SignalRequest::Stop,
            _ = self.interrupt.recv() => SignalRequest::Stop,
            _ = self.hangup.recv() => SignalRequest::Reload,
        }
    }
}

/// From now on SIGHUP, SIGUSR1 and SIGUSR2 do not end the process: a handler that was set once stays.
///
/// # Errors
/// The system refuses.
pub fn ignore_signals() -> anyhow::Result<()> {
    for kind in [
        SignalKind::hangup(),
        SignalKind::user_defined1(),
        SignalKind::user_defined2(),
    ] {
        drop(signal(kind)?);
    }
    Ok(())
}
