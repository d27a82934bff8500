//! Their names and codes into ours, one field after the other.
//! A code that the map has not is unreadable: it may mean anything, "unknown" most of all.

use serde_json::{Map, Value};

use super::{FieldFrom, TreePointer, ValueKind, Written, code_of};
use heyan_ports::outward::SourceFault;

/// A field map, compiled.
#[derive(Clone, Debug, Default)]
pub struct FieldMapping {
    fields: Vec<(String, TreePointer, FieldFrom)>,
    written: Written,
}

impl FieldMapping {
    /// Compiles a map whose `from` are JSON pointers.
    ///
    /// # Errors
    /// The name and what is wrong with it.
    pub fn compile(map: &crate::source::config::FieldMap, written: Written) -> Result<Self, (String, &'static str)> {
        let mut fields = Vec::with_capacity(map.len());
        for (name, from) in map {
            let pointer = TreePointer::parse(&from.from).map_err(|reason| (name.clone(), reason))?;
            fields.push((name.clone(), pointer, from.clone()));
        }
        Ok(Self { fields, written })
    }

    /// Reads a record.
    ///
    /// # Errors
    /// What of it cannot be read.
    pub fn read(&self, record: &Value) -> Result<Map<String, Value>, &'static str> {
        let mut read = Map::with_capacity(self.fields.len());
        for (name, pointer, from) in &self.fields {
            if let Some(text) = from.read(pointer.find(record, self.written))? {
                read.insert(name.clone(), Value::String(text));
            }
        }
        Ok(read)
    }
}

impl FieldFrom {
    /// Our value of one of theirs; `None` where the record has no such field.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn read(&self, value: Option<&Value>) -> Result<Option<String>, &'static str> {
        let text = match value {
            None | Some(Value::Null) => None,
            Some(value @ (Value::String(_) | Value::Number(_))) => Some(value),
            Some(_) => return Err("a field of another type"),
        };
        let text = match text {
            None => None,
            Some(value) if !self.codes.is_empty() => Some(code_of(value).ok_or("a field of another type")?),
            Some(value) => match (value, self.takes) {
                (Value::String(text), ValueKind::Text) => Some(text.as_str().into()),
                (Value::Number(_), ValueKind::Number) => Some(code_of(value).ok_or("a field of another type")?),
                _ => return Err("a field of another type"),
            },
        };
        let text = text.filter(|text| !text.trim().is_empty());
        self.value_of(text.as_deref()).map_err(|fault| match fault {
            SourceFault::Unreadable(what) => what,
            _ => "a field that cannot be read",
        })
    }
}
