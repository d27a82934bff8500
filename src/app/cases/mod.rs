//! Joint handling (Article 11): one application, several agencies. The lead agency opens a case and verifies within it; the
//! co-handlers may reuse such a check instead of asking the applicant or the register a second time.
//!
//! `reused ⊆ what the lead was told ∩ what the co-handler's own grant allows for its own item, of the version that is still current`.
//! A reuse states no claim, so it gives no chance to guess. It must give the subject's identifier, so that a co-handler learns nothing
//! about a subject that it does not know. Each reuse has its own ledger entry and receipt, and counts as an answer from that version:
//! corrections reach it.

mod reuse;

use crate::node::write::CommitAttempts;
use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::node::caller::Caller;
use super::{
    foundation::{
        error::{AppError, MissingThing},
        ids::new_id,
        purpose,
        vault::SealPlace,
    },
    node::{hub::Hub, idempotency::KeySlot},
    verification::{
        question::{self, AskedClaim, AskedPurposeElements, BoundedText, ItemBody},
        verify::VerificationAnswer,
    },
};
use heyan_domain::fault::LengthLimit;
use heyan_ledger::entry::{self, EntryKind};
use heyan_ports::commit::Commit;
use heyan_ports::{
    cases::{CaseCheckRow, CasePhase, CaseRow, CaseWrites},
    error::StoreError,
    quotas::QuotaKind,
    subject::SubjectKey,
};
pub use reuse::{ReuseBody, reuse};

/// Agencies that handle a case with its lead.
pub const CO_HANDLERS_MAX: usize = 16;

/// Checks of one case.
pub const CHECKS_MAX: usize = 64;

/// HTTP status of the answer to a new case, as it is saved for its idempotency key.
const CREATED: u16 = 201;

/// Longest reference of a check, bytes.
const REFERENCE_BYTES_MAX: usize = 128;

heyan_domain::words! {
    /// State of a case as its parties see it.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum CaseStatus {
        /// Its checks may be used again.
        Open = "open",
        /// Its time is over.
        Expired = "expired",
        /// Its lead closed it.
        Closed = "closed",
    }
}

/// `POST /v1/cases`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseBody<'a> {
    /// Why the lead asks; every check of the case is asked for it.
    #[serde(borrow, deserialize_with = "question::object")]
    pub purpose: AskedPurposeElements<'a>,
    /// Who handles it too.
    #[serde(borrow)]
    pub co_handlers: Vec<question::StrictObject<CoHandlerBody<'a>>>,
    /// How long its checks may be used again.
    pub valid_hours: u32,
}

/// One agency that handles a case with its lead.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoHandlerBody<'a> {
    /// Agency id.
    #[serde(borrow)]
    pub agency: BoundedText<'a>,
    /// The service item that it handles.
    #[serde(borrow)]
    pub item_code: BoundedText<'a>,
    /// References of the checks that it may use; none: all.
    #[serde(borrow, default)]
    pub refs: Option<Vec<BoundedText<'a>>>,
}

/// One agency that handles a case with its lead, as it is kept.
#[derive(Clone, Serialize, Deserialize)]
pub struct CoHandler {
    /// Agency id.
    pub agency: String,
    /// The service item that it handles.
    pub item_code: String,
    /// References of the checks that it may use; `None`: all.
    pub refs: Option<Vec<String>>,
}

/// What a case's row holds sealed.
#[derive(Clone, Serialize, Deserialize)]
pub struct CaseFacts {
    /// The lead's service item.
    pub item_code: String,
    /// The lead's matter; the lead's alone to see.
    pub application_no: String,
    operator: String,
    /// Who handles it too.
    pub co_handlers: Vec<CoHandler>,
}

/// What a check's row holds sealed: the lead's answer, as ledger codes.
#[derive(Serialize, Deserialize)]
pub struct CheckFacts {
    /// The lead's name for it.
    pub reference: String,
    rules: String,
    as_of: Option<String>,
    /// What was asked about.
    pub fields: Vec<CheckField>,
}

/// A field of a check.
#[derive(Serialize, Deserialize)]
pub struct CheckField {
    /// Field name.
    pub name: String,
    verdict: u8,
    /// Whether a condition was asked, not a value.
    predicate: bool,
}

