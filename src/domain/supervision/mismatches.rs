//! Mismatches that time goes over: past the date by which somebody had to act, or open for longer than anybody should take.
//! The key of an overdue one is that of the hub's own sweep, so that the two are one alert.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::moment::{DetectorMoment, forget_oldest};
use super::{FactKind, FindingEvidence, FindingSubject, KEYS_MAX, LedgerFact, RuleKind, SeenEntry};

/// Mismatches that are not over.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct OpenMismatches {
    open: BTreeMap<String, OpenMismatch>,
}

#[derive(Serialize, Deserialize)]
struct OpenMismatch {
    opened_on: i32,
    number: u32,
    due_day: Option<i32>,
    agency: u32,
    dataset: Box<str>,
    subject: u128,
    evidence: FindingEvidence,
    /// The step that was told of; 0: none.
    told: u32,
}

impl OpenMismatches {
    pub(super) fn eat(&mut self, fact: &LedgerFact, moment: &mut DetectorMoment<'_>) -> u64 {
        let FactKind::Step(step) = &fact.what else { return 0 };
        if step.is_over {
            self.open.remove(&step.mismatch);
            return 0;
        }
        let open = self.open.entry(step.mismatch.clone()).or_insert_with(|| OpenMismatch {
            opened_on: moment.day,
            number: 0,
            due_day: None,
            agency: fact.agency,
            dataset: Box::from(&*step.dataset),
            subject: step.subject,
            evidence: FindingEvidence::default(),
            told: 0,
        });
        // A step that is read twice changes nothing.
        if step.number > open.number {
            (open.number, open.due_day) = (step.number, step.due_day);
            let seen: SeenEntry = fact.seen;
            open.evidence.push(seen);
        }
        forget_oldest(&mut self.open, KEYS_MAX, |open| i64::from(open.opened_on))
    }

    pub(super) fn new_day(&mut self, moment: &mut DetectorMoment<'_>) -> u64 {
        for (id, open) in &mut self.open {
            let told = match &moment.rule.kind {
                RuleKind::Overdue if open.due_day.is_some_and(|due| due < moment.day) => open.number,
                RuleKind::Unresolved(limits) if moment.day - open.opened_on >= limits.after_days => 1,
                _ => continue,
            };
            if open.told == told {
                continue;
            }
            open.told = told;
            let about = FindingSubject {
                agency: Some(open.agency),
                subject: Some(open.subject),
                dataset: Some(open.dataset.clone()),
                mismatch: Some(id.clone()),
                ..FindingSubject::default()
            };
            let days = i64::from(moment.day - open.opened_on);
            let (window, counts) = match (&moment.rule.kind, open.due_day) {
                (RuleKind::Overdue, Some(due)) => {
                    let overdue = i64::from(moment.day - due);
                    (told.to_string(), vec![("overdue_days", overdue), ("open_days", days)])
                }
                _ => (String::new(), vec![("open_days", days)]),
            };
            moment.find(id, &window, about, counts, &open.evidence);
        }
        0
    }
}
