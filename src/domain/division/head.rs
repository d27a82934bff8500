//! Takes division names off the head of an address, longest first, level by level.
//! A short name (安徽, 芜湖) counts only where a county of that place follows: 北京中路 is a road.

use super::Chain;
use crate::domain::reference::{self, DivisionRow};

/// The code under which the list holds the nation itself.
const NATION: u32 = 100_000;

/// Names that the code list holds for its own order and that stand for no place.
const NO_PLACE: [&str; 3] = ["市辖区", "市区", "县"];

/// The short name of each province with its two digits.
#[rustfmt::skip]
const SHORT_PROVINCES: [(&str, u32); 34] = [
    ("北京", 11), ("天津", 12), ("河北", 13), ("山西", 14), ("内蒙古", 15), ("辽宁", 21), ("吉林", 22), ("黑龙江", 23),
    ("上海", 31), ("江苏", 32), ("浙江", 33), ("安徽", 34), ("福建", 35), ("江西", 36), ("山东", 37), ("河南", 41),
    ("湖北", 42), ("湖南", 43), ("广东", 44), ("广西", 45), ("海南", 46), ("重庆", 50), ("四川", 51), ("贵州", 52),
    ("云南", 53), ("西藏", 54), ("陕西", 61), ("甘肃", 62), ("青海", 63), ("宁夏", 64), ("新疆", 65), ("台湾", 71),
    ("香港", 81), ("澳门", 82),
];

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
    let is_province = |row: &DivisionRow| row.code.is_multiple_of(10_000) && row.code != NATION;
    if let Some((row, rest)) = prefixes(text).find(|(row, _)| is_province(row)) {
        let province = row.code / 10_000;
        let (mut chain, rest) = take_city(rest, province);
        chain.province = province;
        return (chain, rest);
    }
    // A short name counts only where a city or county of that province follows: 北京中路 is a road.
    for (short, province) in SHORT_PROVINCES {
        if let Some(rest) = text.strip_prefix(short) {
            let (mut chain, rest) = take_city(rest, province);
            if !chain.is_empty() {
                chain.province = province;
                return (chain, rest);
            }
        }
    }
    take_city(text, 0)
}

fn take_city(text: &str, province: u32) -> (Chain, &str) {
    // 北京市市辖区朝阳区: the word only orders the code list.
    let text = match text.strip_prefix("市辖区") {
        Some(rest) if province != 0 => rest,
        _ => text,
    };
    let of_province = |row: &DivisionRow| province == 0 || row.code / 10_000 == province;
    let is_city =
        |row: &DivisionRow| row.code.is_multiple_of(100) && !row.code.is_multiple_of(10_000) && of_province(row);
    if let Some((name, rest, codes)) = longest(text, is_city) {
        let cities: Vec<u32> = codes.iter().map(|code| code / 100).collect();
        let rest = rest.strip_prefix("市辖区").unwrap_or(rest);
        let (mut chain, tail) = take_county(rest, province, &cities);
        if chain.counties.is_empty() {
            // 巢湖市 was a city and is a county-level one today.
            let now = |row: &DivisionRow| !row.code.is_multiple_of(100) && row.current && of_province(row);
            let alias: Vec<DivisionRow> = reference::divisions_named(name).iter().copied().filter(now).collect();
            if let Some(first) = alias.first() {
                let counties = alias.iter().map(|row| row.code).collect();
                return (
                    Chain {
                        county: first.name,
                        counties,
                        ..Chain::default()
                    },
                    rest,
                );
            }
        }
        chain.cities = cities;
        return (chain, tail);
    }
    // A short city name counts only where a county of that city follows: 芜湖路 is a road.
    for (short, rest) in heads(text, reference::short_city_lengths) {
        let cities: Vec<u32> = reference::cities_called(short)
            .iter()
            .copied()
            .filter(|city| province == 0 || city / 100 == province)
            .collect();
        if cities.is_empty() {
            continue;
        }
        let (mut chain, tail) = take_county(rest, province, &cities);
        if !chain.counties.is_empty() {
            chain.cities = cities;
            return (chain, tail);
        }
    }
    take_county(text, province, &[])
}

fn take_county<'a>(text: &'a str, province: u32, cities: &[u32]) -> (Chain, &'a str) {
    let fits = |row: &DivisionRow| {
        !row.code.is_multiple_of(100)
            && (province == 0 || row.code / 10_000 == province)
            // Counties that answer to the province directly have 90 in the city's place.
            && (cities.is_empty() || cities.contains(&(row.code / 100)))
    };
    match longest(text, fits) {
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

/// The longest division name at the head of `text` that has a fitting row, with what follows and its codes.
fn longest(text: &str, fits: impl Fn(&DivisionRow) -> bool) -> Option<(&'static str, &str, Vec<u32>)> {
    let (row, rest) = prefixes(text)
        .filter(|(row, _)| fits(row))
        .min_by_key(|(_, rest)| rest.len())?;
    let mut codes: Vec<u32> = reference::divisions_named(row.name)
        .iter()
        .filter(|row| fits(row))
        .map(|row| row.code)
        .collect();
    codes.sort_unstable();
    codes.dedup();
    Some((row.name, rest, codes))
}

/// Every row whose name stands at the head of `text`, with what follows it.
fn prefixes(text: &str) -> impl Iterator<Item = (DivisionRow, &str)> {
    heads(text, reference::division_lengths)
        .filter(|(name, _)| !NO_PLACE.contains(name))
        .flat_map(|(name, rest)| reference::divisions_named(name).iter().map(move |row| (*row, rest)))
}

/// The heads of `text` that have a length at which names with its first character exist, shortest first.
fn heads(text: &str, lengths: fn(char) -> u64) -> impl Iterator<Item = (&str, &str)> {
    let bits = text.chars().next().map_or(0, lengths);
    text.char_indices()
        .map(|(at, _)| at)
        .chain(std::iter::once(text.len()))
        .enumerate()
        .take(64 - bits.leading_zeros() as usize)
        .filter(move |(length, _)| bits >> length & 1 == 1)
        .filter_map(|(_, at)| text.split_at_checked(at))
}
