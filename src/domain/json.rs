//! JSON read strictly: a member twice, too deep, an integer that readers disagree on, or anything after the end is
//! refused with its place. RFC 8259 leaves these to the reader, and two readers of one claim must never differ.

use std::{cell::RefCell, fmt};

use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Deserializer, Map, Number, Value};

use super::fault::{MemberFault, pointer_segment};

pub use crate::safe_integer::SAFE_INTEGER_MAX;

/// What is accepted besides well-formed JSON with distinct members.
#[derive(Clone, Copy, Debug)]
pub struct JsonRules {
    /// Deepest nesting; `serde_json` itself stops at 127.
    pub depth_max: usize,
    /// Numbers beyond [`SAFE_INTEGER_MAX`].
    pub large_numbers: LargeNumbers,
}

/// Whether numbers that not every reader holds exactly are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LargeNumbers {
    /// They are refused.
    Refused,
    /// They are accepted as `serde_json` reads them.
    Accepted,
}

impl JsonRules {
    /// Requests to the hub.
    pub const REQUEST: Self = Self {
        depth_max: 32,
        large_numbers: LargeNumbers::Refused,
    };
    /// Answers and files of other systems, whose numbers are theirs.
    pub const FOREIGN: Self = Self {
        depth_max: 32,
        large_numbers: LargeNumbers::Accepted,
    };
}

/// Why bytes are refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JsonError {
    /// They are not UTF-8.
    Encoding,
    /// `duplicate_member`, `nesting_too_deep` or `unsafe_number`, with its place.
    Fault(MemberFault),
    /// They are not JSON, near this line and column.
    Syntax(usize, usize),
}

impl JsonError {
    /// Code of the problem catalogue.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Encoding => "invalid_encoding",
            Self::Fault(fault) => fault.code,
            Self::Syntax(..) => "invalid_json",
        }
    }
}

/// Parses one JSON document.
///
/// # Errors
/// The bytes are not JSON that all readers read alike.
pub fn parse(bytes: &[u8], rules: JsonRules) -> Result<Value, JsonError> {
    if std::str::from_utf8(bytes).is_err() {
        return Err(JsonError::Encoding);
    }
    let found = RefCell::new(None);
    let mut reader = Deserializer::from_slice(bytes);
    let seed = ValueSeed {
        depth: 0,
        rules,
        found: &found,
    };
    let parsed = seed.deserialize(&mut reader);
    let parsed = parsed.and_then(|value| reader.end().map(|()| value));
    parsed.map_err(|error| match found.take() {
        Some(FoundFault { code, mut path }) => {
            path.reverse();
            let pointer: String = path.iter().flat_map(|segment| ["/", segment]).collect();
            JsonError::Fault(MemberFault::new(pointer, code))
        }
        None => JsonError::Syntax(error.line(), error.column()),
    })
}

/// A fault, and the segments of its place, the innermost first.
struct FoundFault {
    code: &'static str,
    path: Vec<String>,
}

#[derive(Clone, Copy)]
struct ValueSeed<'a> {
    depth: usize,
    rules: JsonRules,
    found: &'a RefCell<Option<FoundFault>>,
}

impl ValueSeed<'_> {
    fn child(self) -> Self {
        Self {
            depth: self.depth + 1,
            ..self
        }
    }

    fn fail<E: Error>(self, code: &'static str) -> E {
        *self.found.borrow_mut() = Some(FoundFault { code, path: Vec::new() });
        E::custom(code)
    }

    /// Adds a segment to the place of the fault that made `error`, if one did.
    fn below<E>(self, segment: impl FnOnce() -> String, error: E) -> E {
        if let Some(found) = self.found.borrow_mut().as_mut() {
            found.path.push(segment());
        }
        error
    }

    fn refuses(self, magnitude: u64) -> bool {
        self.rules.large_numbers == LargeNumbers::Refused && magnitude > SAFE_INTEGER_MAX
    }
}

