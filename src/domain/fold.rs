//! Lossless folds: width, space, zero-width, private use, radicals, compatibility ideographs, composition.
//! NFKC is not used on the whole text, because it also turns ① into 1 and ㎡ into m2; only the width and small-form blocks get it.

use std::borrow::Cow;

use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};

use super::byte_set::ByteSet;
use super::reference;

/// Bytes of text that [`clean`] leaves as it is.
const CLEAN: ByteSet = ByteSet::HAN.with(b' ', b'~');
/// Bytes of text that has no space and nothing to fold, whatever becomes of spaces: in lower case, in upper case.
const LOWER: ByteSet = ByteSet::HAN.with(b'!', b'@').with(b'[', b'~');
const UPPER: ByteSet = ByteSet::HAN.with(b'!', b'`').with(b'{', b'~');
/// Bytes of text in which at most the case changes.
const WORD: ByteSet = ByteSet::HAN.with(b'!', b'~');

/// What becomes of white space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpaceFolding {
    /// All of it goes.
    Drop,
    /// One space is kept between two characters that are not Han; the rest goes.
    KeepBetweenWords,
}

/// What becomes of letter case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaseFolding {
    /// Lower case, by character.
    Lower,
    /// Upper case of ASCII only, as identifiers are written.
    Upper,
}

/// Folds width, zero-width, private use, radicals, compatibility ideographs and composition; any white space becomes one U+0020 each.
///
/// Controls, ideographic description characters and unassigned private use stay: they are not nothing. Idempotent. Borrows when nothing has to change.
pub fn clean(raw: &str) -> Cow<'_, str> {
    if CLEAN.holds(raw) || raw.chars().all(is_plain) {
        return Cow::Borrowed(raw);
    }
    let nfkd = DecomposingNormalizerBorrowed::new_nfkd();
    let mut folded = String::with_capacity(raw.len());
    for c in raw.chars() {
        // A private-use point may stand for a character that folds again, so it goes first.
        let c = if is_plain(c) {
            c
        } else {
            reference::assigned(c).unwrap_or(c)
        };
        if is_plain(c) {
            folded.push(c);
        } else if is_ignorable(c) {
            continue;
        } else if c.is_whitespace() {
            folded.push(' ');
        } else if is_width_form(c) {
            folded.extend(nfkd.normalize_iter(std::iter::once(c)));
        } else {
            folded.push(c);
        }
    }
    composed(folded)
}

/// [`clean`], then white space and case as asked.
pub fn text(raw: &str, spaces: SpaceFolding, case: CaseFolding) -> Cow<'_, str> {
    let settled = match case {
        CaseFolding::Lower => &LOWER,
        CaseFolding::Upper => &UPPER,
    };
    if settled.holds(raw) {
        return Cow::Borrowed(raw);
    }
    match plain_text(raw, spaces, case) {
        Some(folded) => Cow::Owned(folded),
        None => any_text(raw, spaces, case),
    }
}

/// The fold of text of plain characters, ASCII in full width and the two usual spaces: in one pass, as nothing in it
/// composes. Nothing for other text.
fn plain_text(raw: &str, spaces: SpaceFolding, case: CaseFolding) -> Option<String> {
    let mut out = SpacedText::new(raw.len(), spaces);
    let mut rest = raw;
    while let Some(c) = rest.chars().next() {
        let (word, behind) = WORD.split(rest);
        if !word.is_empty() {
            out.close_gap(c);
            out.text.push_str(word);
            rest = behind;
            continue;
        }
        match half_width(c).or_else(|| is_plain(c).then_some(c))? {
            ' ' => out.gap = true,
            c => {
                out.close_gap(c);
                out.text.push(c);
            }
        }
        rest = rest.get(c.len_utf8()..)?;
    }
    // Of plain characters only those of ASCII have a case.
    match case {
        CaseFolding::Lower => out.text.make_ascii_lowercase(),
        CaseFolding::Upper => out.text.make_ascii_uppercase(),
    }
    Some(out.text)
}

