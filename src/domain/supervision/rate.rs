//! A sudden change of the share of mismatches among an agency's look-ups of a dataset, against its own past days.
//! A control chart for shares of varying numbers with the variation between days counted in (Laney's p′ chart, Quality Engineering 14
//! (2002) 531–537): shares are made of even spread by the arcsine transform, and a day must lie outside what its own number of look-ups
//! and the agency's ordinary ups and downs explain. An upward change is seen while the day runs, a downward one when it is over.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::moment::DetectorMoment;
use super::{FactKind, FindingEvidence, FindingSubject, LedgerFact, MismatchRate, RuleKind, pairs};
use crate::verdict::Outcome;

/// Look-ups of a past day below which its share says nothing.
const DAY_MIN: u64 = 10;

/// Agencies and datasets of which something is kept; there are not that many.
const KEYS_MAX: usize = 20_000;

/// Every agency's look-ups of each dataset.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct LookupRates {
    #[serde(with = "pairs")]
    of: BTreeMap<(u32, Box<str>), DayCounts>,
}

#[derive(Default, Serialize, Deserialize)]
struct DayCounts {
    today: RateDay,
    told: RateTold,
    wrong: FindingEvidence,
    all: FindingEvidence,
    past: VecDeque<RateDay>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
enum RateTold {
    #[default]
    No,
    Yes,
}

#[derive(Clone, Copy, Default, Serialize, Deserialize)]
struct RateDay {
    day: i32,
    look_ups: u64,
    mismatched: u64,
}

impl RateDay {
    fn share(self) -> f64 {
        ratio(self.mismatched, self.look_ups)
    }
}

/// How a day lies to the days before it.
struct DayComparison {
    usual_share: f64,
    sigmas: f64,
}

impl LookupRates {
    pub(super) fn eat(&mut self, fact: &LedgerFact, moment: &mut DetectorMoment<'_>) -> u64 {
        let (FactKind::LookUp(look_up), RuleKind::MismatchRate(limits)) = (&fact.what, &moment.rule.kind) else {
            return 0;
        };
        let limits = limits.clone();
        let key = (fact.agency, Box::from(&*look_up.dataset));
        if self.of.len() >= KEYS_MAX && !self.of.contains_key(&key) {
            return 1;
        }
        let days = self.of.entry(key).or_default();
        if days.today.day != moment.day {
            days.close(fact.agency, &look_up.dataset, &limits, moment);
            days.today.day = moment.day;
        }
        days.today.look_ups += 1;
        days.all.push(fact.seen);
        if look_up.outcome == Outcome::Mismatched {
            days.today.mismatched += 1;
            days.wrong.push(fact.seen);
            days.judge(fact.agency, &look_up.dataset, &limits, moment, RateChange::Up);
        }
        0
    }

    pub(super) fn new_day(&mut self, moment: &mut DetectorMoment<'_>) -> u64 {
        let RuleKind::MismatchRate(limits) = &moment.rule.kind else {
            return 0;
        };
        let limits = limits.clone();
        for ((agency, dataset), days) in &mut self.of {
            if days.today.look_ups > 0 && days.today.day < moment.day {
                days.close(*agency, dataset, &limits, moment);
            }
        }
        0
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum RateChange {
    Up,
    Down,
}

impl DayCounts {
    /// Ends the day. One that was told of is no ordinary day and is not remembered.
    fn close(&mut self, agency: u32, dataset: &str, limits: &MismatchRate, moment: &mut DetectorMoment<'_>) {
        if self.today.look_ups > 0 {
            self.judge(agency, dataset, limits, moment, RateChange::Down);
            if self.told == RateTold::No {
                self.past.push_back(self.today);
                if self.past.len() > limits.baseline_days {
                    self.past.pop_front();
                }
            }
        }
        self.today = RateDay::default();
        self.told = RateTold::No;
        self.wrong = FindingEvidence::default();
        self.all = FindingEvidence::default();
    }

    fn judge(
        &mut self,
        agency: u32,
        dataset: &str,
        limits: &MismatchRate,
        moment: &mut DetectorMoment<'_>,
        change: RateChange,
    ) {
        if self.told == RateTold::Yes || self.today.look_ups < limits.lookups_min {
            return;
        }
        let Some(against) = self.against(limits) else { return };
        let points = (self.today.share() - against.usual_share) * 100.0;
        let (points, sigmas) = match change {
            RateChange::Up => (points, against.sigmas),
            RateChange::Down => (-points, -against.sigmas),
        };
        if points < limits.change_percent_min || sigmas < limits.sigma_units_min {
            return;
        }
        self.told = RateTold::Yes;
        let about = FindingSubject {
            agency: Some(agency),
            dataset: Some(dataset.into()),
            ..FindingSubject::default()
        };
        let look_ups = i64::try_from(self.today.look_ups).unwrap_or(i64::MAX);
        let mismatched = i64::try_from(self.today.mismatched).unwrap_or(i64::MAX);
        #[expect(clippy::cast_possible_truncation, reason = "a share in thousandths")]
        let usual = (against.usual_share * 1_000.0).round() as i64;
        let counts = vec![
            ("lookups", look_ups),
            ("mismatched", mismatched),
            ("usual_per_mille", usual),
        ];
        let evidence = match change {
            RateChange::Up => &self.wrong,
            RateChange::Down => &self.all,
        };
        let key = format!("{agency}:{dataset}");
        let window = self.today.day.to_string();
        moment.find(&key, &window, about, counts, evidence);
    }

    /// Today against the past; `None` while too little is known.
    fn against(&self, limits: &MismatchRate) -> Option<DayComparison> {
        let past: Vec<RateDay> = self
            .past
            .iter()
            .copied()
            .filter(|day| day.look_ups >= DAY_MIN)
            .collect();
        if past.len() < limits.learning_days {
            return None;
        }
        let look_ups: u64 = past.iter().map(|day| day.look_ups).sum();
        let mismatched: u64 = past.iter().map(|day| day.mismatched).sum();
        // One of each more, so that "never yet" is not "never".
        let usual_share = ratio(mismatched + 1, look_ups + 2);
        let squares: f64 = past.iter().map(|day| sigmas_of(*day, usual_share).powi(2)).sum();
        // How much more days differ than chance alone makes them; never less than chance.
        let spread = (squares / ratio_of(past.len())).sqrt().max(1.0);
        Some(DayComparison {
            usual_share,
            sigmas: sigmas_of(self.today, usual_share) / spread,
        })
    }
}

/// How many standard deviations a day's share lies above a share, by the arcsine transform.
fn sigmas_of(day: RateDay, usual_share: f64) -> f64 {
    2.0 * ratio(day.look_ups, 1).sqrt() * (day.share().sqrt().asin() - usual_share.sqrt().asin())
}

#[expect(clippy::cast_precision_loss, reason = "counts of look-ups are far below 2^52")]
pub(super) fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn ratio_of(days: usize) -> f64 {
    ratio(days as u64, 1)
}
