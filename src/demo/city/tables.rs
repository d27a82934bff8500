//! The word tables of `config/reference/city`, compiled in and indexed for one draw per word.
//! A malformed line is left out silently here; the tests of this file are what keeps the tables whole.

use std::sync::LazyLock;

use super::calendar::{AS_OF, Date};
use super::rng::Rng;

/// Words drawn in proportion to weights.
pub(crate) struct WeightedWords<T> {
    values: Vec<T>,
    slots: Vec<u16>,
}

const SLOTS: u64 = 8192;

impl<T> WeightedWords<T> {
    fn new(rows: Vec<(T, u32)>) -> Self {
        let total: u64 = rows.iter().map(|(_, weight)| u64::from(*weight)).sum();
        let mut slots = Vec::new();
        for (index, (_, weight)) in rows.iter().enumerate() {
            // Everyone gets a slot: the rarest surname must still occur.
            let share = (u64::from(*weight) * SLOTS / total.max(1)).max(1);
            slots.extend((0..share).map(|_| u16::try_from(index).unwrap_or_default()));
        }
        Self {
            values: rows.into_iter().map(|(value, _)| value).collect(),
            slots,
        }
    }

    /// One value; `None` only for an empty table.
    pub(crate) fn pick(&self, rng: &mut Rng) -> Option<&T> {
        self.values.get(usize::from(rng.pick(&self.slots)))
    }

    /// Every value, in the order of the table.
    pub(crate) fn values(&self) -> &[T] {
        &self.values
    }
}

/// How the name of a person of some ethnicity is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NameKind {
    /// Surname and one or two characters.
    Han,
    /// Two transcribed parts with U+00B7 between them (民委发〔2016〕33号).
    Interpunct,
}

/// Who can hold a type of licence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HolderKind {
    /// Anyone.
    Person,
    /// Eighteen or older when it was issued.
    Adult,
    /// Younger than eighteen today.
    Child,
    /// A firm.
    Firm,
    /// The owner of an estate.
    Estate,
}

/// How long a licence is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValidityTerm {
    /// 长期.
    OpenEnded,
    /// So many years.
    Years(i32),
    /// 5, 10 or 20 years or open-ended by the holder's age, as identity cards.
    ByAge,
}

/// A type of licence.
pub struct LicenceType {
    /// Name.
    pub name: &'static str,
    /// Type code, 21 characters: defining body's credit code and a sequence (GB/T 36904).
    pub code: &'static str,
    /// Issuer's credit code, 18 characters.
    pub issuer: &'static str,
    /// Who holds it.
    pub holder: HolderKind,
    /// How long it is good for.
    pub validity: ValidityTerm,
    /// Beginning of the number on its face; `ID`, `YY` and `BDC` mean the holder's own number.
    pub prefix: &'static str,
}

/// An agency of the city.
pub struct CityAgency {
    /// Slug, also the file name in `config/items`.
    pub slug: &'static str,
    /// Synthetic credit code, 18 characters.
    pub credit_code: &'static str,
    /// Chinese name.
    pub name: &'static str,
    /// English name.
    pub name_en: &'static str,
}

/// The resident numbers of one division and one birth year.
struct NumberBlock {
    start: u64,
    division: &'static [u8; 6],
    first_day: i32,
    orders: u32,
}

/// Division, birth day number and order code of a resident number.
pub(crate) struct NumberSlot {
    /// Division code.
    pub division: &'static [u8; 6],
    /// Birth date.
    pub born: Date,
    /// Order code, 1 to 999; odd: male.
    pub order: u32,
}

