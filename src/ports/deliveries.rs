//! Events, the deliveries made of them, subscriptions, and who was answered from which version.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    error::StoreError,
    subject::{RowKey, SubjectKey},
};

/// Something that happened and that others must hear of.
#[derive(Clone)]
pub struct EventRow {
    /// `evt_…`.
    pub id: String,
    /// `record.changed`, `record.accepted`, `mismatch`, `verification.would_change`, `supervision` or `test`.
    pub kind: &'static str,
    /// Dataset name.
    pub dataset: Option<Arc<str>>,
    /// Subject pseudonym.
    pub subject: Option<SubjectKey>,
    /// Version of the record.
    pub version: Option<u32>,
    /// Mismatch that it belongs to.
    pub mismatch: Option<String>,
    /// Agency that it is for alone.
    pub agency: Option<String>,
    /// Facts that are stored nowhere else, sealed.
    pub facts: Option<Vec<u8>>,
    /// Unix microseconds.
    pub at: i64,
    /// Whether no deliveries have to be made of it: nobody can listen.
    pub is_fanned: bool,
    /// Whether the bus need not carry it: it carries none of its kind.
    pub is_published: bool,
}

/// An event as it is read back.
#[derive(Clone)]
pub struct StoredEvent {
    /// Order among all events.
    pub seq: i64,
    /// `evt_…`.
    pub id: String,
    /// Kind.
    pub kind: String,
    /// Dataset name.
    pub dataset: Option<String>,
    /// Subject pseudonym.
    pub subject: Option<SubjectKey>,
    /// Version of the record.
    pub version: Option<u32>,
    /// Mismatch that it belongs to.
    pub mismatch: Option<String>,
    /// Agency that it is for alone.
    pub agency: Option<String>,
    /// Sealed facts.
    pub facts: Option<Vec<u8>>,
    /// Unix microseconds.
    pub at: i64,
}

impl StoredEvent {
    /// Its key in the store.
    pub fn key(&self) -> RowKey {
        RowKey {
            subject: self.subject.unwrap_or(SubjectKey::NOBODY),
            id: self.id.clone(),
        }
    }
}

/// Someone who must hear of an event.
#[derive(Clone)]
pub struct DeliveryRow {
    /// `dlv_…`: the `webhook-id`.
    pub id: String,
    /// Event id.
    pub event: String,
    /// A subscription's id, or `sink:` and a connector's name.
    pub target: String,
    /// Order is kept per target and subject; zeroes where there is none.
    pub subject: SubjectKey,
    /// `answered`, `subscribed`, `addressed`, `sink` or `test`.
    pub reason: &'static str,
    /// Whether older undelivered changes of the record become needless.
    pub supersedes: bool,
    /// When to try first, Unix microseconds.
    pub next_at: i64,
    /// Unix microseconds.
    pub created_at: i64,
}

/// A delivery with its event, as a courier or a reader wants it.
#[derive(Clone)]
pub struct StoredDelivery {
    /// Order among all deliveries.
    pub seq: i64,
    /// `dlv_…`.
    pub id: String,
    /// A subscription's id, or `sink:` and a connector's name.
    pub target: String,
    /// Why it is delivered.
    pub reason: String,
    /// `pending`, `delivered`, `dead`, `superseded` or `cancelled`.
    pub state: String,
    /// Attempts made.
    pub attempts: u32,
    /// When to try next, Unix microseconds.
    pub next_at: i64,
    /// How the last attempt ended.
    pub last_result: Option<String>,
    /// HTTP status of the last attempt.
    pub last_status: Option<u16>,
    /// Unix microseconds.
    pub created_at: i64,
    /// Unix microseconds.
    pub updated_at: i64,
    /// What happened.
    pub event: StoredEvent,
}

impl StoredDelivery {
    /// Its key in the store: a delivery lies where its event lies.
    pub fn key(&self) -> RowKey {
        RowKey {
            id: self.id.clone(),
            ..self.event.key()
        }
    }
}

/// What an attempt made of a delivery.
#[derive(Clone)]
pub struct DeliveryResult {
    /// The delivery: subject of its event, and id.
    pub key: RowKey,
    /// State after it; a delivery that is no longer pending stays as it is.
    pub state: &'static str,
    /// Attempts made.
    pub attempts: u32,
    /// When to try next, Unix microseconds.
    pub next_at: i64,
    /// How it ended.
    pub last_result: &'static str,
    /// HTTP status.
    pub last_status: Option<u16>,
    /// Unix microseconds.
    pub at: i64,
}

