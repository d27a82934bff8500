//! The parts of an address behind its divisions, and how two lists of parts relate.
//! Equal lists are one place; a value that both sides name and that differs is a contradiction; the rest is left out.

use smallvec::SmallVec;

use crate::division::DivisionChain;
use crate::numeral;
use crate::reference::{self, PairPlace};

/// What a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PartKind {
    /// A development zone or park.
    Zone,
    /// A town, township or street office.
    Town,
    /// A village, community or residents' committee.
    Village,
    /// A group, team or society of a village, with its word: `5组`.
    Group,
    /// A road, street or alley.
    Road,
    /// The number of a lane, 弄.
    Lane,
    /// A number at a road or in a village, 号; a range or list is one number.
    Number,
    /// A number below a number: 附3号.
    Annex,
    /// An estate, a house or anything else that is called by a name.
    Name,
    /// A section of an estate: 南区, A区.
    Section,
    /// A phase of an estate: 2期.
    Phase,
    /// A row of houses: 3排.
    Row,
    /// A building: 幢, 栋, 号楼, a lettered 座.
    Building,
    /// An entrance: 单元.
    Entrance,
    /// 5楼 where it may be a building or a storey.
    BuildingOrStorey,
    /// A storey, negative below the ground.
    Storey,
    /// A room: 室, 户, 房, or a last number.
    Room,
    /// Numbers joined by dashes that may be read in several ways.
    Dashed,
    /// Text in brackets.
    Bracket,
    /// A bare number in brackets.
    BracketNumber,
    /// A former number or name: 原36号.
    Former,
    /// What the address lies at: 银行旁.
    Remark,
}

/// How a part was spelt, where it is not certain that the spelling means the kind; parts of two spellings are not equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PartSpelling {
    /// In full.
    Plain,
    /// A number without its word.
    Bare,
    /// Behind a dash.
    Dash,
    /// In brackets.
    Bracketed,
    /// With a word that mostly, but not always, means this kind: 3座, 3门, 3幢5号, 之3.
    Other,
}

/// One part; its value stands in the text of its list.
#[derive(Clone, Copy, Debug)]
struct AddressPart {
    kind: PartKind,
    spelling: PartSpelling,
    /// Whether the minus of the value may be a mere dash.
    soft_sign: bool,
    start: u32,
    end: u32,
}

/// The parts of one address in their order.
#[derive(Clone, Default)]
pub(super) struct AddressParts {
    text: String,
    list: SmallVec<[AddressPart; 8]>,
}

/// How two lists of parts relate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TailRelation {
    /// One place.
    Equal,
    /// Only variant characters or numerals inside names differ.
    Variant,
    /// One says less than the other, or says it in another way; nothing contradicts.
    Partial,
    /// They contradict each other.
    Contradicting,
}

/// A part with its value.
#[derive(Clone, Copy)]
struct ValuedPart<'a> {
    kind: PartKind,
    soft_sign: bool,
    value: &'a str,
}

type PartValues<'a> = SmallVec<[ValuedPart<'a>; 4]>;

/// Whether two different values of one kind may stand for one thing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ValueExcuse {
    Variant,
    Partial,
}

const KINDS: [PartKind; 22] = [
    PartKind::Room,
    PartKind::Number,
    PartKind::Building,
    PartKind::Entrance,
    PartKind::Road,
    PartKind::Town,
    PartKind::Name,
    PartKind::Zone,
    PartKind::Village,
    PartKind::Group,
    PartKind::Lane,
    PartKind::Annex,
    PartKind::Section,
    PartKind::Phase,
    PartKind::Row,
    PartKind::BuildingOrStorey,
    PartKind::Storey,
    PartKind::Dashed,
    PartKind::Bracket,
    PartKind::BracketNumber,
    PartKind::Former,
    PartKind::Remark,
];

/// Words that end the names of towns and villages, longest first.
const PLACE_WORDS: [&str; 15] = [
    "街道办事处",
    "村民委员会",
    "居民委员会",
    "街道办",
    "村委会",
    "居委会",
    "行政村",
    "自然村",
    "民族乡",
    "苏木",
    "街道",
    "社区",
    "镇",
    "乡",
    "村",
];

