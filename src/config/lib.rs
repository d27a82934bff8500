//! The settings of a hub: compiled-in defaults, then a file, then the environment. Unknown keys are refused, and so is
//! what is unsafe: a hub that starts is a hub that keeps its promises.

#![cfg_attr(
    test,
    allow(
        clippy::string_slice,
        clippy::disallowed_methods,
        reason = "a test stops at the first surprise"
    )
)]

mod check;
mod guess;
mod kafka;
mod licences;
mod quotas;
mod unsafe_setting;

use std::path::{Path, PathBuf};

use figment::{
    Figment,
    providers::{Env, Format, Toml},
};
use serde::{Deserialize, Serialize};

pub use guess::GuessSettings;
pub use heyan_telemetry::LogFormat;
pub use kafka::KafkaSettings;
pub use licences::Licences;
pub use quotas::QuotaSettings;
pub use unsafe_setting::UnsafeSetting;

/// The defaults, as they ship.
pub const DEFAULTS: &str = include_str!("../../config/hub.toml");

/// Why settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is not there.
    #[error("cannot read {0}")]
    Missing(PathBuf),
    /// A key or value is wrong; the text names the file or variable, and the key.
    #[error("{0}")]
    Wrong(Box<figment::Error>),
    /// Values that do not go together or are unsafe.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Unsafe(Vec<UnsafeSetting>),
}

/// All settings.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// This node.
    pub node: NodeSection,
    /// Listeners.
    pub http: HttpSettings,
    /// Tokens and secrets.
    pub auth: AuthSettings,
    /// Datasets.
    pub catalog: CatalogSettings,
    /// Database.
    pub store: StoreSettings,
    /// Records in memory.
    pub cache: CacheSettings,
    /// Ledger.
    pub ledger: LedgerSettings,
    /// Webhooks.
    pub push: PushSettings,
    /// Apache Kafka.
    pub kafka: KafkaSettings,
    /// Outside systems.
    pub connectors: ConnectorSettings,
    /// Electronic licences.
    pub licences: Licences,
    /// Working days.
    pub calendar: CalendarSettings,
    /// Budget of guesses.
    pub guess: GuessSettings,
    /// What one agency may cause.
    pub quotas: QuotaSettings,
    /// Verifications that are watched.
    pub watches: WatchSettings,
    /// Joint cases.
    pub cases: CaseSettings,
    /// Electronic supervision.
    pub supervision: SupervisionSettings,
    /// Logs.
    pub log: LogSettings,
}

/// This node.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeSection {
    /// Number of the node.
    pub id: u16,
    /// Name of its ledger.
    pub origin: String,
    /// Database and ledger.
    pub data_dir: PathBuf,
    /// The one secret.
    pub root_key_file: PathBuf,
    /// Base address that callers use.
    pub public_url: String,
    /// How long what is in memory is used without hearing the other nodes.
    pub lease_ms: u64,
    /// Least free space, in per cent of the disk, with which changes are accepted; 0: any.
    pub free_percent_min: u8,
    /// Space that is set aside for what was begun when the disk is full.
    pub reserve_bytes: u64,
}

/// Listeners.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpSettings {
    /// Public listener.
    pub listen: String,
    /// Operators' listener.
    pub admin_listen: String,
    /// Allow plain HTTP beyond loopback.
    pub insecure_plain_http: bool,
    /// Worker threads; 0: one a core.
    pub workers: usize,
    /// Connections of one worker.
    pub connections_max: usize,
    /// Connections of one address.
    pub address_connections_max: usize,
    /// Networks of proxies, exempt from limits of one address.
    pub trusted_proxies: Vec<String>,
    /// Calls of unknown callers of one address and worker in a second.
    pub stranger_calls_s_max: u32,
    /// Calls that one worker answers at once.
    pub calls_max: usize,
    /// Head of a request.
    pub head_timeout_ms: u64,
    /// Body of a request.
    pub body_timeout_ms: u64,
    /// Idle connections.
    pub keep_alive_ms: u64,
    /// Graceful stop.
    pub stop_timeout_ms: u64,
    /// How long a node that stops answers on.
    pub drain_ms: u64,
    /// Longest JSON body.
    pub body_bytes_max: usize,
    /// Longest batch.
    pub batch_bytes_max: usize,
    /// Longest line.
    pub line_bytes_max: usize,
    /// Items of a batch.
    pub batch_items_max: usize,
    /// Items of a chunk.
    pub chunk_items_max: usize,
    /// TLS of the public listener.
    pub tls: TlsSettings,
}

/// TLS of the public listener.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsSettings {
    /// Certificate chain, PEM.
    pub certificate_file: PathBuf,
    /// Private key, PEM.
    pub key_file: PathBuf,
}

