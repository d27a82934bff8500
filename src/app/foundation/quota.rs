//! Quotas of one agency, and the counts that are kept in memory.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
};

use heyan_ports::quotas::QuotaKind;

/// Between two looks at the open mismatches of an agency that opens some, microseconds.
const LOOK_AGAIN_US: i64 = 1_000_000;

/// How long an agency that was at its limit of open mismatches is refused without another look, microseconds.
const FULL_FOR_US: i64 = 5_000_000;

const HOUR_US: i64 = 3_600_000_000;

/// Limits of what one agency may cause.
#[derive(Clone, Debug, Default)]
pub struct QuotaLimits {
    /// Mismatches that are not over.
    pub open_mismatches: u64,
    /// Joint cases that are kept.
    pub cases: u64,
    /// Answers kept for idempotency keys.
    pub saved_replies: u64,
    /// Watches that have not ended.
    pub watches: u64,
    /// Subscriptions that are kept.
    pub subscriptions: u64,
    /// Test events that are kept.
    pub test_events: u64,
    /// Tokens of one client in an hour.
    pub tokens: u64,
    /// Files that are verified at once, and that were broken off in the last hour.
    pub uploads: u64,
    /// Alerts in one day; further ones of a rule become one.
    pub alerts: usize,
    /// How long a mismatch lasts whose answer told nothing, microseconds.
    pub untold_us: i64,
}

impl QuotaLimits {
    /// The limit of a kind.
    pub const fn of(&self, kind: QuotaKind) -> u64 {
        match kind {
            QuotaKind::OpenMismatches => self.open_mismatches,
            QuotaKind::Cases => self.cases,
            QuotaKind::SavedReplies => self.saved_replies,
            QuotaKind::Watches => self.watches,
            QuotaKind::Subscriptions => self.subscriptions,
            QuotaKind::TestEvents => self.test_events,
            QuotaKind::Tokens => self.tokens,
            QuotaKind::Uploads => self.uploads,
        }
    }
}

/// A quota is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the quota of {} is reached", .kind.as_str())]
pub struct QuotaReached {
    /// Kind of row.
    pub kind: QuotaKind,
    /// The quota.
    pub limit: u64,
}

/// What is known of the open mismatches of one agency.
#[derive(Default)]
pub struct MismatchRoom {
    full_until_us: AtomicI64,
    look_again_us: AtomicI64,
}

impl MismatchRoom {
    /// Whether the agency is at its limit, as far as it is known.
    pub(crate) fn is_full(&self, now_us: i64) -> bool {
        now_us < self.full_until_us.load(Ordering::Relaxed)
    }

    /// Whether it is time to look; it is not again for a second.
    pub(crate) fn takes_look(&self, now_us: i64) -> bool {
        let is_due = now_us >= self.look_again_us.load(Ordering::Relaxed);
        if is_due {
            self.look_again_us.store(now_us + LOOK_AGAIN_US, Ordering::Relaxed);
        }
        is_due
    }

    /// The agency is at its limit.
    pub(crate) fn fill(&self, now_us: i64) {
        self.full_until_us.store(now_us + FULL_FOR_US, Ordering::Relaxed);
    }
}

/// What is counted in memory: it is bounded by time, and a start forgets it.
#[derive(Default)]
pub struct QuotaCounts {
    /// Tokens by client: the hour, and how many.
    tokens: Mutex<HashMap<Box<str>, (i64, u64)>>,
    uploads: Mutex<HashMap<Box<str>, AgencyUploads>>,
    /// Alerts by agency: the day, and which ones.
    alerts: Mutex<HashMap<String, (String, HashSet<u64>)>>,
    hash: ahash::RandomState,
}

impl QuotaCounts {
    /// Counts a token of `client`.
    ///
    /// # Errors
    /// It had its number in this hour.
    pub fn count_token(&self, client: &str, limit: u64, now_us: i64) -> Result<(), QuotaReached> {
        let hour = now_us.div_euclid(HOUR_US);
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let (of_hour, count) = tokens.entry(client.into()).or_default();
        if *of_hour != hour {
            (*of_hour, *count) = (hour, 0);
        }
        if *count >= limit {
            return Err(QuotaReached {
                kind: QuotaKind::Tokens,
                limit,
            });
        }
        *count += 1;
        Ok(())
    }

