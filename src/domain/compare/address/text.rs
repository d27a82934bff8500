//! Splits the words of an address between its numbers: zones, towns, villages, roads and names.
//! A word that ends one name may begin another (中山路街道, 官巷村, 新村路), so the longer name is taken.

use super::parts::{Kind, Parts, Spelling};

/// What ends a name, and what the name then is; of two that begin at one place, the longer stands first.
const ENDS: [(&str, Kind); 41] = [
    ("街道办事处", Kind::Town),
    ("街道办", Kind::Town),
    ("街道", Kind::Town),
    ("民族乡", Kind::Town),
    ("苏木", Kind::Town),
    ("村民委员会", Kind::Village),
    ("居民委员会", Kind::Village),
    ("村委会", Kind::Village),
    ("居委会", Kind::Village),
    ("行政村", Kind::Village),
    ("自然村", Kind::Village),
    ("社区", Kind::Village),
    ("嘎查", Kind::Village),
    ("村民小组", Kind::Group),
    ("村民组", Kind::Group),
    ("组", Kind::Group),
    ("开发区", Kind::Zone),
    ("集中区", Kind::Zone),
    ("工业园区", Kind::Zone),
    ("工业园", Kind::Zone),
    ("产业园区", Kind::Zone),
    ("产业园", Kind::Zone),
    ("科技园", Kind::Zone),
    ("园区", Kind::Zone),
    ("高新区", Kind::Zone),
    ("经开区", Kind::Zone),
    ("新区", Kind::Zone),
    ("试验区", Kind::Zone),
    ("片区", Kind::Zone),
    ("示范区", Kind::Zone),
    ("保税区", Kind::Zone),
    ("度假区", Kind::Zone),
    ("大道", Kind::Road),
    ("大街", Kind::Road),
    ("胡同", Kind::Road),
    ("路", Kind::Road),
    ("街", Kind::Road),
    ("巷", Kind::Road),
    ("道", Kind::Road),
    ("镇", Kind::Town),
    ("乡", Kind::Town),
];
/// The first characters of these words: a quick look at text that holds none.
#[rustfmt::skip]
const END_SIGNS: [char; 31] = [
    '街', '民', '村', '居', '行', '自', '社', '嘎', '开', '集', '工', '产', '科', '园', '高', '经', '新', '试', '片', '示', '保',
    '度', '大', '胡', '路', '巷', '道', '镇', '乡', '苏', '组',
];
/// The last of them: a village, unless it is part of a longer name.
const VILLAGE: (&str, Kind) = ("村", Kind::Village);
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
pub(super) fn push(parts: &mut Parts, text: &str) {
    let (mut name, mut at) = (text, 0);
    while let Some(c) = name.get(at..).and_then(|rest| rest.chars().next()) {
        let rest = name.get(at..).unwrap_or_default();
        match end_of_name(rest).filter(|_| at > 0) {
            Some((word, kind)) => {
                let (whole, behind) = name.split_at_checked(at + word.len()).unwrap_or((name, ""));
                match ONE_WORD.iter().find(|row| row.0 == word) {
                    Some((_, one)) => parts.push(kind, Spelling::Plain, &[whole.get(..at).unwrap_or_default(), one]),
                    None => parts.push(kind, Spelling::Plain, &[whole]),
                }
                (name, at) = (behind, 0);
            }
            None => at += c.len_utf8(),
        }
    }
    push_name(parts, name);
}

/// The word at the head of `rest` that ends a name there.
fn end_of_name(rest: &str) -> Option<(&'static str, Kind)> {
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

fn push_name(parts: &mut Parts, name: &str) {
    if name.is_empty() {
        return;
    }
    let section = SECTIONS
        .iter()
        .find_map(|section| Some((name.strip_suffix(section)?, section)));
    match section {
        Some((name, section)) => {
            if !name.is_empty() {
                parts.push(Kind::Name, Spelling::Plain, &[name]);
            }
            parts.push(Kind::Section, Spelling::Plain, &[section]);
        }
        None => parts.push(Kind::Name, Spelling::Plain, &[name]),
    }
}
