//! Answers read strictly: transport status, business code and what the answer holds, one after the other.
//! "Not found" is only what the connector's file lists as such; all that is unlisted, missing or of another type is
//! unreadable, so that a change on their side never becomes a verdict on ours.

mod body;
mod fields;
mod verdict;

use std::collections::BTreeSet;

use serde_json::{Map, Value};

pub use body::WholeAnswer;
pub use fields::FieldMapping;
pub use verdict::VerdictAnswer;

use super::answer::{body::BodyReader, verdict::VerdictReader};
use super::{
    config::{AnswerConfig, ConnectorRole, EmptyAnswer, FieldFrom, ValueKind},
    template::PlaceScope,
    tree::{TreePointer, Written},
    trouble::SourceTrouble,
};
use heyan_ports::outward::SourceRecord;

/// Largest version counter: what every reader of JSON holds exactly.
const VERSION_MAX: i64 = (1 << 53) - 1;

/// What an answer came to, before anybody looks at the record.
#[derive(Debug, PartialEq)]
pub enum AnswerOutcome {
    /// 库中无此号.
    NotFound,
    /// Success: the whole answer.
    Success(Value),
}

/// How the answers of one connector are read.
pub struct AnswerReader {
    written: Written,
    body: BodyReader,
    records: TreePointer,
    empty: EmptyAnswer,
    subject: FieldMapping,
    fields: FieldMapping,
    version: Option<TreePointer>,
    effective: Option<TreePointer>,
    verdicts: Option<VerdictReader>,
}

impl AnswerReader {
    /// Compiles the `[answer]` table.
    ///
    /// # Errors
    /// The key and what is wrong with it.
    pub fn compile(config: &AnswerConfig, scope: &PlaceScope) -> Result<Self, (String, String)> {
        let at = |key: &str, reason: &str| (format!("answer.{key}"), reason.to_owned());
        let pointer = |key: &str, text: &str| TreePointer::parse(text).map_err(|reason| at(key, reason));
        let optional = |key: &str, text: &Option<String>| text.as_deref().map(|text| pointer(key, text)).transpose();
        for (key, map, known) in [
            ("subject", &config.subject, &scope.subject),
            ("fields", &config.fields, &scope.fields),
        ] {
            if let Some(name) = map.keys().find(|name| !known.contains(*name)) {
                return Err(at(&format!("{key}.{name}"), "the dataset has no such name"));
            }
        }
        if scope.role == ConnectorRole::Feed
            && let Some(name) = scope.subject.iter().find(|name| !config.subject.contains_key(*name))
        {
            return Err(at(
                &format!("subject.{name}"),
                "is missing: it says whom a record is about",
            ));
        }
        if let Some(verdicts) = &config.verdicts
            && let Some(name) = verdicts.fields.keys().find(|name| !scope.fields.contains(*name))
        {
            return Err(at(&format!("verdicts.fields.{name}"), "the dataset has no such field"));
        }
        let mapping = |key: &str, map| {
            FieldMapping::compile(map, config.format)
                .map_err(|(name, reason)| (format!("answer.{key}.{name}"), reason.to_owned()))
        };
        Ok(Self {
            written: config.format,
            body: BodyReader::compile(config, optional("code_pointer", &config.code_pointer)?)
                .map_err(|reason| at("content_types", reason))?,
            records: pointer("records_pointer", &config.records_pointer)?,
            empty: config.empty,
            subject: mapping("subject", &config.subject)?,
            fields: mapping("fields", &config.fields)?,
            version: optional("version_pointer", &config.version_pointer)?,
            effective: optional("effective_pointer", &config.effective_pointer)?,
            verdicts: config
                .verdicts
                .as_ref()
                .map(|verdicts| VerdictReader::compile(verdicts, config.format))
                .transpose()
                .map_err(|(key, reason)| at(&format!("verdicts.{key}"), reason))?,
        })
    }

    /// Status, media type, characters, syntax and business code.
    ///
    /// # Errors
    /// It is no answer of success, and none that says "not found".
    pub fn outcome(&self, answer: &WholeAnswer) -> Result<AnswerOutcome, SourceTrouble> {
        self.body.outcome(answer)
    }

    /// The record of the subject that was asked for, `None` if the source says that it has none.
    ///
    /// # Errors
    /// As `outcome`; or not exactly one record, one of another subject, or a field that cannot be read.
    pub fn record(
        &self,
        answer: &WholeAnswer,
        asked: &Map<String, Value>,
    ) -> Result<Option<SourceRecord>, SourceTrouble> {
        let AnswerOutcome::Success(root) = self.outcome(answer)? else {
            return Ok(None);
        };
        let record = match self.records_of(&root)? {
            [] => return self.nothing(),
            [one] => one,
            _ => return Err(SourceTrouble::Odd("more than one record")),
        };
        self.is_about(record, asked)?;
        Ok(Some(SourceRecord {
            fields: self.fields.read(record).map_err(SourceTrouble::Odd)?,
            source_version: self.version_of(record)?,
        }))
    }