fn any_text(raw: &str, spaces: SpaceFolding, case: CaseFolding) -> Cow<'_, str> {
    let cleaned = clean(raw);
    let changes_case = |c: char| match case {
        CaseFolding::Lower => !is_han(c) && c.to_lowercase().next() != Some(c),
        CaseFolding::Upper => c.is_ascii_lowercase(),
    };
    if !cleaned.chars().any(|c| c == ' ' || changes_case(c)) {
        return cleaned;
    }
    let mut out = SpacedText::new(cleaned.len(), spaces);
    for c in cleaned.chars() {
        if c == ' ' {
            out.gap = true;
            continue;
        }
        out.close_gap(c);
        match case {
            CaseFolding::Upper => out.text.push(c.to_ascii_uppercase()),
            CaseFolding::Lower if is_han(c) => out.text.push(c),
            CaseFolding::Lower => out.text.extend(c.to_lowercase()),
        }
    }
    // Lower-casing can leave a base and a mark that compose.
    composed(out.text)
}

/// Clean text that is being written without its needless spaces.
struct SpacedText {
    text: String,
    spaces: SpaceFolding,
    /// Whether spaces were read since the last character.
    gap: bool,
}

impl SpacedText {
    fn new(bytes: usize, spaces: SpaceFolding) -> Self {
        Self {
            text: String::with_capacity(bytes),
            spaces,
            gap: false,
        }
    }

    /// Writes the space that is kept before `next`, if any.
    fn close_gap(&mut self, next: char) {
        if !std::mem::take(&mut self.gap) || self.spaces == SpaceFolding::Drop {
            return;
        }
        if self.text.chars().next_back().is_some_and(is_word) && is_word(next) {
            self.text.push(' ');
        }
    }
}

/// The text with `one` of each character, which leaves those of `same` as they are.
pub fn replace<'a>(text: Cow<'a, str>, same: &ByteSet, one: impl Fn(char) -> char) -> Cow<'a, str> {
    if same.holds(&text) {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = &*text;
    while !rest.is_empty() {
        let (head, behind) = same.split(rest);
        out.push_str(head);
        let mut behind = behind.chars();
        out.extend(behind.next().map(&one));
        rest = behind.as_str();
    }
    Cow::Owned(out)
}

fn composed(text: String) -> Cow<'static, str> {
    match ComposingNormalizerBorrowed::new_nfc().normalize(&text) {
        Cow::Borrowed(_) => Cow::Owned(text),
        Cow::Owned(composed) => Cow::Owned(composed),
    }
}

/// The ASCII character of a full-width one, U+FF01 to U+FF5E and the ideographic space.
fn half_width(c: char) -> Option<char> {
    match c {
        '\u{3000}' => Some(' '),
        '\u{FF01}'..='\u{FF5E}' => u8::try_from(u32::from(c) - 0xFEE0).ok().map(char::from),
        _ => None,
    }
}

/// Whether `c` is a Han character: unified ideographs of every block, compatibility ideographs and 〇.
pub const fn is_han(c: char) -> bool {
    matches!(c,
        '\u{3007}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFD}')
}

/// Brackets of every shape as ASCII round ones; other characters as they are.
pub const fn bracket(c: char) -> char {
    match c {
        '[' | '{' | '〔' | '【' | '〖' | '「' | '『' | '⟨' | '〈' | '⦅' | '❲' => '(',
        ']' | '}' | '〕' | '】' | '〗' | '」' | '』' | '⟩' | '〉' | '⦆' | '❳' => ')',
        _ => c,
    }
}

/// Dashes of every shape as the ASCII hyphen; other characters as they are.
pub const fn dash(c: char) -> char {
    match c {
        '\u{2010}'..='\u{2015}'
        | '\u{2212}'
        | '\u{2043}'
        | '\u{2500}'
        | '\u{2501}'
        | '\u{2E3A}'
        | '\u{2E3B}'
        | '\u{30FC}'
        | '\u{00AD}' => '-',
        _ => c,
    }
}

/// Quotation marks and apostrophes of every shape as the ASCII ones; other characters as they are.
pub const fn quote(c: char) -> char {
    match c {
        '\u{2018}' | '\u{2019}' | '\u{201B}' | '\u{2032}' | '\u{2BB}'..='\u{2BC}' | '`' | '´' => '\'',
        '“' | '”' | '„' | '‟' | '«' | '»' | '《' | '》' | '″' | '〝' | '〞' | '〟' => '"',
        _ => c,
    }
}

