//! What is pushed: an event as CloudEvents 1.0 JSON for one agency's system, or as a record's change for a sink.
//! Made anew at each attempt, from the version that the event names and the grants that hold now: a value that may no longer
//! be read is no longer sent.

use data_encoding::HEXLOWER;
use serde_json::{Map, Value, json};

use super::answers::is_superseded;
use crate::{access::table::AccessAgency, foundation::error::AppError, node::hub::Hub, records, watches};
use heyan_catalog::Dataset;
use heyan_domain::policy::{FieldSet, GrantOperation};
use heyan_ports::{
    deliveries::{StoredDelivery, StoredEvent},
    records::StoredRecord,
    subject::RecordKey,
};
use heyan_ports::{outward::RecordChange, time};

/// Verifications that one message names.
const VERIFICATIONS_MAX: usize = 64;

/// The body of a webhook.
///
/// # Errors
/// The store could not be asked.
pub(crate) async fn cloud_event(
    hub: &Hub,
    delivery: &StoredDelivery,
    agency: &AccessAgency,
) -> Result<Vec<u8>, AppError> {
    let event = &delivery.event;
    let data = match event.kind.as_str() {
        "record.changed" => changed(hub, delivery, agency).await?,
        "record.accepted" => accepted(hub, event, agency).await?,
        "mismatch" => mismatch(hub, event).await?,
        watches::KIND => watches::notice(hub, event, agency)?,
        _ => json!({}),
    };
    let mut body = Map::new();
    body.insert("specversion".to_owned(), "1.0".into());
    body.insert("id".to_owned(), event.id.as_str().into());
    body.insert("source".to_owned(), format!("//{}", hub.node.settings.origin).into());
    body.insert("type".to_owned(), format!("heyan.{}.v1", event.kind).into());
    if let Some(subject) = &event.subject {
        body.insert("subject".to_owned(), hex(&subject.0).into());
    }
    body.insert("time".to_owned(), time::rfc3339(event.at).into());
    body.insert("datacontenttype".to_owned(), "application/json".into());
    body.insert("data".to_owned(), data);
    serde_json::to_vec(&body).map_err(|_unwritable| AppError::Internal("a message cannot be written"))
}

/// A pseudonym or a hash as text.
pub fn hex(subject: &[u8]) -> String {
    HEXLOWER.encode(subject)
}

fn key_of(event: &StoredEvent) -> Option<RecordKey> {
    Some(RecordKey {
        dataset: event.dataset.as_deref()?.into(),
        subject: event.subject?,
    })
}

async fn version_of(hub: &Hub, event: &StoredEvent) -> Result<Option<StoredRecord>, AppError> {
    let (Some(key), Some(version)) = (key_of(event), event.version) else {
        return Ok(None);
    };
    Ok(hub.store.record_version(&key, version).await?)
}

fn dataset_of<'h>(hub: &'h Hub, event: &StoredEvent) -> Option<&'h Dataset> {
    hub.catalog.get(event.dataset.as_deref()?).map(|dataset| &**dataset)
}

async fn changed(hub: &Hub, delivery: &StoredDelivery, agency: &AccessAgency) -> Result<Value, AppError> {
    let event = &delivery.event;
    let mut data = json!({
        "dataset": event.dataset,
        "record": event.subject.map(|subject| hex(&subject.0)),
        "version": event.version,
        "reason": delivery.reason,
    });
    let mut put = |name: &str, value: Value| {
        if let Some(data) = data.as_object_mut() {
            data.insert(name.to_owned(), value);
        }
    };
    if let Some(subject) = event.subject {
        let answers = hub.store.answers_of(&[subject]).await?;
        let own = answers.iter().filter(|answer| {
            answer.agency == agency.row.number && is_superseded(answer.version, event.version.unwrap_or_default())
        });
        let named: Vec<&str> = own
            .map(|answer| answer.verification.as_str())
            .take(VERIFICATIONS_MAX)
            .collect();
        put("verifications", named.into());
    }
    if let (Some(subject), Some(id)) = (event.subject, &event.mismatch)
        && let Some(row) = hub.store.mismatch(subject, id).await?
        && row.agency == agency.row.id
    {
        put("mismatch", row.id.into());
    }
    let Some(dataset) = dataset_of(hub, event) else {
        return Ok(data);
    };
    let owner = agency.owns(dataset);
    let readable = readable(hub, agency, dataset);
    if !owner && readable.is_empty() {
        return Ok(data);
    }
    if let Some(stored) = version_of(hub, event).await? {
        let fields = records::shown(dataset, &stored, |number| owner || readable.has(number), owner);
        put("subject", object(&stored.subject));
        put("fields", texts(fields));
        put("as_of", time::rfc3339(stored.received_at).into());
    }
    Ok(data)
}

