//! What is pending about subjects: open mismatches, disputed fields, counted guesses. It is kept in memory, by pseudonym, because
//! every verification reads it. The store holds the same and is read at the start.
//!
//! Order: a change is committed, then updated here, then acknowledged. A guess is counted here first and committed afterwards:
//! concurrent guesses must not each see an unused budget. `guess.rs` describes how several nodes count.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, PoisonError, RwLock},
};

use tokio::sync::{Mutex, MutexGuard};

use heyan_domain::{budget::FieldGuesses, mismatch::MismatchPhase};
use heyan_ports::{mismatches::MismatchRow, subject::SubjectKey};

/// What an answer says about a mismatch.
#[derive(Clone)]
pub struct MismatchNote {
    /// `mis_…`.
    pub id: Arc<str>,
    /// Deadline for the party that must act next.
    pub due_on: Option<Arc<str>>,
}

/// One mismatch that is not over.
#[derive(Clone)]
pub struct PendingMismatch {
    /// `mis_…`.
    pub id: Arc<str>,
    /// Keyed hash of agency and application number.
    pub matter: [u8; 16],
    /// Names of the fields that differ, sorted.
    pub fields: Arc<[String]>,
    /// Whether its fields are flagged as disputed.
    pub dispute: DisputeKind,
    /// Its state.
    pub state: MismatchPhase,
    /// Deadline for the party that must act next.
    pub due_on: Option<Arc<str>>,
    /// Unix microseconds.
    pub opened_at: i64,
    /// Agency whose application it is.
    pub agency: Arc<str>,
    /// When it is forgotten, Unix microseconds; `None`: never.
    pub expires_at: Option<i64>,
}

/// Whether the agency says that the record is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisputeKind {
    /// No.
    None,
    /// Yes, and it is not decided yet.
    Pending,
}

impl From<&MismatchRow> for PendingMismatch {
    fn from(row: &MismatchRow) -> Self {
        Self {
            id: row.id.as_str().into(),
            matter: row.matter,
            fields: row.fields.clone().into(),
            dispute: if row.state == MismatchPhase::Disputed {
                DisputeKind::Pending
            } else {
                DisputeKind::None
            },
            state: row.state,
            due_on: row.due_on.as_deref().map(Into::into),
            opened_at: row.opened_at,
            agency: row.agency.as_str().into(),
            expires_at: row.expires_at,
        }
    }
}

/// What was guessed of one field of a subject.
#[derive(Clone)]
pub struct GuessedField {
    /// Name of the field.
    pub field: Arc<str>,
    /// The guesses that count.
    pub guesses: FieldGuesses,
    /// The last day (of China, since 1970-01-01) on which an alert said that the budget is used up: one a day is enough.
    pub alerted_on: Option<i32>,
}

/// What is pending about one subject.
#[derive(Clone, Default)]
pub struct PendingSubject {
    /// Mismatches that are not over.
    pub mismatches: Vec<PendingMismatch>,
    /// By field.
    pub guessed: Vec<GuessedField>,
    /// Revision of the guesses, where other nodes count too.
    pub guess_head: i64,
}

impl PendingSubject {
    /// Whether an agency has a mismatch of this subject in which the authority has agreed with it. What the agency does by itself,
    /// accepting the record or disputing it, confirms nothing.
    pub fn is_confirmed_for(&self, agency: &str) -> bool {
        let confirmed =
            |mismatch: &&PendingMismatch| mismatch.state == MismatchPhase::Corrected && &*mismatch.agency == agency;
        self.mismatches.iter().any(|mismatch| confirmed(&mismatch))
    }

    /// Whether a field is said to be wrong.
    pub fn is_disputed(&self, field: &str) -> bool {
        let disputed = |mismatch: &&PendingMismatch| mismatch.dispute == DisputeKind::Pending;
        let named = |mismatch: &PendingMismatch| mismatch.fields.iter().any(|name| name == field);
        self.mismatches.iter().filter(disputed).any(named)
    }

    /// What was guessed of a field.
    pub fn guessed(&self, field: &str) -> Option<&GuessedField> {
        self.guessed.iter().find(|guessed| *guessed.field == *field)
    }

