//! Robots for names, ethnic groups, addresses and identity numbers: five colluding agencies without standing, 30 days, 1,000 subjects.
//! A subject is compromised when a robot is told `match` for its whole value, or that nothing contradicts a whole one.

use super::desk::{AskedField, BudgetDesk, below};
use super::*;
use crate::compare::Comparator;
use crate::verdict::{Basis, ReviewReason, Verdict};

const AGENCIES: u32 = 5;
const SUBJECTS: u64 = 1_000;
const DAYS: i64 = 30;
const START_S: i64 = 1_795_363_200;
const RIGHT: Verdict = Verdict::Match(Basis::Exact);

/// Seeds of a simulation: few in an ordinary run.
fn seeds() -> u64 {
    if std::env::var_os("HEYAN_LONG").is_some() {
        200
    } else {
        10
    }
}

/// Every agency asks about every subject every day as long as it is told something; `next` gives the question that follows what was
/// told of a subject so far, as number of the step.
fn compromised(desk: &mut BudgetDesk, mut next: impl FnMut(u64, usize) -> Option<AskedField>) -> u64 {
    let mut steps = vec![Some(0_usize); SUBJECTS as usize];
    for day in 0..DAYS {
        let now_s = START_S + day * 86_460;
        for subject in 0..SUBJECTS {
            let mut agency = 0;
            while let Some(step) = steps[subject as usize] {
                let Some(asked) = next(subject, step).filter(|_| agency < AGENCIES) else {
                    break;
                };
                let is_found = matches!(asked.verdict, Verdict::Match(_)) && asked.question.pool() == GuessPool::Values
                    || (asked.question == BudgetQuestion::OneOf { alternatives: 1 }
                        || asked.question == BudgetQuestion::CodeAmong { alternatives: 1 })
                        && asked.verdict == Verdict::Mismatch;
                let asked = value(0, question, hash, verdict);
                let told = desk.ask(agency, subject, &[asked], START_S + day * 86_460)[0];
                if told.is_none() {
                    agency += 1;
                    continue;
                }
                waiting[at] = None;
                match told {
                    Some(Verdict::Mismatch) => walked[at].0[depth] += 1,
                    Some(_) if depth == 4 => {
                        found += 1;
                        walked[at].1 = 5;
                    }
                    _ => {
                        counties += u32::from(depth == 0);
                        walked[at].1 += 1;
                    }
                }
            }
        }
    }
    println!("addresses: {found} of {SUBJECTS}; counties: {counties}");
    assert!(found <= 1, "{found}");
    // A robot that walks the counties is told of two of seven at most.
    assert!(counties <= 2 * SUBJECTS as u32 / 7 + 60, "{counties}");
}

#[test]
fn one_agency_locks_at_most_ten_citizens_a_day() {
    // Alone it locks nobody; with an accomplice that spends a part, ten.
    for helps in [false, true] {
        let mut desk = BudgetDesk::new(2);
        for subject in 0..400 {
            for guess in 0..12 {
                for agency in 0..=u32::from(helps) {
                    let asked = value(
                        0,
                        BudgetQuestion::Value,
                        guess * 2 + u64::from(agency),
                        Verdict::Mismatch,
                    );
                    desk.ask(agency, subject, &[asked], START_S);
                }
            }
        }
        let day = i32::try_from(START_S / 86_400).unwrap();
        let asker = &desk.askers[0];
        assert!(!asker.has_room(&desk.limits.asker) && asker.is_news(&desk.limits.asker, day) || helps);
        let locked = desk.locked(START_S);
        assert!(locked <= if helps { 20 } else { 0 }, "{locked}");
    }
}

#[test]
fn what_an_address_claim_leaves_open_decides_what_it_costs() {
    let comparator = Comparator::from_options("address", &serde_json::Value::Null).unwrap();
    let record = comparator.canonical("安徽省芜湖市镜湖区赭山街道北京中路2号3栋2单元501室");
    let limits = BudgetLimits::default();
    let cost = |claim: &str| {
        let question = BudgetQuestion::of_literal(comparator.reach(claim));
        let verdict = comparator.compare(claim, &record);
        assert_eq!(verdict, Verdict::Review(ReviewReason::Partial), "{claim}");
        (question.pool(), question.charged(verdict, &limits))
    };
    for honest in [
        "安徽省芜湖市镜湖区北京中路2号3栋2单元501室",
        "芜湖市镜湖区北京中路2号3栋501室",
        "芜湖市镜湖区北京中路2号3栋",
        "芜湖市镜湖区赭山街道北京中路2号",
    ] {
        assert_eq!(cost(honest), (GuessPool::Values, 1), "{honest}");
    }
    for walk in ["安徽省芜湖市镜湖区", "芜湖市镜湖区赭山街道", "芜湖市镜湖区北京中路"] {
        assert_eq!(cost(walk), (GuessPool::Predicates, 4), "{walk}");
    }
    let date = Comparator::from_options("date", &serde_json::Value::Null).unwrap();
    assert_eq!(date.reach("1990年"), ClaimReach::Period);
    assert_eq!(date.reach("1990-05"), ClaimReach::Period);
    assert_eq!(date.reach("1990-05-01"), ClaimReach::Whole);
}
