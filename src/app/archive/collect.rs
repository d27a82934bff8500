//! Collects the contents of a pack: the verifications of an application with their receipts, the mismatches that they opened with
//! every step, and the deliveries about those. Anything that cannot be read completely is an error: a pack is never silently incomplete.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Value, json};

use super::{PackRequest, SEALED_WAIT};
use crate::node::caller::Caller;
use crate::traces::{
    index,
    look::{LedgerMarks, TraceLook, TraceSighting},
    own::ROWS_MAX,
    row::{self, AgencyNames},
    seals::WithheldEntries,
};
use crate::{
    foundation::{error::AppError, hex::hex},
    mismatch::steps::{self, StepNote},
    node::{hub::Hub, peers},
};
use heyan_domain::verdict::Verdict;
use heyan_ledger::{
    entry::{EntryBody, EntryItem, LedgerEntry},
    index::{IndexKey, LedgerPlace},
};
use heyan_ports::time;
use heyan_ports::{deliveries::StoredDelivery, mismatches::MismatchRow, subject::SubjectKey};

/// Entries of one pack.
const ENTRIES_MAX: usize = 2_000;

/// What was gathered.
pub(crate) struct CollectedPack {
    pub verifications: Vec<Value>,
    pub mismatches: Vec<Value>,
    pub deliveries: Vec<Value>,
    origins: Vec<String>,
    receipts: BTreeMap<(usize, u64), String>,
}

/// Gathers it.
///
/// # Errors
/// A node does not answer, there is too much for one pack, or the ledger or store cannot be asked.
pub(crate) async fn collect(hub: &Arc<Hub>, caller: &Caller, ask: &PackRequest<'_>) -> Result<CollectedPack, AppError> {
    let (agencies, withheld) = (AgencyNames::of(hub), WithheldEntries::from(hub, caller).await?);
    let agency = match ask.agency {
        Some(id) => Some(
            agencies
                .number_of(id)
                .ok_or_else(|| AppError::fault("/agency", "unknown_agency"))?,
        ),
        None => None,
    };
    let mut collected = CollectedPack {
        verifications: Vec::new(),
        mismatches: Vec::new(),
        deliveries: Vec::new(),
        origins: peers::all(hub).await?.into_iter().map(|(origin, _)| origin).collect(),
        receipts: BTreeMap::new(),
    };
    // Another agency may have used the same number: what is not asked for does not count against the limit.
    let is_asked = |seen: &TraceSighting| agency.is_none_or(|number| seen.entry.agency == number);
    let key = index::application(&hub.secrets.vault, ask.application_no);
    let mut asked = all(hub, key, &is_asked).await?;
    asked.reverse();
    let mut subjects: Vec<IndexKey> = Vec::new();
    for seen in &asked {
        if withheld.hides(hub, seen).await? {
            continue;
        }
        let entry = collected.prove(hub, &seen.origin, seen.place.index).await?;
        if let EntryBody::Items(items) = &entry.body {
            subjects.extend(items.iter().map(|item| item.subject));
        }
        let verification = verification(
            hub,
            &agencies,
            seen,
            entry,
            collected.name(&seen.origin, seen.place.index),
        );
        collected.verifications.push(verification);
    }
    subjects.sort_unstable();
    subjects.dedup();
    for row in mismatches(hub, &subjects, ask).await? {
        if withheld.hides_mismatch(&row) {
            continue;
        }
        collected.add_mismatch(hub, &row).await?;
    }
    Ok(collected)
}

/// Every entry under a key that is wanted, newest first.
async fn all(
    hub: &Arc<Hub>,
    key: IndexKey,
    is_wanted: &(dyn Fn(&TraceSighting) -> bool + Sync),
) -> Result<Vec<TraceSighting>, AppError> {
    let mut look = TraceLook::new(hub, key, (0, u32::MAX), &LedgerMarks::new(), ROWS_MAX).await?;
    let mut found = Vec::new();
    while let Some(seen) = look.next().await? {
        if !is_wanted(&seen) {
            continue;
        }
        if found.len() == ENTRIES_MAX {
            return Err(AppError::TooManyItems);
        }
        found.push(seen);
    }
    match look.lacks.is_empty() {
        true => Ok(found),
        false => Err(AppError::NodeSilent),
    }
}