/// A case as one of its parties sees it.
pub struct CaseView {
    /// As stored.
    pub row: CaseRow,
    /// What its row holds sealed.
    pub facts: CaseFacts,
    /// Its checks, as far as the reader may use them.
    pub checks: Vec<(CaseCheckRow, CheckFacts)>,
    /// Whether the reader leads it.
    pub is_lead: bool,
}

fn facts_place(id: &str) -> SealPlace<'_> {
    SealPlace {
        table: "cases",
        column: "facts",
        row: id,
    }
}

fn check_place(row: &str) -> SealPlace<'_> {
    SealPlace {
        table: "case_checks",
        column: "facts",
        row,
    }
}

fn check_key(case: &str, number: u32) -> String {
    format!("{case}/{number}")
}

/// Opens a case. `render` makes the answer, which is saved with the case if the request has an idempotency key.
///
/// # Errors
/// Returns an error if a member is wrong, an agency does not exist, or the validity exceeds the setting.
pub async fn open(
    hub: &Hub,
    caller: &Caller,
    body: &CaseBody<'_>,
    slot: Option<&KeySlot>,
    render: &(dyn Fn(&CaseView) -> Vec<u8> + Sync),
) -> Result<Vec<u8>, AppError> {
    let lead = &caller.agency()?.row;
    purpose::check(&body.purpose)?;
    let hours_max = hub.node.settings.case_hours_max;
    if !(1..=hours_max).contains(&body.valid_hours) {
        return Err(AppError::fault("/valid_hours", "invalid_value"));
    }
    hub.ensure_quota(&lead.id, QuotaKind::Cases).await?;
    let now_us = hub.clock.now_us();
    let facts = CaseFacts {
        item_code: body.purpose.item_code.to_string(),
        application_no: body.purpose.application_no.to_string(),
        operator: body.purpose.operator.to_string(),
        co_handlers: co_handlers(hub, &lead.id, body)?,
    };
    let id = new_id(b"cas_", now_us, hub.node.settings.node)?;
    let row = CaseRow {
        lead: lead.id.clone(),
        state: CasePhase::Open,
        until: now_us + i64::from(body.valid_hours) * 3_600_000_000,
        revision: 1,
        facts: hub.secrets.vault.seal_json(facts_place(&id), &facts)?,
        created_at: now_us,
        updated_at: now_us,
        id,
    };
    let mut parties: Vec<String> = facts.co_handlers.iter().map(|one| one.agency.clone()).collect();
    parties.push(lead.id.clone());
    parties.sort_unstable();
    parties.dedup();
    let cases = CaseWrites {
        opened: vec![(row.clone(), parties)],
        ..CaseWrites::default()
    };
    let id = row.id.clone();
    let answer = render(&CaseView {
        row,
        facts,
        checks: Vec::new(),
        is_lead: true,
    });
    let mut commit = commit_of(hub, caller, "case.open", &id, cases)?;
    if let Some(slot) = slot {
        commit.push(slot.answer(hub, CREATED, &answer)?);
    }
    hub.write(commit).await?;
    Ok(answer)
}

fn co_handlers(hub: &Hub, lead: &str, body: &CaseBody<'_>) -> Result<Vec<CoHandler>, AppError> {
    if body.co_handlers.is_empty() {
        return Err(AppError::fault("/co_handlers", "missing_member"));
    }
    if body.co_handlers.len() > CO_HANDLERS_MAX {
        return Err(AppError::over("/co_handlers", LengthLimit::Items(CO_HANDLERS_MAX)));
    }
    let access = hub.access.table.load();
    let mut all: Vec<CoHandler> = Vec::with_capacity(body.co_handlers.len());
    for (place, question::StrictObject(one)) in body.co_handlers.iter().enumerate() {
        let fault = |member: &str| AppError::fault(format!("/co_handlers/{place}/{member}"), "invalid_value");
        let known = access
            .agencies
            .get(&one.agency)
            .is_some_and(|agency| !agency.row.disabled);
        let twice = || {
            all.iter()
                .any(|other| other.agency == *one.agency && other.item_code == *one.item_code)
        };
        if !known || *one.agency == *lead || twice() {
            return Err(fault("agency"));
        }
        if purpose::is_blank(&one.item_code) || one.item_code.len() > REFERENCE_BYTES_MAX {
            return Err(fault("item_code"));
        }
        if one.refs.as_ref().is_some_and(|refs| refs.len() > CHECKS_MAX) {
            return Err(fault("refs"));
        }
        all.push(CoHandler {
            agency: one.agency.to_string(),
            item_code: one.item_code.to_string(),
            refs: one
                .refs
                .as_ref()
                .map(|refs| refs.iter().map(|text| text.to_string()).collect()),
        });
    }
    Ok(all)
}

