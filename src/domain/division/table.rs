//! The divisions of China since 1980: every code, its names and years, and what became of each.
//! The tables of `config/reference`, compiled in and parsed once; a malformed row is dropped, and the tests count the rows.

use std::collections::HashMap;
use std::sync::LazyLock;

use smallvec::SmallVec;

const DIVISIONS: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../config/reference/divisions.csv"
));
const CHANGED: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../config/reference/divisions_changed.csv"
));

/// The short name of each province with its two digits.
#[rustfmt::skip]
const SHORT_PROVINCES: [(&str, u32); 34] = [
    ("北京", 11), ("天津", 12), ("河北", 13), ("山西", 14), ("内蒙古", 15), ("辽宁", 21), ("吉林", 22), ("黑龙江", 23),
    ("上海", 31), ("江苏", 32), ("浙江", 33), ("安徽", 34), ("福建", 35), ("江西", 36), ("山东", 37), ("河南", 41),
    ("湖北", 42), ("湖南", 43), ("广东", 44), ("广西", 45), ("海南", 46), ("重庆", 50), ("四川", 51), ("贵州", 52),
    ("云南", 53), ("西藏", 54), ("陕西", 61), ("甘肃", 62), ("青海", 63), ("宁夏", 64), ("新疆", 65), ("台湾", 71),
    ("香港", 81), ("澳门", 82),
];

/// The code under which the list holds the nation itself.
const NATION: u32 = 100_000;

/// Names that the code list holds for its own order and that stand for no place.
const NO_PLACE: [&str; 7] = [
    "市辖区",
    "市区",
    "县",
    "省直辖县级行政单位",
    "省直辖行政单位",
    "自治区直辖县级行政单位",
    "中国",
];

/// Words that a county's name ends with and that people leave out.
const COUNTY_WORDS: [&str; 4] = ["区", "县", "市", "旗"];

/// The last year of a row that is still in force.
const OPEN: u16 = u16::MAX;

/// The place of a row in the table.
pub(super) type RowId = u16;

/// Rows that one name may mean; most mean one to three.
pub(super) type RowIds = SmallVec<[RowId; 4]>;

/// A table that is looked up often; its keys are fixed at build time.
type DivisionTable<K, V> = HashMap<K, V, ahash::RandomState>;

/// One name of a division code in one period.
#[derive(Clone, Copy, Debug)]
pub(super) struct DivisionRow {
    /// Six digits, GB/T 2260.
    pub(super) code: u32,
    /// The full name of this level only, e.g. `镜湖区`.
    pub(super) name: &'static str,
    /// The first year at whose end the row was in force; 0 for those of before 1981.
    first: u16,
    /// The last such year.
    last: u16,
    /// The division that this row names: rows that follow one another one to one have one number.
    pub(super) unit: RowId,
}

/// What a division became, in part or as a whole.
#[derive(Clone, Copy, Debug)]
struct DivisionHeir {
    row: RowId,
    /// Whether the division ended by it, instead of only giving up some of its area.
    ended: bool,
}

/// The level of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CodeLevel {
    Province,
    City,
    County,
}

/// The lengths in characters, as bits, of the names that begin with one character.
#[derive(Clone, Copy, Default)]
pub(super) struct NameLengths {
    /// Of divisions.
    pub(super) full: u64,
    /// Of provinces, cities and counties without 省, 市, 区, 县.
    pub(super) short: u64,
}

/// The tables and the ways to look into them.
pub(super) struct DivisionIndex {
    rows: Vec<DivisionRow>,
    by_name: DivisionTable<&'static str, RowIds>,
    by_code: DivisionTable<u32, RowIds>,
    by_unit: DivisionTable<RowId, RowIds>,
    heirs: DivisionTable<RowId, SmallVec<[DivisionHeir; 2]>>,
    short_cities: DivisionTable<&'static str, RowIds>,
    short_counties: DivisionTable<&'static str, RowIds>,
    lengths: DivisionTable<char, NameLengths>,
}

static DIVISIONS_READ: LazyLock<DivisionIndex> = LazyLock::new(DivisionIndex::read);

/// The table.
pub(super) fn divisions() -> &'static DivisionIndex {
    &DIVISIONS_READ
}

/// Parses the tables now, so that no first request pays for it.
pub fn warm() {
    let _ = divisions().rows.len();
}

/// Whether GB/T 2260 ever had this six-digit code since 1980.
pub fn is_known(code: u32) -> bool {
    divisions().by_code.contains_key(&code)
}

impl DivisionRow {
    pub(super) const fn level(&self) -> CodeLevel {
        if self.code.is_multiple_of(10_000) {
            CodeLevel::Province
        } else if self.code.is_multiple_of(100) {
            CodeLevel::City
        } else {
            CodeLevel::County
        }
    }

    /// Four digits.
    pub(super) const fn city(&self) -> u32 {
        self.code / 100
    }

    /// Two digits.
    pub(super) const fn province(&self) -> u32 {
        self.code / 10_000
    }

