//! Records come in: checked against the dataset's schema, decided against what is stored, committed all or none,
//! and only then told to the cache and acknowledged.
//! Order that keeps freshness (PROMISES I-8): commit, then bump the stamp, then answer.

use std::{collections::HashMap, sync::Arc};

use serde_json::Value;

use super::{
    commit::{Commit, RecordWrite},
    error::{AppError, Thing},
    hub::{Caller, Hub},
    ports::{RecordKey, StoreError, StoredRecord},
    purpose,
    rows::EventRow,
    time,
    verification_id::new_id,
};
use crate::{
    catalog::{Dataset, Subject},
    domain::{fault::Fault, policy::Operation},
    ledger::entry::{self, Kind},
};

/// What became of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ingested {
    /// The first version.
    Created,
    /// A new version.
    Updated,
    /// The same values are current already.
    Unchanged,
    /// The authority's own version is not newer than what is stored.
    Ignored,
}

impl Ingested {
    /// The wire word.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
            Self::Ignored => "ignored",
        }
    }
}

/// What became of one record, and the version that is current now.
pub type IngestResult = Result<(Ingested, u32), AppError>;

/// A record that was checked.
struct Incoming {
    subject: Subject,
    key: RecordKey,
    if_match: Option<u32>,
    stored: StoredRecord,
}

/// The answers, and where their entry stands.
pub struct IngestAnswer {
    /// In the order of the records.
    pub results: Vec<IngestResult>,
    /// Ledger index of the entry; `None` when no record was good.
    pub index: Option<u64>,
    /// Leaf hash of the entry.
    pub leaf: Option<[u8; 32]>,
}

/// Records of one commit and one ledger entry.
pub const RECORDS_MAX: usize = 3_000;

/// Times that a decision is made anew because a record changed in between.
const ATTEMPTS_MAX: usize = 8;

/// Whether `caller` may contribute to `dataset`.
///
/// # Errors
/// Neither the owner nor granted `contribute`.
pub fn may_contribute(hub: &Hub, caller: &Caller, dataset: &Dataset) -> Result<(), AppError> {
    let agency = caller.agency()?;
    if agency.owns(dataset) {
        return Ok(());
    }
    let granted = agency.may(Operation::Contribute, dataset, hub.clock.now_us(), caller.peer);
    if granted { Ok(()) } else { Err(AppError::NotOwner) }
}

/// Takes records of one dataset; `if_match` belongs to a single record.
///
/// # Errors
/// The store or the ledger cannot be asked. What is wrong with one record stands in its own result.
pub async fn ingest(
    hub: &Hub,
    caller: &Caller,
    dataset: &Arc<Dataset>,
    records: Vec<Result<Value, AppError>>,
    if_match: Option<u32>,
) -> Result<IngestAnswer, AppError> {
    let now_us = hub.clock.now_us();
    let mut results: Vec<Option<IngestResult>> = Vec::with_capacity(records.len());
    let mut incoming: Vec<(usize, Incoming)> = Vec::with_capacity(records.len());
    for (position, record) in records.into_iter().enumerate() {
        match record.and_then(|record| check(hub, dataset, record, if_match, now_us)) {
            Ok(checked) => {
                incoming.push((position, checked));
                results.push(None);
            }
            Err(error) => results.push(Some(Err(error))),
        }
    }
    let mut answer = IngestAnswer {
        results: Vec::new(),
        index: None,
        leaf: None,
    };
    if !incoming.is_empty() {
        let appended = decide_and_commit(hub, caller, dataset, &incoming, now_us, &mut results).await?;
        answer.index = Some(appended.index);
        answer.leaf = Some(appended.leaf);
    }
    answer.results = results
        .into_iter()
        .map(|result| result.unwrap_or(Err(AppError::Internal("a record was left undecided"))))
        .collect();
    Ok(answer)
}

