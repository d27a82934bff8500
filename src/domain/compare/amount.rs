//! Amounts with units: 50万元人民币, 500000元 and 50.000000万人民币 are one amount.
//! A unit outside the options (万美元) is no amount here, so it can only agree as text.

use std::borrow::Cow;

use rust_decimal::Decimal;
use serde_json::Value;

use super::{ComparatorError, known_options};
use crate::byte_set::ByteSet;
use crate::fold::{self, Case, Spaces};
use crate::numeral;

/// Bytes of text in which [`fold_amount`] folds nothing but 圆 and 圓 (of E5).
const FOLDED: ByteSet = ByteSet::HAN.with(b'!', b'`').with(b'{', b'~').without(0xE5);

/// Which unit words a field knows, and what each is worth in the base unit.
pub(crate) struct AmountRule {
    units: Vec<(Box<str>, Decimal)>,
    ignore: Vec<Box<str>>,
}

impl AmountRule {
    /// `{"units": {"元": "1", "万元": "10000"}, "ignore": ["人民币"]}`; both may be left out.
    pub(crate) fn from_options(options: &Value) -> Result<Self, ComparatorError> {
        known_options("amount", options, &["units", "ignore"])?;
        let bad = |option: &str, expected| ComparatorError::BadOption {
            comparator: "amount",
            option: option.to_owned(),
            expected,
        };
        let mut rule = Self {
            units: Vec::new(),
            ignore: Vec::new(),
        };
        if let Some(units) = options.get("units") {
            let units = units
                .as_object()
                .ok_or_else(|| bad("units", "an object of unit to multiplier"))?;
            for (word, factor) in units {
                let factor = match factor {
                    Value::String(text) => Decimal::from_str_exact(text).ok(),
                    Value::Number(number) => Decimal::from_str_exact(&number.to_string()).ok(),
                    _ => None,
                };
                let factor = factor
                    .filter(|value| *value > Decimal::ZERO)
                    .ok_or_else(|| bad(word, "a decimal above 0"))?;
                rule.units.push((fold_amount(word).into(), factor));
            }
        }
        if let Some(words) = options.get("ignore") {
            for word in words.as_array().ok_or_else(|| bad("ignore", "a list of words"))? {
                let word = word.as_str().ok_or_else(|| bad("ignore", "a list of words"))?;
                rule.ignore.push(fold_amount(word).into());
            }
        }
        if rule.units.iter().any(|unit| &*unit.0 == "元") {
            rule.ignore
                .extend(["人民币", "人民幣", "RMB", "CNY", "¥", "￥"].map(Into::into));
        }
        Ok(rule)
    }

    /// The amount in the base unit, without trailing zeros, or nothing when the text is no amount.
    pub(crate) fn parse(&self, raw: &str) -> Option<Decimal> {
        let mut text = fold_amount(raw);
        for word in &self.ignore {
            if let Some(without) = removed(&text, word) {
                text = Cow::Owned(without);
            }
        }
        if text.as_bytes().contains(&b'(') {
            text = Cow::Owned(text.replace("()", ""));
        }
        let end = text
            .find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ',' | '+' | '-')))
            .unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        let factor = if number.is_empty() { None } else { self.factor(unit) };
        let value = match factor {
            Some(factor) => decimal(number)?.checked_mul(factor)?,
            None if number.is_empty() => self.in_words(unit)?,
            None => return None,
        };
        Some(value.normalize())
    }

    /// What a unit text is worth: a unit of the options, or 十百千万亿 in front of one.
    fn factor(&self, text: &str) -> Option<Decimal> {
        let known = |word: &str| self.units.iter().find(|unit| &*unit.0 == word).map(|unit| unit.1);
        let text = text
            .strip_suffix('整')
            .or_else(|| text.strip_suffix('正'))
            .unwrap_or(text);
        if let Some(factor) = known(text) {
            return Some(factor);
        }
        let (mut scale, mut rest) = (Decimal::ONE, text);
        while let Some(c) = rest.chars().next() {
            let step = match c {
                '万' | '萬' => 10_000,
                '亿' | '億' => 100_000_000,
                _ => match numeral::scale(c) {
                    Some(step) => step,
                    None => break,
                },
            };
            scale = scale.checked_mul(Decimal::from(step))?;
            rest = rest.get(c.len_utf8()..)?;
        }
        let unit = if rest.is_empty() { Decimal::ONE } else { known(rest)? };
        scale.checked_mul(unit)
    }

    /// An amount in Chinese numerals, e.g. 伍拾万元整; no 角 and 分.
    fn in_words(&self, text: &str) -> Option<Decimal> {
        let text = text
            .strip_suffix('整')
            .or_else(|| text.strip_suffix('正'))
            .unwrap_or(text);
        let is_numeral = |c: char| {
            numeral::digit(c).is_some()
                || numeral::scale(c).is_some()
                || matches!(c, '万' | '萬' | '亿' | '億' | '廿' | '卅')
        };
        let end = text.find(|c: char| !is_numeral(c)).unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        let worth = match self.units.iter().find(|known| &*known.0 == unit) {
            Some(known) => known.1,
            None if unit.is_empty() => Decimal::ONE,
            None => return None,
        };
        Decimal::from(numeral::whole(number)?).checked_mul(worth)
    }
}

/// The text without the first `word` in it, or nothing when it holds none.
fn removed(text: &str, word: &str) -> Option<String> {
    // Most words are not there: their last byte tells, at a fraction of the cost of a search.
    let last = word.bytes().next_back()?;
    if !text.as_bytes().contains(&last) {
        return None;
    }
    let (before, behind) = text.split_once(word)?;
    Some([before, behind].concat())
}

/// Width, case and spaces folded; 圆 and 圓 are 元, ² is 2.
fn fold_amount(raw: &str) -> Cow<'_, str> {
    fold::replace(fold::text(raw, Spaces::Drop, Case::Upper), &FOLDED, |c| match c {
        '圆' | '圓' => '元',
        '²' => '2',
        '−' => '-',
        _ => c,
    })
}

/// A decimal; commas only where thousands are parted.
fn decimal(text: &str) -> Option<Decimal> {
    let text = text.strip_prefix('+').unwrap_or(text);
    let text = text.strip_suffix('.').unwrap_or(text);
    if !text.contains(',') {
        return Decimal::from_str_exact(text).ok();
    }
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let mut groups = whole.split(',');
    let head = groups.next()?.trim_start_matches('-');
    if head.is_empty() || head.len() > 3 || part.contains(',') || groups.any(|group| group.len() != 3) {
        return None;
    }
    Decimal::from_str_exact(&text.replace(',', "")).ok()
}
