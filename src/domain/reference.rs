//! The lookup tables of `config/reference`, compiled in and parsed once.
//! A malformed row is dropped, not reported: the tests count the rows, so the tables cannot rot unseen.

use std::collections::HashMap;
use std::sync::LazyLock;

use icu_normalizer::ComposingNormalizerBorrowed;

use super::division;

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
const ETHNICITY: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../config/reference/ethnicity.csv"
));

/// A table that is looked up often; nobody outside chooses its keys.
type LookupTable<K, V> = HashMap<K, V, ahash::RandomState>;

/// Where a listed pair of characters may stand for one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PairPlace {
    /// Anywhere in a text.
    Anywhere,
    /// At the head of a person's name.
    Surname,
}

/// Parses every table now, so that no first request pays for it.
pub fn warm() {
    let _ = (ASSIGNED.len(), VARIANT_ROWS.len(), LISTED.len());
    division::warm();
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
pub(crate) fn variants_agree(a: char, b: char, place: PairPlace) -> bool {
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
            (scope == PairPlace::Anywhere || place == PairPlace::Surname)
                && ((may_be(a, of_a, left) && may_be(b, of_b, right))
                    || (may_be(a, of_a, right) && may_be(b, of_b, left)))
        })
}

/// Whether GB/T 2260 ever had this six-digit code.
pub fn division_known(code: u32) -> bool {
    division::is_known(code)
}

/// The province of a two-digit code, if there is one.
pub fn province_known(code: u32) -> bool {
    division_known(code * 10_000)
}

/// An ethnic group of GB/T 3304, or a word of registers for people without one.
#[derive(Clone, Copy)]
pub struct EthnicGroup {
    cells: [&'static str; 5],
    /// Other words, parted by spaces.
    others: &'static str,
    /// The code that people of this row are counted under, where they have none of their own.
    pub counted_under: Option<&'static str>,
}

impl EthnicGroup {
    /// Its code, names, letters and romanised name, and what registers write besides.
    pub fn words(self) -> impl Iterator<Item = &'static str> {
        let cells = self.cells.into_iter().filter(|cell| !cell.is_empty());
        cells.chain(self.others.split(' ').filter(|word| !word.is_empty()))
    }
}

/// Every ethnic group.
pub fn ethnic_groups() -> impl Iterator<Item = EthnicGroup> {
    rows(ETHNICITY).filter_map(|line| {
        let mut cells = line.split(',');
        let mut next = || cells.next();
        Some(EthnicGroup {
            cells: [next()?, next()?, next()?, next()?, next()?],
            others: next()?,
            counted_under: next().filter(|code| !code.is_empty()),
        })
    })
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

static VARIANT_ROWS: LazyLock<LookupTable<char, &'static str>> = LazyLock::new(|| {
    variant_rows()
        .filter(|row| row.2 == "any")
        .map(|row| (row.0, row.1))
        .collect()
});

static LISTED: LazyLock<Vec<(char, char, PairPlace)>> = LazyLock::new(|| {
    variant_rows()
        .filter_map(|(left, right, scope)| {
            let place = match scope {
                "listed" => PairPlace::Anywhere,
                "surname" => PairPlace::Surname,
                _ => return None,
            };
            Some((left, right.chars().next()?, place))
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
        assert_eq!(LISTED.len(), 12);
        assert_eq!(ethnic_groups().count(), rows(ETHNICITY).count());
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
            assert!(!variants_agree(a, b, PairPlace::Surname), "{a}{b}");
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
                variants_agree(a, b, PairPlace::Anywhere) && variants_agree(b, a, PairPlace::Anywhere),
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
                variants_agree(b, a, PairPlace::Surname) && !variants_agree(a, b, PairPlace::Anywhere),
                "{a}{b}"
            );
        }
    }
}
