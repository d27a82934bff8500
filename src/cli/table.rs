//! Tables for people, aligned also where Chinese stands in them.
//! Widths are of terminal columns, not of characters: a Chinese character takes two.

use serde_json::Value;
use unicode_width::UnicodeWidthStr as _;

use super::failure::printable;

/// Rows under a header, two spaces between columns.
pub(crate) fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(|cell| printable(cell)).collect())
        .collect();
    let mut widths: Vec<usize> = header.iter().map(|cell| cell.width()).collect();
    for row in &rows {
        for (widest, cell) in widths.iter_mut().zip(row) {
            *widest = (*widest).max(cell.width());
        }
    }
    let line = |cells: Vec<&str>| {
        let mut text = String::new();
        for (cell, widest) in cells.iter().zip(&widths) {
            text.push_str(cell);
            text.extend(std::iter::repeat_n(' ', widest - cell.width() + 2));
        }
        text.truncate(text.trim_end().len());
        text
    };
    let head = line(header.to_vec());
    let body = rows.iter().map(|row| line(row.iter().map(String::as_str).collect()));
    std::iter::once(head).chain(body).collect::<Vec<_>>().join("\n")
}

/// A JSON value in a cell: a list as its members with commas, nothing for `null`.
pub(crate) fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(all)) => all.iter().map(|one| cell(Some(one))).collect::<Vec<_>>().join(","),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_and_latin_cells_stand_under_each_other() {
        let rows = [
            vec!["区数据局".to_owned(), "x\u{7}".to_owned()],
            vec!["a".to_owned(), "y".to_owned()],
        ];
        assert_eq!(table(&["id", "n"], &rows), "id        n\n区数据局  x\na         y");
    }

    #[test]
    fn marks_that_take_no_column_do_not_shift_a_cell() {
        let rows = [
            vec!["e\u{301}a".to_owned(), "x".to_owned()],
            vec!["（𠮷）".to_owned(), "y".to_owned()],
        ];
        assert_eq!(table(&["id", "n"], &rows), "id      n\ne\u{301}a      x\n（𠮷）  y");
    }
}
