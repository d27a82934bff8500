//! Turns a record and a wish into claims with the verdict of each.
//! At most one field is made wrong: a request with several errors would hide a comparator that misses one of them.

use super::value::{ClaimMode, ClaimValue, ClaimedValue, push_claim, settle};
use super::{CityDataset, CityRequest, ExpectedVerdict, RequestWish, written};
use crate::city::address::Address;
use crate::city::calendar::{AS_OF, Date, push_digits};
use crate::city::estate::{Estate, USAGES};
use crate::city::licence::{Licence, STATUSES, write_digest};
use crate::city::rng::Rng;
use crate::city::{City, Firm, Holder, Person, Sex};
use heyan_domain::verdict::Outcome;

/// Fields with how many requests in a thousand claim them.
type ClaimMenu = [(&'static str, u32)];

const PERSON: &ClaimMenu = &[
    ("name", 1000),
    ("birth_date", 700),
    ("sex", 350),
    ("ethnicity", 350),
    ("domicile_address", 500),
];
const FIRM: &ClaimMenu = &[
    ("name", 1000),
    ("established_on", 600),
    ("registered_capital", 450),
    ("address", 450),
    ("status", 450),
];
const LICENCE: &ClaimMenu = &[
    ("holder_name", 1000),
    ("holder_id", 1000),
    ("type_name", 500),
    ("licence_no", 200),
    ("status", 600),
    ("valid_until", 700),
    ("file_sha256", 300),
];
const ESTATE: &ClaimMenu = &[
    ("owner_name", 1000),
    ("owner_id", 1000),
    ("location", 500),
    ("area_m2", 500),
    ("usage", 250),
    ("mortgaged", 450),
];

struct ClaimDraft<'a> {
    city: &'a City,
    rng: &'a mut Rng,
}

/// One request about the `n`-th record of `dataset`, of which there are `size`.
pub(super) fn request(
    city: &City,
    rng: &mut Rng,
    dataset: CityDataset,
    n: u64,
    size: u64,
    wish: RequestWish,
) -> CityRequest {
    let mut draft = ClaimDraft { city, rng };
    let mut subject = String::with_capacity(96);
    let (menu, claims) = match dataset {
        CityDataset::NaturalPerson => {
            let (person, wish) = draft.person_for(n, size, wish);
            person.subject_json(&mut subject);
            (
                wish,
                draft.build(PERSON, wish, |draft, field, mode| draft.person(&person, field, mode)),
            )
        }
        CityDataset::LegalEntity => {
            let (firm, wish) = (city.firm(n), without_review(wish));
            firm.subject_json(&mut subject);
            (
                wish,
                draft.build(FIRM, wish, |draft, field, mode| draft.firm(&firm, field, mode)),
            )
        }
        CityDataset::ELicence => {
            let (licence, wish) = (city.licence(n), without_review(wish));
            licence.subject_json(&mut subject);
            (
                wish,
                draft.build(LICENCE, wish, |draft, field, mode| draft.licence(&licence, field, mode)),
            )
        }
        CityDataset::RealEstate => {
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

fn without_review(wish: RequestWish) -> RequestWish {
    if wish == RequestWish::Review {
        RequestWish::Match
    } else {
        wish
    }
}

fn finish(
    dataset: CityDataset,
    subject: String,
    claims: (String, Vec<(&'static str, ExpectedVerdict)>),
    wish: RequestWish,
) -> CityRequest {
    let (claims, mut fields) = claims;
    let any = |wanted| fields.iter().any(|(_, expected)| *expected == wanted);
    let outcome = match wish {
        RequestWish::NotFound => Outcome::NotFound,
        _ if any(ExpectedVerdict::Mismatch) => Outcome::Mismatched,
        _ if any(ExpectedVerdict::Review) => Outcome::Review,
        _ => Outcome::Verified,
    };
    if outcome == Outcome::NotFound {
        fields.clear();
    }
    CityRequest {
        dataset,
        subject,
        claims,
        outcome,
        fields,
    }
}

impl ClaimDraft<'_> {
    /// The person to ask about: for a review, the next one whose name can be written with a variant.
    fn person_for(&mut self, n: u64, size: u64, wish: RequestWish) -> (Person, RequestWish) {
        if wish != RequestWish::Review {
            return (self.city.person(n), wish);
        }
        for step in 0..64 {
            let person = self.city.person((n + step) % size.max(1));
            if self.variant_name(person.name()).is_some() {
                return (person, RequestWish::Review);
            }
        }
        (self.city.person(n), RequestWish::Match)
    }

    fn build(
        &mut self,
        menu: &'static ClaimMenu,
        wish: RequestWish,
        mut claim: impl FnMut(&mut Self, &'static str, ClaimMode) -> ClaimedValue,
    ) -> (String, Vec<(&'static str, ExpectedVerdict)>) {
        let mut chosen = Vec::with_capacity(menu.len());
        for (field, per_mille) in menu {
            if self.rng.chance(*per_mille) {
                chosen.push(*field);
            }
        }
        let special = match wish {
            RequestWish::Mismatch => self.rng.below(chosen.len() as u32) as usize,
            RequestWish::Review => 0,
            RequestWish::Match | RequestWish::NotFound => usize::MAX,
        };
        let (mut json, mut fields) = (String::with_capacity(256), Vec::with_capacity(chosen.len()));
        json.push('{');
        for (index, field) in chosen.into_iter().enumerate() {
            let mode = match wish {
                RequestWish::Mismatch if index == special => ClaimMode::Wrong,
                RequestWish::Review if index == special => ClaimMode::Variant,
                _ if self.rng.chance(500) => ClaimMode::Exact,
                _ => ClaimMode::Written,
            };
            let (value, expected) = claim(self, field, mode);
            push_claim(&mut json, field, &value);
            fields.push((field, expected));
        }
        json.push('}');
        (json, fields)
    }

    fn person(&mut self, person: &Person, field: &str, mode: ClaimMode) -> ClaimedValue {
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
            _ => self.name(person.name(), ClaimParty::Person, mode),
        }
    }

    fn firm(&mut self, firm: &Firm, field: &str, mode: ClaimMode) -> ClaimedValue {
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
            _ => self.name(firm.name(), ClaimParty::Firm, mode),
        }
    }

    fn licence(&mut self, licence: &Licence, field: &str, mode: ClaimMode) -> ClaimedValue {
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

    fn estate(&mut self, estate: &Estate, field: &str, mode: ClaimMode) -> ClaimedValue {
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

    fn name(&mut self, name: &str, party: ClaimParty, mode: ClaimMode) -> ClaimedValue {
        match mode {
            ClaimMode::Exact => (ClaimValue::Text(name.to_owned()), ExpectedVerdict::Match),
            ClaimMode::Written => {
                let text = match party {
                    ClaimParty::Person => written::person_name(self.rng, name),
                    ClaimParty::Firm => written::firm_name(self.rng, name),
                };
                (ClaimValue::Text(text), ExpectedVerdict::Match)
            }
            ClaimMode::Wrong => (
                ClaimValue::Text(self.wrong_name(name, party)),
                ExpectedVerdict::Mismatch,
            ),
            ClaimMode::Variant => match self.variant_name(name) {
                Some(variant) => (ClaimValue::Text(variant), ExpectedVerdict::Review),
                None => (ClaimValue::Text(name.to_owned()), ExpectedVerdict::Match),
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

    fn wrong_name(&mut self, name: &str, party: ClaimParty) -> String {
        if party == ClaimParty::Firm {
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

    fn identifier(&mut self, holder: &Holder, mode: ClaimMode) -> ClaimedValue {
        let sizes = self.city.sizes();
        // Beyond the city's size nobody has the holder's number.
        let stranger = match party(holder) {
            ClaimParty::Person => self.city.person(sizes.persons + 1).id_number().to_owned(),
            ClaimParty::Firm => self.city.firm(sizes.firms + 1).uscc().to_owned(),
        };
        settle(mode, holder.id(), written::identifier(holder.id()), stranger)
    }

    fn address(&mut self, address: &Address, mode: ClaimMode) -> ClaimedValue {
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

    fn date(&mut self, date: Date, mode: ClaimMode) -> ClaimedValue {
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
    fn birth_date(&mut self, born: Date, mode: ClaimMode) -> ClaimedValue {
        if !self.rng.chance(160) {
            return self.date(born, mode);
        }
        let adult = AS_OF.plus_years(-18);
        let holds = born <= adult;
        match (holds, mode == ClaimMode::Wrong) {
            (true, false) => (ClaimValue::Predicate("on_or_before", adult), ExpectedVerdict::Match),
            (false, false) => (ClaimValue::Predicate("on_or_after", adult), ExpectedVerdict::Match),
            (true, true) => (
                ClaimValue::Predicate("on_or_after", adult.plus_days(1)),
                ExpectedVerdict::Mismatch,
            ),
            (false, true) => (ClaimValue::Predicate("on_or_before", adult), ExpectedVerdict::Mismatch),
        }
    }

    fn valid_until(&mut self, licence: &Licence, mode: ClaimMode) -> ClaimedValue {
        let Some(last) = licence.valid_until() else {
            // A far date against 长期 would be a review and a predicate holds always: nothing here can be wrong.
            let value = match mode {
                ClaimMode::Exact => ClaimValue::Text("长期".to_owned()),
                _ => ClaimValue::Predicate("on_or_after", AS_OF),
            };
            return (value, ExpectedVerdict::Match);
        };
        match mode {
            ClaimMode::Wrong => (
                ClaimValue::Predicate("on_or_after", last.plus_days(1).max(AS_OF)),
                ExpectedVerdict::Mismatch,
            ),
            _ if last >= AS_OF && self.rng.chance(700) => {
                (ClaimValue::Predicate("on_or_after", AS_OF), ExpectedVerdict::Match)
            }
            _ => self.date(last, mode),
        }
    }

    fn one_of(&mut self, value: &'static str, all: &[&'static str], mode: ClaimMode) -> ClaimedValue {
        let others: Vec<&'static str> = all.iter().copied().filter(|other| *other != value).collect();
        let wrong = self.rng.pick(&others);
        settle(mode, value, value, wrong)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ClaimParty {
    Person,
    Firm,
}

fn party(holder: &Holder) -> ClaimParty {
    if holder.is_firm() {
        ClaimParty::Firm
    } else {
        ClaimParty::Person
    }
}
