//! The rules of the budget one by one, and its limits under any order of questions.
//! The windows are checked against a plain list of what was charged, not against the budget's own sums.

use proptest::prelude::*;

use super::*;
use crate::verdict::{MatchBasis, ReviewReason};

const DAY_S: i64 = 86_400;
const NOW_S: i64 = 1_795_363_200;
const LIMITS: BudgetLimits = BudgetLimits {
    units_24_h_max: 5,
    units_30_days_max: 10,
    agency_units_24_h_max: 3,
    predicate_units: 3,
};
const DEFAULTS: BudgetLimits = BudgetLimits {
    units_24_h_max: 10,
    units_30_days_max: 20,
    agency_units_24_h_max: 10,
    predicate_units: 5,
};

fn guess(value: u8, agency: u32, standing: AgencyStanding, units: u8) -> GuessCount {
    GuessCount {
        value: [value; 16],
        agency,
        standing,
        units,
    }
}

fn clerk(value: u8, agency: u32) -> GuessCount {
    guess(value, agency, AgencyStanding::OpenMatter, 1)
}

fn stranger(value: u8, agency: u32) -> GuessCount {
    guess(value, agency, AgencyStanding::Stranger, 1)
}

/// Asks, and when the budget lets it, is wrong.
fn wrong(guesses: &mut FieldGuesses, guess: &GuessCount, now_s: i64) -> BudgetAllowance {
    let allowance = guesses.allows(&LIMITS, guess, now_s);
    if allowance == BudgetAllowance::Charged {
        guesses.charge(guess, now_s);
    }
    allowance
}

#[test]
fn the_default_limits_are_those_of_the_promise() {
    assert_eq!(BudgetLimits::default(), DEFAULTS);
    assert!(size_of::<CountedGuess>() <= 28);
}

#[test]
fn an_ordinary_clerk_may_mistype_three_times_in_a_day() {
    let mut guesses = FieldGuesses::default();
    assert_eq!(wrong(&mut guesses, &stranger(1, 1), NOW_S), BudgetAllowance::Charged);
    assert_eq!(wrong(&mut guesses, &stranger(2, 1), NOW_S), BudgetAllowance::Charged);
    assert_eq!(wrong(&mut guesses, &stranger(3, 1), NOW_S), BudgetAllowance::Charged);
    assert_eq!(wrong(&mut guesses, &stranger(4, 2), NOW_S), BudgetAllowance::Review);
    assert_eq!(
        wrong(&mut guesses, &stranger(4, 1), NOW_S + DAY_S + 60),
        BudgetAllowance::Charged
    );
}

#[test]
fn a_value_counted_already_is_free_for_everyone_and_over_budget_too() {
    let mut guesses = FieldGuesses::default();
    for (value, agency) in [(1, 1), (2, 1), (3, 1), (4, 2), (5, 2)] {
        assert_eq!(
            wrong(&mut guesses, &clerk(value, agency), NOW_S),
            BudgetAllowance::Charged
        );
    }
    assert_eq!(wrong(&mut guesses, &clerk(6, 3), NOW_S), BudgetAllowance::Review);
    for value in 1..=5 {
        assert_eq!(
            guesses.allows(&LIMITS, &stranger(value, 9), NOW_S),
            BudgetAllowance::Free
        );
        guesses.charge(&stranger(value, 9), NOW_S);
    }
    assert_eq!(
        guesses.spent(NOW_S),
        SpentUnits {
            units_24_h: 5,
            units_30_days: 5
        }
    );
}

#[test]
fn a_right_value_is_free_within_the_budget_and_not_told_over_it() {
    let mut guesses = FieldGuesses::default();
    let right = stranger(77, 1);
    for _ in 0..100 {
        assert_eq!(guesses.allows(&LIMITS, &right, NOW_S), BudgetAllowance::Charged);
        let units = BudgetQuestion::Value.charged(Verdict::Match(MatchBasis::Exact), &LIMITS);
        guesses.charge(&GuessCount { units, ..right }, NOW_S);
    }
    assert!(guesses.is_empty());
    for value in 1..=3 {
        wrong(&mut guesses, &stranger(value, 2), NOW_S);
    }
    assert_eq!(guesses.allows(&LIMITS, &right, NOW_S), BudgetAllowance::Review);
}

