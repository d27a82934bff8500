//! Authoritative records: their versions, the keys under which they are found, and when their sources were asked.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    error::StoreError,
    subject::{RecordKey, SubjectKey},
};

/// One authoritative record as the store holds it. Holds personal data: no `Debug`.
#[derive(Clone)]
pub struct StoredRecord {
    /// Counter per record, from 1, given by the hub.
    pub version: u32,
    /// Counter of the authority's own, when it gives one.
    pub source_version: Option<i64>,
    /// When the authority says that the values took effect, Unix microseconds.
    pub effective_at: Option<i64>,
    /// When the hub received this version, Unix microseconds.
    pub received_at: i64,
    /// Where the authority says that it came from.
    pub source: Option<String>,
    /// JSON object of the subject's identifiers.
    pub subject: String,
    /// JSON object of the fields.
    pub fields: String,
}

/// What a verification needs of a record. Holds personal data: no `Debug`.
#[derive(Clone)]
pub struct NewestRecord {
    /// As [`StoredRecord::version`].
    pub version: u32,
    /// As [`StoredRecord::received_at`].
    pub received_at: i64,
    /// As [`StoredRecord::fields`].
    pub fields: String,
}

/// The last time that the source of a live dataset was asked about a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveFetch {
    /// When, Unix microseconds.
    pub at_us: i64,
    /// Whether it knew of the record; if not, an older copy is void.
    pub found: bool,
}

/// That the source of a record was asked.
#[derive(Clone)]
pub struct FetchWrite {
    /// Which record.
    pub key: RecordKey,
    /// When, and whether the source knew it.
    pub fetch: LiveFetch,
}

/// One new version of one record.
#[derive(Clone)]
pub struct RecordWrite {
    /// Dataset name.
    pub dataset: Arc<str>,
    /// Subject pseudonym.
    pub subject: SubjectKey,
    /// Version that must be current for this write to stand; `None`: no record may exist.
    pub expected: Option<u32>,
    /// The new version, whole.
    pub record: StoredRecord,
}

/// The keyed hashes under which one record is found, besides its subject.
#[derive(Clone)]
pub struct RecordKeys {
    /// Dataset name.
    pub dataset: Arc<str>,
    /// Subject pseudonym.
    pub subject: SubjectKey,
    /// Whether there was a version before, whose hashes no longer hold.
    pub replaces: bool,
    /// The hashes, each once.
    pub hashes: Vec<[u8; 16]>,
}

/// Authoritative records: their versions, the keys under which they are found, and when their sources were asked.
#[async_trait]
pub trait RecordStore: Send + Sync {
    /// Point look-ups, many keys a query; the answer has the order and length of `keys`.
    async fn records(&self, keys: &[RecordKey]) -> Result<Vec<Option<StoredRecord>>, StoreError>;

    /// As `records`, but only what a verification needs of each.
    async fn newest(&self, keys: &[RecordKey]) -> Result<Vec<Option<NewestRecord>>, StoreError>;

    /// One version of a record, current or past.
    async fn record_version(&self, key: &RecordKey, version: u32) -> Result<Option<StoredRecord>, StoreError>;

    /// Records that are found under a keyed hash, at most 16.
    async fn subjects_of_key(&self, dataset: &str, hash: [u8; 16]) -> Result<Vec<SubjectKey>, StoreError>;

    /// Current records of a dataset behind a subject, in the order of subjects, at most `limit`.
    async fn records_after(
        &self,
        dataset: &str,
        after: SubjectKey,
        limit: u32,
    ) -> Result<Vec<(SubjectKey, StoredRecord)>, StoreError>;

    /// When the source of a live record was last asked.
    async fn live_fetch(&self, key: &RecordKey) -> Result<Option<LiveFetch>, StoreError>;

    /// Number of current records per dataset.
    async fn record_counts(&self) -> Result<Vec<(String, u64)>, StoreError>;
}
