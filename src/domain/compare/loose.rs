//! Two texts that are not equal and may yet be one: characters written in two ways, separators and remarks that one side leaves
//! out, Latin names in the spelling of a passport. All of it is for review, never a match.

use std::collections::BTreeMap;

use icu_normalizer::DecomposingNormalizerBorrowed;

use super::review::{REVIEW_PARTIAL, REVIEW_VARIANT};
use super::text::TextRule;
use crate::fold;
use crate::reference::{self, PairPlace};
use crate::verdict::Verdict;

/// The longest name of a person that a party's name is taken for, in characters.
const PERSON_CHARS_MAX: usize = 4;

/// The verdict on two folded texts that differ; symmetric.
pub(super) fn judge(rule: TextRule, a: &str, b: &str) -> Verdict {
    if vary(rule, &spelt(rule, a), &spelt(rule, b)) {
        return REVIEW_VARIANT;
    }
    if rule == TextRule::Document || rule == TextRule::Plain {
        return Verdict::Mismatch;
    }
    if is_latin(a) && is_latin(b) {
        return latin(a, b);
    }
    match (without_remark(a), without_remark(b)) {
        (Some(bare), None) if bare == b => REVIEW_PARTIAL,
        (None, Some(bare)) if bare == a => REVIEW_PARTIAL,
        _ => Verdict::Mismatch,
    }
}

/// The text with Roman numerals and № as letters.
fn spelt(rule: TextRule, text: &str) -> Vec<char> {
    let nfkd = DecomposingNormalizerBorrowed::new_nfkd();
    let mut out = Vec::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{2160}'..='\u{217F}' | '№' => {
                let letters = nfkd.normalize_iter(std::iter::once(c));
                // In the case of the folded text.
                match rule {
                    TextRule::Document => out.extend(letters.flat_map(char::to_uppercase)),
                    _ => out.extend(letters.flat_map(char::to_lowercase)),
                }
            }
            _ => out.push(c),
        }
    }
    out
}

/// Whether two texts differ only by variant characters and by separators that one of them leaves out.
fn vary(rule: TextRule, a: &[char], b: &[char]) -> bool {
    let surname = match rule {
        TextRule::Person => true,
        TextRule::Party => a.len() <= PERSON_CHARS_MAX && b.len() <= PERSON_CHARS_MAX,
        _ => false,
    };
    let (mut left, mut right) = (a, b);
    let (mut left_extra, mut right_extra) = (false, false);
    let mut place = if surname {
        PairPlace::Surname
    } else {
        PairPlace::Anywhere
    };
    loop {
        match (left, right) {
            ([], []) => return !(left_extra && right_extra),
            ([x, behind_x @ ..], [y, behind_y @ ..])
                if reference::variants_agree(*x, *y, place) || (separates(rule, *x) && separates(rule, *y)) =>
            {
                (left, right) = (behind_x, behind_y);
            }
            ([x, behind @ ..], _) if separates(rule, *x) => {
                (left, left_extra) = (behind, true);
            }
            (_, [y, behind @ ..]) if separates(rule, *y) => {
                (right, right_extra) = (behind, true);
            }
            ([x, _, ..], [y, behind @ ..]) if is_described(*x) && fold::is_han(*y) => match behind_description(left) {
                Some(rest) => (left, right) = (rest, behind),
                None => return false,
            },
            ([x, behind @ ..], [y, _, ..]) if is_described(*y) && fold::is_han(*x) => match behind_description(right) {
                Some(rest) => (left, right) = (behind, rest),
                None => return false,
            },
            _ => return false,
        }
        place = PairPlace::Anywhere;
    }
}

/// Whether `c` is a sign that a careless register leaves out, adds or takes for another one.
fn separates(rule: TextRule, c: char) -> bool {
    let point = || fold::is_interpunct(c) || matches!(c, '●' | '◦' | '∘' | '⦁' | '▪' | '。' | '◆');
    match rule {
        TextRule::Person | TextRule::Party => matches!(c, ' ' | '-' | ',' | '\'' | '、' | ';' | '"') || point(),
        TextRule::Organization => matches!(c, ' ' | '-' | ',' | '\'' | '"' | '、' | ';' | ':' | '(' | ')') || point(),
        TextRule::Document => matches!(c, '-' | '/' | '(' | ')' | ':' | '第' | '号' | '號' | '字') || point(),
        TextRule::Plain => matches!(c, ' ' | '"' | '\'' | '(' | ')' | ',' | '、' | ';' | ':' | '-') || point(),
    }
}

