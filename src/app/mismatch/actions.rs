//! Mismatches as their parties see and work them: read one, list them, act on one.
//! An action is one `Commit`: the state with its step, the record's new version, what must be told to whom, the saved
//! reply and the ledger entries stand together or not at all.

use crate::licences;
use crate::node::write::CommitAttempts;
use std::{collections::BTreeMap, sync::Arc};

use super::{
    correct,
    steps::{facts_place, mismatch_event, next, not_taken, note_place, step_entry, step_key},
};
use crate::node::caller::Caller;
use crate::{
    access::table::ClientRole,
    foundation::error::{AppError, MissingThing},
    node::{hub::Hub, idempotency::KeySlot},
};
use heyan_catalog::Dataset;
use heyan_domain::fault::LengthLimit;
use heyan_domain::mismatch::{Action, MismatchActor, RecordProposal};
use heyan_ports::{bus::BusTopic, commit::Commit};
use heyan_ports::{
    deliveries::{EventRow, StoredDelivery},
    error::StoreError,
    mismatches::{MismatchFilter, MismatchRow, MismatchWrite, StepRow},
};

pub use super::steps::{MismatchFacts, StepNote};

/// A mismatch as a reader gets it.
pub struct MismatchView {
    /// The row.
    pub row: MismatchRow,
    /// What it holds sealed; `None` for readers who may not see it.
    pub facts: Option<MismatchFacts>,
    /// The steps, oldest first, with their notes where the reader may see them.
    pub steps: Vec<(StepRow, Option<StepNote>)>,
    /// Where its news went.
    pub deliveries: Vec<StoredDelivery>,
    /// Whether the reader may know the version.
    pub version_told: bool,
}

/// What someone wants to do.
pub struct WantedAction {
    /// The action's word.
    pub action: String,
    /// Proposed or decided values.
    pub fields: BTreeMap<String, String>,
    /// References to evidence.
    pub evidence: Vec<String>,
    /// Why.
    pub reason: Option<String>,
}

/// How a caller stands to mismatches: as whom it may act, and which it may see.
enum MismatchSide {
    /// Sees those of its own applications.
    Agency,
    /// Sees those of its datasets.
    Authority,
    /// Sees all, without what is sealed.
    Bureau,
}

fn side_of(caller: &Caller) -> MismatchSide {
    match caller.role() {
        ClientRole::Agency => MismatchSide::Agency,
        ClientRole::Authority => MismatchSide::Authority,
        ClientRole::Operator | ClientRole::Manager | ClientRole::Auditor => MismatchSide::Bureau,
    }
}

/// One mismatch with its history.
///
/// # Errors
/// No such mismatch, or another's: the two are not told apart.
pub async fn get(hub: &Hub, caller: &Caller, id: &str) -> Result<MismatchView, AppError> {
    let row = own(hub, caller, id).await?;
    let deliveries = hub.store.mismatch_deliveries(row.subject, &row.id).await?;
    view(hub, caller, row, deliveries).await
}

async fn view(
    hub: &Hub,
    caller: &Caller,
    row: MismatchRow,
    deliveries: Vec<StoredDelivery>,
) -> Result<MismatchView, AppError> {
    let sealed_too = !matches!(side_of(caller), MismatchSide::Bureau);
    let facts: MismatchFacts = hub.secrets.vault.open_json(facts_place(&row.id), &row.facts)?;
    let mut steps = steps_of(hub, &row).await?;
    if !sealed_too {
        steps.iter_mut().for_each(|(_, note)| *note = None);
    }
    Ok(MismatchView {
        version_told: facts.version_told || !matches!(side_of(caller), MismatchSide::Agency),
        facts: sealed_too.then_some(facts),
        row,
        steps,
        deliveries,
    })
}

/// The steps of a mismatch, each with its note.
async fn steps_of(hub: &Hub, row: &MismatchRow) -> Result<Vec<(StepRow, Option<StepNote>)>, AppError> {
    let opened = |step: StepRow| {
        let note = hub
            .secrets
            .vault
            .open_json(note_place(&step_key(&row.id, step.seq)), &step.note)?;
        Ok((step, Some(note)))
    };
    let steps = hub.store.mismatch_steps(row.subject, &row.id).await?;
    steps.into_iter().map(opened).collect()
}

/// The row of a mismatch that the caller may see.
async fn own(hub: &Hub, caller: &Caller, id: &str) -> Result<MismatchRow, AppError> {
    let missing = AppError::NotFound(MissingThing::Mismatch);
    let Some(row) = hub.store.find_mismatch(id).await? else {
        return Err(missing);
    };
    let visible = match side_of(caller) {
        MismatchSide::Agency => caller.agency()?.row.id == row.agency,
        MismatchSide::Authority => hub
            .catalog
            .get(&row.dataset)
            .is_some_and(|dataset| caller.agency().is_ok_and(|agency| agency.owns(dataset))),
        MismatchSide::Bureau => true,
    };
    if visible { Ok(row) } else { Err(missing) }
}