impl TlsSettings {
    /// Whether TLS is configured.
    pub fn is_configured(&self) -> bool {
        !self.certificate_file.as_os_str().is_empty()
    }
}

/// Tokens and secrets.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthSettings {
    /// Issuer and audience.
    pub issuer: String,
    /// Life of a token.
    pub token_ttl_s: i64,
    /// Life of a secret after its rotation.
    pub rotation_overlap_s: i64,
    /// The key that seals; all before it open.
    pub sealing_key_id: u8,
}

/// Datasets.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogSettings {
    /// Folder of schemas; empty: the shipped ones alone.
    pub datasets_dir: PathBuf,
    /// Folder of service items; empty: the shipped ones alone.
    pub items_dir: PathBuf,
    /// Code or name of the city that addresses may leave out; empty: none.
    pub home_city: String,
}

/// Database.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreSettings {
    /// Read connections.
    pub readers: u32,
    /// Wait for the lock.
    pub busy_timeout_ms: u64,
    /// Page cache of the writer.
    pub writer_cache_kib: u32,
    /// Page cache of each reader.
    pub reader_cache_kib: u32,
    /// The store of several nodes.
    pub postgres: PostgresSettings,
}

/// PostgreSQL.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostgresSettings {
    /// File with the connection URL; empty: SQLite.
    pub url_file: PathBuf,
    /// Connections that look up.
    pub readers: u32,
    /// Connections that write.
    pub writers: u32,
    /// Wait for a connection.
    pub connect_timeout_ms: u64,
    /// Longest statement.
    pub statement_timeout_ms: u64,
    /// Whether a start brings the schema up to date.
    pub migrate_at_start: bool,
}

impl PostgresSettings {
    /// Whether the store is PostgreSQL.
    pub fn is_configured(&self) -> bool {
        !self.url_file.as_os_str().is_empty()
    }
}

/// Records in memory.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CacheSettings {
    /// Bytes.
    pub capacity_bytes: u64,
    /// Longest life.
    pub ttl_s: u64,
    /// Keys in one query.
    pub batch_keys_max: usize,
    /// Queries at once.
    pub loads_max: usize,
    /// Look-ups that may wait.
    pub waiting_keys_max: usize,
    /// Wait for one query.
    pub load_timeout_ms: u64,
}

/// Ledger.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerSettings {
    /// Bytes of one journal file.
    pub segment_bytes: u64,
    /// Between checkpoints.
    pub seal_interval_ms: u64,
    /// Entries that may wait.
    pub queue_entries_max: usize,
    /// Bytes of one group.
    pub group_bytes_max: usize,
}

/// Webhooks.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PushSettings {
    /// Names that may be reached.
    pub hosts: Vec<String>,
    /// Networks of their addresses.
    pub networks: Vec<String>,
    /// Ports.
    pub ports: Vec<u16>,
    /// Networks that a URL may name in figures.
    pub literal_networks: Vec<String>,
    /// Networks that may be reached on any port.
    pub any_port_networks: Vec<String>,
    /// Networks that may be reached without TLS.
    pub plain_http_networks: Vec<String>,
    /// Resolve, connect, shake hands.
    pub connect_timeout_ms: u64,
    /// One attempt.
    pub attempt_timeout_ms: u64,
    /// Most of an answer.
    pub answer_bytes_max: usize,
    /// Time for an answer's body.
    pub answer_timeout_ms: u64,
    /// Further certificate authorities.
    pub extra_roots_file: PathBuf,
    /// Trust the system's.
    pub trust_system_roots: bool,
    /// Sign with the hub's own key too.
    pub ed25519_signatures: bool,
    /// Before each attempt.
    pub schedule_s: Vec<u32>,
    /// Attempts at one target.
    pub target_attempts_max: usize,
    /// Attempts at all.
    pub attempts_max: usize,
}

/// Outside systems.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectorSettings {
    /// Folder of files; empty: none.
    pub folder: PathBuf,
}

/// Working days.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalendarSettings {
    /// Further years; empty: none.
    pub extra_file: PathBuf,
}

/// Verifications that are watched.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WatchSettings {
    /// Longest.
    pub until_days_max: i32,
}

/// Joint cases.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseSettings {
    /// Longest validity.
    pub valid_hours_max: u32,
}

/// Electronic supervision.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SupervisionSettings {
    /// File of rules; empty: those that ship.
    pub rules_file: PathBuf,
}

/// Logs.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogSettings {
    /// Filter.
    pub level: String,
    /// Form.
    pub format: LogFormat,
}

/// Separates sections and keys in names of environment variables.
const ENV_PREFIX: &str = "HEYAN__";