/// All tables.
pub(crate) struct CityTables {
    /// Surnames.
    pub surnames: WeightedWords<&'static str>,
    /// Characters of women's given names.
    pub women: Vec<&'static str>,
    /// Characters of men's given names.
    pub men: Vec<&'static str>,
    /// Rare characters.
    pub rare: Vec<&'static str>,
    /// Parts of names with an interpunct.
    pub syllabic: Vec<&'static str>,
    /// Ethnicity labels.
    pub ethnicities: WeightedWords<(&'static str, NameKind)>,
    /// District and street.
    pub streets: Vec<(&'static str, &'static str)>,
    /// Roads.
    pub roads: Vec<&'static str>,
    /// Characters of trade names.
    pub trade: Vec<&'static str>,
    /// Industry of a company, trade of a shop, produce of a cooperative.
    pub industries: Vec<[&'static str; 3]>,
    /// Types of licence.
    pub licences: WeightedWords<LicenceType>,
    /// Agencies.
    pub agencies: Vec<CityAgency>,
    variants: Vec<(char, char)>,
    blocks: Vec<NumberBlock>,
    numbers: u64,
}

/// The tables, parsed on first use (about a millisecond).
pub(super) static TABLES: LazyLock<CityTables> = LazyLock::new(CityTables::load);

fn rows(text: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    text.lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|line| line.split('\t').collect())
}

fn column(text: &'static str) -> Vec<&'static str> {
    rows(text).filter_map(|row| row.first().copied()).collect()
}

fn pairs(text: &'static str) -> Vec<(&'static str, &'static str)> {
    rows(text)
        .filter_map(|row| Some((*row.first()?, *row.get(1)?)))
        .collect()
}

macro_rules! table {
    ($name:literal) => {
        include_str!(concat!("../../../config/reference/city/", $name))
    };
}

impl CityTables {
    fn load() -> Self {
        let given = |sex| {
            let all = pairs(table!("given.tsv")).into_iter();
            all.filter(|(s, _)| *s == sex).map(|(_, c)| c).collect()
        };
        let weighted = |row: (&'static str, &'static str)| Some((row.0, row.1.parse().ok()?));
        let variant = |(a, b): (&str, &str)| Some((a.chars().next()?, b.chars().next()?));
        let (blocks, numbers) = blocks();
        Self {
            surnames: WeightedWords::new(pairs(table!("surnames.tsv")).into_iter().filter_map(weighted).collect()),
            women: given("f"),
            men: given("m"),
            rare: column(table!("rare.tsv")),
            syllabic: column(table!("syllabic.tsv")),
            ethnicities: WeightedWords::new(rows(table!("ethnicities.tsv")).filter_map(|r| ethnicity(&r)).collect()),
            streets: pairs(table!("streets.tsv")),
            roads: column(table!("roads.tsv")),
            trade: column(table!("trade.tsv")),
            industries: rows(table!("industries.tsv"))
                .filter_map(|row| row.try_into().ok())
                .collect(),
            licences: WeightedWords::new(rows(table!("licences.tsv")).filter_map(|r| licence(&r)).collect()),
            agencies: rows(table!("agencies.tsv")).filter_map(|r| agency(&r)).collect(),
            variants: pairs(table!("variants.tsv")).into_iter().filter_map(variant).collect(),
            blocks,
            numbers,
        }
    }

    /// How many distinct resident numbers the city can give out.
    pub(crate) const fn numbers(&self) -> u64 {
        self.numbers
    }

    /// The `index`-th resident number, `index < numbers()`. Injective: blocks are disjoint by (division, year), within a
    /// block days are disjoint, within a day the orders are an arithmetic progression modulo 999 with a step prime to 999.
    pub(crate) fn slot(&self, index: u64) -> Option<NumberSlot> {
        let after = self.blocks.partition_point(|block| block.start <= index);
        let block = self.blocks.get(after.checked_sub(1)?)?;
        let within = index - block.start;
        let day = block.first_day + i32::try_from(within / u64::from(block.orders)).ok()?;
        let step = u32::try_from(within % u64::from(block.orders)).ok()?;
        Some(NumberSlot {
            division: block.division,
            born: Date::from_days(day),
            order: 1 + (step * 610 + day.unsigned_abs() * 7) % 999,
        })
    }

    /// The only traditional form of a character that has exactly one.
    pub(crate) fn traditional(&self, character: char) -> Option<char> {
        let found = self.variants.iter().find(|(simplified, _)| *simplified == character);
        found.map(|(_, traditional)| *traditional)
    }
}

fn ethnicity(row: &[&'static str]) -> Option<((&'static str, NameKind), u32)> {
    let kind = match *row.get(2)? {
        "interpunct" => NameKind::Interpunct,
        _ => NameKind::Han,
    };
    Some(((*row.first()?, kind), row.get(1)?.parse().ok()?))
}

fn agency(row: &[&'static str]) -> Option<CityAgency> {
    Some(CityAgency {
        slug: row.first()?,
        credit_code: row.get(1)?,
        name: row.get(2)?,
        name_en: row.get(3)?,
    })
}

fn licence(row: &[&'static str]) -> Option<(LicenceType, u32)> {
    let holder = match *row.get(4)? {
        "person" => HolderKind::Person,
        "adult" => HolderKind::Adult,
        "child" => HolderKind::Child,
        "firm" => HolderKind::Firm,
        "estate" => HolderKind::Estate,
        _ => return None,
    };
    let validity = match row.get(5)?.parse().ok()? {
        0 => ValidityTerm::OpenEnded,
        99 => ValidityTerm::ByAge,
        years => ValidityTerm::Years(years),
    };
    let kind = LicenceType {
        name: row.first()?,
        code: row.get(1)?,
        issuer: row.get(2)?,
        holder,
        validity,
        prefix: row.get(6)?,
    };
    Some((kind, row.get(7)?.parse().ok()?))
}

/// Relative size of a birth year, in percent of the long average.
const fn births(year: i32) -> u32 {
    match year {
        ..=1937 => 8,
        1938..=1945 => 25,
        1946..=1958 => 70,
        1959..=1961 => 45,
        1962..=1975 => 120,
        1976..=1985 => 95,
        1986..=1991 => 115,
        1992..=2000 => 80,
        2001..=2017 => 70,
        _ => 45,
    }
}

fn blocks() -> (Vec<NumberBlock>, u64) {
    let (mut blocks, mut start) = (Vec::new(), 0u64);
    for row in rows(table!("divisions.tsv")) {
        let number = |index: usize| row.get(index).and_then(|text| text.parse::<i32>().ok());
        let division = row.first().and_then(|code| code.as_bytes().try_into().ok());
        let (Some(division), Some(first), Some(last), Some(weight)) = (division, number(1), number(2), number(3))
        else {
            continue;
        };
        for year in first..=last.min(AS_OF.year) {
            let first_day = Date::new_year(year).days();
            let end = Date::new_year(year + 1).days().min(AS_OF.days() + 1);
            let orders = (weight.unsigned_abs() * births(year) * 34 / 100).clamp(1, 999);
            blocks.push(NumberBlock {
                start,
                division,
                first_day,
                orders,
            });
            start += u64::from((end - first_day).unsigned_abs()) * u64::from(orders);
        }
    }
    (blocks, start)
}

#[cfg(test)]
mod tests {
    use crate::city::tables::*;

    #[test]
    fn no_line_of_any_table_is_malformed() {
        let lines = |text: &'static str| rows(text).count();
        assert_eq!(TABLES.surnames.values().len(), lines(table!("surnames.tsv")));
        assert_eq!(TABLES.women.len() + TABLES.men.len(), lines(table!("given.tsv")));
        assert_eq!(TABLES.ethnicities.values().len(), lines(table!("ethnicities.tsv")));
        assert_eq!(TABLES.licences.values().len(), lines(table!("licences.tsv")));
        assert_eq!(TABLES.agencies.len(), lines(table!("agencies.tsv")));
        assert_eq!(TABLES.streets.len(), 79);
        assert_eq!(TABLES.industries.len(), 20);
        assert!(TABLES.variants.len() > 100 && TABLES.trade.len() > 200);
        let mut divisions: Vec<_> = TABLES.blocks.iter().map(|block| block.division).collect();
        divisions.dedup();
        assert_eq!(divisions.len(), lines(table!("divisions.tsv")));
    }

    #[test]
    fn the_orders_of_one_day_are_distinct() {
        for block in [TABLES.blocks.first().unwrap(), TABLES.blocks.last().unwrap()] {
            let mut orders: Vec<u32> = (0..u64::from(block.orders))
                .map(|step| TABLES.slot(block.start + step).unwrap().order)
                .collect();
            orders.sort_unstable();
            orders.dedup();
            assert_eq!(orders.len(), block.orders as usize);
            assert!(orders.iter().all(|order| (1..=999).contains(order)));
        }
        // The step visits all 999 residues, so no clamp below 999 can make two steps meet.
        let mut all: Vec<u32> = (0..999).map(|step| step * 610 % 999).collect();
        all.sort_unstable();
        assert_eq!(all, (0..999).collect::<Vec<_>>());
    }

    #[test]
    fn there_are_numbers_for_ten_million_persons() {
        assert!(TABLES.numbers() > 10_000_000, "{}", TABLES.numbers());
    }
}
