//! The few ports of the core: what it asks of a store and of a clock.
//! A store decides nothing: it applies a whole `Commit` or none of it.

use std::sync::Arc;

use async_trait::async_trait;

use super::{
    commit::{AgencyRow, ClientRow, Commit, GrantRow, GrantUsage},
    rows::{
        AlertFilter, AlertRow, AlertStep, AnswerRow, CaseCheckRow, CaseRow, Delivery, DeliveryFilter, Event, GuessRow,
        ItemRow, LoopCounts, MismatchFilter, MismatchRow, PostedEntries, RowKey, SavedReply, SealRow, StepRow,
        StepTally, SubscriptionRow, VerdictTally, WatchFilter, WatchRow,
    },
};

/// Keyed pseudonym of a subject within one dataset: HMAC-SHA256, first 16 bytes. The only form in which a
/// subject is a key of a table, of the ledger or of a message.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubjectKey(pub [u8; 16]);

impl SubjectKey {
    /// Stands in keys of rows that are about no subject, such as the event of a test.
    pub const NOBODY: Self = Self([0; 16]);
}

/// Names one record.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RecordKey {
    /// Dataset name, such as `natural-person`.
    pub dataset: Arc<str>,
    /// Whom or what the record is about.
    pub subject: SubjectKey,
}

/// One authoritative record as the store holds it. Holds personal data: no `Debug`.
#[derive(Clone)]
pub struct StoredRecord {
    /// Counter per record, from 1, given by the hub.
    pub version: u32,
    /// Counter of the authority's own, when it gives one.
    pub source_version: Option<i64>,
    /// When the authority says that the values took effect, Unix microseconds.
    pub effective_at: Option<i64>,
    /// When the hub received this version, Unix microseconds.
    pub received_at: i64,
    /// Where the authority says that it came from.
    pub source: Option<String>,
    /// JSON object of the subject's identifiers.
    pub subject: String,
    /// JSON object of the fields.
    pub fields: String,
}

/// What a verification needs of a record. Holds personal data: no `Debug`.
#[derive(Clone)]
pub struct NewestRecord {
    /// As [`StoredRecord::version`].
    pub version: u32,
    /// As [`StoredRecord::received_at`].
    pub received_at: i64,
    /// As [`StoredRecord::fields`].
    pub fields: String,
}

/// The last time that the source of a live dataset was asked about a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveFetch {
    /// When, Unix microseconds.
    pub at_us: i64,
    /// Whether it knew of the record; if not, an older copy is void.
    pub found: bool,
}

/// Who may call and what they may do, read whole at start and after each change of access.
#[derive(Default)]
pub struct AccessRows {
    /// Every agency, disabled ones too.
    pub agencies: Vec<AgencyRow>,
    /// Every client credential.
    pub clients: Vec<ClientRow>,
    /// Every grant, revoked ones too.
    pub grants: Vec<GrantRow>,
    /// Look-ups counted against daily ceilings, of the newest two days.
    pub usage: Vec<GrantUsage>,
}

/// A ledger entry that was committed with state and still has to be appended.
pub struct PendingEntry {
    /// Outbox row.
    pub id: i64,
    /// Entry bytes.
    pub entry: Vec<u8>,
}

/// Why a store call failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A compare-and-set found another version than the decision was made on: read again and decide again.
    #[error("a record or row changed since it was read")]
    Conflict,
    /// The engine failed; the text names the statement, never a value.
    #[error("store failed in {statement}")]
    Engine {
        /// Name of the statement's file.
        statement: &'static str,
        /// The engine's error.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A row holds what its column must not.
    #[error("bad row in {table}, column {column}")]
    BadRow {
        /// Table.
        table: &'static str,
        /// Column.
        column: &'static str,
    },
}

/// What another node says that it changed in the store, or that the line is alive.
#[derive(Clone, PartialEq, Eq)]
pub enum Notice {
    /// Cached records in these buckets of stamps are stale.
    Stamps(Vec<u16>),
    /// What is pending about these subjects changed.
    Pending(Vec<SubjectKey>),
    /// Agencies, clients or grants changed.
    Access,
    /// Service items changed.
    Items,
    /// Subscriptions changed.
    Subscriptions,
    /// There are new events or deliveries.
    Events,
    /// So much changed that everything must be read again.
    Everything,
    /// Another node asks this one something.
    Asked,
    /// What this node asked under an id is answered.
    Answered(String),
    /// This node's own beat came back: all that was said before it was sent has been heard. Its number, as it was sent.
    Beat(u64),
}

