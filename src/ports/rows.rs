//! Rows of the loop, as a store holds them: mismatches with their steps, events, deliveries, subscriptions, answers,
//! guesses and saved replies. What is sealed here is opened by `app::vault`, never by a store.

mod alert;
mod kept;

use std::sync::Arc;

pub use super::rows::{
    alert::{AlertFilter, AlertRow, AlertStep, PostedEntries, SupervisionWrites},
    kept::{CaseCheckRow, CaseRow, CaseWrites, QualityWrites, StepTally, VerdictTally, WatchFilter, WatchRow},
};
use super::store::SubjectKey;
use heyan_domain::budget::Standing;

/// Names a row about a subject: the keys of such tables begin with it, so that one shard is asked.
/// The id alone is unique by construction (`new_id`: time, number of the node, 64 random bits), not by a constraint.
#[derive(Clone, PartialEq, Eq)]
pub struct RowKey {
    /// Subject pseudonym; [`SubjectKey::NOBODY`] where there is none.
    pub subject: SubjectKey,
    /// Id of the row.
    pub id: String,
}

/// A mismatch as it stands.
#[derive(Clone)]
pub struct MismatchRow {
    /// `mis_…`.
    pub id: String,
    /// Dataset name.
    pub dataset: Arc<str>,
    /// Subject pseudonym.
    pub subject: SubjectKey,
    /// Agency whose application it is.
    pub agency: String,
    /// Keyed hash of agency and application number.
    pub matter: [u8; 16],
    /// Names of the fields that differ, sorted.
    pub fields: Vec<String>,
    /// Version that was answered from; 0: there was no record.
    pub record_version: u32,
    /// Word of the state.
    pub state: String,
    /// Whether nobody has to do anything more.
    pub is_final: bool,
    /// Until when the one whose turn it is has time, ISO 8601 date.
    pub due_on: Option<String>,
    /// The event whose deliveries end the state.
    pub awaits: Option<String>,
    /// Counts steps, from 1.
    pub revision: u32,
    /// Unix microseconds.
    pub opened_at: i64,
    /// Unix microseconds.
    pub updated_at: i64,
    /// State with its facts and purpose, sealed.
    pub facts: Vec<u8>,
}

/// One step of a mismatch's life.
#[derive(Clone)]
pub struct StepRow {
    /// Its number in the mismatch, from 1: the mismatch's revision after it.
    pub seq: u32,
    /// Unix microseconds.
    pub at: i64,
    /// What was done.
    pub action: String,
    /// Word of the state after it.
    pub state: String,
    /// `agency`, `authority` or `hub`.
    pub actor: &'static str,
    /// Reason and clerk, sealed.
    pub note: Vec<u8>,
}

/// A mismatch after a step, and the step.
#[derive(Clone)]
pub struct MismatchWrite {
    /// The mismatch after it. Its revision minus one must be current; revision 1 is a new mismatch.
    pub row: MismatchRow,
    /// The step.
    pub step: StepRow,
}

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
pub struct Delivery {
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
    pub event: Event,
}

impl Delivery {
    /// Its key in the store: a delivery lies where its event lies.
    pub fn key(&self) -> RowKey {
        RowKey {
            id: self.id.clone(),
            ..self.event.key()
        }
    }
}

