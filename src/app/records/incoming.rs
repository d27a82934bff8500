//! One record that comes in: its envelope and values checked, and what it becomes, given what is stored. Decided purely; the same
//! subject twice in one call is decided in order.

use std::{collections::HashMap, sync::Arc};

use serde_json::Value;

use super::{IngestResult, RecordIngest};
use crate::{
    foundation::error::AppError,
    node::{hub::Hub, standing::ChangeCounter},
};
use heyan_catalog::{Dataset, ParsedSubject};
use heyan_domain::fault::LengthLimit;
use heyan_ports::time;
use heyan_ports::{
    records::{RecordWrite, StoredRecord},
    subject::RecordKey,
};

/// A record that was checked.
pub(crate) struct IncomingRecord {
    pub(crate) dataset: Arc<Dataset>,
    pub(crate) subject: ParsedSubject,
    pub(crate) key: RecordKey,
    if_match: Option<u32>,
    pub(crate) stored: StoredRecord,
}

impl IncomingRecord {
    /// Checks a record against its dataset.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn check(
        hub: &Hub,
        dataset: &Arc<Dataset>,
        record: Value,
        if_match: Option<u32>,
        now_us: i64,
    ) -> Result<Self, AppError> {
        let envelope = RecordEnvelope::split(record)?;
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
            subject: hub.records.loader.subject_key(dataset, &parsed.key),
        };
        let json = |object| {
            serde_json::to_string(object).map_err(|_unwritable| AppError::Internal("a record cannot be written"))
        };
        let stored = StoredRecord {
            version: 0,
            source_version: envelope.source_version,
            effective_at: envelope.effective_at,
            received_at: now_us,
            source: envelope.source,
            subject: json(subject)?,
            fields: json(fields)?,
        };
        Ok(Self {
            dataset: Arc::clone(dataset),
            subject: parsed,
            key,
            if_match,
            stored,
        })
    }
}

/// The members beside `subject` and `fields`.
struct RecordEnvelope {
    body: Value,
    source_version: Option<i64>,
    effective_at: Option<i64>,
    source: Option<String>,
}

/// Longest name of a source, bytes.
const SOURCE_BYTES_MAX: usize = 256;

impl RecordEnvelope {
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
            Some(Value::String(_)) => return Err(AppError::over("/source", LengthLimit::Bytes(SOURCE_BYTES_MAX))),
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

/// Pure: what each record becomes, given what is stored. The same subject twice in one call: the later one sees the
/// earlier one as stored.
pub(super) fn decide(
    changes: &ChangeCounter,
    incoming: &[IncomingRecord],
    stored: Vec<Option<StoredRecord>>,
) -> (Vec<RecordWrite>, Vec<IngestResult>) {
    let mut current: HashMap<[u8; 16], Option<StoredRecord>, ahash::RandomState> = HashMap::default();
    for (record, stored) in incoming.iter().zip(stored) {
        current.entry(record.key.subject.0).or_insert(stored);
    }
    let (mut writes, mut results) = (Vec::new(), Vec::with_capacity(incoming.len()));
    for record in incoming {
        let Some(now) = current.get_mut(&record.key.subject.0) else {
            continue;
        };
        let result = decide_one(changes, record, now.as_ref());
        if let Ok((RecordIngest::Created | RecordIngest::Updated, version)) = &result {
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

fn decide_one(changes: &ChangeCounter, record: &IncomingRecord, now: Option<&StoredRecord>) -> IngestResult {
    let version = now.map_or(0, |now| now.version);
    if record.if_match.is_some_and(|wanted| wanted != version) {
        return Err(AppError::PreconditionFailed);
    }
    let next = || {
        let next = changes.next_version(version);
        next.ok_or(AppError::Internal("a record has too many versions"))
    };
    let Some(now) = now else {
        return Ok((RecordIngest::Created, next()?));
    };
    if let (Some(new), Some(old)) = (record.stored.source_version, now.source_version)
        && new <= old
    {
        return Ok((RecordIngest::Ignored, version));
    }
    if now.fields == record.stored.fields && record.stored.source_version.is_none() {
        return Ok((RecordIngest::Unchanged, version));
    }
    Ok((RecordIngest::Updated, next()?))
}