fn check(
    hub: &Hub,
    dataset: &Arc<Dataset>,
    record: Value,
    if_match: Option<u32>,
    now_us: i64,
) -> Result<Incoming, AppError> {
    let envelope = Envelope::split(record)?;
    let faults = dataset.check(&envelope.body);
    if !faults.is_empty() {
        return Err(AppError::Invalid(faults));
    }
    let part = |name: &str| envelope.body.get(name).and_then(Value::as_object);
    let (Some(subject), Some(fields)) = (part("subject"), part("fields")) else {
        return Err(AppError::fault("", "invalid_type"));
    };
    let parsed = dataset
        .parse_subject(|name| subject.get(name).and_then(Value::as_str))
        .map_err(AppError::Invalid)?;
    let key = RecordKey {
        dataset: Arc::clone(&dataset.name),
        subject: hub.loader.subject_key(dataset, &parsed.key),
    };
    let json =
        |object| serde_json::to_string(object).map_err(|_unwritable| AppError::Internal("a record cannot be written"));
    let stored = StoredRecord {
        version: 0,
        source_version: envelope.source_version,
        effective_at: envelope.effective_at,
        received_at: now_us,
        source: envelope.source,
        subject: json(subject)?,
        fields: json(fields)?,
    };
    Ok(Incoming {
        subject: parsed,
        key,
        if_match,
        stored,
    })
}

/// The members beside `subject` and `fields`.
struct Envelope {
    body: Value,
    source_version: Option<i64>,
    effective_at: Option<i64>,
    source: Option<String>,
}

/// Longest name of a source, bytes.
const SOURCE_BYTES_MAX: usize = 256;

impl Envelope {
    fn split(mut record: Value) -> Result<Self, AppError> {
        let object = record
            .as_object_mut()
            .ok_or_else(|| AppError::fault("", "invalid_type"))?;
        let source_version = match object.remove("source_version") {
            None | Some(Value::Null) => None,
            Some(value) => {
                let version = value.as_i64().filter(|version| *version >= 0);
                Some(version.ok_or_else(|| AppError::fault("/source_version", "invalid_type"))?)
            }
        };
        let effective_at = match object.remove("effective_at") {
            None | Some(Value::Null) => None,
            Some(value) => {
                let time = value.as_str().and_then(time::parse_rfc3339);
                Some(time.ok_or_else(|| AppError::fault("/effective_at", "invalid_value"))?)
            }
        };
        let source = match object.remove("source") {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) if text.len() <= SOURCE_BYTES_MAX => Some(text),
            Some(Value::String(_)) => return Err(AppError::fault("/source", "value_too_long")),
            Some(_) => return Err(AppError::fault("/source", "invalid_type")),
        };
        Ok(Self {
            body: record,
            source_version,
            effective_at,
            source,
        })
    }
}

async fn decide_and_commit(
    hub: &Hub,
    caller: &Caller,
    dataset: &Arc<Dataset>,
    incoming: &[(usize, Incoming)],
    now_us: i64,
    results: &mut [Option<IngestResult>],
) -> Result<crate::ledger::Appended, AppError> {
    for _ in 0..ATTEMPTS_MAX {
        let keys: Vec<RecordKey> = incoming.iter().map(|(_, record)| record.key.clone()).collect();
        let stored = hub.store.records(&keys).await?;
        let (writes, decisions) = decide(incoming, stored);
        let entry = entry_of(hub, caller, dataset, &writes, now_us)?;
        let events = changes(hub, &writes, now_us)?;
        let any = !events.is_empty();
        let commit = Commit {
            records: writes,
            events,
            stamps: incoming
                .iter()
                .map(|(_, record)| hub.records.bucket_of(&record.subject.key))
                .collect(),
            ledger_entries: vec![entry],
            at: now_us,
            ..Commit::default()
        };
        let committed = match hub.commit(commit).await {
            Err(AppError::Store(StoreError::Conflict)) => continue,
            committed => committed?,
        };
        // Committed: a crash before the append leaves the entry in the outbox, and the next start appends it.
        for (_, record) in incoming {
            hub.records.invalidate(&record.subject.key);
        }
        let appended = hub.enter(committed).await?.into_iter().next();
        if any {
            hub.wake_relay();
        }
        for ((position, _), decision) in incoming.iter().zip(decisions) {
            if let Some(result) = results.get_mut(*position) {
                *result = Some(decision);
            }
        }
        return appended.ok_or(AppError::Internal("records were not entered"));
    }
    Err(AppError::Store(StoreError::Conflict))
}

