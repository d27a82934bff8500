//! Mismatches and the steps of their lives.

use std::sync::Arc;

use async_trait::async_trait;
use heyan_domain::mismatch::MismatchPhase;

use crate::{
    error::StoreError,
    subject::{RecordKey, RowKey, SubjectKey},
};

/// The current row of a mismatch.
#[derive(Clone)]
pub struct MismatchRow {
    /// `mis_…`.
    pub id: String,
    /// Dataset name.
    pub dataset: Arc<str>,
    /// Subject pseudonym.
    pub subject: SubjectKey,
    /// Agency whose application it is.
    pub agency: String,
    /// Keyed hash of agency and application number.
    pub matter: [u8; 16],
    /// Names of the fields that differ, sorted.
    pub fields: Vec<String>,
    /// Version that was answered from; 0: there was no record.
    pub record_version: u32,
    /// Its state.
    pub state: MismatchPhase,
    /// Whether no party has to act any more.
    pub is_final: bool,
    /// Deadline for the party that must act next, ISO 8601 date.
    pub due_on: Option<String>,
    /// The event whose deliveries end the state.
    pub awaits: Option<String>,
    /// Counts steps, from 1.
    pub revision: u32,
    /// Unix microseconds.
    pub opened_at: i64,
    /// Unix microseconds.
    pub updated_at: i64,
    /// State with its facts and purpose, sealed.
    pub facts: Vec<u8>,
    /// When it is forgotten unless a party acts on it, Unix microseconds; `None`: never.
    pub expires_at: Option<i64>,
}

/// One step of a mismatch's life.
#[derive(Clone)]
pub struct StepRow {
    /// Its number in the mismatch, from 1: the mismatch's revision after it.
    pub seq: u32,
    /// Unix microseconds.
    pub at: i64,
    /// What was done.
    pub action: String,
    /// State after it.
    pub state: MismatchPhase,
    /// `agency`, `authority` or `hub`.
    pub actor: &'static str,
    /// Reason and clerk, sealed.
    pub note: Vec<u8>,
}

/// A mismatch after a step, and the step.
#[derive(Clone)]
pub struct MismatchWrite {
    /// The mismatch after it. Its revision minus one must be current; revision 1 is a new mismatch.
    pub row: MismatchRow,
    /// The step.
    pub step: StepRow,
    /// Whether a new mismatch must be the first about its matter and fields: if there is another, the commit is a conflict.
    pub is_first: bool,
}

/// The due day of a mismatch that has none; passed over if it took a step meanwhile.
#[derive(Clone)]
pub struct DueWrite {
    /// The mismatch.
    pub mismatch: RowKey,
    /// Its revision when the day was decided.
    pub revision: u32,
    /// ISO 8601 date.
    pub due_on: String,
}

/// Which mismatches a list wants.
#[derive(Clone, Default)]
pub struct MismatchFilter {
    /// Of this agency's applications.
    pub agency: Option<String>,
    /// Of these datasets; `None`: any.
    pub datasets: Option<Vec<String>>,
    /// In this state.
    pub state: Option<MismatchPhase>,
    /// Due before this date (ISO 8601), and not over: these come by day and id, all others by id.
    pub due_before: Option<String>,
    /// Behind this row: [`MismatchFilter::place`] of it, or its id.
    pub after: Option<String>,
    /// Rows at most.
    pub limit: u32,
}

impl MismatchFilter {
    /// The place of a row in the list.
    pub fn place(&self, row: &MismatchRow) -> String {
        match (&self.due_before, &row.due_on) {
            (Some(_), Some(day)) => format!("{day}:{}", row.id),
            _ => row.id.clone(),
        }
    }
}

/// Counts for the board and the metrics.
#[derive(Clone, Debug, Default)]
pub struct LoopCounts {
    /// Mismatches by word of state.
    pub mismatches: Vec<(String, u64)>,
    /// Mismatches that are not over and were due before a given date.
    pub overdue: u64,
    /// Deliveries that are pending or dead, by word of state.
    pub deliveries: Vec<(String, u64)>,
    /// Alerts by rule, since the beginning.
    pub alerts: Vec<(String, u64)>,
    /// Creation of the oldest pending delivery, Unix microseconds.
    pub oldest_pending_at: Option<i64>,
}

/// Mismatches and the steps of their lives.
#[async_trait]
pub trait MismatchStore: Send + Sync {
    /// One mismatch of a subject.
    async fn mismatch(&self, subject: SubjectKey, id: &str) -> Result<Option<MismatchRow>, StoreError>;

    /// One mismatch by its id alone. Every shard is asked.
    async fn find_mismatch(&self, id: &str) -> Result<Option<MismatchRow>, StoreError>;

    /// The steps of a mismatch, oldest first.
    async fn mismatch_steps(&self, subject: SubjectKey, id: &str) -> Result<Vec<StepRow>, StoreError>;

    /// Mismatches in the order that the filter says.
    async fn mismatches(&self, filter: &MismatchFilter) -> Result<Vec<MismatchRow>, StoreError>;

    /// Mismatches by their keys, in any order; those that are gone are left out.
    async fn mismatches_by_key(&self, keys: &[RowKey]) -> Result<Vec<MismatchRow>, StoreError>;

    /// Mismatches without a due day, because the working days were not known when their last step was taken. At most `limit`.
    async fn undated_mismatches(&self, limit: u32) -> Result<Vec<MismatchRow>, StoreError>;

    /// Mismatches whose step is over: no delivery of the event that they await is pending. At most `limit`.
    async fn delivered_mismatches(&self, limit: u32) -> Result<Vec<MismatchRow>, StoreError>;

    /// The newest mismatch of a record, matter and field set, over or not.
    async fn mismatch_of(
        &self,
        key: &RecordKey,
        matter: &[u8; 16],
        fields: &[String],
    ) -> Result<Option<MismatchRow>, StoreError>;

    /// The mismatches of a subject that are not over.
    async fn pending_mismatches(&self, subject: SubjectKey) -> Result<Vec<MismatchRow>, StoreError>;

    /// Counts for the board and the metrics; `today` is an ISO 8601 date.
    async fn loop_counts(&self, today: &str) -> Result<LoopCounts, StoreError>;
}
