//! One row of a trace: who looked, when, for which matter, and what was told. What an entry holds sealed is opened here, for
//! an auditor's eyes; a value of a record or of a claim is in no entry, so there is none here.

use std::collections::HashMap;

use serde::Serialize;

use super::look::TraceSighting;
use crate::{
    foundation::{ids::VerificationId, purpose},
    node::hub::Hub,
};
use heyan_catalog::Dataset;
use heyan_ledger::entry::{EntryBody, EntryKind, LedgerEntry};
use heyan_ports::time;

/// A row.
#[derive(Debug, Serialize)]
pub struct TraceRow {
    /// When, RFC 3339.
    pub at: String,
    /// Agency id; `None`: the bureau's own people.
    pub agency: Option<String>,
    /// Its name.
    pub agency_name: Option<String>,
    /// Service item.
    pub item_code: Option<String>,
    /// Its name.
    pub item_name: Option<String>,
    /// The applicant's matter.
    pub application_no: Option<String>,
    /// The clerk or system that asked, or the client that acted.
    pub operator: Option<String>,
    /// Why, as it was stated.
    pub reason: Option<String>,
    /// What was done.
    pub operation: String,
    /// What was told, or the state after it.
    pub outcome: Option<String>,
    /// Fields that were asked or shown.
    pub fields: Vec<TracedField>,
    /// Id of the verification.
    pub verification: Option<String>,
    /// Mismatch that the step belongs to.
    pub mismatch: Option<String>,
    /// Where the entry stands.
    pub receipt: TracedReceipt,
}

/// A field that was asked about or shown.
#[derive(Debug, Serialize)]
pub struct TracedField {
    /// Name, or `#` and the number of a revision that the catalogue has no more.
    pub name: String,
    /// What was told; `None`: the value was shown.
    pub verdict: Option<&'static str>,
}

/// Where an entry stands.
#[derive(Debug, Serialize)]
pub struct TracedReceipt {
    /// Name of the ledger.
    pub origin: String,
    /// Index in it.
    pub index: u64,
}

/// Ids and names of agencies by their number in the ledger.
pub struct AgencyNames(HashMap<u32, (String, String)>);

impl AgencyNames {
    /// As they are now; an agency's number is never used again.
    pub fn of(hub: &Hub) -> Self {
        let access = hub.access.table.load();
        let rows = access.agencies.values().map(|agency| &agency.row);
        Self(
            rows.map(|row| (row.number, (row.id.clone(), row.name.clone())))
                .collect(),
        )
    }

    /// Number of an agency.
    pub fn number_of(&self, id: &str) -> Option<u32> {
        let mut all = self.0.iter();
        all.find(|(_, (one, _))| one == id).map(|(number, _)| *number)
    }
}

/// What was done, in a word.
pub fn operation(entry: &LedgerEntry) -> String {
    match (&entry.body, entry.kind) {
        (EntryBody::Items(_), EntryKind::Chunk) => "verify_many".to_owned(),
        (EntryBody::Items(_), _) => "verify".to_owned(),
        (EntryBody::Read { operation, .. } | EntryBody::Call { operation, .. }, _) => operation.clone(),
        (EntryBody::Records { .. }, _) => "put_records".to_owned(),
        (EntryBody::Access { action, .. }, _) => action.clone(),
        (EntryBody::Mismatch { action, .. }, _) => format!("mismatch.{action}"),
        (EntryBody::Delivery { .. }, _) => "delivery".to_owned(),
    }
}

/// The id of the verification that was found.
pub fn verification_of(seen: &TraceSighting) -> Option<String> {
    let id = VerificationId {
        at_ms: seen.entry.at_us / 1_000,
        node: seen.node,
        index: seen.place.index,
    };
    match seen.entry.kind {
        EntryKind::Verification => Some(id.to_string()),
        EntryKind::Chunk => Some(format!("{id}-{}", seen.place.position)),
        _ => None,
    }
}

/// The row of an entry.
pub fn row(hub: &Hub, agencies: &AgencyNames, seen: &TraceSighting) -> TraceRow {
    let entry = &seen.entry;
    let agency = agencies.0.get(&entry.agency);
    let mut row = TraceRow {
        at: time::rfc3339(entry.at_us),
        agency: agency.map(|(id, _)| id.clone()),
        agency_name: agency.map(|(_, name)| name.clone()),
        item_code: None,
        item_name: None,
        application_no: None,
        operator: None,
        reason: None,
        operation: operation(entry),
        outcome: None,
        fields: Vec::new(),
        verification: verification_of(seen),
        mismatch: None,
        receipt: TracedReceipt {
            origin: seen.origin.to_string(),
            index: seen.place.index,
        },
    };
    put_told(hub, entry, &mut row);
    put_sealed(hub, entry, &mut row);
    row
}

fn put_told(hub: &Hub, entry: &LedgerEntry, row: &mut TraceRow) {
    match &entry.body {
        EntryBody::Items(items) => {
            let Some(item) = items.first() else { return };
            let dataset = dataset_of(hub, &item.rules);
            row.outcome = Some(item.outcome.as_str().to_owned());
            let field = |(number, verdict): &(u8, heyan_domain::verdict::Verdict)| TracedField {
                name: field_name(dataset, *number),
                verdict: Some(verdict.as_str()),
            };
            row.fields = item.fields.iter().map(field).collect();
        }
        EntryBody::Read { rules, fields, .. } => {
            let dataset = dataset_of(hub, rules);
            let field = |number: &u8| TracedField {
                name: field_name(dataset, *number),
                verdict: None,
            };
            row.fields = fields.iter().map(field).collect();
        }
        EntryBody::Mismatch { id, state, .. } => {
            row.outcome = Some(state.clone());
            row.mismatch = Some(id.clone());
        }
        EntryBody::Call { .. } | EntryBody::Records { .. } | EntryBody::Access { .. } | EntryBody::Delivery { .. } => {}
    }
}

fn put_sealed(hub: &Hub, entry: &LedgerEntry, row: &mut TraceRow) {
    if let Some(asked) = purpose::open_purpose(hub, &entry.sealed) {
        let named = || Some(hub.materials.items.load().get(&asked.item_code)?.name.zh.to_string());
        row.item_name = Some(asked.item_name).filter(|name| !name.is_empty()).or_else(named);
        row.item_code = Some(asked.item_code);
        row.application_no = Some(asked.application_no);
        row.operator = Some(asked.operator);
        row.reason = Some(asked.reason).filter(|reason| !reason.is_empty());
        return;
    }
    let mut parts = purpose::open(hub, &entry.sealed).unwrap_or_default().into_iter();
    row.operator = parts.next();
    row.reason = parts.next();
}

/// The dataset of rules, while the catalogue has that revision: field numbers of another mean other fields.
fn dataset_of<'h>(hub: &'h Hub, rules: &str) -> Option<&'h Dataset> {
    let name = rules.split('@').next().unwrap_or_default();
    let dataset = hub.catalog.get(name).filter(|dataset| dataset.shares_fields(rules));
    dataset.map(|dataset| &**dataset)
}

fn field_name(dataset: Option<&Dataset>, number: u8) -> String {
    let field = dataset.and_then(|dataset| dataset.field(number));
    field.map_or_else(|| format!("#{number}"), |field| field.name.to_string())
}
