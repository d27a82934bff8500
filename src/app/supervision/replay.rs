//! Tries a rule over the past: the same detectors over the last days of this node's ledger. It raises nothing and keeps nothing; who
//! asks learns how many alerts there would have been, on which days, and which entries show the first of them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use super::{facts::FactReader, watch::first_since};
use crate::{foundation::error::AppError, node::hub::Hub};
use heyan_catalog::supervision;
use heyan_domain::{
    calendar::china_date,
    supervision::{Rule, RuleMode, SeenEntry, SupervisionFinding, Supervisor},
};
use heyan_ledger::{Ledger, LedgerError};

/// Days that are tried at most.
pub const DAYS_MAX: u32 = 92;

/// Days before those, in which the rule only learns what is usual.
const LEARNING_DAYS: u32 = 31;

/// Findings that are told in full.
const EXAMPLES_MAX: usize = 20;

/// Alerts that are told apart; more are not counted.
const ALERTS_MAX: usize = 100_000;

/// Entries between two looks at whether somebody still waits.
const ENTRIES_MAX: u64 = 4_096;

const DAY_US: i64 = 86_400_000_000;

/// What a rule would have raised.
pub struct Trial {
    /// From when on it was counted, Unix microseconds.
    pub from_us: i64,
    /// Until when.
    pub to_us: i64,
    /// Entries that were read, those of the learning days included.
    pub entries: u64,
    /// Alerts by day (ISO 8601, China), each on the day of its first finding.
    pub by_day: BTreeMap<String, u64>,
    /// The first alerts as they were last found.
    pub examples: Vec<SupervisionFinding>,
}

/// The rule `id` of a rules' file that is not in force.
///
/// # Errors
/// The file is wrong, or has no such rule.
pub fn rule_of_text(id: &str, text: &str) -> Result<Arc<Rule>, AppError> {
    let wrong = || AppError::fault("/rules", "invalid_value");
    let rules = supervision::parse("rules", text.to_owned()).map_err(|_why| wrong())?;
    let found = rules.rules.into_iter().find(|rule| rule.id == id);
    found.ok_or_else(wrong)
}

/// Tries `rule` over the last `days`, whatever its mode.
///
/// # Errors
/// The ledger cannot be read.
pub async fn replay(hub: &Arc<Hub>, rule: &Rule, days: u32) -> Result<Trial, AppError> {
    let _one_at_a_time = Arc::clone(&hub.supervision.trials).lock_owned().await;
    let mut rule = rule.clone();
    rule.mode = RuleMode::On;
    let (hub, rule) = (Arc::clone(hub), Arc::new(rule));
    let waits = Arc::new(ReplayWait(Mutex::new(true)));
    let (still, pool) = (Arc::clone(&waits), hub.node.pool.clone());
    let _gives_up = GivesUp(waits);
    let tried = pool.spawn_blocking(move || {
        let now_us = hub.clock.now_us();
        let from_us = now_us - i64::from(days) * DAY_US;
        let first = first_since(&hub.ledger, from_us - i64::from(LEARNING_DAYS) * DAY_US)?;
        let mut reader = FactReader::of(&hub);
        let node = hub.node.settings.node;
        try_over(&hub.ledger, &mut reader, node, &rule, (first, from_us, now_us), &|| {
            still.wanted()
        })
    });
    tried
        .await
        .map_err(|_panicked| AppError::Internal("a trial panicked"))?
}

/// Whether whoever asked still waits.
struct ReplayWait(Mutex<bool>);

impl ReplayWait {
    fn wanted(&self) -> bool {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct GivesUp(Arc<ReplayWait>);

impl Drop for GivesUp {
    fn drop(&mut self) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = false;
    }
}

/// Lets a rule judge the entries of a ledger from `first` on; what it finds from `from_us` on counts.
///
/// # Errors
/// The ledger cannot be read.
pub fn try_over(
    ledger: &Ledger,
    reader: &mut FactReader<'_>,
    node: u16,
    rule: &Arc<Rule>,
    (first, from_us, to_us): (u64, i64, i64),
    wanted: &dyn Fn() -> bool,
) -> Result<Trial, AppError> {
    let mut supervisor = Supervisor::new(std::slice::from_ref(rule));
    let (mut next, durable) = (first, ledger.stats().durable);
    let (mut found, mut tally, calendar) = (Vec::new(), TrialTally::default(), Arc::clone(&reader.kept.calendar));
    while next < durable && wanted() {
        let before = next;
        ledger.tail(next, ENTRIES_MAX, |index, bytes| {
            reader.visit(SeenEntry { node, index }, bytes, |fact| {
                supervisor.eat(&fact, &calendar, &mut found);
            });
            next = index + 1;
        })?;
        if next == before {
            return Err(LedgerError::NotFound.into());
        }
        tally.take(&mut found, from_us);
    }
    supervisor.advance(to_us, &calendar, &mut found);
    tally.take(&mut found, from_us);
    Ok(Trial {
        from_us,
        to_us,
        entries: next - first,
        by_day: tally.by_day,
        examples: tally.examples,
    })
}

#[derive(Default)]
struct TrialTally {
    by_day: BTreeMap<String, u64>,
    examples: Vec<SupervisionFinding>,
    /// Each alert, with its place among the examples.
    known: BTreeMap<String, Option<usize>>,
}

impl TrialTally {
    fn take(&mut self, found: &mut Vec<SupervisionFinding>, from_us: i64) {
        for finding in found.drain(..).filter(|finding| finding.at_us >= from_us) {
            if let Some(known) = self.known.get(&finding.once) {
                if let Some(example) = known.and_then(|place| self.examples.get_mut(place)) {
                    *example = finding;
                }
                continue;
            }
            if self.known.len() >= ALERTS_MAX {
                continue;
            }
            let place = (self.examples.len() < EXAMPLES_MAX).then_some(self.examples.len());
            self.known.insert(finding.once.clone(), place);
            *self.by_day.entry(china_date(finding.at_us).to_string()).or_default() += 1;
            if place.is_some() {
                self.examples.push(finding);
            }
        }
    }
}
