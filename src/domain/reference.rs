//! The lookup tables of `config/reference`, compiled in and parsed once.
//! A malformed row is dropped, not reported: the tests count the rows, so the tables cannot rot unseen.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use icu_normalizer::ComposingNormalizerBorrowed;

const PUA: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../config/reference/pua_fold.csv"
));
const RADICALS: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../config/reference/radicals.csv"
));
const VARIANTS: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../config/reference/variants.csv"
));
const DIVISIONS: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../config/reference/divisions.csv"
));
const RENAMED: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../config/reference/divisions_renamed.csv"
));
const ETHNICITY: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../config/reference/ethnicity.csv"
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

/// A table that is looked up often; nobody outside chooses its keys.
type Table<K, V> = HashMap<K, V, ahash::RandomState>;

/// Where a listed pair of characters may stand for one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Anywhere in a text.
    Anywhere,
    /// At the head of a person's name.
    Surname,
}

/// One name of a division code in one period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DivisionRow {
    /// Six digits, GB/T 2260.
    pub code: u32,
    /// The full name of this level only, e.g. `镜湖区`.
    pub name: &'static str,
    /// Whether the row still holds.
    pub current: bool,
}

/// The lengths in characters, as bits, of the names that begin with one character.
#[derive(Clone, Copy, Default)]
pub struct Lengths {
    /// Of divisions.
    pub divisions: u64,
    /// Of provinces, short ([`province_called`]).
    pub short_provinces: u64,
    /// Of cities, short ([`cities_called`]).
    pub short_cities: u64,
}

/// Parses every table now, so that no first request pays for it.
pub fn warm() {
    let _ = (ASSIGNED.len(), VARIANT_ROWS.len(), LISTED.len(), BY_NAME.len());
    let _ = (CODES.len(), RENAMED_ROWS.len(), LENGTHS.len(), SHORT_CITIES.len());
}

/// The assigned character of a private-use point or a radical, or nothing when `c` is neither.
pub fn assigned(c: char) -> Option<char> {
    let at = ASSIGNED.binary_search_by_key(&c, |pair| pair.0).ok()?;
    ASSIGNED.get(at).map(|pair| pair.1)
}

/// The characters that the character `c`, itself outside the list of 2013, may stand for.
pub(crate) fn standard_forms(c: char) -> &'static str {
    if c.is_ascii() {
        return "";
    }
    VARIANT_ROWS.get(&c).copied().unwrap_or_default()
}

/// Whether two different characters may be one character written in two ways; symmetric.
///
/// Two characters of 通用规范汉字表 (2013) are distinct unless the pair is listed.
pub(crate) fn variants_agree(a: char, b: char, place: Place) -> bool {
    if a == b {
        return true;
    }
    if a.is_ascii() || b.is_ascii() {
        return false;
    }
    let (of_a, of_b) = (standard_forms(a), standard_forms(b));
    of_a.contains(b)
        || of_b.contains(a)
        || of_a.chars().any(|c| of_b.contains(c))
        || LISTED.iter().any(|&(left, right, scope)| {
            let may_be = |c: char, forms: &str, wanted: char| c == wanted || forms.contains(wanted);
            (scope == Place::Anywhere || place == Place::Surname)
                && ((may_be(a, of_a, left) && may_be(b, of_b, right))
                    || (may_be(a, of_a, right) && may_be(b, of_b, left)))
        })
}

/// Every row of every name that is spelt exactly `name`.
pub(crate) fn divisions_named(name: &str) -> &'static [DivisionRow] {
    BY_NAME.get(name).map_or(&[], Vec::as_slice)
}

/// Whether GB/T 2260 ever had this six-digit code.
pub(crate) fn division_known(code: u32) -> bool {
    CODES.contains(&code)
}

/// The code that stands today for a division that was renamed or merged as a whole.
pub(crate) fn current_code(code: u32) -> u32 {
    let mut now = code;
    for _ in 0..8 {
        match RENAMED_ROWS.iter().find(|row| row.0 == now) {
            Some(row) => now = row.1,
            None => break,
        }
    }
    now
}

