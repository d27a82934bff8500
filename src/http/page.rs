//! Pages of a list, by key: `?limit=&cursor=`. The cursor is the last id of the page before, in base64url.
//! A list that grows while it is read neither repeats nor skips what was there at the start.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;

use super::problem::{ProblemCode, ProblemDocument};

/// Rows of a page when nothing is asked.
const LIMIT_DEFAULT: u32 = 100;

/// Rows of a page at most.
const LIMIT_MAX: u32 = 1_000;

/// Rows of a page whose rows may be large.
pub(super) const LARGE_ROWS_MAX: u32 = 100;

/// What page is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PageRequest {
    pub(super) limit: Option<u32>,
    pub(super) cursor: Option<String>,
}

impl PageRequest {
    /// The rows of the page in the order of their ids, and the cursor of the next one.
    pub(super) fn cut<'r, R>(
        &self,
        rows: impl Iterator<Item = (&'r str, impl FnOnce() -> R)>,
    ) -> Result<(Vec<R>, Option<String>), ProblemDocument> {
        let limit = limit_of(self.limit)?;
        let after = after(self.cursor.as_deref())?;
        let mut rows: Vec<_> = rows
            .filter(|(id, _)| after.as_deref().is_none_or(|after| *id > after))
            .collect();
        // One more than the page says that there is a next one; the rest need not be sorted.
        let wanted = limit as usize + 1;
        if rows.len() > wanted {
            rows.select_nth_unstable_by_key(wanted, |(id, _)| *id);
            rows.truncate(wanted);
        }
        rows.sort_unstable_by_key(|(id, _)| *id);
        let next = next(&mut rows, limit, |(id, _)| (*id).to_owned());
        Ok((rows.into_iter().map(|(_, row)| row()).collect(), next))
    }
}

/// How many rows the page has at most.
///
/// # Errors
/// None, or more than there may be.
pub(super) fn limit_of(asked: Option<u32>) -> Result<u32, ProblemDocument> {
    let limit = asked.unwrap_or(LIMIT_DEFAULT);
    match (1..=LIMIT_MAX).contains(&limit) {
        true => Ok(limit),
        false => Err(ProblemDocument::new(ProblemCode::InvalidParameter)),
    }
}

/// What a cursor says of the last row of the page before.
///
/// # Errors
/// Returns an error if the hub did not issue this cursor.
pub fn after(cursor: Option<&str>) -> Result<Option<String>, ProblemDocument> {
    let Some(cursor) = cursor else { return Ok(None) };
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    text.map(Some)
        .ok_or_else(|| ProblemDocument::new(ProblemCode::InvalidCursor))
}

/// Cuts off what was asked for beyond the page, to see whether there is more; the cursor of the next page, made of the last row.
pub(super) fn next<R>(rows: &mut Vec<R>, limit: u32, key: impl Fn(&R) -> String) -> Option<String> {
    let limit = limit as usize;
    let more = rows.len() > limit;
    rows.truncate(limit);
    rows.last().filter(|_| more).map(|row| URL_SAFE_NO_PAD.encode(key(row)))
}

/// Bytes of a page at most; a single row that is larger stands alone.
const BYTES_MAX: usize = 1 << 20;

/// Cuts a page off where it would be too large. `next` is the cursor that it has; `key` is the id of a row.
pub(super) fn fit<R: serde::Serialize>(
    rows: &mut Vec<R>,
    next: Option<String>,
    key: impl Fn(&R) -> String,
) -> Option<String> {
    let mut bytes = 0;
    let size = |row: &R| serde_json::to_vec(row).map_or(0, |json| json.len());
    let fits = rows.iter().position(|row| {
        bytes += size(row);
        bytes > BYTES_MAX
    });
    match fits {
        None => next,
        Some(over) => {
            rows.truncate(over.max(1));
            rows.last().map(|row| URL_SAFE_NO_PAD.encode(key(row)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_cover_a_list_once_each() {
        let ids: Vec<String> = (0..25).map(|n| format!("id-{n:02}")).collect();
        let (mut seen, mut cursor) = (Vec::new(), None);
        loop {
            let paging = PageRequest {
                limit: Some(10),
                cursor,
            };
            let rows = ids.iter().rev().map(|id| (id.as_str(), || id.clone()));
            let (page, next) = paging.cut(rows).unwrap();
            seen.extend(page);
            cursor = next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen, ids);
    }

    #[test]
    fn a_page_is_bounded_in_bytes() {
        let page = |count: usize| vec!["x".repeat(100_000); count];
        let (mut small, mut large, mut one) = (page(10), page(30), vec!["x".repeat(2 << 20)]);
        assert_eq!(
            fit(&mut small, Some("next".to_owned()), |_| "key".to_owned()),
            Some("next".to_owned())
        );
        assert_eq!(small.len(), 10);
        let cursor = fit(&mut large, None, |_| "key".to_owned());
        assert_eq!((large.len(), cursor), (10, Some(URL_SAFE_NO_PAD.encode("key"))));
        fit(&mut one, None, |_| "key".to_owned());
        assert_eq!(one.len(), 1);
    }

    #[test]
    fn a_cursor_of_our_making_only() {
        let rows = || std::iter::empty::<(&str, fn())>();
        let bad = PageRequest {
            limit: None,
            cursor: Some("%%%".to_owned()),
        };
        assert_eq!(bad.cut(rows()).unwrap_err().code, ProblemCode::InvalidCursor);
        let zero = PageRequest {
            limit: Some(0),
            cursor: None,
        };
        assert_eq!(zero.cut(rows()).unwrap_err().code, ProblemCode::InvalidParameter);
    }
}
