//! Splits the words of an address between its numbers: zones, towns, villages, roads and names.
//! A word that ends one name may begin another (中山路街道, 官巷村, 新村路), so the longer name is taken.

use super::parts::{AddressParts, PartKind, PartSpelling};

/// What ends a name, and what the name then is; of two that begin at one place, the longer stands first.
const ENDS: [(&str, PartKind); 41] = [
    ("街道办事处", PartKind::Town),
    ("街道办", PartKind::Town),
    ("街道", PartKind::Town),
    ("民族乡", PartKind::Town),
    ("苏木", PartKind::Town),
    ("村民委员会", PartKind::Village),
    ("居民委员会", PartKind::Village),
    ("村委会", PartKind::Village),
    ("居委会", PartKind::Village),
    ("行政村", PartKind::Village),
    ("自然村", PartKind::Village),
    ("社区", PartKind::Village),
    ("嘎查", PartKind::Village),
    ("村民小组", PartKind::Group),
    ("村民组", PartKind::Group),
    ("组", PartKind::Group),
    ("开发区", PartKind::Zone),
    ("集中区", PartKind::Zone),
    ("工业园区", PartKind::Zone),
    ("工业园", PartKind::Zone),
    ("产业园区", PartKind::Zone),
    ("产业园", PartKind::Zone),
    ("科技园", PartKind::Zone),
    ("园区", PartKind::Zone),
    ("高新区", PartKind::Zone),
    ("经开区", PartKind::Zone),
    ("新区", PartKind::Zone),
    ("试验区", PartKind::Zone),
    ("片区", PartKind::Zone),
    ("示范区", PartKind::Zone),
    ("保税区", PartKind::Zone),
    ("度假区", PartKind::Zone),
    ("大道", PartKind::Road),
    ("大街", PartKind::Road),
    ("胡同", PartKind::Road),
    ("路", PartKind::Road),
    ("街", PartKind::Road),
    ("巷", PartKind::Road),
    ("道", PartKind::Road),
    ("镇", PartKind::Town),
    ("乡", PartKind::Town),
];
/// The first characters of these words: a quick look at text that holds none.
#[rustfmt::skip]
const END_SIGNS: [char; 31] = [
    '街', '民', '村', '居', '行', '自', '社', '嘎', '开', '集', '工', '产', '科', '园', '高', '经', '新', '试', '片', '示', '保',
    '度', '大', '胡', '路', '巷', '道', '镇', '乡', '苏', '组',
];
/// The last of them: a village, unless it is part of a longer name.
const VILLAGE: (&str, PartKind) = ("村", PartKind::Village);
/// The words that the names of one kind are written with in one spelling: 街道办事处 is 街道.
const ONE_WORD: [(&str, &str); 6] = [
    ("村民小组", "组"),
    ("村民组", "组"),
    ("街道办事处", "街道"),
    ("街道办", "街道"),
    ("村民委员会", "村委会"),
    ("居民委员会", "居委会"),
];
/// What, behind the end of a name, makes the name longer: 新村路, 许镇镇, 中山路社区.
const GO_ON: [&str; 10] = ["路", "街", "巷", "道", "镇", "乡", "村", "社区", "大道", "大街"];
/// The sections of an estate that are called by their direction.
const SECTIONS: [&str; 5] = ["东区", "南区", "西区", "北区", "中区"];

/// Pushes the parts of a text that holds no number.
pub(super) fn push(parts: &mut AddressParts, text: &str) {
    let (mut name, mut at) = (text, 0);
    while let Some(c) = name.get(at..).and_then(|rest| rest.chars().next()) {
        let rest = name.get(at..).unwrap_or_default();
        match end_of_name(rest).filter(|_| at > 0) {
            Some((word, kind)) => {
                let (whole, behind) = name.split_at_checked(at + word.len()).unwrap_or((name, ""));
                match ONE_WORD.iter().find(|row| row.0 == word) {
                    Some((_, one)) => {
                        parts.push(kind, PartSpelling::Plain, &[whole.get(..at).unwrap_or_default(), one])
                    }
                    None => parts.push(kind, PartSpelling::Plain, &[whole]),
                }
                (name, at) = (behind, 0);
            }
            None => at += c.len_utf8(),
        }
    }
    push_name(parts, name);
}

/// The word at the head of `rest` that ends a name there.
fn end_of_name(rest: &str) -> Option<(&'static str, PartKind)> {
    if !rest.starts_with(END_SIGNS) {
        return None;
    }
    let mut ends = ENDS.iter().chain(std::iter::once(&VILLAGE));
    let (word, kind) = ends.find(|(word, _)| rest.starts_with(word))?;
    let behind = rest.get(word.len()..).unwrap_or_default();
    let goes_on =
        GO_ON.iter().any(|word| behind.starts_with(word)) || (*word == "组" && behind.starts_with(['团', '织']));
    (!goes_on).then_some((word, *kind))
}

fn push_name(parts: &mut AddressParts, name: &str) {
    if name.is_empty() {
        return;
    }
    let section = SECTIONS
        .iter()
        .find_map(|section| Some((name.strip_suffix(section)?, section)));
    match section {
        Some((name, section)) => {
            if !name.is_empty() {
                parts.push(PartKind::Name, PartSpelling::Plain, &[name]);
            }
            parts.push(PartKind::Section, PartSpelling::Plain, &[section]);
        }
        None => parts.push(PartKind::Name, PartSpelling::Plain, &[name]),
    }
}