/// The mismatches of these subjects that belong to the application, oldest first.
async fn mismatches(
    hub: &Arc<Hub>,
    subjects: &[IndexKey],
    ask: &PackRequest<'_>,
) -> Result<Vec<MismatchRow>, AppError> {
    let mut rows = BTreeMap::new();
    for subject in subjects {
        let mut look = TraceLook::new(hub, *subject, (0, u32::MAX), &LedgerMarks::new(), ROWS_MAX).await?;
        while let Some(seen) = look.next().await? {
            let EntryBody::Mismatch { id, subject, .. } = seen.entry.body else {
                continue;
            };
            if rows.contains_key(&id) {
                continue;
            }
            let row = hub.store.mismatch(SubjectKey(subject), &id).await?;
            let is_of = |row: &MismatchRow| {
                ask.agency.is_none_or(|agency| row.agency == agency)
                    && row.matter == hub.secrets.vault.matter(&row.agency, ask.application_no)
            };
            rows.insert(id, row.filter(is_of));
        }
        if !look.lacks.is_empty() {
            return Err(AppError::NodeSilent);
        }
    }
    Ok(rows.into_values().flatten().collect())
}

impl CollectedPack {
    /// Whether nothing was asked.
    pub(crate) fn is_empty(&self) -> bool {
        self.verifications.is_empty()
    }

    /// Receipts with their names.
    pub(crate) fn receipts(&self) -> impl Iterator<Item = (String, String)> {
        let named = |((origin, index), text): (&(usize, u64), &String)| (name(*origin, *index), text.clone());
        self.receipts.iter().map(named)
    }

    fn name(&self, origin: &str, index: u64) -> String {
        name(self.number(origin), index)
    }

    fn number(&self, origin: &str) -> usize {
        let number = self.origins.iter().position(|one| one == origin);
        number.unwrap_or(self.origins.len())
    }

    /// Takes the receipt of an entry in, and answers the entry.
    async fn prove(&mut self, hub: &Hub, origin: &str, index: u64) -> Result<LedgerEntry, AppError> {
        const LOST: AppError = AppError::Internal("the index refers to an entry that the ledger does not hold");
        let held = peers::entry_of(hub, origin, index, SEALED_WAIT).await?.ok_or(LOST)?;
        let receipt = held.receipt.ok_or(AppError::NodeSilent)?;
        let number = self.number(origin);
        self.receipts.insert((number, index), receipt.to_text());
        LedgerEntry::decode(&held.entry).ok_or(LOST)
    }

    /// Takes in the entries under a key. Returns each with the name of its receipt, oldest first.
    async fn prove_all(&mut self, hub: &Arc<Hub>, key: IndexKey) -> Result<Vec<(LedgerEntry, String)>, AppError> {
        let mut proven = Vec::new();
        for seen in all(hub, key, &|_seen| true).await?.into_iter().rev() {
            let LedgerPlace { index, .. } = seen.place;
            let entry = self.prove(hub, &seen.origin, index).await?;
            proven.push((entry, self.name(&seen.origin, index)));
        }
        Ok(proven)
    }

