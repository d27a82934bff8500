//! A record as the verification path wants it: every field in the canonical form of its comparator, made once at load.
//! Holds personal data: no `Debug`, and nothing here is written to a log.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    auth::pseudonym::Pseudonymizer,
    cache::{Key, Load, Weigh},
    catalog::{Catalog, Dataset},
    domain::compare::Canonical,
};

use super::{
    ports::{RecordKey, Store, StoredRecord, SubjectKey},
    time,
};

/// A cached record.
pub struct CachedRecord {
    /// Version, from 1.
    pub version: u32,
    /// When the hub received this version, RFC 3339.
    pub as_of: Box<str>,
    /// Pseudonym of the subject.
    pub subject: SubjectKey,
    /// Canonical values by field number; `None`: the record holds no value.
    pub fields: Box<[Option<Canonical>]>,
    weight: usize,
}

impl Weigh for CachedRecord {
    fn weight(&self) -> usize {
        self.weight
    }
}

impl CachedRecord {
    /// Makes the canonical forms; `None` when the stored JSON is no object of strings.
    pub fn new(dataset: &Dataset, subject: SubjectKey, stored: &StoredRecord) -> Option<Self> {
        let values: super::question::Members<'_, super::question::Text<'_>> =
            serde_json::from_str(&stored.fields).ok()?;
        let mut fields: Vec<Option<Canonical>> = Vec::new();
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
        let weight = 96 + fields.len() * size_of::<Option<Canonical>>() + 2 * stored.fields.len();
        Some(Self {
            version: stored.version,
            as_of: time::rfc3339(stored.received_at).into(),
            subject,
            fields: fields.into(),
            weight,
        })
    }

    /// The canonical value of a field.
    pub fn field(&self, number: u8) -> Option<&Canonical> {
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

type Failure = Arc<dyn std::error::Error + Send + Sync>;

fn shared(error: impl std::error::Error + Send + Sync + 'static) -> Failure {
    Arc::new(error)
}

/// A row that cannot be read back.
#[derive(Debug, thiserror::Error)]
#[error("a stored record of dataset {dataset} cannot be read")]
struct Unreadable {
    dataset: Arc<str>,
}

#[async_trait]
impl Load for RecordLoad {
    type Record = CachedRecord;

    async fn load(&self, keys: &[Key]) -> Result<Vec<Option<CachedRecord>>, Arc<dyn std::error::Error + Send + Sync>> {
        let mut datasets = Vec::with_capacity(keys.len());
        let mut names = Vec::with_capacity(keys.len());
        for key in keys {
            let number = key
                .first_chunk()
                .map(|number| u16::from_be_bytes(*number))
                .unwrap_or(u16::MAX);
            let dataset = self.catalog.by_number(number).ok_or_else(|| shared(UnknownDataset))?;
            names.push(RecordKey {
                dataset: Arc::clone(&dataset.name),
                subject: self.subject_key(dataset, key),
            });
            datasets.push(dataset);
        }
        let stored = self.store.records(&names).await.map_err(shared)?;
        let mut records = Vec::with_capacity(keys.len());
        for ((stored, dataset), name) in stored.into_iter().zip(datasets).zip(&names) {
            records.push(match stored {
                None => None,
                Some(stored) => Some(CachedRecord::new(dataset, name.subject, &stored).ok_or_else(|| {
                    shared(Unreadable {
                        dataset: Arc::clone(&dataset.name),
                    })
                })?),
            });
        }
        Ok(records)
    }
}

/// A cache key of another run's catalogue.
#[derive(Debug, thiserror::Error)]
#[error("a cache key names no dataset")]
struct UnknownDataset;
