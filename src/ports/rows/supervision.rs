//! Alerts with their steps, and what the rules of supervision read and keep.

use async_trait::async_trait;

use crate::{error::StoreError, subject::SubjectKey};

/// Something that a person should look at.
#[derive(Clone)]
pub struct AlertRow {
    /// `alt_…`.
    pub id: String,
    /// Which rule.
    pub rule: String,
    /// One alert for one cause.
    pub once: String,
    /// Dataset name.
    pub dataset: Option<String>,
    /// Subject pseudonym.
    pub subject: Option<SubjectKey>,
    /// Mismatch id.
    pub mismatch: Option<String>,
    /// Agency id.
    pub agency: Option<String>,
    /// JSON object without values of persons.
    pub facts: String,
    /// When it was raised, Unix microseconds.
    pub at: i64,
    /// Class of its rule.
    pub class: String,
    /// Severity of its rule.
    pub severity: String,
    /// `open`, `acknowledged` or `closed`.
    pub state: String,
    /// Counts steps, from 1.
    pub revision: u32,
    /// Ledger entries that show it. One with more takes the place of one with fewer, unless it is closed.
    pub entries: u64,
    /// The first of them: JSON list of origin and index.
    pub evidence: String,
    /// Unix microseconds.
    pub updated_at: i64,
}

/// Which alerts a list wants.
#[derive(Clone, Default)]
pub struct AlertFilter {
    /// In this state.
    pub state: Option<String>,
    /// Of rules of this class.
    pub class: Option<String>,
    /// Of this rule.
    pub rule: Option<String>,
    /// Raised since then, Unix microseconds.
    pub since: Option<i64>,
    /// Older than the alert of this time and id.
    pub before: Option<(i64, String)>,
    /// Rows at most.
    pub limit: u32,
}

/// One step of an alert's life.
#[derive(Clone)]
pub struct AlertStep {
    /// Alert id.
    pub alert: String,
    /// Its number in the alert, from 2: the alert's revision after it.
    pub seq: u32,
    /// Unix microseconds.
    pub at: i64,
    /// What was done.
    pub action: String,
    /// State after it.
    pub state: String,
    /// Who and why, sealed.
    pub note: Vec<u8>,
}

/// Entries of one ledger, as they lie in it, for the node that watches.
#[derive(Clone)]
pub struct PostedEntries {
    /// Name of the ledger.
    pub origin: String,
    /// Number of its node.
    pub node: u16,
    /// Index of the first entry.
    pub first: u64,
    /// Index behind the last one.
    pub next: u64,
    /// The entries that supervision reads, each behind its index and length.
    pub body: Vec<u8>,
}

/// What a commit writes of supervision.
#[derive(Clone, Default)]
pub struct SupervisionWrites {
    /// Steps of alerts; another revision than the one before is a conflict.
    pub steps: Vec<AlertStep>,
    /// Entries for the node that watches.
    pub posted: Option<PostedEntries>,
    /// What the rules have seen so far, sealed.
    pub kept: Option<Vec<u8>>,
    /// How far each ledger was taken in: what was posted up to there is deleted.
    pub taken: Vec<(String, u64)>,
}

impl SupervisionWrites {
    /// Rows that it writes, about.
    pub fn weight(&self) -> usize {
        self.steps.len() + usize::from(self.posted.is_some()) + usize::from(self.kept.is_some()) + self.taken.len()
    }
}

/// Alerts with their steps, and what the rules of supervision read and keep.
#[async_trait]
pub trait SupervisionStore: Send + Sync {
    /// Alerts, newest first.
    async fn alerts(&self, filter: &AlertFilter) -> Result<Vec<AlertRow>, StoreError>;

    /// One alert.
    async fn alert(&self, id: &str) -> Result<Option<AlertRow>, StoreError>;

    /// The steps of an alert, oldest first.
    async fn alert_steps(&self, id: &str) -> Result<Vec<AlertStep>, StoreError>;

    /// What the rules of supervision have seen so far, sealed.
    async fn supervision_state(&self) -> Result<Option<Vec<u8>>, StoreError>;

    /// Ledgers of which entries wait for the node that watches.
    async fn posted_origins(&self) -> Result<Vec<String>, StoreError>;

    /// Entries of a ledger that wait, from an index on, in order.
    async fn posted_entries(&self, origin: &str, from: u64, limit: u32) -> Result<Vec<PostedEntries>, StoreError>;
}
