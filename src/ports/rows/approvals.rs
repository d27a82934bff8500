//! What needs two persons, and what administration did.

use async_trait::async_trait;

use crate::{
    error::StoreError,
    subject::{RecordKey, SubjectKey},
};

heyan_domain::words! {
    /// State of an approval.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub enum ApprovalPhase {
        /// One person asked for it.
        Requested = "requested",
        /// Another person confirmed it, and it is done.
        Confirmed = "confirmed",
    }
}

/// Something that one person asked for and another has to confirm.
#[derive(Clone)]
pub struct ApprovalRow {
    /// `apr_…`.
    pub id: String,
    /// What is asked for, such as `user.add`.
    pub kind: String,
    /// Its state.
    pub state: ApprovalPhase,
    /// Client that asked.
    pub asked_by: String,
    /// Counts steps, from 1: the one before it must be current.
    pub revision: u32,
    /// What is asked for in full, sealed.
    pub facts: Vec<u8>,
    /// Unix microseconds.
    pub created_at: i64,
    /// Unix microseconds.
    pub updated_at: i64,
}

/// One act of administration.
#[derive(Clone, Debug)]
pub struct AdministrationRow {
    /// `adm_…`.
    pub id: String,
    /// Unix microseconds.
    pub at: i64,
    /// What was done, such as `grant.add`.
    pub action: String,
    /// To what: the id of an agency, a grant, a user or an approval.
    pub target: String,
    /// Client that did it; empty: the command line, at the first start.
    pub by_client: String,
}

/// That an agency brought the current version of a record of another's register.
#[derive(Clone)]
pub struct ContributionRow {
    /// The record.
    pub key: RecordKey,
    /// Number of the agency.
    pub agency: u32,
    /// The version that it brought.
    pub version: u32,
}

/// What needs two persons, what administration did, and who contributed what.
#[async_trait]
pub trait ApprovalStore: Send + Sync {
    /// Every approval that is kept, by id.
    async fn approvals(&self) -> Result<Vec<ApprovalRow>, StoreError>;

    /// Acts of administration, newest first, with ids below `before`; at most `limit`.
    async fn administration(&self, before: Option<&str>, limit: u32) -> Result<Vec<AdministrationRow>, StoreError>;

    /// Which agency contributed the records of a dataset, and which version of each: number and version by subject.
    async fn contributions(
        &self,
        dataset: &str,
        subjects: &[SubjectKey],
    ) -> Result<Vec<(SubjectKey, u32, u32)>, StoreError>;
}
