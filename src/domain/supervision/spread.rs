//! The same subject, looked up by many agencies within a window.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::moment::{DetectorMoment, forget_oldest, is_news};
use super::{FactKind, FindingEvidence, FindingSubject, KEYS_MAX, LedgerFact, RuleKind, SeenEntry, pairs};

const HOUR_US: i64 = 3_600_000_000;

/// Subjects of the window.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct SubjectSpread {
    #[serde(with = "pairs")]
    subjects: BTreeMap<u128, SubjectAskers>,
}

/// Who asked about a subject: each agency by its last look-up.
#[derive(Default, Serialize, Deserialize)]
struct SubjectAskers {
    by: Vec<(u32, i64, SeenEntry)>,
    last_us: i64,
    told: u64,
    /// The day on which this run of look-ups was first told of.
    told_on: i32,
}

impl SubjectSpread {
    pub(super) fn eat(&mut self, fact: &LedgerFact, moment: &mut DetectorMoment<'_>) -> u64 {
        let (FactKind::LookUp(look_up), RuleKind::ManyAgencies(limits)) = (&fact.what, &moment.rule.kind) else {
            return 0;
        };
        let since_us = moment.now_us - limits.window_h * HOUR_US;
        let asked = self.subjects.entry(look_up.subject).or_default();
        asked.last_us = moment.now_us;
        match asked.by.iter_mut().find(|(agency, ..)| *agency == fact.agency) {
            Some(known) => (known.1, known.2) = (moment.now_us, fact.seen),
            None => asked.by.push((fact.agency, moment.now_us, fact.seen)),
        }
        asked.by.retain(|(_, at_us, _)| *at_us > since_us);
        let agencies = asked.by.len() as u64;
        if agencies < limits.agencies_min {
            asked.told = 0;
        } else if is_news(asked.told, agencies) {
            if asked.told == 0 {
                asked.told_on = moment.day;
            }
            asked.told = agencies;
            let about = FindingSubject {
                subject: Some(look_up.subject),
                dataset: Some(Box::from(&*look_up.dataset)),
                ..FindingSubject::default()
            };
            let counts = vec![
                ("agencies", i64::try_from(agencies).unwrap_or(i64::MAX)),
                ("window_h", limits.window_h),
            ];
            let evidence = FindingEvidence::of(asked.by.iter().map(|(.., seen)| *seen));
            let (key, window) = (format!("{:032x}", look_up.subject), asked.told_on.to_string());
            moment.find(&key, &window, about, counts, &evidence);
        }
        forget_oldest(&mut self.subjects, KEYS_MAX, |asked| asked.last_us)
    }

    pub(super) fn new_day(&mut self, moment: &mut DetectorMoment<'_>) -> u64 {
        if let RuleKind::ManyAgencies(limits) = &moment.rule.kind {
            let since_us = moment.now_us - limits.window_h * HOUR_US;
            self.subjects.retain(|_, asked| asked.last_us > since_us);
        }
        0
    }
}
