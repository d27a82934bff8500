//! A `Commit` in the form that the writer binds: owned, so that it outlives the caller that asked for it.
//! Built on the caller's task, to keep copying and JSON out of the one writer.

use std::{pin::Pin, sync::Arc};

use data_encoding::HEXLOWER;
use heyan_ports::{
    commit::{Commit, WrittenRow},
    records::RecordWrite,
    subject::{RowKey, SubjectKey},
};
use serde::Serialize;

use super::fault::StoreFault;

/// One of the nodes that may share a store.
#[derive(Default)]
pub(super) struct StoreNode {
    /// Name of its ledger.
    pub(super) origin: Arc<str>,
    /// Name of this run of it, by which it knows its own notices.
    pub(super) run: Arc<str>,
}

/// One commit, with what is made of it before the writer has its turn.
pub(super) struct CommitBatch {
    pub(super) commit: Arc<Commit>,
    pub(super) records: Vec<RecordRow>,
    /// Whose commit it is.
    pub(super) node: Arc<StoreNode>,
}

/// The rows of one kind in all batches, in order.
pub(super) fn rows_of<'b, R: WrittenRow>(batches: &'b [&'b CommitBatch]) -> impl Iterator<Item = &'b R> {
    batches.iter().flat_map(|batch| batch.commit.rows())
}

/// A capability's rows are written, or the group does not stand.
pub(super) type ApplyResult<'a> = Pin<Box<dyn Future<Output = Result<(), StoreFault>> + Send + 'a>>;

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

impl CommitBatch {
    pub(super) fn of(commit: Arc<Commit>, node: &Arc<StoreNode>) -> Self {
        Self {
            node: Arc::clone(node),
            records: commit.rows().map(RecordRow::of).collect(),
            commit,
        }
    }

    /// A batch that writes nothing.
    pub(super) fn none() -> Self {
        Self::of(Arc::default(), &Arc::default())
    }

    /// How much of a group this batch fills, in rows.
    pub(super) fn weight(&self) -> usize {
        self.commit.weight().max(1)
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

/// A subject as it is bound.
pub(super) fn bytes(subject: SubjectKey) -> Vec<u8> {
    subject.0.to_vec()
}
