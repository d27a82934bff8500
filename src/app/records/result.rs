//! What became of records that were brought.

use crate::foundation::error::AppError;
use heyan_catalog::IntakeFinding;

/// What became of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordIngest {
    /// The first version.
    Created,
    /// A new version.
    Updated,
    /// The same values are current already.
    Unchanged,
    /// The authority's own version is not newer than what is stored.
    Ignored,
}

impl RecordIngest {
    /// The wire word.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
            Self::Ignored => "ignored",
        }
    }
}

/// A record that was taken in, or would be.
#[derive(Clone, Debug)]
pub struct IngestedRecord {
    /// What became of it.
    pub ingested: RecordIngest,
    /// The version that is current now.
    pub version: u32,
    /// What was noticed about its values.
    pub findings: Vec<IntakeFinding>,
}

/// What became of one record.
pub type IngestResult = Result<IngestedRecord, AppError>;
