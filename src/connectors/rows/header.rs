//! The header of a sheet: which of its first rows it is, what stands between its cells, and what its names mean.
//! Offices write `*姓名`, `出生日期(必填)` or `姓 名` for 姓名, and put a title above.

use std::collections::VecDeque;
use std::io::{self, BufRead};

use encoding_rs::Encoding;

use super::{
    lines::{LineExtent, TextLine, TextLines},
    marks,
    sheet::{CellSplitter, SplitState},
};

/// A header that was found.
pub struct SheetHeader {
    /// Its cells without what stands around them; empty: the file has none.
    pub cells: Vec<String>,
    /// Line on which it begins.
    pub line: u64,
    /// Last line of it.
    pub last_line: u64,
    /// Byte after it.
    pub end: u64,
    /// What stands between cells.
    pub delimiter: char,
    /// Whether all its characters could be read.
    pub is_readable: bool,
}

/// Lines among which the header is looked for.
const LINES_MAX: usize = 24;

/// What may stand between cells; of two that fit alike the first is taken.
const DELIMITERS: [char; 7] = [',', '\t', ';', '，', '|', '；', '｜'];

/// Finds the header: the row, split by the delimiter, of which most cells are `known`. Where none is, it is the first row with
/// the delimiter that it has most of. Lines behind the header are left in the second part of the answer.
///
/// # Errors
/// The reader cannot be read on.
pub fn find<R: BufRead>(
    lines: &mut TextLines<R>,
    encoding: &'static Encoding,
    known: &dyn Fn(&[String]) -> usize,
) -> io::Result<(Option<SheetHeader>, VecDeque<TextLine>)> {
    let mut head: VecDeque<TextLine> = VecDeque::new();
    while head.len() < LINES_MAX {
        let Some(line) = lines.next_line()? else { break };
        head.push_back(line);
    }
    let texts: Vec<String> = head
        .iter()
        .map(|line| encoding.decode_without_bom_handling(&line.bytes).0.into_owned())
        .collect();
    let blank = |text: &String| marks::trimmed(text).is_empty();
    let first = texts.iter().position(|text| !blank(text));
    let Some(first) = first else {
        return Ok((None, VecDeque::new()));
    };
    let stated = texts.get(first).and_then(|text| stated_delimiter(text));
    let from = if stated.is_some() { first + 1 } else { first };
    let one = stated.map(|delimiter| [delimiter]);
    let delimiters: &[char] = one.as_ref().map_or(&DELIMITERS, |one| one);
    let mut best: Option<(usize, usize, usize, char, Vec<String>)> = None;
    for place in from..texts.len() {
        let is_whole = head.get(place).is_some_and(|line| line.extent == LineExtent::Whole);
        if !is_whole || texts.get(place).is_none_or(blank) {
            continue;
        }
        for delimiter in delimiters {
            let Some((cells, last)) = split(&texts, place, *delimiter) else {
                continue;
            };
            let count = known(&cells);
            if best.as_ref().is_none_or(|(most, ..)| count > *most) {
                best = Some((count, place, last, *delimiter, cells));
            }
        }
    }
    let found = match best {
        Some((1.., place, last, delimiter, cells)) => Some((place, last, delimiter, cells)),
        _ => {
            let place = (from..texts.len()).find(|place| texts.get(*place).is_some_and(|text| !blank(text)));
            place.and_then(|place| {
                let delimiter = stated.unwrap_or_else(|| most_frequent(texts.get(place).map_or("", String::as_str)));
                let (cells, last) = split(&texts, place, delimiter)?;
                Some((place, last, delimiter, cells))
            })
        }
    };
    let Some((place, last, delimiter, cells)) = found else {
        return Ok((None, head));
    };
    let header = SheetHeader {
        is_readable: !cells.iter().any(|cell| cell.contains('\u{fffd}')),
        cells,
        line: head.get(place).map_or(1, |line| line.number),
        last_line: head.get(last).map_or(1, |line| line.number),
        end: head.get(last).map_or(0, |line| line.end),
        delimiter,
    };
    head.drain(..=last);
    Ok((Some(header), head))
}

/// The cells of the row that begins with a line, and its last line.
fn split(texts: &[String], place: usize, delimiter: char) -> Option<(Vec<String>, usize)> {
    let mut splitter = CellSplitter::new(delimiter);
    for (last, text) in texts.iter().enumerate().skip(place) {
        match splitter.take(text) {
            SplitState::Whole => {
                let cells = splitter.cells.iter();
                let cells = cells
                    .map(|cell| marks::value_of(cell).unwrap_or(cell).to_owned())
                    .collect();
                return Some((cells, last));
            }
            SplitState::InQuotes => {}
            SplitState::Stray => return None,
        }
    }
    None
}

/// `sep=;`, which spreadsheets write above the header.
fn stated_delimiter(line: &str) -> Option<char> {
    let line = line.trim_start_matches('\u{feff}').trim().trim_matches('"');
    let is_mark = line.get(..4).is_some_and(|mark| mark.eq_ignore_ascii_case("sep="));
    let stated = is_mark.then(|| line.get(4..)).flatten()?;
    if stated == "\\t" {
        return Some('\t');
    }
    // A tab at the end is white space, which was cut off.
    let delimiter = stated.chars().next().unwrap_or('\t');
    stated.chars().all(|c| c == delimiter || c == ',').then_some(delimiter)
}

fn most_frequent(line: &str) -> char {
    let count = |delimiter: char| line.matches(delimiter).count();
    let most = DELIMITERS.into_iter().rev().max_by_key(|delimiter| count(*delimiter));
    most.filter(|delimiter| count(*delimiter) > 0).unwrap_or(',')
}

