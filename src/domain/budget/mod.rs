//! The guess budget: how many wrong values of one field of one subject may be told apart before a person must look.
//! The question is put before the comparison: over budget the answer is `review` whatever the truth, or the first right
//! guess after the last wrong one would still be told (PROMISES I-15).
//!
//! In any 24 hours `units ≤ units_24_h_max`, `units of an agency ≤ agency_units_24_h_max`; in any 30 days
//! `units ≤ units_30_days_max`; and in both windows `units of strangers ≤ max / 2`, rounded down, so that the larger half
//! stays for agencies with an open matter (I-16). With 5 and 10 a stranger's clerk may mistype twice in a day.
//!
//! The order, under one lock per subject and field: [`Guesses::allows`] with [`Question::units`], the most it may cost;
//! unless [`Allowance::Review`], compare; then [`Guesses::charge`] with [`Question::charged`] of the verdict, before the
//! answer leaves. A subject without a record is asked and charged as one whose every field differs, or the budget would
//! tell the two apart. Two people may unlock a subject with [`Guesses::clear`]: the caller audits that.

use super::verdict::Verdict;

/// What a wrong value costs: two, so that a predicate can cost a little more or less than a whole number of values.
pub(crate) const VALUE_UNITS: u8 = 2;

const MINUTES_24_H: u32 = 24 * 60;
const MINUTES_30_DAYS: u32 = 30 * MINUTES_24_H;

/// How much may be asked about one field of one subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetLimits {
    /// Units in any 24 hours, all agencies together.
    pub units_24_h_max: u32,
    /// Units in any 30 days, all agencies together.
    pub units_30_days_max: u32,
    /// Units of one agency in any 24 hours.
    pub agency_units_24_h_max: u32,
    /// Units of a predicate that does not hold: one less when it holds, one more on a month or a year.
    pub predicate_units: u8,
}

impl Default for BudgetLimits {
    fn default() -> Self {
        Self {
            units_24_h_max: 10,
            units_30_days_max: 20,
            agency_units_24_h_max: 10,
            predicate_units: 5,
        }
    }
}

/// What a claim asks, as far as it bears on guessing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BudgetQuestion {
    /// Is it this value? A literal, or `eq`.
    Value,
    /// Is it another value? `ne`: it holds when the guess is wrong.
    NotValue,
    /// Is it one of so many values?
    OneOf {
        /// Distinct values.
        alternatives: usize,
    },
    /// Any other predicate: a bit of the value, whether true or false.
    Predicate,
    /// A predicate on a month or a year, which has a third answer for the days inside it.
    Coarse,
}

impl BudgetQuestion {
    /// The question of a predicate's wire word and its number of operands; a literal claim is [`Self::Value`].
    pub fn of_predicate(op: &str, operands: usize) -> Self {
        match op {
            "eq" => Self::Value,
            "ne" => Self::NotValue,
            "one_of" => Self::OneOf { alternatives: operands },
            _ => Self::Predicate,
        }
    }

    /// The most units that the answer may cost; never 0.
    pub fn units(self, limits: &BudgetLimits) -> u8 {
        match self {
            Self::Value | Self::NotValue => VALUE_UNITS,
            Self::OneOf { alternatives } => u8::try_from(alternatives)
                .unwrap_or(u8::MAX)
                .max(1)
                .saturating_mul(VALUE_UNITS),
            Self::Predicate => limits.predicate_units.max(1),
            Self::Coarse => limits.predicate_units.saturating_add(1),
        }
    }

    /// The units to charge for this verdict: 0 for a value that is right and where nothing of the record was told.
    ///
    /// `review` for a literal is charged as a wrong value: it tells that the value is near. A predicate that holds costs one
    /// unit less than one that does not: what is asked in earnest mostly holds.
    pub fn charged(self, verdict: Verdict, limits: &BudgetLimits) -> u8 {
        match (self, verdict) {
            (_, Verdict::Absent | Verdict::NotPermitted | Verdict::Unavailable) => 0,
            // What could not be read was not compared.
            (_, unread) if unread.is_unreadable() => 0,
            (Self::Value, Verdict::Match(_)) | (Self::NotValue, Verdict::Mismatch) => 0,
            (Self::Predicate, Verdict::Match(_)) => self.units(limits).saturating_sub(1).max(1),
            _ => self.units(limits),
        }
    }
}

/// How an agency stands to the subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AgencyStanding {
    /// It has an open matter for the subject.
    OpenMatter,
    /// It has none: only the smaller half of each limit is open to it.
    Stranger,
}

/// One question to be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuessCount {
    /// Keyed hash of the operation and the canonical operands: two questions are one only when their answers are.
    pub value: [u8; 16],
    /// The agency, by its number at the caller.
    pub agency: u32,
    /// How it stands to the subject.
    pub standing: AgencyStanding,
    /// [`Question::units`] for `allows`, [`Question::charged`] for `charge`.
    pub units: u8,
}