impl PartialEq for AddressParts {
    fn eq(&self, other: &Self) -> bool {
        self.list.len() == other.list.len()
            && self
                .list
                .iter()
                .zip(&other.list)
                .all(|(a, b)| a.kind == b.kind && a.spelling == b.spelling && self.value(a) == other.value(b))
    }
}

impl AddressParts {
    pub(super) fn push(&mut self, kind: PartKind, spelling: PartSpelling, pieces: &[&str]) {
        let start = self.text.len();
        pieces.iter().for_each(|piece| self.text.push_str(piece));
        let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        self.list.push(AddressPart {
            kind,
            spelling,
            soft_sign: false,
            start: place(start),
            end: place(self.text.len()),
        });
    }

    /// Says that the minus of the last part may be a mere dash.
    pub(super) fn soften(&mut self) {
        if let Some(last) = self.list.last_mut() {
            last.soft_sign = true;
        }
    }

    /// Makes a range of the last part, a number.
    pub(super) fn extend_range(&mut self, until: &str) {
        if let Some(last) = self.list.last_mut() {
            self.text.push('-');
            self.text.push_str(until);
            last.end = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
        }
    }

    /// Whether a part of this kind and value is there.
    pub(super) fn holds(&self, kind: PartKind, value: &str) -> bool {
        self.list
            .iter()
            .any(|part| part.kind == kind && self.value(part) == value)
    }

    /// Whether a part of this kind is there.
    pub(super) fn has(&self, kind: PartKind) -> bool {
        self.list.iter().any(|part| part.kind == kind)
    }

    /// Each part's kind and value.
    pub(super) fn iter(&self) -> impl Iterator<Item = (PartKind, &str)> {
        self.list.iter().map(|part| (part.kind, self.value(part)))
    }

    /// The kind and value of the last part.
    pub(super) fn last(&self) -> Option<(PartKind, &str)> {
        self.list.last().map(|part| (part.kind, self.value(part)))
    }

    /// Bytes on the heap.
    pub(super) fn heap_bytes(&self) -> usize {
        let list = if self.list.spilled() {
            self.list.capacity() * size_of::<AddressPart>()
        } else {
            0
        };
        self.text.capacity() + list
    }

    fn value(&self, part: &AddressPart) -> &str {
        let place = |at: u32| usize::try_from(at).unwrap_or(usize::MAX);
        self.text.get(place(part.start)..place(part.end)).unwrap_or_default()
    }

