//! Amounts with units: 50万元人民币, 500000元 and 50.000000万人民币 are one amount, and so are 15亩 and 1公顷.
//! Nothing is guessed: 三万五 is 35,000 in speech and 30,005 by the letter, so it is not read.

use std::borrow::Cow;

use rust_decimal::Decimal;
use serde_json::Value;

use super::{ComparatorError, REVIEW_PARTIAL, known_options};
use crate::byte_set::ByteSet;
use crate::fold::{self, CaseFolding, SpaceFolding};
use crate::numeral;
use crate::verdict::{MatchBasis, Verdict};

/// Bytes of text in which [`fold_amount`] folds nothing but 圆 and 圓 (of E5).
const FOLDED: ByteSet = ByteSet::HAN.with(b'!', b'`').with(b'{', b'~').without(0xE5);

/// Currencies, each with the words and signs that registers write; the first is the money of a bare 元.
const CURRENCIES: [&[&str]; 17] = [
    &["人民币", "人民幣", "RMB", "CNY", "CN¥", "¥", "￥"],
    &["美元", "美金", "USD", "US$", "$"],
    &["欧元", "歐元", "EUR", "€"],
    &["港元", "港币", "港幣", "HKD", "HK$"],
    &["日元", "日币", "JPY"],
    &["英镑", "英鎊", "GBP", "£"],
    &["澳大利亚元", "澳元", "AUD", "A$"],
    &["加拿大元", "加元", "CAD", "C$"],
    &["新加坡元", "新元", "SGD", "S$"],
    &["瑞士法郎", "CHF"],
    &["韩元", "韩币", "KRW", "₩"],
    &["卢布", "RUB", "₽"],
    &["新台币", "台币", "TWD", "NT$"],
    &["澳门元", "澳门币", "MOP", "MOP$"],
    &["新西兰元", "NZD", "NZ$"],
    &["泰铢", "THB", "฿"],
    &["马来西亚林吉特", "林吉特", "MYR"],
];

/// Multiples of a bare figure that a register may have left out.
const LEFT_OUT: [u32; 5] = [10, 100, 1_000, 10_000, 100_000_000];

/// Which unit words a field knows, and what each is worth in the base unit.
pub(crate) struct AmountRule {
    /// Unit and its worth in thirds of the base unit: 1 亩 is 2000/3 m².
    units: Vec<(Box<str>, Decimal)>,
    ignore: Vec<Box<str>>,
    /// Words of currencies with their places in the table, the longest first; none where the units are no money.
    currencies: Vec<(Box<str>, u8)>,
    /// Whether the unit of a bare figure is known.
    has_unit: bool,
}

/// An amount that was understood.
#[derive(Clone, Copy)]
pub(crate) struct AmountForm {
    /// In thirds of the base unit.
    thirds: Decimal,
    /// Place in the table of currencies.
    currency: u8,
    /// Digits behind the point, as written.
    decimals: u8,
    /// Powers of ten (money) or the unit (other measures) that the figure was written in: figures of one scale are not rounded.
    scale: u8,
    /// Whether neither a unit nor a multiple was written.
    bare: bool,
    /// Whether the dataset says what a bare figure counts.
    has_unit: bool,
}

impl AmountForm {
    /// The amount in the base unit of the field's own currency.
    pub(crate) fn base(self) -> Option<Decimal> {
        let own = self.currency == 0 && (self.has_unit || !self.bare);
        own.then(|| (self.thirds / Decimal::from(3)).normalize())
    }

    /// A text that two amounts share when they are one.
    pub(crate) fn key(self) -> String {
        let unit = if self.bare && !self.has_unit { "?" } else { "" };
        format!("{}:{}{unit}", self.currency, self.thirds)
    }

    /// The verdict on two amounts; symmetric.
    pub(crate) fn judge(self, other: Self) -> Verdict {
        let both_bare = self.bare == other.bare;
        if self.currency == other.currency && self.thirds == other.thirds && (both_bare || self.has_unit) {
            return Verdict::Match(MatchBasis::Normalized);
        }
        let (bare, full) = if self.bare { (self, other) } else { (other, self) };
        if bare.bare && !full.bare {
            // The register may have left out the unit: 100 for 100万元.
            let may_be = |times: &u32| bare.thirds.checked_mul(Decimal::from(*times)) == Some(full.thirds);
            if bare.thirds == full.thirds || LEFT_OUT.iter().any(may_be) {
                return REVIEW_PARTIAL;
            }
        }
        if self.currency != other.currency {
            return Verdict::Mismatch;
        }
        if self.rounds(other) || other.rounds(self) {
            REVIEW_PARTIAL
        } else {
            Verdict::Mismatch
        }
    }

