//! Records come in: checked against the dataset's schema, decided against what is stored, committed all or none,
//! and only then told to the cache and acknowledged.
//! Order that keeps freshness (PROMISES I-8): commit, then bump the stamp, then answer.

pub mod feed;
mod incoming;

use crate::licences;
use crate::node::write::CommitAttempts;
use std::sync::Arc;

use serde_json::Value;

pub(crate) use self::incoming::IncomingRecord;
use super::licences::IssuedLicences;
use super::node::caller::Caller;
use super::{
    foundation::{error::AppError, ids::new_id, purpose},
    node::hub::Hub,
};
use heyan_catalog::Dataset;
use heyan_domain::{fault::MemberFault, policy::GrantOperation};
use heyan_ledger::{
    AppendedEntry,
    entry::{self, EntryKind},
};
use heyan_ports::{bus::BusTopic, commit::Commit, time};
use heyan_ports::{
    deliveries::EventRow,
    positions::BusWrites,
    records::{RecordWrite, StoredRecord},
    subject::RecordKey,
};

/// What became of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordIngest {
    /// The first version.
    Created,
    /// A new version.
    Updated,
    /// The same values are current already.
    Unchanged,
    /// The authority's own version is not newer than what is stored.
    Ignored,
}

impl RecordIngest {
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
pub type IngestResult = Result<(RecordIngest, u32), AppError>;

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

/// Whether `caller` may contribute to `dataset`.
///
/// # Errors
/// Neither the owner nor granted `contribute`.
pub fn may_contribute(hub: &Hub, caller: &Caller, dataset: &Dataset) -> Result<(), AppError> {
    let agency = caller.agency()?;
    if agency.owns(dataset) {
        return Ok(());
    }
    let granted = agency.may(GrantOperation::Contribute, dataset, hub.clock.now_us(), caller.peer);
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
    let (mut places, mut incoming) = (Vec::with_capacity(records.len()), Vec::with_capacity(records.len()));
    for (place, record) in records.into_iter().enumerate() {
        match record.and_then(|record| IncomingRecord::check(hub, dataset, record, if_match, now_us)) {
            Ok(checked) => {
                places.push(place);
                incoming.push(checked);
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
        let taken = take(hub, caller, &incoming, now_us, &BusWrites::default()).await?;
        let entered = taken.entries.first();
        let entered = entered.ok_or(AppError::Internal("records were not entered"))?;
        answer.index = Some(entered.index);
        answer.leaf = Some(entered.leaf);
        for (place, result) in places.into_iter().zip(taken.results) {
            if let Some(waiting) = results.get_mut(place) {
                *waiting = Some(result);
            }
        }
    }
    answer.results = results
        .into_iter()
        .map(|result| result.unwrap_or(Err(AppError::Internal("a record was left undecided"))))
        .collect();
    Ok(answer)
}

/// What became of checked records.
pub(crate) struct TakenRecords {
    /// In the order of the records.
    pub(crate) results: Vec<IngestResult>,
    /// One entry for each dataset.
    pub(crate) entries: Vec<AppendedEntry>,
}

/// Takes checked records in, of whatever datasets, in one commit with what it means for the bus.
///
/// # Errors
/// The store or the ledger cannot be asked, or a position in `bus` is not where it was left: nothing is taken in then.
pub(crate) async fn take(
    hub: &Hub,
    caller: &Caller,
    incoming: &[IncomingRecord],
    now_us: i64,
    bus: &BusWrites,
) -> Result<TakenRecords, AppError> {
    let mut attempts = CommitAttempts::none();
    loop {
        let keys: Vec<RecordKey> = incoming.iter().map(|record| record.key.clone()).collect();
        let stored = hub.store.records(&keys).await?;
        let (writes, results) = incoming::decide(&hub.node.changes, incoming, stored);
        let (mut events, mut ledger_entries) = (Vec::new(), Vec::new());
        for (dataset, writes) in by_dataset(incoming, &writes) {
            ledger_entries.push(entry_of(hub, caller, dataset, &writes, now_us)?);
            events.extend(changes(hub, &writes, now_us)?);
        }
        let issued = IssuedLicences::among(hub, &writes, now_us);
        let commit = Commit::at(now_us)
            .with(licences::keys_of(hub, &writes))
            .with(writes)
            .with(events)
            .stamps(
                incoming
                    .iter()
                    .map(|record| hub.records.caches.bucket_of(&record.subject.key))
                    .collect(),
            )
            .entries(ledger_entries)
            .with(issued.alerts(hub, now_us)?)
            .with(bus.clone());
        match hub.write(commit).await {
            // A position that somebody else moved stays moved: the caller finds that out.
            Err(error) if bus.advances.is_empty() && attempts.again(&error) => {}
            written => {
                let entries = written?;
                issued.measure(hub);
                return Ok(TakenRecords { results, entries });
            }
        }
    }
}

/// The writes of each dataset, in the order in which the datasets come.
fn by_dataset<'i>(incoming: &'i [IncomingRecord], writes: &[RecordWrite]) -> Vec<(&'i Arc<Dataset>, Vec<RecordWrite>)> {
    let mut parts: Vec<(&Arc<Dataset>, Vec<RecordWrite>)> = Vec::new();
    for record in incoming {
        if !parts.iter().any(|(dataset, _)| dataset.name == record.dataset.name) {
            parts.push((&record.dataset, Vec::new()));
        }
    }
    if let [(_, all)] = parts.as_mut_slice() {
        all.extend_from_slice(writes);
        return parts;
    }
    for write in writes {
        if let Some((_, part)) = parts.iter_mut().find(|(dataset, _)| dataset.name == write.dataset) {
            part.push(write.clone());
        }
    }
    parts
}

/// That records changed, for those who must hear of it. A first version is news only where someone listens for all of a
/// dataset: nobody can have been answered from a version before it, and a first load must not write everything twice.
pub(crate) fn changes(hub: &Hub, writes: &[RecordWrite], now_us: i64) -> Result<Vec<EventRow>, AppError> {
    let Some(first) = writes.first() else {
        return Ok(Vec::new());
    };
    let subscriptions = hub.outward.subscriptions.load();
    let (access, dataset) = (hub.access.table.load(), hub.catalog.get(&first.dataset));
    let reads = |agency: &str| {
        let agency = access.agencies.get(agency);
        agency.is_some_and(|agency| dataset.is_some_and(|dataset| agency.reads(dataset, now_us)))
    };
    let listens = |row: &Arc<heyan_ports::deliveries::SubscriptionRow>| {
        row.covers("record.changed", Some(&first.dataset), now_us) && reads(&row.agency)
    };
    let in_sink = |name: &String| name == "*" || **name == *first.dataset;
    let heard = hub
        .outward
        .connectors
        .sinks()
        .iter()
        .any(|sink| sink.datasets.iter().any(in_sink))
        || subscriptions.by_id.values().any(listens);
    let published = hub.outward.bus.hears(BusTopic::RecordChanged);
    let news = writes
        .iter()
        .filter(|write| heard || published || write.expected.is_some());
    news.map(|write| {
        Ok(EventRow {
            id: new_id(b"evt_", now_us, hub.node.settings.node)?,
            kind: "record.changed",
            dataset: Some(Arc::clone(&write.dataset)),
            subject: Some(write.subject),
            version: Some(write.record.version),
            mismatch: None,
            agency: None,
            facts: None,
            at: now_us,
            is_fanned: !heard && write.expected.is_none(),
            is_published: !published,
        })
    })
    .collect()
}

pub(crate) fn entry_of(
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
pub(crate) fn entry_by(
    hub: &Hub,
    agency: u32,
    by: &[&str],
    dataset: &Dataset,
    writes: &[RecordWrite],
    now_us: i64,
) -> Result<Vec<u8>, AppError> {
    let mut bytes = Vec::with_capacity(64 + writes.len() * 20);
    entry::begin(&mut bytes, EntryKind::Records, now_us, agency);
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

/// Reads one record for a reader, and enters that it was read; `None`: there is no such record, which is entered too.
///
/// # Errors
/// Not granted, or the store, source or ledger cannot be asked: nothing was shown then.
pub async fn read(
    hub: &Hub,
    caller: &Caller,
    dataset: &Arc<Dataset>,
    subject: &super::verification::question::MemberList<'_, super::verification::question::BoundedText<'_>>,
    purpose: &super::verification::question::AskedPurposeElements<'_>,
) -> Result<Option<ReadRecord>, AppError> {
    let agency = caller.agency()?;
    let owner = agency.owns(dataset);
    let fields = if owner {
        heyan_domain::policy::FieldSet::ALL
    } else {
        let allowed = agency.permission(dataset, &purpose.item_code, hub.clock.now_us(), caller.peer)?;
        if !allowed.permission.has(GrantOperation::Read) {
            return Err(super::access::table::AccessRefusal::NotGranted(
                heyan_domain::policy::RefusalClause::Operation,
            )
            .into());
        }
        allowed.charge(super::foundation::usage::day_of(hub.clock.now_us()))?;
        allowed.permission.fields(GrantOperation::Read)
    };
    let subject = super::verification::verify::parse_subject(dataset, subject)?;
    let key = RecordKey {
        dataset: Arc::clone(&dataset.name),
        subject: hub.records.loader.subject_key(dataset, &subject.key),
    };
    let brought = super::verification::live::bring(hub, dataset, &subject.key).await?;
    let stored = match brought.is_some_and(|slot| slot.record.is_none()) {
        // A copy may be stored still, but the source knows of none any more.
        true => None,
        false => hub.store.records(std::slice::from_ref(&key)).await?.pop().flatten(),
    };
    let record = stored.map(|stored| ReadRecord {
        version: stored.version,
        as_of: time::rfc3339(stored.received_at),
        fields: shown(dataset, &stored, |number| fields.has(number), owner),
    });
    let shown: Vec<u8> = record
        .iter()
        .flat_map(|record| &record.fields)
        .filter_map(|(name, _)| dataset.field_number(name))
        .collect();
    let mut bytes = Vec::with_capacity(256);
    entry::begin(&mut bytes, EntryKind::Read, hub.clock.now_us(), caller.agency_number());
    let version = record.as_ref().map_or(0, |record| record.version);
    entry::put_read(
        &mut bytes,
        ["query_record", &dataset.rules],
        &key.subject.0,
        version,
        &shown,
    );
    purpose::seal_into(hub, purpose, &mut bytes)?;
    hub.append(bytes).await?;
    Ok(record)
}

/// The fields of a stored record that `may_see`, masked unless the reader is the owner.
pub(crate) fn shown(
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

impl From<MemberFault> for AppError {
    fn from(fault: MemberFault) -> Self {
        Self::Invalid(vec![fault])
    }
}
