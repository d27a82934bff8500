//! A record as the verification path wants it: every field in the canonical form of its comparator, made once at load.
//! Holds personal data: no `Debug`, and nothing here is written to a log.

use std::sync::Arc;

use async_trait::async_trait;

use heyan_auth::pseudonym::Pseudonymizer;
use heyan_cache::{CachePolicy, LoadError, LoadedKey, MemoryWeight, RecordLoader, WantedKey};
use heyan_catalog::{Catalog, Dataset};
use heyan_domain::compare::CanonicalValue;

use heyan_ports::{
    records::NewestRecord,
    subject::{RecordKey, SubjectKey},
};
use heyan_ports::{store::Store, time};

/// A cached record.
pub struct CachedRecord {
    /// Version, from 1.
    pub version: u32,
    /// When the hub received this version, RFC 3339.
    pub as_of: Box<str>,
    /// Pseudonym of the subject.
    pub subject: SubjectKey,
    /// Canonical values by field number; `None`: the record holds no value.
    pub fields: Box<[Option<CanonicalValue>]>,
    /// The field by which the record says that its subject no longer lives, exists or holds.
    pub inactive_by: Option<u8>,
    weight: usize,
}

impl MemoryWeight for CachedRecord {
    fn weight(&self) -> usize {
        self.weight
    }
}

impl CachedRecord {
    /// Makes the canonical forms; `None` when the stored JSON is no object of strings.
    pub fn new(dataset: &Dataset, subject: SubjectKey, version: u32, received_at: i64, stored: &str) -> Option<Self> {
        let values: super::question::MemberList<'_, super::question::BoundedText<'_>> =
            serde_json::from_str(stored).ok()?;
        let mut fields: Vec<Option<CanonicalValue>> = Vec::new();
        fields.resize_with(dataset.fields.len(), || None);
        for (name, value) in &values.0 {
            if let Some((field, slot)) = dataset
                .field_number(name)
                .and_then(|number| Some((dataset.field(number)?, fields.get_mut(usize::from(number))?)))
            {
                *slot = (!value.is_empty()).then(|| field.comparator.canonical(value));
            }
        }
        // Canonical forms are about as long as the text they were made of, and keep the text itself beside them.
        let weight = 96 + fields.len() * size_of::<Option<CanonicalValue>>() + 2 * stored.len();
        let numbered = dataset.fields.iter().zip(&fields).zip(0_u8..);
        let mut inactive =
            numbered.filter(|((field, value), _)| value.as_ref().is_some_and(|value| field.says_inactive(value)));
        let inactive_by = inactive.next().map(|(_, number)| number);
        Some(Self {
            inactive_by,
            version,
            as_of: time::rfc3339(received_at).into(),
            subject,
            fields: fields.into(),
            weight,
        })
    }

    /// The canonical value of a field.
    pub fn field(&self, number: u8) -> Option<&CanonicalValue> {
        self.fields.get(usize::from(number))?.as_ref()
    }
}

/// Reads records of the store for the cache.
pub struct RecordLoad {
    /// The system of record.
    pub store: Arc<dyn Store>,
    /// The catalogue.
    pub catalog: Arc<Catalog>,
    /// Makes pseudonyms of subjects.
    pub pseudonyms: Arc<Pseudonymizer>,
}

impl RecordLoad {
    /// The pseudonym of a cache key's subject.
    pub fn subject_key(&self, dataset: &Dataset, key: &[u8]) -> SubjectKey {
        SubjectKey(self.pseudonyms.subject(&dataset.name, key.get(2..).unwrap_or_default()))
    }
}

pub(crate) fn shared(error: impl std::error::Error + Send + Sync + 'static) -> LoadError {
    LoadError::Store(Arc::new(error))
}

/// A row that cannot be read back.
#[derive(Debug, thiserror::Error)]
#[error("a stored record of dataset {dataset} cannot be read")]
struct UnreadableRow {
    dataset: Arc<str>,
}

#[async_trait]
impl RecordLoader for RecordLoad {
    type Record = CachedRecord;

    async fn load(&self, wants: &[WantedKey], now_us: i64) -> Vec<Result<LoadedKey<CachedRecord>, LoadError>> {
        match self.read(wants).await {
            Ok(records) => records
                .into_iter()
                .map(|record| {
                    record.map(|record| LoadedKey {
                        record,
                        read_at: now_us,
                        keep: CachePolicy::Kept,
                    })
                })
                .collect(),
            Err(error) => wants.iter().map(|_| Err(error.clone())).collect(),
        }
    }
}

type RowRead = Result<Option<CachedRecord>, LoadError>;

impl RecordLoad {
    /// The dataset and the name of a cache key's record.
    pub(crate) fn name_of(&self, key: &[u8]) -> Result<(&Arc<Dataset>, RecordKey), LoadError> {
        let number = key
            .first_chunk()
            .map(|number| u16::from_be_bytes(*number))
            .unwrap_or(u16::MAX);
        let dataset = self.catalog.by_number(number).ok_or_else(|| shared(UnknownDataset))?;
        let name = RecordKey {
            dataset: Arc::clone(&dataset.name),
            subject: self.subject_key(dataset, key),
        };
        Ok((dataset, name))
    }

    /// One query for all; a record that cannot be read back fails alone.
    async fn read(&self, wants: &[WantedKey]) -> Result<Vec<RowRead>, LoadError> {
        let mut datasets = Vec::with_capacity(wants.len());
        let mut names = Vec::with_capacity(wants.len());
        for want in wants {
            let (dataset, name) = self.name_of(&want.key)?;
            datasets.push(dataset);
            names.push(name);
        }
        let stored = self.store.newest(&names).await.map_err(shared)?;
        let records = stored.into_iter().zip(datasets).zip(&names);
        let made = |((stored, dataset), name): ((Option<NewestRecord>, &Arc<Dataset>), &RecordKey)| {
            let made = |stored: NewestRecord| cached(dataset, name, stored.version, stored.received_at, &stored.fields);
            stored.map(made).transpose()
        };
        Ok(records.map(made).collect())
    }
}

/// A stored record in the form of the cache.
pub(crate) fn cached(
    dataset: &Dataset,
    name: &RecordKey,
    version: u32,
    received_at: i64,
    fields: &str,
) -> Result<CachedRecord, LoadError> {
    CachedRecord::new(dataset, name.subject, version, received_at, fields).ok_or_else(|| {
        shared(UnreadableRow {
            dataset: Arc::clone(&dataset.name),
        })
    })
}

/// A cache key of another run's catalogue.
#[derive(Debug, thiserror::Error)]
#[error("a cache key names no dataset")]
struct UnknownDataset;
