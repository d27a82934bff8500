//! Everything that one state-changing use case writes, as one value.
//! The use case has already decided: the store only checks that what was read still stands (`expected`), and writes.

use std::sync::Arc;

use super::{
    rows::{
        AlertRow, AnswerRow, BusWrites, CaseWrites, DeliveryResult, DeliveryRow, EventRow, GuessHead, GuessRow,
        ItemRow, MismatchWrite, QualityWrites, RowKey, SavedReply, SealRow, SubscriptionRow, SupervisionWrites,
        UnlockWrite, WatchRow,
    },
    store::{LiveFetch, RecordKey, StoredRecord, SubjectKey},
};

/// All writes of one use case; applied all or none.
#[derive(Default)]
pub struct Commit {
    /// New record versions.
    pub records: Vec<RecordWrite>,
    /// Other ways to find them; `Hub::commit` makes these of `records`.
    pub record_keys: Vec<RecordKeys>,
    /// When sources of live datasets were asked; an older time never replaces a newer one.
    pub live_fetches: Vec<(RecordKey, LiveFetch)>,
    /// Agencies to insert or replace by id.
    pub agencies: Vec<AgencyRow>,
    /// Client credentials to insert or replace by id.
    pub clients: Vec<ClientRow>,
    /// Grants to insert or replace by id.
    pub grants: Vec<GrantRow>,
    /// Service items to insert, or to replace by a newer version; one that is not newer is a conflict.
    pub items: Vec<ItemRow>,
    /// Seals after a step; one that is not the step before its own is a conflict.
    pub seals: Vec<SealRow>,
    /// Mismatches after a step, with the step.
    pub mismatches: Vec<MismatchWrite>,
    /// Whether each new mismatch is the first about its matter and fields: if there is another, the commit is a conflict.
    pub opens_first: bool,
    /// Guesses that were counted; a value that is known already is not counted again.
    pub guesses: Vec<GuessRow>,
    /// The subject of the guesses, where other nodes count too.
    pub guess_head: Option<GuessHead>,
    /// A request to forgive guesses.
    pub unlock: Option<UnlockWrite>,
    /// Subjects whose guesses are forgiven.
    pub forgiven: Vec<SubjectKey>,
    /// What happened.
    pub events: Vec<EventRow>,
    /// Events whose deliveries are all there: each must not have been fanned out before.
    pub fanned: Vec<RowKey>,
    /// Who must hear of it; a second delivery of an event to a target is passed over.
    pub deliveries: Vec<DeliveryRow>,
    /// What attempts made of deliveries.
    pub delivery_results: Vec<DeliveryResult>,
    /// Subscriptions to insert or replace by id.
    pub subscriptions: Vec<SubscriptionRow>,
    /// Answers that the ledger tells of; one that is known already is passed over.
    pub answers: Vec<AnswerRow>,
    /// How far something was read: name and position.
    pub positions: Vec<(String, String)>,
    /// The first answer to a request with an idempotency key; a second one is a conflict.
    pub reply: Option<SavedReply>,
    /// Watches after a change: revision 1 is a new one, of any other the one before it must be current.
    pub watches: Vec<WatchRow>,
    /// Joint cases and their checks.
    pub cases: CaseWrites,
    /// Tallies of this node's ledger, to be added up; no two have one key.
    pub quality: QualityWrites,
    /// Alerts; a second one of the same cause only adds its evidence.
    pub alerts: Vec<AlertRow>,
    /// Buckets of cached records that this makes stale: other nodes are told in the same transaction.
    pub stamps: Vec<u16>,
    /// What concerns the bus.
    pub bus: BusWrites,
    /// What concerns supervision.
    pub supervision: SupervisionWrites,
    /// When, Unix microseconds; for rows that carry no time of their own.
    pub at: i64,
    /// Ledger entries handed over through the outbox, so that state is never without its entry.
    pub ledger_entries: Vec<Vec<u8>>,
}

