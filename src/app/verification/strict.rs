//! JSON read strictly: a member twice, too deep, an integer that readers disagree on, or anything after the end is
//! refused with its place. RFC 8259 leaves these to the reader, and two readers of one claim must never differ.

use std::{cell::RefCell, fmt, rc::Rc};

use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::question::SAFE_INTEGER_MAX;
use heyan_domain::fault::{Fault, pointer_segment};

/// Deepest nesting.
pub const DEPTH_MAX: usize = 32;

/// Why bytes are no JSON that may be read.
pub enum NotStrict {
    /// They are not UTF-8.
    Encoding,
    /// Readers would differ.
    Fault(Fault),
    /// They are no JSON, near this line and column.
    Json(usize, usize),
}

impl NotStrict {
    /// The code of the problem catalogue.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Encoding => "invalid_encoding",
            Self::Fault(fault) => fault.code,
            Self::Json(..) => "invalid_json",
        }
    }
}

/// Parses one JSON document.
///
/// # Errors
/// It is none that all readers read alike.
pub fn parse(bytes: &[u8]) -> Result<Value, NotStrict> {
    if std::str::from_utf8(bytes).is_err() {
        return Err(NotStrict::Encoding);
    }
    let fault = Rc::new(RefCell::new(None));
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let seed = Seed {
        path: String::new(),
        depth: 0,
        fault: Rc::clone(&fault),
    };
    let parsed = seed
        .deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value));
    parsed.map_err(|error| match fault.take() {
        Some((code, pointer)) => NotStrict::Fault(Fault::new(pointer, code)),
        None => NotStrict::Json(error.line(), error.column()),
    })
}

type FoundFault = Rc<RefCell<Option<(&'static str, String)>>>;

struct Seed {
    path: String,
    depth: usize,
    fault: FoundFault,
}

impl Seed {
    fn child(&self, segment: &str) -> Self {
        let path = format!("{}/{}", self.path, pointer_segment(segment));
        Self {
            path,
            depth: self.depth + 1,
            fault: Rc::clone(&self.fault),
        }
    }

    fn fail<E: Error>(&self, code: &'static str, pointer: String) -> E {
        *self.fault.borrow_mut() = Some((code, pointer));
        E::custom(code)
    }
}

impl<'de> DeserializeSeed<'de> for Seed {
    type Value = Value;
    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        if self.depth > DEPTH_MAX {
            return Err(self.fail("nesting_too_deep", self.path.clone()));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed {
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
        if number > SAFE_INTEGER_MAX {
            return Err(self.fail("unsafe_number", self.path.clone()));
        }
        Ok(Value::from(number))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
        if number.unsigned_abs() > SAFE_INTEGER_MAX {
            return Err(self.fail("unsafe_number", self.path.clone()));
        }
        Ok(Value::from(number))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
        // An integer too large for its type arrives rounded; 9e15 is just under 2^53.
        match Number::from_f64(number).filter(|_| number.abs() < 9e15) {
            Some(number) => Ok(Value::Number(number)),
            None => Err(self.fail("unsafe_number", self.path.clone())),
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
        while let Some(value) = list.next_element_seed(self.child(&values.len().to_string()))? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            let child = self.child(&name);
            if members.contains_key(&name) {
                return Err(self.fail("duplicate_member", child.path));
            }
            let value = map.next_value_seed(child)?;
            members.insert(name, value);
        }
        Ok(Value::Object(members))
    }
}
