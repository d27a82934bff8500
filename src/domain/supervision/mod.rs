//! Electronic supervision (电子监察, Article 23 of the city's rules of 2018): rules as data, and the detectors that hold facts of the ledger against them.
//! Pure and deterministic: the same facts in the same order give the same findings, so a rule can be replayed over the past before it
//! raises anything.
//!
//! `now` never goes back: a fact that comes late is taken at the time that was reached. What each detector keeps is bounded by its window
//! and by [`KEYS_MAX`]; what is forgotten beyond that is counted.

mod fact;
mod guessing;
mod matters;
mod mismatches;
mod pairs;
mod paper;
mod rate;
mod rule;
mod spread;
mod volume;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use fact::{About, EVIDENCE_MAX, Evidence, Fact, Finding, LookUp, NO_RECORD, Seen, Step, What};
pub use rule::{
    Class, Guessing, Kind, ManyAgencies, ManySubjects, MismatchRate, Mode, NoApplication, OffHours, PaperDemanded,
    Rule, Scope, Severity, Unresolved, WrongLimits,
};

use super::calendar::{WorkingCalendar, china_day};

/// Keys (operators, subjects, matters) that one detector keeps at most; beyond it the oldest are forgotten.
pub(crate) const KEYS_MAX: usize = 250_000;

/// What one rule has seen so far.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Volume(volume::Volume),
    Spread(spread::Spread),
    Guessing(guessing::Wrong),
    Rate(rate::Rates),
    Matters(matters::Matters),
    Mismatches(mismatches::Mismatches),
    Paper(paper::Papers),
    /// What the hub finds by itself, where it happens.
    Elsewhere,
}

impl State {
    fn of(kind: &Kind) -> Self {
        match kind {
            Kind::ManySubjects(_) | Kind::OffHours(_) => Self::Volume(volume::Volume::default()),
            Kind::ManyAgencies(_) => Self::Spread(spread::Spread::default()),
            Kind::Guessing(_) => Self::Guessing(guessing::Wrong::default()),
            Kind::MismatchRate(_) => Self::Rate(rate::Rates::default()),
            Kind::NoApplication(_) => Self::Matters(matters::Matters::default()),
            Kind::Overdue | Kind::Unresolved(_) => Self::Mismatches(mismatches::Mismatches::default()),
            Kind::PaperDemanded(_) => Self::Paper(paper::Papers::default()),
            Kind::BuiltIn => Self::Elsewhere,
        }
    }
}

/// A rule with what it has seen.
struct Watch {
    rule: Arc<Rule>,
    state: State,
    found: u64,
    forgotten: u64,
}

/// What one detector works with at one moment.
struct Moment<'a> {
    rule: &'a Rule,
    calendar: &'a WorkingCalendar,
    now_us: i64,
    /// Days since 1970-01-01 in China.
    day: i32,
    out: &'a mut Vec<Finding>,
}

impl Moment<'_> {
    /// Tells of something; `key` and `window` name it once and for all.
    fn find(&mut self, key: &str, window: &str, about: About, counts: Vec<(&'static str, i64)>, evidence: &Evidence) {
        let once = match window {
            "" => format!("{}:{key}", self.rule.id),
            window => format!("{}:{key}:{window}", self.rule.id),
        };
        self.out.push(Finding {
            rule: self.rule.id.clone(),
            once,
            about,
            counts,
            evidence: evidence.clone(),
            at_us: self.now_us,
        });
    }
}

/// All rules that are not off, and what they have seen.
pub struct Supervisor {
    watches: Vec<Watch>,
    now_us: i64,
    day: i32,
}

/// What a supervisor knows, to go on from later.
#[derive(Serialize, Deserialize)]
pub struct Snapshot {
    now_us: i64,
    rules: Vec<Kept>,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    id: String,
    state: State,
    found: u64,
    forgotten: u64,
}

/// How one rule has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Rule.
    pub id: String,
    /// Findings since the rule was first there, those of one cause counted each time.
    pub found: u64,
    /// Keys that were forgotten before their window was over, because there were too many.
    pub forgotten: u64,
}

impl Supervisor {
    /// A supervisor that has seen nothing.
    pub fn new(rules: &[Arc<Rule>]) -> Self {
        let watch = |rule: &Arc<Rule>| Watch {
            rule: Arc::clone(rule),
            state: State::of(&rule.kind),
            found: 0,
            forgotten: 0,
        };
        let live = rules.iter().filter(|rule| rule.mode != Mode::Off);
        Self {
            watches: live.map(watch).collect(),
            now_us: i64::MIN,
            day: i32::MIN,
        }
    }

    /// Goes on from a snapshot; a rule that is new, or of another kind than before, begins anew.
    pub fn restore(rules: &[Arc<Rule>], snapshot: Snapshot) -> Self {
        let mut supervisor = Self::new(rules);
        for kept in snapshot.rules {
            let same = |watch: &&mut Watch| {
                watch.rule.id == kept.id && std::mem::discriminant(&watch.state) == std::mem::discriminant(&kept.state)
            };
            if let Some(watch) = supervisor.watches.iter_mut().find(same) {
                watch.state = kept.state;
                watch.found = kept.found;
                watch.forgotten = kept.forgotten;
            }
        }
        supervisor.now_us = snapshot.now_us;
        supervisor.day = china_day(snapshot.now_us);
        supervisor
    }

