//! Names, document numbers and plain text: equal after a lossless fold, or one character written in two ways.
//! The interpunct of a name is known only between two Han characters; elsewhere a full stop stays a full stop.

use std::borrow::Cow;

use super::REVIEW_VARIANT;
use crate::byte_set::ByteSet;
use crate::fold::{self, Case, Spaces};
use crate::identifier;
use crate::reference::{self, Place};
use crate::verdict::{Basis, Verdict};

/// The longest name of a person that a party's name is taken for, in characters.
const PERSON_CHARS_MAX: usize = 4;

/// Bytes of text in which no rule but the one for document numbers folds anything.
const NAME: ByteSet = ByteSet::HAN.with(b'a', b'z').with(b'0', b'9').with(b'(', b')');

/// Which texts a text comparator holds against one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextRule {
    /// A person: interpunct, surname pairs; one space between Latin words has a meaning, and a missing one is for review.
    Person,
    /// An organisation: brackets and quotes fold, no space has a meaning.
    Organization,
    /// A person or an organisation.
    Party,
    /// A number printed on a document.
    Document,
    /// Anything else.
    Plain,
}

impl TextRule {
    /// The folded text; borrowed when nothing changes.
    pub(crate) fn fold(self, raw: &str) -> Cow<'_, str> {
        if self != Self::Document && NAME.holds(raw) {
            return Cow::Borrowed(raw);
        }
        let (spaces, case) = match self {
            Self::Person | Self::Party => (Spaces::KeepBetweenWords, Case::Lower),
            Self::Organization => (Spaces::Drop, Case::Lower),
            Self::Plain => (Spaces::KeepBetweenWords, Case::Lower),
            Self::Document => return identifier::document_number(raw),
        };
        let folded = fold::text(raw, spaces, case);
        if NAME.holds(&folded) {
            return folded;
        }
        let folded = match self {
            Self::Organization | Self::Party => map_punctuation(folded),
            _ => folded,
        };
        let folded = match self {
            // A firm's name with Han in it has no meaningful space; a Latin name may have.
            Self::Party if folded.contains(' ') && folded.chars().any(fold::is_han) => {
                Cow::Owned(folded.chars().filter(|&c| c != ' ').collect())
            }
            _ => folded,
        };
        if self == Self::Plain {
            folded
        } else {
            interpuncts(folded)
        }
    }

    /// The verdict on two folded texts; symmetric.
    pub(crate) fn judge(self, a: &str, b: &str) -> Verdict {
        if a == b {
            return Verdict::Match(Basis::Normalized);
        }
        if self.loosely_equal(a, b) {
            REVIEW_VARIANT
        } else {
            Verdict::Mismatch
        }
    }

    /// Whether two texts differ only by variant characters and by separators that one of them leaves out.
    fn loosely_equal(self, a: &str, b: &str) -> bool {
        let surname = match self {
            Self::Person => true,
            Self::Party => a.chars().count() <= PERSON_CHARS_MAX && b.chars().count() <= PERSON_CHARS_MAX,
            _ => false,
        };
        let (mut left, mut right) = (a.chars().peekable(), b.chars().peekable());
        let (mut left_extra, mut right_extra) = (false, false);
        let (mut before, mut place) = (None, if surname { Place::Surname } else { Place::Anywhere });
        loop {
            match (left.peek().copied(), right.peek().copied()) {
                (None, None) => return !(left_extra && right_extra),
                (Some(x), Some(y)) if reference::variants_agree(x, y, place) => {
                    before = left.next();
                    right.next();
                }
                (Some(x), Some(y)) if self.separates(x, before) && self.separates(y, before) => {
                    left.next();
                    right.next();
                }
                (Some(x), _) if self.separates(x, before) => {
                    left_extra = true;
                    left.next();
                }
                (_, Some(y)) if self.separates(y, before) => {
                    right_extra = true;
                    right.next();
                }
                _ => return false,
            }
            place = Place::Anywhere;
        }
    }

    /// Whether `c`, behind `before`, is a separator that a careless register leaves out.
    fn separates(self, c: char, before: Option<char>) -> bool {
        let behind_han = before.is_some_and(fold::is_han);
        match self {
            Self::Person | Self::Party => c == ' ' || (behind_han && matches!(c, '·' | '。' | '-' | '\u{2010}')),
            Self::Organization => behind_han && c == '·',
            Self::Document | Self::Plain => false,
        }
    }
}

/// Brackets and quotes of every shape in one form.
fn map_punctuation(text: Cow<'_, str>) -> Cow<'_, str> {
    fold::replace(text, &NAME, |c| match c {
        '“' | '”' | '„' | '«' | '»' | '《' | '》' => '"',
        '‘' | '’' | '`' => '\'',
        '—' | '–' | '‐' | '‑' | '―' | '−' => '-',
        '＆' => '&',
        _ => fold::bracket(c),
    })
}

/// Any point between two Han characters becomes U+00B7.
fn interpuncts(text: Cow<'_, str>) -> Cow<'_, str> {
    if !text.chars().any(|c| fold::is_interpunct(c) && c != '·') {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut before = None;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let between =
            fold::is_interpunct(c) && before.is_some_and(fold::is_han) && rest.clone().next().is_some_and(fold::is_han);
        out.push(if between { '·' } else { c });
        before = Some(c);
    }
    Cow::Owned(out)
}
