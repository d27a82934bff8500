//! What spreadsheets put around a value: `="0012"`, a leading apostrophe, invisible signs. It is taken off; a formula is no value.

/// A cell that holds a formula instead of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FormulaFound;

/// The value of a cell, without what a spreadsheet put around it.
///
/// # Errors
/// The cell holds a formula.
pub fn value_of(cell: &str) -> Result<&str, FormulaFound> {
    let cell = trimmed(cell);
    if let Some(formula) = cell.strip_prefix('=') {
        let text = trimmed(formula);
        let literal = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
        return match literal {
            Some(literal) if !literal.contains('"') => Ok(trimmed(literal)),
            _ => Err(FormulaFound),
        };
    }
    let Some(text) = cell.strip_prefix('\'') else {
        return Ok(cell);
    };
    Ok(trimmed(text.strip_suffix('\'').unwrap_or(text)))
}

/// Text without white space and signs of no width at its ends.
pub fn trimmed(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || is_invisible(c))
}

/// Signs of no width that stand in copied text.
pub(crate) const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_come_off_and_formulas_are_refused() {
        for (cell, value) in [
            ("=\"0012\"", Ok("0012")),
            ("= \"张三\" ", Ok("张三")),
            ("=\"\"", Ok("")),
            ("'0012", Ok("0012")),
            ("'张三'", Ok("张三")),
            ("\t0012\u{200B}", Ok("0012")),
            ("\u{3000}张 三\u{A0}", Ok("张 三")),
            ("O'Brien", Ok("O'Brien")),
            ("'", Ok("")),
            ("", Ok("")),
            ("=A1&B1", Err(FormulaFound)),
            ("=VLOOKUP(\"a\",B:C,2)", Err(FormulaFound)),
            ("=", Err(FormulaFound)),
        ] {
            assert_eq!(value_of(cell), value, "{cell:?}");
        }
    }
}