#[test]
fn a_question_costs_what_its_answer_tells() {
    let (right, wrong) = (Verdict::Match(MatchBasis::Exact), Verdict::Mismatch);
    let near = Verdict::Review(ReviewReason::Variant);
    let cost = |question: BudgetQuestion| [right, wrong, near, Verdict::Absent].map(|v| question.charged(v, &LIMITS));
    assert_eq!(cost(BudgetQuestion::Value), [0, 2, 2, 0]);
    assert_eq!(cost(BudgetQuestion::of_predicate("eq", 1)), [0, 2, 2, 0]);
    assert_eq!(
        cost(BudgetQuestion::of_predicate("ne", 1)),
        [2, 0, 2, 0],
        "it holds when the guess is wrong"
    );
    assert_eq!(cost(BudgetQuestion::of_predicate("one_of", 4)), [8, 8, 8, 0]);
    for op in ["on_or_before", "on_or_after", "at_least", "at_most", "within"] {
        assert_eq!(cost(BudgetQuestion::of_predicate(op, 1)), [2, 3, 3, 0]);
    }
    assert_eq!(cost(BudgetQuestion::Coarse), [4, 4, 4, 0]);
    for verdict in [Verdict::NotPermitted, Verdict::Unavailable] {
        assert_eq!(BudgetQuestion::Predicate.charged(verdict, &LIMITS), 0);
    }
    assert_eq!(BudgetQuestion::OneOf { alternatives: 1_000 }.units(&LIMITS), u8::MAX);
}

#[test]
fn a_predicate_that_does_not_fit_leaves_room_for_a_value() {
    let mut guesses = FieldGuesses::default();
    let predicate = |value, agency| guess(value, agency, AgencyStanding::OpenMatter, 3);
    assert_eq!(wrong(&mut guesses, &predicate(1, 1), NOW_S), BudgetAllowance::Charged);
    assert_eq!(
        wrong(&mut guesses, &clerk(2, 1), NOW_S),
        BudgetAllowance::Review,
        "the agency's own limit"
    );
    assert_eq!(wrong(&mut guesses, &predicate(3, 2), NOW_S), BudgetAllowance::Review);
    assert_eq!(wrong(&mut guesses, &clerk(4, 2), NOW_S), BudgetAllowance::Charged);
    assert_eq!(guesses.allows(&LIMITS, &predicate(1, 5), NOW_S), BudgetAllowance::Free);
}

#[test]
fn a_window_never_ends_early_and_ends_within_a_minute() {
    let late_s = NOW_S + 59;
    let mut guesses = FieldGuesses::default();
    for value in 1..=3 {
        wrong(&mut guesses, &stranger(value, 1), late_s);
    }
    assert_eq!(
        guesses.allows(&LIMITS, &stranger(4, 1), late_s + DAY_S),
        BudgetAllowance::Review
    );
    assert_eq!(
        guesses.allows(&LIMITS, &stranger(4, 1), late_s + DAY_S + 60),
        BudgetAllowance::Charged
    );
    assert_eq!(
        guesses.allows(&LIMITS, &stranger(1, 1), late_s + 30 * DAY_S),
        BudgetAllowance::Free
    );
    assert_eq!(
        guesses.allows(&LIMITS, &stranger(1, 1), late_s + 30 * DAY_S + 60),
        BudgetAllowance::Charged
    );
    guesses.expire(late_s + 30 * DAY_S);
    assert_eq!(guesses.entries().len(), 3);
    guesses.expire(late_s + 30 * DAY_S + 60);
    assert!(guesses.is_empty());
}

#[test]
fn a_clock_set_back_gives_nothing_back() {
    let mut guesses = FieldGuesses::default();
    for value in 1..=3 {
        wrong(&mut guesses, &stranger(value, 1), NOW_S);
    }
    for now_s in [NOW_S - 60, NOW_S - 40 * DAY_S, 0, -1, i64::MIN] {
        assert_eq!(guesses.allows(&LIMITS, &stranger(4, 1), now_s), BudgetAllowance::Review);
        guesses.expire(now_s);
    }
    assert_eq!(guesses.entries().len(), 3);
}

#[test]
fn strangers_cannot_lock_out_an_agency_with_an_open_matter() {
    let mut guesses = FieldGuesses::default();
    let (mut clerks_wrong, mut value) = (0, 0_u8);
    for day in 0..30 {
        let now_s = NOW_S + day * (DAY_S + 60);
        // A thousand tries a day by strangers of fifty agencies, distinct values and repeats.
        for attempt in 0..1_000_u32 {
            let bytes = u64::from(attempt).wrapping_mul(31).to_le_bytes();
            let mut tried = stranger(0, 100 + attempt % 50);
            tried.value[..8].copy_from_slice(&bytes);
            tried.value[8..].copy_from_slice(&day.to_le_bytes());
            wrong(&mut guesses, &tried, now_s);
        }
        assert_eq!(
            guesses.allows(&LIMITS, &stranger(200, 7), now_s),
            BudgetAllowance::Review
        );
        // Any day, a clerk who came for the first time has two wrong guesses, and the right value is told in between.
        let mut fresh = guesses.clone();
        fresh.entries.retain(|entry| entry.standing == AgencyStanding::Stranger);
        assert_eq!(wrong(&mut fresh, &clerk(201, 7), now_s), BudgetAllowance::Charged);
        assert_eq!(fresh.allows(&LIMITS, &clerk(77, 7), now_s), BudgetAllowance::Charged);
        assert_eq!(wrong(&mut fresh, &clerk(202, 7), now_s), BudgetAllowance::Charged);
        // Over the month, clerks have their half.
        value += 1;
        clerks_wrong += u32::from(wrong(&mut guesses, &clerk(value, 7), now_s) == BudgetAllowance::Charged);
    }
    assert_eq!(clerks_wrong, 5);
    assert_eq!(guesses.spent(NOW_S + 29 * (DAY_S + 60)).units_30_days, 10);
}

