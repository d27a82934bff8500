//! The data-quality ledger: how often each field of each dataset agreed, by which rule, day after day; and what became of the
//! mismatches. Tallied from this node's ledger, which holds every answer: nothing of it is on the way of a verification.
//!
//! `tallied == the entries before the position`, always: tallies and position are one commit, and what could not be stored is
//! forgotten and read again. The entry's own time decides the day.

mod markdown;
mod report;
mod sums;

use std::collections::HashMap;

use super::{foundation::error::AppError, node::hub::Hub};
use heyan_domain::calendar::china_day;
use heyan_ledger::{
    answered,
    entry::{self, EntryBody, EntryKind, LedgerEntry},
};
use heyan_ports::commit::{Commit, ReadPosition};
use heyan_ports::{
    mismatches::MismatchRow,
    quality::{QualityWrites, StepTally, VerdictTally},
    subject::{RowKey, SubjectKey},
};
pub use report::{IsoWeek, ReportBy, ReportRequest, WeekReport, report, rows};
pub use sums::{AnswersRow, FieldRow, MismatchesRow, PeriodRows, WordCounts};

/// Entries that are read at once, and before what was tallied is stored.
const ENTRIES_MAX: u64 = 4_096;
const COMMIT_ENTRIES: u64 = 65_536;

/// The number of the field that stands for the whole answer.
pub const WHOLE: u8 = u8::MAX;

/// Where the tallying stands.
#[derive(Default)]
pub struct TallyTail {
    next: Option<u64>,
}

/// How often each list of (field, code) was told.
type ToldCounts = HashMap<Box<[u8]>, u64, ahash::RandomState>;

/// What was tallied and is not stored yet.
#[derive(Default)]
struct NewTally {
    rules: Vec<String>,
    /// How often each list of (field, code) was told, by day, rules and agency: most answers differ in their subject alone, and one
    /// look is enough for all their fields.
    answers: HashMap<(i32, u16, u32), ToldCounts, ahash::RandomState>,
    steps: HashMap<(i32, String, String, String), (u64, u64), ahash::RandomState>,
    /// Steps whose mismatch has to be asked for.
    met: Vec<MetStep>,
}

/// A step: id and subject of the mismatch, action, number of the step, time.
type MetStep = (String, SubjectKey, String, u32, i64);

/// Mismatches that are asked for at once.
const ROWS_MAX: usize = 500;

/// Tallies what was entered since the last call, and stores it; answers how many entries there were.
///
/// # Errors
/// The ledger or the store cannot be asked: nothing is lost, and nothing counted twice.
pub async fn tally(hub: &Hub, tail: &mut TallyTail) -> Result<u64, AppError> {
    let done = tally_from(hub, tail).await;
    if done.is_err() {
        // Whether the last commit stands is not known: the store's position says.
        tail.next = None;
    }
    done
}

async fn tally_from(hub: &Hub, tail: &mut TallyTail) -> Result<u64, AppError> {
    let name = format!("quality:{}", hub.node.settings.origin);
    let durable = hub.ledger.stats().durable;
    let begun = match tail.next {
        Some(next) => next,
        None => {
            let stored = hub.store.position(&name).await?;
            stored.and_then(|text| text.parse().ok()).unwrap_or_default()
        }
    };
    let (mut next, mut tally) = (begun, NewTally::default());
    while next < durable && next - begun < COMMIT_ENTRIES {
        let mut after = next;
        hub.ledger.tail(next, ENTRIES_MAX, |index, bytes| {
            tally.take(bytes);
            after = index + 1;
        })?;
        if after == next {
            break;
        }
        next = after;
    }
    if next > begun {
        tally.look_up_steps(hub).await?;
        let commit = Commit::at(hub.clock.now_us()).with(tally.writes()).with(ReadPosition {
            name,
            value: next.to_string(),
        });
        hub.write(commit).await?;
    }
    tail.next = Some(next);
    Ok(next - begun)
}

