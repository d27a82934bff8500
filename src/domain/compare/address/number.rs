//! The numbers of an address: digits, one or two letters, or a numeral, with the word behind that says what is numbered.
//! 二号路 and 三门镇 are names: a word that itself begins the end of a name is no word of a number.

use std::borrow::Cow;

use smallvec::SmallVec;

use crate::numeral;

/// The word behind a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NumberUnit {
    Building,
    Seat,
    Entrance,
    Door,
    Storey,
    BuildingOrStorey,
    Room,
    Number,
    Lane,
    Group,
    Team,
    Society,
    Phase,
    Section,
    Row,
    Hash,
}

/// The words, longest first.
const UNITS: [(&str, NumberUnit); 30] = [
    ("村民小组", NumberUnit::Group),
    ("村民组", NumberUnit::Group),
    ("生产队", NumberUnit::Team),
    ("号房间", NumberUnit::Room),
    ("号楼", NumberUnit::Building),
    ("幢楼", NumberUnit::Building),
    ("栋楼", NumberUnit::Building),
    ("#楼", NumberUnit::Building),
    ("#幢", NumberUnit::Building),
    ("#栋", NumberUnit::Building),
    ("号幢", NumberUnit::Building),
    ("号栋", NumberUnit::Building),
    ("单元", NumberUnit::Entrance),
    ("号房", NumberUnit::Room),
    ("号室", NumberUnit::Room),
    ("房间", NumberUnit::Room),
    ("小组", NumberUnit::Group),
    ("幢", NumberUnit::Building),
    ("栋", NumberUnit::Building),
    ("座", NumberUnit::Seat),
    ("门", NumberUnit::Door),
    ("层", NumberUnit::Storey),
    ("楼", NumberUnit::BuildingOrStorey),
    ("室", NumberUnit::Room),
    ("户", NumberUnit::Room),
    ("房", NumberUnit::Room),
    ("号", NumberUnit::Number),
    ("弄", NumberUnit::Lane),
    ("组", NumberUnit::Group),
    ("队", NumberUnit::Team),
];
/// Words of one character that need a number of few digits before them.
const SHORT_UNITS: [(&str, NumberUnit); 5] = [
    ("期", NumberUnit::Phase),
    ("区", NumberUnit::Section),
    ("排", NumberUnit::Row),
    ("#", NumberUnit::Hash),
    ("社", NumberUnit::Society),
];
/// The first characters of these words: a quick look at text that holds none.
#[rustfmt::skip]
const UNIT_SIGNS: [char; 22] = [
    '村', '生', '号', '幢', '栋', '#', '单', '房', '小', '座', '门', '层', '楼', '室', '户', '弄', '组', '队', '期', '区', '排', '社',
];
/// Characters that turn a numeral with a word into a name: 二号路, 三组村.
const NAME_ENDS: [char; 15] = [
    '路', '街', '道', '巷', '村', '镇', '乡', '桥', '线', '山', '湖', '河', '庄', '港', '区',
];
/// Characters that turn even digits into a name: 2号路, 1村.
pub(super) const ROAD_ENDS: [char; 8] = ['路', '街', '道', '巷', '线', '村', '镇', '乡'];
/// What follows 门 or 房 or 社 where it is no word of its own.
const NOT_A_UNIT: [char; 10] = ['面', '店', '诊', '口', '市', '头', '产', '会', '屋', '区'];
/// Numbers that are joined by dashes or listed, the word behind them, and what follows.
pub(super) struct JoinedNumbers<'a> {
    pub(super) numbers: SmallVec<[Cow<'a, str>; 4]>,
    pub(super) listed: bool,
    pub(super) unit: Option<NumberUnit>,
    pub(super) behind: &'a str,
}

/// The everyday numerals at the head of a text, and what follows them.
pub(super) fn split_numeral(text: &str) -> (&str, &str) {
    let end = text.find(|c| !numeral::is_everyday(c)).unwrap_or(text.len());
    text.split_at(end)
}

