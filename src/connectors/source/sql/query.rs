//! The operator's query, with `{subject.x}` turned into bound parameters.
//! No value ever becomes text of the query: a place for a value inside quotes or a comment is refused, for there it would
//! be text, and so is a query that binds nothing, for it would answer the same record to every question.

use std::sync::Arc;

use heyan_ports::outward::SourceFault;

/// How an engine writes the place of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PlaceStyle {
    /// `$1`, the same number for the same identifier.
    Numbered,
    /// `?`, one a place.
    Marks,
}

/// A query that can be sent.
#[derive(Clone)]
pub(super) struct SqlQuery {
    /// Text, constant from here on.
    pub(super) text: Arc<str>,
    /// Identifiers to bind, in order.
    pub(super) binds: Arc<[Box<str>]>,
}

const OPEN: &str = "{subject.";

impl SqlQuery {
    /// Reads the text of a connector's file.
    ///
    /// # Errors
    /// It is not one reading statement that binds an identifier.
    pub(super) fn parse(text: &str, places: PlaceStyle) -> Result<Self, SourceFault> {
        let text = text.trim().trim_end_matches(';').trim_end();
        let first = text
            .split(|c: char| !c.is_ascii_alphabetic())
            .next()
            .unwrap_or_default();
        if !["select", "with"].iter().any(|word| first.eq_ignore_ascii_case(word)) {
            return Err(SourceFault::Setup("the query is no SELECT"));
        }
        let (mut out, mut binds): (String, Vec<Box<str>>) = (String::new(), Vec::new());
        let mut rest = text;
        while !rest.is_empty() {
            let quoted = quoted_length(rest)?;
            if let Some((passage, tail)) = rest.split_at_checked(quoted)
                && quoted > 0
            {
                if passage.contains(OPEN) {
                    return Err(SourceFault::Setup(
                        "the query has a value's place inside quotes or a comment",
                    ));
                }
                out.push_str(passage);
                rest = tail;
            } else if let Some(tail) = rest.strip_prefix(OPEN) {
                let (name, tail) = tail
                    .split_once('}')
                    .ok_or(SourceFault::Setup("the query has a value's place without an end"))?;
                place(&mut out, &mut binds, name, places)?;
                rest = tail;
            } else if rest.starts_with(';') {
                return Err(SourceFault::Setup("the query is more than one statement"));
            } else {
                let mut chars = rest.chars();
                out.extend(chars.next());
                rest = chars.as_str();
            }
        }
        if binds.is_empty() {
            return Err(SourceFault::Setup("the query binds no identifier of the subject"));
        }
        Ok(Self {
            text: out.into(),
            binds: binds.into(),
        })
    }
}

fn place(out: &mut String, binds: &mut Vec<Box<str>>, name: &str, places: PlaceStyle) -> Result<(), SourceFault> {
    let fine = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || !name.chars().all(fine) {
        return Err(SourceFault::Setup("the query names an identifier that is none"));
    }
    match places {
        PlaceStyle::Marks => {
            binds.push(name.into());
            out.push('?');
        }
        PlaceStyle::Numbered => {
            let known = binds.iter().position(|bound| **bound == *name);
            let position = known.unwrap_or_else(|| {
                binds.push(name.into());
                binds.len() - 1
            });
            out.push_str(&format!("${}", position + 1));
        }
    }
    Ok(())
}

/// Bytes of the quoted passage or comment that `text` begins with; 0: of none. A doubled quote begins the next passage,
/// which comes to the same.
fn quoted_length(text: &str) -> Result<usize, SourceFault> {
    let end = match text.as_bytes() {
        [b'-', b'-', ..] => return Ok(text.find('\n').unwrap_or(text.len())),
        [b'/', b'*', ..] => "*/",
        [b'\'', ..] => "'",
        [b'"', ..] => "\"",
        [b'`', ..] => "`",
        // Dollar quotes: their rules are not worth the risk.
        [b'$', ..] => return Err(SourceFault::Setup("the query holds a dollar sign")),
        _ => return Ok(0),
    };
    let begin = if end == "*/" { 2 } else { 1 };
    let tail = text.get(begin..).unwrap_or_default();
    let inner = tail
        .find(end)
        .ok_or(SourceFault::Setup("the query has a quote or comment without an end"))?;
    // A backslash before a quotation mark ends a text in one engine and not in another.
    if tail.get(..inner).is_some_and(|inside| inside.contains('\\')) {
        return Err(SourceFault::Setup("the query has a backslash inside quotes"));
    }
    Ok(begin + inner + end.len())
}

#[cfg(test)]
mod tests {
    use crate::source::sql::query::*;

    fn parsed(text: &str, places: PlaceStyle) -> Result<(String, Vec<String>), SourceFault> {
        let query = SqlQuery::parse(text, places)?;
        Ok((
            query.text.to_string(),
            query.binds.iter().map(ToString::to_string).collect(),
        ))
    }

    #[test]
    fn identifiers_become_places_and_never_text() {
        let text = "SELECT a, 'x;''y' FROM t -- {not here\nWHERE id = {subject.id_number} OR old = {subject.id_number} AND k = {subject.k};";
        assert!(parsed(text, PlaceStyle::Marks).is_ok());
        let (sql, binds) = parsed(text, PlaceStyle::Numbered).unwrap();
        assert!(sql.ends_with("WHERE id = $1 OR old = $1 AND k = $2"), "{sql}");
        assert_eq!(binds, ["id_number", "k"]);
        let (sql, binds) = parsed(text, PlaceStyle::Marks).unwrap();
        assert!(sql.ends_with("WHERE id = ? OR old = ? AND k = ?"), "{sql}");
        assert_eq!(binds, ["id_number", "id_number", "k"]);
    }

    #[test]
    fn what_could_make_a_value_into_text_is_refused() {
        for text in [
            "SELECT 1",
            "DELETE FROM t WHERE id = {subject.x}",
            "SELECT * FROM t WHERE id = '{subject.x}'",
            "SELECT * FROM t WHERE id = \"{subject.x}\"",
            "SELECT * FROM t /* {subject.x} */ WHERE id = {subject.x}",
            "SELECT * FROM t WHERE a = 'it\\' OR id = {subject.x} OR b = 'x'",
            "SELECT $$ {subject.x} $$",
            "SELECT 1; DROP TABLE t; SELECT {subject.x}",
            "SELECT {subject.x",
            "SELECT {subject.}",
            "SELECT {subject.x y}",
            "SELECT 'open {subject.x}",
        ] {
            let refused = parsed(text, PlaceStyle::Numbered);
            assert!(matches!(refused, Err(SourceFault::Setup(_))), "{text}: {refused:?}");
        }
    }
}
