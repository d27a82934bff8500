//! Rows of what is kept beside the loop: watches, joint cases with their checks, and tallies of data quality.

use std::sync::Arc;

use crate::store::SubjectKey;

/// A verification that is watched.
#[derive(Clone)]
pub struct WatchRow {
    /// `wat_…`.
    pub id: String,
    /// Agency id.
    pub agency: String,
    /// Dataset name.
    pub dataset: Arc<str>,
    /// Subject pseudonym.
    pub subject: SubjectKey,
    /// `unchanged`, `changed` or `ended`.
    pub state: String,
    /// Until when, exclusive, Unix microseconds.
    pub until: i64,
    /// When to look again, Unix microseconds; 0: at once, because the record changed.
    pub next_at: i64,
    /// Counts changes, from 1.
    pub revision: u32,
    /// What was asked and what was told, sealed.
    pub facts: Vec<u8>,
    /// Unix microseconds.
    pub created_at: i64,
    /// Unix microseconds.
    pub updated_at: i64,
}

/// Which watches of an agency a list wants.
#[derive(Clone, Default)]
pub struct WatchFilter {
    /// Whose.
    pub agency: String,
    /// In this state.
    pub state: Option<String>,
    /// With a greater id.
    pub after: Option<String>,
    /// Rows at most.
    pub limit: u32,
}

/// A joint case.
#[derive(Clone)]
pub struct CaseRow {
    /// `cas_…`.
    pub id: String,
    /// Agency that leads it.
    pub lead: String,
    /// `open` or `closed`.
    pub state: String,
    /// Until when its checks may be used again, exclusive, Unix microseconds.
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
