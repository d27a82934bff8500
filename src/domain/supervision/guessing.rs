//! Wrong claims about one field of one subject, again and again, by one agency: who mends several materials of one matter claims wrongly
//! of several fields, who guesses claims wrongly of one. Beyond the budget of guesses the answer is `review` whether right or wrong, so
//! `review` counts: whoever goes on is not told less suspicious than whoever stops.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::moment::{DetectorMoment, forget_oldest, is_news};
use super::{
    EVIDENCE_MAX, FactKind, FindingEvidence, FindingSubject, KEYS_MAX, LedgerFact, RuleKind, SeenEntry, pairs,
};
use crate::verdict::Outcome;

const HOUR_US: i64 = 3_600_000_000;

/// Subjects about which something wrong was claimed in the window.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct WrongClaims {
    #[serde(with = "pairs")]
    claims: BTreeMap<(u32, u128), SubjectClaims>,
}

#[derive(Default, Serialize, Deserialize)]
struct SubjectClaims {
    /// When, where, and which fields.
    wrong: VecDeque<(i64, SeenEntry, Box<[u8]>)>,
    told: u64,
    told_on: i32,
}

impl SubjectClaims {
    /// The wrong claims about the field that has most of them.
    fn of_one_field(&self) -> Vec<SeenEntry> {
        let mut by_field: BTreeMap<u8, Vec<SeenEntry>> = BTreeMap::new();
        for (_, seen, fields) in &self.wrong {
            fields
                .iter()
                .for_each(|field| by_field.entry(*field).or_default().push(*seen));
        }
        by_field.into_values().max_by_key(Vec::len).unwrap_or_default()
    }

    fn last_us(&self) -> i64 {
        self.wrong.back().map_or(i64::MIN, |(at_us, ..)| *at_us)
    }
}

impl WrongClaims {
    pub(super) fn eat(&mut self, fact: &LedgerFact, moment: &mut DetectorMoment<'_>) -> u64 {
        let (FactKind::LookUp(look_up), RuleKind::Guessing(limits)) = (&fact.what, &moment.rule.kind) else {
            return 0;
        };
        let is_wrong = matches!(
            look_up.outcome,
            Outcome::Mismatched | Outcome::Review | Outcome::NotFound
        );
        if !is_wrong || look_up.wrong.is_empty() {
            return 0;
        }
        let since_us = moment.now_us - limits.window_h * HOUR_US;
        let claims = self.claims.entry((fact.agency, look_up.subject)).or_default();
        while claims.wrong.front().is_some_and(|(at_us, ..)| *at_us <= since_us) {
            claims.wrong.pop_front();
        }
        claims
            .wrong
            .push_back((moment.now_us, fact.seen, look_up.wrong.clone()));
        // As many as can be told of are enough to know that there are more.
        if claims.wrong.len() > EVIDENCE_MAX.max(usize::try_from(limits.wrong_min).unwrap_or(usize::MAX)) {
            claims.wrong.pop_front();
        }
        let of_field = claims.of_one_field();
        let count = of_field.len() as u64;
        if count < limits.wrong_min {
            claims.told = 0;
        } else if is_news(claims.told, count) {
            if claims.told == 0 {
                claims.told_on = moment.day;
            }
            claims.told = count;
            let about = FindingSubject {
                agency: Some(fact.agency),
                operator: Some(look_up.operator),
                subject: Some(look_up.subject),
                dataset: Some(Box::from(&*look_up.dataset)),
                ..FindingSubject::default()
            };
            let counts = vec![
                ("wrong_answers", i64::try_from(count).unwrap_or(i64::MAX)),
                ("window_h", limits.window_h),
            ];
            let evidence = FindingEvidence::of(of_field);
            let key = format!("{}:{:032x}", fact.agency, look_up.subject);
            let window = claims.told_on.to_string();
            moment.find(&key, &window, about, counts, &evidence);
        }
        forget_oldest(&mut self.claims, KEYS_MAX, SubjectClaims::last_us)
    }

    pub(super) fn new_day(&mut self, moment: &mut DetectorMoment<'_>) -> u64 {
        if let RuleKind::Guessing(limits) = &moment.rule.kind {
            let since_us = moment.now_us - limits.window_h * HOUR_US;
            self.claims.retain(|_, claims| claims.last_us() > since_us);
        }
        0
    }
}