/// That records changed, for those who must hear of it. A first version is news only where someone listens for all of a
/// dataset: nobody can have been answered from a version before it, and a first load must not write everything twice.
pub(super) fn changes(hub: &Hub, writes: &[RecordWrite], now_us: i64) -> Result<Vec<EventRow>, AppError> {
    let Some(first) = writes.first() else {
        return Ok(Vec::new());
    };
    let subscriptions = hub.subscriptions.load();
    let (access, dataset) = (hub.access.load(), hub.catalog.get(&first.dataset));
    let reads = |agency: &str| {
        let agency = access.agencies.get(agency);
        agency.is_some_and(|agency| dataset.is_some_and(|dataset| agency.reads(dataset, now_us)))
    };
    let listens = |row: &Arc<super::rows::SubscriptionRow>| {
        row.covers("record.changed", Some(&first.dataset), now_us) && reads(&row.agency)
    };
    let in_sink = |name: &String| name == "*" || **name == *first.dataset;
    let heard = hub
        .connectors
        .sinks()
        .iter()
        .any(|sink| sink.datasets.iter().any(in_sink))
        || subscriptions.by_id.values().any(listens);
    let news = writes.iter().filter(|write| heard || write.expected.is_some());
    news.map(|write| {
        Ok(EventRow {
            id: new_id(b"evt_", now_us, hub.settings.node)?,
            kind: "record.changed",
            dataset: Some(Arc::clone(&write.dataset)),
            subject: Some(write.subject),
            version: Some(write.record.version),
            mismatch: None,
            agency: None,
            facts: None,
            at: now_us,
        })
    })
    .collect()
}

/// Pure: what each record becomes, given what is stored. The same subject twice in one call: the later one sees the
/// earlier one as stored.
fn decide(incoming: &[(usize, Incoming)], stored: Vec<Option<StoredRecord>>) -> (Vec<RecordWrite>, Vec<IngestResult>) {
    let mut current: HashMap<[u8; 16], Option<StoredRecord>, ahash::RandomState> = HashMap::default();
    for ((_, record), stored) in incoming.iter().zip(stored) {
        current.entry(record.key.subject.0).or_insert(stored);
    }
    let (mut writes, mut results) = (Vec::new(), Vec::with_capacity(incoming.len()));
    for (_, record) in incoming {
        let Some(now) = current.get_mut(&record.key.subject.0) else {
            continue;
        };
        let result = decide_one(record, now.as_ref());
        if let Ok((Ingested::Created | Ingested::Updated, version)) = &result {
            // A write that states no version of the authority's leaves the order it has reached as it is.
            let source_version = record
                .stored
                .source_version
                .or(now.as_ref().and_then(|now| now.source_version));
            let new = StoredRecord {
                version: *version,
                source_version,
                ..record.stored.clone()
            };
            writes.push(RecordWrite {
                dataset: Arc::clone(&record.key.dataset),
                subject: record.key.subject,
                expected: now.as_ref().map(|now| now.version),
                record: new.clone(),
            });
            *now = Some(new);
        }
        results.push(result);
    }
    (writes, results)
}

fn decide_one(record: &Incoming, now: Option<&StoredRecord>) -> IngestResult {
    let version = now.map_or(0, |now| now.version);
    if record.if_match.is_some_and(|wanted| wanted != version) {
        return Err(AppError::PreconditionFailed);
    }
    let Some(now) = now else {
        return Ok((Ingested::Created, 1));
    };
    if let (Some(new), Some(old)) = (record.stored.source_version, now.source_version)
        && new <= old
    {
        return Ok((Ingested::Ignored, version));
    }
    if now.fields == record.stored.fields && record.stored.source_version.is_none() {
        return Ok((Ingested::Unchanged, version));
    }
    let next = version
        .checked_add(1)
        .ok_or(AppError::Internal("a record has too many versions"))?;
    Ok((Ingested::Updated, next))
}

