//! Names, document numbers and plain text: equal after a lossless fold, or near enough for a person to look.
//! The interpunct of a name is known only between two Han characters; elsewhere a full stop stays a full stop.

use std::borrow::Cow;

use super::unreadable::{self, NullWords};
use super::{holders, loose};
use crate::byte_set::ByteSet;
use crate::fold::{self, CaseFolding, SpaceFolding};
use crate::identifier;
use crate::verdict::{MatchBasis, Verdict};

/// Bytes of text in which no rule but the one for document numbers folds anything.
const NAME: ByteSet = ByteSet::HAN.with(b'a', b'z').with(b'0', b'9').with(b'(', b')');

/// Which texts a text comparator holds against one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextRule {
    /// A person: interpunct, surname pairs; one space between Latin words has a meaning, and a missing one is for review.
    Person,
    /// An organisation: no space beside Han has a meaning.
    Organization,
    /// A person or an organisation, or several of them: their order has no meaning.
    Party,
    /// A number printed on a document.
    Document,
    /// Anything else.
    Plain,
}

impl TextRule {
    /// The folded text; borrowed when nothing changes.
    pub(crate) fn fold(self, raw: &str) -> Cow<'_, str> {
        if self == Self::Document {
            return identifier::document_number(raw);
        }
        if NAME.holds(raw) {
            return Cow::Borrowed(raw);
        }
        let folded = fold::text(raw, SpaceFolding::KeepBetweenWords, CaseFolding::Lower);
        if NAME.holds(&folded) {
            return folded;
        }
        let folded = fold::replace(folded, &NAME, fold::punctuation);
        let folded = match self {
            // A firm's name with Han in it has no meaningful space; a Latin name may have.
            Self::Party | Self::Organization if folded.contains(' ') && folded.chars().any(fold::is_han) => {
                Cow::Owned(folded.chars().filter(|&c| c != ' ').collect())
            }
            _ => folded,
        };
        match self {
            Self::Plain => folded,
            Self::Party => holders::in_order(interpuncts(folded)),
            _ => interpuncts(folded),
        }
    }

    /// Whether a folded text cannot be read.
    pub(crate) fn is_unreadable(self, folded: &str) -> bool {
        let nulls = match self {
            Self::Person | Self::Organization | Self::Party | Self::Document => NullWords::Names,
            Self::Plain => NullWords::Text,
        };
        // A figure is no name: 43341 is a date that lost its format.
        unreadable::is_unreadable(folded, nulls) || (self == Self::Person && !folded.chars().any(char::is_alphabetic))
    }

    /// The verdict on two folded texts that can be read; symmetric.
    pub(crate) fn judge(self, a: &str, b: &str) -> Verdict {
        if a == b {
            Verdict::Match(MatchBasis::Normalized)
        } else if self == Self::Party {
            holders::judge(a, b)
        } else {
            loose::judge(self, a, b)
        }
    }
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
