//! One record that comes in: its envelope and values checked, and what it becomes, given what is stored. Decided purely; the same
//! subject twice in one call is decided in order.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use serde_json::{Map, Value};

use super::result::{IngestResult, IngestedRecord, RecordIngest};
use crate::{
    foundation::error::AppError,
    node::{hub::Hub, standing::ChangeCounter},
};
use heyan_catalog::{CONTROL, Dataset, IntakeFinding, IntakeRule, ParsedSubject};
use heyan_domain::{
    calendar::china_date,
    fault::{LengthLimit, MemberFault, pointer_segment},
};
use heyan_ports::time;
use heyan_ports::{
    records::{RecordWrite, StoredRecord},
    subject::{RecordKey, SubjectKey},
};

/// A record that was checked.
pub(crate) struct IncomingRecord {
    pub(crate) dataset: Arc<Dataset>,
    pub(crate) subject: ParsedSubject,
    pub(crate) key: RecordKey,
    if_match: Option<u32>,
    pub(crate) stored: StoredRecord,
    /// What was noticed about its values.
    pub(crate) findings: Vec<IntakeFinding>,
}

/// By which way a record came, as metrics name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntakeOrigin {
    /// `PUT /v1/datasets/{dataset}/records`, `heyan import` included.
    Rest,
    /// A connector that brings records.
    Feed,
    /// The topic of records.
    Bus,
    /// A source that was asked.
    Live,
    /// They do not come in: it is only asked what they would become.
    Trial,
}

impl IntakeOrigin {
    /// The word in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rest => "rest",
            Self::Feed => "feed",
            Self::Bus => "bus",
            Self::Live => "live",
            Self::Trial => "trial",
        }
    }
}

/// What a dataset notices about a record, each counted by `origin`.
///
/// # Errors
/// The dataset refuses records with such a value.
pub(crate) fn noticed(
    hub: &Hub,
    dataset: &Dataset,
    subject: &ParsedSubject,
    fields: &Map<String, Value>,
    (origin, now_us): (IntakeOrigin, i64),
) -> Result<Vec<IntakeFinding>, Vec<MemberFault>> {
    let mut findings = dataset.findings_of(subject, fields, || china_date(now_us));
    let is_refused = findings.iter().any(|finding| finding.rule == IntakeRule::Refuse);
    for finding in &findings {
        let result = if is_refused { "refused" } else { "marked" };
        hub.node
            .metrics
            .intake_finding(&dataset.name, origin.as_str(), finding.code, result);
    }
    if is_refused {
        // What the record is refused for comes first.
        findings.sort_by_key(|finding| finding.rule != IntakeRule::Refuse);
        return Err(findings.iter().map(IntakeFinding::fault).collect());
    }
    Ok(findings)
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
        (origin, now_us): (IntakeOrigin, i64),
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
        let faults = controls_in(subject);
        if !faults.is_empty() {
            return Err(AppError::Invalid(faults));
        }
        let parsed = dataset
            .parse_subject(|name| subject.get(name).and_then(Value::as_str))
            .map_err(AppError::Invalid)?;
        let findings = noticed(hub, dataset, &parsed, fields, (origin, now_us)).map_err(AppError::Invalid)?;
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
            findings,
        })
    }
}

/// The faults of identifiers with a control character: no identifier has one.
fn controls_in(subject: &Map<String, Value>) -> Vec<MemberFault> {
    let text = |value: &Value| value.as_str().is_some_and(|text| has_control(text.trim()));
    let wrong = subject.iter().filter(|(_, value)| text(value));
    wrong
        .map(|(name, _)| MemberFault::new(format!("/subject/{}", pointer_segment(name)), CONTROL))
        .collect()
}

fn has_control(text: &str) -> bool {
    text.chars().any(char::is_control)
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
            Some(Value::String(text)) if has_control(&text) => return Err(AppError::fault("/source", CONTROL)),
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

/// Which fields keep their stored value where a record says nothing of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum KeptFields {
    /// None: the record replaces what is stored.
    #[default]
    None,
    /// Every one.
    All,
    /// Those of these names.
    Named(Vec<Box<str>>),
}

impl KeptFields {
    fn keeps(&self, name: &str) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::Named(names) => names.iter().any(|kept| **kept == *name),
        }
    }
}

/// Pure: what each record becomes, given what is stored. The same subject twice in one call: the later one sees the
/// earlier one as stored.
pub(super) fn decide(
    changes: &ChangeCounter,
    incoming: &[IncomingRecord],
    stored: Vec<Option<StoredRecord>>,
    (kept, foreign): (&KeptFields, &HashSet<SubjectKey>),
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
        if foreign.contains(&record.key.subject) {
            results.push(Err(AppError::NotOwner));
            continue;
        }
        let fields = match (&*now, kept) {
            (_, KeptFields::None) | (None, _) => None,
            (Some(now), kept) => completed(&record.stored.fields, &now.fields, kept),
        };
        let fields = fields.unwrap_or_else(|| record.stored.fields.clone());
        let result = decide_one(changes, record, now.as_ref(), &fields);
        if let Ok((RecordIngest::Created | RecordIngest::Updated, version)) = &result {
            // A write that states no version of the authority's leaves the order it has reached as it is.
            let source_version = record
                .stored
                .source_version
                .or(now.as_ref().and_then(|now| now.source_version));
            let new = StoredRecord {
                version: *version,
                source_version,
                fields,
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
        results.push(result.map(|(ingested, version)| IngestedRecord {
            ingested,
            version,
            findings: record.findings.clone(),
        }));
    }
    (writes, results)
}

/// The fields of a record with what is kept of the stored ones; `None`: nothing is.
fn completed(fields: &str, stored: &str, kept: &KeptFields) -> Option<String> {
    let parse = |text: &str| serde_json::from_str::<Map<String, Value>>(text).ok();
    let (mut new, old) = (parse(fields)?, parse(stored)?);
    let before = new.len();
    for (name, value) in &old {
        if kept.keeps(name) && !new.contains_key(name) {
            new.insert(name.clone(), value.clone());
        }
    }
    if new == old {
        return Some(stored.to_owned());
    }
    (new.len() > before).then(|| Value::Object(new).to_string())
}

/// The fields that a stored record has and the record that replaces it has not.
pub(super) fn erased(now: &StoredRecord, record: &StoredRecord) -> Vec<Box<str>> {
    let parse = |text: &str| serde_json::from_str::<Map<String, Value>>(text).unwrap_or_default();
    let (old, new) = (parse(&now.fields), parse(&record.fields));
    let names = old.keys().filter(|name| !new.contains_key(*name));
    names.map(|name| name.as_str().into()).collect()
}

fn decide_one(
    changes: &ChangeCounter,
    record: &IncomingRecord,
    now: Option<&StoredRecord>,
    fields: &str,
) -> Result<(RecordIngest, u32), AppError> {
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
    if now.fields == fields && record.stored.source_version.is_none() {
        return Ok((RecordIngest::Unchanged, version));
    }
    Ok((RecordIngest::Updated, next()?))
}
