//! The ports to outside systems: webhooks of agencies, and the connectors of `connectors/*.toml`.
//! What comes from outside may be wrong, late or endless: an adapter bounds it, and says `SourceFault` where it cannot
//! say anything true. Nothing here is ever read as a mismatch.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use serde_json::{Map, Value};

use heyan_domain::delivery::{AttemptOutcome, TargetFault};

/// A message to one webhook, as it is signed.
pub struct PushMessage {
    /// `webhook-id`: the same for every attempt of one delivery.
    pub id: String,
    /// `webhook-timestamp`, Unix seconds: the time of this attempt.
    pub timestamp_s: i64,
    /// The body, CloudEvents 1.0 structured JSON.
    pub body: Vec<u8>,
}

/// Where a webhook goes and with what it is signed. Holds secrets: no `Debug`.
pub struct WebhookTarget {
    /// Absolute URL.
    pub url: String,
    /// Raw keys of `v1` (HMAC-SHA256), newest first: during a rotation both sign.
    pub secrets: Vec<Vec<u8>>,
    /// Ed25519 seed of `v1a`, when the receiver asked for it.
    pub ed25519_seed: Option<[u8; 32]>,
}

/// Signed attempts at webhooks.
#[async_trait]
pub trait WebhookSender: Send + Sync + 'static {
    /// Whether a webhook may be registered; looks at the URL alone, not at what its name resolves to.
    ///
    /// # Errors
    /// Returns the reason why not.
    fn check(&self, url: &str) -> Result<(), TargetFault>;

    /// One attempt.
    async fn send(&self, target: &WebhookTarget, message: &PushMessage) -> AttemptOutcome;
}

/// A record as a source knows it.
pub struct SourceRecord {
    /// Fields as the dataset's schema wants them: strings by name.
    pub fields: Map<String, Value>,
    /// Version counter of the source's own.
    pub source_version: Option<i64>,
}

/// What a source that only says yes or no says of one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldVerdict {
    /// 一致.
    Match,
    /// 不一致.
    Mismatch,
    /// Several claims were held against the register together and do not all agree; which of them does not is not known.
    Undivided,
}

/// What such a source says of the claims about one subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaidOfClaims {
    /// Whether it knows the subject (库中无此号 if not).
    pub found: bool,
    /// Each field that it was asked about; where it knows of none, as if none agreed. Claims that it does not verify are left out.
    pub fields: BTreeMap<String, FieldVerdict>,
}

/// Why a source gave no answer. Never read as a mismatch or as `not_found`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceFault {
    /// No source of that name.
    #[error("no such connector")]
    Unknown,
    /// The breaker is open.
    #[error("circuit breaker open: source temporarily not contacted")]
    Open,
    /// More questions wait than the source takes.
    #[error("too many questions wait for the source")]
    Busy,
    /// No whole answer in time.
    #[error("the source did not answer in time")]
    Timeout,
    /// It could not be reached, or the connection broke.
    #[error("the source could not be reached")]
    Connect,
    /// The address is outside what the connector may reach.
    #[error("the source's address is not allowed: {}", .0.as_str())]
    Target(TargetFault),
    /// It refused who asks.
    #[error("the source refused the credentials")]
    Auth,
    /// Business code other than success.
    #[error("the source answered with an error")]
    Answer,
    /// Transport status other than success.
    #[error("the source answered with HTTP status {0}")]
    Status(u16),
    /// The answer is not what the connector expects: garbage, an unmapped code, a missing field, too long.
    #[error("the source's answer cannot be read: {0}")]
    Unreadable(&'static str),
    /// The connector's own file or folder cannot be used.
    #[error("the connector cannot be used: {0}")]
    Setup(&'static str),
}

impl SourceFault {
    /// The word in metrics: a closed set.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Open => "open",
            Self::Busy => "busy",
            Self::Timeout => "timeout",
            Self::Connect => "connect",
            Self::Target(_) => "target",
            Self::Auth => "auth",
            Self::Answer | Self::Status(_) => "answer",
            Self::Unreadable(_) => "unreadable",
            Self::Setup(_) => "setup",
        }
    }

    /// HTTP status of its answer, where that is what was wrong.
    pub const fn status(&self) -> Option<u16> {
        match self {
            Self::Status(status) => Some(*status),
            _ => None,
        }
    }
}

/// What a sink is told: one new version of one record.
pub struct RecordChange {
    /// Names the delivery: the same for every attempt.
    pub delivery: String,
    /// Names what happened.
    pub event: String,
    /// Dataset name.
    pub dataset: String,
    /// Pseudonym of the record, hexadecimal: with the version, what a receiver tells repeats apart by.
    pub record: String,
    /// Version that is current since.
    pub version: u32,
    /// When, Unix microseconds.
    pub at_us: i64,
    /// Identifiers of the subject, strings by name.
    pub subject: Map<String, Value>,
    /// Fields of the new version, strings by name.
    pub fields: Map<String, Value>,
}

