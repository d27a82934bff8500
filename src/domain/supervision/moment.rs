//! What every detector works with: the rule, the time, where findings go, and the bound of what is remembered.

use crate::calendar::WorkingCalendar;

use super::fact::{FindingEvidence, FindingSubject, SupervisionFinding};
use super::rule::Rule;

/// Keys (operators, subjects, matters) that one detector keeps at most; beyond it the oldest are forgotten.
pub(super) const KEYS_MAX: usize = 250_000;

/// What one detector works with at one moment.
pub(super) struct DetectorMoment<'a> {
    pub(super) rule: &'a Rule,
    pub(super) calendar: &'a WorkingCalendar,
    pub(super) now_us: i64,
    /// Days since 1970-01-01 in China.
    pub(super) day: i32,
    pub(super) out: &'a mut Vec<SupervisionFinding>,
}

impl DetectorMoment<'_> {
    /// Tells of something; `key` and `window` name it once and for all.
    pub(super) fn find(
        &mut self,
        key: &str,
        window: &str,
        about: FindingSubject,
        counts: Vec<(&'static str, i64)>,
        evidence: &FindingEvidence,
    ) {
        let once = match window {
            "" => format!("{}:{key}", self.rule.id),
            window => format!("{}:{key}:{window}", self.rule.id),
        };
        self.out.push(SupervisionFinding {
            rule: self.rule.id.clone(),
            once,
            about,
            counts,
            evidence: evidence.clone(),
            at_us: self.now_us,
        });
    }
}

/// Whether a count that has been told of as `told` should be told again as `count`: first, and whenever it has doubled.
pub(super) fn is_news(told: u64, count: u64) -> bool {
    told == 0 || count >= told.saturating_mul(2)
}

/// Removes the oldest of too many keys, by the time that `at` reads; answers how many.
pub(super) fn forget_oldest<K: Ord + Clone, V>(
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
