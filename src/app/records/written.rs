//! What goes with new versions of records: the events that tell of them, and their ledger entry.

use std::sync::Arc;

use crate::foundation::{error::AppError, ids::new_id, purpose};
use crate::node::{caller::Caller, hub::Hub};
use heyan_catalog::Dataset;
use heyan_ledger::entry::{self, EntryKind};
use heyan_ports::{
    bus::BusTopic,
    deliveries::{EventKind, EventRow},
    records::RecordWrite,
};

/// The events that records changed. A first version makes an event only where a target receives all records of the dataset: no
/// caller can have been answered from an earlier version, and a first load must not write everything twice.
pub(crate) fn changes(hub: &Hub, writes: &[RecordWrite], now_us: i64) -> Result<Vec<EventRow>, AppError> {
    let Some(first) = writes.first() else {
        return Ok(Vec::new());
    };
    let subscriptions = hub.outward.subscriptions.load();
    let (access, dataset) = (hub.access.table.load(), hub.catalog.get(&first.dataset));
    let reads = |agency: &str| {
        let agency = access.agencies.get(agency);
        agency.is_some_and(|agency| dataset.is_some_and(|dataset| agency.reads(dataset, now_us)))
    };
    let listens = |row: &Arc<heyan_ports::deliveries::SubscriptionRow>| {
        row.covers(EventKind::RecordChanged, Some(&first.dataset), now_us) && reads(&row.agency)
    };
    let in_sink = |name: &String| name == "*" || **name == *first.dataset;
    let heard = hub
        .outward
        .connectors
        .sinks()
        .iter()
        .any(|sink| sink.datasets.iter().any(in_sink))
        || subscriptions.by_id.values().any(listens);
    let published = hub.outward.bus.hears(BusTopic::RecordChanged);
    let news = writes
        .iter()
        .filter(|write| heard || published || write.expected.is_some());
    news.map(|write| {
        Ok(EventRow {
            id: new_id(b"evt_", now_us, hub.node.settings.node)?,
            kind: EventKind::RecordChanged,
            dataset: Some(Arc::clone(&write.dataset)),
            subject: Some(write.subject),
            version: Some(write.record.version),
            mismatch: None,
            agency: None,
            facts: None,
            at: now_us,
            is_fanned: !heard && write.expected.is_none(),
            is_published: !published,
        })
    })
    .collect()
}

pub(crate) fn entry_of(
    hub: &Hub,
    caller: &Caller,
    dataset: &Dataset,
    writes: &[RecordWrite],
    now_us: i64,
) -> Result<Vec<u8>, AppError> {
    let client = &*caller.client.row.id;
    entry_by(hub, caller.agency_number(), &[client], dataset, writes, now_us)
}

/// The entry of record versions that `agency` wrote; `by` names who exactly, sealed.
pub(crate) fn entry_by(
    hub: &Hub,
    agency: u32,
    by: &[&str],
    dataset: &Dataset,
    writes: &[RecordWrite],
    now_us: i64,
) -> Result<Vec<u8>, AppError> {
    let mut bytes = Vec::with_capacity(64 + writes.len() * 20);
    entry::begin(&mut bytes, EntryKind::Records, now_us, agency);
    entry::put_text(&mut bytes, &dataset.rules);
    entry::put_count(
        &mut bytes,
        u16::try_from(writes.len()).map_err(|_too_many| AppError::TooManyItems)?,
    );
    for write in writes {
        bytes.extend_from_slice(&write.subject.0);
        bytes.extend_from_slice(&write.record.version.to_be_bytes());
    }
    purpose::seal_parts(hub, by, &mut bytes)?;
    Ok(bytes)
}