    fn of_kind(&self, kind: PartKind) -> PartValues<'_> {
        let parts = self.list.iter().filter(|part| part.kind == kind);
        parts
            .map(|part| ValuedPart {
                kind,
                soft_sign: part.soft_sign,
                value: self.value(part),
            })
            .collect()
    }

    /// How these parts and others relate, behind two heads; symmetric.
    pub(super) fn relation(&self, other: &Self, heads: [&DivisionChain; 2]) -> TailRelation {
        if self == other {
            return TailRelation::Equal;
        }
        let mut variants_only = self.list.len() == other.list.len();
        for kind in KINDS {
            let (mine, theirs) = (self.of_kind(kind), other.of_kind(kind));
            if mine.is_empty() || theirs.is_empty() {
                variants_only &= mine.is_empty() && theirs.is_empty();
                continue;
            }
            let (left, right) = (without(&mine, &theirs), without(&theirs, &mine));
            if left.is_empty() && right.is_empty() {
                continue;
            }
            if left.is_empty() || right.is_empty() {
                variants_only = false;
                continue;
            }
            let (few, many) = if left.len() <= right.len() {
                (&left, &right)
            } else {
                (&right, &left)
            };
            for one in few {
                let excuses = many
                    .iter()
                    .filter_map(|of_others| self.excuse(other, *one, *of_others, heads));
                match excuses.min_by_key(|excuse| *excuse != ValueExcuse::Variant) {
                    Some(ValueExcuse::Variant) => {}
                    Some(ValueExcuse::Partial) => variants_only = false,
                    None => return TailRelation::Contradicting,
                }
            }
        }
        // What no kind shows: another order, another spelling.
        if variants_only && self.same_shape(other) {
            TailRelation::Variant
        } else {
            TailRelation::Partial
        }
    }

    fn same_shape(&self, other: &Self) -> bool {
        let pairs = || self.list.iter().zip(&other.list);
        pairs().all(|(a, b)| a.kind == b.kind && a.spelling == b.spelling)
            && pairs().all(|(a, b)| vary(self.value(a), other.value(b)))
    }

    /// Why two different values of a kind need not be two things, if there is a reason; symmetric.
    fn excuse(
        &self,
        other: &Self,
        a: ValuedPart<'_>,
        b: ValuedPart<'_>,
        heads: [&DivisionChain; 2],
    ) -> Option<ValueExcuse> {
        if !is_numbered(a.kind) && vary(a.value, b.value) {
            return Some(ValueExcuse::Variant);
        }
        let explained = || {
            let prefix = a.value.strip_suffix(b.value).or_else(|| b.value.strip_suffix(a.value));
            prefix.is_some_and(|prefix| {
                heads.iter().any(|head| head.names(prefix)) || self.has_stem(prefix) || other.has_stem(prefix)
            })
        };
        let excused = match a.kind {
            PartKind::Name | PartKind::Bracket | PartKind::Former => {
                is_within(a.value, b.value) || is_within(b.value, a.value)
            }
            // Two places may both be near.
            PartKind::Remark => true,
            PartKind::Road => explained(),
            PartKind::Town => stem(a.value) == stem(b.value) || explained(),
            PartKind::Village => village_excuse(a.value, b.value) || explained(),
            PartKind::Zone => zone_excuse(a.value, b.value),
            PartKind::Group => {
                let digits = |value: &'_ str| value.trim_end_matches(['组', '队', '社']).to_owned();
                digits(a.value) == digits(b.value)
            }
            PartKind::Storey => storey_number(a.value) == storey_number(b.value),
            PartKind::Dashed => a.value.starts_with(b.value) || b.value.starts_with(a.value),
            PartKind::Room => {
                let unsigned =
                    |one: ValuedPart<'_>| one.soft_sign.then(|| one.value.trim_start_matches('-').to_owned());
                unsigned(a).is_some_and(|value| value == b.value)
                    || unsigned(b).is_some_and(|value| value == a.value)
                    || ranges_meet(a.value, b.value)
                    || self.counts_storey(a.value, other, b.value)
                    || other.counts_storey(b.value, self, a.value)
            }
            PartKind::Number | PartKind::Building | PartKind::Entrance | PartKind::Annex => {
                ranges_meet(a.value, b.value)
            }
            _ => false,
        };
        excused.then_some(ValueExcuse::Partial)
    }

    /// Whether a name of a town, village, zone or estate is `stem`, with or without its last word.
    fn has_stem(&self, wanted: &str) -> bool {
        let named = |kind| {
            matches!(
                kind,
                PartKind::Town | PartKind::Village | PartKind::Zone | PartKind::Name
            )
        };
        self.list
            .iter()
            .any(|part| named(part.kind) && (self.value(part) == wanted || stem(self.value(part)) == wanted))
    }

    /// Whether room `short` on a storey of this address is room `long` of another that names none: 12层03室, 1203室.
    fn counts_storey(&self, short: &str, other: &Self, long: &str) -> bool {
        if short.len() > 2 || other.has(PartKind::Storey) || other.has(PartKind::BuildingOrStorey) {
            return false;
        }
        let storeys = self
            .list
            .iter()
            .filter(|part| matches!(part.kind, PartKind::Storey | PartKind::BuildingOrStorey));
        let mut storeys = storeys.map(|part| self.value(part));
        storeys.any(|storey| {
            long.strip_prefix(storey)
                .is_some_and(|room| room.trim_start_matches('0') == short)
        })
    }
}

