//! Several holders of one thing (张三、李四): a set, whose order has no meaning; one of them alone is for review.
//! A comma parts holders only beside Han: in SMITH, JOHN it parts one name.

use std::borrow::Cow;

use super::loose;
use super::review::{REVIEW_PARTIAL, REVIEW_VARIANT};
use super::text::TextRule;
use crate::fold;
use crate::verdict::Verdict;

/// Between two holders of a folded text.
pub(super) const SEPARATOR: char = '、';

/// Folded text with its holders in one order, parted by [`SEPARATOR`]; borrowed when there is one holder.
pub(super) fn in_order(text: Cow<'_, str>) -> Cow<'_, str> {
    if !text.contains(['、', ';', ',', '/', '|']) {
        return text;
    }
    let mut parts: Vec<&str> = Vec::new();
    let (mut start, mut before) = (0, None);
    for (at, c) in text.char_indices() {
        let end = at + c.len_utf8();
        let after = || text.get(end..).and_then(|rest| rest.chars().next());
        let beside_han = || before.is_some_and(is_end) || after().is_some_and(fold::is_han);
        if matches!(c, '、' | ';' | '|') || (matches!(c, ',' | '/') && beside_han()) {
            parts.extend(text.get(start..at));
            start = end;
        }
        before = Some(c);
    }
    parts.extend(text.get(start..));
    if parts.len() < 2 {
        return text;
    }
    parts.retain(|part| !part.is_empty());
    parts.sort_unstable();
    Cow::Owned(parts.join("、"))
}

/// The end of a Chinese name or of a remark behind it.
fn is_end(c: char) -> bool {
    fold::is_han(c) || c == ')'
}

/// The verdict on two folded texts that are not equal; symmetric.
pub(super) fn judge(a: &str, b: &str) -> Verdict {
    if !a.contains(SEPARATOR) && !b.contains(SEPARATOR) {
        return loose::judge(TextRule::Party, a, b);
    }
    if is_run_of(a, b) || is_run_of(b, a) {
        return REVIEW_VARIANT;
    }
    let (left, right): (Vec<&str>, Vec<&str>) = (a.split(SEPARATOR).collect(), b.split(SEPARATOR).collect());
    let (few, many) = if left.len() <= right.len() {
        (left, right)
    } else {
        (right, left)
    };
    let equal_numbers = few.len() == many.len();
    if are_among(&few, &many) {
        // As many of each, none of them the same text: written otherwise.
        return if equal_numbers { REVIEW_VARIANT } else { REVIEW_PARTIAL };
    }
    loose::judge(TextRule::Party, a, b)
}

/// Whether `text` is the holders of `set` with nothing between them, in any order.
fn is_run_of(text: &str, set: &str) -> bool {
    let mut rest = text.to_owned();
    !text.contains(SEPARATOR)
        && set.split(SEPARATOR).all(|holder| match rest.find(holder) {
            Some(at) => {
                rest.replace_range(at..at + holder.len(), "");
                true
            }
            None => false,
        })
        && rest.is_empty()
}

/// Whether each of `few` is one of `many`, or may be, another one each.
fn are_among(few: &[&str], many: &[&str]) -> bool {
    let mut free: Vec<&str> = many.to_vec();
    let mut loosely: Vec<&str> = Vec::new();
    for one in few {
        match free.iter().position(|other| other == one) {
            Some(at) => drop(free.swap_remove(at)),
            None => loosely.push(one),
        }
    }
    loosely.into_iter().all(|one| {
        let near = free
            .iter()
            .position(|other| loose::judge(TextRule::Party, one, other) != Verdict::Mismatch);
        near.map(|at| free.swap_remove(at)).is_some()
    })
}
