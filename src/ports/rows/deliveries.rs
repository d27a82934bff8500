//! Events, the deliveries made of them, subscriptions, and who was answered from which version.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    error::StoreError,
    subject::{RowKey, SubjectKey},
};

heyan_domain::words! {
    /// What happened.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub enum EventKind {
        /// A record has a new version.
        RecordChanged = "record.changed",
        /// An agency took a record's values.
        RecordAccepted = "record.accepted",
        /// A mismatch took a step.
        Mismatch = "mismatch",
        /// A watched verification would be answered differently now.
        WouldChange = "verification.would_change",
        /// Supervision found something.
        Supervision = "supervision",
        /// A user tests a subscription.
        Test = "test",
    }
}

heyan_domain::words! {
    /// State of a delivery.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub enum DeliveryPhase {
        /// It is still to be attempted.
        Pending = "pending",
        /// The receiver confirmed it.
        Delivered = "delivered",
        /// It was given up.
        Dead = "dead",
        /// A newer version of the record made it needless.
        Superseded = "superseded",
        /// Its target may no longer receive it.
        Cancelled = "cancelled",
    }
}

heyan_domain::words! {
    /// State of a subscription.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub enum SubscriptionPhase {
        /// It receives events.
        Active = "active",
        /// Its receiver answered 410.
        Gone = "gone",
        /// Its agency removed it.
        Deleted = "deleted",
    }
}

/// Something that happened and that other systems must be told.
#[derive(Clone)]
pub struct EventRow {
    /// `evt_…`.
    pub id: String,
    /// What happened.
    pub kind: EventKind,
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
    /// Whether it needs no deliveries: no target can listen to it.
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
    /// What happened.
    pub kind: EventKind,
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
            subject: self.subject.unwrap_or(SubjectKey::NONE),
            id: self.id.clone(),
        }
    }
}

/// An event on its way to one target.
#[derive(Clone)]
pub struct DeliveryRow {
    /// `dlv_…`: the `webhook-id`.
    pub id: String,
    /// Event id.
    pub event: String,
    /// A subscription's id, or `sink:` and a connector's name.
    pub target: String,
    /// Agency whose subscription the target is.
    pub agency: Option<String>,
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
    /// Its state.
    pub state: DeliveryPhase,
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
    pub state: DeliveryPhase,
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
    /// To subscriptions of this agency; `None`: to any, and to sinks.
    pub agency: Option<String>,
    /// To this target of any agency; `None`: to any target.
    pub target: Option<String>,
    /// In this state.
    pub state: Option<DeliveryPhase>,
    /// With a greater number.
    pub after: Option<i64>,
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
    /// End of the subscription, Unix microseconds.
    pub until: Option<i64>,
    /// Whether a newer version of a record makes an undelivered older one needless.
    pub supersedes: bool,
    /// Signing key, sealed.
    pub secret: Vec<u8>,
    /// Signing key before the last rotation, sealed.
    pub previous_secret: Option<Vec<u8>>,
    /// When the previous key stops signing, Unix microseconds.
    pub previous_valid_until: Option<i64>,
    /// Its state.
    pub state: SubscriptionPhase,
    /// Unix microseconds.
    pub created_at: i64,
    /// Unix microseconds.
    pub updated_at: i64,
}

impl SubscriptionRow {
    /// Whether it listens to events of `kind` on `dataset` at `now_us`.
    pub fn covers(&self, kind: EventKind, dataset: Option<&str>, now_us: i64) -> bool {
        let listed = |list: &[String], name: &str| list.iter().any(|entry| entry == "*" || entry == name);
        self.is_live(now_us)
            && listed(&self.events, kind.as_str())
            && dataset.is_none_or(|dataset| listed(&self.datasets, dataset))
    }

    /// Whether anything may be sent to it at `now_us`.
    pub fn is_live(&self, now_us: i64) -> bool {
        self.state == SubscriptionPhase::Active && self.until.is_none_or(|until| now_us < until)
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

/// An event whose deliveries are all in this commit; it must not have been fanned out before.
#[derive(Clone)]
pub struct FannedEvent(pub RowKey);

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

    /// Targets that have a pending delivery, each with the time at which its next one is due, Unix microseconds.
    async fn pending_targets(&self) -> Result<Vec<(String, i64)>, StoreError>;

    /// Deliveries by number.
    async fn deliveries(&self, filter: &DeliveryFilter) -> Result<Vec<StoredDelivery>, StoreError>;

    /// Dead deliveries that were created in a range (Unix microseconds, the end excluded), oldest first, to one target or to any.
    async fn dead_deliveries(
        &self,
        target: Option<&str>,
        created: (i64, i64),
        limit: u32,
    ) -> Result<Vec<StoredDelivery>, StoreError>;

    /// One delivery.
    async fn delivery(&self, id: &str) -> Result<Option<StoredDelivery>, StoreError>;

    /// Where the news of a mismatch's corrections and accepted values went, oldest first.
    async fn mismatch_deliveries(&self, subject: SubjectKey, id: &str) -> Result<Vec<StoredDelivery>, StoreError>;
}