    /// Counts an upload of `agency` that begins. It counts until it ends, and for an hour longer if it is broken off.
    ///
    /// # Errors
    /// The agency has its share of uploads under way, or of those that it broke off.
    pub fn begin_upload(
        self: &Arc<Self>,
        agency: &str,
        (at_once, limit): (usize, u64),
        now_us: i64,
    ) -> Result<UploadTurn, QuotaReached> {
        let mut uploads = self.uploads.lock().unwrap_or_else(PoisonError::into_inner);
        let own = uploads.entry(agency.into()).or_default();
        own.broken_until_us.retain(|until_us| *until_us > now_us);
        let broken = u64::try_from(own.broken_until_us.len()).unwrap_or(u64::MAX);
        if own.under_way >= at_once || broken >= limit {
            return Err(QuotaReached {
                kind: QuotaKind::Uploads,
                limit,
            });
        }
        own.under_way += 1;
        drop(uploads);
        Ok(UploadTurn {
            counts: Arc::clone(self),
            agency: agency.into(),
            broken_until_us: Some(now_us + HOUR_US),
        })
    }

    /// Whether an alert is within the number of its agency and day. One that was counted before is.
    pub(crate) fn admits_alert(&self, agency: &str, once: &str, limit: usize, day: &str) -> bool {
        let mut alerts = self.alerts.lock().unwrap_or_else(PoisonError::into_inner);
        let (of_day, known) = alerts.entry(agency.to_owned()).or_default();
        if of_day != day {
            *of_day = day.to_owned();
            known.clear();
        }
        let mark = self.hash.hash_one(once);
        known.contains(&mark) || (known.len() < limit && known.insert(mark))
    }
}

/// Uploads of one agency.
#[derive(Default)]
struct AgencyUploads {
    under_way: usize,
    /// When each that was broken off counts no longer, Unix microseconds.
    broken_until_us: Vec<i64>,
}

/// An upload under way. One that is dropped before it came whole was broken off.
pub struct UploadTurn {
    counts: Arc<QuotaCounts>,
    agency: Box<str>,
    broken_until_us: Option<i64>,
}

impl UploadTurn {
    /// The file came whole, or the hub itself refuses it.
    pub fn came_whole(mut self) {
        self.broken_until_us = None;
    }
}

impl Drop for UploadTurn {
    fn drop(&mut self) {
        let mut uploads = self.counts.uploads.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(own) = uploads.get_mut(&self.agency) else {
            return;
        };
        own.under_way = own.under_way.saturating_sub(1);
        own.broken_until_us.extend(self.broken_until_us);
        if own.under_way == 0 && own.broken_until_us.is_empty() {
            uploads.remove(&self.agency);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_count_for_an_hour_and_each_client() {
        let counts = QuotaCounts::default();
        assert!((0..3).all(|_| counts.count_token("a", 3, 10).is_ok()));
        assert!(counts.count_token("a", 3, 10).is_err());
        assert!(counts.count_token("b", 3, 10).is_ok());
        assert!(counts.count_token("a", 3, HOUR_US).is_ok());
    }

    #[test]
    fn an_upload_that_is_broken_off_counts_and_one_that_came_whole_does_not() {
        let counts = Arc::new(QuotaCounts::default());
        let begin = |agency, now_us| counts.begin_upload(agency, (2, 3), now_us);
        let (one, two) = (begin("a", 0).unwrap(), begin("a", 0).unwrap());
        assert!(begin("a", 1).is_err(), "its share at once");
        begin("b", 1).unwrap().came_whole();
        one.came_whole();
        drop(two);
        drop(begin("a", 2).unwrap());
        drop(begin("a", 3).unwrap());
        assert!(begin("a", 4).is_err(), "three were broken off");
        assert!(begin("b", 4).is_ok());
        assert!(begin("a", HOUR_US).is_ok(), "an hour later the first counts no longer");
    }

    #[test]
    fn alerts_over_the_number_of_a_day_are_told_apart_from_known_ones() {
        let counts = QuotaCounts::default();
        assert!(counts.admits_alert("a", "x", 2, "d1") && counts.admits_alert("a", "y", 2, "d1"));
        assert!(!counts.admits_alert("a", "z", 2, "d1"));
        assert!(counts.admits_alert("a", "x", 2, "d1") && counts.admits_alert("b", "z", 2, "d1"));
        assert!(counts.admits_alert("a", "z", 2, "d2"));
    }
}