    /// Whether this is `exact` rounded into another unit: 33.33万元 for 333333元.
    fn rounds(self, exact: Self) -> bool {
        if self.scale == exact.scale || self.decimals < 2 {
            return false;
        }
        let step = Decimal::new(1, u32::from(self.decimals)).checked_mul(worth_of(self.scale));
        let Some(step) = step else { return false };
        (self.thirds - exact.thirds).abs() * Decimal::TWO <= step
    }
}

/// The scale of the mu.
const MU: u8 = 100;

/// The worth in thirds of a scale: a power of ten, the mu, or 0 for a scale that figures are not rounded to.
fn worth_of(scale: u8) -> Decimal {
    match scale {
        MU => Decimal::from(2_000),
        101.. => Decimal::ZERO,
        power => (0..power).fold(Decimal::from(3), |worth, _| worth * Decimal::TEN),
    }
}

/// The scale of a worth in thirds.
fn scale_of(worth: Decimal) -> u8 {
    let mut known = (0..=16_u8).chain([MU]);
    known.find(|scale| worth_of(*scale) == worth).unwrap_or(u8::MAX)
}

impl AmountRule {
    /// `{"units": {"元": "1", "亩": "2000/3"}, "unit": "元", "ignore": ["人民币"]}`; all may be left out.
    pub(crate) fn from_options(options: &Value) -> Result<Self, ComparatorError> {
        known_options("amount", options, &["units", "unit", "ignore"])?;
        let bad = |option: &str, expected| ComparatorError::BadOption {
            comparator: "amount",
            option: option.to_owned(),
            expected,
        };
        let mut rule = Self {
            units: Vec::new(),
            ignore: Vec::new(),
            currencies: Vec::new(),
            has_unit: false,
        };
        if let Some(units) = options.get("units") {
            let units = units
                .as_object()
                .ok_or_else(|| bad("units", "an object of unit to multiplier"))?;
            for (word, factor) in units {
                let thirds = thirds(factor).ok_or_else(|| bad(word, "a decimal above 0, or one over 3"))?;
                rule.units.push((fold_amount(word).into(), thirds));
            }
        }
        if let Some(words) = options.get("ignore") {
            for word in words.as_array().ok_or_else(|| bad("ignore", "a list of words"))? {
                let word = word.as_str().ok_or_else(|| bad("ignore", "a list of words"))?;
                rule.ignore.push(fold_amount(word).into());
            }
        }
        if rule.units.iter().any(|unit| &*unit.0 == "元") {
            rule.currencies = currency_words();
            let small = [("角", 1), ("分", 2), ("块", 0)].map(|(word, places)| (word.into(), Decimal::new(3, places)));
            rule.units.extend(small);
        }
        if let Some(unit) = options.get("unit") {
            let word = unit.as_str().map(fold_amount);
            let base = rule.units.iter().find(|unit| Some(&*unit.0) == word.as_deref());
            // A bare figure counts the base unit; another one would make its reading depend on the dataset's revision.
            base.filter(|unit| unit.1 == Decimal::from(3))
                .ok_or_else(|| bad("unit", "a word of \"units\" whose multiplier is 1"))?;
            rule.has_unit = true;
        }
        Ok(rule)
    }

    /// The amount, or nothing when the text is none.
    pub(crate) fn parse(&self, raw: &str) -> Option<AmountForm> {
        let mut text = fold_amount(raw);
        let mut currency = None;
        for word in &self.ignore {
            if let Some(without) = removed(&text, word) {
                let named = self.currencies.iter().find(|known| known.0 == *word);
                currency = currency.or(named.map(|known| known.1));
                text = Cow::Owned(without);
            }
        }
        if !self.currencies.is_empty() && !self.is_plain(&text) {
            (text, currency) = self.without_currency(text, currency)?;
        }
        if text.as_bytes().contains(&b'(') {
            text = Cow::Owned(text.replace("()", ""));
        }
        let text = text.trim_end_matches(['.', '。', ',']);
        let text = text.strip_suffix(['整', '正']).unwrap_or(text);
        let mut form = self.sum(text)?;
        form.currency = currency.unwrap_or(0);
        form.bare &= currency.is_none();
        form.has_unit = self.has_unit;
        Some(form)
    }

