//! The synthetic city of `heyan demo`, `heyan bench` and the tests: persons, firms, licences and estates.
//! Everything is a function of (seed, n): the n-th record is computed without the others, and one seed gives one city
//! for ever, so a change of a word table or of the order of draws changes every city.

pub mod address;
pub mod calendar;
mod check;
mod estate;
mod firm;
mod holder;
mod json;
mod licence;
mod person;
pub mod requests;
mod rng;
mod tables;
#[cfg(test)]
mod tests;

pub use estate::Estate;
pub use firm::Firm;
pub use holder::Holder;
pub use licence::Licence;
pub use person::{Person, Sex};
pub use tables::{CityAgency, HolderKind, LicenceType, ValidityTerm};

use rng::{DrawStream, Permutation, Rng};
use tables::{CityTables, NumberSlot, TABLES};

/// How many records of each kind the city has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Records of `natural-person`.
    pub persons: u64,
    /// Records of `legal-entity`.
    pub firms: u64,
    /// Records of `e-licence`.
    pub licences: u64,
    /// Records of `real-estate`.
    pub estates: u64,
}

impl Default for Sizes {
    /// The demo's size.
    fn default() -> Self {
        Self::for_persons(100_000)
    }
}

impl Sizes {
    /// A city of `persons` in the proportions of the demo: a firm for five, three licences for five, an estate for five.
    pub const fn for_persons(persons: u64) -> Self {
        Self {
            persons,
            firms: persons / 5,
            licences: persons / 5 * 3,
            estates: persons / 5,
        }
    }

    /// All records.
    pub const fn total(&self) -> u64 {
        self.persons + self.firms + self.licences + self.estates
    }
}

/// A city.
#[derive(Clone)]
pub struct City {
    seed: u64,
    sizes: Sizes,
    tables: &'static CityTables,
    person_keys: Permutation,
    firm_keys: Permutation,
    old_firm_keys: Permutation,
    firm_names: Permutation,
    licence_keys: Permutation,
    estate_keys: Permutation,
}

impl City {
    /// The city of `seed`. Any `n` may be asked for; those below `sizes` are the records that exist, and references
    /// between records stay within `sizes`.
    pub fn new(seed: u64, sizes: Sizes) -> Self {
        let tables: &'static CityTables = &TABLES;
        Self {
            seed,
            sizes,
            tables,
            person_keys: Permutation::new(seed, DrawStream::PersonKeys, tables.numbers()),
            firm_keys: Permutation::new(seed, DrawStream::FirmKeys, firm::BODIES),
            old_firm_keys: Permutation::new(seed, DrawStream::OldFirmKeys, firm::OLD_BODIES),
            firm_names: Permutation::new(seed, DrawStream::FirmNames, firm::names(tables)),
            licence_keys: Permutation::new(seed, DrawStream::LicenceKeys, licence::SERIALS),
            estate_keys: Permutation::new(seed, DrawStream::EstateKeys, estate::NUMBERS),
        }
    }

    /// The sizes it was made with.
    pub const fn sizes(&self) -> Sizes {
        self.sizes
    }

    /// The seed it was made with.
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// Sizes up to which no subject repeats.
    pub fn capacity(&self) -> Sizes {
        Sizes {
            persons: self.person_keys.size(),
            firms: firm::OLD_BODIES,
            licences: licence::SERIALS,
            estates: estate::NUMBERS,
        }
    }

    /// The agencies of the city, with synthetic credit codes.
    pub fn agencies(&self) -> &'static [CityAgency] {
        &self.tables.agencies
    }

    /// The types of licence that its agencies issue.
    pub fn licence_types(&self) -> &'static [LicenceType] {
        self.tables.licences.values()
    }

    /// The `n`-th person. Numbers are distinct for all `n` below `capacity().persons`.
    pub fn person(&self, n: u64) -> Person {
        let mut rng = Rng::at(self.seed, DrawStream::Person, n);
        let slot = self.slot(n).unwrap_or(NumberSlot {
            division: b"340202",
            born: calendar::AS_OF,
            order: 1,
        });
        Person::draw(&mut rng, self.tables, &slot)
    }

    fn slot(&self, n: u64) -> Option<NumberSlot> {
        self.tables.slot(self.person_keys.apply(n))
    }

    /// The `n`-th firm. Credit codes are distinct for all `n` below `capacity().firms`.
    pub fn firm(&self, n: u64) -> Firm {
        let mut rng = Rng::at(self.seed, DrawStream::Firm, n);
        let keys = firm::FirmKeys {
            body: self.firm_keys.apply(n),
            old_body: self.old_firm_keys.apply(n),
            name: self.firm_names.apply(n),
        };
        Firm::draw(&mut rng, self.tables, &keys)
    }

    /// The `n`-th licence. Serials are distinct for all `n` below `capacity().licences`.
    pub fn licence(&self, n: u64) -> Licence {
        let mut rng = Rng::at(self.seed, DrawStream::Licence, n);
        Licence::draw(&mut rng, self, self.licence_keys.apply(n))
    }

    /// The `n`-th estate. Certificates are distinct for all `n` below `capacity().estates`.
    pub fn estate(&self, n: u64) -> Estate {
        let mut rng = Rng::at(self.seed, DrawStream::Estate, n);
        let key = self.estate_keys.apply(n);
        if rng.chance(estate::FIRM_OWNERS) {
            let firm = self.firm(rng.below_u64(self.sizes.firms.max(1)));
            return Estate::draw(&mut rng, self.tables, key, Holder::of_firm(firm), None);
        }
        let person = self.person(rng.below_u64(self.sizes.persons.max(1)));
        let home = person.address;
        Estate::draw(&mut rng, self.tables, key, Holder::of_person(person), Some(home))
    }
}
