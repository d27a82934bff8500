//! The system clock, and times as the API writes them.
//! The only place that asks the machine for the time of day; everything else is given it.

use std::time::{SystemTime, UNIX_EPOCH};

/// Where time comes from.
pub trait Clock: Send + Sync + 'static {
    /// Now, Unix microseconds.
    fn now_us(&self) -> i64;
}

/// The machine's clock.
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    fn now_us(&self) -> i64 {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}

/// RFC 3339 in UTC, to the second.
pub fn rfc3339(us: i64) -> String {
    jiff::Timestamp::from_second(us.div_euclid(1_000_000))
        .map(|time| time.to_string())
        .unwrap_or_default()
}

/// Unix microseconds of an RFC 3339 time.
pub fn parse_rfc3339(text: &str) -> Option<i64> {
    text.parse::<jiff::Timestamp>().ok().map(|time| time.as_microsecond())
}