#[test]
fn unlocking_gives_the_whole_budget_back() {
    let mut guesses = FieldGuesses::default();
    for value in 1..=9 {
        wrong(&mut guesses, &stranger(value, 1), NOW_S);
    }
    let kept = guesses.clone();
    assert_eq!(kept.allows(&LIMITS, &stranger(9, 1), NOW_S), BudgetAllowance::Review);
    guesses.clear();
    assert_eq!(
        guesses.allows(&LIMITS, &stranger(9, 1), NOW_S),
        BudgetAllowance::Charged
    );
}

#[derive(Clone, Copy, Debug)]
struct Ask {
    wait_min: i64,
    value: u8,
    agency: u32,
    standing: AgencyStanding,
    units: u8,
}

fn ask() -> impl Strategy<Value = Ask> {
    let wait = prop_oneof![3 => 0_i64..30, 2 => 0_i64..2_000, 1 => 0_i64..20_000];
    let standing = prop_oneof![Just(AgencyStanding::OpenMatter), Just(AgencyStanding::Stranger)];
    (wait, 0_u8..60, 0_u32..6, standing, 1_u8..5).prop_map(|(wait_min, value, agency, standing, units)| Ask {
        wait_min,
        value,
        agency,
        standing,
        units,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn no_order_of_questions_passes_a_limit(
        asks in prop::collection::vec(ask(), 1..200),
        limits in (0_u32..9, 0_u32..20, 0_u32..6),
    ) {
        let limits = BudgetLimits {
            units_24_h_max: limits.0,
            units_30_days_max: limits.1,
            agency_units_24_h_max: limits.2,
            predicate_units: 3,
        };
        let (mut guesses, mut now_s) = (FieldGuesses::default(), NOW_S);
        let mut charged: Vec<(i64, Ask)> = Vec::new();
        for ask in asks {
            now_s += ask.wait_min * 60;
            let guess = guess(ask.value, ask.agency, ask.standing, ask.units);
            let known = charged.iter().any(|(at, old)| old.value == ask.value && now_s - at <= 30 * DAY_S);
            let allowance = guesses.allows(&limits, &guess, now_s);
            prop_assert_eq!(allowance == BudgetAllowance::Free, known);
            if allowance == BudgetAllowance::Charged {
                guesses.charge(&guess, now_s);
                charged.push((now_s, ask));
            }
            let sum = |window_s: i64, of: &dyn Fn(&Ask) -> bool| -> u32 {
                let inside = charged.iter().filter(|(at, old)| now_s - at <= window_s && of(old));
                inside.map(|(_, old)| u32::from(old.units)).sum()
            };
            let strangers = |old: &Ask| old.standing == AgencyStanding::Stranger;
            prop_assert!(sum(DAY_S, &|_| true) <= limits.units_24_h_max);
            prop_assert!(sum(30 * DAY_S, &|_| true) <= limits.units_30_days_max);
            prop_assert!(sum(DAY_S, &|old| old.agency == ask.agency) <= limits.agency_units_24_h_max);
            prop_assert!(sum(DAY_S, &strangers) <= limits.units_24_h_max.div_ceil(2));
            prop_assert!(sum(30 * DAY_S, &strangers) <= limits.units_30_days_max.div_ceil(2));
            prop_assert!(guesses.entries().len() <= limits.units_30_days_max as usize);
            prop_assert_eq!(guesses.spent(now_s).units_30_days, sum(30 * DAY_S, &|_| true));
            // Nothing is refused that fits: an agency with an open matter, whatever strangers did.
            if allowance == BudgetAllowance::Review && ask.standing == AgencyStanding::OpenMatter {
                let units = u32::from(ask.units);
                prop_assert!(
                    sum(DAY_S, &|_| true) + units > limits.units_24_h_max
                        || sum(30 * DAY_S, &|_| true) + units > limits.units_30_days_max
                        || sum(DAY_S, &|old| old.agency == ask.agency) + units > limits.agency_units_24_h_max
                );
            }
        }
    }
}
