//! One operator, many subjects: in a day, or outside working hours.
//! What is usual is a quantile of past windows of the same sort: the operator's own, or those of all operators of the agency, whichever is
//! more. Of days it is the median. Nights and days off have a duty or none, so there it is the upper quartile, and the two are kept apart: a
//! Saturday shift is held against Saturdays, not against nights. A window that was told of is not remembered as usual. While an agency
//! is new, nothing is said.
//!
//! The name of an operator is what the agency's program says it is. So names that are new count together too, as one operator: a name
//! that changes with every call hides no operator.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use super::moment::{DetectorMoment, forget_oldest, is_news};
use super::{FactKind, FindingEvidence, FindingSubject, KEYS_MAX, LedgerFact, LookUp, OffHours, RuleKind, pairs};
use crate::calendar::{WorkingCalendar, china_date};

/// Past windows of one operator, and of all operators of an agency, that are remembered.
const OWN_MAX: usize = 28;
const PEERS_MAX: usize = 300;

/// Subjects of one operator in one window that are told apart; more are counted as they come.
const SUBJECTS_MAX: usize = 5_000;

/// In the place of an operator: all names of an agency that have no past yet.
const NEW_NAMES: u64 = 0;

const HOUR_US: i64 = 3_600_000_000;
const DAY_US: i64 = 24 * HOUR_US;
const CHINA_OFFSET_US: i64 = 8 * HOUR_US;

/// What is kept of all agencies.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct AgencyVolume {
    #[serde(with = "pairs")]
    agencies: BTreeMap<u32, UsualVolume>,
    #[serde(with = "pairs")]
    operators: BTreeMap<(u32, u64), OperatorVolume>,
    /// The last day that was asked for, and whether it was worked.
    #[serde(skip)]
    asked: Option<(i32, Option<bool>)>,
}

/// What is usual at an agency.
#[derive(Serialize, Deserialize)]
struct UsualVolume {
    windows: PastCounts,
    first_day: i32,
}

#[derive(Default, Serialize, Deserialize)]
struct OperatorVolume {
    window: i32,
    sort: WindowSort,
    subjects: BTreeSet<u64>,
    count: u64,
    told: u64,
    evidence: FindingEvidence,
    /// What is usual, once it was asked for in this window.
    usual: Option<u64>,
    past: PastCounts,
}

/// What a window is held against.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
enum WindowSort {
    /// Days, and nights behind days that are worked.
    #[default]
    Worked,
    /// Days off with their nights.
    Off,
}

/// Counts of past windows by their sort, oldest first.
#[derive(Default, Serialize, Deserialize)]
struct PastCounts {
    worked: VecDeque<u32>,
    off: VecDeque<u32>,
}

impl PastCounts {
    fn is_empty(&self) -> bool {
        self.worked.is_empty() && self.off.is_empty()
    }

    fn remember(&mut self, sort: WindowSort, count: u32, most: usize) {
        let past = match sort {
            WindowSort::Worked => &mut self.worked,
            WindowSort::Off => &mut self.off,
        };
        past.push_back(count);
        if past.len() > most {
            past.pop_front();
        }
    }

    /// The count below which `percent` of a hundred windows of a sort lie; 0 while there are none.
    fn quantile(&self, sort: WindowSort, percent: usize) -> u64 {
        let past = match sort {
            WindowSort::Worked => &self.worked,
            WindowSort::Off => &self.off,
        };
        let mut sorted: Vec<u32> = past.iter().copied().collect();
        sorted.sort_unstable();
        let place = sorted.len() * percent / 100;
        sorted.get(place).map_or(0, |count| u64::from(*count))
    }
}

/// Limits that both kinds have, the window, and which quantile of past ones is usual.
struct VolumeMeasure {
    subjects_min: u64,
    factor_percent: u64,
    learning_days: i32,
    usual_percent: usize,
    window: Option<(i32, WindowSort)>,
}

impl AgencyVolume {
    /// How a moment is measured; `None`: by another kind of rule.
    fn measure(&mut self, moment: &DetectorMoment<'_>) -> Option<VolumeMeasure> {
        match &moment.rule.kind {
            RuleKind::ManySubjects(limits) => Some(VolumeMeasure {
                subjects_min: limits.subjects_min,
                factor_percent: limits.factor_percent,
                learning_days: limits.learning_days,
                usual_percent: 50,
                window: Some((moment.day, WindowSort::Worked)),
            }),
            RuleKind::OffHours(limits) => Some(VolumeMeasure {
                subjects_min: limits.subjects_min,
                factor_percent: limits.factor_percent,
                learning_days: limits.learning_days,
                usual_percent: 75,
                window: off_hours(&mut self.asked, limits, moment),
            }),
            _ => None,
        }
    }