/// Code, full name and short name of every ethnic group, GB/T 3304.
pub(crate) fn ethnic_groups() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    rows(ETHNICITY).filter_map(|line| {
        let mut cells = line.split(',');
        Some((cells.next()?, cells.next()?, cells.next()?))
    })
}

/// The lengths of the names that begin with the first character of `text`: most heads are told apart by this alone.
pub(crate) fn lengths_from(text: &str) -> Lengths {
    let first = text.chars().next();
    first.and_then(|c| LENGTHS.get(&c)).copied().unwrap_or_default()
}

/// The two digits of the province whose short name is `short`.
pub(crate) fn province_called(short: &str) -> Option<u32> {
    SHORT_PROVINCES.iter().find(|row| row.0 == short).map(|row| row.1)
}

/// The four-digit codes of every city whose name without 市, 地区 or 盟 is `short`.
pub(crate) fn cities_called(short: &str) -> &'static [u32] {
    SHORT_CITIES.get(short).map_or(&[], Vec::as_slice)
}

fn rows(table: &'static str) -> impl Iterator<Item = &'static str> {
    table.lines().skip(1).filter(|line| !line.is_empty())
}

fn code_point(hex: &str) -> Option<char> {
    u32::from_str_radix(hex, 16).ok().and_then(char::from_u32)
}

static ASSIGNED: LazyLock<Vec<(char, char)>> = LazyLock::new(|| {
    let pairs = |table: &'static str, column: usize| {
        rows(table).filter_map(move |line| {
            let mut cells = line.split(',');
            let from = code_point(cells.next()?)?;
            Some((from, code_point(cells.nth(column)?)?))
        })
    };
    let radicals: HashMap<char, char> = pairs(RADICALS, 0).collect();
    let nfc = ComposingNormalizerBorrowed::new_nfc();
    let mut all: Vec<(char, char)> = pairs(PUA, 1).chain(pairs(RADICALS, 0)).collect();
    for (_, to) in &mut all {
        *to = radicals.get(to).copied().unwrap_or(*to);
        *to = nfc.normalize_iter(std::iter::once(*to)).next().unwrap_or(*to);
    }
    all.sort_unstable();
    all.dedup_by_key(|pair| pair.0);
    all
});

fn variant_rows() -> impl Iterator<Item = (char, &'static str, &'static str)> {
    rows(VARIANTS).filter_map(|line| {
        let mut cells = line.split(',');
        Some((cells.next()?.chars().next()?, cells.next()?, cells.next()?))
    })
}

static VARIANT_ROWS: LazyLock<Table<char, &'static str>> = LazyLock::new(|| {
    variant_rows()
        .filter(|row| row.2 == "any")
        .map(|row| (row.0, row.1))
        .collect()
});

static LISTED: LazyLock<Vec<(char, char, Place)>> = LazyLock::new(|| {
    variant_rows()
        .filter_map(|(left, right, scope)| {
            let place = match scope {
                "listed" => Place::Anywhere,
                "surname" => Place::Surname,
                _ => return None,
            };
            Some((left, right.chars().next()?, place))
        })
        .collect()
});

static BY_NAME: LazyLock<Table<&'static str, Vec<DivisionRow>>> = LazyLock::new(|| {
    let mut names: Table<&'static str, Vec<DivisionRow>> = Table::default();
    for line in rows(DIVISIONS) {
        let mut cells = line.split(',');
        let (Some(code), Some(name)) = (cells.next().and_then(|cell| cell.parse().ok()), cells.next()) else {
            continue;
        };
        let current = cells.nth(1).is_none_or(str::is_empty);
        names.entry(name).or_default().push(DivisionRow { code, name, current });
    }
    names
});

static CODES: LazyLock<HashSet<u32, ahash::RandomState>> =
    LazyLock::new(|| BY_NAME.values().flatten().map(|row| row.code).collect());

