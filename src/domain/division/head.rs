//! Takes division names off the head of an address, longest first, level by level.
//! A short name (安徽, 芜湖) counts only where a county of that place follows: 北京中路 is a road.

use smallvec::SmallVec;

use super::{Chain, Codes};
use crate::reference::{self, DivisionRow, Lengths};

/// The code under which the list holds the nation itself.
const NATION: u32 = 100_000;

/// Names that the code list holds for its own order and that stand for no place.
const NO_PLACE: [&str; 3] = ["市辖区", "市区", "县"];

/// A text, with what may stand at its head.
struct Place<'a> {
    text: &'a str,
    lengths: Lengths,
    /// The division names at its head, shortest first: the rows of each, and what follows it.
    names: SmallVec<[(&'static [DivisionRow], &'a str); 4]>,
}

impl<'a> Place<'a> {
    fn at(text: &'a str) -> Self {
        let lengths = reference::lengths_from(text);
        let mut names = SmallVec::new();
        for (name, rest) in heads(text, lengths.divisions) {
            let rows = reference::divisions_named(name);
            if !rows.is_empty() && !NO_PLACE.contains(&name) {
                names.push((rows, rest));
            }
        }
        Self { text, lengths, names }
    }

    /// The longest of the names that has a fitting row, with what follows and its codes.
    fn longest(&self, fits: impl Fn(&DivisionRow) -> bool) -> Option<(&'static str, &'a str, Codes)> {
        self.names.iter().rev().find_map(|(rows, rest)| {
            let fitting = || rows.iter().filter(|row| fits(row));
            let name = fitting().next()?.name;
            let mut codes: Codes = fitting().map(|row| row.code).collect();
            codes.sort_unstable();
            codes.dedup();
            Some((name, *rest, codes))
        })
    }
}

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
    let place = Place::at(text);
    let is_province = |row: &DivisionRow| row.code.is_multiple_of(10_000) && row.code != NATION;
    let named = place
        .names
        .iter()
        .find_map(|(rows, rest)| rows.iter().find(|row| is_province(row)).map(|row| (row.code, *rest)));
    if let Some((code, rest)) = named {
        let province = code / 10_000;
        let (mut chain, rest) = take_city(rest, province);
        chain.province = province;
        return (chain, rest);
    }
    // A short name counts only where a city or county of that province follows: 北京中路 is a road.
    for (short, rest) in heads(text, place.lengths.short_provinces) {
        if let Some(province) = reference::province_called(short) {
            let (mut chain, rest) = take_city(rest, province);
            if !chain.is_empty() {
                chain.province = province;
                return (chain, rest);
            }
        }
    }
    take_city_at(&place, 0)
}

fn take_city(text: &str, province: u32) -> (Chain, &str) {
    // 北京市市辖区朝阳区: the word only orders the code list.
    let text = text.strip_prefix("市辖区").unwrap_or(text);
    take_city_at(&Place::at(text), province)
}

fn take_city_at<'a>(place: &Place<'a>, province: u32) -> (Chain, &'a str) {
    let of_province = |row: &DivisionRow| province == 0 || row.code / 10_000 == province;
    let is_city =
        |row: &DivisionRow| row.code.is_multiple_of(100) && !row.code.is_multiple_of(10_000) && of_province(row);
    if let Some((name, rest, codes)) = place.longest(is_city) {
        let cities: Codes = codes.iter().map(|code| code / 100).collect();
        let rest = rest.strip_prefix("市辖区").unwrap_or(rest);
        let (mut chain, tail) = take_county(&Place::at(rest), province, &cities);
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
    for (short, rest) in heads(place.text, place.lengths.short_cities) {
        let cities: Codes = reference::cities_called(short)
            .iter()
            .copied()
            .filter(|city| province == 0 || city / 100 == province)
            .collect();
        if cities.is_empty() {
            continue;
        }
        let (mut chain, tail) = take_county(&Place::at(rest), province, &cities);
        if !chain.counties.is_empty() {
            chain.cities = cities;
            return (chain, tail);
        }
    }
    take_county(place, province, &[])
}

fn take_county<'a>(place: &Place<'a>, province: u32, cities: &[u32]) -> (Chain, &'a str) {
    let fits = |row: &DivisionRow| {
        !row.code.is_multiple_of(100)
            && (province == 0 || row.code / 10_000 == province)
            // Counties that answer to the province directly have 90 in the city's place.
            && (cities.is_empty() || cities.contains(&(row.code / 100)))
    };
    match place.longest(fits) {
        Some((county, rest, counties)) => (
            Chain {
                county,
                counties,
                ..Chain::default()
            },
            rest,
        ),
        None => (Chain::default(), place.text),
    }
}

/// The heads of `text` of the lengths that `bits` holds, in characters, shortest first, each with what follows it.
fn heads(text: &str, bits: u64) -> impl Iterator<Item = (&str, &str)> {
    let (mut chars, mut longer) = (text.chars(), bits);
    std::iter::from_fn(move || {
        while longer > 1 {
            chars.next()?;
            longer >>= 1;
            if longer & 1 == 1 {
                return text.split_at_checked(text.len() - chars.as_str().len());
            }
        }
        None
    })
}
