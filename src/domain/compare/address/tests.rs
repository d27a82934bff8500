//! Judged pairs, the laws of equality, and edits that change or leave out something.
//! The generator writes an address and its verdict together and shares no code with the comparator.

use proptest::prelude::*;

use super::*;
use crate::compare::FieldComparator;

const VECTORS: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../tests/vectors/addresses.csv"
));

fn comparator() -> FieldComparator {
    FieldComparator::from_options("address", &serde_json::Value::Null).unwrap()
}

fn verdict(record: &str, claim: &str) -> Verdict {
    let comparator = comparator();
    comparator.compare(claim, &comparator.canonical(record))
}

fn is_match(record: &str, claim: &str) -> bool {
    matches!(verdict(record, claim), Verdict::Match(_))
}

/// One CSV line; quotes only around a whole cell.
fn cells(line: &str) -> Vec<String> {
    let (mut out, mut cell, mut quoted) = (Vec::new(), String::new(), false);
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => out.push(std::mem::take(&mut cell)),
            _ => cell.push(c),
        }
    }
    out.push(cell);
    out
}

/// Cases of a law: short by default, a million where `HEYAN_LONG` is set.
fn config(short: u32) -> ProptestConfig {
    let long = std::env::var_os("HEYAN_LONG").is_some();
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(if long { 1_000_000 } else { short })
    }
}