/// An ideographic description character: what follows describes one character.
const fn is_described(c: char) -> bool {
    matches!(c, '\u{2FF0}'..='\u{2FFF}' | '\u{31EF}')
}

/// What follows the description of one character.
fn behind_description(text: &[char]) -> Option<&[char]> {
    let mut rest = text;
    let mut open = 1_u32;
    while open > 0 {
        let (c, behind) = rest.split_first()?;
        let parts = match c {
            '\u{2FF2}' | '\u{2FF3}' => 3,
            '\u{2FFE}' | '\u{2FFF}' => 1,
            c if is_described(*c) => 2,
            _ => 0,
        };
        open = (open - 1).checked_add(parts)?;
        rest = behind;
    }
    Some(rest)
}

/// The text without the remark in brackets at its end; `None` if it has none.
fn without_remark(text: &str) -> Option<&str> {
    let (bare, _) = text.strip_suffix(')')?.split_once('(')?;
    (!bare.is_empty()).then_some(bare)
}

/// Whether a text is a name in letters of the Latin script, the Cyrillic one or alike.
fn is_latin(text: &str) -> bool {
    text.chars().any(char::is_alphabetic) && !text.chars().any(fold::is_han)
}

/// Two names in letters: the spelling of a passport, the order of the words, words left out.
fn latin(a: &str, b: &str) -> Verdict {
    for umlaut in [UmlautSpelling::Bare, UmlautSpelling::WithE] {
        let (left, right) = (words(a, umlaut), words(b, umlaut));
        if left.concat() == right.concat() || sorted(&left) == sorted(&right) {
            return REVIEW_VARIANT;
        }
        let holds = |few: &[String], many: &[String]| few.len() >= 2 && few.len() <= many.len() && is_within(few, many);
        if holds(&left, &right) || holds(&right, &left) {
            return REVIEW_PARTIAL;
        }
    }
    Verdict::Mismatch
}

fn sorted(words: &[String]) -> Vec<&str> {
    let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
    words.sort_unstable();
    words
}

/// Whether every word of `few` is a word of `many`, or the initial of one.
fn is_within(few: &[String], many: &[String]) -> bool {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for word in many {
        *counts.entry(word).or_default() += 1;
    }
    few.iter().all(|word| match counts.get_mut(word.as_str()) {
        Some(left) if *left > 0 => {
            *left -= 1;
            true
        }
        _ => word.len() == 1 && many.iter().any(|full| full.starts_with(word.as_str())),
    })
}

/// How a passport writes Ü.
#[derive(Clone, Copy, PartialEq, Eq)]
enum UmlautSpelling {
    /// U.
    Bare,
    /// UE.
    WithE,
}

/// The words of a name in bare letters (ICAO 9303): no marks, no signs.
fn words(text: &str, umlaut: UmlautSpelling) -> Vec<String> {
    let nfd = DecomposingNormalizerBorrowed::new_nfd();
    let (mut words, mut word) = (Vec::new(), String::new());
    for c in text.chars() {
        match letters(c, umlaut) {
            Some(letters) => word.push_str(letters),
            None if c != '\'' && separates(TextRule::Person, c) => words.push(std::mem::take(&mut word)),
            None => word.extend(nfd.normalize_iter(std::iter::once(c)).filter(|c| c.is_alphanumeric())),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

/// The letters that stand for one that has no decomposition, or that a passport spells out.
const fn letters(c: char, umlaut: UmlautSpelling) -> Option<&'static str> {
    Some(match (c, umlaut) {
        ('ä', UmlautSpelling::WithE) | ('æ', _) => "ae",
        ('ö' | 'ø', UmlautSpelling::WithE) | ('œ', _) => "oe",
        ('ü', UmlautSpelling::WithE) => "ue",
        ('å', UmlautSpelling::WithE) => "aa",
        ('ø', UmlautSpelling::Bare) => "o",
        ('ß', _) => "ss",
        ('ł', _) => "l",
        ('đ' | 'ð', _) => "d",
        ('þ', _) => "th",
        ('ı', _) => "i",
        ('ħ', _) => "h",
        _ => return None,
    })
}