    pub(super) fn eat(&mut self, fact: &LedgerFact, moment: &mut DetectorMoment<'_>) -> u64 {
        let FactKind::LookUp(look_up) = &fact.what else {
            return 0;
        };
        let Some(measure) = self.measure(moment) else { return 0 };
        let peers = self.agencies.entry(fact.agency).or_insert_with(|| UsualVolume {
            windows: PastCounts::default(),
            first_day: moment.day,
        });
        if measure.window.is_none() {
            return 0;
        }
        // Names cannot be told apart while all of them are new.
        let is_learned = moment.day - peers.first_day >= measure.learning_days;
        let known = self.operators.get(&(fact.agency, look_up.operator));
        let is_new = known.is_none_or(|operator| operator.past.is_empty());
        let told_apart = self.count(fact, look_up, look_up.operator, &measure, moment);
        // One that is many alone is judged alone.
        if is_learned && is_new && told_apart < measure.subjects_min {
            self.count(fact, look_up, NEW_NAMES, &measure, moment);
        }
        forget_oldest(&mut self.operators, KEYS_MAX, |operator| i64::from(operator.window))
    }

    /// Counts a look-up for one name, or for all new ones. Returns how many subjects the name has in the window.
    fn count(
        &mut self,
        fact: &LedgerFact,
        look_up: &LookUp,
        name: u64,
        measure: &VolumeMeasure,
        moment: &mut DetectorMoment<'_>,
    ) -> u64 {
        let (Some(peers), Some((window, sort))) = (self.agencies.get_mut(&fact.agency), measure.window) else {
            return 0;
        };
        let operator = self.operators.entry((fact.agency, name)).or_default();
        if operator.window != window {
            operator.close(peers);
            (operator.window, operator.sort) = (window, sort);
        }
        // Half of a pseudonym tells subjects of one day apart.
        let subject = u64::try_from(look_up.subject >> 64).unwrap_or_default();
        if operator.subjects.len() < SUBJECTS_MAX && !operator.subjects.insert(subject) {
            return operator.count;
        }
        operator.count += 1;
        operator.evidence.push(fact.seen);
        let is_many = operator.count >= measure.subjects_min && is_news(operator.told, operator.count);
        if is_many && moment.day - peers.first_day >= measure.learning_days {
            let usual = operator.usual(peers, measure.usual_percent);
            if operator.count.saturating_mul(100) >= measure.factor_percent.saturating_mul(usual) {
                operator.told = operator.count;
                let about = FindingSubject {
                    agency: Some(fact.agency),
                    operator: (name != NEW_NAMES).then_some(name),
                    ..FindingSubject::default()
                };
                let counts = vec![("subjects", whole(operator.count)), ("usual_subjects", whole(usual))];
                let key = format!("{}:{name:016x}", fact.agency);
                moment.find(&key, &window.to_string(), about, counts, &operator.evidence);
            }
        }
        operator.count
    }

    /// Windows that are over become the past.
    pub(super) fn new_day(&mut self, moment: &mut DetectorMoment<'_>) -> u64 {
        for ((agency, _), operator) in &mut self.operators {
            // A night ends on the morning of the next day.
            if let Some(peers) = self
                .agencies
                .get_mut(agency)
                .filter(|_| operator.window < moment.day - 1)
            {
                operator.close(peers);
            }
        }
        // Who has done nothing for three months is forgotten.
        self.operators.retain(|_, operator| operator.window >= moment.day - 92);
        0
    }
}

impl OperatorVolume {
    /// Takes what the window held into the past, unless it was told of.
    fn close(&mut self, peers: &mut UsualVolume) {
        if self.count == 0 {
            return;
        }
        if self.told == 0 {
            let count = u32::try_from(self.count).unwrap_or(u32::MAX);
            self.past.remember(self.sort, count, OWN_MAX);
            peers.windows.remember(self.sort, count, PEERS_MAX);
        }
        self.subjects.clear();
        self.count = 0;
        self.told = 0;
        self.usual = None;
        self.evidence = FindingEvidence::default();
    }

    fn usual(&mut self, peers: &UsualVolume, percent: usize) -> u64 {
        let (past, sort) = (&self.past, self.sort);
        *self.usual.get_or_insert_with(|| {
            let own = past.quantile(sort, percent);
            own.max(peers.windows.quantile(sort, percent))
        })
    }
}

/// The night or day off in which a moment lies, by the day on which it began, and its sort; `None`: in working hours, or in a year
/// whose working days are not known.
fn off_hours(
    asked: &mut Option<(i32, Option<bool>)>,
    limits: &OffHours,
    moment: &DetectorMoment<'_>,
) -> Option<(i32, WindowSort)> {
    let hour = (moment.now_us.saturating_add(CHINA_OFFSET_US))
        .div_euclid(HOUR_US)
        .rem_euclid(24);
    let is_worked = match asked {
        Some((day, worked)) if *day == moment.day => *worked,
        _ => {
            let worked = is_worked_day(moment.calendar, moment.now_us);
            *asked = Some((moment.day, worked));
            worked
        }
    }?;
    let sort = |is_worked: bool| if is_worked { WindowSort::Worked } else { WindowSort::Off };
    if is_worked && (limits.begin_h..limits.end_h).contains(&hour) {
        return None;
    }
    if hour >= limits.begin_h {
        return Some((moment.day, sort(is_worked)));
    }
    // Before the morning it is still the night of the day before.
    let day_before = is_worked_day(moment.calendar, moment.now_us - DAY_US)?;
    Some((moment.day - 1, sort(day_before)))
}

fn is_worked_day(calendar: &WorkingCalendar, now_us: i64) -> Option<bool> {
    calendar.is_working(china_date(now_us)).ok()
}

fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
