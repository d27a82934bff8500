//! A correction: the authority's approval becomes a new version of the record, checked like any other record.
//! It is made on the version that is current when it is committed, never on the one that the mismatch was opened from.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Map, Value};

use super::actions::MismatchFacts;
use crate::node::caller::Caller;
use crate::{foundation::error::AppError, node::hub::Hub, records};
use heyan_catalog::Dataset;
use heyan_domain::{fault::MemberFault, mismatch::MismatchState};
use heyan_ports::{
    mismatches::MismatchRow,
    records::{RecordWrite, StoredRecord},
    subject::RecordKey,
};

/// A new version that corrects a record.
pub(crate) struct RecordCorrection {
    /// The write.
    pub(crate) write: RecordWrite,
    /// Its ledger entry.
    pub(crate) entry: Vec<u8>,
    /// Key of its cache entry.
    pub(crate) cache_key: Box<[u8]>,
}

impl RecordCorrection {
    /// The version that holds it.
    pub(crate) fn version(&self) -> u32 {
        self.write.record.version
    }
}

/// The version behind the stored one.
fn next_version(hub: &Hub, stored: Option<&StoredRecord>) -> u32 {
    let next = stored.map_or(1, |stored| stored.version + 1);
    hub.node.changes.raise(next)
}

/// Makes the correction of a disputed mismatch: the proposed values, or those that the authority gives instead.
///
/// # Errors
/// The corrected record is not as the dataset's schema wants it, or the store could not be asked.
pub(crate) async fn correction(
    hub: &Hub,
    caller: &Caller,
    dataset: &Arc<Dataset>,
    row: &MismatchRow,
    facts: &MismatchFacts,
    given: &BTreeMap<String, String>,
    now_us: i64,
) -> Result<RecordCorrection, AppError> {
    let MismatchState::Disputed { proposal } = &facts.state else {
        return Err(AppError::NotNow);
    };
    let key = RecordKey {
        dataset: Arc::clone(&dataset.name),
        subject: row.subject,
    };
    let stored = hub.store.records(&[key]).await?.pop().flatten();
    let (subject, mut fields) = match &stored {
        Some(stored) => (object(&stored.subject)?, object(&stored.fields)?),
        None => (
            facts
                .subject
                .iter()
                .map(|(name, value)| (name.clone(), value.as_str().into()))
                .collect(),
            Map::new(),
        ),
    };
    for (name, value) in proposal.fields.iter().chain(given) {
        fields.insert(name.clone(), Value::String(value.clone()));
    }
    let record = Value::Object(
        [
            ("subject".to_owned(), subject.clone().into()),
            ("fields".to_owned(), fields.clone().into()),
        ]
        .into_iter()
        .collect(),
    );
    let faults: Vec<MemberFault> = dataset.check(&record);
    if !faults.is_empty() {
        return Err(AppError::Invalid(faults));
    }
    let parsed = dataset
        .parse_subject(|name| subject.get(name).and_then(Value::as_str))
        .map_err(AppError::Invalid)?;
    let write = RecordWrite {
        dataset: Arc::clone(&dataset.name),
        subject: row.subject,
        expected: stored.as_ref().map(|stored| stored.version),
        record: StoredRecord {
            version: next_version(hub, stored.as_ref()),
            // The authority's own counter stays: its next contribution must still be newer.
            source_version: stored.as_ref().and_then(|stored| stored.source_version),
            effective_at: stored.as_ref().and_then(|stored| stored.effective_at),
            received_at: now_us,
            source: Some(format!("correction {}", row.id)),
            subject: text(&subject)?,
            fields: text(&fields)?,
        },
    };
    let entry = records::entry_of(hub, caller, dataset, std::slice::from_ref(&write), now_us)?;
    Ok(RecordCorrection {
        write,
        entry,
        cache_key: parsed.key,
    })
}

fn object(json: &str) -> Result<Map<String, Value>, AppError> {
    serde_json::from_str(json).map_err(|_unreadable| AppError::Internal("a stored record cannot be read"))
}

fn text(object: &Map<String, Value>) -> Result<String, AppError> {
    serde_json::to_string(object).map_err(|_unwritable| AppError::Internal("a record cannot be written"))
}
