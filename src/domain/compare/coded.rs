//! Coded values: a label or a code of one table stand for one another.
//! A value that the table lacks is compared as text, so a register may hold a status that nobody listed.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::Value;

use super::{ComparatorError, REVIEW_VARIANT, known_options};
use crate::fold::{self, Case, Spaces};
use crate::reference::{self, Place};
use crate::verdict::{Basis, Verdict};

/// The codes of a field with the labels of each.
#[derive(Default)]
pub(crate) struct CodeTable {
    /// Folded label or code → index of the code.
    indices: HashMap<Box<str>, u16, ahash::RandomState>,
    /// The same in the order of the options.
    entries: Vec<(Box<str>, u16)>,
    /// Whether the ending 族 may be left out or added.
    ethnic: bool,
}

/// Which code a value stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Coding {
    index: u16,
    spelling: Spelling,
}

/// How the value was written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Spelling {
    Standard,
    Variant,
}

impl Coding {
    /// Its place in the table.
    pub(crate) const fn index(self) -> u16 {
        self.index
    }

    /// The verdict on two codings of one table; symmetric.
    pub(crate) fn judge(self, other: Self) -> Verdict {
        if self.index != other.index {
            Verdict::Mismatch
        } else if self.spelling == other.spelling {
            Verdict::Match(Basis::Normalized)
        } else {
            REVIEW_VARIANT
        }
    }
}

impl CodeTable {
    /// `{"codes": {"1": ["男", …], …}}` or `{"table": "ethnicity"}`.
    pub(crate) fn from_options(options: &Value) -> Result<Self, ComparatorError> {
        known_options("coded", options, &["codes", "table"])?;
        let bad = |option: &str, expected| ComparatorError::BadOption {
            comparator: "coded",
            option: option.to_owned(),
            expected,
        };
        match (options.get("table"), options.get("codes")) {
            (Some(table), None) if table.as_str() == Some("ethnicity") => Ok(Self::ethnicity()),
            (Some(table), None) if table.as_str() == Some("sex") => Ok(Self::sex()),
            (Some(_), None) => Err(bad("table", "\"ethnicity\" or \"sex\"")),
            (None, Some(codes)) => {
                let codes = codes
                    .as_object()
                    .ok_or_else(|| bad("codes", "an object of code to list of labels"))?;
                let mut table = Self::default();
                for (index, (code, labels)) in codes.iter().enumerate() {
                    let labels = labels.as_array().ok_or_else(|| bad(code, "a list of labels"))?;
                    let words: Option<Vec<&str>> = labels.iter().map(Value::as_str).collect();
                    let words = words.ok_or_else(|| bad(code, "a list of texts"))?;
                    for word in std::iter::once(code.as_str()).chain(words) {
                        if !table.add(word, index) {
                            return Err(bad(code, "without a label that another code has"));
                        }
                    }
                }
                Ok(table)
            }
            _ => Err(bad("codes", "given, or \"table\", and not both")),
        }
    }

    /// The code that a value stands for.
    pub(crate) fn find(&self, raw: &str) -> Option<Coding> {
        let folded = fold_label(raw);
        let folded = folded.as_ref();
        // 01 and 1 are one code, 维吾尔 and 维吾尔族 one people.
        let bare = Some(folded.trim_start_matches('0'))
            .filter(|bare| !bare.is_empty() && folded.bytes().all(|b| b.is_ascii_digit()));
        let people = folded.strip_suffix('族').filter(|name| self.ethnic && !name.is_empty());
        let candidates = || [Some(folded), bare, people].into_iter().flatten();
        if let Some(index) = candidates().find_map(|word| self.indices.get(word)) {
            return Some(Coding {
                index: *index,
                spelling: Spelling::Standard,
            });
        }
        let found = self
            .entries
            .iter()
            .find(|entry| candidates().any(|word| same_but_variant(word, &entry.0)))?;
        Some(Coding {
            index: found.1,
            spelling: Spelling::Variant,
        })
    }

    fn add(&mut self, word: &str, index: usize) -> bool {
        let (label, index) = (fold_label(word), u16::try_from(index).unwrap_or(u16::MAX));
        match self.indices.get(label.as_ref()) {
            Some(known) => *known == index,
            None => {
                self.indices.insert(label.as_ref().into(), index);
                self.entries.push((label.into(), index));
                true
            }
        }
    }

    fn ethnicity() -> Self {
        let mut table = Self {
            ethnic: true,
            ..Self::default()
        };
        for (index, (code, name, short)) in reference::ethnic_groups().enumerate() {
            for word in [code, code.trim_start_matches('0'), name, short] {
                table.add(word, index);
            }
        }
        table
    }

    fn sex() -> Self {
        let mut table = Self::default();
        let rows = [
            ["0", "未知", "未知的性别"],
            ["1", "男", "男性"],
            ["2", "女", "女性"],
            ["9", "未说明", "未说明的性别"],
        ];
        for (index, words) in rows.into_iter().enumerate() {
            for word in words {
                table.add(word, index);
            }
        }
        table
    }
}

fn fold_label(raw: &str) -> Cow<'_, str> {
    fold::text(raw, Spaces::Drop, Case::Lower)
}

fn same_but_variant(a: &str, b: &str) -> bool {
    a.chars().count() == b.chars().count()
        && a.chars()
            .zip(b.chars())
            .all(|(x, y)| reference::variants_agree(x, y, Place::Anywhere))
}
