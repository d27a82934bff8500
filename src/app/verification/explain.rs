//! Why a verification was answered as it was: read back from its ledger entry and from the record's version.
//! Masked forms only; the claim itself was never kept.

use std::{sync::Arc, time::Duration};

use crate::node::caller::Caller;
use crate::{
    access::table::ClientRole,
    foundation::{
        error::{AppError, MissingThing},
        ids::VerificationId,
        purpose,
    },
    node::{hub::Hub, peers},
    records,
};
use heyan_domain::{
    policy::{FieldSet, GrantOperation, RefusalClause},
    verdict::{Outcome, Verdict},
};
use heyan_ledger::entry::{self, EntryBody, EntryItem, EntryKind, LedgerEntry};
use heyan_ports::subject::{RecordKey, SubjectKey};
use heyan_ports::time;

/// One field of an explanation.
pub struct ExplainedField {
    /// Field name.
    pub name: Box<str>,
    /// What was answered.
    pub verdict: Verdict,
    /// Comparator that decided.
    pub comparator: Box<str>,
    /// The record's value at that version, masked; `None` where the reader may not see it or it is gone.
    pub record_masked: Option<String>,
}

/// An explanation.
pub struct Explanation {
    /// When it was answered, RFC 3339.
    pub at: String,
    /// Dataset and revision that decided.
    pub rules: String,
    /// What was answered.
    pub outcome: Outcome,
    /// Version of the record; 0: there was none.
    pub record_version: u32,
    /// Field by field.
    pub fields: Vec<ExplainedField>,
}

/// Explains the verification of an id to the agency that asked, or to an auditor (without any record value).
///
/// The explanation is entered before it is told.
///
/// # Errors
/// No such verification, another agency's, or not granted `read`.
pub async fn explain(hub: &Hub, caller: &Caller, id: &str) -> Result<Explanation, AppError> {
    let missing = || AppError::NotFound(MissingThing::Verification);
    let (id, position) = VerificationId::parse(id).ok_or_else(missing)?;
    let entry = read_entry(hub, id).await?.ok_or_else(missing)?;
    if entry.at_us / 1_000 != id.at_ms {
        return Err(missing());
    }
    let auditor = caller.role() == ClientRole::Auditor;
    if !auditor && entry.agency != caller.agency_number() {
        // Another agency's verification is not told apart from none.
        return Err(missing());
    }
    let item = match &entry.body {
        EntryBody::Items(items) => items.get(position.unwrap_or_default()).ok_or_else(missing)?,
        _ => return Err(missing()),
    };
    let item_code = purpose::open(hub, &entry.sealed)
        .and_then(|parts| parts.into_iter().next())
        .unwrap_or_default();
    let explanation = explain_item(hub, caller, item, &item_code, entry.at_us).await?;
    enter(hub, caller, item, &explanation).await?;
    Ok(explanation)
}

/// Enters that an explanation was asked for, with the fields whose values it shows.
async fn enter(hub: &Hub, caller: &Caller, item: &EntryItem, explanation: &Explanation) -> Result<(), AppError> {
    let explained = item.fields.iter().zip(&explanation.fields);
    let shown = explained.filter(|(_, field)| field.record_masked.is_some());
    let shown: Vec<u8> = shown.map(|((number, _), _)| *number).collect();
    let mut bytes = Vec::with_capacity(128);
    entry::begin(&mut bytes, EntryKind::Read, hub.clock.now_us(), caller.agency_number());
    entry::put_read(
        &mut bytes,
        ["explain", &item.rules],
        &item.subject,
        item.record_version,
        &shown,
    );
    purpose::seal_caller(hub, caller, &mut bytes)?;
    hub.append(bytes).await?;
    Ok(())
}

async fn read_entry(hub: &Hub, id: VerificationId) -> Result<Option<LedgerEntry>, AppError> {
    let Some(origin) = peers::origin_of(hub, id.node) else {
        return Ok(None);
    };
    let held = peers::entry_of(hub, &origin, id.index, Duration::ZERO).await?;
    Ok(held.and_then(|held| LedgerEntry::decode(&held.entry)))
}

async fn explain_item(
    hub: &Hub,
    caller: &Caller,
    item: &EntryItem,
    item_code: &str,
    at_us: i64,
) -> Result<Explanation, AppError> {
    let name = item.rules.split('@').next().unwrap_or_default();
    let dataset = hub.catalog.get(name).ok_or(AppError::NotFound(MissingThing::Dataset))?;
    let visible = if caller.role() == ClientRole::Auditor {
        FieldSet::default()
    } else {
        let allowed = caller
            .agency()?
            .permission(dataset, item_code, hub.clock.now_us(), caller.peer)?;
        if !allowed.permission.has(GrantOperation::Read) {
            return Err(crate::access::table::AccessRefusal::NotGranted(RefusalClause::Operation).into());
        }
        allowed.permission.fields(GrantOperation::Read)
    };
    let same_rules = dataset.shares_fields(&item.rules);
    let key = RecordKey {
        dataset: Arc::clone(&dataset.name),
        subject: SubjectKey(item.subject),
    };
    let stored = match item.record_version {
        0 => None,
        version => hub.store.record_version(&key, version).await?,
    };
    let shown = stored.map(|stored| records::shown(dataset, &stored, |number| visible.has(number), false));
    let explained = item.fields.iter().map(|(number, verdict)| {
        // Field numbers of another revision mean other fields: then only the verdict is told.
        let field = if same_rules { dataset.field(*number) } else { None };
        let name = field.map_or_else(|| format!("#{number}").into(), |field| field.name.clone());
        let masked = shown
            .iter()
            .flatten()
            .find(|(shown, _)| *shown == name)
            .map(|(_, text)| text.clone());
        ExplainedField {
            comparator: field.map(|field| field.comparator_name.clone()).unwrap_or_default(),
            name,
            verdict: *verdict,
            record_masked: masked,
        }
    });
    Ok(Explanation {
        at: time::rfc3339(at_us),
        rules: item.rules.clone(),
        outcome: item.outcome,
        record_version: item.record_version,
        fields: explained.collect(),
    })
}