/// What the budget says to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BudgetAllowance {
    /// Counted already: compare and answer, over budget too; nothing to charge.
    Free,
    /// Compare, charge what the verdict costs, answer.
    Charged,
    /// Do not compare: a person must look, whatever the truth.
    Review,
}

/// One counted question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountedGuess {
    /// Keyed hash of what was asked.
    pub value: [u8; 16],
    /// Unix time in minutes, rounded down.
    pub minute: u32,
    /// Who asked.
    pub agency: u32,
    /// What it cost.
    pub units: u8,
    /// How the agency stood then.
    pub standing: AgencyStanding,
}

/// Units that count now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpentUnits {
    /// In the last 24 hours.
    pub units_24_h: u32,
    /// In the last 30 days.
    pub units_30_days: u32,
}

/// The counted questions about one field of one subject; as many at most as 30 days have units.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldGuesses {
    entries: Vec<CountedGuess>,
}

impl FieldGuesses {
    /// What is to be kept.
    pub fn entries(&self) -> &[CountedGuess] {
        &self.entries
    }

    /// Whether nothing is counted, so that the whole may be dropped.
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether the question may be compared at all, at a Unix time in seconds.
    pub fn allows(&self, limits: &BudgetLimits, guess: &GuessCount, now_s: i64) -> BudgetAllowance {
        let now = minute(now_s);
        if self.knows(&guess.value, now_s) {
            return BudgetAllowance::Free;
        }
        let units = u32::from(guess.units.max(1));
        let has_room = |window: u32, of: &dyn Fn(&CountedGuess) -> bool, max: u32| {
            self.units_within(window, now, of).saturating_add(units) <= max
        };
        let both_have_room = |of: &dyn Fn(&CountedGuess) -> bool, share: u32| {
            has_room(MINUTES_24_H, of, limits.units_24_h_max.div_ceil(share))
                && has_room(MINUTES_30_DAYS, of, limits.units_30_days_max.div_ceil(share))
        };
        let of_agency = |entry: &CountedGuess| entry.agency == guess.agency;
        let of_strangers = |entry: &CountedGuess| entry.standing == AgencyStanding::Stranger;
        let within = both_have_room(&|_| true, 1)
            && has_room(MINUTES_24_H, &of_agency, limits.agency_units_24_h_max)
            && (guess.standing == AgencyStanding::OpenMatter || both_have_room(&of_strangers, 2));
        if within {
            BudgetAllowance::Charged
        } else {
            BudgetAllowance::Review
        }
    }

    /// Whether a question is counted already, by its keyed hash: asking it again is [`Allowance::Free`], whoever asks.
    pub fn knows(&self, value: &[u8; 16], now_s: i64) -> bool {
        let now = minute(now_s);
        let mut counted = self.entries.iter().filter(|entry| counts(entry, MINUTES_30_DAYS, now));
        counted.any(|entry| entry.value == *value)
    }

    /// Counts a question, once; 0 units are not counted. Call it with the lock still held under which `allows` was asked.
    pub fn charge(&mut self, guess: &GuessCount, now_s: i64) {
        if guess.units == 0 || self.knows(&guess.value, now_s) {
            return;
        }
        self.expire(now_s);
        self.entries.push(CountedGuess {
            value: guess.value,
            minute: minute(now_s),
            agency: guess.agency,
            units: guess.units,
            standing: guess.standing,
        });
    }

    /// Drops what counts no longer.
    pub fn expire(&mut self, now_s: i64) {
        let now = minute(now_s);
        self.entries.retain(|entry| counts(entry, MINUTES_30_DAYS, now));
    }

    /// Unlocks: all guesses are forgotten and the whole budget is there again.
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    /// The units that count now.
    pub fn spent(&self, now_s: i64) -> SpentUnits {
        let now = minute(now_s);
        SpentUnits {
            units_24_h: self.units_within(MINUTES_24_H, now, &|_| true),
            units_30_days: self.units_within(MINUTES_30_DAYS, now, &|_| true),
        }
    }

    fn units_within(&self, window: u32, now: u32, of: &dyn Fn(&CountedGuess) -> bool) -> u32 {
        let counted = self
            .entries
            .iter()
            .filter(|entry| counts(entry, window, now) && of(entry));
        counted.map(|entry| u32::from(entry.units)).sum()
    }
}

/// The minute itself still counts at the end of the window, so that rounding never gives back early.
/// An entry of a clock that is ahead counts as new.
const fn counts(entry: &CountedGuess, window: u32, now: u32) -> bool {
    now.saturating_sub(entry.minute) <= window
}

fn minute(now_s: i64) -> u32 {
    u32::try_from(now_s.div_euclid(60).max(0)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod robot;
#[cfg(test)]
mod tests;
