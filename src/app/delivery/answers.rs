//! The index of answers: which agency was answered from which version of a record. It is read from the ledger and kept in the store,
//! and caught up before a change is fanned out. `position ≤ durable`; an answer that is read twice is kept once.

use std::collections::{HashMap, HashSet};

use crate::{
    foundation::{error::AppError, ids::VerificationId},
    node::hub::Hub,
};
use heyan_domain::verdict::Outcome;
use heyan_ledger::answered;
use heyan_ports::{commit::Commit, positions::ReadPosition};
use heyan_ports::{deliveries::AnswerRow, subject::SubjectKey};

/// Entries that are read at once.
const ENTRIES_MAX: u64 = 4_096;

/// Answers that are known to be stored; forgotten all at once when there are so many.
const KNOWN_MAX: usize = 1_000_000;

/// Entries after which the position is stored although no answer was new.
const STORE_AFTER: u64 = 50_000;

/// Told that there is no record.
pub const TOLD_MISSING: i64 = -1;

/// Late answers of one call.
const LATE_MAX: usize = 50_000;

/// What a call of [`AnswerIndex::catch_up`] found.
#[derive(Default)]
pub struct CaughtUp {
    /// Answers that may be from versions that were replaced when they reached the ledger.
    pub late: Vec<AnswerRow>,
    /// To be stored with what is done about them.
    pub position: Option<ReadPosition>,
}

/// Where the reading stands.
#[derive(Default)]
pub struct AnswerIndex {
    next: Option<u64>,
    stored: u64,
    known: HashSet<([u8; 16], u32, i64), ahash::RandomState>,
    /// Records that changed lately, with the version since: an answer from before may still be on its way.
    pub recent: HashMap<SubjectKey, (u32, i64), ahash::RandomState>,
}

impl AnswerIndex {
    /// Reads all that is durable now, and stores it. What it answers comes with the position to be stored when that is dealt with: a
    /// crash before reads the same again.
    ///
    /// # Errors
    /// The ledger or the store cannot be asked; the next call goes on where this one ended.
    pub async fn catch_up(&mut self, hub: &Hub) -> Result<CaughtUp, AppError> {
        let name = format!("answers:{}", hub.node.settings.origin);
        // Changes that another node fans out are not remembered here: then every new answer may be late.
        let among_others = hub.node.trust.is_among_others();
        let mut next = match self.next {
            Some(next) => next,
            None => {
                let stored = hub.store.position(&name).await?;
                let next = stored.and_then(|text| text.parse().ok()).unwrap_or_default();
                self.stored = next;
                next
            }
        };
        let durable = hub.ledger.stats().durable;
        let (mut late, mut position) = (Vec::new(), None);
        while next < durable && late.len() < LATE_MAX {
            let (mut after, mut answers) = (next, Vec::new());
            hub.ledger.tail(next, ENTRIES_MAX, |index, bytes| {
                self.read(hub.node.settings.node, index, bytes, &mut answers);
                after = index + 1;
            })?;
            if after == next {
                break;
            }
            let is_late = |answer: &&AnswerRow| among_others || self.is_late(answer);
            late.extend(answers.iter().filter(is_late).cloned());
            if !answers.is_empty() || after - self.stored >= STORE_AFTER {
                position = Some(ReadPosition {
                    name: name.clone(),
                    value: after.to_string(),
                });
                let mut commit = Commit::at(hub.clock.now_us()).with(answers);
                if late.is_empty() {
                    // No caller waits for these rows, so the position may be stored in the same commit.
                    commit.writes.extend(position.take().map(Into::into));
                }
                hub.write(commit).await?;
                self.stored = after;
            }
            next = after;
            self.next = Some(next);
        }
        self.next = Some(next);
        Ok(CaughtUp { late, position })
    }

    /// What was caught up with was not dealt with: it is read again, from where the store says.
    pub fn forget(&mut self) {
        self.next = None;
        self.known.clear();
    }

