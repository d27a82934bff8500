//! An alert's life: open, acknowledged by an auditor, closed with a reason. A step is one `Commit` with its ledger entry and its saved
//! reply. An alert holds pseudonyms, ids and counts; who the operator is stands sealed in its evidence, and an auditor is told.

use crate::node::write::CommitAttempts;
use std::{sync::Arc, time::Duration};

use crate::node::caller::Caller;
use crate::{
    access::table::ClientRole,
    foundation::{
        error::{AppError, MissingThing},
        purpose,
        vault::SealPlace,
    },
    mismatch::steps::StepNote,
    node::{hub::Hub, idempotency::KeySlot, peers},
};
use heyan_domain::supervision::Rule;
use heyan_ledger::entry::{self, EntryKind, LedgerEntry};
use heyan_ports::commit::Commit;
use heyan_ports::supervision::{AlertFilter, AlertRow, AlertStep, SupervisionWrites};

/// Where an alert stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertState {
    /// Nobody has looked yet.
    Open,
    /// Somebody looks after it.
    Acknowledged,
    /// It is over.
    Closed,
}

impl AlertState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Open, Self::Acknowledged, Self::Closed];

    /// The wire word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Closed => "closed",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// What an auditor does about an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Takes it up.
    Acknowledge,
    /// Ends it, with a reason.
    Close,
    /// Takes a closed one up again, with a reason.
    Reopen,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 3] = [Self::Acknowledge, Self::Close, Self::Reopen];

    /// The wire word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledge",
            Self::Close => "close",
            Self::Reopen => "reopen",
        }
    }

    /// The action of a word.
    ///
    /// # Errors
    /// There is none.
    pub fn parse(word: &str) -> Result<Self, AppError> {
        let found = Self::ALL.into_iter().find(|action| action.as_str() == word);
        found.ok_or_else(|| AppError::fault("/action", "invalid_value"))
    }

    const fn needs_reason(self) -> bool {
        matches!(self, Self::Close | Self::Reopen)
    }

    /// The state after it; `None`: not in this one.
    const fn from(self, state: AlertState) -> Option<AlertState> {
        match (self, state) {
            (Self::Acknowledge, AlertState::Open) => Some(AlertState::Acknowledged),
            (Self::Close, AlertState::Open | AlertState::Acknowledged) => Some(AlertState::Closed),
            (Self::Reopen, AlertState::Closed) => Some(AlertState::Open),
            _ => None,
        }
    }
}

/// An alert as a reader gets it.
pub struct AlertView {
    /// The row.
    pub row: AlertRow,
    /// Its rule, while the file has it.
    pub rule: Option<Arc<Rule>>,
    /// Its steps, oldest first, with who and why where the reader may know.
    pub steps: Vec<(AlertStep, Option<StepNote>)>,
    /// Who the operator is, for an auditor.
    pub operator: Option<String>,
}

/// Alerts, newest first.
///
/// # Errors
/// The store could not be asked.
pub async fn list(hub: &Hub, filter: &AlertFilter) -> Result<Vec<AlertRow>, AppError> {
    Ok(hub.store.alerts(filter).await?)
}

/// One alert with its history.
///
/// # Errors
/// No such alert, or the store could not be asked.
pub async fn get(hub: &Hub, caller: &Caller, id: &str) -> Result<AlertView, AppError> {
    let row = row_of(hub, id).await?;
    view(hub, caller, row).await
}

async fn row_of(hub: &Hub, id: &str) -> Result<AlertRow, AppError> {
    let row = hub.store.alert(id).await?;
    row.ok_or(AppError::NotFound(MissingThing::Alert))
}

async fn view(hub: &Hub, caller: &Caller, row: AlertRow) -> Result<AlertView, AppError> {
    let is_auditor = caller.role() == ClientRole::Auditor;
    let note = |step: AlertStep| {
        let note = match is_auditor {
            true => Some(
                hub.secrets
                    .vault
                    .open_json(place(&step_key(&step.alert, step.seq)), &step.note)?,
            ),
            false => None,
        };
        Ok::<_, AppError>((step, note))
    };
    let steps = hub.store.alert_steps(&row.id).await?;
    Ok(AlertView {
        steps: steps.into_iter().map(note).collect::<Result<_, _>>()?,
        rule: hub.supervision.rule(&row.rule).cloned(),
        operator: match is_auditor {
            true => operator(hub, &row).await?,
            false => None,
        },
        row,
    })
}

