//! The model of `connectors/*.toml`: one file, one outside system, under the name of the file.
//! A file is read twice: as TOML that must name every key rightly, then as `Connector`, in which only what the role and
//! the kind have is there. Secrets are never in it: keys that end in `_file` name files that hold them.

mod auth;
mod http;
mod load;

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Deserializer, de};

use heyan_auth::target::{TargetLists, TargetRules};
use heyan_domain::label::BilingualLabel;

pub use auth::{AppKeyBytes, AuthConfig, SecretCipher};
pub use http::{
    AnswerConfig, AnswerFormat, AnswerMode, BodyKind, CodeMissing, EmptyAnswer, HttpMethod, PollConfig, RequestConfig,
    TextEncoding, VerdictConfig,
};

/// Why a connector cannot be used: file, key and reason. Names no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {key}: {reason}")]
pub struct ConnectorError {
    /// The file.
    pub file: String,
    /// The key, with dots; `-` for the file as a whole.
    pub key: String,
    /// What is wrong with it.
    pub reason: String,
}

impl ConnectorError {
    /// Something is wrong with one key of one file.
    pub fn new(file: &Path, key: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            file: file.display().to_string(),
            key: key.into(),
            reason: reason.into(),
        }
    }
}

/// What a connector is to the hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectorRole {
    /// Asked for one record when the hub's copy is missing or too old.
    Source,
    /// Brings records.
    Feed,
    /// Is told of changes.
    Sink,
}

/// How it is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectorKind {
    /// Requests of a template.
    Http,
    /// A query in a database.
    Sql,
    /// A folder of files.
    File,
    /// A signed webhook.
    Webhook,
    /// A topic: not yet.
    Kafka,
}

/// What the connector may reach. Nothing listed: nothing reached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TargetsConfig {
    /// Host names: exact, or `.example.gov.cn` for every name below that one.
    pub hosts: Vec<String>,
    /// Networks, CIDR, in which every address that is connected to must lie.
    pub networks: Vec<String>,
    /// Ports; none listed: 443.
    pub ports: Vec<u16>,
    /// Networks whose addresses may stand in a URL in figures.
    pub literal_networks: Vec<String>,
    /// Networks within which plain `http://` may be spoken.
    pub plain_http_networks: Vec<String>,
    /// PEM file of certificate authorities to trust beside the system's.
    pub roots_file: Option<PathBuf>,
}

impl TargetsConfig {
    /// The rules.
    ///
    /// # Errors
    /// The key and what is wrong with it.
    pub fn rules(&self) -> Result<TargetRules, (String, String)> {
        TargetRules::parse(&TargetLists {
            hosts: self.hosts.clone(),
            networks: self.networks.clone(),
            ports: if self.ports.is_empty() {
                vec![443]
            } else {
                self.ports.clone()
            },
            literal_networks: self.literal_networks.clone(),
            any_port_networks: Vec::new(),
            plain_http_networks: self.plain_http_networks.clone(),
        })
        .map_err(|error| {
            (
                format!("targets.{}", error.list),
                format!("item {}: {}", error.at + 1, error.reason),
            )
        })
    }
}

/// Limits on time, size and number.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConnectorLimits {
    /// To connect, TLS included, milliseconds.
    pub connect_timeout_ms: u64,
    /// For everything: waiting, connecting, the whole answer, milliseconds.
    pub total_timeout_ms: u64,
    /// Longest answer, bytes.
    pub answer_bytes_max: usize,
    /// Requests (or database connections) at once.
    pub requests_at_once: usize,
    /// Requests that may wait for one of those.
    pub waiting_requests_max: usize,
    /// When to stop asking.
    pub breaker: BreakerConfig,
}

impl Default for ConnectorLimits {
    fn default() -> Self {
        Self {
            connect_timeout_ms: 2_000,
            total_timeout_ms: 5_000,
            answer_bytes_max: 1 << 20,
            requests_at_once: 16,
            waiting_requests_max: 64,
            breaker: BreakerConfig::default(),
        }
    }
}

/// When a system that fails is left alone.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BreakerConfig {
    /// Failed requests in a row that open it.
    pub failures: u32,
    /// How long it stays open before one request tries again, milliseconds.
    pub pause_ms: u64,
}

impl Default for BreakerConfig {
    fn default() -> Self {
        Self {
            failures: 5,
            pause_ms: 10_000,
        }
    }
}

/// What is done where an optional thing is not there: no member or column, `null`, or empty text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MissingValueRule {
    /// The answer or row cannot be read.
    #[default]
    Unreadable,
    /// The record has no such field.
    Absent,
}

/// Where one of our fields comes from, in their words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldFrom {
    /// JSON pointer into the record (`http`, NDJSON), or name of the column (`sql`, CSV).
    pub from: String,
    /// Their code, our value. Empty: the value is taken as it is. Not empty: any other code is unreadable.
    pub codes: BTreeMap<String, String>,
    /// When it is not there.
    pub missing: MissingValueRule,
    /// What a value without codes must be.
    pub takes: ValueKind,
}

/// What a value must be. With `codes`, text and whole numbers are codes alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueKind {
    /// Text; a number is unreadable.
    #[default]
    Text,
    /// A whole number, taken as its decimal digits; text is unreadable.
    Number,
}

