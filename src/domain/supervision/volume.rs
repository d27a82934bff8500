//! One operator, many subjects: in a day, or outside working hours.
//! What is usual is a median: that of the operator's own past days, or that of all operators of the agency, whichever is more. A
//! median is not moved by the very days that it should find. While an agency is new, nothing is said.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use super::{About, Evidence, Fact, KEYS_MAX, Kind, Moment, OffHours, What, forget_oldest, is_news, pairs};
use crate::domain::calendar::{WorkingCalendar, china_date};

/// Past windows of one operator, and of all operators of an agency, that are remembered.
const OWN_MAX: usize = 28;
const PEERS_MAX: usize = 300;

/// Past windows from which on a median says something.
const OWN_MIN: usize = 3;
const PEERS_MIN: usize = 5;

/// Subjects of one operator in one window that are told apart; more are counted as they come.
const SUBJECTS_MAX: usize = 5_000;

const HOUR_US: i64 = 3_600_000_000;
const CHINA_OFFSET_US: i64 = 8 * HOUR_US;

/// What is kept of all agencies.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Volume {
    #[serde(with = "pairs")]
    agencies: BTreeMap<u32, Peers>,
    #[serde(with = "pairs")]
    operators: BTreeMap<(u32, u64), Operator>,
    /// The last day that was asked for, and whether it was worked.
    #[serde(skip)]
    asked: Option<(i32, Option<bool>)>,
}

/// What is usual at an agency.
#[derive(Default, Serialize, Deserialize)]
struct Peers {
    windows: VecDeque<u32>,
    active_days: u32,
    last_day: i32,
}

#[derive(Default, Serialize, Deserialize)]
struct Operator {
    window: i32,
    subjects: BTreeSet<u64>,
    count: u64,
    told: u64,
    evidence: Evidence,
    past: VecDeque<u32>,
}

/// Limits that both kinds have.
struct Limits {
    subjects_min: u64,
    factor_percent: u64,
    learning_days: u32,
}

impl Volume {
    pub(super) fn eat(&mut self, fact: &Fact, moment: &mut Moment<'_>) -> u64 {
        let What::LookUp(look_up) = &fact.what else { return 0 };
        let peers = self.agencies.entry(fact.agency).or_default();
        if peers.last_day != moment.day {
            peers.last_day = moment.day;
            peers.active_days = peers.active_days.saturating_add(1);
        }
        let (limits, window) = match &moment.rule.kind {
            Kind::ManySubjects(kind) => {
                let limits = Limits {
                    subjects_min: kind.subjects_min,
                    factor_percent: kind.factor_percent,
                    learning_days: kind.learning_days,
                };
                (limits, Some(moment.day))
            }
            Kind::OffHours(kind) => {
                let limits = Limits {
                    subjects_min: kind.subjects_min,
                    factor_percent: kind.factor_percent,
                    learning_days: kind.learning_days,
                };
                (limits, off_hours(&mut self.asked, kind, moment))
            }
            _ => return 0,
        };
        let Some(window) = window else { return 0 };
        let operator = self.operators.entry((fact.agency, look_up.operator)).or_default();
        if operator.window != window {
            operator.close(peers);
            operator.window = window;
        }
        // Half of a pseudonym tells subjects of one day apart.
        let subject = u64::try_from(look_up.subject >> 64).unwrap_or_default();
        if operator.subjects.len() < SUBJECTS_MAX && !operator.subjects.insert(subject) {
            return 0;
        }
        operator.count += 1;
        operator.evidence.push(fact.seen);
        let usual = operator.usual(peers);
        let is_much = operator.count >= limits.subjects_min
            && operator.count.saturating_mul(100) >= limits.factor_percent.saturating_mul(usual);
        if is_much && peers.active_days > limits.learning_days && is_news(operator.told, operator.count) {
            operator.told = operator.count;
            let about = About {
                agency: Some(fact.agency),
                operator: Some(look_up.operator),
                ..About::default()
            };
            let counts = vec![("subjects", whole(operator.count)), ("usual_subjects", whole(usual))];
            let key = format!("{}:{:016x}", fact.agency, look_up.operator);
            moment.find(&key, &window.to_string(), about, counts, &operator.evidence);
        }
        forget_oldest(&mut self.operators, KEYS_MAX, |operator| i64::from(operator.window))
    }

    /// Windows that are over become the past.
    pub(super) fn new_day(&mut self, moment: &mut Moment<'_>) -> u64 {
        for ((agency, _), operator) in &mut self.operators {
            // A night ends on the morning of the next day.
            if operator.window < moment.day - 1 {
                operator.close(self.agencies.entry(*agency).or_default());
            }
        }
        // Who has done nothing for three months is forgotten.
        self.operators.retain(|_, operator| operator.window >= moment.day - 92);
        0
    }
}

impl Operator {
    /// Takes what the window held into the past.
    fn close(&mut self, peers: &mut Peers) {
        if self.count == 0 {
            return;
        }
        let count = u32::try_from(self.count).unwrap_or(u32::MAX);
        for (past, most) in [(&mut self.past, OWN_MAX), (&mut peers.windows, PEERS_MAX)] {
            past.push_back(count);
            if past.len() > most {
                past.pop_front();
            }
        }
        self.subjects.clear();
        self.count = 0;
        self.told = 0;
        self.evidence = Evidence::default();
    }

    fn usual(&self, peers: &Peers) -> u64 {
        median(&self.past, OWN_MIN).max(median(&peers.windows, PEERS_MIN))
    }
}

fn median(past: &VecDeque<u32>, least: usize) -> u64 {
    if past.len() < least {
        return 0;
    }
    let mut sorted: Vec<u32> = past.iter().copied().collect();
    let middle = sorted.len() / 2;
    let (_, median, _) = sorted.select_nth_unstable(middle);
    u64::from(*median)
}

/// The night or day off in which a moment lies, named by the day on which it began; `None`: in working hours, or in a year whose
/// working days are not known.
fn off_hours(asked: &mut Option<(i32, Option<bool>)>, limits: &OffHours, moment: &Moment<'_>) -> Option<i32> {
    let hour = (moment.now_us.saturating_add(CHINA_OFFSET_US))
        .div_euclid(HOUR_US)
        .rem_euclid(24);
    let is_worked = match asked {
        Some((day, worked)) if *day == moment.day => *worked,
        _ => {
            let worked = is_worked(moment.calendar, moment.now_us);
            *asked = Some((moment.day, worked));
            worked
        }
    }?;
    if is_worked && (limits.begin_h..limits.end_h).contains(&hour) {
        return None;
    }
    Some(if hour < limits.begin_h {
        moment.day - 1
    } else {
        moment.day
    })
}

fn is_worked(calendar: &WorkingCalendar, now_us: i64) -> Option<bool> {
    calendar.is_working(china_date(now_us)).ok()
}

fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
