//! Records come in: checked against the dataset's schema, decided against what is stored, committed all or none,
//! and only then told to the cache and acknowledged.
//! Order that keeps freshness (PROMISES I-8): commit, then bump the stamp, then answer.

pub mod feed;
mod foreign;
mod incoming;
mod result;
mod shown;
mod written;

use crate::licences;
use crate::node::write::CommitAttempts;
use std::{collections::HashSet, sync::Arc};

use serde_json::Value;

pub(crate) use self::incoming::{IncomingRecord, noticed};
pub(crate) use self::shown::shown;
pub(crate) use self::written::{changes, entry_by, entry_of};
pub use self::{
    incoming::{IntakeOrigin, KeptFields},
    result::{IngestResult, IngestedRecord, RecordIngest},
};
use super::access::table::ChargedUse;
use super::licences::IssuedLicences;
use super::node::caller::Caller;
use super::{
    foundation::{error::AppError, purpose},
    node::hub::Hub,
};
use heyan_catalog::Dataset;
use heyan_domain::{
    fault::MemberFault,
    policy::{FieldSet, GrantOperation},
};
use heyan_ledger::{
    AppendedEntry,
    entry::{self, EntryKind},
};
use heyan_ports::{commit::Commit, time};
use heyan_ports::{positions::BusWrites, records::RecordWrite, subject::RecordKey};

/// How records are taken in.
#[derive(Clone, Debug)]
pub struct IngestOptions {
    /// The version that a single record is made for.
    pub if_match: Option<u32>,
    /// Which fields keep their stored value where a record says nothing of them.
    pub kept: KeptFields,
    /// By which way they came.
    pub origin: IntakeOrigin,
}