    fn is_late(&self, answer: &AnswerRow) -> bool {
        let changed = self.recent.get(&SubjectKey(answer.subject));
        changed.is_some_and(|(version, _)| is_superseded(answer.version, *version))
    }

    /// Remembers that a record changed; forgets changes before `forget_before`.
    pub fn changed(&mut self, subject: SubjectKey, version: u32, at: i64, forget_before: i64) {
        self.recent.insert(subject, (version, at));
        if self.recent.len() > KNOWN_MAX / 10 {
            self.recent.retain(|_, (_, at)| *at >= forget_before);
        }
    }

    /// New answers of one entry.
    fn read(&mut self, node: u16, index: u64, bytes: &[u8], answers: &mut Vec<AnswerRow>) {
        if self.known.len() > KNOWN_MAX {
            self.known.clear();
        }
        answered::visit(bytes, |answered| {
            let version = match answered.outcome {
                Outcome::NotFound => TOLD_MISSING,
                _ => i64::from(answered.record_version),
            };
            // An answer that told nothing is from no version: a push would tell that there is a record.
            if version == 0 || !self.known.insert((answered.subject, answered.agency, version)) {
                return;
            }
            let id = VerificationId {
                at_ms: answered.at_us / 1_000,
                node,
                index,
            };
            let verification = match answered.position {
                Some(position) => format!("{id}-{position}"),
                None => id.to_string(),
            };
            answers.push(AnswerRow {
                subject: answered.subject,
                agency: answered.agency,
                version,
                verification,
                at: answered.at_us,
            });
        });
    }
}

/// Whether an answer from `answered` is out of date once `current` holds. A version that was not told (0) is older than every
/// second version; a first version supersedes only "there is no such record", which not everyone may know.
pub fn is_superseded(answered: i64, current: u32) -> bool {
    match answered {
        TOLD_MISSING => true,
        answered => current >= 2 && answered < i64::from(current),
    }
}

#[cfg(test)]
mod tests {
    use crate::delivery::answers::*;
    use heyan_domain::verdict::Verdict;
    use heyan_ledger::entry::{EntryBody, EntryItem, EntryKind, LedgerEntry};

    fn entry(kind: EntryKind, items: Vec<EntryItem>) -> Vec<u8> {
        LedgerEntry {
            kind,
            at_us: 1_795_363_200_000_000,
            agency: 4,
            body: EntryBody::Items(items),
            sealed: vec![],
        }
        .encode()
    }

    fn item(subject: u8, version: u32, outcome: Outcome) -> EntryItem {
        EntryItem {
            rules: "natural-person@2".to_owned(),
            subject: [subject; 16],
            record_version: version,
            outcome,
            fields: vec![(0, Verdict::Mismatch)],
        }
    }

    #[test]
    fn each_version_that_an_agency_was_answered_from_is_kept_once_with_its_first_verification() {
        let mut index = AnswerIndex::default();
        let mut answers = Vec::new();
        let one = entry(EntryKind::Verification, vec![item(1, 3, Outcome::Mismatched)]);
        index.read(7, 10, &one, &mut answers);
        index.read(7, 11, &one, &mut answers);
        let chunk = vec![item(1, 4, Outcome::Verified), item(2, 0, Outcome::NotFound)];
        index.read(7, 12, &entry(EntryKind::Chunk, chunk), &mut answers);
        let told: Vec<_> = answers
            .iter()
            .map(|answer| (answer.subject[0], answer.version))
            .collect();
        assert_eq!(told, [(1, 3), (1, 4), (2, TOLD_MISSING)]);
        let (id, position) = VerificationId::parse(&answers[2].verification).unwrap();
        assert_eq!((id.index, position), (12, Some(1)));
    }

    #[test]
    fn an_answer_is_superseded_by_what_came_after_it() {
        for (answered, current, superseded) in [
            (1, 2, true),
            (2, 2, false),
            (3, 2, false),
            (0, 2, true),
            (0, 1, false),
            (TOLD_MISSING, 1, true),
        ] {
            assert_eq!(is_superseded(answered, current), superseded, "{answered} {current}");
        }
    }
}
