//! Tallies of data quality.

use async_trait::async_trait;

use crate::error::StoreError;

/// How often a verdict was told of a field on a day.
#[derive(Clone)]
pub struct VerdictTally {
    /// Days since 1970-01-01 in Asia/Shanghai.
    pub day: i32,
    /// Dataset and revision.
    pub rules: String,
    /// Number of the field in that revision; 255: the whole answer.
    pub field: u8,
    /// Number of the agency that asked; 0 where all are added up.
    pub agency: u32,
    /// Ledger code of the verdict, or of the outcome.
    pub code: u8,
    /// How often.
    pub count: u64,
}

/// How often something was done with mismatches of a field on a day.
#[derive(Clone)]
pub struct StepTally {
    /// Days since 1970-01-01 in Asia/Shanghai.
    pub day: i32,
    /// Dataset name.
    pub dataset: String,
    /// Field name.
    pub field: String,
    /// What was done.
    pub action: String,
    /// How often.
    pub count: u64,
    /// Days from proposals to their decisions, added up.
    pub days: u64,
}

/// Tallies that a commit adds up.
#[derive(Clone, Default)]
pub struct QualityWrites {
    /// Of verdicts.
    pub verdicts: Vec<VerdictTally>,
    /// Of steps of mismatches.
    pub steps: Vec<StepTally>,
}

impl QualityWrites {
    /// Rows that it writes.
    pub fn weight(&self) -> usize {
        self.verdicts.len() + self.steps.len()
    }
}

/// Tallies of data quality.
#[async_trait]
pub trait QualityStore: Send + Sync {
    /// Verdicts of a range of days, both included, added up over the nodes, and over the agencies unless one is asked for.
    async fn verdict_tallies(&self, days: (i32, i32), agency: Option<u32>) -> Result<Vec<VerdictTally>, StoreError>;

    /// What was done with mismatches in a range of days, both included, added up over the nodes.
    async fn step_tallies(&self, days: (i32, i32)) -> Result<Vec<StepTally>, StoreError>;
}
