//! Addresses: division heads may be left out, written twice or renamed, the tail has one spelling.
//! A county that only one side names is a difference: only province and city are implied.

use super::{Canonical, Form, REVIEW_VARIANT, address_tail};
use crate::division::{Chain, Relation};
use crate::reference::{self, Place};
use crate::verdict::{Basis, Verdict};

/// An address in its parts.
#[derive(Clone)]
pub(crate) struct AddressForm {
    /// The folded address that the parts were read from, where it is not the address as given.
    folded: Option<Box<str>>,
    head: Chain,
    tail: Box<str>,
}

impl AddressForm {
    /// Reads an address; any text is one.
    pub(crate) fn parse(raw: &str) -> Self {
        let text = address_tail::prepare(raw);
        let (head, rest) = Chain::take(&text);
        Self {
            head,
            tail: address_tail::canonical(rest).into(),
            folded: (*text != *raw).then(|| text.as_ref().into()),
        }
    }

    /// The divisions at its head.
    pub(crate) fn head(&self) -> &Chain {
        &self.head
    }

    /// The verdict on this address, of the text `own`, and a claimed one; symmetric.
    fn judge(&self, own: &str, claim: &str) -> Verdict {
        let text = address_tail::prepare(claim);
        if *text == *self.folded.as_deref().unwrap_or(own) {
            // Equal texts have equal parts.
            return Verdict::Match(Basis::Normalized);
        }
        let (head, rest) = Chain::take(&text);
        let relation = self.head.relation(&head);
        if relation == Relation::Different {
            return Verdict::Mismatch;
        }
        let tail = address_tail::canonical(rest);
        if *self.tail != *tail {
            return if tails_vary(&self.tail, &tail) {
                REVIEW_VARIANT
            } else {
                Verdict::Mismatch
            };
        }
        Verdict::Match(if relation == Relation::Renamed {
            Basis::Renamed
        } else {
            Basis::Normalized
        })
    }
}

/// The divisions at the head of an address as text, folded; empty when it names none.
pub(crate) fn head_text(raw: &str) -> String {
    let text = address_tail::prepare(raw);
    let kept = text.len() - Chain::take(&text).1.len();
    text.get(..kept).unwrap_or_default().to_owned()
}

/// Holds a claimed address against a record's; symmetric.
pub(crate) fn judge(claim: &str, record: &Canonical) -> Verdict {
    let Form::Address(held) = record.form() else {
        return Verdict::Mismatch;
    };
    let verdict = held.judge(record.raw(), claim);
    if verdict != Verdict::Mismatch {
        return verdict;
    }
    // Traditional characters hide the divisions and units: look again in standard characters.
    let (left, right) = (standard(claim), standard(record.raw()));
    if left.is_none() && right.is_none() {
        return verdict;
    }
    let left = left.as_deref().unwrap_or(claim);
    let right = right.as_deref().unwrap_or(record.raw());
    if AddressForm::parse(right).judge(right, left) == Verdict::Mismatch {
        Verdict::Mismatch
    } else {
        REVIEW_VARIANT
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

/// Whether two tails differ only by variant characters or by numerals inside a name (九华山路, 9华山路).
fn tails_vary(a: &str, b: &str) -> bool {
    let (a, b) = (address_tail::with_digits(a), address_tail::with_digits(b));
    let (mut left, mut right) = (a.chars(), b.chars());
    loop {
        match (left.next(), right.next()) {
            (None, None) => return true,
            (Some(x), Some(y)) if reference::variants_agree(x, y, Place::Anywhere) => {}
            _ => return false,
        }
    }
}