pub(super) fn entry_of(
    hub: &Hub,
    caller: &Caller,
    dataset: &Dataset,
    writes: &[RecordWrite],
    now_us: i64,
) -> Result<Vec<u8>, AppError> {
    let client = &*caller.client.row.id;
    entry_by(hub, caller.agency_number(), &[client], dataset, writes, now_us)
}

/// The entry of record versions that `agency` wrote; `by` names who exactly, sealed.
pub(super) fn entry_by(
    hub: &Hub,
    agency: u32,
    by: &[&str],
    dataset: &Dataset,
    writes: &[RecordWrite],
    now_us: i64,
) -> Result<Vec<u8>, AppError> {
    let mut bytes = Vec::with_capacity(64 + writes.len() * 20);
    entry::begin(&mut bytes, Kind::Records, now_us, agency);
    entry::put_text(&mut bytes, &dataset.rules);
    entry::put_count(
        &mut bytes,
        u16::try_from(writes.len()).map_err(|_too_many| AppError::TooManyItems)?,
    );
    for write in writes {
        bytes.extend_from_slice(&write.subject.0);
        bytes.extend_from_slice(&write.record.version.to_be_bytes());
    }
    purpose::seal_parts(hub, by, &mut bytes)?;
    Ok(bytes)
}

/// A record as a reader with the grant `read` gets it: permitted fields, masked where the dataset says so.
pub struct ReadRecord {
    /// Version.
    pub version: u32,
    /// When the hub received it, RFC 3339.
    pub as_of: String,
    /// Field → masked value, in the order of the schema.
    pub fields: Vec<(Box<str>, String)>,
}

/// Reads one record for a reader.
///
/// # Errors
/// Not granted, no such record, or the store cannot be asked.
pub async fn read(
    hub: &Hub,
    caller: &Caller,
    dataset: &Arc<Dataset>,
    subject: &super::question::Members<'_, super::question::Text<'_>>,
    item_code: &str,
) -> Result<ReadRecord, AppError> {
    let agency = caller.agency()?;
    let owner = agency.owns(dataset);
    let fields = if owner {
        crate::domain::policy::FieldSet::ALL
    } else {
        let allowed = agency.permission(dataset, item_code, hub.clock.now_us(), caller.peer)?;
        if !allowed.permission.has(Operation::Read) {
            return Err(super::access::Refusal::NotGranted(crate::domain::policy::Clause::Operation).into());
        }
        allowed.charge(super::usage::day_of(hub.clock.now_us()))?;
        allowed.permission.fields(Operation::Read)
    };
    let subject = super::verify::parse_subject(dataset, subject)?;
    let missing = || AppError::NotFound(Thing::Record);
    if let Some(slot) = super::live::bring(hub, dataset, &subject.key).await?
        && slot.record.is_none()
    {
        // A copy may be stored still, but the source knows of none any more.
        return Err(missing());
    }
    let key = RecordKey {
        dataset: Arc::clone(&dataset.name),
        subject: hub.loader.subject_key(dataset, &subject.key),
    };
    let stored = hub.store.records(&[key]).await?.pop().flatten().ok_or_else(missing)?;
    Ok(ReadRecord {
        version: stored.version,
        as_of: time::rfc3339(stored.received_at),
        fields: shown(dataset, &stored, |number| fields.has(number), owner),
    })
}

/// The fields of a stored record that `may_see`, masked unless the reader is the owner.
pub(super) fn shown(
    dataset: &Dataset,
    stored: &StoredRecord,
    may_see: impl Fn(u8) -> bool,
    owner: bool,
) -> Vec<(Box<str>, String)> {
    let Ok(Value::Object(values)) = serde_json::from_str::<Value>(&stored.fields) else {
        return Vec::new();
    };
    let numbered = dataset.fields.iter().zip(0_u8..);
    let visible = numbered
        .filter(|(_, number)| may_see(*number))
        .filter_map(|(field, _)| {
            let value = values.get(&*field.name)?.as_str()?;
            let text = if owner {
                value.to_owned()
            } else {
                field.mask.apply(value)
            };
            Some((field.name.clone(), text))
        });
    visible.collect()
}

impl From<Fault> for AppError {
    fn from(fault: Fault) -> Self {
        Self::Invalid(vec![fault])
    }
}
