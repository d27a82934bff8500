//! Answered verifications go out: read from this node's ledger, which is the outbox of answers. `published ≤ position ≤ durable`
//! after each round: a crash publishes some again under the same `ce_id`, and loses none.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::{
    envelope::{self, EventAttributes},
    key_of, outbox,
};
use crate::{
    delivery::message::hex,
    foundation::{error::AppError, ids::VerificationId},
    node::hub::Hub,
};
use heyan_ledger::entry::{EntryBody, EntryItem, EntryKind, LedgerEntry};
use heyan_ports::bus::{BusMessage, BusTopic};
use heyan_ports::commit::{Commit, ReadPosition};

/// Entries that are read at once, and items after which no further entry is read.
const ENTRIES_MAX: u64 = 1_024;
const ITEMS_MAX: usize = 4_000;

/// Entries without a verification after which the position is stored all the same.
const STORE_AFTER: u64 = 50_000;

/// Where the reading stands.
#[derive(Default)]
pub struct CompletedTail {
    next: Option<u64>,
    stored: u64,
}

/// Publishes what was answered since the last round; answers how many entries of what was durable then are still to be read.
///
/// # Errors
/// The ledger or the store cannot be asked, or the bus did not take something: the next round begins where this one did.
pub async fn publish(hub: &Hub, tail: &mut CompletedTail) -> Result<u64, AppError> {
    let name = format!("kafka:completed:{}", hub.node.settings.origin);
    let next = match tail.next {
        Some(next) => next,
        None => {
            let stored = hub.store.position(&name).await?;
            tail.stored = stored.and_then(|text| text.parse().ok()).unwrap_or_default();
            tail.stored
        }
    };
    let durable = hub.ledger.stats().durable;
    if next > durable {
        // A copy of the ledger that is older than the store's: what comes now stands at indexes that were told of before.
        tracing::error!(
            position = next,
            durable,
            "the ledger is shorter than what was published of it"
        );
        tail.stored = durable;
    }
    let next = next.min(durable);
    let agencies = agencies(hub);
    let (mut after, mut messages) = (next, Vec::new());
    if next < durable {
        hub.ledger.tail(next, ENTRIES_MAX, |index, bytes| {
            if messages.len() < ITEMS_MAX && after == index {
                put_messages(hub, &agencies, index, bytes, &mut messages);
                after = index + 1;
            }
        })?;
    }
    let behind = durable.saturating_sub(after);
    let lag = i64::try_from(behind).unwrap_or(i64::MAX);
    hub.node.metrics.bus.lag(BusTopic::VerificationCompleted.name(), lag);
    let any = !messages.is_empty();
    let reports = hub.outward.bus.publish(messages).await;
    if let Some(fault) = reports.into_iter().find_map(Result::err) {
        return Err(outbox::not_taken(&fault));
    }
    if any || after - tail.stored >= STORE_AFTER {
        let commit = Commit::at(hub.clock.now_us()).with(ReadPosition {
            name,
            value: after.to_string(),
        });
        hub.write(commit).await?;
        tail.stored = after;
    }
    tail.next = Some(after);
    Ok(behind)
}

/// Ids of agencies by their number in the ledger.
fn agencies(hub: &Hub) -> HashMap<u32, String> {
    let access = hub.access.table.load();
    let agencies = access.agencies.values();
    agencies
        .map(|agency| (agency.row.number, agency.row.id.clone()))
        .collect()
}

/// The messages of one entry: one for each verification in it.
fn put_messages(hub: &Hub, agencies: &HashMap<u32, String>, index: u64, bytes: &[u8], messages: &mut Vec<BusMessage>) {
    // An entry of a later layout has nothing that this version could tell.
    let Some(entry) = LedgerEntry::decode(bytes) else {
        return;
    };
    let EntryBody::Items(items) = &entry.body else { return };
    let id = VerificationId {
        at_ms: entry.at_us / 1_000,
        node: hub.node.settings.node,
        index,
    };
    for (position, item) in items.iter().enumerate() {
        let id = match entry.kind {
            EntryKind::Chunk => format!("{id}-{position}"),
            _ => id.to_string(),
        };
        let record = hex(&item.subject);
        let data = json!({
            "id": id,
            "dataset": dataset_of(item),
            "rules": item.rules,
            "record": record,
            "record_version": item.record_version,
            "outcome": item.outcome.as_str(),
            "fields": fields(hub, item),
            "agency": agencies.get(&entry.agency),
            "receipt": {"origin": hub.node.settings.origin, "index": index},
        });
        let attributes = EventAttributes {
            id: &id,
            subject: Some(&record),
            at_us: entry.at_us,
            traceparent: None,
        };
        let key = key_of(&item.subject);
        messages.push(envelope::message(
            hub,
            BusTopic::VerificationCompleted,
            key,
            &attributes,
            &data,
        ));
    }
}

fn dataset_of(item: &EntryItem) -> &str {
    item.rules.split('@').next().unwrap_or_default()
}

/// Field numbers belong to a revision: they are named only where the catalogue still has that revision.
fn fields(hub: &Hub, item: &EntryItem) -> Vec<Value> {
    let dataset = hub.catalog.get(dataset_of(item));
    let dataset = dataset.filter(|dataset| dataset.shares_fields(&item.rules));
    let field = |(number, verdict): &(u8, heyan_domain::verdict::Verdict)| {
        let mut told = Map::new();
        told.insert("number".to_owned(), (*number).into());
        if let Some(field) = dataset.and_then(|dataset| dataset.field(*number)) {
            told.insert("name".to_owned(), (*field.name).into());
        }
        told.insert("verdict".to_owned(), verdict.as_str().into());
        for (name, word) in [("basis", verdict.basis()), ("reason", verdict.reason())] {
            if let Some(word) = word {
                told.insert(name.to_owned(), word.into());
            }
        }
        Value::Object(told)
    };
    item.fields.iter().map(field).collect()
}
