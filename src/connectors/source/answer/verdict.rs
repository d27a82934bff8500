//! Answers of platforms that only say yes or no. Every platform numbers 一致, 不一致 and 库中无此号 in its own way, so a
//! code means nothing but what the connector's file says; a code that it does not list is unreadable.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{TreePointer, Written, code_of};
use crate::source::{config::VerdictConfig, trouble::SourceTrouble};

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

enum VerdictWord {
    Agrees(bool),
    NotFound,
}

/// How verdicts are read.
pub(crate) struct VerdictReader {
    codes: VerdictConfig,
    whole: Option<TreePointer>,
    fields: BTreeMap<String, TreePointer>,
    written: Written,
}

impl VerdictReader {
    /// Compiles the `[answer.verdicts]` table.
    ///
    /// # Errors
    /// The key and what is wrong with it.
    pub(crate) fn compile(config: &VerdictConfig, written: Written) -> Result<Self, (String, &'static str)> {
        let whole = config.whole_pointer.as_deref().map(TreePointer::parse).transpose();
        let mut fields = BTreeMap::new();
        for (name, text) in &config.fields {
            let pointer = TreePointer::parse(text).map_err(|reason| (format!("fields.{name}"), reason))?;
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
    pub(crate) fn read(&self, record: &Value, claimed: &BTreeSet<String>) -> Result<VerdictAnswer, SourceTrouble> {
        if let Some(pointer) = &self.whole {
            return Ok(match self.word(record, pointer)? {
                VerdictWord::NotFound => VerdictAnswer::NotFound,
                VerdictWord::Agrees(agrees) => VerdictAnswer::Whole(agrees),
            });
        }
        let (mut verdicts, mut absent) = (BTreeMap::new(), 0);
        for name in claimed {
            let pointer = self
                .fields
                .get(name)
                .ok_or(SourceTrouble::Unmade("a field that the source does not verify"))?;
            match self.word(record, pointer)? {
                VerdictWord::NotFound => absent += 1,
                VerdictWord::Agrees(agrees) => {
                    verdicts.insert(name.clone(), agrees);
                }
            }
        }
        match (verdicts.is_empty(), absent) {
            (_, 0) => Ok(VerdictAnswer::Fields(verdicts)),
            (true, _) => Ok(VerdictAnswer::NotFound),
            (false, _) => Err(SourceTrouble::Odd("a number that is there and is not")),
        }
    }

    fn word(&self, record: &Value, pointer: &TreePointer) -> Result<VerdictWord, SourceTrouble> {
        let found = pointer
            .find(record, self.written)
            .ok_or(SourceTrouble::Odd("no verdict where it belongs"))?;
        let code = code_of(found).ok_or(SourceTrouble::Odd("a verdict of another type"))?;
        let among = |list: &[String]| list.iter().any(|listed| *listed == code);
        if among(&self.codes.matched) {
            Ok(VerdictWord::Agrees(true))
        } else if among(&self.codes.mismatch) {
            Ok(VerdictWord::Agrees(false))
        } else if among(&self.codes.not_found) {
            Ok(VerdictWord::NotFound)
        } else if among(&self.codes.failed) {
            Err(SourceTrouble::Odd("the source could not tell"))
        } else {
            Err(SourceTrouble::Odd("a verdict code that the map does not have"))
        }
    }
}
