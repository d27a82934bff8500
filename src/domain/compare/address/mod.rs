//! Addresses: divisions with their history, and the parts behind them, compared part by part.
//! A contradiction is a mismatch, what one side leaves out a review; only what is said losslessly in another way is a match.

use super::review::REVIEW_VARIANT;
use crate::budget::ClaimReach;
use crate::division::{DivisionChain, HeadRelation, HomeCity};
use crate::verdict::{MatchBasis, ReviewReason, Verdict};
use kind::PartKind;
use parts::{AddressParts, TailRelation};

pub(crate) use judge::judge;

mod fold;
mod judge;
mod kind;
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

/// How much of an address a claim names: a home needs a street or place, a house and a room; less than a house is an area.
pub(crate) fn reach(claim: &str) -> ClaimReach {
    let standard = fold::standard(claim);
    let address = AddressForm::parse(standard.as_deref().unwrap_or(claim));
    let any = |wanted: fn(PartKind) -> bool| address.tail.iter().any(|(kind, _)| wanted(kind));
    let has_place = any(|kind| {
        matches!(
            kind,
            PartKind::Road | PartKind::Lane | PartKind::Name | PartKind::Village | PartKind::Group
        )
    });
    let has_house = any(|kind| {
        matches!(
            kind,
            PartKind::Number
                | PartKind::Annex
                | PartKind::Row
                | PartKind::Building
                | PartKind::BuildingOrStorey
                | PartKind::Dashed
        )
    });
    let has_room = any(|kind| {
        matches!(
            kind,
            PartKind::Entrance | PartKind::Storey | PartKind::Room | PartKind::Dashed
        )
    });
    match (has_place, has_house, has_room) {
        (true, true, true) => ClaimReach::Whole,
        (true, true, false) | (true, false, true) => ClaimReach::Part,
        _ => ClaimReach::Area,
    }
}

#[cfg(test)]
mod tests;
