//! Strict JSON of a request: what `domain::json` refuses, as a problem.

use serde_json::Value;

use super::problem::{ProblemCode, ProblemDocument};
use heyan_domain::json::{self, JsonError, JsonRules};
use heyan_texts::{Locale, text};

/// Parses one JSON document.
pub(super) fn parse(bytes: &[u8]) -> Result<Value, ProblemDocument> {
    json::parse(bytes, JsonRules::REQUEST).map_err(|refused| match refused {
        JsonError::Encoding => ProblemDocument::new(ProblemCode::InvalidEncoding),
        JsonError::Fault(fault) => {
            let code = fault.code;
            let problem = super::refuse::invalid(&[fault]);
            ProblemDocument {
                code: ProblemCode::parse(code).unwrap_or(problem.code),
                ..problem
            }
        }
        JsonError::Syntax(line, column) => {
            let place = text("problems.detail.json");
            let parts: &[&str] = &[&line.to_string(), &column.to_string()];
            ProblemDocument::new(ProblemCode::InvalidJson)
                .detail_both(place.fill(Locale::ZhCn, parts), place.fill(Locale::En, parts))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_readers_disagree_on_is_refused_with_its_place() {
        let deep = format!("{}1{}", "[".repeat(40), "]".repeat(40));
        for (text, code, pointer) in [
            (r#"{"a":1,"a":2}"#, ProblemCode::DuplicateMember, "#/a"),
            (r#"{"a":[{"b":1,"b":1}]}"#, ProblemCode::DuplicateMember, "#/a/0/b"),
            (r#"{"n":9007199254740993}"#, ProblemCode::UnsafeNumber, "#/n"),
            (r#"{"n":12345678901234567890123}"#, ProblemCode::UnsafeNumber, "#/n"),
            (deep.as_str(), ProblemCode::NestingTooDeep, ""),
            (r#"{"a":1} x"#, ProblemCode::InvalidJson, ""),
            (r#"{"a":"\ud800"}"#, ProblemCode::InvalidJson, ""),
            ("\u{feff}{}", ProblemCode::InvalidJson, ""),
            ("", ProblemCode::InvalidJson, ""),
        ] {
            let problem = parse(text.as_bytes()).err().unwrap();
            assert_eq!(problem.code, code, "{text}");
            let first = problem
                .errors
                .first()
                .map(|error| error.pointer.as_str().to_owned())
                .unwrap_or_default();
            assert_eq!(first, pointer, "{text}");
        }
        assert_eq!(
            parse(b"{\"a\":\"\xff\"}").err().unwrap().code,
            ProblemCode::InvalidEncoding
        );
        assert_eq!(
            parse(r#"{"a":[1,-2,0.5,null,true,"x"]}"#.as_bytes()).unwrap()["a"][2],
            0.5
        );
    }
}
