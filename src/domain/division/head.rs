//! Takes division names off the head of an address, longest first, level by level.
//! A short name (安徽, 芜湖) counts only where a county of that place follows: 北京中路 is a road.

use smallvec::SmallVec;

use super::{Chain, Codes};
use crate::domain::reference::{self, DivisionRow};

/// The code under which the list holds the nation itself.
const NATION: u32 = 100_000;

/// Names that the code list holds for its own order and that stand for no place.
const NO_PLACE: [&str; 3] = ["市辖区", "市区", "县"];

/// The division names that stand at the head of a text, shortest first: the rows of each, and what follows it.
type Names<'a> = SmallVec<[(&'static [DivisionRow], &'a str); 4]>;

/// One head and what follows it.
pub(super) fn take_once(text: &str) -> (Chain, &str) {
    let inner = ["中华人民共和国", "中国"]
        .iter()
        .find_map(|country| text.strip_prefix(country));
    match inner.map(take_province) {
        Some((chain, rest)) if !chain.is_empty() => (chain, rest),
        _ => take_province(text),
    }
}

fn take_province(text: &str) -> (Chain, &str) {
    let names = names(text);
    let is_province = |row: &DivisionRow| row.code.is_multiple_of(10_000) && row.code != NATION;
    let named = names
        .iter()
        .find_map(|(rows, rest)| rows.iter().find(|row| is_province(row)).map(|row| (row.code, *rest)));
    if let Some((code, rest)) = named {
        let province = code / 10_000;
        let (mut chain, rest) = take_city(rest, province);
        chain.province = province;
        return (chain, rest);
    }
    // A short name counts only where a city or county of that province follows: 北京中路 is a road.
    for (short, rest) in heads(text, reference::lengths_from(text).short_provinces) {
        if let Some(province) = reference::province_called(short) {
            let (mut chain, rest) = take_city(rest, province);
            if !chain.is_empty() {
                chain.province = province;
                return (chain, rest);
            }
        }
    }
    take_named_city(text, &names, 0)
}

fn take_city(text: &str, province: u32) -> (Chain, &str) {
    // 北京市市辖区朝阳区: the word only orders the code list.
    let text = text.strip_prefix("市辖区").unwrap_or(text);
    take_named_city(text, &names(text), province)
}

/// The city at the head of a text that begins with `names`.
fn take_named_city<'a>(text: &'a str, names: &Names<'a>, province: u32) -> (Chain, &'a str) {
    let of_province = |row: &DivisionRow| province == 0 || row.code / 10_000 == province;
    let is_city =
        |row: &DivisionRow| row.code.is_multiple_of(100) && !row.code.is_multiple_of(10_000) && of_province(row);
    if let Some((name, rest, codes)) = longest(names, is_city) {
        let cities: Codes = codes.iter().map(|code| code / 100).collect();
        let rest = rest.strip_prefix("市辖区").unwrap_or(rest);
        let (mut chain, tail) = take_county(rest, &self::names(rest), province, &cities);
        if chain.counties.is_empty() {
            // 巢湖市 was a city and is a county-level one today.
            let now = |row: &&DivisionRow| !row.code.is_multiple_of(100) && row.current && of_province(row);
            let counties: Codes = reference::divisions_named(name)
                .iter()
                .filter(now)
                .map(|row| row.code)
                .collect();
            if !counties.is_empty() {
                let chain = Chain {
                    county: name,
                    counties,
                    ..Chain::default()
                };
                return (chain, rest);
            }
        }
        chain.cities = cities;
        return (chain, tail);
    }
    // A short city name counts only where a county of that city follows: 芜湖路 is a road.
    for (short, rest) in heads(text, reference::lengths_from(text).short_cities) {
        let cities: Codes = reference::cities_called(short)
            .iter()
            .copied()
            .filter(|city| province == 0 || city / 100 == province)
            .collect();
        if cities.is_empty() {
            continue;
        }
        let (mut chain, tail) = take_county(rest, &self::names(rest), province, &cities);
        if !chain.counties.is_empty() {
            chain.cities = cities;
            return (chain, tail);
        }
    }
    take_county(text, names, province, &[])
}

/// The county at the head of a text that begins with `names`.
fn take_county<'a>(text: &'a str, names: &Names<'a>, province: u32, cities: &[u32]) -> (Chain, &'a str) {
    let fits = |row: &DivisionRow| {
        !row.code.is_multiple_of(100)
            && (province == 0 || row.code / 10_000 == province)
            // Counties that answer to the province directly have 90 in the city's place.
            && (cities.is_empty() || cities.contains(&(row.code / 100)))
    };
    match longest(names, fits) {
        Some((county, rest, counties)) => (
            Chain {
                county,
                counties,
                ..Chain::default()
            },
            rest,
        ),
        None => (Chain::default(), text),
    }
}

/// The longest of the names that has a fitting row, with what follows and its codes.
fn longest<'a>(names: &Names<'a>, fits: impl Fn(&DivisionRow) -> bool) -> Option<(&'static str, &'a str, Codes)> {
    names.iter().rev().find_map(|(rows, rest)| {
        let fitting = || rows.iter().filter(|row| fits(row));
        let name = fitting().next()?.name;
        let mut codes: Codes = fitting().map(|row| row.code).collect();
        codes.sort_unstable();
        codes.dedup();
        Some((name, *rest, codes))
    })
}

fn names(text: &str) -> Names<'_> {
    heads(text, reference::lengths_from(text).divisions)
        .map(|(name, rest)| (name, reference::divisions_named(name), rest))
        .filter(|(name, rows, _)| !rows.is_empty() && !NO_PLACE.contains(name))
        .map(|(_, rows, rest)| (rows, rest))
        .collect()
}

/// The heads of `text` of the lengths that `bits` holds, in characters, shortest first, each with what follows it.
fn heads(text: &str, bits: u64) -> impl Iterator<Item = (&str, &str)> {
    text.char_indices()
        .map(|(at, _)| at)
        .chain(std::iter::once(text.len()))
        .enumerate()
        .take(64 - bits.leading_zeros() as usize)
        .filter(move |(length, _)| bits >> length & 1 == 1)
        .filter_map(|(_, at)| text.split_at_checked(at))
}
