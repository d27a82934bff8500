//! Which province, city and county an address begins with, and whether two such heads are one place.
//! A name is a set of rows of the table: 弋江区 was 340203 and is 340209, 鼓楼区 exists in four cities.

use smallvec::{SmallVec, smallvec};

use table::{CodeLevel, DivisionRow, RowIds, divisions, meet};

mod area;
mod head;
mod table;

pub use area::{AreaRelation, NamedArea};
pub use table::{is_known, warm};

/// Two-digit codes of provinces.
type ProvinceCodes = SmallVec<[u32; 2]>;

/// The divisions that an address names at its head; what it leaves out is unknown, not absent.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct DivisionChain {
    /// Two digits; 0 when not named.
    province: u32,
    /// Rows that the city's name may mean; empty when not named.
    cities: RowIds,
    /// The county's full name; empty when not named.
    county: &'static str,
    /// Rows that the county's name may mean here.
    rows: RowIds,
    /// Whether the names contradict each other: 江苏省芜湖市, 合肥市镜湖区.
    clash: bool,
    /// Whether the county or city is named without its last word, 芜湖镜湖, so that another reading is possible.
    loose: bool,
}

/// The city whose name may be left out of an address in this hub: what names no city lies there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HomeCity {
    /// Every row of the city, under whatever name and code.
    rows: RowIds,
}

/// How two heads relate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadRelation {
    /// The same place.
    Same,
    /// The same place today, under another name, code or city, one to one.
    Renamed,
    /// One was merged or split into the other, or both into one.
    Linked,
    /// One names less than the other, or not clearly, and nothing contradicts.
    Partial,
    /// Two places.
    Different,
}

impl HomeCity {
    /// Reads a six- or four-digit code or a full name, `340200` or `芜湖市`; nothing when the table has no such city.
    pub fn parse(text: &str) -> Option<Self> {
        let table = divisions();
        let ids = if text.bytes().all(|b| b.is_ascii_digit()) {
            let code: u32 = text.parse().ok()?;
            table.rows_of(if text.len() == 4 { code * 100 } else { code })
        } else {
            table.named(text)
        };
        let cities = table.rows(ids).filter(|row| row.level() == CodeLevel::City);
        let rows: RowIds = cities.flat_map(|row| table.ids_of_unit(row.unit)).copied().collect();
        (!rows.is_empty()).then_some(Self { rows })
    }
}

impl DivisionChain {
    /// Takes the divisions off the head of a folded address without spaces; returns them and the rest.
    ///
    /// A head that is written twice (raw delivery addresses do it) is taken off twice.
    pub fn take(text: &str) -> (Self, &str) {
        let (mut chain, mut rest) = head::take_once(text);
        for _ in 0..3 {
            let (again, shorter) = head::take_once(rest);
            if shorter.len() == rest.len() || !chain.repeated_by(&again) {
                break;
            }
            chain.merge(again);
            rest = shorter;
        }
        (chain, rest)
    }

    /// The chain of a six-digit code; of a code that the table lacks, only the province and city.
    pub fn of_code(code: u32) -> Self {
        let table = divisions();
        let (province, city) = (code / 10_000, code / 100 * 100);
        let cities = if city.is_multiple_of(10_000) {
            &[]
        } else {
            table.rows_of(city)
        };
        let rows = if code.is_multiple_of(100) {
            &[]
        } else {
            table.rows_of(code)
        };
        Self {
            province,
            cities: cities.into(),
            rows: rows.into(),
            ..Self::default()
        }
    }

    /// Whether nothing is named.
    pub fn is_empty(&self) -> bool {
        self.province == 0 && self.cities.is_empty() && self.rows.is_empty()
    }

    /// Whether a name of the head, full or without its last word, is `text`.
    pub(crate) fn names(&self, text: &str) -> bool {
        let table = divisions();
        let is = |name: &str| {
            name == text
                || name
                    .strip_suffix(['省', '市', '区', '县', '旗', '盟'])
                    .is_some_and(|short| short == text)
        };
        let province = table.rows_of(self.province * 10_000);
        is(self.county)
            || table
                .rows(&self.cities)
                .chain(table.rows(province))
                .any(|row| is(row.name))
    }