impl RecordChange {
    /// As CloudEvents 1.0 structured JSON, for sinks that are webhooks.
    pub fn cloud_event(&self) -> Vec<u8> {
        let time = super::time::rfc3339(self.at_us);
        serde_json::json!({
            "specversion": "1.0",
            "id": self.event,
            "source": "//heyan",
            "type": "heyan.record.changed.v1",
            "time": time,
            "datacontenttype": "application/json",
            "data": {
                "dataset": self.dataset,
                "record": self.record,
                "version": self.version,
                "subject": self.subject,
                "fields": self.fields,
                "reason": "sink",
            },
        })
        .to_string()
        .into_bytes()
    }
}

/// A sink, as the courier needs to know it.
#[derive(Clone, Debug)]
pub struct SinkInfo {
    /// Its name: the name of its file.
    pub name: String,
    /// Datasets whose changes it receives.
    pub datasets: Vec<String>,
    /// Attempts at once.
    pub attempts_max: usize,
    /// Whether a newer version of a record makes an undelivered older one needless.
    pub supersedes: bool,
}

/// A feed, as the worker that drives it needs to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedInfo {
    /// Its name: the name of its file.
    pub name: String,
    /// Dataset that it fills.
    pub dataset: String,
    /// Agency in whose name the records come in.
    pub agency: String,
    /// Pause between polls that brought nothing, seconds.
    pub interval_s: u64,
}

/// What a poll of a feed brought.
pub struct FeedBatch {
    /// Records as `PUT /v1/datasets/{dataset}/records` takes them, or why a row is not one.
    pub records: Vec<Result<Value, FeedReject>>,
    /// Where to go on once these are committed; text of the feed's own.
    pub position: String,
    /// Whether more waits already.
    pub more: bool,
    /// Fields for which what was polled has no column: their stored values stay.
    pub missing: Vec<String>,
}

/// A row that is no record. Names no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedReject {
    /// File name or page.
    pub place: String,
    /// Row in it, from 1.
    pub row: u64,
    /// Line of a file on which it begins, from 1.
    pub line: Option<u64>,
    /// Code of the reason.
    pub code: &'static str,
}

/// The outside systems of `connectors/*.toml`; what a set does not say, it does not have.
#[async_trait]
pub trait OutsideSystems: Send + Sync + 'static {
    /// Whether records of `dataset` are asked of a source when they are missing or too old.
    fn is_live(&self, _dataset: &str) -> bool {
        false
    }

    /// Asks the source of `dataset` for one subject; `None`: it knows of none.
    ///
    /// # Errors
    /// Returns an error if its answer cannot be relied on.
    async fn ask(&self, _dataset: &str, _subject: &[(String, String)]) -> Result<Option<SourceRecord>, SourceFault> {
        Err(SourceFault::Unknown)
    }

    /// Name of the connector that is the source of `dataset`.
    fn source_of(&self, _dataset: &str) -> Option<String> {
        None
    }

    /// Whether `dataset` has a source that gives no records and only says whether claims are right.
    fn verifies(&self, _dataset: &str) -> bool {
        false
    }

    /// Asks that source whether what is claimed of one subject is so.
    ///
    /// # Errors
    /// Returns an error if its answer cannot be relied on.
    async fn verify(
        &self,
        _dataset: &str,
        _subject: &[(String, String)],
        _claims: &[(String, String)],
    ) -> Result<SaidOfClaims, SourceFault> {
        Err(SourceFault::Unknown)
    }

    /// Every sink.
    fn sinks(&self) -> Arc<[SinkInfo]> {
        Arc::default()
    }

    /// Tells one sink of a change.
    async fn tell(&self, _sink: &str, _change: &RecordChange) -> AttemptOutcome {
        AttemptOutcome::Refused(TargetFault::Host)
    }

    /// Every feed.
    fn feeds(&self) -> Arc<[FeedInfo]> {
        Arc::default()
    }

    /// What has come since `position`.
    ///
    /// # Errors
    /// The feed cannot be read.
    async fn poll(&self, _feed: &str, _position: Option<&str>) -> Result<FeedBatch, SourceFault> {
        Err(SourceFault::Unknown)
    }

    /// Says that everything up to `position` is committed: a file may be moved away.
    ///
    /// # Errors
    /// The feed cannot be tidied; nothing is lost.
    async fn acknowledge(&self, _feed: &str, _position: &str) -> Result<(), SourceFault> {
        Err(SourceFault::Unknown)
    }
}

/// A node without connectors.
pub struct NoConnectors;

impl OutsideSystems for NoConnectors {}
