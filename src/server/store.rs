//! Opens the store that the settings name: SQLite in the data folder, or PostgreSQL where a URL is given.
//! Nodes that share a store share one root key; another one is refused, for it would not find a single subject.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context;

use super::outward;
use heyan_app::foundation::trust::LineTrust;
use heyan_auth::keys::KeyRing;
use heyan_config::Config;
use heyan_ledger::witness::LedgerWitness;
use heyan_ports::store::Store;
use heyan_store::{MigratePolicy, PostgresConfig, SqliteConfig, SqliteStore, is_away, open_postgres};
use heyan_telemetry::{LineGate, causes};

/// File of the embedded store.
pub(super) const DATABASE: &str = "heyan.sqlite";

/// Under which name the store knows the root key's mark.
pub(super) const ROOT_MARK: &str = "root";

/// Opens the store.
pub(super) async fn open(config: &Config, keys: &KeyRing) -> anyhow::Result<Arc<dyn Store>> {
    let store = match config.store.postgres.is_configured() {
        true => postgres_when_there(&postgres(config)?).await?,
        false => SqliteStore::open(sqlite(config)).await?.port(),
    };
    let mark = keys.mark()?;
    let settled = store.settle(ROOT_MARK, &mark).await?;
    anyhow::ensure!(
        settled == mark,
        "the database contains data encrypted with another root key than {}: copy the same key file to every node",
        config.node.root_key_file.display()
    );
    Ok(store)
}

/// Opens PostgreSQL; while the server is away or starting, waits with growing pauses.
async fn postgres_when_there(config: &PostgresConfig) -> anyhow::Result<Arc<dyn Store>> {
    const PAUSE_MAX: Duration = Duration::from_secs(10);
    static LINES: LineGate = LineGate::of(1);
    let (begun, mut pause) = (Instant::now(), Duration::from_millis(250));
    loop {
        match open_postgres(config).await {
            Ok(store) => {
                if begun.elapsed() > Duration::from_secs(1) {
                    tracing::info!(waited_s = begun.elapsed().as_secs(), "PostgreSQL is there");
                }
                return Ok(store);
            }
            Err(error) if is_away(&error) => {
                if LINES.pass().is_some() {
                    let cause = causes(&error);
                    tracing::warn!(
                        cause,
                        "PostgreSQL is away: waiting for it; check store.postgres.url_file if it is not"
                    );
                }
            }
            Err(error) => return Err(error.into()),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

fn sqlite(config: &Config) -> SqliteConfig {
    SqliteConfig {
        origin: config.node.origin.clone(),
        readers: config.store.readers,
        busy_timeout_ms: config.store.busy_timeout_ms,
        writer_cache_kib: config.store.writer_cache_kib,
        reader_cache_kib: config.store.reader_cache_kib,
        ..SqliteConfig::new(config.node.data_dir.join(DATABASE))
    }
}

/// Who has a store of his own need not hear anybody.
pub fn trust(config: &Config) -> LineTrust {
    match config.store.postgres.is_configured() {
        true => LineTrust::among_others(Duration::from_millis(config.node.lease_ms)),
        false => LineTrust::alone(),
    }
}

/// One of several nodes countersigns the checkpoints of the others, by a key of its own.
pub fn witness(config: &Config, keys: &KeyRing) -> anyhow::Result<Option<LedgerWitness>> {
    if !config.store.postgres.is_configured() {
        return Ok(None);
    }
    let origin = &config.node.origin;
    let folder = config.node.data_dir.join("witness");
    Ok(Some(LedgerWitness::open(folder, origin, &*keys.witness_seed(origin)?)?))
}

/// How PostgreSQL is reached.
pub fn postgres(config: &Config) -> anyhow::Result<PostgresConfig> {
    let postgres = &config.store.postgres;
    let url = outward::secret_files(config)?
        .read(&postgres.url_file)
        .with_context(|| format!("store.postgres.url_file: cannot read {}", postgres.url_file.display()))?;
    Ok(PostgresConfig {
        origin: config.node.origin.clone(),
        readers: postgres.readers,
        writers: postgres.writers,
        connect_timeout_ms: postgres.connect_timeout_ms,
        statement_timeout_ms: postgres.statement_timeout_ms,
        migrate: match postgres.migrate_at_start {
            true => MigratePolicy::AtStart,
            false => MigratePolicy::Refuse,
        },
        ..PostgresConfig::new(url.to_string())
    })
}