    /// Whether this county lay in a city while both were in force under these codes.
    pub(super) const fn lies_in(&self, city: &Self) -> bool {
        self.city() == city.city() && self.first <= city.last && city.first <= self.last
    }

    pub(super) const fn is_current(&self) -> bool {
        self.last == OPEN
    }
}

impl DivisionIndex {
    fn read() -> Self {
        let mut rows = Vec::new();
        for line in lines(DIVISIONS) {
            let mut cells = line.split(',');
            let (Some(code), Some(name)) = (cells.next().and_then(|cell| cell.parse().ok()), cells.next()) else {
                continue;
            };
            let mut year = |empty| cells.next().and_then(|cell| cell.parse().ok()).unwrap_or(empty);
            let (first, last) = (year(0), year(OPEN));
            let unit = RowId::try_from(rows.len()).unwrap_or(RowId::MAX);
            rows.push(DivisionRow {
                code,
                name,
                first,
                last,
                unit,
            });
        }
        let mut found = Self {
            by_name: group(&rows, |row| Some(row.name)),
            by_code: group(&rows, |row| Some(row.code)),
            by_unit: DivisionTable::default(),
            heirs: DivisionTable::default(),
            short_cities: group(&rows, short_city),
            short_counties: group(&rows, short_county),
            lengths: DivisionTable::default(),
            rows,
        };
        found.read_changes();
        found.by_unit = group(&found.rows, |row| Some(row.unit));
        found.note_lengths();
        found
    }

    fn read_changes(&mut self) {
        let mut before: Vec<RowId> = self.rows.iter().map(|row| row.unit).collect();
        for line in lines(CHANGED) {
            let mut cells = line.split(',');
            let mut side = || {
                let code: u32 = cells.next()?.parse().ok()?;
                let name = cells.next()?;
                let named = |id: &RowId| self.row(*id).is_some_and(|row| row.name == name);
                self.rows_of(code).iter().copied().find(named)
            };
            let (Some(from), Some(to)) = (side(), side()) else {
                continue;
            };
            let year: u16 = cells.next().and_then(|cell| cell.parse().ok()).unwrap_or_default();
            let ended = self.row(from).is_some_and(|row| row.last <= year);
            self.heirs
                .entry(from)
                .or_default()
                .push(DivisionHeir { row: to, ended });
            if cells.next() == Some("same") {
                let (one, other) = (first_of(&before, from), first_of(&before, to));
                if let Some(unit) = before.get_mut(usize::from(one.max(other))) {
                    *unit = one.min(other);
                }
            }
        }
        for (id, row) in (0..).zip(&mut self.rows) {
            row.unit = first_of(&before, id);
        }
    }

    fn note_lengths(&mut self) {
        let mut note = |name: &str, bits: fn(&mut NameLengths) -> &mut u64| {
            if let Some(first) = name.chars().next() {
                *bits(self.lengths.entry(first).or_default()) |= 1 << name.chars().count().min(63);
            }
        };
        let places = self.by_name.keys().filter(|name| !NO_PLACE.contains(name));
        places.for_each(|name| note(name, |lengths| &mut lengths.full));
        let short = self.short_cities.keys().chain(self.short_counties.keys()).copied();
        short
            .chain(SHORT_PROVINCES.iter().map(|row| row.0))
            .for_each(|name| note(name, |lengths| &mut lengths.short));
    }

    pub(super) fn row(&self, id: RowId) -> Option<&DivisionRow> {
        self.rows.get(usize::from(id))
    }

    /// The rows of some numbers.
    pub(super) fn rows<'a>(&'a self, ids: &'a [RowId]) -> impl Iterator<Item = &'a DivisionRow> + Clone {
        ids.iter().filter_map(|&id| self.row(id))
    }

    /// Every row of a name that is spelt exactly `name` and stands for a place.
    pub(super) fn named(&self, name: &str) -> &[RowId] {
        if NO_PLACE.contains(&name) {
            return &[];
        }
        self.by_name.get(name).map_or(&[], |ids| ids.as_slice())
    }

    /// Every row of a six-digit code.
    pub(super) fn rows_of(&self, code: u32) -> &[RowId] {
        self.by_code.get(&code).map_or(&[], |ids| ids.as_slice())
    }

    /// Every row of a unit, under whatever name and code.
    pub(super) fn rows_of_unit(&self, unit: RowId) -> impl Iterator<Item = &DivisionRow> + Clone {
        self.rows(self.ids_of_unit(unit))
    }

    pub(super) fn ids_of_unit(&self, unit: RowId) -> &[RowId] {
        self.by_unit.get(&unit).map_or(&[], |ids| ids.as_slice())
    }

    /// The cities whose name without 市, 地区 or 盟 is `short`.
    pub(super) fn cities_called(&self, short: &str) -> &[RowId] {
        self.short_cities.get(short).map_or(&[], |ids| ids.as_slice())
    }

    /// The counties of today whose name without 区, 县, 市 or 旗 is `short`.
    pub(super) fn counties_called(&self, short: &str) -> &[RowId] {
        self.short_counties.get(short).map_or(&[], |ids| ids.as_slice())
    }

