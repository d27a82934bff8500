//! Facts that supervision eats, and findings that come out. A fact holds pseudonyms and keyed hashes, and where in which ledger it
//! stands: a finding's evidence is a list of such places, and everything else can be read there by who may.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::verdict::Outcome;

/// Places that a finding keeps; more are only counted.
pub const EVIDENCE_MAX: usize = 32;

/// In the place of a field: there is no record. A dataset has at most 64 fields.
pub const NO_RECORD: u8 = u8::MAX;

/// An entry of a node's ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SeenEntry {
    /// Number of the node.
    pub node: u16,
    /// Index of the entry.
    pub index: u64,
}

/// Something that the ledger says happened.
#[derive(Clone, Debug)]
pub struct LedgerFact {
    /// When, Unix microseconds.
    pub at_us: i64,
    /// Where it stands.
    pub seen: SeenEntry,
    /// Number of the agency.
    pub agency: u32,
    /// Its id, for the scope of rules.
    pub agency_id: Arc<str>,
    /// What.
    pub what: FactKind,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum FactKind {
    /// A verification was answered.
    LookUp(LookUp),
    /// The agency reported an application.
    Application {
        /// Keyed hash of agency and application number.
        matter: u64,
    },
    /// A mismatch took a step.
    Step(StepFact),
}

/// A verification.
#[derive(Clone, Debug)]
pub struct LookUp {
    /// Dataset name.
    pub dataset: Arc<str>,
    /// Service item code.
    pub item: Arc<str>,
    /// Pseudonym of the subject.
    pub subject: u128,
    /// Keyed hash of agency and application number.
    pub matter: u64,
    /// Keyed hash of agency and operator.
    pub operator: u64,
    /// As it was told.
    pub outcome: Outcome,
    /// Numbers of the fields that did not agree; [`NO_RECORD`] alone: there is no record.
    pub wrong: Box<[u8]>,
    /// Whether the item still demands on paper what a register proves.
    pub demands_paper: bool,
}

/// A step of a mismatch.
#[derive(Clone, Debug)]
pub struct StepFact {
    /// `mis_…`.
    pub mismatch: String,
    /// Its number in the mismatch.
    pub number: u32,
    /// Dataset name.
    pub dataset: Arc<str>,
    /// Pseudonym of the subject.
    pub subject: u128,
    /// Until when somebody has to act, days since 1970-01-01; `None`: nobody, or not known.
    pub due_day: Option<i32>,
    /// Whether nobody has to do anything more.
    pub is_over: bool,
}

/// Whom or what a finding is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingSubject {
    /// Number of the agency.
    pub agency: Option<u32>,
    /// Keyed hash of agency and operator; who that is stands sealed in the evidence.
    pub operator: Option<u64>,
    /// Pseudonym of the subject.
    pub subject: Option<u128>,
    /// Dataset name.
    pub dataset: Option<Box<str>>,
    /// Mismatch id.
    pub mismatch: Option<String>,
    /// Service item code.
    pub item: Option<Box<str>>,
}

/// Entries that show something: the first of them, and how many there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingEvidence {
    /// The first, at most [`EVIDENCE_MAX`].
    pub seen: Vec<SeenEntry>,
    /// All.
    pub entries: u64,
}

impl FindingEvidence {
    /// One more. Entries come in order, so that one with many answers is the last one again.
    pub fn push(&mut self, seen: SeenEntry) {
        if self.seen.last() == Some(&seen) {
            return;
        }
        self.entries += 1;
        if self.seen.len() < EVIDENCE_MAX {
            self.seen.push(seen);
        }
    }

    /// Of these.
    pub fn of(all: impl IntoIterator<Item = SeenEntry>) -> Self {
        let mut evidence = Self::default();
        all.into_iter().for_each(|seen| evidence.push(seen));
        evidence
    }
}

/// Something that a person should look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SupervisionFinding {
    /// Rule.
    pub rule: String,
    /// One alert for one cause: rule, key and window.
    pub once: String,
    /// Whom it is about.
    pub about: FindingSubject,
    /// What was counted, and what it was held against.
    pub counts: Vec<(&'static str, i64)>,
    /// Where it stands.
    pub evidence: FindingEvidence,
    /// When it was found, Unix microseconds.
    pub at_us: i64,
}
