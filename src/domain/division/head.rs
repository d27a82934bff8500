//! Takes division names off the head of an address, longest first, level by level.
//! A short name (安徽, 芜湖) counts only where a city or county of that place follows: 北京中路 is a road.

use smallvec::SmallVec;

use super::DivisionChain;
use super::table::{CodeLevel, DivisionRow, NameLengths, RowId, RowIds, divisions, meet, province_called};

/// What a road's name ends with: a short name before one of them is the road's, 弋江中路.
const ROAD_WORDS: [&str; 8] = ["路", "街", "道", "巷", "弄", "里", "桥", "线"];

/// Words that stand between a province or city and its counties in the code list.
const ORDER_WORDS: [&str; 4] = [
    "市辖区",
    "省直辖县级行政区划",
    "省直辖县级行政单位",
    "自治区直辖县级行政区划",
];

/// A text, with what may stand at its head.
struct HeadPlace<'a> {
    text: &'a str,
    lengths: NameLengths,
    /// The division names at its head, shortest first: the rows of each, and what follows it.
    names: SmallVec<[(&'static [RowId], &'a str); 4]>,
}

impl<'a> HeadPlace<'a> {
    fn at(text: &'a str) -> Self {
        let table = divisions();
        let lengths = table.lengths_from(text);
        let mut names = SmallVec::new();
        for (name, rest) in heads(text, lengths.full) {
            let rows = table.named(name);
            // 无为市场路: the last character begins another word.
            let another_word = name.ends_with('市') && rest.starts_with('场');
            if !rows.is_empty() && !another_word {
                names.push((rows, rest));
            }
        }
        Self { text, lengths, names }
    }

    /// The longest of the names that has a fitting row, with what follows and its rows.
    fn longest(&self, fits: impl Fn(&DivisionRow) -> bool) -> Option<(&'static str, &'a str, RowIds)> {
        let table = divisions();
        self.names.iter().rev().find_map(|(rows, rest)| {
            let fitting: RowIds = rows
                .iter()
                .copied()
                .filter(|&id| table.row(id).is_some_and(&fits))
                .collect();
            let name = table.rows(&fitting).next()?.name;
            Some((name, *rest, fitting))
        })
    }

    /// The longest of the names of one level, where all that bear it are one division: then it is certain which one is meant.
    fn only(&self, level: CodeLevel) -> Option<(&'static str, &'a str, RowIds)> {
        let found = self.longest(|row| row.level() == level)?;
        let mut units: RowIds = divisions().rows(&found.2).map(|row| row.unit).collect();
        units.dedup();
        (units.len() == 1).then_some(found)
    }
}

/// One head and what follows it.
pub(super) fn take_once(text: &str) -> (DivisionChain, &str) {
    let inner = ["中华人民共和国", "中国", "新疆生产建设兵团"]
        .iter()
        .find_map(|country| text.strip_prefix(country));
    match inner.map(take_province) {
        Some((chain, rest)) if !chain.is_empty() => (chain, rest),
        _ => take_province(text),
    }
}

fn take_province(text: &str) -> (DivisionChain, &str) {
    let (table, place) = (divisions(), HeadPlace::at(text));
    let named = place.names.iter().find_map(|(rows, rest)| {
        let row = table.rows(rows).find(|row| row.level() == CodeLevel::Province)?;
        Some((row.province(), *rest))
    });
    if let Some((province, rest)) = named {
        let (mut chain, rest) = take_city(rest, province);
        chain.province = province;
        return (chain, rest);
    }
    // A short name counts only where a city or county of that province follows: 北京中路 is a road.
    for (short, rest) in heads(text, place.lengths.short) {
        if let Some(province) = province_called(short) {
            let (mut chain, rest) = take_city_at(&HeadPlace::at(rest), province, true);
            if !chain.is_empty() && !chain.clash {
                chain.province = province;
                return (chain, rest);
            }
        }
    }
    take_city_at(&place, 0, false)
}

fn take_city(text: &str, province: u32) -> (DivisionChain, &str) {
    let text = without_order(text);
    let place = HeadPlace::at(text);
    let (chain, rest) = take_city_at(&place, province, true);
    if !chain.is_empty() {
        return (chain, rest);
    }
    // 江苏省芜湖市: a city of another province, of a name that no other has.
    if let Some((_, _, cities)) = place.only(CodeLevel::City) {
        let (mut chain, rest) = take_city_at(&place, 0, false);
        if meet(&chain.cities, &cities) || !chain.rows.is_empty() {
            chain.clash = true;
            return (chain, rest);
        }
    }
    clashing_county(&place).unwrap_or((chain, rest))
}

/// The text without a word that only orders the code list: 北京市市辖区朝阳区.
fn without_order(text: &str) -> &str {
    ORDER_WORDS
        .iter()
        .find_map(|word| text.strip_prefix(word))
        .unwrap_or(text)
}

