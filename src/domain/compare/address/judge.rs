//! Holds a claimed address against a record's.

use super::{AddressForm, fold};
use crate::compare::form::{CanonicalValue, ValueForm};
use crate::compare::review::REVIEW_VARIANT;
use crate::division::HomeCity;
use crate::verdict::{MatchBasis, ReviewReason, Verdict};

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
    let (left, right) = (fold::standard(claim), fold::standard(record.raw()));
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
