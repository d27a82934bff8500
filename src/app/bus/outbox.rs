//! Publishes events and alerts: read by their state, published, and marked after their delivery reports. After a crash in between
//! they are published again under the same `ce_id`. Order is kept for each subject, because nothing after a failure is marked.

use serde_json::{Value, json};

use super::{
    envelope::{self, EventAttributes},
    key_of,
};
use crate::{
    delivery::{message, traced},
    foundation::{error::AppError, hex::hex},
    node::hub::Hub,
};
use heyan_ports::bus::{BusFault, BusMessage, BusTopic};
use heyan_ports::{commit::Commit, time};
use heyan_ports::{
    deliveries::{EventKind, StoredEvent},
    positions::BusWrites,
    supervision::AlertRow,
};

/// Rows of one round.
pub const ROUND_MAX: u32 = 2_000;

/// The bus did not take something: it waits.
const NOT_TAKEN: &str = "the bus did not take a message";

/// Whether it is the bus that does not take something.
pub fn is_not_taken(error: &AppError) -> bool {
    matches!(error, AppError::Internal(what) if *what == NOT_TAKEN)
}

/// Publishes what waits, one round. Returns the number of rows.
///
/// # Errors
/// The store could not be asked, or the bus did not take something: it waits for the next round.
pub async fn publish(hub: &Hub) -> Result<usize, AppError> {
    let events = hub.store.unpublished_events(ROUND_MAX).await?;
    let alerts = match hub.outward.bus.hears(BusTopic::Supervision) {
        true => hub.store.unpublished_alerts(ROUND_MAX).await?,
        false => Vec::new(),
    };
    if events.is_empty() && alerts.is_empty() {
        return Ok(0);
    }
    let mut messages = Vec::with_capacity(events.len() + alerts.len());
    // The events of the messages; those of alerts come after them.
    let mut sent = Vec::with_capacity(events.len());
    let mut bus = BusWrites::default();
    for event in &events {
        match event_message(hub, event).await? {
            Some(message) => {
                messages.push(message);
                sent.push(event.key());
            }
            None => bus.events.push(event.key()),
        }
    }
    messages.extend(alerts.iter().map(|alert| alert_message(hub, alert)));
    let reports = hub.outward.bus.publish(messages).await;
    let taken = reports.iter().take_while(|report| report.is_ok()).count();
    let fault = reports.into_iter().find_map(Result::err);
    let alerts_taken = alerts.iter().take(taken.saturating_sub(sent.len()));
    bus.alerts.extend(alerts_taken.map(|alert| alert.id.clone()));
    bus.events.extend(sent.into_iter().take(taken));
    if bus.weight() > 0 {
        let commit = Commit::at(hub.clock.now_us()).with(bus);
        hub.write(commit).await?;
    }
    match fault {
        Some(fault) => Err(not_taken(&fault)),
        None => Ok(events.len() + alerts.len()),
    }
}

/// The bus did not take something. Why is told by the bus, once: here it would be told at every try.
pub fn not_taken(fault: &BusFault) -> AppError {
    tracing::debug!(fault = %fault, "the bus did not take a message; it is tried again");
    AppError::Internal(NOT_TAKEN)
}

/// The message of an event; `None` when its kind is not published.
async fn event_message(hub: &Hub, event: &StoredEvent) -> Result<Option<BusMessage>, AppError> {
    let (topic, data) = match (event.kind, &event.subject, event.version) {
        (EventKind::RecordChanged, Some(subject), Some(version)) => {
            let data = json!({
                "dataset": event.dataset,
                "record": hex(&subject.0),
                "version": version,
                "as_of": time::rfc3339(event.at),
            });
            (BusTopic::RecordChanged, data)
        }
        (EventKind::Mismatch, ..) => {
            let mut data = message::mismatch(hub, event).await?;
            match data.as_object_mut() {
                Some(members) if !members.is_empty() => {
                    members.insert("agency".to_owned(), event.agency.clone().into())
                }
                // The mismatch is gone: nothing true can be said of it.
                _ => return Ok(None),
            };
            (BusTopic::Mismatch, data)
        }
        _ => return Ok(None),
    };
    let subject = event.subject.map(|subject| hex(&subject.0));
    let key = match &event.subject {
        Some(subject) => key_of(&subject.0),
        None => event.id.clone().into_bytes(),
    };
    let parent = traced::parent_of(hub, event);
    let attributes = EventAttributes {
        id: &event.id,
        subject: subject.as_deref(),
        at_us: event.at,
        traceparent: parent.as_deref(),
    };
    Ok(Some(envelope::message(hub, topic, key, &attributes, &data)))
}

fn alert_message(hub: &Hub, alert: &AlertRow) -> BusMessage {
    let record = alert.subject.map(|subject| hex(&subject.0));
    let facts: Value = serde_json::from_str(&alert.facts).unwrap_or_else(|_no_json| json!({}));
    let data = json!({
        "id": alert.id,
        "rule": alert.rule,
        "dataset": alert.dataset,
        "record": record,
        "mismatch": alert.mismatch,
        "agency": alert.agency,
        "facts": facts,
        "at": time::rfc3339(alert.at),
        "class": alert.class,
        "severity": alert.severity,
        "entries": alert.entries,
        "evidence": serde_json::from_str::<Value>(&alert.evidence).unwrap_or_else(|_no_json| json!([])),
    });
    // Evidence grows while the alert waits, or is sent once more: another content is another event.
    let id = format!("{}-{}", alert.id, alert.entries);
    let attributes = EventAttributes {
        id: &id,
        subject: record.as_deref(),
        at_us: alert.at,
        traceparent: None,
    };
    let key = record.clone().unwrap_or_else(|| alert.id.clone()).into_bytes();
    envelope::message(hub, BusTopic::Supervision, key, &attributes, &data)
}
