//! What a city promises, on samples large enough to find a broken key space.
//! Checks here are written anew from the standards where they can be, so that a fault of the generator is not repeated.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::calendar::AS_OF;
use super::requests::{CityDataset, ExpectedVerdict, KeyChoice, RequestSupply};
use super::{City, Sizes, check};
use heyan_domain::verdict::Outcome;

fn city() -> City {
    City::new(20, Sizes::for_persons(20_000))
}

fn json(write: impl Fn(&mut String)) -> Value {
    let mut out = String::new();
    write(&mut out);
    let value: Value = serde_json::from_str(&out).unwrap();
    // Compact, in field order, nothing escaped.
    assert_eq!(value.to_string(), out);
    value
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap()
}

fn valid_resident(id: &str) -> bool {
    let weights = (0..18).map(|i| 2u32.pow(17 - i) % 11);
    let value = |c: char| {
        if c == 'X' { 10 } else { c.to_digit(10).unwrap() }
    };
    id.len() == 18 && id.chars().map(value).zip(weights).map(|(v, w)| v * w).sum::<u32>() % 11 == 1
}

fn valid_uscc(code: &str) -> bool {
    let alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY";
    let sum: usize = code
        .chars()
        .zip([1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28, 1])
        .map(|(c, weight)| alphabet.find(c).unwrap() * weight)
        .sum();
    let (body, last) = code[8..17].split_at(8);
    let organisation = check::organisation(body.as_bytes().try_into().unwrap());
    code.len() == 18 && sum.is_multiple_of(31) && organisation == last.bytes().next()
}

#[test]
fn one_seed_gives_one_city_and_another_seed_another() {
    let record = |seed, sizes, n| {
        let city = City::new(seed, sizes);
        let mut out = String::new();
        city.person(n).subject_json(&mut out);
        city.person(n).fields_json(&mut out);
        city.firm(n).subject_json(&mut out);
        city.firm(n).fields_json(&mut out);
        city.licence(n).subject_json(&mut out);
        city.licence(n).fields_json(&mut out);
        city.estate(n).subject_json(&mut out);
        city.estate(n).fields_json(&mut out);
        out
    };
    let sizes = Sizes::default();
    for n in [0, 1, 77, 99_999] {
        assert!(record(1, sizes, n) == record(1, sizes, n));
        assert!(record(1, sizes, n) != record(2, sizes, n));
    }
    // A record does not depend on how many there are, unless it refers to others.
    let grown = City::new(1, Sizes::for_persons(1_000_000));
    assert!(City::new(1, sizes).person(5).id_number() == grown.person(5).id_number());
}

#[test]
fn two_hundred_thousand_subjects_of_each_dataset_are_distinct() {
    let city = City::new(3, Sizes::for_persons(1000));
    let mut seen = HashSet::new();
    for n in 0..200_000 {
        assert!(seen.insert(city.person(n).id_number().to_owned()));
        let firm = city.firm(n);
        assert!(seen.insert(firm.uscc().to_owned()));
        assert!(seen.insert(firm.name().to_owned()));
        assert!(seen.insert(city.licence(n).licence_id()));
        assert!(seen.insert(city.estate(n).certificate_no()));
    }
    let capacity = city.capacity();
    assert!(capacity.persons > 10_000_000 && capacity.firms >= 10_000_000);
}

