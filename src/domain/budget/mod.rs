//! The guess budget: how much may be told about one field of one subject before a person must look, and of how many subjects one
//! agency may be wrong.
//!
//! The question is put before the comparison: over budget the answer is `review` whatever the truth, or the first right guess after
//! the last wrong one would still be told (PROMISES I-15).
//!
//! Two pools are counted apart for each field of each subject. Wrong *values* use up one, so that at most so many values are tried;
//! predicates, and claims that name no more than an area or a year, use up the other, so that they leave at most a few cells of what
//! is possible. No strategy finds more values than cells times values: `robot.rs` computes the bound, and robots that reach it.
//! Short lists of codes have smaller windows, because few values are left after few answers.
//!
//! In both pools, in any 24 hours and in any 30 days, `units ≤ all`, `units of one agency ≤ agency`, and `units of agencies without
//! standing ≤ open`. What is left between `open` and `all` is reserved for an agency with a matter that another party confirmed (I-16).
//! Because `agency < open`, no agency alone can lock others out of a value.
//!
//! The order, under one lock per subject and field: [`FieldGuesses::allows`] with [`BudgetQuestion::units`], the most it may cost; unless
//! [`BudgetAllowance::Review`], compare; then [`FieldGuesses::charge`] with [`BudgetQuestion::charged`] of the verdict, before the answer leaves. A
//! subject without a record is asked and charged as one whose every field differs, or the budget would tell the two apart. Two people
//! may unlock a subject with [`FieldGuesses::clear`]: the caller audits that.

mod asker;
mod question;

pub use asker::{AskerLimits, AskerTally, CountedSubject, WINDOW_DAYS};
pub use question::{BudgetQuestion, ClaimReach, GuessPool};

/// What a wrong value costs: two, so that an answer can cost less than a wrong value.
pub const VALUE_UNITS: u8 = 2;

const MINUTES_24_H: u32 = 24 * 60;
const MINUTES_30_DAYS: u32 = 30 * MINUTES_24_H;

/// Units of one pool of one field of one subject, in any 24 hours and in any 30 days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuessWindows {
    /// Of all agencies together.
    pub all: [u32; 2],
    /// Of all agencies without standing together.
    pub open: [u32; 2],
    /// Of one agency.
    pub agency: [u32; 2],
}

/// How much may be asked about one field of one subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetLimits {
    /// Literal claims.
    pub values: GuessWindows,
    /// Literal claims of a field with a short list of codes.
    pub codes: GuessWindows,
    /// Predicates, and claims of an area or a period.
    pub predicates: GuessWindows,
    /// Predicates on a field with a short list of codes.
    pub code_predicates: GuessWindows,
    /// Units of a predicate that does not hold: one less when it holds, one more on a month or a year.
    pub predicate_units: u8,
    /// How many subjects one agency may be wrong about.
    pub asker: AskerLimits,
}

impl Default for BudgetLimits {
    fn default() -> Self {
        let same = |units| GuessWindows {
            all: [units; 2],
            open: [units; 2],
            agency: [units; 2],
        };
        Self {
            values: GuessWindows {
                all: [10, 20],
                open: [8, 12],
                agency: [6, 8],
            },
            codes: GuessWindows {
                agency: [6; 2],
                ..same(8)
            },
            predicates: same(10),
            code_predicates: same(4),
            predicate_units: 5,
            asker: AskerLimits::default(),
        }
    }
}

/// How an agency stands to the subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AgencyStanding {
    /// It has a matter about the subject that another party confirmed.
    OpenMatter,
    /// It has none: what is reserved is not open to it.
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
    /// The pool that it is counted in.
    pub pool: GuessPool,
    /// [`BudgetQuestion::units`] for `allows`, [`BudgetQuestion::charged`] for `charge`.
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
    /// The pool that it is counted in.
    pub pool: GuessPool,
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
    pub fn allows(&self, windows: &GuessWindows, guess: &GuessCount, now_s: i64) -> BudgetAllowance {
        if self.knows(&guess.value, now_s) {
            return BudgetAllowance::Free;
        }
        match self.has_room(windows, guess, now_s) {
            true => BudgetAllowance::Charged,
            false => BudgetAllowance::Review,
        }
    }

    fn has_room(&self, windows: &GuessWindows, guess: &GuessCount, now_s: i64) -> bool {
        let is_of_agency = |entry: &CountedGuess| entry.agency == guess.agency;
        let is_of_stranger = |entry: &CountedGuess| entry.standing == AgencyStanding::Stranger;
        let units = u32::from(guess.units.max(1));
        let fits = |max: [u32; 2], of: &dyn Fn(&CountedGuess) -> bool| {
            let [day, month] = self.spent_in(guess.pool, of, now_s);
            let [day_max, month_max] = max;
            day.saturating_add(units) <= day_max && month.saturating_add(units) <= month_max
        };
        fits(windows.all, &|_| true)
            && fits(windows.agency, &is_of_agency)
            && (guess.standing == AgencyStanding::OpenMatter || fits(windows.open, &is_of_stranger))
    }

    /// Whether no agency without standing is told another value: citizens are kept from being verified then.
    pub fn locks_values(&self, windows: &GuessWindows, now_s: i64) -> bool {
        let guess = GuessCount {
            value: [0; 16],
            // No agency has this number.
            agency: u32::MAX,
            standing: AgencyStanding::Stranger,
            pool: GuessPool::Values,
            units: VALUE_UNITS,
        };
        !self.has_room(windows, &guess, now_s)
    }

    /// Whether a question, given by its keyed hash, is counted already. Asking it again is [`BudgetAllowance::Free`] for every agency.
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
            pool: guess.pool,
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

    /// The units of a pool that count now.
    pub fn spent(&self, pool: GuessPool, now_s: i64) -> SpentUnits {
        let [units_24_h, units_30_days] = self.spent_in(pool, &|_| true, now_s);
        SpentUnits {
            units_24_h,
            units_30_days,
        }
    }

    fn spent_in(&self, pool: GuessPool, of: &dyn Fn(&CountedGuess) -> bool, now_s: i64) -> [u32; 2] {
        let now = minute(now_s);
        [MINUTES_24_H, MINUTES_30_DAYS].map(|window| {
            let counted = self
                .entries
                .iter()
                .filter(|entry| entry.pool == pool && counts(entry, window, now) && of(entry));
            counted.map(|entry| u32::from(entry.units)).sum()
        })
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
mod address_robot;
#[cfg(test)]
mod asker_tests;
#[cfg(test)]
mod desk;
#[cfg(test)]
mod fields_robot;
#[cfg(test)]
mod honest;
#[cfg(test)]
mod robot;
#[cfg(test)]
mod tests;