/// Which deliveries a list wants.
#[derive(Clone, Default)]
pub struct DeliveryFilter {
    /// To these targets; `None`: any.
    pub targets: Option<Vec<String>>,
    /// In this state.
    pub state: Option<String>,
    /// With a greater number.
    pub after: Option<i64>,
    /// Created in this range, Unix microseconds.
    pub created: Option<(i64, i64)>,
    /// Rows at most.
    pub limit: u32,
}

/// Where an agency's system listens.
#[derive(Clone)]
pub struct SubscriptionRow {
    /// `sub_…`.
    pub id: String,
    /// Agency id.
    pub agency: String,
    /// Absolute URL.
    pub url: String,
    /// Event kinds, or `*`.
    pub events: Vec<String>,
    /// Dataset names, or `*`.
    pub datasets: Vec<String>,
    /// Until when, Unix microseconds.
    pub until: Option<i64>,
    /// Whether a newer version of a record makes an undelivered older one needless.
    pub supersedes: bool,
    /// Signing key, sealed.
    pub secret: Vec<u8>,
    /// Signing key before the last rotation, sealed.
    pub previous_secret: Option<Vec<u8>>,
    /// Until when that one signs too, Unix microseconds.
    pub previous_valid_until: Option<i64>,
    /// `active`, `gone` or `deleted`.
    pub state: String,
    /// Unix microseconds.
    pub created_at: i64,
    /// Unix microseconds.
    pub updated_at: i64,
}

impl SubscriptionRow {
    /// Whether it listens to events of `kind` on `dataset` at `now_us`.
    pub fn covers(&self, kind: &str, dataset: Option<&str>, now_us: i64) -> bool {
        let listed = |list: &[String], name: &str| list.iter().any(|entry| entry == "*" || entry == name);
        self.is_live(now_us)
            && listed(&self.events, kind)
            && dataset.is_none_or(|dataset| listed(&self.datasets, dataset))
    }

    /// Whether anything may be sent to it at `now_us`.
    pub fn is_live(&self, now_us: i64) -> bool {
        self.state == "active" && self.until.is_none_or(|until| now_us < until)
    }
}

/// That an agency was answered from a version of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerRow {
    /// Subject pseudonym.
    pub subject: [u8; 16],
    /// Number of the agency.
    pub agency: u32,
    /// Version; 0: not told; -1: told that there is no record.
    pub version: i64,
    /// The first verification that was answered from it.
    pub verification: String,
    /// Unix microseconds.
    pub at: i64,
}

/// Events, the deliveries made of them, subscriptions, and who was answered from which version.
#[async_trait]
pub trait DeliveryStore: Send + Sync {
    /// Every subscription that is not deleted.
    async fn subscriptions(&self) -> Result<Vec<SubscriptionRow>, StoreError>;

    /// Oldest events that were not fanned out, at most `limit`.
    async fn new_events(&self, limit: u32) -> Result<Vec<StoredEvent>, StoreError>;

    /// Which agencies were answered from which version of a record.
    async fn answers_of(&self, subjects: &[SubjectKey]) -> Result<Vec<AnswerRow>, StoreError>;

    /// The newest change of each of the records, with its event, for those that have one.
    async fn newest_changes(&self, subjects: &[SubjectKey]) -> Result<Vec<StoredEvent>, StoreError>;

    /// Deliveries to `target` that may be tried at `now`, those that come first in their order; at most `limit`.
    async fn due_deliveries(&self, target: &str, now: i64, limit: u32) -> Result<Vec<StoredDelivery>, StoreError>;

    /// When the next pending delivery to `target` is due, Unix microseconds.
    async fn next_delivery_at(&self, target: &str) -> Result<Option<i64>, StoreError>;

    /// Targets that have a pending delivery.
    async fn pending_targets(&self) -> Result<Vec<String>, StoreError>;

    /// Deliveries by number.
    async fn deliveries(&self, filter: &DeliveryFilter) -> Result<Vec<StoredDelivery>, StoreError>;

    /// One delivery.
    async fn delivery(&self, id: &str) -> Result<Option<StoredDelivery>, StoreError>;

    /// Where the news of a mismatch's corrections and accepted values went, oldest first.
    async fn mismatch_deliveries(&self, subject: SubjectKey, id: &str) -> Result<Vec<StoredDelivery>, StoreError>;
}