async fn change(hub: &Hub, caller: &Caller, action: &str, target: &str, cases: CaseWrites) -> Result<(), AppError> {
    hub.write(commit_of(hub, caller, action, target, cases)?).await?;
    Ok(())
}

/// The commit of a change of cases, with its ledger entry.
fn commit_of(hub: &Hub, caller: &Caller, action: &str, target: &str, cases: CaseWrites) -> Result<Commit, AppError> {
    let now_us = hub.clock.now_us();
    let mut bytes = Vec::with_capacity(128);
    entry::begin(&mut bytes, EntryKind::Access, now_us, caller.agency_number());
    entry::put_text(&mut bytes, action);
    entry::put_text(&mut bytes, target);
    purpose::seal_caller(hub, caller, &mut bytes)?;
    Ok(Commit::at(now_us).with(cases).entry(bytes))
}

/// The cases that the caller's agency leads or handles, by id, without their checks.
///
/// # Errors
/// Returns an error if the store cannot be reached.
pub async fn list(hub: &Hub, caller: &Caller, after: Option<&str>, limit: u32) -> Result<Vec<CaseView>, AppError> {
    let agency = &caller.agency()?.row.id;
    let rows = hub.store.cases_of(agency, after, limit).await?;
    let view = |row: CaseRow| {
        Ok(CaseView {
            facts: hub.secrets.vault.open_json(facts_place(&row.id), &row.facts)?,
            checks: Vec::new(),
            is_lead: row.lead == *agency,
            row,
        })
    };
    rows.into_iter().map(view).collect()
}

/// A case of the caller's agency.
///
/// # Errors
/// `NotFound` if there is no such case or the caller's agency is not a party to it.
pub async fn get(hub: &Hub, caller: &Caller, id: &str) -> Result<CaseView, AppError> {
    let agency = &caller.agency()?.row.id;
    let missing = || AppError::NotFound(MissingThing::Case);
    let row = hub.store.case(id).await?.ok_or_else(missing)?;
    let facts: CaseFacts = hub.secrets.vault.open_json(facts_place(&row.id), &row.facts)?;
    let is_lead = row.lead == *agency;
    if !is_lead && !facts.co_handlers.iter().any(|one| one.agency == *agency) {
        // Another's case is not told apart from none.
        return Err(missing());
    }
    let checks = hub.store.case_checks(id).await?;
    let opened = checks.into_iter().map(|check| {
        let key = check_key(&check.case, check.number);
        let facts = hub.secrets.vault.open_json(check_place(&key), &check.facts)?;
        Ok((check, facts))
    });
    let mut checks: Vec<(CaseCheckRow, CheckFacts)> = opened.collect::<Result<_, AppError>>()?;
    if !is_lead {
        checks.retain(|(_, check)| facts.may_use(agency, &check.reference));
    }
    Ok(CaseView {
        row,
        facts,
        checks,
        is_lead,
    })
}

impl CaseFacts {
    /// Whether an agency may use the checks of a reference, for any of its items.
    fn may_use(&self, agency: &str, reference: &str) -> bool {
        let of_agency = self.co_handlers.iter().filter(|one| one.agency == agency);
        of_agency.into_iter().any(|one| one.covers(reference))
    }
}

impl CoHandler {
    fn covers(&self, reference: &str) -> bool {
        self.refs
            .as_ref()
            .is_none_or(|refs| refs.iter().any(|name| name == reference))
    }
}

/// The case that its lead checks within.
///
/// # Errors
/// Returns an error if there is no such case, the caller's agency does not lead it, or it is closed or has expired.
pub async fn led(hub: &Hub, caller: &Caller, id: &str) -> Result<CaseView, AppError> {
    let view = get(hub, caller, id).await?;
    if !view.is_lead {
        return Err(AppError::NotOwner);
    }
    match view.state(hub.clock.now_us()) {
        CaseStatus::Open if view.checks.len() < CHECKS_MAX => Ok(view),
        CaseStatus::Open => Err(AppError::TooManyItems),
        CaseStatus::Expired | CaseStatus::Closed => Err(AppError::NotNow),
    }
}