#[test]
fn persons_agree_with_their_numbers_and_look_like_a_city() {
    let city = city();
    let mut count: HashMap<&str, u32> = HashMap::new();
    let total = 20_000;
    for n in 0..total {
        let person = city.person(n);
        let subject = json(|out| person.subject_json(out));
        let fields = json(|out| person.fields_json(out));
        let id = text(&subject, "id_number");
        assert!(valid_resident(id));
        assert_eq!(text(&fields, "birth_date").replace('-', ""), &id[6..14]);
        let male = (id.as_bytes()[16] - b'0') % 2 == 1;
        assert_eq!(text(&fields, "sex") == "1", male);
        let age = person.birth_date().years_to(AS_OF);
        assert!((0..=95).contains(&age) && person.birth_date() <= AS_OF);
        let mut add = |key, yes: bool| *count.entry(key).or_default() += u32::from(yes);
        add("male", male);
        add("minor", age < 18);
        add("interpunct", person.name().contains('\u{b7}'));
        add(
            "rare",
            person
                .name()
                .chars()
                .any(|c| !('\u{4e00}'..='\u{9fa5}').contains(&c) && c != '\u{b7}'),
        );
        add("dead", person.status() == "死亡");
        add("moved", person.status() == "迁出");
        let retired = [
            "340203", "340204", "340208", "340221", "340222", "342623", "341422", "340225",
        ];
        add("retired", retired.contains(&&id[..6]));
        assert!(person.name().chars().count() >= 2);
    }
    let per_mille = |key| count[key] * 1000 / 20_000;
    assert!((470..530).contains(&per_mille("male")), "{count:?}");
    assert!((80..300).contains(&per_mille("minor")), "{count:?}");
    assert!((14..27).contains(&per_mille("interpunct")), "{count:?}");
    assert!((5..50).contains(&count["rare"]), "{count:?}");
    assert!(
        (10..80).contains(&per_mille("dead")) && (10..30).contains(&per_mille("moved")),
        "{count:?}"
    );
    assert!((200..800).contains(&per_mille("retired")), "{count:?}");
}

#[test]
fn firms_have_valid_codes_and_are_not_from_the_future() {
    let city = city();
    for n in 0..4_000 {
        let firm = city.firm(n);
        let subject = json(|out| firm.subject_json(out));
        let fields = json(|out| firm.fields_json(out));
        assert!(valid_uscc(text(&subject, "uscc")), "{subject}");
        assert!(firm.established_on() <= AS_OF);
        assert!(text(&fields, "registered_capital").ends_with("万元人民币"));
        assert!(text(&fields, "address").starts_with("安徽省芜湖市"));
    }
    assert!(city.agencies().iter().all(|agency| valid_uscc(agency.credit_code)));
    let known = |code: &str| city.agencies().iter().any(|agency| agency.credit_code == code);
    assert!(
        city.licence_types()
            .iter()
            .all(|kind| known(kind.issuer) && kind.code.starts_with(kind.issuer))
    );
}

#[test]
fn holders_and_owners_are_records_of_the_same_city() {
    let city = city();
    let sizes = city.sizes();
    let mut known: HashMap<String, String> = HashMap::new();
    known.extend((0..sizes.persons).map(|n| (city.person(n).id_number().into(), city.person(n).name().into())));
    known.extend((0..sizes.firms).map(|n| (city.firm(n).uscc().into(), city.firm(n).name().into())));
    let mut count: HashMap<String, u32> = HashMap::new();
    for n in 0..sizes.licences {
        let licence = city.licence(n);
        let subject = json(|out| licence.subject_json(out));
        let fields = json(|out| licence.fields_json(out));
        assert_eq!(
            known.get(text(&fields, "holder_id")).map(String::as_str),
            Some(text(&fields, "holder_name"))
        );
        let id = text(&subject, "licence_id");
        let (covered, last) = id.strip_prefix("1.2.156.3005.2.").unwrap().rsplit_once('.').unwrap();
        let body: Vec<u8> = covered.bytes().filter(|c| *c != b'.').collect();
        assert_eq!(check::licence(body.into_iter()), last.bytes().next());
        assert!(licence.valid_from() <= AS_OF);
        assert!(licence.valid_until().is_none_or(|until| until > licence.valid_from()));
        let expired = licence.valid_until().is_some_and(|until| until < AS_OF);
        let validity = if expired {
            "expired"
        } else {
            text(&fields, "valid_until")
        };
        let validity = if validity.starts_with('2') { "running" } else { validity };
        *count.entry(validity.to_owned()).or_default() += 1;
        *count.entry(licence.status().to_owned()).or_default() += 1;
        *count.entry(licence.kind().name.to_owned()).or_default() += 1;
    }
    for key in ["expired", "running", "长期", "有效", "注销", "撤销", "暂扣"] {
        assert!(count[key] > sizes.licences as u32 / 100, "{count:?}");
    }
    assert_eq!(count.len(), 7 + city.licence_types().len(), "{count:?}");
    for n in 0..sizes.estates {
        let estate = city.estate(n);
        let fields = json(|out| estate.fields_json(out));
        let subject = json(|out| estate.subject_json(out));
        assert_eq!(
            known.get(text(&fields, "owner_id")).map(String::as_str),
            Some(text(&fields, "owner_name"))
        );
        assert_eq!(text(&subject, "certificate_no"), estate.certificate_no());
    }
}