impl<'de> DeserializeSeed<'de> for ValueSeed<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        if self.depth > self.rules.depth_max {
            return Err(self.fail("nesting_too_deep"));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueSeed<'_> {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
        if self.refuses(number) {
            return Err(self.fail("unsafe_number"));
        }
        Ok(Value::from(number))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
        if self.refuses(number.unsigned_abs()) {
            return Err(self.fail("unsafe_number"));
        }
        Ok(Value::from(number))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
        // An integer too large for its type arrives rounded; 9e15 is just under 2^53.
        let accepted = self.rules.large_numbers == LargeNumbers::Accepted || number.abs() < 9e15;
        match Number::from_f64(number).filter(|_| accepted) {
            Some(number) => Ok(Value::Number(number)),
            None => Err(self.fail("unsafe_number")),
        }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        loop {
            match list.next_element_seed(self.child()) {
                Ok(Some(value)) => values.push(value),
                Ok(None) => return Ok(Value::Array(values)),
                Err(error) => return Err(self.below(|| values.len().to_string(), error)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            let value = if members.contains_key(&name) {
                Err(self.fail("duplicate_member"))
            } else {
                map.next_value_seed(self.child())
            };
            let value = value.map_err(|error| self.below(|| pointer_segment(&name), error))?;
            members.insert(name, value);
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refused(text: &str, rules: JsonRules) -> Option<(&'static str, String)> {
        match parse(text.as_bytes(), rules) {
            Err(JsonError::Fault(fault)) => Some((fault.code, fault.pointer)),
            Err(error) => Some((error.code(), String::new())),
            Ok(_) => None,
        }
    }

    #[test]
    fn what_readers_disagree_on_is_refused_with_its_place() {
        for (text, code, pointer) in [
            (r#"{"a":1,"a":2}"#, "duplicate_member", "/a"),
            (r#"{"a":1,"\u0061":2}"#, "duplicate_member", "/a"),
            (r#"{"a":[1,{"b/c":1,"b/c":1}]}"#, "duplicate_member", "/a/1/b~1c"),
            (r#"{"x":{"n":[0,9007199254740992]}}"#, "unsafe_number", "/x/n/1"),
            (r#"{"n":-9007199254740992}"#, "unsafe_number", "/n"),
            (r#"{"n":12345678901234567890123}"#, "unsafe_number", "/n"),
            (r#"{"a":1} x"#, "invalid_json", ""),
            (r#"{"a":"\ud800"}"#, "invalid_json", ""),
            ("NaN", "invalid_json", ""),
            ("", "invalid_json", ""),
        ] {
            let expected = Some((code, pointer.to_owned()));
            assert_eq!(refused(text, JsonRules::REQUEST), expected, "{text}");
        }
        assert_eq!(parse(b"\"\xff\"", JsonRules::REQUEST), Err(JsonError::Encoding));
    }

    #[test]
    fn numbers_of_other_systems_are_theirs() {
        let text = r#"{"id":9007199254740993,"b":[null,true,1.5,"x"]}"#;
        assert_eq!(
            parse(text.as_bytes(), JsonRules::FOREIGN),
            Ok(json!({"id": 9_007_199_254_740_993_u64, "b": [null, true, 1.5, "x"]}))
        );
        assert_eq!(refused(r#"{"n":1e400}"#, JsonRules::FOREIGN).unwrap().0, "invalid_json");
    }

    #[test]
    fn a_tower_of_brackets_is_refused_at_its_limit() {
        let tower = |height: usize| format!("{}1{}", "[".repeat(height), "]".repeat(height));
        assert_eq!(refused(&tower(32), JsonRules::REQUEST), None);
        let deep = refused(&tower(33), JsonRules::REQUEST);
        assert_eq!(deep, Some(("nesting_too_deep", "/0".repeat(33))));
        assert!(refused(&"[".repeat(1_000_000), JsonRules::FOREIGN).is_some());
    }
}
