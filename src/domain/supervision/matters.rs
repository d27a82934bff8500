//! Look-ups for application numbers that never become applications. Some citizens ask and do not apply, so one such number says little:
//! what counts is an operator who has many more of them than the others of the agency. An agency that has never reported an
//! application is not judged.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::moment::{DetectorMoment, is_news};
use super::{
    FactKind, FindingEvidence, FindingSubject, KEYS_MAX, LedgerFact, NoApplication, RuleKind, SeenEntry, pairs,
    rate::ratio,
};
use crate::calendar::china_date;

const DAY_US: i64 = 86_400_000_000;

/// Reports are remembered for so long beyond the look-up they may belong to.
const REPORTS_KEPT_US: i64 = 120 * DAY_US;

/// What the agency's others are taken to have at least, so that few numbers prove little: one in twenty.
const PRIOR: (u64, u64) = (1, 20);

/// What is kept of all agencies that report.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct AgencyMatters {
    /// Agencies that report, with their last report.
    #[serde(with = "pairs")]
    reporting: BTreeMap<u32, i64>,
    /// Reported numbers, with when.
    #[serde(with = "pairs")]
    reported: BTreeMap<u64, i64>,
    /// Looked-up numbers that are not judged yet, oldest first.
    waiting: VecDeque<WaitingMatter>,
    /// All numbers that were looked up lately, with when first.
    #[serde(with = "pairs")]
    known: BTreeMap<u64, i64>,
    /// What was judged: by agency, month and operator.
    #[serde(with = "pairs")]
    judged: BTreeMap<(u32, i32, u64), JudgedMatter>,
}

#[derive(Serialize, Deserialize)]
struct WaitingMatter {
    at_us: i64,
    agency: u32,
    matter: u64,
    operator: u64,
    seen: SeenEntry,
}

#[derive(Default, Serialize, Deserialize)]
struct JudgedMatter {
    matters: u64,
    missing: u64,
    told: u64,
    evidence: FindingEvidence,
}

impl AgencyMatters {
    pub(super) fn eat(&mut self, fact: &LedgerFact, moment: &mut DetectorMoment<'_>) -> u64 {
        match &fact.what {
            FactKind::Application { matter } => {
                self.reporting.insert(fact.agency, moment.now_us);
                self.reported.insert(*matter, moment.now_us);
                super::moment::forget_oldest(&mut self.reported, 4 * KEYS_MAX, |at_us| *at_us)
            }
            FactKind::LookUp(look_up) if self.reporting.contains_key(&fact.agency) => {
                let is_new = self.known.insert(look_up.matter, moment.now_us).is_none();
                if is_new {
                    self.waiting.push_back(WaitingMatter {
                        at_us: moment.now_us,
                        agency: fact.agency,
                        matter: look_up.matter,
                        operator: look_up.operator,
                        seen: fact.seen,
                    });
                }
                let too_many = self.waiting.len() > KEYS_MAX && self.waiting.pop_front().is_some();
                u64::from(too_many) + super::moment::forget_oldest(&mut self.known, 4 * KEYS_MAX, |at_us| *at_us)
            }
            _ => 0,
        }
    }

    pub(super) fn new_day(&mut self, moment: &mut DetectorMoment<'_>) -> u64 {
        let RuleKind::NoApplication(limits) = &moment.rule.kind else {
            return 0;
        };
        let limits = limits.clone();
        let due_us = moment.now_us - limits.after_days * DAY_US;
        let mut changed = Vec::new();
        while let Some(due) = self.waiting.pop_front_if(|waiting| waiting.at_us <= due_us) {
            let key = (due.agency, month_of(due.at_us), due.operator);
            let judged = self.judged.entry(key).or_default();
            judged.matters += 1;
            if !self.reported.contains_key(&due.matter) {
                judged.missing += 1;
                judged.evidence.push(due.seen);
                changed.push(key);
            }
        }
        changed.sort_unstable();
        changed.dedup();
        for key in changed {
            self.judge(key, &limits, moment);
        }
        let kept_us = moment.now_us - REPORTS_KEPT_US;
        self.reported.retain(|_, at_us| *at_us > kept_us);
        self.known.retain(|_, at_us| *at_us > kept_us);
        let oldest = month_of(kept_us);
        self.judged.retain(|(_, month, _), _| *month >= oldest);
        0
    }

    /// Holds one operator's month against that of the agency's others.
    fn judge(&mut self, key: (u32, i32, u64), limits: &NoApplication, moment: &mut DetectorMoment<'_>) {
        let (agency, month, operator) = key;
        let others = self.judged.range((agency, month, 0)..=(agency, month, u64::MAX));
        let others = others.filter(|((.., other), _)| *other != operator);
        let (missing, matters) = others.fold(PRIOR, |(missing, matters), (_, judged)| {
            (missing + judged.missing, matters + judged.matters)
        });
        let Some(own) = self.judged.get_mut(&key) else { return };
        let (share, usual) = (ratio(own.missing, own.matters), ratio(missing, matters));
        let deviation = (ratio(1, own.matters) + ratio(1, matters)).sqrt();
        let sigmas = 2.0 * (share.sqrt().asin() - usual.sqrt().asin()) / deviation;
        let is_much = own.missing >= limits.matters_min
            && (share - usual) * 100.0 >= limits.change_percent_min
            && sigmas >= limits.sigma_units_min;
        if !is_much || !is_news(own.told, own.missing) {
            return;
        }
        own.told = own.missing;
        let about = FindingSubject {
            agency: Some(agency),
            operator: Some(operator),
            ..FindingSubject::default()
        };
        let whole = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let counts = vec![
            ("without_application", whole(own.missing)),
            ("applications", whole(own.matters)),
            ("after_days", limits.after_days),
        ];
        let (key, window) = (format!("{agency}:{operator:016x}"), month.to_string());
        moment.find(&key, &window, about, counts, &own.evidence);
    }
}

/// Months since year 0, in China.
fn month_of(at_us: i64) -> i32 {
    let date = china_date(at_us);
    i32::from(date.year()) * 12 + i32::from(date.month()) - 1
}