/// A name as it is compared: without marks of a form, spaces, width and case.
pub fn folded_name(name: &str) -> String {
    let mut text = folded(name);
    while let Some(rest) = without_remark(&text) {
        text = rest;
    }
    text.trim_matches([':', '：']).to_owned()
}

fn folded(text: &str) -> String {
    let ascii = |c: char| match c {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(c as u32 - 0xFEE0).unwrap_or(c),
        '【' | '〔' => '[',
        '】' | '〕' => ']',
        other => other,
    };
    let kept = |c: &char| {
        !c.is_whitespace() && !marks::is_invisible(*c) && !matches!(c, '_' | '-' | '*' | '★' | '※' | '"' | '“' | '”')
    };
    text.chars()
        .map(ascii)
        .filter(kept)
        .flat_map(char::to_lowercase)
        .collect()
}

/// The name without one remark in brackets at its end or beginning, where what stands there says nothing of the value.
fn without_remark(text: &str) -> Option<String> {
    let text = text.trim_matches([':', '：']);
    let pairs = [('(', ')'), ('[', ']'), ('<', '>')];
    for (open, close) in pairs {
        let at_end = text.strip_suffix(close).and_then(|text| text.rsplit_once(open));
        if let Some((name, _)) = at_end.filter(|(name, remark)| !name.is_empty() && is_remark(remark)) {
            return Some(name.to_owned());
        }
        let at_begin = text.strip_prefix(open).and_then(|text| text.split_once(close));
        if let Some((_, name)) = at_begin.filter(|(remark, name)| !name.is_empty() && is_remark(remark)) {
            return Some(name.to_owned());
        }
    }
    None
}

/// Words of forms. A unit is none: 注册资本(万元) is not 注册资本(元).
fn is_remark(text: &str) -> bool {
    const WORDS: [&str; 19] = [
        "必填",
        "必录",
        "必输",
        "必选",
        "必须",
        "选填",
        "可选",
        "可空",
        "非必填",
        "不必填",
        "文本",
        "文本格式",
        "字符",
        "日期",
        "required",
        "optional",
        "mandatory",
        "text",
        "date",
    ];
    let is_date_form = !text.is_empty() && text.chars().all(|c| "ymdhs年月日/.".contains(c));
    let has_colon_after = |word: char| text.split(word).skip(1).any(|rest| rest.starts_with([':', '：']));
    let is_advice = ["格式", "例如", "示例"].iter().any(|mark| text.contains(mark))
        || ['如', '例'].into_iter().any(has_colon_after);
    WORDS.contains(&text.trim_end_matches('项')) || is_date_form || is_advice
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(text: &str) -> (Vec<String>, u64, u64, char) {
        let mut lines = TextLines::new(text.as_bytes(), 0, 0, 1000);
        let known = |cells: &[String]| {
            cells
                .iter()
                .filter(|cell| ["姓名", "公民身份号码", "idnumber"].contains(&folded_name(cell).as_str()))
                .count()
        };
        let found = find(&mut lines, encoding_rs::UTF_8, &known).unwrap().0.unwrap();
        (found.cells, found.line, found.end, found.delimiter)
    }

    #[test]
    fn names_lose_the_marks_of_forms_and_keep_units() {
        for name in [
            "姓名",
            "*姓名",
            "姓名*",
            "姓 名",
            "姓\u{3000}名",
            "姓名（必填）",
            "【必填】姓名",
            "姓名:",
            "\u{feff}姓名",
            "＊姓名(必填项)",
        ] {
            assert_eq!(folded_name(name), "姓名", "{name}");
        }
        assert_eq!(folded_name("出生日期(yyyy-mm-dd)"), "出生日期");
        assert_eq!(folded_name("出生日期（格式：1980-01-02）(必填)"), "出生日期");
        assert_eq!(folded_name("ID Number"), folded_name("id_number"));
        assert_eq!(folded_name("注册资本（万元）"), "注册资本(万元)");
    }

    #[test]
    fn the_header_is_found_below_titles_and_by_its_delimiter() {
        let names = ["公民身份号码", "姓名"];
        for (text, line, delimiter) in [
            ("公民身份号码,姓名\n1,2\n", 1, ','),
            ("人口信息登记表,,\n\n公民身份号码,姓名\n1,2\n", 3, ','),
            ("sep=;\n公民身份号码;姓名\n", 2, ';'),
            ("\"sep=\t\"\r\n公民身份号码\t姓名\r\n", 2, '\t'),
            ("公民身份号码，姓名\n1，2\n", 1, '，'),
            ("公民身份号码|姓名\n1|2\n", 1, '|'),
            ("公民身份号码；姓名\n", 1, '；'),
            ("制表单位：芜湖市,制表日期\n公民身份号码\t姓名\n", 2, '\t'),
        ] {
            let (cells, at, end, by) = header(text);
            assert_eq!((at, by), (line, delimiter), "{text}");
            assert_eq!(cells, names, "{text}");
            assert!(end > 0);
        }
    }

    #[test]
    fn a_header_that_nobody_knows_is_the_first_row() {
        let (cells, line, ..) = header("甲;乙\n1;2\n");
        assert_eq!((cells, line), (vec!["甲".to_owned(), "乙".to_owned()], 1));
    }

    #[test]
    fn a_header_cell_may_go_over_two_lines() {
        let (cells, line, ..) = header("公民身份号码,\"姓名\n(必填)\"\n1,2\n");
        assert_eq!((folded_name(&cells[1]).as_str(), line), ("姓名", 1));
    }
}
