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
mod moment;
mod pairs;
mod paper;
mod rate;
mod rule;
mod spread;
mod volume;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use fact::{
    EVIDENCE_MAX, FactKind, FindingEvidence, FindingSubject, LedgerFact, LookUp, NO_RECORD, SeenEntry, StepFact,
    SupervisionFinding,
};
pub use rule::{
    AlertSeverity, GuessingRule, ManyAgencies, ManySubjects, MismatchRate, NoApplication, OffHours, PaperDemanded,
    Rule, RuleClass, RuleKind, RuleMode, RuleScope, UnresolvedRule, WrongLimits,
};

use moment::{DetectorMoment, KEYS_MAX};

use super::calendar::{WorkingCalendar, china_day};

/// What one rule has seen so far.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RuleState {
    Volume(volume::AgencyVolume),
    Spread(spread::SubjectSpread),
    Guessing(guessing::WrongClaims),
    Rate(rate::LookupRates),
    Matters(matters::AgencyMatters),
    Mismatches(mismatches::OpenMismatches),
    Paper(paper::PaperItems),
    /// What the hub finds by itself, where it happens.
    Elsewhere,
}

impl RuleState {
    fn of(kind: &RuleKind) -> Self {
        match kind {
            RuleKind::ManySubjects(_) | RuleKind::OffHours(_) => Self::Volume(volume::AgencyVolume::default()),
            RuleKind::ManyAgencies(_) => Self::Spread(spread::SubjectSpread::default()),
            RuleKind::Guessing(_) => Self::Guessing(guessing::WrongClaims::default()),
            RuleKind::MismatchRate(_) => Self::Rate(rate::LookupRates::default()),
            RuleKind::NoApplication(_) => Self::Matters(matters::AgencyMatters::default()),
            RuleKind::Overdue | RuleKind::Unresolved(_) => Self::Mismatches(mismatches::OpenMismatches::default()),
            RuleKind::PaperDemanded(_) => Self::Paper(paper::PaperItems::default()),
            RuleKind::BuiltIn => Self::Elsewhere,
        }
    }
}

/// A rule with what it has seen.
struct RuleWatch {
    rule: Arc<Rule>,
    state: RuleState,
    found: u64,
    forgotten: u64,
}

/// All rules that are not off, and what they have seen.
pub struct Supervisor {
    watches: Vec<RuleWatch>,
    now_us: i64,
    day: i32,
}

/// What a supervisor knows, to go on from later.
#[derive(Serialize, Deserialize)]
pub struct SupervisorSnapshot {
    now_us: i64,
    rules: Vec<KeptState>,
}

#[derive(Serialize, Deserialize)]
struct KeptState {
    id: String,
    state: RuleState,
    found: u64,
    forgotten: u64,
}

/// How one rule has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleStanding {
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
        let watch = |rule: &Arc<Rule>| RuleWatch {
            rule: Arc::clone(rule),
            state: RuleState::of(&rule.kind),
            found: 0,
            forgotten: 0,
        };
        let live = rules.iter().filter(|rule| rule.mode != RuleMode::Off);
        Self {
            watches: live.map(watch).collect(),
            now_us: i64::MIN,
            day: i32::MIN,
        }
    }

    /// Goes on from a snapshot; a rule that is new, or of another kind than before, begins anew.
    pub fn restore(rules: &[Arc<Rule>], snapshot: SupervisorSnapshot) -> Self {
        let mut supervisor = Self::new(rules);
        for kept in snapshot.rules {
            let same = |watch: &&mut RuleWatch| {
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
            state: &'a RuleState,
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
    pub fn standings(&self) -> Vec<RuleStanding> {
        let standing = |watch: &RuleWatch| RuleStanding {
            id: watch.rule.id.clone(),
            found: watch.found,
            forgotten: watch.forgotten,
        };
        self.watches.iter().map(standing).collect()
    }

    /// Takes in one fact.
    pub fn eat(&mut self, fact: &LedgerFact, calendar: &WorkingCalendar, out: &mut Vec<SupervisionFinding>) {
        self.advance(fact.at_us, calendar, out);
        let (now_us, day) = (self.now_us, self.day);
        for watch in &mut self.watches {
            if watch.rule.scope.holds(fact) {
                watch.meet(now_us, day, calendar, out, |state, moment| match state {
                    RuleState::Volume(volume) => volume.eat(fact, moment),
                    RuleState::Spread(spread) => spread.eat(fact, moment),
                    RuleState::Guessing(wrong) => wrong.eat(fact, moment),
                    RuleState::Rate(rates) => rates.eat(fact, moment),
                    RuleState::Matters(matters) => matters.eat(fact, moment),
                    RuleState::Mismatches(mismatches) => mismatches.eat(fact, moment),
                    RuleState::Paper(papers) => papers.eat(fact, moment),
                    RuleState::Elsewhere => 0,
                });
            }
        }
    }

    /// Lets time go by: what is due, or over, by `now_us` is judged.
    pub fn advance(&mut self, now_us: i64, calendar: &WorkingCalendar, out: &mut Vec<SupervisionFinding>) {
        self.now_us = self.now_us.max(now_us);
        let day = china_day(self.now_us);
        if day == self.day {
            return;
        }
        self.day = day;
        let now_us = self.now_us;
        for watch in &mut self.watches {
            watch.meet(now_us, day, calendar, out, |state, moment| match state {
                RuleState::Volume(volume) => volume.new_day(moment),
                RuleState::Spread(spread) => spread.new_day(moment),
                RuleState::Guessing(wrong) => wrong.new_day(moment),
                RuleState::Rate(rates) => rates.new_day(moment),
                RuleState::Matters(matters) => matters.new_day(moment),
                RuleState::Mismatches(mismatches) => mismatches.new_day(moment),
                RuleState::Paper(papers) => papers.new_day(moment),
                RuleState::Elsewhere => 0,
            });
        }
    }
}

impl RuleWatch {
    /// Lets the state act; what it answers is how many keys it had to forget.
    fn meet(
        &mut self,
        now_us: i64,
        day: i32,
        calendar: &WorkingCalendar,
        out: &mut Vec<SupervisionFinding>,
        act: impl FnOnce(&mut RuleState, &mut DetectorMoment<'_>) -> u64,
    ) {
        let before = out.len();
        let mut moment = DetectorMoment {
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

#[cfg(test)]
mod tests;
