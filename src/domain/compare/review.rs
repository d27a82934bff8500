//! The reviews that comparators ask for.

use crate::verdict::{ReviewReason, Verdict};

pub(super) const REVIEW_VARIANT: Verdict = Verdict::Review(ReviewReason::Variant);
pub(super) const REVIEW_PARTIAL: Verdict = Verdict::Review(ReviewReason::Partial);
pub(super) const UNREADABLE_RECORD: Verdict = Verdict::Review(ReviewReason::UnreadableRecord);
pub(super) const UNREADABLE_CLAIM: Verdict = Verdict::Review(ReviewReason::UnreadableClaim);