/// A number without leading zeros.
pub(super) fn plain(number: &str) -> &str {
    let kept = number.trim_start_matches('0');
    match kept.chars().next() {
        Some(c) if c.is_ascii_digit() => kept,
        // Zeros before a letter stay.
        Some(_) => number,
        None => "0",
    }
}

/// The number at the head of a text that is one by what follows it: digits, one or two letters with a word, a numeral with a word.
pub(super) fn number_at(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let first = text.chars().next()?;
    if first.is_ascii_alphanumeric() {
        let (number, behind) = split_word(text);
        let digits = number.bytes().any(|b| b.is_ascii_digit());
        let joined = || {
            let next = behind.strip_prefix('-').and_then(|next| next.chars().next());
            next.is_some_and(|c| c.is_ascii_digit())
        };
        let counts = digits || (number.len() <= 2 && (unit_at(number, behind).is_some() || joined()));
        return counts.then_some((Cow::Borrowed(number), behind));
    }
    if !numeral::is_everyday(first) {
        return None;
    }
    let (run, behind) = split_numeral(text);
    let digits = numeral::digits(run)?;
    unit_at(run, behind)?;
    Some((Cow::Owned(digits), behind))
}

/// The number at the head of a text, whatever follows it.
pub(super) fn any_number_at(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let first = text.chars().next()?;
    if first.is_ascii_alphanumeric() {
        let (number, behind) = split_word(text);
        return Some((Cow::Borrowed(number), behind));
    }
    let (run, behind) = split_numeral(text);
    Some((Cow::Owned(numeral::digits(run)?), behind))
}

fn split_word(text: &str) -> (&str, &str) {
    let end = text.bytes().position(|b| !b.is_ascii_alphanumeric());
    text.split_at(end.unwrap_or(text.len()))
}

/// The word behind a number, and what follows it; none where it begins the name of a road or village.
pub(super) fn unit_at<'a>(number: &str, behind: &'a str) -> Option<(NumberUnit, &'a str)> {
    if !behind.starts_with(UNIT_SIGNS) {
        return None;
    }
    let words = UNITS.iter().chain(&SHORT_UNITS);
    let (unit, rest) = words
        .filter_map(|(word, unit)| Some((*unit, behind.strip_prefix(word)?)))
        .next()?;
    let in_digits = number.is_ascii();
    let begins_name = match unit {
        NumberUnit::Door | NumberUnit::Society | NumberUnit::Room if rest.starts_with(NOT_A_UNIT) => true,
        NumberUnit::Building if !in_digits => rest.starts_with(['镇', '乡', '村']),
        NumberUnit::Building | NumberUnit::Seat | NumberUnit::Entrance | NumberUnit::Storey | NumberUnit::Hash => false,
        _ if in_digits => rest.starts_with(ROAD_ENDS),
        _ => rest.starts_with(NAME_ENDS),
    };
    (!begins_name).then_some((unit, rest))
}

/// The numbers that follow the first, joined by dashes or listed, and the word behind the last.
pub(super) fn join<'a>(first: Cow<'a, str>, behind: &'a str) -> JoinedNumbers<'a> {
    let mut joined = JoinedNumbers {
        numbers: SmallVec::from_iter([first]),
        listed: false,
        unit: None,
        behind,
    };
    loop {
        let last = joined.numbers.last().map_or("", |number| number);
        if let Some((unit, behind)) = unit_at(last, joined.behind) {
            (joined.unit, joined.behind) = (Some(unit), behind);
            return joined;
        }
        let next = joined.behind.strip_prefix(['-', '/']).map(|next| (next, false));
        let next = next.or_else(|| joined.behind.strip_prefix('、').map(|next| (next, true)));
        let until = || joined.behind.strip_prefix(['至', '到']).map(|next| (next, false));
        let Some((next, listed)) = next.or_else(until) else {
            return joined;
        };
        let Some((number, behind)) = next
            .starts_with(|c: char| c.is_ascii_alphanumeric())
            .then(|| split_word(next))
        else {
            return joined;
        };
        joined.numbers.push(Cow::Borrowed(number));
        joined.listed |= listed;
        joined.behind = behind;
    }
}
