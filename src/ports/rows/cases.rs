//! Joint cases with their checks.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{error::StoreError, subject::SubjectKey};

heyan_domain::words! {
    /// Whether a joint case goes on.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub enum CasePhase {
        /// Its checks may be used again, until it expires.
        Open = "open",
        /// Its lead closed it.
        Closed = "closed",
    }
}

/// A joint case.
#[derive(Clone)]
pub struct CaseRow {
    /// `cas_…`.
    pub id: String,
    /// Agency that leads it.
    pub lead: String,
    /// Its state.
    pub state: CasePhase,
    /// End of the time in which its checks may be used again, exclusive, Unix microseconds.
    pub until: i64,
    /// Counts changes, from 1.
    pub revision: u32,
    /// Purpose and parties, sealed.
    pub facts: Vec<u8>,
    /// Unix microseconds.
    pub created_at: i64,
    /// Unix microseconds.
    pub updated_at: i64,
}

/// A check of a joint case.
#[derive(Clone)]
pub struct CaseCheckRow {
    /// `cas_…`.
    pub case: String,
    /// Its number in the case, from 1.
    pub number: u32,
    /// Dataset name.
    pub dataset: Arc<str>,
    /// Subject pseudonym.
    pub subject: SubjectKey,
    /// Version that was answered from; 0: none was told.
    pub record_version: u32,
    /// The lead's verification.
    pub verification: String,
    /// What was answered, sealed.
    pub facts: Vec<u8>,
    /// Unix microseconds.
    pub created_at: i64,
}

/// What a commit writes of joint cases.
#[derive(Clone, Default)]
pub struct CaseWrites {
    /// New cases, each with its parties.
    pub opened: Vec<(CaseRow, Vec<String>)>,
    /// Cases after a change; the revision before must be current.
    pub changed: Vec<CaseRow>,
    /// New checks; a number that is taken is a conflict.
    pub checks: Vec<CaseCheckRow>,
}

impl CaseWrites {
    /// Rows.
    pub fn weight(&self) -> usize {
        let opened = self.opened.iter().map(|(_, parties)| 1 + parties.len());
        opened.sum::<usize>() + self.changed.len() + self.checks.len()
    }
}

/// Joint cases with their checks.
#[async_trait]
pub trait CaseStore: Send + Sync {
    /// One joint case.
    async fn case(&self, id: &str) -> Result<Option<CaseRow>, StoreError>;

    /// Cases that an agency leads or handles, with a greater id, at most `limit`.
    async fn cases_of(&self, agency: &str, after: Option<&str>, limit: u32) -> Result<Vec<CaseRow>, StoreError>;

    /// The checks of a case, by number.
    async fn case_checks(&self, case: &str) -> Result<Vec<CaseCheckRow>, StoreError>;
}
