//! Answers as trees, and paths into them (RFC 6901).
//! JSON with a member twice is refused: two readers of one answer must not differ.

use heyan_domain::json::{self, JsonRules};
use serde_json::Value;

/// How the tree was written: in XML, what stands once and what stands in a list of one are the same.
pub(super) use super::config::AnswerFormat as Written;

/// A JSON pointer, parsed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct TreePointer(Vec<String>);

impl TreePointer {
    /// Parses a pointer: empty, or segments that each begin with `/`.
    ///
    /// # Errors
    /// It is none.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let rest = text.strip_prefix('/').ok_or("is no JSON pointer: it begins with /")?;
        Ok(Self(
            rest.split('/')
                .map(|segment| segment.replace("~1", "/").replace("~0", "~"))
                .collect(),
        ))
    }

    /// What stands at the pointer.
    pub(super) fn find<'a>(&self, root: &'a Value, written: Written) -> Option<&'a Value> {
        let mut at = root;
        for segment in &self.0 {
            let index = index(segment);
            at = match (at, written, index) {
                (Value::Array(items), _, Some(index)) => items.get(index)?,
                (Value::Array(_), Written::Xml, None) => single(at)?.as_object()?.get(segment)?,
                (Value::Object(members), ..) => members.get(segment)?,
                _ => return None,
            };
        }
        match written {
            Written::Xml => Some(single(at).unwrap_or(at)),
            Written::Json => Some(at),
        }
    }
}

fn index(segment: &str) -> Option<usize> {
    let figures = segment.bytes().all(|b| b.is_ascii_digit()) && (segment == "0" || !segment.starts_with('0'));
    figures.then(|| segment.parse().ok()).flatten()
}

fn single(value: &Value) -> Option<&Value> {
    match value {
        Value::Array(items) => match items.as_slice() {
            [one] => Some(one),
            _ => None,
        },
        _ => None,
    }
}

/// Parses JSON; a member twice or more than 32 levels are refused.
///
/// # Errors
/// The text is not such JSON.
pub(super) fn parse_json(text: &str) -> Result<Value, &'static str> {
    json::parse(text.as_bytes(), JsonRules::FOREIGN).map_err(|error| match error.code() {
        "duplicate_member" => "a member is there twice",
        "nesting_too_deep" => "JSON too deep",
        _ => "no JSON",
    })
}

#[cfg(test)]
mod tests {
    use crate::source::tree::*;
    use serde_json::json;

    #[test]
    fn pointers_find_what_they_name_and_nothing_else() {
        let root = json!({"a": [{"b/c": "x"}, {"b/c": "y"}], "one": [{"n": ["z"]}], "01": "o"});
        let find = |text: &str, written| TreePointer::parse(text).unwrap().find(&root, written).cloned();
        assert_eq!(find("/a/1/b~1c", Written::Json), Some(json!("y")));
        assert_eq!(find("/01", Written::Json), Some(json!("o")));
        assert_eq!(find("", Written::Json), Some(root.clone()));
        assert_eq!(find("/one/n", Written::Json), None);
        assert_eq!(find("/one/n", Written::Xml), Some(json!("z")));
        assert_eq!(find("/one/0/n/0", Written::Xml), Some(json!("z")));
        assert_eq!(find("/a/b~1c", Written::Xml), None, "two of them: no guess");
        assert!(TreePointer::parse("a").is_err());
    }

    #[test]
    fn a_member_twice_and_a_tower_of_brackets_are_refused() {
        assert_eq!(
            parse_json(r#"{"a":1,"b":[null,true,1.5,"x"]}"#).unwrap(),
            json!({"a":1,"b":[null,true,1.5,"x"]})
        );
        for text in [
            r#"{"a":1,"a":2}"#,
            r#"{"x":{"a":1,"a":1}}"#,
            "{} {}",
            "",
            "\u{0}",
            "NaN",
        ] {
            assert!(parse_json(text).is_err(), "{text}");
        }
        assert!(parse_json(&"[".repeat(1_000_000)).is_err());
        assert!(parse_json(&format!("{}{}", "[".repeat(40), "]".repeat(40))).is_err());
    }
}