/// Where an alert's evidence stands: origin and index of each entry.
pub fn evidence(row: &AlertRow) -> Vec<(String, u64)> {
    let places: Vec<serde_json::Value> = serde_json::from_str(&row.evidence).unwrap_or_default();
    let place = |place: &serde_json::Value| {
        let origin = place.get("origin")?.as_str()?.to_owned();
        Some((origin, place.get("index")?.as_u64()?))
    };
    places.iter().filter_map(place).collect()
}

/// Who the operator is that an alert is about: it says so in the sealed part of the entry that shows it.
async fn operator(hub: &Hub, row: &AlertRow) -> Result<Option<String>, AppError> {
    let facts: serde_json::Value = serde_json::from_str(&row.facts).unwrap_or_default();
    let first = evidence(row).into_iter().next();
    let (Some(_), Some((origin, index))) = (facts.get("operator"), first) else {
        return Ok(None);
    };
    let held = match peers::entry_of(hub, &origin, index, Duration::ZERO).await {
        Err(AppError::NodeSilent) => None,
        held => held?,
    };
    let entry = held.and_then(|held| LedgerEntry::decode(&held.entry));
    let parts = entry.and_then(|entry| purpose::open(hub, &entry.sealed));
    Ok(parts.and_then(|parts| parts.into_iter().nth(2)))
}

/// Acts on an alert; `render` makes the reply that is saved with the step.
///
/// # Errors
/// No such alert, a state that does not allow it, or no reason where one is needed.
pub async fn act(
    hub: &Hub,
    caller: &Caller,
    id: &str,
    (action, reason): (Action, Option<String>),
    slot: &KeySlot,
    render: &(dyn Fn(&AlertView) -> Vec<u8> + Sync),
) -> Result<Vec<u8>, AppError> {
    if action.needs_reason() && reason.is_none() {
        return Err(AppError::fault("/reason", "missing_member"));
    }
    let note = StepNote {
        by: caller.client.row.id.clone(),
        reason,
    };
    let mut attempts = CommitAttempts::none();
    loop {
        match step(hub, caller, id, action, &note, slot, render).await {
            Err(error) if attempts.again(&error) => {}
            done => return done,
        }
    }
}

async fn step(
    hub: &Hub,
    caller: &Caller,
    id: &str,
    action: Action,
    note: &StepNote,
    slot: &KeySlot,
    render: &(dyn Fn(&AlertView) -> Vec<u8> + Sync),
) -> Result<Vec<u8>, AppError> {
    let mut row = row_of(hub, id).await?;
    let state = AlertState::parse(&row.state).and_then(|state| action.from(state));
    let state = state.ok_or(AppError::NotNow)?;
    let now_us = hub.clock.now_us();
    (row.state, row.revision, row.updated_at) = (state.as_str().to_owned(), row.revision + 1, now_us);
    let step = AlertStep {
        alert: row.id.clone(),
        seq: row.revision,
        at: now_us,
        action: action.as_str().to_owned(),
        state: row.state.clone(),
        note: hub
            .secrets
            .vault
            .seal_json(place(&step_key(&row.id, row.revision)), note)?,
    };
    let mut bytes = Vec::with_capacity(160);
    entry::begin(&mut bytes, EntryKind::Access, now_us, caller.agency_number());
    entry::put_text(&mut bytes, &format!("alert.{}", action.as_str()));
    entry::put_text(&mut bytes, &row.id);
    let reason = note.reason.as_deref().unwrap_or_default();
    purpose::seal_parts(hub, &[&note.by, reason], &mut bytes)?;
    let mut view = view(hub, caller, row).await?;
    view.steps.push((step.clone(), Some(note.clone())));
    let body = render(&view);
    let commit = Commit::at(now_us)
        .with(slot.answer(hub, 200, &body)?)
        .with(SupervisionWrites {
            steps: vec![step],
            ..SupervisionWrites::default()
        })
        .entry(bytes);
    hub.write(commit).await?;
    Ok(body)
}

fn place(row: &str) -> SealPlace<'_> {
    SealPlace {
        table: "alert_steps",
        column: "note",
        row,
    }
}

fn step_key(id: &str, seq: u32) -> String {
    format!("{id}/{seq}")
}