/// Brackets, dashes and quotes of every shape in one form.
pub const fn punctuation(c: char) -> char {
    quote(dash(bracket(c)))
}

/// Whether `c` is one of the points that people type for the interpunct U+00B7 of 民委发〔2016〕33号.
pub(crate) const fn is_interpunct(c: char) -> bool {
    matches!(
        c,
        '\u{B7}'
            | '.'
            | '\u{387}'
            | '\u{2D9}'
            | '\u{16EB}'
            | '\u{2022}'
            | '\u{2024}'
            | '\u{2027}'
            | '\u{2219}'
            | '\u{22C5}'
            | '\u{2E31}'
            | '\u{2E33}'
            | '\u{30FB}'
            | '\u{FF65}'
            | '\u{FF0E}'
            | '\u{318D}'
            | '\u{A78F}'
            | '\u{1427}'
    )
}

const fn is_word(c: char) -> bool {
    !is_han(c) && !is_interpunct(c)
}

/// A character that no fold changes, by quick check: the only work for most text.
const fn is_plain(c: char) -> bool {
    matches!(c,
        ' '..='~'
        | '\u{B7}'
        | '\u{3400}'..='\u{9FFF}'
        | '\u{20000}'..='\u{2A6DF}'
        | '\u{3001}'..='\u{3029}')
}

/// Invisible characters and variation selectors.
const fn is_ignorable(c: char) -> bool {
    matches!(c,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{180B}'..='\u{180F}'
        | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
        | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}')
}

const fn is_width_form(c: char) -> bool {
    matches!(c, '\u{FE10}'..='\u{FE19}' | '\u{FE30}'..='\u{FE6B}' | '\u{FF01}'..='\u{FFEE}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn plain_text_is_borrowed() {
        assert!(matches!(clean("张三·abc (芜湖) 〔2017〕"), Cow::Borrowed(_)));
        assert!(matches!(
            text("张三", SpaceFolding::Drop, CaseFolding::Lower),
            Cow::Borrowed(_)
        ));
    }

    #[test]
    fn width_zero_width_and_selectors_fold() {
        assert_eq!(clean("ＡＢ１２（）　\u{200B}王\u{E0101}\u{FE00}"), "AB12() 王");
        assert_eq!(clean("\u{FE59}\u{FEFF}Ａ\u{FE5A}"), "(A)");
    }

    #[test]
    fn compatibility_ideographs_fold_and_the_twelve_real_ones_stay() {
        assert_eq!(clean("\u{F9F4}\u{2F800}"), "林丽");
        for point in [
            0xFA0E, 0xFA0F, 0xFA11, 0xFA13, 0xFA14, 0xFA1F, 0xFA21, 0xFA23, 0xFA24, 0xFA27, 0xFA28, 0xFA29,
        ] {
            let one = char::from_u32(point).unwrap().to_string();
            assert_eq!(clean(&one), one);
        }
    }

    #[test]
    fn circled_digits_and_square_units_are_kept() {
        assert_eq!(clean("①㎡"), "①㎡");
    }

    #[test]
    fn one_space_between_latin_words_is_kept_when_asked() {
        assert_eq!(
            text(" John   SMITH ", SpaceFolding::KeepBetweenWords, CaseFolding::Lower),
            "john smith"
        );
        assert_eq!(
            text("张 三 A B", SpaceFolding::KeepBetweenWords, CaseFolding::Lower),
            "张三a b"
        );
        assert_eq!(text("张 三 A B", SpaceFolding::Drop, CaseFolding::Upper), "张三AB");
    }

    proptest! {
        #[test]
        fn folding_twice_is_folding_once(raw in "\\PC{0,12}|[\u{2E80}-\u{2FFF}\u{E700}-\u{E870}\u{F900}-\u{FFEF}a-zA-Z .·\u{300}]{0,10}") {
            let once = clean(&raw).into_owned();
            prop_assert_eq!(clean(&once).into_owned(), once.clone());
            for (spaces, case) in [(SpaceFolding::Drop, CaseFolding::Upper), (SpaceFolding::KeepBetweenWords, CaseFolding::Lower)] {
                let once = text(&raw, spaces, case).into_owned();
                prop_assert_eq!(text(&once, spaces, case).into_owned(), once.clone());
            }
        }
    }
}
