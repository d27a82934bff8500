//! Makes a hub of its settings: keys, ledger, caches, and the parts in between.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;

use super::{bus, licences, outward, store};
use heyan_app::{
    access::{
        counters::CeilingCounters,
        part::{AccessPart, TokenCache},
        table::AccessTable,
    },
    foundation::{quota::QuotaLimits, trust::LineTrust, vault::ColumnVault},
    mismatch::pending::PendingTable,
    node::{
        hub::{Hub, MaterialsPart, MismatchPart, NodePart, OutwardPart, RecordsPart, SecretsPart},
        settings::NodeSettings,
        under_way::UnderWay,
        wakeups::Wakeups,
    },
    supervision::state::SupervisionState,
    traces,
    verification::{
        caches::{self, RecordCaches},
        record::RecordLoad,
    },
};
use heyan_auth::{
    keys::{self, KeyRing},
    pseudonym::Pseudonymizer,
    replay::ReplayCache,
    seal::PurposeSealer,
    token::{KeyId, TokenSigner, TokenVerifier},
};
use heyan_cache::{CacheConfig, StampCheck};
use heyan_catalog::{self as catalog, Catalog, item::ServiceItem};
use heyan_config::{Config, QuotaSettings};
use heyan_ledger::{
    Ledger, LedgerConfig,
    index::{IndexConfig, LedgerIndex},
};
use heyan_ports::{
    outward::{OutsideSystems, WebhookSender},
    store::Store,
    time::Clock,
};
use heyan_telemetry::HubMetrics;

/// Entries of assertions that are remembered, about 70 bytes each.
const ASSERTIONS_MAX: usize = 200_000;

/// Of these, of one client: five in a second for as long as an assertion may last.
const CLIENT_ASSERTIONS_MAX: usize = 1_500;

/// The key of purposes in force.
const PURPOSE_KEY_ID: u8 = 1;

fn token_signer(config: &Config, keys: &KeyRing) -> anyhow::Result<TokenSigner> {
    let seed = keys.token_signing_seed(1)?;
    let kid = KeyId::thumbprint(&heyan_auth::ed25519::SigningKey::from_seed(&seed)?.public());
    Ok(TokenSigner::new(&seed, kid, &config.auth.issuer)?)
}

/// What is missing or damaged of the index is built again while the hub serves.
fn open_index(config: &Config, ledger: &Ledger) -> anyhow::Result<LedgerIndex> {
    let folder = config.node.data_dir.join("index");
    Ok(LedgerIndex::open(
        IndexConfig::new(folder, traces::index::FORM),
        ledger,
    )?)
}

/// Makes the hub of its parts; nothing is read from the store yet.
pub(super) fn assemble(
    config: &Config,
    keys: &KeyRing,
    (catalog, items, rules): (Arc<Catalog>, Vec<ServiceItem>, catalog::supervision::RuleFile),
    (store, ledger): (Arc<dyn Store>, Ledger),
    (connectors, webhooks): (Arc<dyn OutsideSystems>, Arc<dyn WebhookSender>),
    (url, clock): (&str, Arc<dyn Clock>),
) -> anyhow::Result<Hub> {
    let licences = licences::licences(config, &catalog)?;
    let pseudonyms = Arc::new(Pseudonymizer::new(&*keys.pseudonym_key()?));
    let loader = Arc::new(RecordLoad {
        store: Arc::clone(&store),
        catalog: Arc::clone(&catalog),
        pseudonyms,
    });
    let names: Vec<&str> = catalog.iter().map(|dataset| &*dataset.name).collect();
    let metrics = HubMetrics::new(&names)?;
    let trust = Arc::new(store::trust(config));
    let records = start_caches(config, &loader, &clock, &trust);
    let index = open_index(config, &ledger)?;
    Ok(Hub {
        catalog,
        store,
        ledger,
        clock,
        access: access(config, keys)?,
        records: RecordsPart {
            caches: records,
            loader,
        },
        mismatches: MismatchPart {
            pending: PendingTable::default(),
            guess_limits: outward::guess_limits(config),
            calendar: ArcSwap::from_pointee(outward::calendar(config)?),
        },
        materials: MaterialsPart {
            items: ArcSwap::default(),
            shipped: items.into_iter().map(Arc::new).collect(),
            item_changes: Arc::default(),
            licences,
        },
        outward: outside(config, keys, connectors, webhooks)?,
        supervision: SupervisionState::new(rules.rules, &rules.text),
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
            changes: Default::default(),
            health: Default::default(),
            draining: Default::default(),
            pool: tokio::runtime::Handle::current(),
            table_reads: tokio::sync::Mutex::default(),
            done_entries: std::sync::Mutex::default(),
        },
    })
}