/// The values of `all` that are not among `others`, each counted once.
fn without<'a>(all: &PartValues<'a>, others: &PartValues<'a>) -> PartValues<'a> {
    let mut open: SmallVec<[&str; 4]> = others.iter().map(|other| other.value).collect();
    let mut left = PartValues::new();
    for one in all {
        match open.iter().position(|value| *value == one.value) {
            Some(at) => {
                open.swap_remove(at);
            }
            None => left.push(*one),
        }
    }
    left
}

const fn is_numbered(kind: PartKind) -> bool {
    matches!(
        kind,
        PartKind::Number
            | PartKind::Annex
            | PartKind::Lane
            | PartKind::Building
            | PartKind::Entrance
            | PartKind::BuildingOrStorey
            | PartKind::Storey
            | PartKind::Room
            | PartKind::Dashed
            | PartKind::Group
            | PartKind::Phase
            | PartKind::Row
            | PartKind::BracketNumber
    )
}

/// The name of a town or village without its last word.
fn stem(value: &str) -> &str {
    let stem = PLACE_WORDS.iter().find_map(|word| value.strip_suffix(word));
    stem.filter(|stem| !stem.is_empty()).unwrap_or(value)
}

/// Two names of villages: the same name with another word, or a community against a hamlet.
fn village_excuse(a: &str, b: &str) -> bool {
    let word = |value: &'_ str| match value {
        _ if value.ends_with("社区") || value.ends_with("居民委员会") || value.ends_with("居委会") => 1,
        _ if value.ends_with("村民委员会") || value.ends_with("村委会") || value.ends_with("行政村") => 2,
        _ => 3,
    };
    stem(a) == stem(b) || word(a) != word(b)
}

/// Two names of zones that may be one: long and short forms, with or without the city's name.
fn zone_excuse(a: &str, b: &str) -> bool {
    let class = |value: &'_ str| {
        if value.contains("高新") {
            1
        } else if value.contains("经济") || value.contains("经开") {
            2
        } else {
            3
        }
    };
    class(a) == class(b) && (class(a) < 3 || is_within(a, b) || is_within(b, a))
}

/// B1, 地下1 and -1 as -1; other storeys as they are.
fn storey_number(value: &str) -> String {
    let below = ["地下", "B", "-"].iter().find_map(|sign| value.strip_prefix(sign));
    below.map_or_else(|| value.to_owned(), |number| format!("-{number}"))
}

/// Whether one number, list or range lies in the other: 1 in 1、3, 4 in 2-6.
fn ranges_meet(a: &str, b: &str) -> bool {
    let within = |all: &str, one: &str| {
        if all.contains('、') {
            return all.split('、').any(|item| item == one)
                || one.split('、').all(|item| all.split('、').any(|of| of == item));
        }
        let Some((first, last)) = all.split_once('-').filter(|(first, _)| !first.is_empty()) else {
            return false;
        };
        let number = |text: &str| text.parse::<u32>().ok();
        match (number(first), number(last), number(one)) {
            (Some(first), Some(last), Some(one)) if first <= last => first <= one && one <= last,
            _ => one == first || one == last,
        }
    };
    within(a, b) || within(b, a)
}

/// Whether the characters of one text are all in the other, in the same order.
fn is_within(short: &str, long: &str) -> bool {
    let mut rest = long.chars();
    short.chars().all(|c| rest.any(|other| other == c))
}

/// Whether two values differ only by variant characters or by numerals inside a name (九华山路, 9华山路).
fn vary(a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    let (a, b) = (with_digits(a), with_digits(b));
    let (mut left, mut right) = (a.chars(), b.chars());
    loop {
        match (left.next(), right.next()) {
            (None, None) => return true,
            (Some(x), Some(y)) if reference::variants_agree(x, y, PairPlace::Anywhere) => {}
            _ => return false,
        }
    }
}

/// A text with every Chinese numeral as digits.
fn with_digits(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let (run, behind) = super::number::split_numeral(rest);
        match numeral::digits(run) {
            Some(digits) => {
                out.push_str(&digits);
                rest = behind;
            }
            None => {
                out.push(c);
                rest = rest.get(c.len_utf8()..).unwrap_or_default();
            }
        }
    }
    out
}
