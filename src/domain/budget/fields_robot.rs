//! Robots for names, ethnic groups, addresses and identity numbers: five colluding agencies without standing, 30 days, 1,000 subjects.
//! A subject is compromised when a robot is told `match` for its whole value, or that nothing contradicts a whole one.

use super::desk::{AskedField, BudgetDesk, below};
use super::*;
use crate::verdict::{MatchBasis, Verdict};

const AGENCIES: u32 = 5;
const SUBJECTS: u64 = 1_000;
const DAYS: i64 = 30;
const START_S: i64 = 1_795_363_200;
/// Just past the 24-hour window, so that a day's units are there again.
const STEP_S: i64 = 86_460;
const RIGHT: Verdict = Verdict::Match(MatchBasis::Exact);

/// Seeds of a simulation: few in an ordinary run.
fn seeds() -> u64 {
    if std::env::var_os("HEYAN_LONG").is_some() {
        200
    } else {
        5
    }
}

fn claim(question: BudgetQuestion, value: u64, verdict: Verdict) -> AskedField {
    AskedField {
        field: 0,
        question,
        value: u128::from(value),
        verdict,
    }
}

fn verdict(holds: bool) -> Verdict {
    if holds { RIGHT } else { Verdict::Mismatch }
}

/// What a robot asks next of a subject, after so many answers; and whether the answer gives the value away.
type Step<'s> = &'s mut dyn FnMut(u64, u64) -> Option<(AskedField, bool)>;

/// Subjects that are given away when every agency asks about every subject every day as long as it is told something.
fn compromised(desk: &mut BudgetDesk, next: Step<'_>) -> u64 {
    let mut steps = vec![Some(0_u64); SUBJECTS as usize];
    for day in 0..DAYS {
        for subject in 0..SUBJECTS {
            let at = subject as usize;
            let mut agency = 0;
            while let (Some(step), true) = (steps[at], agency < AGENCIES) {
                let Some((asked, gives_away)) = next(subject, step) else {
                    break;
                };
                match desk.ask(agency, subject, &[asked], START_S + day * STEP_S)[0] {
                    None => agency += 1,
                    Some(_) => steps[at] = (!gives_away).then_some(step + 1),
                }
            }
        }
    }
    steps.iter().filter(|step| step.is_none()).count() as u64
}

#[test]
fn names_are_not_found_by_trying_the_most_frequent() {
    // The most frequent full name of the country has 0.021 % of its people, the next ones a little less.
    let people_of = |rank: u64| 210 - rank / 2;
    let mut found = 0;
    for seed in 0..seeds() {
        let mut state = seed + 1;
        let name = |_| {
            let mut at = below(&mut state, 1_000_000);
            let is_of = |rank: &u64| {
                let people = people_of(*rank);
                let is_it = at < people;
                at = at.saturating_sub(people);
                is_it
            };
            (0..400).find(is_of).unwrap_or(u64::MAX)
        };
        let names: Vec<u64> = (0..SUBJECTS).map(name).collect();
        let mut desk = BudgetDesk::new(AGENCIES as usize);
        found += compromised(&mut desk, &mut |subject, guess| {
            let is_it = names[subject as usize] == guess;
            Some((claim(BudgetQuestion::Value, guess, verdict(is_it)), is_it))
        });
    }
    println!("names: {found} of {}", SUBJECTS * seeds());
    assert!(found <= seeds(), "{found}");
}

#[test]
fn an_ethnic_group_is_not_found_by_walking_the_list() {
    // The hardest case: every one of the 56 groups is as likely as another. A first claim alone is right in one case of 56.
    for (question, told_max) in [(BudgetQuestion::Code, 4), (BudgetQuestion::of_codes("ne", 1, 56), 2)] {
        let mut found = 0;
        for seed in 0..seeds() {
            let mut state = seed + 1;
            let groups: Vec<u64> = (0..SUBJECTS).map(|_| below(&mut state, 56)).collect();
            let mut desk = BudgetDesk::new(AGENCIES as usize);
            found += compromised(&mut desk, &mut |subject, guess| {
                let is_it = groups[subject as usize] == guess;
                let holds = is_it == (question == BudgetQuestion::Code);
                (guess < 56).then(|| (claim(question, guess, verdict(holds)), is_it))
            });
        }
        println!("{question:?}: {found} of {}", SUBJECTS * seeds());
        // Before, all of them were found.
        assert!(
            found <= SUBJECTS * seeds() * told_max / 56 + 15 * seeds(),
            "{question:?}: {found}"
        );
    }
}

#[test]
fn a_number_is_not_found_from_name_county_and_day() {
    // 500 numbers have a county, a day and a sex; the robot asks of each whether its holder has the name.
    let mut found = 0;
    for seed in 0..seeds() {
        let mut state = seed + 1;
        let mut desk = BudgetDesk::new(AGENCIES as usize);
        for day in 0..DAYS {
            for agency in 0..AGENCIES {
                for _ in 0..SUBJECTS {
                    let is_it = below(&mut state, 500) == 0;
                    let number = below(&mut state, u64::MAX);
                    let asked = claim(BudgetQuestion::Value, 0, verdict(is_it));
                    let told = desk.ask(agency, number, &[asked], START_S + day * STEP_S)[0];
                    found += u64::from(told == Some(RIGHT));
                    if told.is_none() {
                        break;
                    }
                }
            }
        }
    }
    println!("numbers: {found} of {}", SUBJECTS * seeds());
    assert!(found <= seeds() + 3, "{found}");
}

#[test]
fn one_agency_locks_at_most_ten_citizens_a_day() {
    // Alone it locks no citizen; with an accomplice that spends the other part, each of them ten.
    for helps in [false, true] {
        let mut desk = BudgetDesk::new(2);
        for subject in 0..400 {
            for guess in 0..12 {
                for agency in 0..=u32::from(helps) {
                    let asked = claim(BudgetQuestion::Value, guess * 2 + u64::from(agency), Verdict::Mismatch);
                    desk.ask(agency, subject, &[asked], START_S);
                }
            }
        }
        let day = i32::try_from(START_S / 86_400).unwrap();
        let limits = desk.limits.asker;
        assert!(
            desk.askers.iter().any(|asker| asker.is_news(&limits, day)),
            "an alert is due"
        );
        let locked = desk.locked(START_S);
        println!("locked: {locked}");
        assert!(locked <= if helps { 20 } else { 0 }, "{locked}");
    }
}