/// `above`: whether a province was named, so that a short city needs no county behind it.
fn take_city_at<'a>(place: &HeadPlace<'a>, province: u32, above: bool) -> (DivisionChain, &'a str) {
    let table = divisions();
    let of_province = |row: &DivisionRow| province == 0 || row.province() == province;
    if let Some((name, rest, rows)) = place.longest(|row| row.level() == CodeLevel::City && of_province(row)) {
        return take_below_city(name, rest, rows, &of_province);
    }
    // A short city name counts only where a county of that city follows: 芜湖路 is a road.
    for (short, rest) in heads(place.text, place.lengths.short) {
        let cities: RowIds = table
            .cities_called(short)
            .iter()
            .copied()
            .filter(|&id| table.row(id).is_some_and(of_province))
            .collect();
        if cities.is_empty() {
            continue;
        }
        let (mut chain, mut tail) = take_county(&HeadPlace::at(rest), province, &cities);
        if chain.rows.is_empty() && above && !is_road(rest) {
            (chain, tail) = short_county(rest, &cities).unwrap_or((chain, tail));
            chain.loose = true;
        }
        if !chain.rows.is_empty() || chain.loose {
            chain.cities = cities;
            return (chain, tail);
        }
    }
    take_county(place, province, &[])
}

fn take_below_city<'a>(
    name: &'static str,
    rest: &'a str,
    cities: RowIds,
    of_province: &impl Fn(&DivisionRow) -> bool,
) -> (DivisionChain, &'a str) {
    let table = divisions();
    let rest = without_order(rest);
    let place = HeadPlace::at(rest);
    let (mut chain, mut tail) = take_county(&place, 0, &cities);
    if chain.rows.is_empty() {
        // 巢湖市 was a city and is a county-level one today.
        let now = |row: &DivisionRow| row.level() == CodeLevel::County && row.is_current() && of_province(row);
        let counties: RowIds = table
            .named(name)
            .iter()
            .copied()
            .filter(|&id| table.row(id).is_some_and(now))
            .collect();
        if !counties.is_empty() {
            let chain = DivisionChain {
                county: name,
                rows: counties,
                ..DivisionChain::default()
            };
            return (chain, rest);
        }
        let other = clashing_county(&place).or_else(|| short_county(rest, &cities));
        (chain, tail) = other.unwrap_or((chain, tail));
    }
    chain.cities = cities;
    (chain, tail)
}

fn take_county<'a>(place: &HeadPlace<'a>, province: u32, cities: &[RowId]) -> (DivisionChain, &'a str) {
    let table = divisions();
    let in_city = |row: &DivisionRow| {
        let here = |row: &DivisionRow| table.rows(cities).any(|city| row.lies_in(city));
        // Counties that answer to the province directly have 90 in the city's place; some cities lead them.
        let direct = row.city() % 100 == 90;
        cities.is_empty() || here(row) || (direct && table.rows_of_unit(row.unit).any(here))
    };
    let fits = |row: &DivisionRow| {
        row.level() == CodeLevel::County && (province == 0 || row.province() == province) && in_city(row)
    };
    match place.longest(fits) {
        Some((county, rest, rows)) => (
            DivisionChain {
                county,
                rows,
                ..DivisionChain::default()
            },
            rest,
        ),
        None => (DivisionChain::default(), place.text),
    }
}

/// A county that never lay in the place named before it, of a name that no other has.
fn clashing_county<'a>(place: &HeadPlace<'a>) -> Option<(DivisionChain, &'a str)> {
    let (county, rest, rows) = place.only(CodeLevel::County)?;
    // 郊区 and the like, or a road or town that is called like a county, prove nothing.
    let long = county.chars().nth(2).is_some() || county.ends_with('县');
    let proven = long && !is_road(rest) && !rest.starts_with(['镇', '乡', '村']);
    proven.then(|| {
        let chain = DivisionChain {
            county,
            rows,
            clash: true,
            ..DivisionChain::default()
        };
        (chain, rest)
    })
}

/// A county of the city without its last word, 镜湖 for 镜湖区, unless it begins the name of a road.
fn short_county<'a>(text: &'a str, cities: &[RowId]) -> Option<(DivisionChain, &'a str)> {
    let table = divisions();
    heads(text, table.lengths_from(text).short).find_map(|(short, rest)| {
        let in_city = |id: &RowId| {
            let row = table.row(*id);
            row.is_some_and(|row| table.rows(cities).any(|city| row.lies_in(city)))
        };
        let rows: RowIds = table.counties_called(short).iter().copied().filter(in_city).collect();
        let county = table.rows(&rows).next()?.name;
        let whole = !rest.is_empty()
            && !is_road(rest)
            && !rest.starts_with(['市', '县', '区', '镇', '乡', '村', '新', '经', '高', '开']);
        whole.then(|| {
            let chain = DivisionChain {
                county,
                rows,
                loose: true,
                ..DivisionChain::default()
            };
            (chain, rest)
        })
    })
}

/// Whether what follows a short name makes it the name of a road: 路, 中路, 东一路.
fn is_road(rest: &str) -> bool {
    let mut rest = rest.chars();
    for _ in 0..3 {
        if ROAD_WORDS.iter().any(|word| rest.as_str().starts_with(word)) {
            return true;
        }
        match rest.next() {
            Some('东' | '西' | '南' | '北' | '中' | '大' | '一' | '二' | '三' | '四' | '五' | '支') => {}
            _ => return false,
        }
    }
    false
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
