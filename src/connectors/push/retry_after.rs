//! `Retry-After` (RFC 9110 §10.2.3): seconds, or a date.
//! A date is measured against the answer's own `Date`, so that a receiver's wrong clock cancels out.

use std::time::UNIX_EPOCH;

use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};

const TEXT_BYTES_MAX: usize = 40;

/// Seconds to wait by the answer's headers; without a `Date`, a date counts from `sent_s` (Unix seconds). A time past is 0.
pub(super) fn seconds(headers: &HeaderMap, sent_s: i64) -> Option<u32> {
    let text = field(headers, &RETRY_AFTER)?;
    if text.bytes().all(|b| b.is_ascii_digit()) {
        // More digits than fit are a very long time.
        return Some(text.parse().unwrap_or(u32::MAX));
    }
    let until_s = unix_s(text)?;
    let from_s = field(headers, &DATE).and_then(unix_s).unwrap_or(sent_s);
    let wait_s = until_s.saturating_sub(from_s).max(0);
    Some(u32::try_from(wait_s).unwrap_or(u32::MAX))
}

fn field<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let text = headers.get(name)?.to_str().ok()?.trim();
    (1..=TEXT_BYTES_MAX).contains(&text.len()).then_some(text)
}

fn unix_s(text: &str) -> Option<i64> {
    let time = httpdate::parse_http_date(text).ok()?;
    i64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()
}

#[cfg(test)]
mod tests {
    use crate::push::retry_after::*;

    const SENT_S: i64 = 784_111_777;

    fn wait(retry_after: &str, date: Option<&str>) -> Option<u32> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, retry_after.parse().unwrap());
        if let Some(date) = date {
            headers.insert(DATE, date.parse().unwrap());
        }
        seconds(&headers, SENT_S)
    }

    #[test]
    fn seconds_and_every_form_of_date_are_read() {
        for (text, expected) in [
            ("0", 0),
            ("120", 120),
            (" 7 ", 7),
            ("4294967296", u32::MAX),
            ("99999999999999999999", u32::MAX),
            ("Sun, 06 Nov 1994 08:50:37 GMT", 60),
            ("Sunday, 06-Nov-94 08:50:37 GMT", 60),
            ("Sun Nov  6 08:50:37 1994", 60),
            ("Sun, 06 Nov 1994 08:49:36 GMT", 0),
            ("Fri, 31 Dec 9999 00:00:00 GMT", u32::MAX),
        ] {
            assert_eq!(wait(text, None), Some(expected), "{text}");
        }
    }

    #[test]
    fn a_date_counts_from_the_receivers_own_clock() {
        let until = "Thu, 01 Jan 2026 00:10:00 GMT";
        assert_eq!(wait(until, Some("Thu, 01 Jan 2026 00:00:00 GMT")), Some(600));
        assert_eq!(wait("Sun, 06 Nov 1994 08:50:37 GMT", Some("nonsense")), Some(60));
        assert_eq!(wait("30", Some("Thu, 01 Jan 2026 00:00:00 GMT")), Some(30));
    }

    #[test]
    fn what_is_neither_is_no_wish() {
        for text in [
            "",
            "-1",
            "+5",
            "1.5",
            "soon",
            "5s",
            "Sun, 06 Nov 1994 08:49:37 PST",
            "Sun, 31 Feb 1994 08:49:37 GMT",
            "1994-11-06T08:49:37Z",
            "00000000000000000000000000000000000000000000001",
        ] {
            assert_eq!(wait(text, None), None, "{text}");
        }
        assert_eq!(seconds(&HeaderMap::new(), SENT_S), None);
    }
}
