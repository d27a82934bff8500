//! Addresses: divisions with their history, and the parts behind them, compared part by part.
//! A contradiction is a mismatch, what one side leaves out a review; only what is said losslessly in another way is a match.

use super::{CanonicalValue, REVIEW_VARIANT, ValueForm};
use crate::division::{DivisionChain, HeadRelation, HomeCity};
use crate::reference;
use crate::verdict::{MatchBasis, ReviewReason, Verdict};
use parts::{AddressParts, TailRelation};

mod fold;
mod number;
mod parts;
mod read;
mod text;

/// An address in its parts.
#[derive(Clone)]
pub(crate) struct AddressForm {
    /// The folded address that the parts were read from, where it is not the address as given.
    folded: Option<Box<str>>,
    head: DivisionChain,
    tail: AddressParts,
    readable: bool,
}

impl AddressForm {
    /// Reads an address; any text is one, though it may not be readable.
    pub(crate) fn parse(raw: &str) -> Self {
        Self::of(raw, &fold::prepare(raw))
    }

    /// Reads an address that is folded to `text`.
    fn of(raw: &str, text: &str) -> Self {
        let (mut head, rest) = fold::take_head(text);
        let tail = read::read(rest, &mut head);
        Self {
            head,
            tail,
            readable: fold::is_readable(text),
            folded: (*text != *raw).then(|| text.into()),
        }
    }

    /// The divisions at its head.
    pub(crate) fn head(&self) -> &DivisionChain {
        &self.head
    }

    /// Whether the address was understood; one that was not proves nothing.
    pub(crate) fn is_readable(&self) -> bool {
        self.readable
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.tail.heap_bytes() + self.head.heap_bytes() + self.folded.as_ref().map_or(0, |text| text.len())
    }

    /// The verdict on two readable addresses of different texts, in a hub of `home`; symmetric.
    fn judge(&self, other: &Self, home: Option<&HomeCity>) -> Verdict {
        let relation = self.head.relation(&other.head, home);
        if relation == HeadRelation::Different {
            return Verdict::Mismatch;
        }
        let tails = self.tail.relation(&other.tail, [&self.head, &other.head]);
        match (relation, tails) {
            (_, TailRelation::Contradicting) | (HeadRelation::Different, _) => Verdict::Mismatch,
            (HeadRelation::Same, TailRelation::Equal) => Verdict::Match(MatchBasis::Normalized),
            (HeadRelation::Renamed, TailRelation::Equal) => Verdict::Match(MatchBasis::Renamed),
            (HeadRelation::Same | HeadRelation::Renamed, TailRelation::Variant)
            | (HeadRelation::Linked, TailRelation::Equal | TailRelation::Variant) => REVIEW_VARIANT,
            _ => Verdict::Review(ReviewReason::Partial),
        }
    }
}

/// The divisions at the head of an address as text, folded; empty when it names none.
pub fn head_text(raw: &str) -> String {
    let text = fold::prepare(raw);
    let kept = text.len() - DivisionChain::take(&text).1.len();
    text.get(..kept).unwrap_or_default().to_owned()
}

/// Holds a claimed address against a record's, in a hub of `home`; symmetric but for the side that a reason names.
pub(crate) fn judge(claim: &str, record: &CanonicalValue, home: Option<&HomeCity>) -> Verdict {
    let ValueForm::Address(held) = record.form() else {
        return Verdict::Mismatch;
    };
    if !held.readable {
        return Verdict::Review(ReviewReason::UnreadableRecord);
    }
    let text = fold::prepare(claim);
    if !fold::is_readable(&text) {
        return Verdict::Review(ReviewReason::UnreadableClaim);
    }
    if *text == *held.folded.as_deref().unwrap_or(record.raw()) {
        // Equal texts have equal parts: no need to read them.
        return Verdict::Match(MatchBasis::Normalized);
    }
    let verdict = held.judge(&AddressForm::of(claim, &text), home);
    if matches!(verdict, Verdict::Match(_)) {
        return verdict;
    }
    // Traditional characters hide the divisions and words: look again in standard characters.
    let (left, right) = (standard(claim), standard(record.raw()));
    if left.is_none() && right.is_none() {
        return verdict;
    }
    let left = AddressForm::parse(left.as_deref().unwrap_or(claim));
    let right = AddressForm::parse(right.as_deref().unwrap_or(record.raw()));
    match right.judge(&left, home) {
        Verdict::Match(_) => REVIEW_VARIANT,
        verdict => verdict,
    }
}

/// The text with every character that is outside the list of 2013 replaced by the first standard one, or nothing if there is none.
fn standard(raw: &str) -> Option<String> {
    let first = |c: char| reference::standard_forms(c).chars().next();
    if raw.chars().all(|c| first(c).is_none()) {
        return None;
    }
    Some(raw.chars().map(|c| first(c).unwrap_or(c)).collect())
}

#[cfg(test)]
mod tests;