    /// How verdicts are read, where the source gives no records.
    pub(crate) fn verdict_reader(&self) -> Option<&VerdictReader> {
        self.verdicts.as_ref()
    }

    /// What the source says of each field that was claimed.
    ///
    /// # Errors
    /// As `record`; or a verdict code that is not listed.
    pub fn verdicts(
        &self,
        answer: &WholeAnswer,
        asked: &Map<String, Value>,
        claimed: &BTreeSet<String>,
    ) -> Result<VerdictAnswer, SourceTrouble> {
        let reader = self
            .verdicts
            .as_ref()
            .ok_or(SourceTrouble::Unmade("the connector answers with records"))?;
        let AnswerOutcome::Success(root) = self.outcome(answer)? else {
            return Ok(VerdictAnswer::NotFound);
        };
        match self.records_of(&root)? {
            [] => self.nothing::<()>().map(|_none| VerdictAnswer::NotFound),
            [one] => {
                self.is_about(one, asked)?;
                reader.read(one, claimed)
            }
            _ => Err(SourceTrouble::Odd("more than one record")),
        }
    }

    /// The records of a page of a feed, each as the hub's own import takes it, or why it is none.
    ///
    /// # Errors
    /// The page itself cannot be read.
    pub fn rows(&self, root: &Value) -> Result<Vec<Result<Value, &'static str>>, SourceTrouble> {
        let rows = self.records_of(root)?;
        Ok(rows.iter().map(|row| self.row(row)).collect())
    }

    fn row(&self, row: &Value) -> Result<Value, &'static str> {
        let mut record = Map::new();
        record.insert("subject".to_owned(), Value::Object(self.subject.read(row)?));
        record.insert("fields".to_owned(), Value::Object(self.fields.read(row)?));
        let version = self.version_of(row).map_err(|_| "version")?;
        if let Some(version) = version {
            record.insert("source_version".to_owned(), version.into());
        }
        if let Some(pointer) = &self.effective {
            let at = pointer
                .find(row, self.written)
                .and_then(Value::as_str)
                .ok_or("effective")?;
            record.insert("effective_at".to_owned(), at.into());
        }
        Ok(Value::Object(record))
    }

    fn records_of<'a>(&self, root: &'a Value) -> Result<&'a [Value], SourceTrouble> {
        let found = self
            .records
            .find(root, self.written)
            .ok_or(SourceTrouble::Garbage("no records where they belong"))?;
        match (found, self.written) {
            (Value::Array(all), _) => Ok(all),
            (Value::Null, _) => Ok(&[]),
            (Value::String(text), Written::Xml) if text.trim().is_empty() => Ok(&[]),
            (Value::Object(_), _) => Ok(std::slice::from_ref(found)),
            _ => Err(SourceTrouble::Garbage("records of another type")),
        }
    }

    fn nothing<T>(&self) -> Result<Option<T>, SourceTrouble> {
        match self.empty {
            EmptyAnswer::NotFound => Ok(None),
            EmptyAnswer::Unreadable => Err(SourceTrouble::Odd(
                "no record, and nothing that says that there is none",
            )),
        }
    }

    /// An answer about somebody else is worse than none.
    fn is_about(&self, record: &Value, asked: &Map<String, Value>) -> Result<(), SourceTrouble> {
        let told = self.subject.read(record).map_err(SourceTrouble::Odd)?;
        for (name, value) in &told {
            let same = match (value, asked.get(name)) {
                (Value::String(told), Some(Value::String(asked))) => told.eq_ignore_ascii_case(asked),
                _ => false,
            };
            if !same {
                return Err(SourceTrouble::Odd("a record of another subject"));
            }
        }
        Ok(())
    }

    fn version_of(&self, record: &Value) -> Result<Option<i64>, SourceTrouble> {
        let Some(pointer) = &self.version else {
            return Ok(None);
        };
        let version = match pointer.find(record, self.written) {
            Some(Value::Number(number)) => number.as_i64(),
            Some(Value::String(text)) if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok(),
            _ => None,
        };
        match version {
            Some(version) if (0..=VERSION_MAX).contains(&version) => Ok(Some(version)),
            _ => Err(SourceTrouble::Odd("no version where it belongs")),
        }
    }
}

/// A code as text: text and whole numbers, nothing else.
fn code_of(value: &Value) -> Option<std::borrow::Cow<'_, str>> {
    match value {
        Value::String(text) => Some(text.as_str().into()),
        Value::Number(number) if !number.is_f64() => Some(number.to_string().into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