/// Mismatches that the caller may see, by id.
///
/// # Errors
/// The store could not be asked.
pub async fn list(hub: &Hub, caller: &Caller, mut filter: MismatchFilter) -> Result<Vec<MismatchRow>, AppError> {
    match side_of(caller) {
        MismatchSide::Agency => filter.agency = Some(caller.agency()?.row.id.clone()),
        MismatchSide::Authority => {
            let agency = caller.agency()?;
            let wanted = filter.datasets.take();
            let owned = hub.catalog.iter().filter(|dataset| agency.owns(dataset));
            let names = owned.map(|dataset| dataset.name.to_string());
            let asked = |name: &String| wanted.as_ref().is_none_or(|wanted| wanted.contains(name));
            filter.datasets = Some(names.filter(asked).collect());
        }
        MismatchSide::Bureau => {}
    }
    Ok(hub.store.mismatches(&filter).await?)
}

/// Acts on a mismatch; `render` makes the reply that is saved with the action.
///
/// # Errors
/// No such mismatch, another party's action, a state that does not allow it, or wrong members.
pub async fn act(
    hub: &Hub,
    caller: &Caller,
    id: &str,
    wanted: &WantedAction,
    slot: &KeySlot,
    render: &(dyn Fn(&MismatchView) -> Vec<u8> + Sync),
) -> Result<Vec<u8>, AppError> {
    let actor = match side_of(caller) {
        MismatchSide::Agency => MismatchActor::Agency,
        MismatchSide::Authority => MismatchActor::Authority,
        MismatchSide::Bureau => return Err(AppError::RoleNotAllowed),
    };
    let mut attempts = CommitAttempts::none();
    loop {
        let row = own(hub, caller, id).await?;
        let _turn = hub.mismatches.pending.turn([row.subject].into_iter()).await;
        let Some(row) = hub.store.mismatch(row.subject, id).await? else {
            return Err(AppError::NotFound(MissingThing::Mismatch));
        };
        let dataset = hub
            .catalog
            .get(&row.dataset)
            .map(Arc::clone)
            .ok_or(AppError::NotFound(MissingThing::Dataset))?;
        let step = DecidedStep::decide(hub, caller, actor, &dataset, row, wanted).await?;
        match step.commit(hub, caller, slot, render).await {
            Err(error) if attempts.again(&error) => {}
            done => return done,
        }
    }
}

/// A decided step, before it is committed.
struct DecidedStep {
    write: MismatchWrite,
    facts: MismatchFacts,
    note: StepNote,
    correction: Option<correct::RecordCorrection>,
    events: Vec<EventRow>,
}

impl DecidedStep {
    async fn decide(
        hub: &Hub,
        caller: &Caller,
        actor: MismatchActor,
        dataset: &Arc<Dataset>,
        row: MismatchRow,
        wanted: &WantedAction,
    ) -> Result<Self, AppError> {
        let facts: MismatchFacts = hub.secrets.vault.open_json(facts_place(&row.id), &row.facts)?;
        let now_us = hub.clock.now_us();
        let (action, correction) = match wanted.action.as_str() {
            "approve" => {
                let probe = Action::Approve { version: 0 };
                facts.state.clone().take(probe, actor).map_err(not_taken)?;
                let correction =
                    correct::correction(hub, caller, dataset, &row, &facts, &wanted.fields, now_us).await?;
                let version = correction.version();
                (Action::Approve { version }, Some(correction))
            }
            _ => (plain_action(dataset, &row, wanted)?, None),
        };
        if matches!(action, Action::Reject | Action::Reopen | Action::Close) && wanted.reason.is_none() {
            return Err(AppError::fault("/reason", "missing_member"));
        }
        let note = StepNote {
            by: caller.client.row.id.clone(),
            reason: wanted.reason.clone(),
        };
        let (write, facts) = next(hub, row, facts, action, actor, &note, now_us)?;
        let mut events = vec![mismatch_event(hub, &write.row, now_us)?];
        if let Some(id) = &write.row.awaits {
            let kind = if correction.is_some() {
                "record.changed"
            } else {
                "record.accepted"
            };
            events.push(EventRow {
                id: id.clone(),
                kind,
                dataset: Some(Arc::clone(&write.row.dataset)),
                subject: Some(write.row.subject),
                version: correction.as_ref().map(correct::RecordCorrection::version),
                mismatch: Some(write.row.id.clone()),
                agency: correction.is_none().then(|| write.row.agency.clone()),
                facts: None,
                at: now_us,
                is_fanned: false,
                // What was accepted concerns one agency; the mismatch's own event tells the rest.
                is_published: correction.is_none() || !hub.outward.bus.hears(BusTopic::RecordChanged),
            });
        }
        Ok(Self {
            write,
            facts,
            note,
            correction,
            events,
        })
    }