/// An event as it is read back.
#[derive(Clone)]
pub struct Event {
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

impl Event {
    /// Its key in the store.
    pub fn key(&self) -> RowKey {
        RowKey {
            subject: self.subject.unwrap_or(SubjectKey::NOBODY),
            id: self.id.clone(),
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

/// What a commit writes for the bus.
#[derive(Clone, Default)]
pub struct BusWrites {
    /// Events that the bus has taken.
    pub events: Vec<RowKey>,
    /// Ids of alerts that the bus has taken.
    pub alerts: Vec<String>,
    /// How far a topic was taken in. Another position than the expected one is a conflict: somebody else reads it.
    pub advances: Vec<Advance>,
    /// Keys behind which records without a version wait: topic and keyed hash.
    pub parked: Vec<(&'static str, [u8; 16])>,
    /// Keys behind which nothing waits any more.
    pub released: Vec<(&'static str, [u8; 16])>,
}

/// One step of a position that is compared and set.
#[derive(Clone)]
pub struct Advance {
    /// Name of the position.
    pub name: String,
    /// What it must be; `None`: it must not be there yet.
    pub from: Option<String>,
    /// What it becomes.
    pub to: String,
}

impl BusWrites {
    /// Rows that it writes, about.
    pub fn weight(&self) -> usize {
        self.events.len() + self.alerts.len() + self.advances.len() + self.parked.len() + self.released.len()
    }
}

/// A counted guess.
#[derive(Clone)]
pub struct GuessRow {
    /// Subject pseudonym.
    pub subject: SubjectKey,
    /// Field name.
    pub field: String,
    /// Keyed hash of the claim.
    pub value: [u8; 16],
    /// Number of the agency.
    pub agency: u32,
    /// How the agency stood to the subject.
    pub standing: Standing,
    /// What it cost.
    pub units: u8,
    /// Unix microseconds.
    pub at: i64,
}

/// A step of what was guessed about a subject, compared and set: another one in between is a conflict.
#[derive(Clone, Copy)]
pub struct GuessHead {
    /// Subject pseudonym.
    pub subject: SubjectKey,
    /// The revision that must stand; 0: none.
    pub expected: i64,
    /// The revision after it.
    pub revision: i64,
}

/// What becomes of a request to forgive guesses; another person's in between is a conflict.
#[derive(Clone)]
pub enum UnlockWrite {
    /// It waits for a second person, in the place of one of the same person or of one made before `older_than`.
    Waits {
        /// Subject pseudonym.
        subject: SubjectKey,
        /// Who asks.
        client: String,
        /// Unix microseconds.
        at: i64,
        /// Unix microseconds.
        older_than: i64,
    },
    /// The one of `client` was seconded.
    Seconded {
        /// Subject pseudonym.
        subject: SubjectKey,
        /// Who asked first.
        client: String,
    },
}

/// One service item that was registered.
#[derive(Clone, Debug)]
pub struct ItemRow {
    /// Code, primary key.
    pub code: String,
    /// Version, from 1; only a newer one replaces it.
    pub version: u32,
    /// The item as it was written, JSON.
    pub body: String,
    /// Unix microseconds.
    pub updated_at: i64,
}

/// A seal on what an investigating agency asked.
#[derive(Clone)]
pub struct SealRow {
    /// `sea_…`.
    pub id: String,
    /// `requested`, `sealed` or `lifted`.
    pub state: String,
    /// Until when, Unix microseconds.
    pub until: i64,
    /// Counts steps, from 1: the one before it must be current.
    pub revision: u32,
    /// Which, whose, of which case and by whom, sealed.
    pub facts: Vec<u8>,
    /// Unix microseconds.
    pub created_at: i64,
    /// Unix microseconds.
    pub updated_at: i64,
}

/// The first answer to a request with an idempotency key.
#[derive(Clone)]
pub struct SavedReply {
    /// Client id.
    pub client: String,
    /// The key.
    pub key: String,
    /// SHA-256 of method, path and body.
    pub fingerprint: [u8; 32],
    /// HTTP status.
    pub status: u16,
    /// The body, sealed.
    pub body: Vec<u8>,
    /// Unix microseconds.
    pub at: i64,
}

/// Which mismatches a list wants.
#[derive(Clone, Default)]
pub struct MismatchFilter {
    /// Of this agency's applications.
    pub agency: Option<String>,
    /// Of these datasets; `None`: any.
    pub datasets: Option<Vec<String>>,
    /// In this state.
    pub state: Option<String>,
    /// Due before this date (ISO 8601), and not over.
    pub due_before: Option<String>,
    /// With a greater id.
    pub after: Option<String>,
    /// Rows at most.
    pub limit: u32,
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

/// Counts for the board and the metrics.
#[derive(Clone, Debug, Default)]
pub struct LoopCounts {
    /// Mismatches by word of state.
    pub mismatches: Vec<(String, u64)>,
    /// Mismatches that are not over and were due before a given date.
    pub overdue: u64,
    /// Deliveries that are pending or dead, by word of state.
    pub deliveries: Vec<(String, u64)>,
    /// Alerts by rule, since the beginning.
    pub alerts: Vec<(String, u64)>,
    /// Creation of the oldest pending delivery, Unix microseconds.
    pub oldest_pending_at: Option<i64>,
}
