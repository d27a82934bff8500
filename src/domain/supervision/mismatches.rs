//! Mismatches that time goes over: past the date by which somebody had to act, or open for longer than anybody should take.
//! The key of an overdue one is that of the hub's own sweep, so that the two are one alert.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::moment::{Moment, forget_oldest};
use super::{About, Evidence, Fact, KEYS_MAX, Kind, Seen, What};

/// Mismatches that are not over.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Mismatches {
    open: BTreeMap<String, Open>,
}

#[derive(Serialize, Deserialize)]
struct Open {
    opened_on: i32,
    number: u32,
    due_day: Option<i32>,
    agency: u32,
    dataset: Box<str>,
    subject: u128,
    evidence: Evidence,
    /// The step that was told of; 0: none.
    told: u32,
}

impl Mismatches {
    pub(super) fn eat(&mut self, fact: &Fact, moment: &mut Moment<'_>) -> u64 {
        let What::Step(step) = &fact.what else { return 0 };
        if step.is_over {
            self.open.remove(&step.mismatch);
            return 0;
        }
        let open = self.open.entry(step.mismatch.clone()).or_insert_with(|| Open {
            opened_on: moment.day,
            number: 0,
            due_day: None,
            agency: fact.agency,
            dataset: Box::from(&*step.dataset),
            subject: step.subject,
            evidence: Evidence::default(),
            told: 0,
        });
        // A step that is read twice changes nothing.
        if step.number > open.number {
            (open.number, open.due_day) = (step.number, step.due_day);
            let seen: Seen = fact.seen;
            open.evidence.push(seen);
        }
        forget_oldest(&mut self.open, KEYS_MAX, |open| i64::from(open.opened_on))
    }

    pub(super) fn new_day(&mut self, moment: &mut Moment<'_>) -> u64 {
        for (id, open) in &mut self.open {
            let told = match &moment.rule.kind {
                Kind::Overdue if open.due_day.is_some_and(|due| due < moment.day) => open.number,
                Kind::Unresolved(limits) if moment.day - open.opened_on >= limits.after_days => 1,
                _ => continue,
            };
            if open.told == told {
                continue;
            }
            open.told = told;
            let about = About {
                agency: Some(open.agency),
                subject: Some(open.subject),
                dataset: Some(open.dataset.clone()),
                mismatch: Some(id.clone()),
                ..About::default()
            };
            let days = i64::from(moment.day - open.opened_on);
            let (window, counts) = match (&moment.rule.kind, open.due_day) {
                (Kind::Overdue, Some(due)) => {
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