/// Up to when what is kept for a while is forgotten.
#[derive(Clone, Copy, Debug)]
pub struct Before {
    /// Saved replies, Unix microseconds.
    pub replies_us: i64,
    /// Guesses, Unix microseconds.
    pub guesses_us: i64,
    /// Requests to forgive guesses, Unix microseconds.
    pub unlocks_us: i64,
    /// Watches that ended, Unix microseconds.
    pub watches_us: i64,
    /// What nodes asked each other and nobody took away, Unix microseconds.
    pub asks_us: i64,
    /// What may be used once, Unix seconds.
    pub used_s: i64,
}

/// One of the nodes that share a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeRow {
    /// Name of its ledger.
    pub origin: String,
    /// Its number, part of every id that it makes.
    pub number: u16,
    /// Where callers reach it.
    pub url: String,
    /// Verifier key of its checkpoints.
    pub ledger_key: String,
    /// The newest checkpoint that it has shown, a signed note.
    pub checkpoint: Option<String>,
    /// When it was last seen, Unix microseconds by the store's clock.
    pub seen_at: i64,
}

/// A checkpoint of one node's ledger that another has countersigned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CosignedRow {
    /// Whose ledger.
    pub origin: String,
    /// Who countersigned.
    pub witness: String,
    /// The verifier key of the countersignature.
    pub witness_key: String,
    /// The checkpoint with the countersignature, a signed note.
    pub checkpoint: String,
    /// When, Unix microseconds.
    pub at: i64,
}

/// A line on which nodes that share a store hear each other.
#[async_trait]
pub trait News: Send {
    /// The next notices, in the order of their commits. Of this node's own only its beats, and what makes memory stale: it may never
    /// have learned that a commit of its own stands.
    ///
    /// # Errors
    /// The line is lost, and what was said meanwhile is not known.
    async fn next(&mut self) -> Result<Vec<Notice>, StoreError>;
}

