//! A `Commit` in the form that the writer binds: owned, so that it outlives the caller that asked for it.
//! Built on the caller's task, to keep copying and JSON out of the one writer.

use std::sync::Arc;

use data_encoding::HEXLOWER;
use serde::Serialize;

use heyan_ports::commit::{AgencyRow, ClientRow, Commit, GrantRow, RecordKeys, RecordWrite};
use heyan_ports::rows::{
    AlertRow, AnswerRow, BusWrites, CaseWrites, DeliveryResult, DeliveryRow, EventRow, GuessHead, GuessRow, ItemRow,
    MismatchWrite, QualityWrites, RowKey, SavedReply, SealRow, SubscriptionRow, SupervisionWrites, UnlockWrite,
    WatchRow,
};
use heyan_ports::store::{LiveFetch, RecordKey, SubjectKey};

/// One of the nodes that may share a store.
#[derive(Default)]
pub(super) struct Node {
    /// Name of its ledger.
    pub(super) origin: Arc<str>,
    /// Name of this run of it, by which it knows its own notices.
    pub(super) run: Arc<str>,
}

/// One commit, owned.
pub(super) struct Batch {
    pub(super) records: Vec<RecordRow>,
    pub(super) live_fetches: Vec<(RecordKey, LiveFetch)>,
    pub(super) agencies: Vec<AgencyRow>,
    pub(super) clients: Vec<ClientRow>,
    pub(super) grants: Vec<GrantRow>,
    pub(super) entries: Vec<Vec<u8>>,
    /// Whose commit it is.
    pub(super) node: Arc<Node>,
    pub(super) stamps: Vec<u16>,
    pub(super) turn: Option<Box<Turn>>,
}

/// What a commit writes of the loop, of service items and of keys of records: apart, because most commits write none of it.
pub(super) struct Turn {
    pub(super) record_keys: Vec<RecordKeys>,
    pub(super) items: Vec<ItemRow>,
    pub(super) seals: Vec<SealRow>,
    pub(super) mismatches: Vec<MismatchWrite>,
    pub(super) opens_first: bool,
    pub(super) guesses: Vec<GuessRow>,
    pub(super) guess_head: Option<GuessHead>,
    pub(super) unlock: Option<UnlockWrite>,
    pub(super) forgiven: Vec<SubjectKey>,
    pub(super) events: Vec<EventRow>,
    pub(super) fanned: Vec<RowKey>,
    pub(super) deliveries: Vec<DeliveryRow>,
    pub(super) delivery_results: Vec<DeliveryResult>,
    pub(super) subscriptions: Vec<SubscriptionRow>,
    pub(super) answers: Vec<AnswerRow>,
    pub(super) positions: Vec<(String, String)>,
    pub(super) reply: Option<SavedReply>,
    pub(super) watches: Vec<WatchRow>,
    pub(super) quality: QualityWrites,
    pub(super) cases: CaseWrites,
    pub(super) alerts: Vec<AlertRow>,
    pub(super) bus: BusWrites,
    pub(super) supervision: SupervisionWrites,
    pub(super) at: i64,
}

impl Turn {
    fn of(commit: &Commit) -> Option<Box<Self>> {
        let turn = Self {
            record_keys: commit.record_keys.clone(),
            items: commit.items.clone(),
            seals: commit.seals.clone(),
            mismatches: commit.mismatches.clone(),
            opens_first: commit.opens_first,
            guesses: commit.guesses.clone(),
            guess_head: commit.guess_head,
            unlock: commit.unlock.clone(),
            forgiven: commit.forgiven.clone(),
            events: commit.events.clone(),
            fanned: commit.fanned.clone(),
            deliveries: commit.deliveries.clone(),
            delivery_results: commit.delivery_results.clone(),
            subscriptions: commit.subscriptions.clone(),
            answers: commit.answers.clone(),
            positions: commit.positions.clone(),
            reply: commit.reply.clone(),
            watches: commit.watches.clone(),
            quality: commit.quality.clone(),
            cases: commit.cases.clone(),
            alerts: commit.alerts.clone(),
            bus: commit.bus.clone(),
            supervision: commit.supervision.clone(),
            at: commit.at,
        };
        (turn.weight() > 0).then(|| Box::new(turn))
    }

