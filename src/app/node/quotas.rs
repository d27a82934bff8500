//! Quotas of what one agency may cause. The store counts rows while it writes them, so that a limit costs one look. Verifications ask
//! memory: whether an agency is at its limit of open mismatches is read again at most once a second.

use std::collections::HashSet;

use super::hub::Hub;
use crate::{
    access::table::AccessAgency,
    foundation::{error::AppError, quota::QuotaReached},
};
use heyan_domain::calendar::china_date;
use heyan_ports::{
    commit::{Commit, Write},
    quotas::QuotaKind,
    supervision::AlertRow,
};

fn reached(kind: QuotaKind, limit: u64) -> AppError {
    QuotaReached { kind, limit }.into()
}

impl Hub {
    /// Refuses one more row of a kind where an agency has its number.
    ///
    /// # Errors
    /// `QuotaReached`, or the store cannot be asked.
    pub async fn ensure_quota(&self, agency: &str, kind: QuotaKind) -> Result<(), AppError> {
        let limit = self.node.settings.quotas.of(kind);
        match self.store.rows_held(agency, kind).await? < limit {
            true => Ok(()),
            false => Err(reached(kind, limit)),
        }
    }

    /// Refuses a verification of an agency that has its number of open mismatches: before anything is looked up, so that the refusal
    /// tells nothing of the subject.
    ///
    /// # Errors
    /// `QuotaReached`.
    pub fn ensure_mismatch_room(&self, agency: &AccessAgency, now_us: i64) -> Result<(), AppError> {
        match agency.mismatch_room.is_full(now_us) {
            true => Err(reached(
                QuotaKind::OpenMismatches,
                self.node.settings.quotas.open_mismatches,
            )),
            false => Ok(()),
        }
    }

    /// Looks whether an agency that has just opened a mismatch is at its limit, once a second.
    ///
    /// # Errors
    /// The store cannot be asked.
    pub(crate) async fn look_at_mismatch_room(&self, agency: &str, now_us: i64) -> Result<(), AppError> {
        let access = self.access.table.load_full();
        let Some(agency) = access.agencies.get(agency) else {
            return Ok(());
        };
        let room = &agency.mismatch_room;
        if !room.takes_look(now_us) {
            return Ok(());
        }
        let held = self.store.rows_held(&agency.row.id, QuotaKind::OpenMismatches).await?;
        if held >= self.node.settings.quotas.open_mismatches {
            room.fill(now_us);
        }
        Ok(())
    }

    /// Makes one alert of those of a rule that are over the number of an agency and day.
    pub(super) fn fold_alerts(&self, commit: &mut Commit) {
        let limit = self.node.settings.quotas.alerts;
        let alerts = commit.writes.iter_mut().filter_map(|write| match write {
            Write::Alerts(alerts) => Some(alerts),
            _ => None,
        });
        for alerts in alerts {
            for alert in alerts.iter_mut() {
                self.fold_alert(alert, limit);
            }
            let mut known = HashSet::new();
            alerts.retain(|alert| known.insert(alert.once.clone()));
        }
    }

    fn fold_alert(&self, alert: &mut AlertRow, limit: usize) {
        // What the hub finds by itself is no flood of a caller.
        if alert.rule == "mismatch_overdue" {
            return;
        }
        let Some(agency) = &alert.agency else { return };
        let day = china_date(alert.at).to_string();
        if self.access.quotas.admits_alert(agency, &alert.once, limit, &day) {
            return;
        }
        alert.once = format!("{}:{agency}:{day}:more", alert.rule);
        alert.facts = serde_json::json!({"more_than": limit}).to_string();
        (alert.dataset, alert.subject, alert.mismatch) = (None, None, None);
    }
}
