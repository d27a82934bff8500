//! A `Commit` in the form that the writer binds: owned, so that it outlives the caller that asked for it.
//! Built on the caller's task, to keep copying and JSON out of the one writer.

use std::sync::Arc;

use serde::Serialize;

use crate::app::commit::{AgencyRow, ClientRow, Commit, GrantRow, RecordWrite};
use crate::app::ports::{LiveFetch, RecordKey, SubjectKey};

/// One commit, owned.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) records: Vec<RecordRow>,
    pub(super) live_fetches: Vec<(RecordKey, LiveFetch)>,
    pub(super) agencies: Vec<AgencyRow>,
    pub(super) clients: Vec<ClientRow>,
    pub(super) grants: Vec<GrantRow>,
    pub(super) entries: Vec<Vec<u8>>,
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
    pub(super) fn of(commit: &Commit) -> Self {
        Self {
            records: commit.records.iter().map(RecordRow::of).collect(),
            live_fetches: commit.live_fetches.clone(),
            agencies: commit.agencies.clone(),
            clients: commit.clients.clone(),
            grants: commit.grants.clone(),
            entries: commit.ledger_entries.clone(),
        }
    }

    /// How much of a group this batch fills, in rows.
    pub(super) fn weight(&self) -> usize {
        let access = self.agencies.len() + self.clients.len() + self.grants.len();
        (self.records.len() + self.live_fetches.len() + self.entries.len() + access).max(1)
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

/// Lower-case hexadecimal of a subject.
pub(super) fn hex(subject: SubjectKey) -> String {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
    ];
    let nibbles = subject.0.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]);
    nibbles.filter_map(|nibble| DIGITS.get(usize::from(nibble))).collect()
}
