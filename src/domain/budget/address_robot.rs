//! Addresses: what a claim costs by what it leaves open, and a robot that walks from county to room.

use super::desk::{AskedField, BudgetDesk, below};
use super::*;
use crate::compare::{CanonicalValue, FieldComparator};
use crate::verdict::{ReviewReason, Verdict};

const AGENCIES: u32 = 5;
const START_S: i64 = 1_795_363_200;
const STEP_S: i64 = 86_460;
/// Counties, streets of each, numbers, buildings, rooms.
const SIZES: [u64; 5] = [7, 40, 120, 10, 24];
const COUNTIES: [&str; 7] = ["镜湖区", "弋江区", "鸠江区", "湾沚区", "繁昌区", "南陵县", "无为市"];

fn address(parts: [u64; 5], depth: usize) -> String {
    let [county, street, number, building, room] = parts;
    let street = char::from_u32(0x4e09 + u32::try_from(street).unwrap() * 7).unwrap();
    let mut text = format!("安徽省芜湖市{}", COUNTIES[county as usize]);
    let tail = [
        format!("{street}桥路"),
        format!("{}号", number + 1),
        format!("{}幢", building + 1),
        format!("{}室", 101 + room),
    ];
    tail.into_iter().take(depth).for_each(|part| text.push_str(&part));
    text
}

/// One home, and how far a robot came.
struct WalkedHome {
    record: CanonicalValue,
    tried: [u64; 5],
    depth: usize,
    waiting: Option<(BudgetQuestion, Verdict)>,
}

impl WalkedHome {
    /// The next question, compared once.
    fn question(&mut self, comparator: &FieldComparator) -> Option<AskedField> {
        let (tried, depth) = (self.tried, self.depth);
        if depth > 4 || tried[depth] >= SIZES[depth] {
            return None;
        }
        let (question, verdict) = *self.waiting.get_or_insert_with(|| {
            let text = address(tried, depth);
            let question = BudgetQuestion::of_literal(comparator.reach(&text));
            (question, comparator.compare(&text, &self.record))
        });
        let value = tried
            .iter()
            .fold(depth as u128 + 1, |hash, part| hash * 131 + u128::from(*part));
        Some(AskedField {
            field: 0,
            question,
            value,
            verdict,
        })
    }

    fn learn(&mut self, told: Verdict) {
        self.waiting = None;
        match told {
            Verdict::Mismatch => self.tried[self.depth] += 1,
            _ => self.depth += 1,
        }
    }
}

#[test]
fn an_address_is_not_found_by_walking_from_county_to_room() {
    let subjects = if std::env::var_os("HEYAN_LONG").is_some() {
        20_000
    } else {
        1_000
    };
    let comparator = FieldComparator::from_options("address", &serde_json::Value::Null).unwrap();
    let mut state = 7;
    let home = |_| WalkedHome {
        record: comparator.canonical(&address(SIZES.map(|size| below(&mut state, size)), 4)),
        tried: [0; 5],
        depth: 0,
        waiting: None,
    };
    let mut homes: Vec<WalkedHome> = (0..subjects).map(home).collect();
    let mut desk = BudgetDesk::new(AGENCIES as usize);
    for day in 0..30 {
        for (subject, home) in (0_u64..).zip(&mut homes) {
            let mut agency = 0;
            while let (Some(asked), true) = (home.question(&comparator), agency < AGENCIES) {
                match desk.ask(agency, subject, &[asked], START_S + day * STEP_S)[0] {
                    None => agency += 1,
                    Some(told) => home.learn(told),
                }
            }
        }
    }
    let reached = |depth: usize| homes.iter().filter(|home| home.depth > depth).count();
    let (counties, found) = (reached(0), reached(4));
    println!("addresses: {found} of {subjects}; counties: {counties}");
    assert!(found <= subjects / 1_000, "{found}");
    // Of seven counties a robot is told two at most.
    assert!(counties <= subjects * 2 / 7 + subjects / 20, "{counties}");
}

#[test]
fn what_an_address_claim_leaves_open_decides_what_it_costs() {
    let comparator = FieldComparator::from_options("address", &serde_json::Value::Null).unwrap();
    let record = comparator.canonical("安徽省芜湖市镜湖区赭山街道北京中路2号3幢2单元501室");
    let limits = BudgetLimits::default();
    let cost = |claim: &str| {
        let question = BudgetQuestion::of_literal(comparator.reach(claim));
        let verdict = comparator.compare(claim, &record);
        assert_eq!(verdict, Verdict::Review(ReviewReason::Partial), "{claim}");
        (question.pool(), question.charged(verdict, &limits))
    };
    for honest in [
        "安徽省芜湖市镜湖区北京中路2号3幢2单元501室",
        "安徽省芜湖市镜湖区北京中路2号3幢501室",
        "安徽省芜湖市镜湖区北京中路2号3幢",
        "安徽省芜湖市镜湖区赭山街道北京中路2号",
    ] {
        assert_eq!(cost(honest), (GuessPool::Values, 1), "{honest}");
    }
    for walk in [
        "安徽省芜湖市镜湖区",
        "安徽省芜湖市镜湖区赭山街道",
        "安徽省芜湖市镜湖区北京中路",
    ] {
        assert_eq!(cost(walk), (GuessPool::Predicates, 4), "{walk}");
    }
    let date = FieldComparator::from_options("date", &serde_json::Value::Null).unwrap();
    for (text, reach) in [
        ("1990年", ClaimReach::Period),
        ("1990-05", ClaimReach::Period),
        ("1990-05-01", ClaimReach::Whole),
        ("长期", ClaimReach::Whole),
    ] {
        assert_eq!(date.reach(text), reach, "{text}");
    }
}