impl<'de> Deserialize<'de> for FieldFrom {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct WholeNumber {
            from: String,
            #[serde(default)]
            codes: BTreeMap<String, String>,
            #[serde(default)]
            missing: MissingValueRule,
            #[serde(default)]
            takes: ValueKind,
        }
        struct NumberVisitor;
        impl<'de> de::Visitor<'de> for NumberVisitor {
            type Value = FieldFrom;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("their name, or { from = their name, codes = { their code = our value }, missing = … }")
            }
            fn visit_str<E: de::Error>(self, from: &str) -> Result<FieldFrom, E> {
                Ok(FieldFrom {
                    from: from.to_owned(),
                    codes: BTreeMap::new(),
                    missing: MissingValueRule::default(),
                    takes: ValueKind::default(),
                })
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<FieldFrom, A::Error> {
                let whole = WholeNumber::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(FieldFrom {
                    from: whole.from,
                    codes: whole.codes,
                    missing: whole.missing,
                    takes: whole.takes,
                })
            }
        }
        deserializer.deserialize_any(NumberVisitor)
    }
}

/// Our name of a field or identifier, and where it comes from.
pub type FieldMap = BTreeMap<String, FieldFrom>;

/// A table or view in a database of theirs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SqlConfig {
    /// File with the URL of the database, password and all: `postgres://…`, `mysql://…`, `sqlite://…`. Mode 0400 or 0600.
    pub engine_url_file: PathBuf,
    /// One query. `{subject.id_number}` becomes a bound parameter, never text.
    pub query: String,
    /// Our field, their column.
    pub columns: FieldMap,
    /// Column of the version counter of the source's own, a whole number.
    #[serde(default)]
    pub version_column: Option<String>,
}

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileFormat {
    /// One JSON object a line.
    Ndjson,
    /// RFC 4180 with a header row.
    Csv,
}

/// A folder in which files appear.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileConfig {
    /// The folder. Names that begin with `.` or end in `.part` or `.tmp` are not looked at.
    pub folder: PathBuf,
    /// How the files are written.
    pub format: FileFormat,
    /// In which characters.
    #[serde(default)]
    pub encoding: TextEncoding,
    /// Our identifier of the subject, their column or pointer. Empty (with `columns` empty too): rows are written as the
    /// hub's own import takes them.
    #[serde(default)]
    pub subject: FieldMap,
    /// Our field, their column or pointer.
    #[serde(default)]
    pub columns: FieldMap,
    /// Column or pointer of the version counter of the source's own.
    #[serde(default)]
    pub version_column: Option<String>,
    /// Column or pointer of the time since when the record holds, RFC 3339.
    #[serde(default)]
    pub effective_column: Option<String>,
    /// Rows of one batch.
    #[serde(default = "batch_rows_max")]
    pub batch_rows_max: usize,
    /// Longest row, bytes.
    #[serde(default = "row_bytes_max")]
    pub row_bytes_max: usize,
    /// Folder into which a file goes when all its rows are decided; left out: `done` in `folder`.
    #[serde(default)]
    pub done_folder: Option<PathBuf>,
}

const fn batch_rows_max() -> usize {
    500
}

const fn row_bytes_max() -> usize {
    65_536
}

/// A signed webhook of the hub's own kind.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookConfig {
    /// Absolute URL.
    pub url: String,
    /// File with the secret, `whsec_…` or base64. Mode 0400 or 0600.
    pub secret_file: PathBuf,
    /// File with the secret before the last rotation, signed with as well.
    #[serde(default)]
    pub previous_secret_file: Option<PathBuf>,
}

/// What a feed fills, in whose name, and how often it is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedFacts {
    /// Dataset.
    pub dataset: String,
    /// Agency in whose name the records come in.
    pub agency: String,
    /// Pause between polls that brought nothing, seconds.
    pub interval_s: u64,
}

/// What a sink is told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SinkFacts {
    /// Datasets whose changes it receives.
    pub datasets: Vec<String>,
    /// Whether a newer version of a record makes an undelivered older one needless.
    pub supersedes: bool,
}

/// Request and answer of a system that speaks HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpConfig {
    /// Who asks.
    pub auth: AuthConfig,
    /// What is sent.
    pub request: RequestConfig,
    /// How the answer is read.
    pub answer: AnswerConfig,
}

/// What a connector does: what its role and kind have, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectorWork {
    /// `source`, `http`.
    HttpSource {
        /// Dataset of which it is asked.
        dataset: String,
        /// How.
        http: HttpConfig,
    },
    /// `source`, `sql`.
    SqlSource {
        /// Dataset of which it is asked.
        dataset: String,
        /// How.
        sql: SqlConfig,
    },
    /// `feed`, `http`.
    HttpFeed {
        /// What it fills.
        feed: FeedFacts,
        /// How.
        http: HttpConfig,
        /// How it is paged.
        poll: PollConfig,
    },
    /// `feed`, `file`.
    FileFeed {
        /// What it fills.
        feed: FeedFacts,
        /// How.
        file: FileConfig,
    },
    /// `sink`, `http`.
    HttpSink {
        /// What it is told of.
        sink: SinkFacts,
        /// How.
        http: HttpConfig,
    },
    /// `sink`, `webhook`.
    WebhookSink {
        /// What it is told of.
        sink: SinkFacts,
        /// How.
        webhook: WebhookConfig,
    },
}

/// One outside system. Paths are absolute, or relative to where the hub was started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectorFile {
    /// Name of its file without `.toml`.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// What people call it.
    pub title: BilingualLabel,
    /// What it may reach.
    pub targets: TargetsConfig,
    /// Limits.
    pub limits: ConnectorLimits,
    /// What it does.
    pub work: ConnectorWork,
}
