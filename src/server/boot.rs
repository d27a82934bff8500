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
use arc_swap::ArcSwap;
use tokio::{
    net::TcpSocket,
    signal::unix::{Signal, SignalKind, signal},
};

use super::{bus, harden, licences, outward, store, tls};
use crate::worker::Workers;
use heyan_app::{
    access::{
        part::{AccessPart, TokenCache},
        table::{AccessTable, Counters},
    },
    foundation::{trust::Trust, vault::Vault},
    mismatch::pending::Pending,
    node::{
        hub::{Hub, MaterialsPart, MismatchPart, NodePart, OutwardPart, RecordsPart, SecretsPart},
        peers,
        settings::NodeSettings,
        under_way::UnderWay,
        wakeups::Wakeups,
    },
    supervision::{self, state::Supervision},
    traces,
    verification::{
        caches::{self, RecordCaches},
        live::LiveLoad,
        record::{CachedRecord, RecordLoad},
    },
};
use heyan_auth::{
    keys::{self, KeyRing},
    pseudonym::Pseudonymizer,
    replay::ReplayCache,
    seal::PurposeSealer,
    token::{KeyId, TokenSigner, TokenVerifier},
};
use heyan_cache::{CacheConfig, Load, StampCheck};
use heyan_catalog::{self as catalog, Catalog, item::ServiceItem};
use heyan_config::Config;
use heyan_http::{
    Limits,
    server::{self, ServerConfig},
};
use heyan_ledger::{
    Ledger, LedgerConfig,
    index::{Index, IndexConfig},
};
use heyan_ports::{
    outward::{Connectors, Webhooks},
    store::{Store, StoreError},
    time::{Clock, SystemClock},
};
use heyan_telemetry::Metrics;