    async fn commit(
        self,
        hub: &Hub,
        caller: &Caller,
        slot: &KeySlot,
        render: &(dyn Fn(&MismatchView) -> Vec<u8> + Sync),
    ) -> Result<Vec<u8>, AppError> {
        let row = self.write.row.clone();
        let mut steps = steps_of(hub, &row).await?;
        steps.push((self.write.step.clone(), Some(self.note)));
        let version_told = self.facts.version_told || caller.role() != ClientRole::Agency;
        let view = MismatchView {
            row: row.clone(),
            facts: Some(self.facts),
            steps,
            deliveries: Vec::new(),
            version_told,
        };
        let body = render(&view);
        let mut commit = Commit::at(row.updated_at)
            .with(slot.answer(hub, 200, &body)?)
            .entry(step_entry(
                hub,
                caller.agency_number(),
                &self.write,
                &caller.client.row.id,
            )?)
            .with(vec![self.write])
            .with(self.events);
        if let Some(correction) = &self.correction {
            commit.push(licences::keys_of(hub, std::slice::from_ref(&correction.write)));
            commit.push(correction.write.clone());
            commit.stamps.push(hub.records.caches.bucket_of(&correction.cache_key));
            commit.ledger_entries.push(correction.entry.clone());
        }
        hub.write(commit).await?;
        Ok(body)
    }
}

/// The action of a word, with what it needs of the request.
fn plain_action(dataset: &Dataset, row: &MismatchRow, wanted: &WantedAction) -> Result<Action, AppError> {
    Ok(match wanted.action.as_str() {
        "accept_record" => Action::AcceptRecord,
        "propose_correction" => Action::ProposeCorrection(proposal(dataset, row, wanted)?),
        "reject" => Action::Reject,
        "report_false_claim" => Action::ReportFalseClaim,
        "reopen" => Action::Reopen,
        "close" => Action::Close,
        _ => return Err(AppError::fault("/action", "invalid_value")),
    })
}

/// Evidence of one proposal, and its longest text, bytes.
const EVIDENCE_MAX: usize = 32;
const TEXT_BYTES_MAX: usize = 2_048;

fn proposal(dataset: &Dataset, row: &MismatchRow, wanted: &WantedAction) -> Result<RecordProposal, AppError> {
    if wanted.fields.is_empty() {
        return Err(AppError::fault("/fields", "missing_member"));
    }
    for (name, value) in &wanted.fields {
        let pointer = format!("/fields/{}", heyan_domain::fault::pointer_segment(name));
        let field = dataset
            .field_number(name)
            .and_then(|number| dataset.field(number))
            .ok_or_else(|| AppError::fault(pointer.clone(), "unknown_field"))?;
        if !row.fields.contains(name) {
            // Only what differed may be corrected by way of this mismatch.
            return Err(AppError::fault(pointer, "unknown_field"));
        }
        if value.trim().is_empty() {
            return Err(AppError::fault(pointer, "invalid_value"));
        }
        if value.chars().count() > field.characters_max {
            return Err(AppError::over(pointer, LengthLimit::Characters(field.characters_max)));
        }
    }
    if wanted.evidence.len() > EVIDENCE_MAX {
        return Err(AppError::over("/evidence", LengthLimit::Items(EVIDENCE_MAX)));
    }
    if wanted.evidence.iter().any(|text| text.len() > TEXT_BYTES_MAX) {
        return Err(AppError::over("/evidence", LengthLimit::Bytes(TEXT_BYTES_MAX)));
    }
    Ok(RecordProposal {
        fields: wanted.fields.clone(),
        evidence: wanted.evidence.clone(),
    })
}

/// Mismatches that are closed at once.
const CLOSED_MAX: u32 = 256;

/// Closes mismatches whose step is over: every delivery of it is confirmed or visibly dead. Answers how many.
///
/// # Errors
/// The store could not be asked; what was not closed is closed by the next call.
pub async fn close_delivered(hub: &Hub) -> Result<usize, AppError> {
    let rows = hub.store.delivered_mismatches(CLOSED_MAX).await?;
    let closing = rows.into_iter().map(|row| close_one(hub, row));
    let mut closed = 0;
    for result in futures_util::future::join_all(closing).await {
        match result {
            Ok(()) => closed += 1,
            // Somebody acted on it meanwhile: it is looked at again.
            Err(AppError::Store(StoreError::Conflict) | AppError::NotNow) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(closed)
}

async fn close_one(hub: &Hub, row: MismatchRow) -> Result<(), AppError> {
    let _turn = hub.mismatches.pending.turn([row.subject].into_iter()).await;
    let now_us = hub.clock.now_us();
    let facts: MismatchFacts = hub.secrets.vault.open_json(facts_place(&row.id), &row.facts)?;
    let (write, _) = next(
        hub,
        row,
        facts,
        Action::Delivered,
        MismatchActor::Hub,
        &StepNote::default(),
        now_us,
    )?;
    let row = write.row.clone();
    let agency = hub
        .access
        .table
        .load()
        .agencies
        .get(row.agency.as_str())
        .map_or(0, |agency| agency.row.number);
    let commit = Commit::at(now_us)
        .with(vec![mismatch_event(hub, &row, now_us)?])
        .entry(step_entry(hub, agency, &write, "")?)
        .with(vec![write]);
    hub.write(commit).await?;
    Ok(())
}