impl CaseView {
    /// Its state at `now_us`.
    pub fn state(&self, now_us: i64) -> CaseStatus {
        match self.row.state {
            CasePhase::Open if now_us < self.row.until => CaseStatus::Open,
            CasePhase::Open => CaseStatus::Expired,
            CasePhase::Closed => CaseStatus::Closed,
        }
    }

    /// Why the lead asks.
    pub fn purpose(&self) -> AskedPurposeElements<'_> {
        let text = |text: &'_ str| BoundedText(Cow::Owned(text.to_owned()));
        AskedPurposeElements {
            item_code: text(&self.facts.item_code),
            item_name: None,
            application_no: text(&self.facts.application_no),
            operator: text(&self.facts.operator),
            reason: Some(text(&format!("case {}", self.row.id))),
        }
    }
}

/// What a check's row will hold of its answer.
///
/// # Errors
/// A reference that is empty or too long.
pub fn checked(item: &ItemBody<'_>, answer: &VerificationAnswer<'_>) -> Result<NewCheck, AppError> {
    let judgement = &answer.judgement;
    let is_predicate = |name: &str| matches!(item.claims.get(name), Some(AskedClaim::Predicate(_)));
    let fields = judgement.fields.iter().map(|(name, _, verdict)| CheckField {
        name: (*name).to_owned(),
        verdict: verdict.code(),
        predicate: is_predicate(name),
    });
    Ok(NewCheck {
        dataset: judgement.dataset.name.to_string(),
        subject: SubjectKey(judgement.subject_key),
        record_version: judgement.record_version,
        verification: answer.id.to_string(),
        facts: CheckFacts {
            reference: item.reference.to_string(),
            rules: judgement.dataset.rules.to_string(),
            as_of: judgement.record.as_ref().map(|record| record.as_of.to_string()),
            fields: fields.collect(),
        },
    })
}

/// A check that is not numbered yet.
pub struct NewCheck {
    dataset: String,
    subject: SubjectKey,
    record_version: u32,
    verification: String,
    facts: CheckFacts,
}

/// Whether a reference may name a check.
///
/// # Errors
/// It is empty or too long.
pub fn check_reference(reference: &str) -> Result<(), AppError> {
    match purpose::is_blank(reference) || reference.len() > REFERENCE_BYTES_MAX {
        true => Err(AppError::fault("/ref", "invalid_value")),
        false => Ok(()),
    }
}

/// Keeps a check. Returns its number.
///
/// # Errors
/// Returns an error if the store or the ledger cannot be reached.
pub async fn add_check(hub: &Hub, caller: &Caller, case: &str, check: &NewCheck) -> Result<u32, AppError> {
    let mut attempts = CommitAttempts::none();
    loop {
        let checks = hub.store.case_checks(case).await?;
        let number = checks.last().map_or(1, |last| last.number + 1);
        let key = check_key(case, number);
        let row = CaseCheckRow {
            case: case.to_owned(),
            number,
            dataset: check.dataset.as_str().into(),
            subject: check.subject,
            record_version: check.record_version,
            verification: check.verification.clone(),
            facts: hub.secrets.vault.seal_json(check_place(&key), &check.facts)?,
            created_at: hub.clock.now_us(),
        };
        let cases = CaseWrites {
            checks: vec![row],
            ..CaseWrites::default()
        };
        match change(hub, caller, "case.check", &key, cases).await {
            Err(error) if attempts.again(&error) => {}
            done => return done.map(|()| number),
        }
    }
}

/// Closes a case: nothing of it may be used again. `false`: it was closed.
///
/// # Errors
/// Returns an error if there is no such case, or the caller's agency does not lead it.
pub async fn close(hub: &Hub, caller: &Caller, id: &str) -> Result<bool, AppError> {
    let view = get(hub, caller, id).await?;
    if !view.is_lead {
        return Err(AppError::NotOwner);
    }
    if view.row.state == CasePhase::Closed {
        return Ok(false);
    }
    let row = CaseRow {
        state: CasePhase::Closed,
        revision: view.row.revision + 1,
        updated_at: hub.clock.now_us(),
        ..view.row
    };
    let cases = CaseWrites {
        changed: vec![row],
        ..CaseWrites::default()
    };
    match change(hub, caller, "case.close", id, cases).await {
        // Somebody else has closed it.
        Err(AppError::Store(StoreError::Conflict)) => Ok(false),
        done => done.map(|()| true),
    }
}
