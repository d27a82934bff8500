//! Answers of platforms that only say yes or no. Every platform numbers 一致, 不一致 and 库中无此号 in its own way, so a
//! code means nothing but what the connector's file says; a code that it does not list is unreadable.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Pointer, Written, code_of};
use crate::source::{config::VerdictConfig, trouble::Trouble};

/// What the source's codes say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VerdictAnswer {
    /// 库中无此号.
    NotFound,
    /// Each field that was asked about: whether it agrees.
    Fields(BTreeMap<String, bool>),
    /// Whether all that was asked about agrees; which part does not is not known.
    Whole(bool),
}

enum Word {
    Agrees(bool),
    NotFound,
}

/// How verdicts are read.
pub(crate) struct VerdictReader {
    codes: VerdictConfig,
    whole: Option<Pointer>,
    fields: BTreeMap<String, Pointer>,
    written: Written,
}

impl VerdictReader {
    /// Compiles the `[answer.verdicts]` table.
    ///
    /// # Errors
    /// Returns the key and what is wrong with it.
    pub(crate) fn compile(config: &VerdictConfig, written: Written) -> Result<Self, (String, &'static str)> {
        let whole = config.whole_pointer.as_deref().map(Pointer::parse).transpose();
        let mut fields = BTreeMap::new();
        for (name, text) in &config.fields {
            let pointer = Pointer::parse(text).map_err(|reason| (format!("fields.{name}"), reason))?;
            fields.insert(name.clone(), pointer);
        }
        Ok(Self {
            codes: config.clone(),
            whole: whole.map_err(|reason| ("whole_pointer".to_owned(), reason))?,
            fields,
            written,
        })
    }

    /// Fields that have a verdict of their own; `None`: one verdict is about all.
    pub(crate) fn own_fields(&self) -> Option<impl Iterator<Item = &String>> {
        self.whole.is_none().then(|| self.fields.keys())
    }

    /// Reads the verdicts of what was claimed.
    ///
    /// # Errors
    /// A claimed field has none, or a code is not listed, or says that the platform could not tell.
    pub(crate) fn read(&self, record: &Value, claimed: &BTreeSet<String>) -> Result<VerdictAnswer, Trouble> {
        if let Some(pointer) = &self.whole {
            return Ok(match self.word(record, pointer)? {
                Word::NotFound => VerdictAnswer::NotFound,
                Word::Agrees(agrees) => VerdictAnswer::Whole(agrees),
            });
        }
        let (mut verdicts, mut absent) = (BTreeMap::new(), 0);
        for name in claimed {
            let pointer = self
                .fields
                .get(name)
                .ok_or(Trouble::Unmade("a field that the source does not verify"))?;
            match self.word(record, pointer)? {
                Word::NotFound => absent += 1,
                Word::Agrees(agrees) => {
                    verdicts.insert(name.clone(), agrees);
                }
            }
        }
        match (verdicts.is_empty(), absent) {
            (_, 0) => Ok(VerdictAnswer::Fields(verdicts)),
            (true, _) => Ok(VerdictAnswer::NotFound),
            (false, _) => Err(Trouble::Odd("a number that is there and is not")),
        }
    }

    fn word(&self, record: &Value, pointer: &Pointer) -> Result<Word, Trouble> {
        let found = pointer
            .find(record, self.written)
            .ok_or(Trouble::Odd("no verdict where it belongs"))?;
        let code = code_of(found).ok_or(Trouble::Odd("a verdict of another type"))?;
        let among = |list: &[String]| list.iter().any(|listed| *listed == code);
        if among(&self.codes.matched) {
            Ok(Word::Agrees(true))
        } else if among(&self.codes.mismatch) {
            Ok(Word::Agrees(false))
        } else if among(&self.codes.not_found) {
            Ok(Word::NotFound)
        } else if among(&self.codes.failed) {
            Err(Trouble::Odd("the source could not tell"))
        } else {
            Err(Trouble::Odd("a verdict code that the map does not have"))
        }
    }
}
