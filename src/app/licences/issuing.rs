//! "Issued electronically when issued on paper": how long after its date of issue a licence came in for the first time.
//! A date of issue is a day, so a licence that comes in on that day took no time; what is counted begins with the day's end.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::supervision;
use crate::{foundation::error::AppError, node::hub::Hub};
use heyan_catalog::{Dataset, LicenceFieldRole};
use heyan_domain::{calendar, licence::validity::ValidityBound};
use heyan_ports::{records::RecordWrite, supervision::AlertRow};

const DAY_S: i64 = 86_400;

/// Licences that come in for the first time, with how long that took.
#[derive(Default)]
pub(crate) struct IssuedLicences(Vec<(Arc<str>, i64)>);

impl IssuedLicences {
    /// Among records that are to be written at `now_us`.
    pub(crate) fn among(hub: &Hub, writes: &[RecordWrite], now_us: i64) -> Self {
        let first = writes.iter().filter(|write| write.expected.is_none());
        let delay = |write: &RecordWrite| {
            let dataset = hub.catalog.get(&write.dataset)?;
            Some((
                Arc::clone(&write.dataset),
                delay_s(dataset, &write.record.fields, now_us)?,
            ))
        };
        Self(first.filter_map(delay).collect())
    }

    /// One alert a day for a dataset whose licences come in late.
    pub(crate) fn alerts(&self, hub: &Hub, now_us: i64) -> Result<Vec<AlertRow>, AppError> {
        let days_max = i64::from(hub.materials.licences.settings.issue_delay_days_max);
        let late = |(_, delay_s): &&(Arc<str>, i64)| days_max > 0 && *delay_s > days_max * DAY_S;
        let mut datasets: Vec<&Arc<str>> = self.0.iter().filter(late).map(|(dataset, _)| dataset).collect();
        datasets.sort_unstable();
        datasets.dedup();
        let alert = |dataset: &Arc<str>| {
            let delays = self.0.iter().filter(late).filter(|(name, _)| name == dataset);
            let longest = delays.clone().map(|(_, delay_s)| delay_s / DAY_S).max();
            let once = format!("licence_issued_late:{dataset}:{}", calendar::china_date(now_us));
            Ok(AlertRow {
                dataset: Some(dataset.to_string()),
                facts: serde_json::json!({"licences": delays.count(), "longest_days": longest}).to_string(),
                ..supervision::alert(hub, "licence_issued_late", once, now_us)?
            })
        };
        datasets.into_iter().map(alert).collect()
    }

    /// Measures them, once they are committed.
    pub(crate) fn measure(&self, hub: &Hub) {
        for (dataset, delay_s) in &self.0 {
            hub.node.metrics.licence_issued(dataset, *delay_s);
        }
    }
}

/// Seconds from the end of the day of issue; nothing where that day is not stated, or is still to come.
fn delay_s(dataset: &Dataset, fields: &str, now_us: i64) -> Option<i64> {
    let number = dataset.licence.as_ref()?.field(LicenceFieldRole::IssuedOn)?;
    let values: Map<String, Value> = serde_json::from_str(fields).ok()?;
    let raw = values.get(&*dataset.field(number)?.name)?.as_str();
    let ValidityBound::Day(issued) = ValidityBound::last(raw) else {
        return None;
    };
    let end_us = calendar::china_midnight_us(issued) + DAY_S * 1_000_000;
    let delay_s = (now_us - end_us).div_euclid(1_000_000);
    (delay_s >= -DAY_S).then_some(delay_s.max(0))
}