    fn weight(&self) -> usize {
        2 * self.mismatches.len()
            + self.record_keys.len()
            + self.items.len()
            + self.seals.len()
            + self.guesses.len()
            + usize::from(self.guess_head.is_some())
            + usize::from(self.unlock.is_some())
            + self.forgiven.len()
            + self.events.len()
            + self.fanned.len()
            + self.deliveries.len()
            + self.delivery_results.len()
            + self.subscriptions.len()
            + self.answers.len()
            + self.positions.len()
            + usize::from(self.reply.is_some())
            + self.watches.len()
            + self.quality.verdicts.len()
            + self.quality.steps.len()
            + self.cases.weight()
            + self.alerts.len()
            + self.bus.weight()
            + self.supervision.weight()
    }
}

/// One record write, owned; texts are shared so that binding them copies nothing.
pub(super) struct RecordRow {
    pub(super) dataset: Arc<str>,
    pub(super) subject: SubjectKey,
    pub(super) expected: Option<u32>,
    pub(super) version: u32,
    pub(super) source_version: Option<i64>,
    pub(super) effective_at: Option<i64>,
    pub(super) received_at: i64,
    pub(super) source: Option<Arc<str>>,
    pub(super) identifiers: Arc<str>,
    pub(super) fields: Arc<str>,
}

impl Batch {
    pub(super) fn of(commit: &Commit, node: &Arc<Node>) -> Self {
        Self {
            node: Arc::clone(node),
            stamps: commit.stamps.clone(),
            records: commit.records.iter().map(RecordRow::of).collect(),
            live_fetches: commit.live_fetches.clone(),
            agencies: commit.agencies.clone(),
            clients: commit.clients.clone(),
            grants: commit.grants.clone(),
            entries: commit.ledger_entries.clone(),
            turn: Turn::of(commit),
        }
    }

    /// A batch that writes nothing.
    pub(super) fn none() -> Self {
        Self::of(&Commit::default(), &Arc::default())
    }

    /// How much of a group this batch fills, in rows.
    pub(super) fn weight(&self) -> usize {
        let access = self.agencies.len() + self.clients.len() + self.grants.len();
        let turn = self.turn.as_ref().map_or(0, |turn| turn.weight());
        (self.records.len() + self.live_fetches.len() + self.entries.len() + access + turn).max(1)
    }
}

impl RecordRow {
    fn of(write: &RecordWrite) -> Self {
        let record = &write.record;
        Self {
            dataset: Arc::clone(&write.dataset),
            subject: write.subject,
            expected: write.expected,
            version: record.version,
            source_version: record.source_version,
            effective_at: record.effective_at,
            received_at: record.received_at,
            source: record.source.as_deref().map(Arc::from),
            identifiers: Arc::from(record.subject.as_str()),
            fields: Arc::from(record.fields.as_str()),
        }
    }
}

/// JSON text of a list of plain values, for `json_each` or a column; it cannot fail for such values, and an empty list
/// would be caught by the count of changed rows.
pub(super) fn json_text<T: Serialize>(values: &[T]) -> String {
    serde_json::to_string(values).unwrap_or_else(|_| "[]".to_owned())
}

/// JSON text of keys: `[[subject in hexadecimal, id], …]`.
pub(super) fn keys_text(keys: &[RowKey]) -> String {
    let pairs: Vec<(String, &str)> = keys.iter().map(|key| (hex(key.subject), key.id.as_str())).collect();
    json_text(&pairs)
}

/// Lower-case hexadecimal of a subject.
pub(super) fn hex(subject: SubjectKey) -> String {
    HEXLOWER.encode(&subject.0)
}