static SHORT_CITIES: LazyLock<Table<&'static str, Vec<u32>>> = LazyLock::new(|| {
    let mut cities: Table<&'static str, Vec<u32>> = Table::default();
    for row in BY_NAME.values().flatten() {
        let is_city = row.code.is_multiple_of(100) && !row.code.is_multiple_of(10_000);
        let short = ["市", "地区", "盟"]
            .iter()
            .find_map(|suffix| row.name.strip_suffix(suffix));
        if let Some(short) = short.filter(|short| is_city && short.chars().count() > 1) {
            cities.entry(short).or_default().push(row.code / 100);
        }
    }
    cities
});

static LENGTHS: LazyLock<Table<char, Lengths>> = LazyLock::new(|| {
    let mut table: Table<char, Lengths> = Table::default();
    let mut note = |name: &str, bits: fn(&mut Lengths) -> &mut u64| {
        if let Some(first) = name.chars().next() {
            *bits(table.entry(first).or_default()) |= 1 << name.chars().count().min(63);
        }
    };
    BY_NAME
        .keys()
        .for_each(|name| note(name, |lengths| &mut lengths.divisions));
    SHORT_CITIES
        .keys()
        .for_each(|name| note(name, |lengths| &mut lengths.short_cities));
    SHORT_PROVINCES
        .iter()
        .for_each(|row| note(row.0, |lengths| &mut lengths.short_provinces));
    table
});

static RENAMED_ROWS: LazyLock<Vec<(u32, u32)>> = LazyLock::new(|| {
    rows(RENAMED)
        .filter_map(|line| {
            let mut cells = line.split(',');
            Some((cells.next()?.parse().ok()?, cells.next()?.parse().ok()?))
        })
        .collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_row_of_any_table_is_lost() {
        assert_eq!(ASSIGNED.len(), 105 + 348);
        assert_eq!(VARIANT_ROWS.len() + LISTED.len(), rows(VARIANTS).count());
        assert_eq!(LISTED.len(), 6);
        assert_eq!(BY_NAME.values().map(Vec::len).sum::<usize>(), rows(DIVISIONS).count());
        assert_eq!(RENAMED_ROWS.len(), rows(RENAMED).count());
        assert_eq!(ethnic_groups().count(), 58);
    }

    #[test]
    fn private_use_and_radicals_become_the_assigned_character() {
        assert_eq!(assigned('\u{E863}'), Some('䶮'));
        assert_eq!(assigned('\u{E831}'), Some('\u{215D7}'));
        assert_eq!(assigned('\u{E815}'), Some('厂'), "private use to radical to ideograph");
        assert_eq!(assigned('⻋'), Some('车'));
        assert_eq!(assigned('⽂'), Some('文'));
        assert_eq!(assigned('文'), None);
    }

    #[test]
    fn two_standard_characters_are_distinct_unless_listed() {
        for (a, b) in [
            ('于', '於'),
            ('升', '昇'),
            ('坤', '堃'),
            ('哲', '喆'),
            ('己', '已'),
            ('祎', '袆'),
        ] {
            assert!(!variants_agree(a, b, Place::Surname), "{a}{b}");
        }
        for (a, b) in [
            ('吕', '呂'),
            ('黄', '黃'),
            ('钟', '鐘'),
            ('锺', '鍾'),
            ('钟', '鍾'),
            ('钟', '锺'),
            ('爲', '為'),
        ] {
            assert!(
                variants_agree(a, b, Place::Anywhere) && variants_agree(b, a, Place::Anywhere),
                "{a}{b}"
            );
        }
        for (a, b) in [
            ('傅', '付'),
            ('萧', '肖'),
            ('蕭', '肖'),
            ('閻', '闫'),
            ('阎', '闫'),
            ('蓝', '兰'),
            ('戴', '代'),
        ] {
            assert!(
                variants_agree(b, a, Place::Surname) && !variants_agree(a, b, Place::Anywhere),
                "{a}{b}"
            );
        }
    }

    #[test]
    fn a_chain_of_renamings_ends_at_the_code_of_today() {
        assert_eq!(current_code(342_623), 340_281);
        assert_eq!(current_code(340_203), 340_209);
        assert_eq!(current_code(340_202), 340_202);
        assert!(division_known(342_623) && division_known(830_000) && !division_known(349_999));
    }
}