    /// The same, to be changed.
    pub fn guessed_mut(&mut self, field: &str) -> &mut GuessedField {
        let position = self.guessed.iter().position(|guessed| *guessed.field == *field);
        let position = position.unwrap_or_else(|| {
            self.guessed.push(GuessedField {
                field: Arc::from(field),
                guesses: FieldGuesses::default(),
                alerted_on: None,
            });
            self.guessed.len() - 1
        });
        #[expect(
            clippy::indexing_slicing,
            reason = "the position was found or made in the line before"
        )]
        &mut self.guessed[position]
    }

    /// The pending mismatch of a matter and a sorted set of fields.
    pub fn pending(&self, matter: &[u8; 16], fields: &[impl AsRef<str>]) -> Option<MismatchNote> {
        let same_fields = |known: &PendingMismatch| {
            known.fields.len() == fields.len() && known.fields.iter().zip(fields).all(|(a, b)| **a == *b.as_ref())
        };
        let mut mismatches = self.mismatches.iter();
        let same = mismatches.find(|known| known.matter == *matter && same_fields(known));
        same.map(|known| MismatchNote {
            id: Arc::clone(&known.id),
            due_on: known.due_on.clone(),
        })
    }

    fn is_empty(&self) -> bool {
        self.mismatches.is_empty() && self.guessed.iter().all(|guessed| guessed.guesses.is_empty())
    }
}

type PendingShard = HashMap<SubjectKey, Arc<PendingSubject>, ahash::RandomState>;

/// What is pending, of all subjects.
pub struct PendingTable {
    shards: Box<[RwLock<PendingShard>]>,
    turns: Box<[Mutex<()>]>,
    /// Subjects of which a mismatch is over, as far as it is known; forgotten all at once when there are so many.
    decided: RwLock<HashSet<SubjectKey, ahash::RandomState>>,
}

/// Subjects of which it is remembered that a mismatch is over.
const DECIDED_MAX: usize = 100_000;

/// Shards of the table, and turns.
const SHARDS: usize = 256;

impl Default for PendingTable {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| RwLock::default()).collect(),
            turns: (0..SHARDS).map(|_| Mutex::default()).collect(),
            decided: RwLock::default(),
        }
    }
}

/// Pseudonyms are random already.
fn shard_of(subject: SubjectKey) -> usize {
    let SubjectKey([first, ..]) = subject;
    usize::from(first) % SHARDS
}

impl PendingTable {
    /// What is pending about a subject; `None` for nearly all.
    pub fn about(&self, subject: SubjectKey) -> Option<Arc<PendingSubject>> {
        let shard = self.shards.get(shard_of(subject))?;
        let shard = shard.read().unwrap_or_else(PoisonError::into_inner);
        shard.get(&subject).map(Arc::clone)
    }

    /// Every subject of which something is pending.
    pub fn subjects(&self) -> Vec<SubjectKey> {
        let of_shard = |shard: &RwLock<PendingShard>| {
            let shard = shard.read().unwrap_or_else(PoisonError::into_inner);
            shard.keys().copied().collect::<Vec<_>>()
        };
        self.shards.iter().flat_map(of_shard).collect()
    }

    /// Changes what is pending about a subject.
    pub fn change<T>(&self, subject: SubjectKey, change: impl FnOnce(&mut PendingSubject) -> T) -> Option<T> {
        let shard = self.shards.get(shard_of(subject))?;
        let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
        let about = shard.entry(subject).or_default();
        let about = Arc::make_mut(about);
        let changed = change(about);
        if about.is_empty() {
            shard.remove(&subject);
        }
        Some(changed)
    }

    /// Takes over a mismatch as it was committed: one that is over is no longer pending.
    pub fn tell(&self, row: &MismatchRow) {
        self.change(row.subject, |about| {
            about.mismatches.retain(|known| *known.id != *row.id);
            if !row.is_final {
                about.mismatches.push(row.into());
            }
        });
        if row.is_final {
            self.decided(row.subject);
        }
    }

