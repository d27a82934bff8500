//! A hub reduced to its budgets, for simulations: what a question about several fields of one subject is told.

use std::collections::HashMap;

use super::*;
use crate::verdict::Verdict;

/// One claim: field, what it asks, its keyed hash, and what comparing it gives.
pub(super) struct AskedField {
    pub(super) field: u8,
    pub(super) question: BudgetQuestion,
    pub(super) value: u128,
    pub(super) verdict: Verdict,
}

/// The budgets of all subjects, and the tallies of all agencies.
pub(super) struct BudgetDesk {
    pub(super) limits: BudgetLimits,
    guesses: HashMap<(u64, u8), FieldGuesses>,
    pub(super) askers: Vec<AskerTally>,
}

impl BudgetDesk {
    pub(super) fn new(agencies: usize) -> Self {
        Self {
            limits: BudgetLimits::default(),
            guesses: HashMap::new(),
            askers: (0..agencies).map(|_| AskerTally::default()).collect(),
        }
    }

    /// What is told of each claim; nothing where a person must look. As `apply` in `app/verification/guess.rs` does it.
    pub(super) fn ask(&mut self, agency: u32, subject: u64, claims: &[AskedField], now_s: i64) -> Vec<Option<Verdict>> {
        let day = i32::try_from(now_s / 86_400).unwrap();
        let asker = &self.askers[agency as usize];
        let is_wrong = claims
            .iter()
            .any(|claim| claim.question.pool() == GuessPool::Values && claim.verdict == Verdict::Mismatch);
        if !asker.admits(&self.limits.asker, subject, day)
            || (is_wrong && asker.count_wrong(&self.limits.asker, subject, day) == CountedSubject::Refused)
        {
            return claims.iter().map(|_| None).collect();
        }
        let told = claims.iter().map(|claim| {
            let windows = claim.question.windows(&self.limits);
            let guesses = self.guesses.entry((subject, claim.field)).or_default();
            let guess = GuessCount {
                value: claim.value.to_le_bytes(),
                agency,
                standing: AgencyStanding::Stranger,
                pool: claim.question.pool(),
                units: claim.question.units(&self.limits),
            };
            let allowance = guesses.allows(windows, &guess, now_s);
            if allowance == BudgetAllowance::Charged {
                let units = claim.question.charged(claim.verdict, &self.limits);
                guesses.charge(&GuessCount { units, ..guess }, now_s);
                if units > 0 && guess.pool == GuessPool::Values && guesses.locks_values(windows, now_s) {
                    asker.count_locked(subject, day);
                }
            }
            (allowance != BudgetAllowance::Review).then_some(claim.verdict)
        });
        let told: Vec<Option<Verdict>> = told.collect();
        if !is_wrong && claims.iter().any(|claim| matches!(claim.verdict, Verdict::Match(_))) {
            asker.count_right(subject, day);
        }
        told
    }

    /// Fields of which another agency is told no more value.
    pub(super) fn locked(&self, now_s: i64) -> usize {
        let is_locked = |guesses: &&FieldGuesses| guesses.locks_values(&self.limits.values, now_s);
        self.guesses.values().filter(is_locked).count()
    }
}

/// A fixed sequence of numbers from a seed (SplitMix64).
pub(super) fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Below `n`.
pub(super) fn below(state: &mut u64, n: u64) -> u64 {
    random(state) % n
}