/// The system of record: SQLite (embedded) or PostgreSQL (cluster).
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Point look-ups, many keys a query; the answer has the order and length of `keys`.
    async fn records(&self, keys: &[RecordKey]) -> Result<Vec<Option<StoredRecord>>, StoreError>;

    /// As `records`, but only what a verification needs of each.
    async fn newest(&self, keys: &[RecordKey]) -> Result<Vec<Option<NewestRecord>>, StoreError>;

    /// One version of a record, current or past.
    async fn record_version(&self, key: &RecordKey, version: u32) -> Result<Option<StoredRecord>, StoreError>;

    /// Records that are found under a keyed hash, at most 16.
    async fn subjects_of_key(&self, dataset: &str, hash: [u8; 16]) -> Result<Vec<SubjectKey>, StoreError>;

    /// When the source of a live record was last asked.
    async fn live_fetch(&self, key: &RecordKey) -> Result<Option<LiveFetch>, StoreError>;

    /// Applies all of `commit` or none; answers the outbox ids of `commit.ledger_entries`, in order.
    async fn commit(&self, commit: &Commit) -> Result<Vec<i64>, StoreError>;

    /// Everything about access.
    async fn access(&self) -> Result<AccessRows, StoreError>;

    /// Oldest entries of the ledger outbox, at most `limit`.
    async fn pending_entries(&self, limit: u32) -> Result<Vec<PendingEntry>, StoreError>;

    /// Deletes outbox rows whose entries are durable in the ledger.
    async fn forget_entries(&self, ids: &[i64]) -> Result<(), StoreError>;

    /// Adds to the daily counters of grants.
    async fn add_usage(&self, usage: &[GrantUsage]) -> Result<(), StoreError>;

    /// The counters of grants, of the newest two days.
    async fn usage(&self) -> Result<Vec<GrantUsage>, StoreError>;

    /// Number of current records per dataset.
    async fn record_counts(&self) -> Result<Vec<(String, u64)>, StoreError>;

    /// One mismatch of a subject.
    async fn mismatch(&self, subject: SubjectKey, id: &str) -> Result<Option<MismatchRow>, StoreError>;

    /// One mismatch of whomever: for a caller who has the id alone, since every shard is asked.
    async fn find_mismatch(&self, id: &str) -> Result<Option<MismatchRow>, StoreError>;

    /// The steps of a mismatch, oldest first.
    async fn mismatch_steps(&self, subject: SubjectKey, id: &str) -> Result<Vec<StepRow>, StoreError>;

    /// Mismatches by id.
    async fn mismatches(&self, filter: &MismatchFilter) -> Result<Vec<MismatchRow>, StoreError>;

    /// Mismatches whose one has no day to be done by, because its working days were not known. At most `limit`.
    async fn undated_mismatches(&self, limit: u32) -> Result<Vec<MismatchRow>, StoreError>;

    /// Gives a mismatch the day until when its one has time, unless it took a step meanwhile or has a day.
    async fn set_due(&self, row: &MismatchRow, due_on: &str) -> Result<(), StoreError>;

    /// Mismatches whose step is over: no delivery of the event that they await is pending. At most `limit`.
    async fn delivered_mismatches(&self, limit: u32) -> Result<Vec<MismatchRow>, StoreError>;

    /// The newest mismatch of a record, matter and field set, over or not.
    async fn mismatch_of(
        &self,
        key: &RecordKey,
        matter: &[u8; 16],
        fields: &[String],
    ) -> Result<Option<MismatchRow>, StoreError>;

    /// Guesses since a time, Unix microseconds.
    async fn guesses_since(&self, since: i64) -> Result<Vec<GuessRow>, StoreError>;

    /// Every subscription that is not deleted.
    async fn subscriptions(&self) -> Result<Vec<SubscriptionRow>, StoreError>;

    /// One watch.
    async fn watch(&self, id: &str) -> Result<Option<WatchRow>, StoreError>;

    /// Watches by id.
    async fn watches(&self, filter: &WatchFilter) -> Result<Vec<WatchRow>, StoreError>;

    /// Watches that have not ended and are to be looked at by `now`, the longest due first; at most `limit`.
    async fn due_watches(&self, now: i64, limit: u32) -> Result<Vec<WatchRow>, StoreError>;

    /// How many watches of an agency have not ended.
    async fn watch_count(&self, agency: &str) -> Result<u64, StoreError>;

    /// One joint case.
    async fn case(&self, id: &str) -> Result<Option<CaseRow>, StoreError>;

    /// Cases that an agency leads or handles, with a greater id, at most `limit`.
    async fn cases_of(&self, agency: &str, after: Option<&str>, limit: u32) -> Result<Vec<CaseRow>, StoreError>;

    /// The checks of a case, by number.
    async fn case_checks(&self, case: &str) -> Result<Vec<CaseCheckRow>, StoreError>;

    /// Verdicts of a range of days, both included, added up over the nodes, and over the agencies unless one is asked for.
    async fn verdict_tallies(&self, days: (i32, i32), agency: Option<u32>) -> Result<Vec<VerdictTally>, StoreError>;

    /// What was done with mismatches in a range of days, both included, added up over the nodes.
    async fn step_tallies(&self, days: (i32, i32)) -> Result<Vec<StepTally>, StoreError>;

    /// Every service item that was registered.
    async fn items(&self) -> Result<Vec<ItemRow>, StoreError>;

    /// Every seal, by id.
    async fn seals(&self) -> Result<Vec<SealRow>, StoreError>;

    /// Oldest events that were not fanned out, at most `limit`.
    async fn new_events(&self, limit: u32) -> Result<Vec<Event>, StoreError>;

    /// Mismatches by their keys, in any order; those that are gone are left out.
    async fn mismatches_by_key(&self, keys: &[RowKey]) -> Result<Vec<MismatchRow>, StoreError>;

    /// Which agencies were answered from which version of a record.
    async fn answers_of(&self, subjects: &[SubjectKey]) -> Result<Vec<AnswerRow>, StoreError>;

    /// The newest change of each of the records, with its event, for those that have one.
    async fn newest_changes(&self, subjects: &[SubjectKey]) -> Result<Vec<Event>, StoreError>;

    /// Deliveries to `target` that may be tried at `now`, those that come first in their order; at most `limit`.
    async fn due_deliveries(&self, target: &str, now: i64, limit: u32) -> Result<Vec<Delivery>, StoreError>;

    /// When the next pending delivery to `target` is due, Unix microseconds.
    async fn next_delivery_at(&self, target: &str) -> Result<Option<i64>, StoreError>;

    /// Targets that have a pending delivery.
    async fn pending_targets(&self) -> Result<Vec<String>, StoreError>;

    /// Deliveries by number.
    async fn deliveries(&self, filter: &DeliveryFilter) -> Result<Vec<Delivery>, StoreError>;

    /// One delivery.
    async fn delivery(&self, id: &str) -> Result<Option<Delivery>, StoreError>;

    /// Where the news of a mismatch's corrections and accepted values went, oldest first.
    async fn mismatch_deliveries(&self, subject: SubjectKey, id: &str) -> Result<Vec<Delivery>, StoreError>;

    /// How far something was read.
    async fn position(&self, name: &str) -> Result<Option<String>, StoreError>;

    /// The saved answer to an idempotency key.
    async fn reply(&self, client: &str, key: &str) -> Result<Option<SavedReply>, StoreError>;

    /// Deletes what is older than the given times.
    async fn forget_old(&self, before: Before) -> Result<(), StoreError>;

    /// Oldest events that the bus has not taken, at most `limit`.
    async fn unpublished_events(&self, limit: u32) -> Result<Vec<Event>, StoreError>;

    /// Oldest alerts that the bus has not taken, at most `limit`.
    async fn unpublished_alerts(&self, limit: u32) -> Result<Vec<AlertRow>, StoreError>;

    /// How many `events` and `alerts` the bus has not taken.
    async fn unpublished_counts(&self) -> Result<Vec<(String, u64)>, StoreError>;

    /// Keys of a topic behind which records without a version wait, at most `limit`.
    async fn parked_keys(&self, topic: &str, limit: u32) -> Result<Vec<[u8; 16]>, StoreError>;

    /// Alerts, newest first.
    async fn alerts(&self, filter: &AlertFilter) -> Result<Vec<AlertRow>, StoreError>;

    /// One alert.
    async fn alert(&self, id: &str) -> Result<Option<AlertRow>, StoreError>;

    /// The steps of an alert, oldest first.
    async fn alert_steps(&self, id: &str) -> Result<Vec<AlertStep>, StoreError>;

    /// What the rules of supervision have seen so far, sealed.
    async fn supervision_state(&self) -> Result<Option<Vec<u8>>, StoreError>;

    /// Ledgers of which entries wait for the node that watches.
    async fn posted_origins(&self) -> Result<Vec<String>, StoreError>;

    /// Entries of a ledger that wait, from an index on, in order.
    async fn posted_entries(&self, origin: &str, from: u64, limit: u32) -> Result<Vec<PostedEntries>, StoreError>;

    /// Counts for the board and the metrics; `today` is an ISO 8601 date.
    async fn loop_counts(&self, today: &str) -> Result<LoopCounts, StoreError>;

    /// A line to the other nodes; `None`: this node has the store for itself.
    async fn listen(&self) -> Result<Option<Box<dyn News>>, StoreError>;

    /// Sends a beat, which comes back on the line.
    async fn beat(&self, number: u64) -> Result<(), StoreError>;

    /// Takes or renews a lease on a name, for so long by the store's own clock. `false`: another node holds it.
    async fn lease(&self, name: &str, for_ms: u64) -> Result<bool, StoreError>;

    /// Gives a lease back.
    async fn release(&self, name: &str) -> Result<(), StoreError>;

    /// Shows this node to the others. `Conflict`: its number or its name is another's.
    async fn show_node(&self, node: &NodeRow) -> Result<(), StoreError>;

    /// Every node that was ever shown.
    async fn nodes(&self) -> Result<Vec<NodeRow>, StoreError>;

    /// Keeps the newest checkpoint of a ledger that this node has countersigned.
    async fn keep_cosigned(&self, row: &CosignedRow) -> Result<(), StoreError>;

    /// The newest countersigned checkpoints of every ledger, by witness.
    async fn cosigned(&self) -> Result<Vec<CosignedRow>, StoreError>;

    /// Asks the node of `origin` something, under a fresh id.
    async fn ask(&self, id: &str, origin: &str, question: &str, at_us: i64) -> Result<(), StoreError>;

    /// What this node is asked: ids and questions.
    async fn asks(&self) -> Result<Vec<(String, String)>, StoreError>;

    /// Answers a question.
    async fn answer(&self, id: &str, answer: &[u8]) -> Result<(), StoreError>;

    /// Takes the answer to a question of this node away.
    async fn take_answer(&self, id: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// Takes in what may be used once until a time, Unix seconds; `false`: it was used.
    async fn use_once(&self, hash: [u8; 16], until_s: i64) -> Result<bool, StoreError>;

    /// The mismatches of a subject that are not over.
    async fn pending_mismatches(&self, subject: SubjectKey) -> Result<Vec<MismatchRow>, StoreError>;

    /// The guesses about a subject that are counted.
    async fn guesses_about(&self, subject: SubjectKey) -> Result<Vec<GuessRow>, StoreError>;

    /// The revision of what was guessed about a subject; 0: nothing was.
    async fn guess_head(&self, subject: SubjectKey) -> Result<i64, StoreError>;

    /// Who asked for the guesses about a subject to be forgiven, and when.
    async fn unlock_request(&self, subject: SubjectKey) -> Result<Option<(String, i64)>, StoreError>;

    /// Settles what a name stands for, once for all nodes: answers the value that was settled first.
    async fn settle(&self, name: &str, value: &str) -> Result<String, StoreError>;

    /// Answers when the engine can read and write.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Flushes and closes; later calls fail.
    async fn close(&self);
}

/// Where time comes from.
pub trait Clock: Send + Sync + 'static {
    /// Now, Unix microseconds.
    fn now_us(&self) -> i64;
}