impl NewTally {
    fn take(&mut self, bytes: &[u8]) {
        if let Some(answers) = answered::EntryAnswers::read(bytes) {
            let (day, agency, mut told) = (china_day(answers.at_us), answers.agency, Vec::new());
            // `None` ended the reading early, and is nothing else.
            let _read = answers.visit(|answer| {
                let rules = number_of(&mut self.rules, answer.rules);
                let alike = self.answers.entry((day, rules, agency)).or_default();
                told.clear();
                told.extend_from_slice(&[WHOLE, answer.outcome.code()]);
                told.extend_from_slice(answer.fields.as_flattened());
                match alike.get_mut(told.as_slice()) {
                    Some(count) => *count += 1,
                    None => {
                        alike.insert(told.as_slice().into(), 1);
                    }
                }
            });
        }
        if entry::kind_of(bytes) == Some(EntryKind::Mismatch)
            && let Some(entry) = LedgerEntry::decode(bytes)
            && let EntryBody::Mismatch {
                id,
                action,
                step,
                subject,
                ..
            } = entry.body
        {
            self.met.push((id, SubjectKey(subject), action, step, entry.at_us));
        }
    }

    /// A step's entry names the mismatch; its fields, and since when a decision was waited for, stand in the store.
    async fn look_up_steps(&mut self, hub: &Hub) -> Result<(), AppError> {
        let met = std::mem::take(&mut self.met);
        let rows = rows_of(hub, &met).await?;
        for (id, subject, action, seq, at_us) in met {
            let Some(row) = rows.get(&id) else { continue };
            let day = china_day(at_us);
            let mut days = 0;
            if matches!(action.as_str(), "approve" | "reject") {
                let steps = hub.store.mismatch_steps(subject, &id).await?;
                let mut proposed = steps
                    .iter()
                    .filter(|step| step.seq < seq && step.action == "propose_correction");
                if let Some(proposed) = proposed.next_back() {
                    days = u64::try_from(day - china_day(proposed.at)).unwrap_or_default();
                }
            }
            for field in &row.fields {
                let key = (day, row.dataset.to_string(), field.clone(), action.clone());
                let (count, sum) = self.steps.entry(key).or_default();
                *count += 1;
                *sum += days;
            }
        }
        Ok(())
    }

    fn writes(self) -> QualityWrites {
        let Self {
            rules, answers, steps, ..
        } = self;
        let mut verdicts: HashMap<_, u64, ahash::RandomState> = HashMap::default();
        for ((day, number, agency), told) in answers {
            for (pairs, count) in told {
                for [field, code] in pairs.as_chunks().0 {
                    *verdicts.entry((day, number, *field, agency, *code)).or_default() += count;
                }
            }
        }
        let verdicts = verdicts
            .into_iter()
            .map(|((day, number, field, agency, code), count)| VerdictTally {
                day,
                rules: rules.get(usize::from(number)).cloned().unwrap_or_default(),
                field,
                agency,
                code,
                count,
            });
        let steps = steps
            .into_iter()
            .map(|((day, dataset, field, action), (count, days))| StepTally {
                day,
                dataset,
                field,
                action,
                count,
                days,
            });
        QualityWrites {
            verdicts: verdicts.collect(),
            steps: steps.collect(),
        }
    }
}

/// The mismatches of steps, by their id.
async fn rows_of(hub: &Hub, met: &[MetStep]) -> Result<HashMap<String, MismatchRow>, AppError> {
    let mut rows = HashMap::new();
    for part in met.chunks(ROWS_MAX) {
        let keys: Vec<RowKey> = part
            .iter()
            .map(|(id, subject, ..)| RowKey {
                subject: *subject,
                id: id.clone(),
            })
            .collect();
        let found = hub.store.mismatches_by_key(&keys).await?;
        rows.extend(found.into_iter().map(|row| (row.id.clone(), row)));
    }
    Ok(rows)
}

/// Few rule sets: a list is faster than a table of texts.
fn number_of(rules: &mut Vec<String>, name: &str) -> u16 {
    let place = rules.iter().position(|known| known == name);
    let place = place.unwrap_or_else(|| {
        rules.push(name.to_owned());
        rules.len() - 1
    });
    u16::try_from(place).unwrap_or(u16::MAX)
}