/// One new version of one record.
#[derive(Clone)]
pub struct RecordWrite {
    /// Dataset name.
    pub dataset: Arc<str>,
    /// Subject pseudonym.
    pub subject: SubjectKey,
    /// Version that must be current for this write to stand; `None`: no record may exist.
    pub expected: Option<u32>,
    /// The new version, whole.
    pub record: StoredRecord,
}

/// The keyed hashes under which one record is found, besides its subject.
#[derive(Clone)]
pub struct RecordKeys {
    /// Dataset name.
    pub dataset: Arc<str>,
    /// Subject pseudonym.
    pub subject: SubjectKey,
    /// Whether there was a version before, whose hashes no longer hold.
    pub replaces: bool,
    /// The hashes, each once.
    pub hashes: Vec<[u8; 16]>,
}

/// An agency: who is answerable for the calls of its business systems, or for the records it contributes.
#[derive(Clone, Debug)]
pub struct AgencyRow {
    /// Slug, primary key.
    pub id: String,
    /// Small number of the agency in ledger entries; unique, never reused.
    pub number: u32,
    /// Name as people read it.
    pub name: String,
    /// Unified social credit code, 18 characters.
    pub credit_code: String,
    /// Datasets it is the authority for, besides those whose schema names its credit code.
    pub authority_for: Vec<String>,
    /// Source networks (CIDR) it may call from; empty: any.
    pub networks: Vec<String>,
    /// Disabled agencies keep their history and may do nothing.
    pub disabled: bool,
    /// Unix microseconds.
    pub created_at: i64,
    /// Unix microseconds.
    pub updated_at: i64,
}

/// A client credential: of an agency's business system, or of a person with a role in the bureau.
#[derive(Clone)]
pub struct ClientRow {
    /// OAuth 2.0 client id, primary key.
    pub id: String,
    /// Name as people read it.
    pub name: String,
    /// `agency`, `authority`, `operator`, `manager` or `auditor`.
    pub role: String,
    /// Agency that it speaks for; `None` for the bureau's own people.
    pub agency: Option<String>,
    /// SHA-256 of the secret.
    pub secret_hash: [u8; 32],
    /// SHA-256 of the secret before the last rotation.
    pub previous_secret_hash: Option<[u8; 32]>,
    /// Until when the previous secret is good, Unix microseconds.
    pub previous_valid_until: Option<i64>,
    /// Ed25519 public key for `private_key_jwt`.
    pub public_key: Option<[u8; 32]>,
    /// Disabled credentials are refused.
    pub disabled: bool,
    /// Unix microseconds.
    pub created_at: i64,
    /// Unix microseconds.
    pub updated_at: i64,
}

/// What one agency may ask of one dataset.
#[derive(Clone, Debug)]
pub struct GrantRow {
    /// Primary key, `grt_…`.
    pub id: String,
    /// Agency id.
    pub agency: String,
    /// Dataset name.
    pub dataset: String,
    /// Field names, or `*`.
    pub fields: Vec<String>,
    /// `verify`, `predicate`, `read`, `contribute`, `existence`, `stale_ok`.
    pub operations: Vec<String>,
    /// Service item codes, or `*`.
    pub item_codes: Vec<String>,
    /// Unix microseconds.
    pub valid_from: i64,
    /// Unix microseconds, exclusive; `None`: until revoked.
    pub valid_until: Option<i64>,
    /// Look-ups a day (Asia/Shanghai); `None`: no ceiling.
    pub daily_ceiling: Option<u64>,
    /// Source networks (CIDR); empty: any.
    pub networks: Vec<String>,
    /// When it was revoked, Unix microseconds.
    pub revoked_at: Option<i64>,
    /// Unix microseconds.
    pub created_at: i64,
}

/// Look-ups of one grant on one day.
#[derive(Clone, Debug)]
pub struct GrantUsage {
    /// Grant id.
    pub grant: String,
    /// Days since 1970-01-01 in Asia/Shanghai.
    pub day: i32,
    /// Look-ups.
    pub used: u64,
}
