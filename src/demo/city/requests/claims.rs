//! Turns a record and a wish into claims with the verdict of each.
//! At most one field is made wrong: a request with several errors would hide a comparator that misses one of them.

use super::value::{Claimed, Mode, Value, push_claim, settle};
use super::{Dataset, Expected, Request, Wish, written};
use crate::city::address::Address;
use crate::city::calendar::{AS_OF, Date, push_digits};
use crate::city::estate::{Estate, USAGES};
use crate::city::licence::{Licence, STATUSES, write_digest};
use crate::city::rng::Rng;
use crate::city::{City, Firm, Holder, Person, Sex};
use heyan_domain::verdict::Outcome;

/// Fields with how many requests in a thousand claim them.
type Menu = [(&'static str, u32)];

const PERSON: &Menu = &[
    ("name", 1000),
    ("birth_date", 700),
    ("sex", 350),
    ("ethnicity", 350),
    ("domicile_address", 500),
];
const FIRM: &Menu = &[
    ("name", 1000),
    ("established_on", 600),
    ("registered_capital", 450),
    ("address", 450),
    ("status", 450),
];
const LICENCE: &Menu = &[
    ("holder_name", 1000),
    ("holder_id", 1000),
    ("type_name", 500),
    ("licence_no", 200),
    ("status", 600),
    ("valid_until", 700),
    ("file_sha256", 300),
];
const ESTATE: &Menu = &[
    ("owner_name", 1000),
    ("owner_id", 1000),
    ("location", 500),
    ("area_m2", 500),
    ("usage", 250),
    ("mortgaged", 450),
];

struct Draft<'a> {
    city: &'a City,
    rng: &'a mut Rng,
}

/// One request about the `n`-th record of `dataset`, of which there are `size`.
pub(super) fn request(city: &City, rng: &mut Rng, dataset: Dataset, n: u64, size: u64, wish: Wish) -> Request {
    let mut draft = Draft { city, rng };
    let mut subject = String::with_capacity(96);
    let (menu, claims) = match dataset {
        Dataset::NaturalPerson => {
            let (person, wish) = draft.person_for(n, size, wish);
            person.subject_json(&mut subject);
            (
                wish,
                draft.build(PERSON, wish, |draft, field, mode| draft.person(&person, field, mode)),
            )
        }
        Dataset::LegalEntity => {
            let (firm, wish) = (city.firm(n), without_review(wish));
            firm.subject_json(&mut subject);
            (
                wish,
                draft.build(FIRM, wish, |draft, field, mode| draft.firm(&firm, field, mode)),
            )
        }
        Dataset::ELicence => {
            let (licence, wish) = (city.licence(n), without_review(wish));
            licence.subject_json(&mut subject);
            (
                wish,
                draft.build(LICENCE, wish, |draft, field, mode| draft.licence(&licence, field, mode)),
            )
        }
        Dataset::RealEstate => {
            let (estate, wish) = (city.estate(n), without_review(wish));
            if draft.rng.chance(200) {
                subject.push_str("{\"certificate_no\":\"");
                estate.write_certificate_no(&mut subject, "（", "）");
                subject.push_str("\"}");
            } else {
                estate.subject_json(&mut subject);
            }
            (
                wish,
                draft.build(ESTATE, wish, |draft, field, mode| draft.estate(&estate, field, mode)),
            )
        }
    };
    finish(dataset, subject, claims, menu)
}

fn without_review(wish: Wish) -> Wish {
    if wish == Wish::Review { Wish::Match } else { wish }
}

fn finish(dataset: Dataset, subject: String, claims: (String, Vec<(&'static str, Expected)>), wish: Wish) -> Request {
    let (claims, mut fields) = claims;
    let any = |wanted| fields.iter().any(|(_, expected)| *expected == wanted);
    let outcome = match wish {
        Wish::NotFound => Outcome::NotFound,
        _ if any(Expected::Mismatch) => Outcome::Mismatched,
        _ if any(Expected::Review) => Outcome::Review,
        _ => Outcome::Verified,
    };
    if outcome == Outcome::NotFound {
        fields.clear();
    }
    Request {
        dataset,
        subject,
        claims,
        outcome,
        fields,
    }
}

impl Draft<'_> {
    /// The person to ask about: for a review, the next one whose name can be written with a variant.
    fn person_for(&mut self, n: u64, size: u64, wish: Wish) -> (Person, Wish) {
        if wish != Wish::Review {
            return (self.city.person(n), wish);
        }
        for step in 0..64 {
            let person = self.city.person((n + step) % size.max(1));
            if self.variant_name(person.name()).is_some() {
                return (person, Wish::Review);
            }
        }
        (self.city.person(n), Wish::Match)
    }

    fn build(
        &mut self,
        menu: &'static Menu,
        wish: Wish,
        mut claim: impl FnMut(&mut Self, &'static str, Mode) -> Claimed,
    ) -> (String, Vec<(&'static str, Expected)>) {
        let mut chosen = Vec::with_capacity(menu.len());
        for (field, per_mille) in menu {
            if self.rng.chance(*per_mille) {
                chosen.push(*field);
            }
        }
        let special = match wish {
            Wish::Mismatch => self.rng.below(chosen.len() as u32) as usize,
            Wish::Review => 0,
            Wish::Match | Wish::NotFound => usize::MAX,
        };
        let (mut json, mut fields) = (String::with_capacity(256), Vec::with_capacity(chosen.len()));
        json.push('{');
        for (index, field) in chosen.into_iter().enumerate() {
            let mode = match wish {
                Wish::Mismatch if index == special => Mode::Wrong,
                Wish::Review if index == special => Mode::Variant,
                _ if self.rng.chance(500) => Mode::Exact,
                _ => Mode::Written,
            };
            let (value, expected) = claim(self, field, mode);
            push_claim(&mut json, field, &value);
            fields.push((field, expected));
        }
        json.push('}');
        (json, fields)
    }

    fn person(&mut self, person: &Person, field: &str, mode: Mode) -> Claimed {
        match field {
            "birth_date" => self.birth_date(person.birth_date(), mode),
            "sex" => {
                let other = if person.sex() == Sex::Male {
                    Sex::Female
                } else {
                    Sex::Male
                };
                settle(mode, person.sex().code(), person.sex().label(), other.label())
            }
            "ethnicity" => {
                let label = person.ethnicity();
                let other = if label == "汉族" { "回族" } else { "汉族" };
                settle(mode, label, label.strip_suffix('族').unwrap_or(label), other)
            }
            "domicile_address" => self.address(person.address(), mode),
            _ => self.name(person.name(), Party::Person, mode),
        }
    }

    fn firm(&mut self, firm: &Firm, field: &str, mode: Mode) -> Claimed {
        match field {
            "established_on" => self.date(firm.established_on(), mode),
            "registered_capital" => {
                let wan = |amount: u32| {
                    let mut out = String::new();
                    push_digits(&mut out, amount.into(), 1);
                    out + "万元人民币"
                };
                let written = written::capital(self.rng, firm);
                settle(mode, wan(firm.capital_wan()), written, wan(firm.capital_wan() * 10))
            }
            "address" => self.address(firm.address(), mode),
            "status" => self.one_of(firm.status(), &["存续", "注销", "吊销"], mode),
            _ => self.name(firm.name(), Party::Firm, mode),
        }
    }

    fn licence(&mut self, licence: &Licence, field: &str, mode: Mode) -> Claimed {
        match field {
            "holder_id" => self.identifier(licence.holder(), mode),
            "type_name" => {
                let types = self.city.licence_types();
                let names: Vec<&str> = types.iter().map(|kind| kind.name).collect();
                self.one_of(licence.kind().name, &names, mode)
            }
            "licence_no" => {
                let number = licence.licence_no();
                settle(mode, number, number, [number, "1"].concat())
            }
            "status" => self.one_of(licence.status(), &STATUSES, mode),
            "valid_until" => self.valid_until(licence, mode),
            "file_sha256" => {
                let (digest, mut other) = (licence.file_sha256(), String::new());
                write_digest(
                    &mut other,
                    &[self.rng.next(), self.rng.next(), self.rng.next(), self.rng.next()],
                );
                let upper = digest.to_ascii_uppercase();
                settle(mode, digest, upper, other)
            }
            _ => self.name(licence.holder().name(), party(licence.holder()), mode),
        }
    }

    fn estate(&mut self, estate: &Estate, field: &str, mode: Mode) -> Claimed {
        match field {
            "owner_id" => self.identifier(estate.owner(), mode),
            "location" => self.address(estate.location(), mode),
            "area_m2" => {
                let area = |hundredths| {
                    let mut out = String::new();
                    Estate::write_area(&mut out, hundredths);
                    out
                };
                let exact = area(estate.area_hundredths());
                let written = [exact.as_str(), self.rng.pick(&["㎡", "平方米"])].concat();
                settle(mode, exact, written, area(estate.area_hundredths() + 100))
            }
            "usage" => self.one_of(estate.usage(), &USAGES, mode),
            "mortgaged" => self.one_of(estate.mortgaged(), &["有", "无"], mode),
            _ => self.name(estate.owner().name(), party(estate.owner()), mode),
        }
    }

    fn name(&mut self, name: &str, party: Party, mode: Mode) -> Claimed {
        match mode {
            Mode::Exact => (Value::Text(name.to_owned()), Expected::Match),
            Mode::Written => {
                let text = match party {
                    Party::Person => written::person_name(self.rng, name),
                    Party::Firm => written::firm_name(self.rng, name),
                };
                (Value::Text(text), Expected::Match)
            }
            Mode::Wrong => (Value::Text(self.wrong_name(name, party)), Expected::Mismatch),
            Mode::Variant => match self.variant_name(name) {
                Some(variant) => (Value::Text(variant), Expected::Review),
                None => (Value::Text(name.to_owned()), Expected::Match),
            },
        }
    }

    /// The name with its first character that has one traditional form in that form, or without its interpunct.
    fn variant_name(&self, name: &str) -> Option<String> {
        if name.contains('\u{b7}') {
            return Some(name.replace('\u{b7}', ""));
        }
        let (character, traditional) = name
            .chars()
            .find_map(|character| Some((character, self.city.tables.traditional(character)?)))?;
        Some(name.replacen(character, traditional.encode_utf8(&mut [0; 4]), 1))
    }

    fn wrong_name(&mut self, name: &str, party: Party) -> String {
        if party == Party::Firm {
            return [name, "镜湖分公司"].concat();
        }
        let last = name.chars().last().unwrap_or_default();
        let mut other = self.rng.pick(&self.city.tables.men);
        if other.starts_with(last) {
            // 某 is in no table of names.
            other = "某";
        }
        let mut out = name.strip_suffix(last).unwrap_or(name).to_owned();
        out.push_str(other);
        out
    }

    fn identifier(&mut self, holder: &Holder, mode: Mode) -> Claimed {
        let sizes = self.city.sizes();
        // A number beyond the city's size belongs to no holder.
        let stranger = match party(holder) {
            Party::Person => self.city.person(sizes.persons + 1).id_number().to_owned(),
            Party::Firm => self.city.firm(sizes.firms + 1).uscc().to_owned(),
        };
        settle(mode, holder.id(), written::identifier(holder.id()), stranger)
    }

    fn address(&mut self, address: &Address, mode: Mode) -> Claimed {
        let mut wrong = *address;
        match self.rng.below(4) {
            0 => wrong.number += 10,
            1 => wrong.building += 1,
            2 => wrong.unit += 1,
            _ => wrong.room += 1,
        }
        let text = |address: &Address| {
            let mut out = String::with_capacity(128);
            address.write(&mut out);
            out
        };
        let written = written::address(self.rng, address);
        settle(mode, text(address), written, text(&wrong))
    }

    fn date(&mut self, date: Date, mode: Mode) -> Claimed {
        let wrong = match self.rng.below(3) {
            0 => date.plus_days(1),
            1 => date.plus_days(-1),
            _ => date.plus_years(1),
        };
        let mut exact = String::new();
        date.write(&mut exact);
        let (written, wrong) = (written::date(self.rng, date), written::date(self.rng, wrong));
        settle(mode, exact, written, wrong)
    }

    /// One birth date in six is asked for as "an adult?", without the date.
    fn birth_date(&mut self, born: Date, mode: Mode) -> Claimed {
        if !self.rng.chance(160) {
            return self.date(born, mode);
        }
        let adult = AS_OF.plus_years(-18);
        let holds = born <= adult;
        match (holds, mode == Mode::Wrong) {
            (true, false) => (Value::Predicate("on_or_before", adult), Expected::Match),
            (false, false) => (Value::Predicate("on_or_after", adult), Expected::Match),
            (true, true) => (Value::Predicate("on_or_after", adult.plus_days(1)), Expected::Mismatch),
            (false, true) => (Value::Predicate("on_or_before", adult), Expected::Mismatch),
        }
    }

    fn valid_until(&mut self, licence: &Licence, mode: Mode) -> Claimed {
        let Some(last) = licence.valid_until() else {
            // A far date against 长期 would be a review and a predicate holds always: nothing here can be wrong.
            let value = match mode {
                Mode::Exact => Value::Text("长期".to_owned()),
                _ => Value::Predicate("on_or_after", AS_OF),
            };
            return (value, Expected::Match);
        };
        match mode {
            Mode::Wrong => (
                Value::Predicate("on_or_after", last.plus_days(1).max(AS_OF)),
                Expected::Mismatch,
            ),
            _ if last >= AS_OF && self.rng.chance(700) => (Value::Predicate("on_or_after", AS_OF), Expected::Match),
            _ => self.date(last, mode),
        }
    }

    fn one_of(&mut self, value: &'static str, all: &[&'static str], mode: Mode) -> Claimed {
        let others: Vec<&'static str> = all.iter().copied().filter(|other| *other != value).collect();
        let wrong = self.rng.pick(&others);
        settle(mode, value, value, wrong)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Party {
    Person,
    Firm,
}

fn party(holder: &Holder) -> Party {
    if holder.is_firm() { Party::Firm } else { Party::Person }
}