    /// Remembers that a mismatch of a subject is over.
    pub fn decided(&self, subject: SubjectKey) {
        let mut decided = self.decided.write().unwrap_or_else(PoisonError::into_inner);
        if decided.len() >= DECIDED_MAX {
            decided.clear();
        }
        decided.insert(subject);
    }

    /// Whether it is known that a mismatch of a subject is over; `false` says nothing.
    pub fn is_decided(&self, subject: SubjectKey) -> bool {
        self.decided
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(&subject)
    }

    /// Locks subjects. A writer of their mismatches holds the locks from its decision to its commit. Locks are always taken in the
    /// same order, so that two callers never wait for each other.
    pub async fn turn(&self, subjects: impl Iterator<Item = SubjectKey>) -> Vec<MutexGuard<'_, ()>> {
        let mut shards: Vec<usize> = subjects.map(shard_of).collect();
        shards.sort_unstable();
        shards.dedup();
        let mut guards = Vec::with_capacity(shards.len());
        for shard in shards {
            if let Some(turn) = self.turns.get(shard) {
                guards.push(turn.lock().await);
            }
        }
        guards
    }

    /// Forgets guesses that no longer count, and mismatches that expired.
    pub fn expire(&self, now_us: i64) {
        let now_s = now_us.div_euclid(1_000_000);
        let has_expired = |known: &PendingMismatch| known.expires_at.is_some_and(|at| at < now_us);
        for shard in &self.shards {
            let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
            shard.retain(|_, about| {
                if !about.guessed.is_empty() {
                    let about = Arc::make_mut(about);
                    for guessed in &mut about.guessed {
                        guessed.guesses.expire(now_s);
                    }
                    about.guessed.retain(|guessed| !guessed.guesses.is_empty());
                }
                if about.mismatches.iter().any(has_expired) {
                    Arc::make_mut(about).mismatches.retain(|known| !has_expired(known));
                }
                !about.is_empty()
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::mismatch::pending::*;

    fn row(id: &str, state: MismatchPhase) -> MismatchRow {
        MismatchRow {
            id: id.to_owned(),
            dataset: "natural-person".into(),
            subject: SubjectKey([7; 16]),
            agency: "a".to_owned(),
            matter: [1; 16],
            fields: vec!["name".to_owned()],
            record_version: 1,
            state,
            is_final: state.is_final(),
            due_on: None,
            awaits: None,
            revision: 1,
            opened_at: 0,
            updated_at: 0,
            facts: vec![],
            expires_at: (id == "mis_9").then_some(5),
        }
    }

    #[test]
    fn a_mismatch_is_pending_until_it_is_over() {
        let pending = PendingTable::default();
        let subject = SubjectKey([7; 16]);
        assert!(pending.about(subject).is_none());
        pending.tell(&row("mis_1", MismatchPhase::Open));
        assert!(!pending.about(subject).unwrap().is_disputed("name"));
        pending.tell(&row("mis_1", MismatchPhase::Disputed));
        let about = pending.about(subject).unwrap();
        assert!(about.is_disputed("name") && !about.is_disputed("sex"));
        assert!(!about.is_confirmed_for("a"), "it says so itself");
        assert_eq!(about.mismatches.len(), 1);
        pending.tell(&row("mis_1", MismatchPhase::Corrected));
        let about = pending.about(subject).unwrap();
        assert!(about.is_confirmed_for("a") && !about.is_confirmed_for("b"));
        pending.tell(&row("mis_2", MismatchPhase::Open));
        pending.tell(&row("mis_1", MismatchPhase::Closed));
        assert_eq!(pending.about(subject).unwrap().mismatches.len(), 1);
        pending.tell(&row("mis_9", MismatchPhase::Open));
        pending.expire(5);
        assert_eq!(pending.about(subject).unwrap().mismatches.len(), 2);
        pending.expire(6);
        assert_eq!(pending.about(subject).unwrap().mismatches.len(), 1);
        pending.tell(&row("mis_2", MismatchPhase::Upheld));
        assert!(pending.about(subject).is_none());
        assert!(pending.is_decided(subject) && !pending.is_decided(SubjectKey([8; 16])));
    }
}