impl Config {
    /// The settings in force: defaults, `file`, environment.
    ///
    /// # Errors
    /// A file that is missing, an unknown key, a wrong type, or an unsafe value.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        Self::read(file)?.checked()
    }

    /// The settings, when they are safe; call again after changing one.
    ///
    /// # Errors
    /// What is unsafe.
    pub fn checked(self) -> Result<Self, ConfigError> {
        let found = check::check(&self);
        if found.is_empty() {
            Ok(self)
        } else {
            Err(ConfigError::Unsafe(found))
        }
    }

    fn read(file: Option<&Path>) -> Result<Self, ConfigError> {
        let mut figment = Figment::from(Toml::string(DEFAULTS));
        if let Some(file) = file {
            if !file.is_file() {
                return Err(ConfigError::Missing(file.to_owned()));
            }
            figment = figment.merge(Toml::file_exact(file));
        }
        figment
            .merge(Env::prefixed(ENV_PREFIX).split("__"))
            .extract()
            .map_err(|error| ConfigError::Wrong(Box::new(error)))
    }

    /// As TOML. Nothing in it is secret: secrets stand in files that it names.
    pub fn print(&self) -> String {
        toml::to_string_pretty(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Config, ConfigError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        Config::load(Some(file.path()))
    }

    #[test]
    fn the_defaults_are_whole_and_safe() {
        let config = Config::load(None).unwrap();
        assert_eq!(config.http.listen, "127.0.0.1:8080");
        assert_eq!(config.auth.token_ttl_s, 600);
    }

    #[test]
    fn an_unknown_key_is_refused_by_name() {
        let error = load("[http]\nlistn = \"127.0.0.1:1\"").unwrap_err().to_string();
        assert!(error.contains("listn"), "{error}");
    }

    #[test]
    fn unsafe_settings_are_refused_with_a_remedy() {
        for (text, key) in [
            ("[http]\nlisten = \"0.0.0.0:8080\"", "http.listen"),
            ("[http]\nadmin_listen = \"192.168.1.1:9090\"", "http.admin_listen"),
            ("[http]\nlisten = \"nowhere\"", "http.listen"),
            ("[ledger]\nseal_interval_ms = 5000", "ledger.seal_interval_ms"),
            ("[auth]\ntoken_ttl_s = 0", "auth.token_ttl_s"),
            ("[node]\norigin = \"a b\"", "node.origin"),
            ("[http.tls]\ncertificate_file = \"x.pem\"", "http.tls.key_file"),
            ("[watches]\nuntil_days_max = 0", "watches.until_days_max"),
            ("[cases]\nvalid_hours_max = 0", "cases.valid_hours_max"),
            ("[http]\nbatch_items_max = 0", "http.batch_items_max"),
            ("[http]\nchunk_items_max = 5000", "http.chunk_items_max"),
            ("[kafka]\nbrokers = \"10.1.2.3:9092\"", "kafka.security"),
            ("[kafka]\nbrokers = \"127.0.0.1:9092,kafka:9092\"", "kafka.security"),
            ("[kafka]\nsecurity = \"ssl\"", "kafka.security"),
            ("[kafka]\nsasl_username = \"hub\"", "kafka.sasl_username"),
            ("[catalog]\nhome_city = \"芜湖\"", "catalog.home_city"),
            ("[licences]\nfiles_max = 0", "licences.files_max"),
            ("[licences]\nhome_divisions = [\"芜湖\"]", "licences.home_divisions"),
            ("[kafka]\nreplicas = 1", "kafka.min_insync_replicas"),
            (
                "[kafka.feed]\nbatch_messages_max = 3001",
                "kafka.feed.batch_messages_max",
            ),
        ] {
            let error = load(text).unwrap_err().to_string();
            assert!(error.contains(key) && error.contains(':'), "{text} gave {error}");
        }
        assert!(load("[http]\nlisten = \"0.0.0.0:8080\"\ninsecure_plain_http = true").is_ok());
    }

    #[test]
    fn tls_for_kafka_is_taken_where_the_program_has_it_and_told_of_where_it_has_not() {
        let asked = load("[kafka]\nbrokers = \"kafka.example:9093\"\nsecurity = \"tls\"");
        match cfg!(feature = "kafka-tls") {
            true => assert!(asked.is_ok()),
            false => {
                let error = asked.unwrap_err().to_string();
                assert!(
                    error.contains("kafka.security") && error.contains("--features kafka-tls"),
                    "{error}"
                );
            }
        }
        assert!(load("[kafka]\nbrokers = \"[::1]:9092,localhost:9092\"").is_ok());
    }

    #[test]
    fn what_is_printed_reads_back() {
        let config = Config::load(None).unwrap();
        let again = load(&config.print()).unwrap();
        assert_eq!(again.print(), config.print());
    }
}