    /// The lengths of the names that begin with the first character of `text`: most heads are told apart by this alone.
    pub(super) fn lengths_from(&self, text: &str) -> NameLengths {
        let first = text.chars().next();
        first.and_then(|c| self.lengths.get(&c)).copied().unwrap_or_default()
    }

    /// Whether two sets of rows are predecessor and successor through a merger or a split, or predecessors of one division.
    pub(super) fn are_linked(&self, a: &[RowId], b: &[RowId]) -> bool {
        let (of_a, of_b) = (self.heirs_of(a, false), self.heirs_of(b, false));
        if meet(&of_a, b) || meet(&of_b, a) {
            return true;
        }
        meet(&self.heirs_of(a, true), &self.heirs_of(b, true)) || self.may_be_heirs(a, b) || self.may_be_heirs(b, a)
    }

    /// Whether a division of `a` ended, nothing says in what, and one of `b` lies in its city.
    fn may_be_heirs(&self, a: &[RowId], b: &[RowId]) -> bool {
        a.iter().any(|&id| {
            let lost = self
                .row(id)
                .filter(|row| !row.is_current() && !self.heirs.contains_key(&id));
            lost.is_some_and(|lost| {
                let follows_on = |row: &DivisionRow| self.rows_of_unit(row.unit).any(|row| row.city() == lost.city());
                self.rows(b).any(follows_on)
            })
        })
    }

    /// The rows and all that came of them, by changes that ended them or by any.
    fn heirs_of(&self, ids: &[RowId], ended_only: bool) -> RowIds {
        let mut all: RowIds = ids.into();
        let mut at = 0;
        while let Some(&id) = all.get(at) {
            for heir in self.heirs.get(&id).into_iter().flatten() {
                if (heir.ended || !ended_only) && !all.contains(&heir.row) {
                    all.push(heir.row);
                }
            }
            at += 1;
        }
        all
    }

    /// The rows of today that a division is, or lies in; empty when nothing says what became of it.
    pub(super) fn today(&self, id: RowId) -> RowIds {
        let Some(row) = self.row(id) else {
            return RowIds::new();
        };
        let ids = self.ids_of_unit(row.unit);
        let current = |id: &RowId| self.row(*id).is_some_and(DivisionRow::is_current);
        let now: RowIds = ids.iter().copied().filter(current).collect();
        if !now.is_empty() {
            return now;
        }
        let mut now: RowIds = self.heirs_of(&[id], true).into_iter().filter(current).collect();
        now.retain(|id| self.row(*id).is_some_and(|heir| heir.level() == row.level()));
        now
    }
}

/// The number that stands for all rows that are one with `id`: each row leads to an earlier one, the first to itself.
fn first_of(before: &[RowId], id: RowId) -> RowId {
    let mut at = id;
    while let Some(&next) = before.get(usize::from(at)).filter(|next| **next != at) {
        at = next;
    }
    at
}

/// The two digits of the province whose short name is `short`.
pub(super) fn province_called(short: &str) -> Option<u32> {
    SHORT_PROVINCES.iter().find(|row| row.0 == short).map(|row| row.1)
}

/// Whether two lists of numbers have one in common.
pub(super) fn meet<T: PartialEq>(a: &[T], b: &[T]) -> bool {
    a.iter().any(|one| b.contains(one))
}

fn lines(table: &'static str) -> impl Iterator<Item = &'static str> {
    table.lines().skip(1).filter(|line| !line.is_empty())
}

fn group<K: std::hash::Hash + Eq>(
    rows: &[DivisionRow],
    key: impl Fn(&DivisionRow) -> Option<K>,
) -> DivisionTable<K, RowIds> {
    let mut groups: DivisionTable<K, RowIds> = DivisionTable::default();
    for (id, row) in (0..).zip(rows) {
        if let Some(key) = key(row) {
            groups.entry(key).or_default().push(id);
        }
    }
    groups
}

fn short_city(row: &DivisionRow) -> Option<&'static str> {
    let short = ["市", "地区", "盟"].iter().find_map(|word| row.name.strip_suffix(word));
    short.filter(|short| row.level() == CodeLevel::City && short.chars().nth(1).is_some() && row.code != NATION)
}

fn short_county(row: &DivisionRow) -> Option<&'static str> {
    let short = COUNTY_WORDS.iter().find_map(|word| row.name.strip_suffix(word));
    short.filter(|short| row.level() == CodeLevel::County && row.is_current() && short.chars().nth(1).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_row_of_the_tables_is_lost() {
        let table = divisions();
        assert_eq!(table.rows.len(), lines(DIVISIONS).count());
        let edges = table.heirs.values().map(SmallVec::len).sum::<usize>();
        assert_eq!(edges, lines(CHANGED).count());
        assert!(table.rows.len() < usize::from(RowId::MAX));
    }

    #[test]
    fn no_two_rows_of_one_unit_are_in_force_today() {
        let table = divisions();
        for (unit, ids) in &table.by_unit {
            let current: Vec<&DivisionRow> = table.rows(ids).filter(|row| row.is_current()).collect();
            assert!(current.len() <= 1, "{unit}: {current:?}");
        }
    }
}
