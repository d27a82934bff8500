//! What time alone changes: overdue mismatches and missing years become alerts, old replies and guesses are forgotten, and
//! the gauges are counted.

use super::{hub::Hub, raise::raise};
use crate::{foundation::error::AppError, licences, mismatch::steps, supervision, watches};
use heyan_domain::{calendar::china_date, mismatch::MismatchPhase};
use heyan_ports::{commit::Commit, store::ForgetBefore};
use heyan_ports::{
    mismatches::{DueWrite, MismatchFilter},
    subject::RowKey,
    supervision::AlertRow,
};

/// Saved replies are kept four days: at least the 72 hours that are promised.
const REPLIES_KEPT_US: i64 = 4 * 86_400_000_000;

/// What nodes asked each other is kept for so long, microseconds: who asks gives up long before.
const ASKS_KEPT_US: i64 = 60_000_000;

/// Joint cases are kept thirty days after their time was over.
const CASES_KEPT_US: i64 = 30 * 86_400_000_000;

/// Deleted subscriptions are kept thirty days: their last deliveries name them.
const SUBSCRIPTIONS_KEPT_US: i64 = 30 * 86_400_000_000;

/// Test events are kept seven days.
const TESTS_KEPT_US: i64 = 7 * 86_400_000_000;

/// Guesses count for thirty days, to the minute.
pub const GUESSES_KEPT_US: i64 = 30 * 86_400_000_000 + 60_000_000;

/// Overdue mismatches that one sweep tells of.
const OVERDUE_MAX: u32 = 500;

/// Days before the end of the last known year from which the next one is missed.
const YEAR_WARNING_DAYS: i64 = 45;

/// Sets the gauges.
///
/// # Errors
/// Returns an error if the store cannot be reached.
pub async fn count(hub: &Hub) -> Result<(), AppError> {
    let now_us = hub.clock.now_us();
    let counts = hub.store.loop_counts(&china_date(now_us).to_string()).await?;
    let of = |list: &[(String, u64)], state: &str| {
        let found = list.iter().find(|(word, _)| word == state);
        found.map_or(0, |(_, count)| i64::try_from(*count).unwrap_or(i64::MAX))
    };
    for state in MismatchPhase::ALL.map(MismatchPhase::as_str) {
        if let Ok(gauge) = hub.node.metrics.turn.mismatches.get_metric_with_label_values(&[state]) {
            gauge.set(of(&counts.mismatches, state));
        }
    }
    for (rule, raised) in &counts.alerts {
        // A rule that is no longer in the file has no label.
        if hub.supervision.rule(rule).is_none() {
            continue;
        }
        if let Ok(counter) = hub.node.metrics.turn.alerts.get_metric_with_label_values(&[rule]) {
            counter.inc_by(raised.saturating_sub(counter.get()));
        }
    }
    let overdue = i64::try_from(counts.overdue).unwrap_or(i64::MAX);
    hub.node.metrics.turn.mismatches_overdue.set(overdue);
    hub.node.metrics.turn.dead_letters.set(of(&counts.deliveries, "dead"));
    hub.node
        .metrics
        .turn
        .outbox_depth
        .set(of(&counts.deliveries, "pending"));
    let oldest_us = counts
        .oldest_pending_at
        .map_or(0, |at| now_us.saturating_sub(at).max(0));
    #[expect(clippy::cast_precision_loss, reason = "seconds of a gauge")]
    let oldest_s = oldest_us as f64 / 1e6;
    hub.node.metrics.turn.delivery_oldest_seconds.set(oldest_s);
    Ok(())
}

/// Forgets what is old at this time, Unix microseconds, and raises alerts.
///
/// # Errors
/// Returns an error if the store cannot be reached.
pub async fn sweep(hub: &Hub, now_us: i64) -> Result<(), AppError> {
    hub.store
        .forget_old(ForgetBefore {
            replies_us: now_us - REPLIES_KEPT_US,
            guesses_us: now_us - GUESSES_KEPT_US,
            unlocks_us: now_us - crate::mismatch::unlock::WAIT_US,
            watches_us: now_us - watches::KEPT_US,
            asks_us: now_us - ASKS_KEPT_US,
            cases_us: now_us - CASES_KEPT_US,
            subscriptions_us: now_us - SUBSCRIPTIONS_KEPT_US,
            tests_us: now_us - TESTS_KEPT_US,
            approvals_us: now_us - crate::access::approvals::WAIT_US,
            expired_us: now_us,
            used_s: now_us.div_euclid(1_000_000),
        })
        .await?;
    hub.mismatches.pending.expire(now_us);
    fill_due(hub).await?;
    licences::renew(hub).await?;
    let mut alerts = overdue(hub, now_us).await?;
    alerts.extend(missing_years(hub, now_us)?);
    raise(hub, alerts).await
}

/// Gives mismatches that began while the working days were not known their due day, now that they are.
async fn fill_due(hub: &Hub) -> Result<(), AppError> {
    for mut row in hub.store.undated_mismatches(OVERDUE_MAX).await? {
        // The time to act began with the last step.
        let Some(due_on) = steps::due(hub, &row.dataset, row.updated_at) else {
            continue;
        };
        let _turn = hub.mismatches.pending.turn([row.subject].into_iter()).await;
        let due = DueWrite {
            mismatch: RowKey {
                subject: row.subject,
                id: row.id.clone(),
            },
            revision: row.revision,
            due_on,
        };
        hub.write(Commit::default().with(due)).await?;
        // Another node may have acted on it meanwhile: what the store holds is told.
        if let Some(newest) = hub.store.find_mismatch(&row.id).await? {
            row = newest;
            hub.mismatches.pending.tell(&row);
        }
    }
    Ok(())
}

async fn overdue(hub: &Hub, now_us: i64) -> Result<Vec<AlertRow>, AppError> {
    let today = china_date(now_us).to_string();
    let filter = MismatchFilter {
        due_before: Some(today),
        limit: OVERDUE_MAX,
        ..MismatchFilter::default()
    };
    let rows = hub.store.mismatches(&filter).await?;
    let alert = |row: heyan_ports::mismatches::MismatchRow| {
        let once = format!("mismatch_overdue:{}:{}", row.id, row.revision);
        Ok(AlertRow {
            dataset: Some(row.dataset.to_string()),
            subject: Some(row.subject),
            mismatch: Some(row.id),
            agency: Some(row.agency),
            facts: serde_json::json!({"due_on": row.due_on, "state": row.state.as_str()}).to_string(),
            ..supervision::alert(hub, "mismatch_overdue", once, now_us)?
        })
    };
    rows.into_iter().map(alert).collect()
}

/// A year whose working days are not known is an alert, never a guess.
fn missing_years(hub: &Hub, now_us: i64) -> Result<Vec<AlertRow>, AppError> {
    let calendar = hub.mismatches.calendar.load();
    let today = china_date(now_us);
    let ahead = china_date(now_us + YEAR_WARNING_DAYS * 86_400_000_000);
    let mut missing = vec![today.year(), ahead.year()];
    missing.dedup();
    missing.retain(|year| !calendar.years().any(|known| known == *year));
    let alert = |year: i16| {
        let once = format!("calendar_year_missing:{year}");
        Ok(AlertRow {
            facts: serde_json::json!({"year": year}).to_string(),
            ..supervision::alert(hub, "calendar_year_missing", once, now_us)?
        })
    };
    missing.into_iter().map(alert).collect()
}