    /// How this head and another relate, of a hub in `home`; symmetric.
    pub fn relation(&self, other: &Self, home: Option<&HomeCity>) -> HeadRelation {
        if self == other {
            return HeadRelation::Same;
        }
        let relation = match (self.rows.is_empty(), other.rows.is_empty()) {
            (false, false) => self.county_relation(other, home),
            (true, true) => self.city_relation(other, home),
            (false, true) => self.relation_to_wider(other),
            (true, false) => other.relation_to_wider(self),
        };
        match relation {
            // What is only supposed, or contradicts itself, proves no equality; what is only supposed no difference either.
            HeadRelation::Same | HeadRelation::Renamed if self.is_doubtful() || other.is_doubtful() => {
                HeadRelation::Partial
            }
            HeadRelation::Different if self.loose || other.loose => HeadRelation::Partial,
            relation => relation,
        }
    }

    fn is_doubtful(&self) -> bool {
        self.clash || self.loose
    }

    /// The divisions that the county's name means, one number each; of several, that of the home city if nothing else is said.
    fn units(&self, home: Option<&HomeCity>) -> RowIds {
        let table = divisions();
        let mut units: RowIds = table.rows(&self.rows).map(|row| row.unit).collect();
        units.sort_unstable();
        units.dedup();
        if let Some(home) = home.filter(|_| units.len() > 1 && self.province == 0 && self.cities.is_empty()) {
            let here = |unit: &u16| {
                table
                    .rows_of_unit(*unit)
                    .any(|row| table.rows(&home.rows).any(|city| row.lies_in(city)))
            };
            let at_home: RowIds = units.iter().copied().filter(here).collect();
            if at_home.len() == 1 {
                return at_home;
            }
        }
        units
    }

    fn county_relation(&self, other: &Self, home: Option<&HomeCity>) -> HeadRelation {
        let (mine, theirs) = (self.units(home), other.units(home));
        if mine.len() == 1 && mine == theirs {
            let apart = self.province != 0 && other.province != 0 && self.province != other.province;
            let moved =
                apart || (!self.cities.is_empty() && !other.cities.is_empty() && !meet(&self.cities, &other.cities));
            return if self.county == other.county && !moved {
                HeadRelation::Same
            } else {
                HeadRelation::Renamed
            };
        }
        if meet(&mine, &theirs) {
            return HeadRelation::Partial;
        }
        let meant = |rows: &RowIds, units: &RowIds| -> RowIds {
            let of_units = |id: &u16| divisions().row(*id).is_some_and(|row| units.contains(&row.unit));
            rows.iter().copied().filter(of_units).collect()
        };
        if divisions().are_linked(&meant(&self.rows, &mine), &meant(&other.rows, &theirs)) {
            return HeadRelation::Linked;
        }
        HeadRelation::Different
    }

    fn city_relation(&self, other: &Self, home: Option<&HomeCity>) -> HeadRelation {
        if !self.cities.is_empty() && !other.cities.is_empty() {
            if meet(&self.cities, &other.cities) {
                return HeadRelation::Same;
            }
            let (mine, theirs) = (&self.cities, &other.cities);
            let units = |rows: &RowIds| -> RowIds { divisions().rows(rows).map(|row| row.unit).collect() };
            return if meet(&units(mine), &units(theirs)) {
                HeadRelation::Renamed
            } else if divisions().are_linked(mine, theirs) {
                HeadRelation::Linked
            } else {
                HeadRelation::Different
            };
        }
        let (mine, theirs) = (self.provinces(), other.provinces());
        if !mine.is_empty() && !theirs.is_empty() && !meet(&mine, &theirs) {
            return HeadRelation::Different;
        }
        let left_out = |empty: &Self, named: &Self| {
            empty.province == 0 && empty.cities.is_empty() && home.is_some_and(|home| meet(&home.rows, &named.cities))
        };
        if left_out(self, other) || left_out(other, self) {
            HeadRelation::Same
        } else {
            HeadRelation::Partial
        }
    }