/// Opens the ledger in the data folder.
pub(super) fn open_ledger(config: &Config, keys: &KeyRing, clock: &Arc<dyn Clock>) -> anyhow::Result<Ledger> {
    let clock = Arc::clone(clock);
    Ok(Ledger::open(LedgerConfig {
        dir: config.node.data_dir.join("ledger"),
        origin: config.node.origin.clone(),
        segment_bytes: config.ledger.segment_bytes,
        seal_interval_ms: config.ledger.seal_interval_ms,
        signing_seed: *ledger_seed(config, keys, &config.node.origin)?,
        group_bytes_max: config.ledger.group_bytes_max,
        queue_max: config.ledger.queue_entries_max,
        clock: Arc::new(move || clock.now_us()),
    })?)
}

/// The seed that signs the checkpoints of the ledger of `origin`.
pub(super) fn ledger_seed(config: &Config, keys: &KeyRing, origin: &str) -> anyhow::Result<keys::SecretBytes> {
    Ok(match config.store.postgres.is_configured() {
        // Nodes that share a root key sign with one key each, or one could speak for another.
        true => keys.node_signing_seed(origin)?,
        false => keys.checkpoint_signing_seed()?,
    })
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
        quotas: quotas(&config.quotas),
        watch_days_max: config.watches.until_days_max,
    }
}

fn quotas(quotas: &QuotaSettings) -> QuotaLimits {
    QuotaLimits {
        open_mismatches: quotas.open_mismatches_rows_max,
        cases: quotas.cases_rows_max,
        saved_replies: quotas.saved_replies_rows_max,
        watches: quotas.watches_rows_max,
        subscriptions: quotas.subscriptions_rows_max,
        test_events: quotas.test_events_rows_max,
        tokens: quotas.token_requests_h_max,
        uploads: quotas.uploads_requests_max,
        alerts: quotas.alerts_entries_max,
        untold_us: i64::from(quotas.untold_mismatch_hours) * 3_600_000_000,
    }
}

/// Seals and opens columns, and letters of the bus.
pub fn vault(config: &Config, keys: &KeyRing) -> anyhow::Result<ColumnVault> {
    let sealer = outward::sealer(config, |id| keys.column_sealing_key(id))?;
    Ok(ColumnVault::new(sealer, Pseudonymizer::new(&*keys.hiding_key()?)))
}

fn start_caches(
    config: &Config,
    loader: &Arc<RecordLoad>,
    clock: &Arc<dyn Clock>,
    trust: &Arc<LineTrust>,
) -> RecordCaches {
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

/// Access of a new node. It admits no caller until the access table is read from the store.
fn access(config: &Config, keys: &KeyRing) -> anyhow::Result<AccessPart> {
    let signer = token_signer(config, keys)?;
    let verifier = TokenVerifier::new(&config.auth.issuer, signer.verifying_key(), None)?;
    Ok(AccessPart {
        table: ArcSwap::from_pointee(AccessTable::default()),
        counters: CeilingCounters::default(),
        quotas: Default::default(),
        changes: Arc::default(),
        read_at: tokio::sync::Mutex::default(),
        signer,
        verifier,
        tokens: TokenCache::default(),
        assertions: ReplayCache::new(&*keys.replay_key()?, ASSERTIONS_MAX, CLIENT_ASSERTIONS_MAX),
    })
}

fn outside(
    config: &Config,
    keys: &KeyRing,
    connectors: Arc<dyn OutsideSystems>,
    webhooks: Arc<dyn WebhookSender>,
) -> anyhow::Result<OutwardPart> {
    Ok(OutwardPart {
        connectors,
        bus: bus::bus(config)?,
        webhooks,
        webhook_seed: webhook_seed(config, keys)?,
        schedule: outward::schedule(config)?,
        subscriptions: ArcSwap::default(),
        subscription_changes: Arc::default(),
    })
}
