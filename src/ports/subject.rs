//! Names of subjects and records, as every row knows them.

use std::sync::Arc;

/// Keyed pseudonym of a subject within one dataset: HMAC-SHA256, first 16 bytes. The only form in which a
/// subject is a key of a table, of the ledger or of a message.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubjectKey(pub [u8; 16]);

impl SubjectKey {
    /// Stands in keys of rows that are about no subject, such as the event of a test.
    pub const NONE: Self = Self([0; 16]);
}

/// Names one record.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RecordKey {
    /// Dataset name, such as `natural-person`.
    pub dataset: Arc<str>,
    /// Whom or what the record is about.
    pub subject: SubjectKey,
}

/// Names a row about a subject: the keys of such tables begin with it, so that one shard is asked.
/// The id alone is unique by construction (`new_id`: time, number of the node, 64 random bits), not by a constraint.
#[derive(Clone, PartialEq, Eq)]
pub struct RowKey {
    /// Subject pseudonym; [`SubjectKey::NONE`] if the row has no subject.
    pub subject: SubjectKey,
    /// Id of the row.
    pub id: String,
}