    async fn add_mismatch(&mut self, hub: &Arc<Hub>, row: &MismatchRow) -> Result<(), AppError> {
        let entries = self
            .prove_all(hub, index::mismatch(&hub.secrets.vault, &row.id))
            .await?;
        let mut history = Vec::new();
        for step in hub.store.mismatch_steps(row.subject, &row.id).await? {
            let key = steps::step_key(&row.id, step.seq);
            let note: StepNote = hub.secrets.vault.open_json(steps::note_place(&key), &step.note)?;
            let is_of = |(entry, _): &&(LedgerEntry, String)| matches!(&entry.body, EntryBody::Mismatch { step: number, .. } if *number == step.seq);
            history.push(json!({
                "seq": step.seq, "at": time::rfc3339(step.at), "action": step.action, "state": step.state.as_str(),
                "by_role": step.actor, "by": note.by, "reason": note.reason,
                "receipt": entries.iter().find(is_of).map(|(_, name)| name),
            }));
        }
        for delivery in hub.store.mismatch_deliveries(row.subject, &row.id).await? {
            self.add_delivery(hub, row, &delivery).await?;
        }
        self.mismatches.push(json!({
            "id": row.id, "dataset": &*row.dataset, "subject": hex(&row.subject.0), "agency": row.agency,
            "fields": row.fields, "state": row.state.as_str(), "due_on": row.due_on, "record_version": row.record_version,
            "opened_at": time::rfc3339(row.opened_at), "updated_at": time::rfc3339(row.updated_at), "history": history,
        }));
        Ok(())
    }

    async fn add_delivery(
        &mut self,
        hub: &Arc<Hub>,
        row: &MismatchRow,
        delivery: &StoredDelivery,
    ) -> Result<(), AppError> {
        let entries = self
            .prove_all(hub, index::delivery(&hub.secrets.vault, &delivery.id))
            .await?;
        // A delivery that was tried again has more than one end: the last one counts.
        let end = entries.last().map(|(_, name)| name);
        self.deliveries.push(json!({
            "webhook_id": delivery.id, "event": delivery.event.id, "mismatch": row.id, "target": delivery.target,
            "state": delivery.state.as_str(), "attempts": delivery.attempts, "status": delivery.last_status,
            "result": delivery.last_result, "created_at": time::rfc3339(delivery.created_at),
            "updated_at": time::rfc3339(delivery.updated_at), "receipt": end,
        }));
        Ok(())
    }
}

fn name(origin: usize, index: u64) -> String {
    format!("receipts/{origin}-{index}.txt")
}

/// One entry of the application: who asked, and what was told of each subject.
fn verification(hub: &Hub, agencies: &AgencyNames, seen: &TraceSighting, entry: LedgerEntry, receipt: String) -> Value {
    let items: Vec<Value> = match &entry.body {
        EntryBody::Items(items) => items.iter().map(|item| item_json(hub, item)).collect(),
        _ => Vec::new(),
    };
    let at_us = entry.at_us;
    let id = crate::foundation::ids::VerificationId {
        at_ms: at_us / 1_000,
        node: seen.node,
        index: seen.place.index,
    };
    let whole = TraceSighting {
        origin: Arc::clone(&seen.origin),
        node: seen.node,
        place: seen.place,
        entry,
    };
    let told = row::row(hub, agencies, &whole);
    json!({
        "id": (!items.is_empty()).then(|| id.to_string()), "at": told.at, "operation": told.operation,
        "agency": told.agency, "agency_number": whole.entry.agency, "agency_name": told.agency_name,
        "item_code": told.item_code, "item_name": told.item_name, "application_no": told.application_no,
        "operator": told.operator, "reason": told.reason, "items": items,
        "shown": items_shown(&told), "origin": &*seen.origin, "index": seen.place.index, "receipt": receipt,
    })
}

fn items_shown(told: &row::TraceRow) -> Vec<&str> {
    let shown = told.fields.iter().filter(|field| field.verdict.is_none());
    shown.map(|field| field.name.as_str()).collect()
}

fn item_json(hub: &Hub, item: &EntryItem) -> Value {
    let name = item.rules.split('@').next().unwrap_or_default();
    let dataset = hub.catalog.get(name).filter(|dataset| *dataset.rules == *item.rules);
    let field = |(number, verdict): &(u8, Verdict)| {
        json!({
            "number": number, "name": dataset.and_then(|dataset| dataset.field(*number)).map(|field| &*field.name),
            "verdict": verdict.as_str(), "basis": verdict.basis(), "why": verdict.reason(),
        })
    };
    json!({
        "rules": item.rules, "subject": hex(&item.subject), "record_version": item.record_version,
        "outcome": item.outcome.as_str(), "fields": item.fields.iter().map(field).collect::<Vec<_>>(),
    })
}
