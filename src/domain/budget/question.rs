//! What a claim asks and what its answer tells: the pool it is counted in, and the units that it costs.

use super::{BudgetLimits, GuessWindows, VALUE_UNITS};
use crate::verdict::{ReviewReason, Verdict};

/// Units of an answer that only says that nothing contradicts.
const NEAR_UNITS: u8 = 1;

/// What units are counted in. Predicates never use up what literal claims need: a right value is told as long as few wrong values
/// were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuessPool {
    /// Literal claims, and `eq`.
    Values,
    /// All other questions: they split the values that are possible, and confirm none.
    Predicates,
}

/// How much of a value a literal claim names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimReach {
    /// All of it.
    Whole,
    /// A house without its room, or a room whose house is not certain: few values are left open.
    Part,
    /// A county, a town, a street: as much as `within` asks.
    Area,
    /// A month or a year.
    Period,
}

/// What a claim asks, as far as it bears on guessing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BudgetQuestion {
    /// Is it this value? A literal, or `eq`.
    Value,
    /// Is it this value, of which a part is left open?
    Part,
    /// Does it lie in this area?
    Area,
    /// A question about a month or a year, which has a third answer for the days inside it.
    Period,
    /// A predicate: a bit of the value, whether true or false.
    Predicate,
    /// Is it another value? `ne`: it holds when the guess is wrong.
    NotValue,
    /// Is it one of so many values?
    OneOf {
        /// Distinct values.
        alternatives: usize,
    },
    /// Is it this code of a short list?
    Code,
    /// Is it one of these codes, or none of them?
    CodeAmong {
        /// Codes of the smaller side.
        alternatives: usize,
    },
}

impl BudgetQuestion {
    /// The question of a literal claim.
    pub fn of_literal(reach: ClaimReach) -> Self {
        match reach {
            ClaimReach::Whole => Self::Value,
            ClaimReach::Part => Self::Part,
            ClaimReach::Area => Self::Area,
            ClaimReach::Period => Self::Period,
        }
    }

    /// The question of a predicate's wire word and its number of operands; `eq` is a literal claim.
    pub fn of_predicate(op: &str, operands: usize) -> Self {
        match op {
            "ne" => Self::NotValue,
            "one_of" => Self::OneOf { alternatives: operands },
            _ => Self::Predicate,
        }
    }

    /// The question of a predicate on a list of so many codes: a list of all but one tells as much as one.
    pub fn of_codes(op: &str, operands: usize, codes: usize) -> Self {
        match op {
            "eq" => Self::Code,
            _ => Self::CodeAmong {
                alternatives: operands.min(codes.saturating_sub(operands)).max(1),
            },
        }
    }

    /// The pool that it is counted in.
    pub const fn pool(self) -> GuessPool {
        match self {
            Self::Value | Self::Part | Self::Code => GuessPool::Values,
            Self::Area
            | Self::Period
            | Self::Predicate
            | Self::NotValue
            | Self::OneOf { .. }
            | Self::CodeAmong { .. } => GuessPool::Predicates,
        }
    }

    /// The windows that it has to fit into.
    pub const fn windows(self, limits: &BudgetLimits) -> &GuessWindows {
        match self {
            Self::Value | Self::Part => &limits.values,
            Self::Area | Self::Period | Self::Predicate | Self::NotValue | Self::OneOf { .. } => &limits.predicates,
            Self::Code => &limits.codes,
            Self::CodeAmong { .. } => &limits.code_predicates,
        }
    }

    /// The most units that the answer may cost; never 0.
    pub fn units(self, limits: &BudgetLimits) -> u8 {
        let of_list = |alternatives: usize| {
            let alternatives = u8::try_from(alternatives).unwrap_or(u8::MAX).max(1);
            alternatives.saturating_mul(VALUE_UNITS)
        };
        match self {
            Self::Value | Self::Part | Self::Code | Self::NotValue => VALUE_UNITS,
            Self::Area | Self::Predicate => limits.predicate_units.max(1),
            Self::Period => limits.predicate_units.saturating_add(1),
            // No list tells more than a predicate, whose answer is one of two as well.
            Self::OneOf { alternatives } => of_list(alternatives).min(limits.predicate_units.max(1)),
            // One list may always be asked about; it may then use up the window.
            Self::CodeAmong { alternatives } => {
                let [window, _] = limits.code_predicates.agency;
                of_list(alternatives).min(u8::try_from(window).unwrap_or(u8::MAX).max(1))
            }
        }
    }

    /// The units to charge for this verdict: 0 where nothing of the record was told, and for a value that is right.
    ///
    /// `review` for a literal tells that nothing contradicts: it costs little where the claim names nearly everything, and as much as
    /// a predicate where it names an area. A predicate that holds costs one unit less than one that does not: what is asked in earnest
    /// mostly holds.
    pub fn charged(self, verdict: Verdict, limits: &BudgetLimits) -> u8 {
        let is_near = matches!(
            verdict,
            Verdict::Review(ReviewReason::Partial | ReviewReason::Variant | ReviewReason::Sentinel)
        );
        match (self, verdict) {
            (_, Verdict::Absent | Verdict::NotPermitted | Verdict::Unavailable) => 0,
            // What could not be read was not compared.
            (_, unread) if unread.is_unreadable() => 0,
            (Self::Value | Self::Part | Self::Code | Self::Area, Verdict::Match(_)) => 0,
            (Self::Value | Self::Part | Self::Code, _) if is_near => NEAR_UNITS,
            (Self::Area, _) if is_near => self.units(limits).saturating_sub(1).max(1),
            (Self::Predicate, Verdict::Match(_)) => self.units(limits).saturating_sub(1).max(1),
            // `ne` that does not hold is a value that was right.
            (Self::NotValue, Verdict::Mismatch) => 0,
            _ => self.units(limits),
        }
    }
}
