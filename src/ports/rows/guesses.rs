//! Counted guesses, and requests to forgive them.

use async_trait::async_trait;
use heyan_domain::budget::AgencyStanding;

use crate::{error::StoreError, subject::SubjectKey};

/// A counted guess.
#[derive(Clone)]
pub struct GuessRow {
    /// Subject pseudonym.
    pub subject: SubjectKey,
    /// Field name.
    pub field: String,
    /// Keyed hash of the claim.
    pub value: [u8; 16],
    /// Number of the agency.
    pub agency: u32,
    /// How the agency stood to the subject.
    pub standing: AgencyStanding,
    /// What it cost.
    pub units: u8,
    /// Unix microseconds.
    pub at: i64,
}

/// A step of what was guessed about a subject, compared and set: another one in between is a conflict.
#[derive(Clone, Copy)]
pub struct GuessHead {
    /// Subject pseudonym.
    pub subject: SubjectKey,
    /// The revision that must stand; 0: none.
    pub expected: i64,
    /// The revision after it.
    pub revision: i64,
}

/// What becomes of a request to forgive guesses; another person's in between is a conflict.
#[derive(Clone)]
pub enum UnlockWrite {
    /// It waits for a second person, in the place of one of the same person or of one made before `older_than`.
    Waits {
        /// Subject pseudonym.
        subject: SubjectKey,
        /// Who asks.
        client: String,
        /// Unix microseconds.
        at: i64,
        /// Unix microseconds.
        older_than: i64,
    },
    /// The one of `client` was seconded.
    Seconded {
        /// Subject pseudonym.
        subject: SubjectKey,
        /// Who asked first.
        client: String,
    },
}

/// A subject whose guesses are forgiven.
#[derive(Clone, Copy)]
pub struct ForgivenSubject(pub SubjectKey);

/// How many subjects an agency was right about on one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RightSubjects {
    /// Number of the agency.
    pub agency: u32,
    /// Days since 1970-01-01 in Asia/Shanghai.
    pub day: i32,
    /// Subjects.
    pub subjects: u32,
}

/// Counted guesses, and requests to forgive them.
#[async_trait]
pub trait GuessStore: Send + Sync {
    /// Guesses since a time, Unix microseconds.
    async fn guesses_since(&self, since: i64) -> Result<Vec<GuessRow>, StoreError>;

    /// The guesses about a subject that are counted.
    async fn guesses_about(&self, subject: SubjectKey) -> Result<Vec<GuessRow>, StoreError>;

    /// The revision of what was guessed about a subject; 0: nothing was.
    async fn guess_head(&self, subject: SubjectKey) -> Result<i64, StoreError>;

    /// Who asked for the guesses about a subject to be forgiven, and when.
    async fn unlock_request(&self, subject: SubjectKey) -> Result<Option<(String, i64)>, StoreError>;

    /// Adds to the daily numbers of subjects that agencies were right about.
    async fn add_right(&self, right: &[RightSubjects]) -> Result<(), StoreError>;

    /// Those numbers since a day.
    async fn right_since(&self, day: i32) -> Result<Vec<RightSubjects>, StoreError>;
}