/// A node whose listeners are bound.
pub struct Node {
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

/// Entries of assertions that are remembered, about 70 bytes each.
const ASSERTIONS_MAX: usize = 200_000;

/// Longest wait for attempts that are under way when the node stops.
const WORKERS_STOP: Duration = Duration::from_secs(5);

/// The key of purposes in force.
const PURPOSE_KEY_ID: u8 = 1;

/// Opens everything and binds the listeners; nothing is answered yet.
pub async fn open(config: Config) -> anyhow::Result<Node> {
    let webhooks = Arc::new(outward::webhooks(&config)?);
    let connectors = outward::connectors(&config, &webhooks)?;
    open_around(config, connectors, webhooks, Arc::new(SystemClock)).await
}

/// As [`open`], with the outside systems given.
pub async fn open_with(config: Config, connectors: Arc<dyn Connectors>) -> anyhow::Result<Node> {
    Box::pin(open_at(config, connectors, Arc::new(SystemClock))).await
}

/// As [`open_with`], with the clock given.
pub async fn open_at(config: Config, connectors: Arc<dyn Connectors>, clock: Arc<dyn Clock>) -> anyhow::Result<Node> {
    let webhooks = Arc::new(outward::webhooks(&config)?);
    open_around(config, connectors, webhooks, clock).await
}

async fn open_around(
    config: Config,
    connectors: Arc<dyn Connectors>,
    webhooks: Arc<dyn Webhooks>,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<Node> {
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
        "the root key {} is missing, but {} holds data made under it: restore the key from its backup",
        root.display(),
        data.display()
    );
    let keys = keys::load_or_create(root)?;
    let patience = Duration::from_millis(config.http.body_timeout_ms);
    let (public, url) = bind(&config.http.listen, config.http.tls.is_configured(), patience)?;
    let (admin, admin_url) = bind(&config.http.admin_listen, false, patience)?;
    let catalog = Arc::new(Catalog::load(folder_of(&config.catalog.datasets_dir))?);
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
    let load: Arc<dyn Load<Record = CachedRecord>> = Arc::new(LiveLoad::new(&hub));
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
    Ok(Node {
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

fn token_signer(config: &Config, keys: &KeyRing) -> anyhow::Result<TokenSigner> {
    let seed = keys.token_signing_seed(1)?;
    let kid = KeyId::thumbprint(&heyan_auth::ed25519::SigningKey::from_seed(&seed)?.public());
    Ok(TokenSigner::new(&seed, kid, &config.auth.issuer)?)
}

/// What is missing or damaged of the index is built again while the hub serves.
fn open_index(config: &Config, ledger: &Ledger) -> anyhow::Result<Index> {
    let folder = config.node.data_dir.join("index");
    Ok(Index::open(IndexConfig::new(folder, traces::index::FORM), ledger)?)
}

fn assemble(
    config: &Config,
    keys: &KeyRing,
    (catalog, items, rules): (Arc<Catalog>, Vec<ServiceItem>, catalog::supervision::Rules),
    store: Arc<dyn Store>,
    (connectors, webhooks): (Arc<dyn Connectors>, Arc<dyn Webhooks>),
    (url, clock): (&str, Arc<dyn Clock>),
) -> anyhow::Result<Hub> {
    let licences = licences::licences(config, &catalog)?;
    let signer = token_signer(config, keys)?;
    let verifier = TokenVerifier::new(&config.auth.issuer, signer.verifying_key(), None)?;
    let pseudonyms = Arc::new(Pseudonymizer::new(&*keys.pseudonym_key()?));
    let loader = Arc::new(RecordLoad {
        store: Arc::clone(&store),
        catalog: Arc::clone(&catalog),
        pseudonyms,
    });
    let names: Vec<&str> = catalog.iter().map(|dataset| &*dataset.name).collect();
    let metrics = Metrics::new(&names)?;
    let trust = Arc::new(store::trust(config));
    let records = start_caches(config, &loader, &clock, &trust);
    let ledger = open_ledger(config, keys, &clock)?;
    let index = open_index(config, &ledger)?;
    Ok(Hub {
        catalog,
        store,
        ledger,
        clock,
        access: AccessPart {
            table: ArcSwap::from_pointee(AccessTable::default()),
            counters: Counters::default(),
            changes: Arc::default(),
            read_at: tokio::sync::Mutex::default(),
            signer,
            verifier,
            tokens: TokenCache::default(),
            assertions: ReplayCache::new(&*keys.replay_key()?, ASSERTIONS_MAX),
        },
        records: RecordsPart {
            caches: records,
            loader,
        },
        mismatches: MismatchPart {
            pending: Pending::default(),
            guess_limits: outward::guess_limits(config),
            calendar: ArcSwap::from_pointee(outward::calendar(config)?),
        },
        materials: MaterialsPart {
            items: ArcSwap::default(),
            shipped: items.into_iter().map(Arc::new).collect(),
            item_changes: Arc::default(),
            licences,
        },
        outward: OutwardPart {
            connectors,
            bus: bus::bus(config)?,
            webhooks,
            webhook_seed: webhook_seed(config, keys)?,
            schedule: outward::schedule(config)?,
            subscriptions: ArcSwap::default(),
            subscription_changes: Arc::default(),
        },
        supervision: Supervision::new(rules.rules, &rules.text),
        secrets: SecretsPart {
            vault: vault(config, keys)?,
            sealer: PurposeSealer::new(PURPOSE_KEY_ID, &*keys.purpose_sealing_key(PURPOSE_KEY_ID)?, &[])?,
        },
        node: NodePart {
            settings: settings(config, url),
            metrics,
            index,
            trust,
            peers: Default::default(),
            witness: store::witness(config, keys)?,
            under_way: UnderWay::default(),
            wakeups: Wakeups::default(),
            draining: Default::default(),
            pool: tokio::runtime::Handle::current(),
            table_reads: tokio::sync::Mutex::default(),
            done_entries: std::sync::Mutex::default(),
        },
    })
}

fn open_ledger(config: &Config, keys: &KeyRing, clock: &Arc<dyn Clock>) -> anyhow::Result<Ledger> {
    let clock = Arc::clone(clock);
    Ok(Ledger::open(LedgerConfig {
        dir: config.node.data_dir.join("ledger"),
        origin: config.node.origin.clone(),
        segment_bytes: config.ledger.segment_bytes,
        seal_interval_ms: config.ledger.seal_interval_ms,
        // Nodes that share a root key sign with one key each, or one could speak for another.
        signing_seed: match config.store.postgres.is_configured() {
            true => *keys.node_signing_seed(&config.node.origin)?,
            false => *keys.checkpoint_signing_seed()?,
        },
        group_bytes_max: config.ledger.group_bytes_max,
        queue_max: config.ledger.queue_entries_max,
        clock: Arc::new(move || clock.now_us()),
    })?)
}

fn webhook_seed(config: &Config, keys: &KeyRing) -> anyhow::Result<Option<keys::SecretBytes>> {
    let wanted = config.push.ed25519_signatures;
    Ok(wanted.then(|| keys.webhook_signing_seed()).transpose()?)
}

fn settings(config: &Config, url: &str) -> NodeSettings {
    let stated = &config.node.public_url;
    NodeSettings {
        node: config.node.id,
        origin: config.node.origin.clone(),
        public_url: if stated.is_empty() { url } else { stated }.to_owned(),
        issuer: config.auth.issuer.clone(),
        token_ttl_s: config.auth.token_ttl_s,
        rotation_overlap_s: config.auth.rotation_overlap_s,
        batch_items_max: config.http.batch_items_max,
        chunk_items_max: config.http.chunk_items_max,
        case_hours_max: config.cases.valid_hours_max,
        agency_watches_max: config.watches.agency_entries_max,
        watch_days_max: config.watches.until_days_max,
    }
}

/// Seals and opens columns, and letters of the bus.
pub fn vault(config: &Config, keys: &KeyRing) -> anyhow::Result<Vault> {
    let sealer = outward::sealer(config, |id| keys.column_sealing_key(id))?;
    Ok(Vault::new(sealer, Pseudonymizer::new(&*keys.hiding_key()?)))
}

fn start_caches(config: &Config, loader: &Arc<RecordLoad>, clock: &Arc<dyn Clock>, trust: &Arc<Trust>) -> RecordCaches {
    let clock = Arc::clone(clock);
    RecordCaches::start(
        cache_config(config),
        Arc::clone(loader),
        Arc::new(move || clock.now_us()),
        Arc::clone(trust),
    )
}

fn cache_config(config: &Config) -> CacheConfig {
    CacheConfig {
        capacity_bytes: config.cache.capacity_bytes,
        ttl: Duration::from_secs(config.cache.ttl_s),
        batch_keys_max: config.cache.batch_keys_max,
        loads_max: config.cache.loads_max,
        waiting_max: config.cache.waiting_keys_max,
        load_timeout: Duration::from_millis(config.cache.load_timeout_ms),
        own_key_bytes: caches::OWN_KEY_BYTES,
        check_stamps: StampCheck::On,
    }
}

fn make_private_dir(folder: &Path) -> anyhow::Result<()> {
    if !folder.is_dir() {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        std::fs::set_permissions(folder, Permissions::from_mode(0o700))
            .with_context(|| format!("cannot make {} private", folder.display()))?;
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
    let listener = listen(address).with_context(|| format!("cannot listen on {address}"))?;
    limit_readers(&listener, patience).with_context(|| format!("cannot limit the readers of {address}"))?;
    let scheme = if tls { "https" } else { "http" };
    let url = format!("{scheme}://{}", listener.local_addr()?);
    Ok((listener, url))
}

impl Node {
    /// Serves until SIGTERM or SIGINT; a second signal ends the process at once. `ready` is called when a signal would
    /// already stop the node gently.
    pub async fn serve(self, ready: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
        let mut signals = Signals::listen()?;
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
            limits: Limits {
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
                "draining: /readyz says so, and callers are answered on"
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
            tracing::warn!(error = %error, "counts of daily ceilings were not saved");
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
struct Signals {
    term: Signal,
    interrupt: Signal,
}

impl Signals {
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
