//! The n-th person: number, name and the rest of the population register.
//! Sex and birth date are read off the resident number, so they cannot disagree with it.

use super::address::Address;
use super::calendar::{AS_OF, Date, push_ascii};
use super::check;
use super::json::push_field;
use super::rng::Rng;
use super::tables::{CityTables, NameKind, NumberSlot};

/// Sex as the register holds it (GB/T 2261.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sex {
    /// Code 1.
    Male,
    /// Code 2.
    Female,
}

impl Sex {
    /// The code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Male => "1",
            Self::Female => "2",
        }
    }

    /// The label.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Male => "男",
            Self::Female => "女",
        }
    }
}

/// A record of `natural-person`. No `Debug`: what looks like a person's data is never printed by accident.
pub struct Person {
    pub(super) id_number: [u8; 18],
    pub(super) name: String,
    pub(super) sex: Sex,
    pub(super) ethnicity: &'static str,
    pub(super) born: Date,
    pub(super) address: Address,
    pub(super) status: &'static str,
}

impl Person {
    pub(super) fn draw(rng: &mut Rng, tables: &CityTables, slot: &NumberSlot) -> Self {
        let sex = if slot.order % 2 == 1 { Sex::Male } else { Sex::Female };
        let (ethnicity, kind) = tables.ethnicities.pick(rng).copied().unwrap_or(("汉族", NameKind::Han));
        Self {
            id_number: number(slot),
            name: match kind {
                NameKind::Han => han_name(rng, tables, sex),
                NameKind::Interpunct => interpunct_name(rng, tables),
            },
            sex,
            ethnicity,
            born: slot.born,
            address: Address::draw(rng, tables),
            status: status(rng, slot.born),
        }
    }

    /// Resident number, 18 characters (GB 11643-1999).
    pub fn id_number(&self) -> &str {
        str::from_utf8(&self.id_number).unwrap_or_default()
    }

    /// Name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Sex.
    pub const fn sex(&self) -> Sex {
        self.sex
    }

    /// Ethnicity label (GB/T 3304).
    pub const fn ethnicity(&self) -> &'static str {
        self.ethnicity
    }

    /// Birth date.
    pub const fn birth_date(&self) -> Date {
        self.born
    }

    /// Registered residence.
    pub const fn address(&self) -> &Address {
        &self.address
    }

    /// 正常, 死亡 or 迁出.
    pub const fn status(&self) -> &'static str {
        self.status
    }

    /// Appends `{"id_number":"…"}`.
    pub(crate) fn subject_json(&self, out: &mut String) {
        out.push_str("{\"id_number\":\"");
        push_ascii(out, &self.id_number);
        out.push_str("\"}");
    }

    /// Appends the fields of the record as compact JSON.
    pub fn fields_json(&self, out: &mut String) {
        out.push('{');
        push_field(out, "name", |out| out.push_str(&self.name));
        push_field(out, "sex", |out| out.push_str(self.sex.code()));
        push_field(out, "ethnicity", |out| out.push_str(self.ethnicity));
        push_field(out, "birth_date", |out| self.born.write(out));
        push_field(out, "domicile_address", |out| self.address.write(out));
        push_field(out, "status", |out| out.push_str(self.status));
        out.push('}');
    }
}

fn number(slot: &NumberSlot) -> [u8; 18] {
    let digit = |value: u32| b'0' + (value % 10) as u8;
    let year = slot.born.year.unsigned_abs();
    let [a, b, c, d, e, f] = *slot.division;
    let first = [
        a,
        b,
        c,
        d,
        e,
        f,
        digit(year / 1000),
        digit(year / 100),
        digit(year / 10),
        digit(year),
        digit(slot.born.month / 10),
        digit(slot.born.month),
        digit(slot.born.day / 10),
        digit(slot.born.day),
        digit(slot.order / 100),
        digit(slot.order / 10),
        digit(slot.order),
    ];
    with_check(first, check::resident(&first))
}

/// Joins 17 characters and their check character.
pub(super) fn with_check(first: [u8; 17], check: Option<u8>) -> [u8; 18] {
    let mut whole = [check.unwrap_or(b'0'); 18];
    for (to, from) in whole.iter_mut().zip(first) {
        *to = from;
    }
    whole
}

fn han_name(rng: &mut Rng, tables: &CityTables, sex: Sex) -> String {
    let given = match sex {
        Sex::Male => &tables.men,
        Sex::Female => &tables.women,
    };
    let mut name = String::with_capacity(16);
    name.push_str(tables.surnames.pick(rng).copied().unwrap_or("王"));
    if !rng.chance(220) {
        name.push_str(rng.pick(given));
    }
    // About one name in a thousand ends in a character that old code pages lack.
    let last = if rng.chance(1) { &tables.rare } else { given };
    name.push_str(rng.pick(last));
    name
}

fn interpunct_name(rng: &mut Rng, tables: &CityTables) -> String {
    let mut name = String::with_capacity(32);
    name.push_str(rng.pick(&tables.syllabic));
    name.push('\u{b7}');
    name.push_str(rng.pick(&tables.syllabic));
    name
}

fn status(rng: &mut Rng, born: Date) -> &'static str {
    let dead = match born.years_to(AS_OF) {
        ..=59 => 2,
        60..=74 => 20,
        75..=84 => 120,
        _ => 350,
    };
    if rng.chance(dead) {
        "死亡"
    } else if rng.chance(20) {
        "迁出"
    } else {
        "正常"
    }
}