impl IngestOptions {
    /// Whole records that came by `origin`.
    pub const fn of(origin: IntakeOrigin) -> Self {
        Self {
            if_match: None,
            kept: KeptFields::None,
            origin,
        }
    }
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

/// Records that were checked, beside the results of those that cannot go in.
struct CheckedRecords {
    incoming: Vec<IncomingRecord>,
    /// Where the results of `incoming` belong.
    places: Vec<usize>,
    results: Vec<Option<IngestResult>>,
}

fn check_all(
    hub: &Hub,
    dataset: &Arc<Dataset>,
    records: Vec<Result<Value, AppError>>,
    options: &IngestOptions,
    now_us: i64,
) -> CheckedRecords {
    let mut checked = CheckedRecords {
        incoming: Vec::with_capacity(records.len()),
        places: Vec::with_capacity(records.len()),
        results: Vec::with_capacity(records.len()),
    };
    let way = (options.origin, now_us);
    for (place, record) in records.into_iter().enumerate() {
        match record.and_then(|record| IncomingRecord::check(hub, dataset, record, options.if_match, way)) {
            Ok(record) => {
                checked.places.push(place);
                checked.incoming.push(record);
                checked.results.push(None);
            }
            Err(error) => checked.results.push(Some(Err(error))),
        }
    }
    checked
}

impl CheckedRecords {
    /// All results in the order of the records.
    fn with(mut self, taken: Vec<IngestResult>) -> Vec<IngestResult> {
        for (place, result) in self.places.into_iter().zip(taken) {
            if let Some(waiting) = self.results.get_mut(place) {
                *waiting = Some(result);
            }
        }
        let undecided = || Err(AppError::Internal("a record was left undecided"));
        self.results
            .into_iter()
            .map(|result| result.unwrap_or_else(undecided))
            .collect()
    }
}

/// Takes records of one dataset.
///
/// # Errors
/// The store or the ledger cannot be asked. What is wrong with one record stands in its own result.
pub async fn ingest(
    hub: &Hub,
    caller: &Caller,
    dataset: &Arc<Dataset>,
    records: Vec<Result<Value, AppError>>,
    options: &IngestOptions,
) -> Result<IngestAnswer, AppError> {
    let now_us = hub.clock.now_us();
    let checked = check_all(hub, dataset, records, options, now_us);
    if checked.incoming.is_empty() {
        return Ok(IngestAnswer {
            results: checked.with(Vec::new()),
            index: None,
            leaf: None,
        });
    }
    let bus = BusWrites::default();
    let taken = take(hub, caller, &checked.incoming, now_us, (&options.kept, &bus)).await?;
    let entered = taken.entries.first();
    let entered = entered.ok_or(AppError::Internal("records were not entered"))?;
    Ok(IngestAnswer {
        results: checked.with(taken.results),
        index: Some(entered.index),
        leaf: Some(entered.leaf),
    })
}

/// What records would become, and which fields of the stored ones they would erase.
pub struct IngestPreview {
    /// In the order of the records.
    pub results: Vec<IngestResult>,
    /// By record; empty where nothing is erased.
    pub erased: Vec<Vec<Box<str>>>,
}

/// Says what records would become; nothing is written.
///
/// # Errors
/// The store cannot be asked.
pub async fn preview(
    hub: &Hub,
    dataset: &Arc<Dataset>,
    records: Vec<Result<Value, AppError>>,
    options: &IngestOptions,
) -> Result<IngestPreview, AppError> {
    let checked = check_all(hub, dataset, records, options, hub.clock.now_us());
    let keys: Vec<RecordKey> = checked.incoming.iter().map(|record| record.key.clone()).collect();
    let stored = if keys.is_empty() {
        Vec::new()
    } else {
        hub.store.records(&keys).await?
    };
    let (writes, results) = incoming::decide(
        &hub.node.changes,
        &checked.incoming,
        stored.clone(),
        (&options.kept, &HashSet::default()),
    );
    let mut erased = vec![Vec::new(); checked.results.len()];
    let mut writes = writes.iter();
    for ((place, result), now) in checked.places.iter().zip(&results).zip(&stored) {
        let changes = result
            .as_ref()
            .is_ok_and(|record| matches!(record.ingested, RecordIngest::Created | RecordIngest::Updated));
        let write = if changes { writes.next() } else { None };
        if let (Some(write), Some(now), Some(erased)) = (write, now, erased.get_mut(*place)) {
            *erased = incoming::erased(now, &write.record);
        }
    }
    Ok(IngestPreview {
        results: checked.with(results),
        erased,
    })
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
    (kept, bus): (&KeptFields, &BusWrites),
) -> Result<TakenRecords, AppError> {
    let mut attempts = CommitAttempts::none();
    loop {
        let keys: Vec<RecordKey> = incoming.iter().map(|record| record.key.clone()).collect();
        let stored = hub.store.records(&keys).await?;
        let foreign = foreign::records(hub, caller, incoming, &stored).await?;
        let (writes, results) = incoming::decide(&hub.node.changes, incoming, stored, (kept, &foreign));
        let contributed = foreign::contributed(caller, incoming, &writes);
        let (mut events, mut ledger_entries) = (Vec::new(), Vec::new());
        for (dataset, writes) in by_dataset(incoming, &writes) {
            ledger_entries.push(entry_of(hub, caller, dataset, &writes, now_us)?);
            events.extend(changes(hub, &writes, now_us)?);
        }
        let issued = IssuedLicences::among(hub, &writes, now_us);
        let commit = Commit::at(now_us)
            .with(licences::keys_of(hub, &writes))
            .with(contributed)
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
    let mut charged = ChargedUse::default();
    let fields = if owner {
        FieldSet::ALL
    } else {
        let allowed = agency.permission(dataset, &purpose.item_code, hub.clock.now_us(), caller.peer)?;
        if !allowed.permission.has(GrantOperation::Read) {
            return Err(super::access::table::AccessRefusal::NotGranted(
                heyan_domain::policy::RefusalClause::Operation,
            )
            .into());
        }
        charged = allowed.charge(super::foundation::usage::day_of(hub.clock.now_us()))?;
        allowed.permission.fields(GrantOperation::Read)
    };
    let read = read_permitted(hub, caller, dataset, subject, purpose, (fields, owner)).await;
    if read.as_ref().is_err_and(AppError::is_failure) {
        charged.give_back();
    }
    read
}

/// Reads the permitted fields of one record, and enters that they were read.
async fn read_permitted(
    hub: &Hub,
    caller: &Caller,
    dataset: &Arc<Dataset>,
    subject: &super::verification::question::MemberList<'_, super::verification::question::BoundedText<'_>>,
    purpose: &super::verification::question::AskedPurposeElements<'_>,
    (fields, owner): (FieldSet, bool),
) -> Result<Option<ReadRecord>, AppError> {
    let subject = super::verification::judgement::parse_subject(dataset, subject)?;
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

impl From<MemberFault> for AppError {
    fn from(fault: MemberFault) -> Self {
        Self::Invalid(vec![fault])
    }
}