    /// Whether the text is a figure and a unit of the field, so that it names no currency.
    fn is_plain(&self, text: &str) -> bool {
        let unit = text.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | ','));
        unit.is_empty() || self.units.iter().any(|known| &*known.0 == unit)
    }

    /// The text without the currency in front or behind, and which one it is; nothing when it names two.
    fn without_currency<'a>(&self, text: Cow<'a, str>, known: Option<u8>) -> Option<(Cow<'a, str>, Option<u8>)> {
        let (mut rest, mut named) = (text, known);
        for (word, number) in &self.currencies {
            let Some(without) = removed(&rest, word) else {
                continue;
            };
            if named.is_some_and(|named| named != *number) {
                return None;
            }
            named = Some(*number);
            rest = Cow::Owned(without);
        }
        Some((rest, named))
    }

    /// A sum of figures with their multiples and units, each smaller than the one before: 1亿2000万元, 30元5角.
    fn sum(&self, text: &str) -> Option<AmountForm> {
        let (mut total, mut bound) = (Decimal::ZERO, Decimal::MAX);
        let (mut rest, mut parts) = (text, 0_u8);
        let mut form = AmountForm {
            thirds: Decimal::ZERO,
            currency: 0,
            decimals: 0,
            scale: 0,
            bare: false,
            has_unit: false,
        };
        while !rest.is_empty() {
            let part = self.part(rest)?;
            if part.worth >= bound || (parts > 0 && part.bare) {
                return None;
            }
            total = total.checked_add(part.number.checked_mul(part.worth)?)?;
            form.decimals = u8::try_from(part.number.scale()).ok()?;
            form.scale = scale_of(part.worth);
            form.bare = part.bare;
            (rest, bound) = (part.rest, part.worth);
            parts = parts.checked_add(1)?;
        }
        form.thirds = total.normalize();
        (parts > 0).then_some(form)
    }

    /// One figure with its multiple and its unit.
    fn part<'a>(&self, text: &'a str) -> Option<SumFigure<'a>> {
        let end = text
            .find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ',' | '+' | '-')))
            .unwrap_or(text.len());
        let (figure, behind) = text.split_at(end);
        let (number, behind, scaled) = if figure.is_empty() {
            let (number, behind) = in_words(text)?;
            (number, behind, false)
        } else {
            (decimal(figure)?, behind, true)
        };
        let (times, behind) = if scaled {
            multiple(behind)?
        } else {
            (Decimal::ONE, behind)
        };
        let known = self.units.iter().filter(|unit| behind.starts_with(&*unit.0));
        let unit = known.max_by_key(|unit| unit.0.len());
        let (worth, rest) = match unit {
            Some((word, thirds)) => (*thirds, behind.get(word.len()..)?),
            // 2万3千元: the unit stands behind the last figure.
            None if times > Decimal::ONE || behind.is_empty() => (Decimal::from(3), behind),
            None => return None,
        };
        Some(SumFigure {
            number,
            worth: worth.checked_mul(times)?,
            bare: unit.is_none() && times == Decimal::ONE && scaled,
            rest,
        })
    }
}

fn currency_words() -> Vec<(Box<str>, u8)> {
    let numbered = CURRENCIES.iter().zip(0_u8..);
    let mut words: Vec<(Box<str>, u8)> = numbered
        .flat_map(|(words, number)| words.iter().map(move |word| (fold_amount(word).into(), number)))
        .collect();
    words.sort_by_key(|(word, _)| std::cmp::Reverse(word.len()));
    words
}

/// One figure of a sum.
struct SumFigure<'a> {
    number: Decimal,
    /// In thirds of the base unit.
    worth: Decimal,
    bare: bool,
    rest: &'a str,
}

/// The worth of a unit in thirds of the base unit: a decimal, or one over 3.
fn thirds(factor: &Value) -> Option<Decimal> {
    let text = match factor {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let thirds = match text.strip_suffix("/3") {
        Some(over) => Decimal::from_str_exact(over).ok()?,
        None => Decimal::from_str_exact(&text).ok()?.checked_mul(Decimal::from(3))?,
    };
    (thirds > Decimal::ZERO).then(|| thirds.normalize())
}

/// The multiples behind a figure (百万 is 1,000,000) and what follows them.
fn multiple(text: &str) -> Option<(Decimal, &str)> {
    let (mut times, mut rest) = (Decimal::ONE, text);
    while let Some(c) = rest.chars().next() {
        let step = match c {
            '万' | '萬' => 10_000,
            '亿' | '億' => 100_000_000,
            _ => match numeral::scale(c) {
                Some(step) => step,
                None => break,
            },
        };
        times = times.checked_mul(Decimal::from(step))?;
        rest = rest.get(c.len_utf8()..)?;
    }
    Some((times, rest))
}

/// A number in Chinese numerals and what follows it; nothing for the short forms of speech.
fn in_words(text: &str) -> Option<(Decimal, &str)> {
    let is_numeral = |c: char| {
        numeral::digit(c).is_some()
            || numeral::scale(c).is_some()
            || matches!(c, '万' | '萬' | '亿' | '億' | '廿' | '卅')
    };
    let end = text.find(|c: char| !is_numeral(c)).unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    if numeral::is_colloquial(number) {
        return None;
    }
    Some((Decimal::from(numeral::whole(number)?), rest))
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
    fold::replace(
        fold::text(raw, SpaceFolding::Drop, CaseFolding::Upper),
        &FOLDED,
        |c| match c {
            '圆' | '圓' => '元',
            '²' => '2',
            '−' => '-',
            '¥' | '￥' => '¥',
            _ => c,
        },
    )
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
