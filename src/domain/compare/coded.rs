//! Coded values: a label or a code of one table stand for one another.
//! A word that the table lacks is not read, so it proves nothing; a word between two codes (吊销，已注销) is for review against either.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::Value;

use super::{ComparatorError, REVIEW_PARTIAL, REVIEW_VARIANT, known_options};
use crate::fold::{self, CaseFolding, SpaceFolding};
use crate::reference::{self, PairPlace};
use crate::verdict::{MatchBasis, Verdict};

/// The most codes of a table: near codes are bits of a number.
const CODES_MAX: usize = 128;

/// The codes of a field with the labels of each.
#[derive(Default)]
pub(crate) struct CodeTable {
    /// Folded label or code → index of the code.
    indices: HashMap<Box<str>, u8, ahash::RandomState>,
    /// The same in the order of the options.
    entries: Vec<(Box<str>, u8)>,
    /// Codes that each code may be, as bits, by index; its own is one of them.
    near: Vec<u128>,
    /// Whether the ending 族 may be left out or added.
    ethnic: bool,
}

/// Which code a value stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct CodeReading {
    index: u8,
    spelling: CodeSpelling,
}

/// How the value was written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CodeSpelling {
    Standard,
    Variant,
}

impl CodeReading {
    /// Its place in the table.
    pub(crate) const fn index(self) -> u8 {
        self.index
    }
}

impl CodeTable {
    /// `{"codes": {"1": ["男", …], …}, "between": {"死亡注销": ["2", "4"]}, "unstated": ["0"]}` or `{"table": "ethnicity"}`.
    ///
    /// A word of `between` says something of each of its codes, and is for review against them; a code of `unstated` says that
    /// the register does not know, and is for review against all others.
    pub(crate) fn from_options(options: &Value) -> Result<Self, ComparatorError> {
        known_options("coded", options, &["codes", "table", "between", "unstated"])?;
        match (options.get("table"), options.get("codes")) {
            (Some(table), None) if table.as_str() == Some("ethnicity") => Ok(Self::ethnicity()),
            (Some(table), None) if table.as_str() == Some("sex") => Ok(Self::sex()),
            (Some(_), None) => Err(bad("table", "\"ethnicity\" or \"sex\"")),
            (None, Some(codes)) => {
                let mut table = Self::of_codes(codes)?;
                if let Some(between) = options.get("between") {
                    table.add_between(between)?;
                }
                if let Some(unstated) = options.get("unstated") {
                    let codes = table.indices_of("unstated", unstated)?;
                    table.near_all(&codes);
                }
                Ok(table)
            }
            _ => Err(bad("codes", "given, or \"table\", and not both")),
        }
    }

    fn of_codes(codes: &Value) -> Result<Self, ComparatorError> {
        let codes = codes
            .as_object()
            .ok_or_else(|| bad("codes", "an object of code to list of labels"))?;
        let mut table = Self::default();
        for (code, labels) in codes {
            let labels = labels.as_array().ok_or_else(|| bad(code, "a list of labels"))?;
            let words: Option<Vec<&str>> = labels.iter().map(Value::as_str).collect();
            let words = words.ok_or_else(|| bad(code, "a list of texts"))?;
            let index = table.fresh().ok_or_else(|| bad(code, "one of at most 128 codes"))?;
            for word in std::iter::once(code.as_str()).chain(words) {
                if !table.add(word, index) {
                    return Err(bad(code, "without a label that another code has"));
                }
            }
        }
        Ok(table)
    }

    fn add_between(&mut self, between: &Value) -> Result<(), ComparatorError> {
        let words = between
            .as_object()
            .ok_or_else(|| bad("between", "an object of word to list of codes"))?;
        for (word, codes) in words {
            let codes = self.indices_of(word, codes)?;
            let index = self.fresh().ok_or_else(|| bad(word, "one of at most 128 codes"))?;
            if !self.add(word, index) {
                return Err(bad(word, "without a label that a code has"));
            }
            for code in codes {
                self.join(index, code);
            }
        }
        Ok(())
    }

    fn indices_of(&self, option: &str, codes: &Value) -> Result<Vec<u8>, ComparatorError> {
        let list = codes.as_array().ok_or_else(|| bad(option, "a list of codes"))?;
        let known = |code: &Value| code.as_str().and_then(|code| self.find(code));
        let found: Option<Vec<u8>> = list.iter().map(|code| known(code).map(CodeReading::index)).collect();
        found.ok_or_else(|| bad(option, "a list of codes that \"codes\" has"))
    }

