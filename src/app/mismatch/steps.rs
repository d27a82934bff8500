//! One step of a mismatch: the new row with its sealed parts, the row of the step itself, its event and its ledger entry.
//! Nothing here writes: the use case that takes the step commits all of this together with its own rows.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    foundation::{error::AppError, ids::new_id, purpose, vault::SealPlace},
    node::hub::Hub,
};
use heyan_domain::{
    calendar::china_date,
    mismatch::{Action, MismatchActor, MismatchState, NotTaken},
};
use heyan_ledger::entry::{self, EntryKind};
use heyan_ports::bus::BusTopic;
use heyan_ports::{
    deliveries::{EventKind, EventRow},
    mismatches::{MismatchRow, MismatchWrite, StepRow},
};

/// What a mismatch's row holds sealed: its state with the state's facts, and the matter it came from.
#[derive(Clone, Serialize, Deserialize)]
pub struct MismatchFacts {
    /// State with its facts.
    #[serde(flatten)]
    pub state: MismatchState,
    /// The applicant's matter at the agency.
    pub application_no: String,
    /// Service item.
    pub item_code: String,
    /// Identifiers of the subject, as they were asked.
    pub subject: BTreeMap<String, String>,
    /// Whether the agency may know which version of the record it differs from.
    pub version_told: bool,
}

/// What a step's row holds sealed.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct StepNote {
    /// Client that acted.
    pub by: String,
    /// Its reason.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
}

/// Where a mismatch's facts are sealed.
pub(crate) fn facts_place(id: &str) -> SealPlace<'_> {
    SealPlace {
        table: "mismatches",
        column: "facts",
        row: id,
    }
}

/// Where a step's note is sealed.
pub(crate) fn note_place(row: &str) -> SealPlace<'_> {
    SealPlace {
        table: "mismatch_steps",
        column: "note",
        row,
    }
}

/// The key of a step among all steps.
pub(crate) fn step_key(id: &str, seq: u32) -> String {
    format!("{id}/{seq}")
}

/// Why a step is not taken, as callers are told.
pub(crate) fn not_taken(why: NotTaken) -> AppError {
    match why {
        NotTaken::OtherParty => AppError::RoleNotAllowed,
        NotTaken::NotNow => AppError::NotNow,
    }
}

/// The mismatch after `action`, with its step, and its facts as they now are.
///
/// # Errors
/// The state does not allow it, or the action is another party's.
pub(crate) fn next(
    hub: &Hub,
    row: MismatchRow,
    facts: MismatchFacts,
    action: Action,
    actor: MismatchActor,
    note: &StepNote,
    now_us: i64,
) -> Result<(MismatchWrite, MismatchFacts), AppError> {
    let word = action.as_str();
    let state = facts.state.clone().take(action, actor).map_err(not_taken)?;
    let revision = row.revision + 1;
    let due_on = if state.has_due_date() {
        due(hub, &row.dataset, now_us)
    } else {
        None
    };
    let record_version = match state {
        MismatchState::Corrected { version } => version,
        _ => row.record_version,
    };
    let awaits = if state.awaits_delivery() {
        Some(new_id(b"evt_", now_us, hub.node.settings.node)?)
    } else {
        None
    };
    let facts = MismatchFacts { state, ..facts };
    let step = StepRow {
        seq: revision,
        at: now_us,
        action: word.to_owned(),
        state: facts.state.phase(),
        actor: actor.as_str(),
        note: hub
            .secrets
            .vault
            .seal_json(note_place(&step_key(&row.id, revision)), note)?,
    };
    let row = MismatchRow {
        state: step.state,
        is_final: facts.state.is_final(),
        due_on,
        awaits,
        revision,
        record_version,
        updated_at: now_us,
        facts: hub.secrets.vault.seal_json(facts_place(&row.id), &facts)?,
        // One that a party acts on stays.
        expires_at: None,
        ..row
    };
    Ok((
        MismatchWrite {
            row,
            step,
            is_first: false,
        },
        facts,
    ))
}

/// A new mismatch with its first step.
///
/// # Errors
/// The random source or the sealing key failed.
pub(crate) fn first(
    hub: &Hub,
    row: MismatchRow,
    facts: &MismatchFacts,
    note: &StepNote,
) -> Result<MismatchWrite, AppError> {
    let step = StepRow {
        seq: 1,
        at: row.opened_at,
        action: "open".to_owned(),
        state: facts.state.phase(),
        actor: MismatchActor::Hub.as_str(),
        note: hub.secrets.vault.seal_json(note_place(&step_key(&row.id, 1)), note)?,
    };
    let row = MismatchRow {
        facts: hub.secrets.vault.seal_json(facts_place(&row.id), facts)?,
        ..row
    };
    Ok(MismatchWrite {
        row,
        step,
        is_first: false,
    })
}

/// Deadline for the party that must act next. `None` while the working days of the year are not known; the sweeper raises an
/// alert for that.
pub(crate) fn due(hub: &Hub, dataset: &str, now_us: i64) -> Option<String> {
    let days = hub.catalog.get(dataset)?.correction_due_working_days;
    let due = hub.mismatches.calendar.load().due(china_date(now_us), days);
    due.ok().map(|date| date.to_string())
}

/// That a mismatch took a step, for those who listen.
///
/// # Errors
/// Returns an error if the random source fails.
pub(crate) fn mismatch_event(hub: &Hub, row: &MismatchRow, now_us: i64) -> Result<EventRow, AppError> {
    Ok(EventRow {
        id: new_id(b"evt_", now_us, hub.node.settings.node)?,
        kind: EventKind::Mismatch,
        dataset: Some(Arc::clone(&row.dataset)),
        subject: Some(row.subject),
        version: Some(row.revision),
        mismatch: Some(row.id.clone()),
        agency: Some(row.agency.clone()),
        facts: None,
        at: now_us,
        is_fanned: false,
        is_published: !hub.outward.bus.hears(BusTopic::Mismatch),
    })
}

/// The ledger entry of a step.
///
/// # Errors
/// Returns an error if the sealing key is used up.
pub(crate) fn step_entry(hub: &Hub, agency: u32, write: &MismatchWrite, by: &str) -> Result<Vec<u8>, AppError> {
    let mut bytes = Vec::with_capacity(160);
    entry::begin(&mut bytes, EntryKind::Mismatch, write.step.at, agency);
    let texts = [
        &write.row.id,
        &write.step.action,
        write.step.state.as_str(),
        &*write.row.dataset,
    ];
    entry::put_step(&mut bytes, texts, &write.row.subject.0, write.step.seq);
    purpose::seal_parts(hub, &[by], &mut bytes)?;
    Ok(bytes)
}