fn readable(hub: &Hub, agency: &AccessAgency, dataset: &Dataset) -> FieldSet {
    agency
        .permission_anywhere(dataset, hub.clock.now_us())
        .fields(GrantOperation::Read)
}

fn object(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or(Value::Null)
}

fn texts(fields: Vec<(Box<str>, String)>) -> Value {
    let members = fields
        .into_iter()
        .map(|(name, text)| (name.into(), Value::String(text)));
    Value::Object(members.collect())
}

/// The values that an agency accepted: of the fields that differed, those that its grants let it read, unmasked, since its
/// system is to take them over; the others by name.
async fn accepted(hub: &Hub, event: &StoredEvent, agency: &AccessAgency) -> Result<Value, AppError> {
    let (Some(id), Some(key), Some(dataset)) = (&event.mismatch, key_of(event), dataset_of(hub, event)) else {
        return Ok(json!({}));
    };
    let Some(row) = hub.store.mismatch(key.subject, id).await? else {
        return Ok(json!({}));
    };
    let readable = readable(hub, agency, dataset);
    let stored = hub.store.records(&[key]).await?.pop().flatten();
    let (mut fields, mut withheld) = (Map::new(), Vec::new());
    let values = stored.as_ref().map_or(Value::Null, |stored| object(&stored.fields));
    for name in &row.fields {
        let may = dataset.field_number(name).is_some_and(|number| readable.has(number));
        match values.get(name) {
            Some(value) if may => {
                fields.insert(name.clone(), value.clone());
            }
            _ => withheld.push(name.clone()),
        }
    }
    let facts: crate::mismatch::steps::MismatchFacts = hub
        .secrets
        .vault
        .open_json(crate::mismatch::steps::facts_place(&row.id), &row.facts)?;
    Ok(json!({
        "dataset": &*row.dataset,
        "record": hex(&row.subject.0),
        "version": stored.as_ref().filter(|_| !readable.is_empty()).map(|stored| stored.version),
        "mismatch": row.id,
        "application_no": facts.application_no,
        "fields": fields,
        "not_permitted": withheld,
    }))
}

/// A mismatch as it stands, without the name of its agency.
pub(crate) async fn mismatch(hub: &Hub, event: &StoredEvent) -> Result<Value, AppError> {
    let (Some(subject), Some(id)) = (event.subject, &event.mismatch) else {
        return Ok(json!({}));
    };
    let Some(row) = hub.store.mismatch(subject, id).await? else {
        return Ok(json!({}));
    };
    Ok(json!({
        "dataset": &*row.dataset,
        "record": hex(&row.subject.0),
        "mismatch": row.id,
        "revision": row.revision,
        "state": row.state,
        "fields": row.fields,
        "due_on": row.due_on,
        "opened_at": time::rfc3339(row.opened_at),
    }))
}

/// The change of a record for a sink; `None` when that version is gone.
///
/// # Errors
/// The store could not be asked.
pub(crate) async fn record_change(hub: &Hub, delivery: &StoredDelivery) -> Result<Option<RecordChange>, AppError> {
    let event = &delivery.event;
    let Some(stored) = version_of(hub, event).await? else {
        return Ok(None);
    };
    let members = |json: &str| match object(json) {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    Ok(Some(RecordChange {
        delivery: delivery.id.clone(),
        event: event.id.clone(),
        dataset: event.dataset.clone().unwrap_or_default(),
        record: event.subject.map(|subject| hex(&subject.0)).unwrap_or_default(),
        version: stored.version,
        at_us: event.at,
        subject: members(&stored.subject),
        fields: members(&stored.fields),
    }))
}