    /// What is known, as it is kept.
    ///
    /// # Errors
    /// It cannot be written; nothing that is in it should make that happen.
    pub fn kept(&self) -> Result<Vec<u8>, serde_json::Error> {
        #[derive(Serialize)]
        struct KeptRef<'a> {
            id: &'a str,
            state: &'a State,
            found: u64,
            forgotten: u64,
        }
        #[derive(Serialize)]
        struct SnapshotRef<'a> {
            now_us: i64,
            rules: Vec<KeptRef<'a>>,
        }
        let kept = self.watches.iter().map(|watch| KeptRef {
            id: &watch.rule.id,
            state: &watch.state,
            found: watch.found,
            forgotten: watch.forgotten,
        });
        serde_json::to_vec(&SnapshotRef {
            now_us: self.now_us,
            rules: kept.collect(),
        })
    }

    /// How each rule has done.
    pub fn standings(&self) -> Vec<Standing> {
        let standing = |watch: &Watch| Standing {
            id: watch.rule.id.clone(),
            found: watch.found,
            forgotten: watch.forgotten,
        };
        self.watches.iter().map(standing).collect()
    }

    /// Takes in one fact.
    pub fn eat(&mut self, fact: &Fact, calendar: &WorkingCalendar, out: &mut Vec<Finding>) {
        self.advance(fact.at_us, calendar, out);
        let (now_us, day) = (self.now_us, self.day);
        for watch in &mut self.watches {
            if watch.rule.scope.holds(fact) {
                watch.meet(now_us, day, calendar, out, |state, moment| match state {
                    State::Volume(volume) => volume.eat(fact, moment),
                    State::Spread(spread) => spread.eat(fact, moment),
                    State::Guessing(wrong) => wrong.eat(fact, moment),
                    State::Rate(rates) => rates.eat(fact, moment),
                    State::Matters(matters) => matters.eat(fact, moment),
                    State::Mismatches(mismatches) => mismatches.eat(fact, moment),
                    State::Paper(papers) => papers.eat(fact, moment),
                    State::Elsewhere => 0,
                });
            }
        }
    }

    /// Lets time go by: what is due, or over, by `now_us` is judged.
    pub fn advance(&mut self, now_us: i64, calendar: &WorkingCalendar, out: &mut Vec<Finding>) {
        self.now_us = self.now_us.max(now_us);
        let day = china_day(self.now_us);
        if day == self.day {
            return;
        }
        self.day = day;
        let now_us = self.now_us;
        for watch in &mut self.watches {
            watch.meet(now_us, day, calendar, out, |state, moment| match state {
                State::Volume(volume) => volume.new_day(moment),
                State::Spread(spread) => spread.new_day(moment),
                State::Guessing(wrong) => wrong.new_day(moment),
                State::Rate(rates) => rates.new_day(moment),
                State::Matters(matters) => matters.new_day(moment),
                State::Mismatches(mismatches) => mismatches.new_day(moment),
                State::Paper(papers) => papers.new_day(moment),
                State::Elsewhere => 0,
            });
        }
    }
}

impl Watch {
    /// Lets the state act; what it answers is how many keys it had to forget.
    fn meet(
        &mut self,
        now_us: i64,
        day: i32,
        calendar: &WorkingCalendar,
        out: &mut Vec<Finding>,
        act: impl FnOnce(&mut State, &mut Moment<'_>) -> u64,
    ) {
        let before = out.len();
        let mut moment = Moment {
            rule: &self.rule,
            calendar,
            now_us,
            day,
            out,
        };
        self.forgotten += act(&mut self.state, &mut moment);
        self.found += u64::try_from(out.len() - before).unwrap_or_default();
    }
}

/// Whether a count that has been told of as `told` should be told again as `count`: first, and whenever it has doubled.
fn is_news(told: u64, count: u64) -> bool {
    told == 0 || count >= told.saturating_mul(2)
}

/// Removes the oldest of too many keys, by the time that `at` reads; answers how many.
fn forget_oldest<K: Ord + Clone, V>(
    map: &mut std::collections::BTreeMap<K, V>,
    keys_max: usize,
    at: impl Fn(&V) -> i64,
) -> u64 {
    if map.len() <= keys_max {
        return 0;
    }
    // A tenth goes at once, so that this is rare.
    let wanted = map.len() - keys_max + keys_max / 10;
    let mut times: Vec<i64> = map.values().map(&at).collect();
    let place = wanted.min(times.len() - 1);
    let (_, limit, _) = times.select_nth_unstable(place);
    let (limit, mut gone) = (*limit, 0);
    map.retain(|_, value| {
        // Of those that are equally old, as many as are needed.
        let goes = at(value) <= limit && gone < wanted;
        gone += usize::from(goes);
        !goes
    });
    u64::try_from(gone).unwrap_or_default()
}

#[cfg(test)]
mod tests;
