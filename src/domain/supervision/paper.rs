//! Materials demanded on paper although a register proves them: an item that is so registered, and is in use. Once a month for an item.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::moment::{DetectorMoment, is_news};
use super::{FactKind, FindingEvidence, FindingSubject, KEYS_MAX, LedgerFact, RuleKind, pairs};
use crate::calendar::china_date;

/// Items of this month.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct PaperItems {
    #[serde(with = "pairs")]
    items: BTreeMap<(i32, u32, Box<str>), UsedPaper>,
}

#[derive(Default, Serialize, Deserialize)]
struct UsedPaper {
    look_ups: u64,
    told: u64,
    evidence: FindingEvidence,
}

impl PaperItems {
    pub(super) fn eat(&mut self, fact: &LedgerFact, moment: &mut DetectorMoment<'_>) -> u64 {
        let (FactKind::LookUp(look_up), RuleKind::PaperDemanded(limits)) = (&fact.what, &moment.rule.kind) else {
            return 0;
        };
        if !look_up.demands_paper {
            return 0;
        }
        let month = month_of(moment.now_us);
        let key = (month, fact.agency, Box::from(&*look_up.item));
        if self.items.len() >= KEYS_MAX && !self.items.contains_key(&key) {
            return 1;
        }
        let used = self.items.entry(key).or_default();
        used.look_ups += 1;
        used.evidence.push(fact.seen);
        if used.look_ups >= limits.lookups_min && is_news(used.told, used.look_ups) {
            used.told = used.look_ups;
            let about = FindingSubject {
                agency: Some(fact.agency),
                item: Some(Box::from(&*look_up.item)),
                ..FindingSubject::default()
            };
            let counts = vec![("lookups", i64::try_from(used.look_ups).unwrap_or(i64::MAX))];
            let key = format!("{}:{}", fact.agency, look_up.item);
            let window = month.to_string();
            moment.find(&key, &window, about, counts, &used.evidence);
        }
        0
    }

    pub(super) fn new_day(&mut self, moment: &mut DetectorMoment<'_>) -> u64 {
        let month = month_of(moment.now_us);
        self.items.retain(|(of, ..), _| *of >= month);
        0
    }
}

fn month_of(at_us: i64) -> i32 {
    let date = china_date(at_us);
    i32::from(date.year()) * 12 + i32::from(date.month()) - 1
}