    /// The code that a value stands for.
    pub(crate) fn find(&self, raw: &str) -> Option<CodeReading> {
        let folded = fold_label(raw);
        let folded = folded.as_ref();
        // 01 and 1 are one code, 维吾尔 and 维吾尔族 one people.
        let people = folded.strip_suffix('族').filter(|name| self.ethnic && !name.is_empty());
        let candidates = || [Some(without_zeros(folded)), people].into_iter().flatten();
        if let Some(index) = candidates().find_map(|word| self.indices.get(word)) {
            return Some(CodeReading {
                index: *index,
                spelling: CodeSpelling::Standard,
            });
        }
        let found = self
            .entries
            .iter()
            .find(|entry| candidates().any(|word| same_but_variant(word, &entry.0)))?;
        Some(CodeReading {
            index: found.1,
            spelling: CodeSpelling::Variant,
        })
    }

    /// The verdict on two codings of this table; symmetric.
    pub(crate) fn judge(&self, a: CodeReading, b: CodeReading) -> Verdict {
        let bits = |code: CodeReading| self.near.get(usize::from(code.index)).copied().unwrap_or_default();
        if a.index == b.index {
            return match a.spelling == b.spelling {
                true => Verdict::Match(MatchBasis::Normalized),
                false => REVIEW_VARIANT,
            };
        }
        let own = |code: CodeReading| 1_u128 << code.index;
        if bits(a) & own(b) != 0 || bits(b) & own(a) != 0 {
            REVIEW_PARTIAL
        } else {
            Verdict::Mismatch
        }
    }

    fn fresh(&mut self) -> Option<u8> {
        let index = u8::try_from(self.near.len())
            .ok()
            .filter(|index| usize::from(*index) < CODES_MAX)?;
        self.near.push(1 << index);
        Some(index)
    }

    fn join(&mut self, a: u8, b: u8) {
        for (one, other) in [(a, b), (b, a)] {
            if let Some(bits) = self.near.get_mut(usize::from(one)) {
                *bits |= 1 << other;
            }
        }
    }

    /// Makes codes near all others.
    fn near_all(&mut self, codes: &[u8]) {
        let all = u8::try_from(self.near.len()).unwrap_or(u8::MAX);
        for code in codes {
            (0..all).for_each(|other| self.join(*code, other));
        }
    }

    fn add(&mut self, word: &str, index: u8) -> bool {
        let label = fold_label(word);
        let label = without_zeros(&label);
        match self.indices.get(label) {
            Some(known) => *known == index,
            None => {
                self.indices.insert(label.into(), index);
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
        for row in reference::ethnic_groups() {
            let Some(index) = table.fresh() else { break };
            for word in row.words() {
                table.add(word, index);
            }
            // A group that is counted under another code: 穿青人 under 97.
            if let Some(other) = row.counted_under.and_then(|code| table.find(code)) {
                table.join(index, other.index);
            }
        }
        table
    }

    fn sex() -> Self {
        let mut table = Self::default();
        let rows: [&[&str]; 4] = [
            &["0", "未知", "未知的性别"],
            &["1", "男", "男性", "m", "male"],
            &["2", "女", "女性", "f", "female"],
            &["9", "未说明", "未说明的性别"],
        ];
        for words in rows {
            let Some(index) = table.fresh() else { break };
            for word in words {
                table.add(word, index);
            }
        }
        table.near_all(&[0, 3]);
        table
    }
}

fn bad(option: &str, expected: &'static str) -> ComparatorError {
    ComparatorError::BadOption {
        comparator: "coded",
        option: option.to_owned(),
        expected,
    }
}

/// Width, case, spaces and the signs between the words of a label folded: 存续（在营、开业、在册） is 存续在营开业在册.
fn fold_label(raw: &str) -> Cow<'_, str> {
    let text = fold::text(raw, SpaceFolding::Drop, CaseFolding::Lower);
    let is_sign = |c: char| {
        matches!(
            fold::punctuation(c),
            '(' | ')' | ',' | '、' | ';' | ':' | '。' | '"' | '\''
        )
    };
    // A sign alone is no label.
    if text.contains(is_sign) && text.contains(char::is_alphanumeric) {
        return Cow::Owned(text.chars().filter(|c| !is_sign(*c)).collect());
    }
    text
}

/// A code of digits without the zeros in front.
fn without_zeros(label: &str) -> &str {
    if !label.bytes().all(|byte| byte.is_ascii_digit()) {
        return label;
    }
    match label.trim_start_matches('0') {
        "" => label.get(..1).unwrap_or(label),
        bare => bare,
    }
}

fn same_but_variant(a: &str, b: &str) -> bool {
    a.chars().count() == b.chars().count()
        && a.chars()
            .zip(b.chars())
            .all(|(x, y)| reference::variants_agree(x, y, PairPlace::Anywhere))
}