#[test]
fn requests_come_in_the_promised_mix_and_about_records_that_exist() {
    let city = city();
    let sizes = city.sizes();
    let mut known = HashSet::new();
    let mut add = |write: &dyn Fn(&mut String)| {
        let mut out = String::new();
        write(&mut out);
        known.insert(out);
    };
    (0..sizes.persons).for_each(|n| add(&|out| city.person(n).subject_json(out)));
    (0..sizes.firms).for_each(|n| add(&|out| city.firm(n).subject_json(out)));
    (0..sizes.licences).for_each(|n| add(&|out| city.licence(n).subject_json(out)));
    (0..sizes.estates).for_each(|n| add(&|out| city.estate(n).subject_json(out)));
    for choice in [KeyChoice::Uniform, KeyChoice::Zipf { exponent: 0.99 }] {
        let requests = RequestSupply::new(&city, 9, choice);
        let mut count: HashMap<&str, u32> = HashMap::new();
        let mut subjects: HashMap<String, u32> = HashMap::new();
        for i in 0..20_000 {
            let request = requests.get(i);
            let mut item = String::new();
            request.item_json("r", &mut item);
            let item: Value = serde_json::from_str(&item).unwrap();
            let claims = item["claims"].as_object().unwrap();
            let plain = request.subject.replace('（', "(").replace('）', ")");
            assert_eq!(known.contains(&plain), request.outcome != Outcome::NotFound);
            if request.outcome != Outcome::NotFound {
                assert!(
                    request
                        .fields
                        .iter()
                        .map(|(field, _)| *field)
                        .eq(claims.keys().map(String::as_str))
                );
            }
            let wrong = request
                .fields
                .iter()
                .filter(|(_, expected)| *expected == ExpectedVerdict::Mismatch)
                .count();
            assert_eq!(wrong, usize::from(request.outcome == Outcome::Mismatched));
            *count.entry(request.outcome.as_str()).or_default() += 1;
            *count.entry(request.dataset.as_str()).or_default() += 1;
            *subjects.entry(plain).or_default() += 1;
        }
        let percent = |key: &str| f64::from(count[key]) / 200.0;
        assert!((percent("verified") - 85.0).abs() < 1.5, "{count:?}");
        assert!((percent("mismatched") - 10.0).abs() < 1.0, "{count:?}");
        assert!((percent("review") - 3.0).abs() < 0.7, "{count:?}");
        assert!((percent("not_found") - 2.0).abs() < 0.5, "{count:?}");
        assert!(percent(CityDataset::RealEstate.as_str()) > 8.0, "{count:?}");
        let most = subjects.values().max().unwrap();
        assert_eq!(*most > 200, choice != KeyChoice::Uniform, "{most}");
    }
}

#[test]
fn requests_about_an_empty_city_find_nobody() {
    let requests = RequestSupply::new(
        &City::new(1, Sizes::for_persons(0)),
        1,
        KeyChoice::Zipf { exponent: 1.0 },
    );
    assert!((0..100).all(|i| requests.get(i).outcome == Outcome::NotFound));
}

#[test]
fn one_request_is_the_same_each_time() {
    let requests = RequestSupply::new(&city(), 4, KeyChoice::Uniform);
    let again = RequestSupply::new(&city(), 4, KeyChoice::Uniform);
    assert!((0..1000).rev().all(|i| requests.get(i).claims == again.get(i).claims));
}
