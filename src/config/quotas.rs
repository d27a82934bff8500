//! `[quotas]`: what one agency may cause.

use serde::{Deserialize, Serialize};

use super::unsafe_setting::{UnsafeSetting, between};

/// What one agency may cause.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuotaSettings {
    /// Mismatches that are not over.
    pub open_mismatches_rows_max: u64,
    /// Life of a mismatch whose answer told nothing.
    pub untold_mismatch_hours: u32,
    /// Joint cases.
    pub cases_rows_max: u64,
    /// Answers kept for idempotency keys.
    pub saved_replies_rows_max: u64,
    /// Watches that have not ended.
    pub watches_rows_max: u64,
    /// Subscriptions.
    pub subscriptions_rows_max: u64,
    /// Test events.
    pub test_events_rows_max: u64,
    /// Tokens of one client.
    pub token_requests_h_max: u64,
    /// Files at once and broken off.
    pub uploads_requests_max: u64,
    /// Alerts in a day.
    pub alerts_entries_max: usize,
}

/// A quota of zero would refuse every agency.
pub(super) fn check(quotas: &QuotaSettings, found: &mut Vec<UnsafeSetting>) {
    const MOST: u64 = 1 << 40;
    let alerts = u64::try_from(quotas.alerts_entries_max).unwrap_or(u64::MAX);
    between(
        found,
        &[
            (
                "quotas.open_mismatches_rows_max",
                quotas.open_mismatches_rows_max,
                1,
                MOST,
            ),
            (
                "quotas.untold_mismatch_hours",
                quotas.untold_mismatch_hours.into(),
                1,
                8_784,
            ),
            ("quotas.cases_rows_max", quotas.cases_rows_max, 1, MOST),
            ("quotas.saved_replies_rows_max", quotas.saved_replies_rows_max, 1, MOST),
            ("quotas.watches_rows_max", quotas.watches_rows_max, 1, MOST),
            ("quotas.subscriptions_rows_max", quotas.subscriptions_rows_max, 1, MOST),
            ("quotas.test_events_rows_max", quotas.test_events_rows_max, 1, MOST),
            ("quotas.token_requests_h_max", quotas.token_requests_h_max, 1, MOST),
            ("quotas.uploads_requests_max", quotas.uploads_requests_max, 1, 100_000),
            ("quotas.alerts_entries_max", alerts, 1, 100_000),
        ],
    );
}