#[test]
fn every_judged_pair_gets_one_of_its_verdicts() {
    let mut wrong = Vec::new();
    for row in VECTORS.lines().skip(1).map(cells) {
        let [expect, record, claim] = row.as_slice() else {
            panic!("{row:?}");
        };
        for (record, claim) in [(record, claim), (claim, record)] {
            let word = verdict(record, claim).as_str();
            if !expect.split('|').any(|wanted| wanted == word) {
                wrong.push(format!("{word}, not {expect}: {record} | {claim}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(VECTORS.lines().count() > 150);
}

/// A file of the folder that the judges share, when it is there; in addition to what stands here.
fn shared(file: &str) -> Option<String> {
    let root = std::env::var("HEYAN_SHARED")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared").to_owned());
    std::fs::read_to_string(format!("{root}/{file}")).ok()
}

#[test]
fn every_judged_address_of_the_shared_folder_gets_one_of_its_verdicts() {
    let Some(table) = shared("standards/vectors2.csv") else {
        return;
    };
    let rows = table
        .lines()
        .map(cells)
        .filter(|row| row.first().is_some_and(|field| field.ends_with("address")));
    let mut wrong = Vec::new();
    for row in rows {
        let word = verdict(&row[1], &row[2]).as_str();
        if !row[3].split('|').any(|wanted| wanted == word) {
            wrong.push(format!("{word}: {row:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_historical_code_of_the_shared_folder_is_known() {
    let Some(table) = shared("data/admin_divisions_history.csv") else {
        return;
    };
    let unknown: Vec<&str> = table
        .lines()
        .skip(1)
        .filter(|line| {
            !line
                .get(..6)
                .and_then(|code| code.parse().ok())
                .is_some_and(crate::division::is_known)
        })
        .collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn real_addresses_are_read_and_match_their_other_spellings() {
    for file in [
        "data/addresses_anhui_perturbed.csv",
        "data/addresses_other_perturbed_sample.csv",
    ] {
        let Some(table) = shared(file) else { return };
        for row in table.lines().skip(1).map(cells) {
            let address = row.iter().max_by_key(|cell| cell.len()).unwrap();
            // One holds a control character, which no comparator reads.
            if comparator().canonical(address).is_unreadable() {
                continue;
            }
            let spaced: String = address.chars().map(full_width).collect();
            assert!(is_match(address, &format!(" {spaced}")), "{address}");
        }
    }
}

/// An address in parts, and how it is spelt.
#[derive(Clone, Debug)]
struct Place {
    county: usize,
    town: usize,
    road: usize,
    number: u32,
    annex: u32,
    estate: usize,
    building: u32,
    entrance: u32,
    storey: i32,
    room: u32,
}

/// Full name, and a spelling that means the same.
const COUNTIES: [(&str, &str); 6] = [
    ("安徽省芜湖市镜湖区", "镜湖区"),
    ("安徽省芜湖市鸠江区", "芜湖市鸠江区"),
    ("安徽省芜湖市南陵县", "安徽芜湖南陵县"),
    ("安徽省合肥市庐阳区", "合肥庐阳区"),
    ("江苏省南京市鼓楼区", "南京市鼓楼区"),
    ("江苏省徐州市鼓楼区", "江苏徐州鼓楼区"),
];
const TOWNS: [&str; 4] = ["", "赭山街道", "清水镇", "许镇镇"];
const ROADS: [&str; 6] = ["北京中路", "北京路", "九华山路", "中山北路", "二七路", "人民东街"];
const ESTATES: [&str; 4] = ["", "翡翠花园", "甲小区", "万达广场"];

fn place() -> impl Strategy<Value = Place> {
    let divisions = (0..COUNTIES.len(), 0..TOWNS.len(), 0..ROADS.len(), 1_u32..130, 0_u32..4);
    let house = (0..ESTATES.len(), 1_u32..40, 0_u32..5, -2_i32..4, 101_u32..140);
    (divisions, house).prop_map(
        |((county, town, road, number, annex), (estate, building, entrance, storey, room))| Place {
            county,
            town,
            road,
            number,
            annex,
            estate,
            building,
            entrance,
            storey,
            room,
        },
    )
}

fn numeral(number: u32) -> String {
    const DIGITS: [&str; 10] = ["", "一", "二", "三", "四", "五", "六", "七", "八", "九"];
    let ten = match number / 10 {
        0 => String::new(),
        1 => "十".to_owned(),
        tens => format!("{}十", DIGITS[tens as usize]),
    };
    format!("{ten}{}", DIGITS[(number % 10) as usize])
}

impl Place {
    /// Spelt in one of several lossless ways, by the bits of `way`.
    fn spelt(&self, way: u32) -> String {
        let bit = |at: u32| way >> at & 1 == 1;
        let county = COUNTIES[self.county];
        let mut text = if bit(0) { county.1 } else { county.0 }.to_owned();
        text.push_str(TOWNS[self.town]);
        if bit(1) && text.ends_with("街道") {
            text.push_str("办事处");
        }
        text.push_str(ROADS[self.road]);
        text.push_str(&format!("{}{}号", if bit(2) { "0" } else { "" }, self.number));
        if self.annex > 0 {
            let apart = self.estate > 0 || bit(5);
            text.push_str(&format!("附{}{}", self.annex, if bit(3) && apart { "" } else { "号" }));
        }
        text.push_str(ESTATES[self.estate]);
        let building = if bit(4) && self.building < 100 {
            numeral(self.building)
        } else {
            self.building.to_string()
        };
        text.push_str(&format!("{}{building}", if bit(5) { "第" } else { "" }));
        text.push_str(["幢", "栋", "号楼"][(way >> 6) as usize % 3]);
        if self.entrance > 0 {
            text.push_str(&format!("{}单元", self.entrance));
        }
        match self.storey {
            0 => {}
            below if below < 0 && bit(8) => text.push_str(&format!("负{}层", numeral(below.unsigned_abs()))),
            storey => text.push_str(&format!("{storey}{}", if bit(9) { "楼" } else { "层" })),
        }
        text.push_str(&format!(
            "{}{}",
            self.room,
            ["室", "", "户", "房"][(way >> 10) as usize % 4]
        ));
        if bit(12) {
            text.chars().map(full_width).collect()
        } else {
            text
        }
    }

    /// Another place: one part differs.
    fn changed(&self, part: u32) -> Self {
        let mut other = self.clone();
        match part % 9 {
            0 => other.county = (self.county + 1) % COUNTIES.len(),
            1 => other.road = (self.road + 1) % ROADS.len(),
            2 => other.number += 1,
            3 => other.annex += 1,
            4 => other.building = self.building % 39 + 1,
            5 if self.entrance > 0 => other.entrance = self.entrance % 4 + 1,
            6 if self.storey != 0 => other.storey = -self.storey,
            7 if self.town > 0 => other.town = self.town % 3 + 1,
            8 if self.estate > 0 => other.estate = self.estate % 3 + 1,
            _ => other.room += 1,
        }
        other
    }

    /// The same place, of which less is said.
    fn shortened(&self, part: u32) -> Self {
        let mut other = self.clone();
        match part % 5 {
            0 => other.town = 0,
            1 => other.annex = 0,
            2 => other.estate = 0,
            3 => other.entrance = 0,
            _ => other.storey = 0,
        }
        other
    }
}

fn full_width(c: char) -> char {
    match c {
        '0'..='9' => char::from_u32(u32::from(c) + 0xFEE0).unwrap(),
        c => c,
    }
}

/// Text near addresses: most of it is no address that anybody would write.
fn near() -> impl Strategy<Value = String> {
    "(安徽省)?(芜湖市|合肥市)?(镜湖区|芜湖县|湾沚区|三山区|鼓楼区)?(甲镇|六郎乡)?(甲路|九华山路|二号路)?[九二1-3]{0,2}(号|弄|#|至3号|附2|-|/)?(甲小区|南区|A区)?[1-3负-]{0,3}(幢|层|楼|单元|座)?[(]?[1-3A-]{0,4}(室|号|[)])?"
}

proptest! {
    #![proptest_config(config(3_000))]

    #[test]
    fn lossless_spellings_of_one_place_match(place in place(), a in 0_u32..8192, b in 0_u32..8192) {
        let (a, b) = (place.spelt(a), place.spelt(b));
        prop_assert!(is_match(&a, &b), "{} | {}", a, b);
    }

    #[test]
    fn two_places_never_match(place in place(), part in 0_u32..9, a in 0_u32..8192, b in 0_u32..8192) {
        let (a, b) = (place.spelt(a), place.changed(part).spelt(b));
        let verdict = verdict(&a, &b);
        let annex_left_out = part == 3 && place.annex == 0;
        let wanted = if annex_left_out { "review" } else { "mismatch" };
        prop_assert_eq!(verdict.as_str(), wanted, "{} | {}", a, b);
    }

    #[test]
    fn what_is_left_out_is_for_review(place in place(), part in 0_u32..5, a in 0_u32..8192, b in 0_u32..8192) {
        let less = place.shortened(part);
        let (a, b) = (place.spelt(a), less.spelt(b));
        let said_alike = format!("{place:?}") == format!("{less:?}");
        prop_assert_eq!(verdict(&a, &b).as_str(), if said_alike { "match" } else { "review" }, "{} | {}", a, b);
    }

    #[test]
    fn one_other_sign_is_never_a_match(place in place(), way in 0_u32..4096, at in 0_usize..60, digit in 0_u32..10) {
        let text = place.spelt(way & !0b10_0000);
        let at = at % text.chars().count();
        let one = text.chars().nth(at).unwrap();
        let new = match one {
            '0'..='9' if one.to_digit(10) != Some(digit) => char::from_digit(digit, 10).unwrap(),
            '京' | '华' | '山' | '赭' | '翠' | '镜' | '庐' | '陵' => '沣',
            _ => return Ok(()),
        };
        // A digit that becomes, or was, a leading zero says the same.
        let zero = (one == '0' || new == '0') && !text.chars().nth(at.wrapping_sub(1)).is_some_and(|c| c.is_ascii_digit());
        let changed: String = text.chars().enumerate().map(|(index, c)| if index == at { new } else { c }).collect();
        prop_assert!(zero || !is_match(&text, &changed), "{} | {}", text, changed);
    }

    #[test]
    fn a_minus_or_a_number_in_brackets_is_never_dropped(place in place(), a in 1_u32..9, b in 1_u32..9) {
        let text = place.spelt(0);
        let room = format!("{}室", place.room);
        prop_assert!(!is_match(&text, &text.replace(&room, &format!("-{room}"))), "{}", text);
        let (left, right) = (format!("{text}({a})"), format!("{text}({b})"));
        prop_assert_eq!(verdict(&left, &right).as_str(), if a == b { "match" } else { "mismatch" });
        prop_assert_eq!(verdict(&left, &text).as_str(), "review");
    }

    #[test]
    fn match_is_an_equivalence(a in near(), b in near(), c in near()) {
        for (x, y, z) in [(&a, &b, &c), (&b, &c, &a), (&c, &a, &b)] {
            prop_assert_eq!(is_match(x, y), is_match(y, x), "{} | {}", x, y);
            prop_assert!(!(is_match(x, y) && is_match(y, z)) || is_match(x, z), "{} | {} | {}", x, y, z);
        }
        if AddressForm::parse(&a).is_readable() {
            prop_assert!(is_match(&a, &format!(" {a} ")), "{}", a);
        }
    }

    #[test]
    fn folding_twice_is_folding_once(raw in "\\PC{0,12}|[安徽省芜湖市甲路0-9A-Za-z０-９－~～（）【】#/、，。 -]{0,16}") {
        let once = fold::prepare(&raw).into_owned();
        prop_assert_eq!(fold::prepare(&once).into_owned(), once.clone(), "{:?}", raw);
    }
}

#[test]
fn marks_that_meet_when_punctuation_goes_are_put_in_order() {
    let once = fold::prepare("\u{1AB0}'\u{16AF0}").into_owned();
    assert_eq!(once, "\u{16AF0}\u{1AB0}");
    assert_eq!(fold::prepare(&once), once);
}

#[test]
fn what_cannot_be_read_proves_nothing() {
    for value in [
        "",
        "#VALUE!",
        "?",
        "□",
        "芜湖市镜湖区甲?路2号",
        "芜湖市\u{FFFD}路1号",
        "43341",
        "未知",
        "NULL",
        "芜湖市***",
    ] {
        assert_eq!(
            verdict(value, value),
            Verdict::Review(ReviewReason::UnreadableRecord),
            "{value}"
        );
        let good = "芜湖市镜湖区甲路2号";
        assert_eq!(
            verdict(value, good),
            Verdict::Review(ReviewReason::UnreadableRecord),
            "{value}"
        );
        assert_eq!(
            verdict(good, value),
            Verdict::Review(ReviewReason::UnreadableClaim),
            "{value}"
        );
    }
}

#[test]
fn the_home_city_may_be_left_out() {
    let home = HomeCity::parse("芜湖市").map(std::sync::Arc::new);
    let comparator = comparator().at_home(home.as_ref());
    let verdict = |record: &str, claim: &str| comparator.compare(claim, &comparator.canonical(record)).as_str();
    assert_eq!(verdict("安徽省芜湖市北京中路2号", "北京中路2号"), "match");
    assert_eq!(verdict("安徽省芜湖市镜湖区北京中路2号", "北京中路2号"), "review");
    assert_eq!(verdict("安徽省合肥市北京中路2号", "北京中路2号"), "review");
}