    /// How a head with a county relates to one without.
    fn relation_to_wider(&self, wider: &Self) -> HeadRelation {
        let table = divisions();
        let may_lie = |holds: &dyn Fn(&DivisionRow) -> bool| {
            let units = table.rows(&self.rows).map(|row| row.unit);
            units.into_iter().any(|unit| table.rows_of_unit(unit).any(holds))
        };
        let lies = if !wider.cities.is_empty() {
            let units = table.rows(&wider.cities).map(|row| row.unit);
            let cities: SmallVec<[&DivisionRow; 8]> = units.flat_map(|unit| table.rows_of_unit(unit)).collect();
            may_lie(&|row| {
                let direct = |city: &DivisionRow| row.city() % 100 == 90 && city.province() == row.province();
                cities.iter().any(|city| row.lies_in(city) || direct(city))
            })
        } else if wider.province != 0 {
            may_lie(&|row| row.province() == wider.province)
        } else {
            true
        };
        if lies || self.clash {
            HeadRelation::Partial
        } else {
            HeadRelation::Different
        }
    }

    /// Whether all that the head may mean lies in a province of two digits.
    pub(crate) fn lies_in_province(&self, province: u32) -> bool {
        self.provinces().as_slice() == [province]
    }

    /// Takes over a division that stands in brackets behind the address; false when it contradicts the head.
    pub(crate) fn take_over(&mut self, named: Self) -> bool {
        if self.disagrees(&named) {
            self.clash = true;
            return false;
        }
        self.merge(named);
        true
    }

    /// Bytes on the heap, for a cache that counts its size.
    pub fn heap_bytes(&self) -> usize {
        let spilled = |rows: &RowIds| {
            if rows.spilled() {
                rows.capacity() * size_of::<u16>()
            } else {
                0
            }
        };
        spilled(&self.cities) + spilled(&self.rows)
    }

    fn provinces(&self) -> ProvinceCodes {
        let mut all: ProvinceCodes = if self.province != 0 {
            smallvec![self.province]
        } else if !self.cities.is_empty() {
            divisions().rows(&self.cities).map(DivisionRow::province).collect()
        } else {
            divisions().rows(&self.rows).map(DivisionRow::province).collect()
        };
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Whether `again`, found right behind this head, is the same head once more and not the name of a zone or street.
    fn repeated_by(&self, again: &Self) -> bool {
        if self.is_empty() || again.is_empty() || again.is_doubtful() || self.disagrees(again) {
            return false;
        }
        if again.county.is_empty() {
            // A province or city behind a county is part of a name such as 安徽省江北产业集中区.
            return self.county.is_empty()
                && (again.cities.is_empty() == self.cities.is_empty() || self.cities.is_empty());
        }
        self.county.is_empty() || self.county == again.county
    }

    /// Whether what both name clashes.
    fn disagrees(&self, other: &Self) -> bool {
        fn clash<T: PartialEq>(a: &[T], b: &[T]) -> bool {
            !a.is_empty() && !b.is_empty() && !meet(a, b)
        }
        let lies_elsewhere = |county: &Self, city: &Self| {
            let apart = !county.rows.is_empty() && city.rows.is_empty() && !city.cities.is_empty();
            apart && county.relation_to_wider(city) == HeadRelation::Different
        };
        clash(&self.units(None), &other.units(None))
            || lies_elsewhere(self, other)
            || lies_elsewhere(other, self)
            || clash(&self.cities, &other.cities)
            || clash(&self.provinces(), &other.provinces())
    }

    fn merge(&mut self, again: Self) {
        if self.province == 0 {
            self.province = again.province;
        }
        if self.cities.is_empty() {
            self.cities = again.cities;
        }
        if self.rows.is_empty() {
            self.county = again.county;
            self.rows = again.rows;
        } else if !again.rows.is_empty() {
            self.rows.retain(|row| again.rows.contains(row));
        }
        self.loose |= again.loose;
    }
}

#[cfg(test)]
mod tests;
