//! Seals for cases under investigation: what the investigating agency asked about a subject, or under an application, is left out
//! of every trace and pack but those of the two auditors who set the seal, until its date. The ledger holds all of it throughout.
//!
//! Nothing shows that something was left out: no count, no gap in a page, no row. Knowing that something is withheld would mean
//! knowing that there is a case. In return, two auditors must agree, each step is a ledger entry, and every seal has an end.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{index, look::TraceSighting, row::AgencyNames};
use crate::node::caller::Caller;
use crate::{
    access::approvals::are_two_persons,
    foundation::{
        error::{AppError, MissingThing},
        ids::new_id,
        purpose,
        vault::SealPlace,
    },
    node::hub::Hub,
    supervision::administration_alert,
    verification::{
        judgement::parse_subject,
        question::{BoundedText, MemberList},
    },
};
use heyan_ledger::{
    entry::{self, EntryBody, EntryKind},
    index::IndexKey,
};
use heyan_ports::commit::Commit;
use heyan_ports::{
    mismatches::MismatchRow,
    seals::{SealPhase, SealRow},
    subject::SubjectKey,
};

/// Longest time that a seal may be set for, microseconds: two years. A longer case sets another.
const LASTS_US_MAX: i64 = 2 * 366 * 86_400_000_000;

/// How long the first auditor's request waits for the second, microseconds.
const WAIT_US: i64 = 7 * 86_400_000_000;

/// What a seal is set on.
pub enum SealScope {
    /// What was asked under an application number.
    Application(String),
    /// What was asked about a subject.
    Subject([u8; 16]),
}

impl SealScope {
    /// A subject of a dataset.
    ///
    /// # Errors
    /// No such dataset, or a wrong subject.
    pub fn subject(hub: &Hub, dataset: &str, members: &MemberList<'_, BoundedText<'_>>) -> Result<Self, AppError> {
        let dataset = hub
            .catalog
            .get(dataset)
            .ok_or(AppError::NotFound(MissingThing::Dataset))?;
        let parsed = parse_subject(dataset, members)?;
        Ok(Self::Subject(hub.records.loader.subject_key(dataset, &parsed.key).0))
    }
}

/// A seal as the first auditor asks for it.
pub struct NewSeal<'a> {
    /// On what.
    pub about: SealScope,
    /// The investigating agency.
    pub agency: &'a str,
    /// Number of the case.
    pub case_no: &'a str,
    /// Why.
    pub reason: &'a str,
    /// End of the seal, Unix microseconds.
    pub until_us: i64,
}

/// What a seal's row holds sealed.
#[derive(Serialize, Deserialize)]
struct SealFacts {
    /// Under which key the index knows it.
    about: IndexKey,
    /// Keyed hash of agency and application number, as mismatches have it.
    matter: Option<[u8; 16]>,
    agency: String,
    case_no: String,
    reason: String,
    set_by: String,
    confirmed_by: Option<String>,
}

/// A seal as its auditors see it.
pub struct SealView {
    /// `sea_…`.
    pub id: String,
    /// Its state.
    pub state: SealPhase,
    /// The investigating agency.
    pub agency: String,
    /// Number of the case.
    pub case_no: String,
    /// End of the seal, Unix microseconds.
    pub until_us: i64,
}

fn facts_place(id: &str) -> SealPlace<'_> {
    SealPlace {
        table: "trace_seals",
        column: "facts",
        row: id,
    }
}

impl SealFacts {
    fn is_of(&self, auditor: &str) -> bool {
        self.set_by == auditor || self.confirmed_by.as_deref() == Some(auditor)
    }
}

fn seal_of(row: SealRow, facts: SealFacts) -> SealView {
    SealView {
        id: row.id,
        state: row.state,
        agency: facts.agency,
        case_no: facts.case_no,
        until_us: row.until,
    }
}

/// Asks for a seal; it holds when another auditor confirms it.
///
/// # Errors
/// No such agency, a wrong case, reason or date, or the store or ledger cannot be asked.
pub async fn request(hub: &Hub, caller: &Caller, new: NewSeal<'_>) -> Result<SealView, AppError> {
    let now_us = hub.clock.now_us();
    super::check_reason(new.reason)?;
    if purpose::is_blank(new.case_no) || new.case_no.len() > 128 {
        return Err(AppError::fault("/case_no", "invalid_value"));
    }
    if !(now_us..=now_us + LASTS_US_MAX).contains(&new.until_us) {
        return Err(AppError::fault("/until", "invalid_value"));
    }
    if !hub.access.table.load().agencies.contains_key(new.agency) {
        return Err(AppError::fault("/agency", "unknown_agency"));
    }
    let (about, matter) = match &new.about {
        SealScope::Subject(subject) => (*subject, None),
        SealScope::Application(number) => (
            index::application(&hub.secrets.vault, number),
            Some(hub.secrets.vault.matter(new.agency, number)),
        ),
    };
    let facts = SealFacts {
        about,
        matter,
        agency: new.agency.to_owned(),
        case_no: new.case_no.to_owned(),
        reason: new.reason.to_owned(),
        set_by: caller.client.row.id.clone(),
        confirmed_by: None,
    };
    let row = SealRow {
        id: new_id(b"sea_", now_us, hub.node.settings.node)?,
        state: SealPhase::Requested,
        until: new.until_us,
        revision: 0,
        facts: Vec::new(),
        created_at: now_us,
        updated_at: now_us,
    };
    step(hub, caller, row, facts, SealPhase::Requested, new.reason).await
}

/// Confirms another auditor's request; `case_no` must be the one that was stated, so that both know what they seal.
///
/// # Errors
/// `NotFound`: no such request, one's own, one that is too old, or of another case.
pub async fn confirm(hub: &Hub, caller: &Caller, id: &str, case_no: &str) -> Result<SealView, AppError> {
    let (row, mut facts) = find(hub, id).await?;
    let auditor = &*caller.client.row.id;
    let waits = row.state == SealPhase::Requested && hub.clock.now_us() - row.created_at <= WAIT_US;
    if !waits || facts.set_by == auditor || facts.case_no != case_no {
        return Err(AppError::NotFound(MissingThing::Seal));
    }
    if !are_two_persons(&hub.access.table.load(), &facts.set_by, auditor) {
        return Err(AppError::RoleNotAllowed);
    }
    facts.confirmed_by = Some(auditor.to_owned());
    let why = facts.reason.clone();
    step(hub, caller, row, facts, SealPhase::Sealed, &why).await
}

/// Ends a seal before its date.
///
/// # Errors
/// `NotFound`: no such seal, or another's. A wrong reason.
pub async fn lift(hub: &Hub, caller: &Caller, id: &str, reason: &str) -> Result<SealView, AppError> {
    super::check_reason(reason)?;
    let (row, facts) = find(hub, id).await?;
    if row.state == SealPhase::Lifted || !facts.is_of(&caller.client.row.id) {
        return Err(AppError::NotFound(MissingThing::Seal));
    }
    step(hub, caller, row, facts, SealPhase::Lifted, reason).await
}

/// The seals that an auditor set or confirmed.
///
/// # Errors
/// Returns an error if the store cannot be reached.
pub async fn of_auditor(hub: &Hub, caller: &Caller) -> Result<Vec<SealView>, AppError> {
    let all = all(hub).await?.into_iter();
    let own = all.filter(|(_, facts)| facts.is_of(&caller.client.row.id));
    Ok(own.map(|(row, facts)| seal_of(row, facts)).collect())
}

async fn all(hub: &Hub) -> Result<Vec<(SealRow, SealFacts)>, AppError> {
    let open = |row: SealRow| {
        let facts: SealFacts = hub.secrets.vault.open_json(facts_place(&row.id), &row.facts)?;
        Ok((row, facts))
    };
    hub.store.seals().await?.into_iter().map(open).collect()
}

async fn find(hub: &Hub, id: &str) -> Result<(SealRow, SealFacts), AppError> {
    let mut all = all(hub).await?.into_iter();
    all.find(|(row, _)| row.id == id)
        .ok_or(AppError::NotFound(MissingThing::Seal))
}

/// Commits the next state of a seal with its entry. The entry names the seal; of whom and why is sealed.
async fn step(
    hub: &Hub,
    caller: &Caller,
    row: SealRow,
    facts: SealFacts,
    state: SealPhase,
    reason: &str,
) -> Result<SealView, AppError> {
    let now_us = hub.clock.now_us();
    let row = SealRow {
        state,
        revision: row.revision + 1,
        facts: hub.secrets.vault.seal_json(facts_place(&row.id), &facts)?,
        updated_at: now_us,
        ..row
    };
    let mut bytes = Vec::with_capacity(256);
    entry::begin(&mut bytes, EntryKind::Access, now_us, caller.agency_number());
    entry::put_text(&mut bytes, &format!("trace_seal.{}", state.as_str()));
    entry::put_text(&mut bytes, &row.id);
    purpose::seal_parts(hub, &[&caller.client.row.id, &facts.case_no, reason], &mut bytes)?;
    let mut commit = Commit::at(now_us).with(vec![row.clone()]).entry(bytes);
    if state == SealPhase::Sealed {
        // It names the seal: of whom and why is for those who set it.
        let by = &caller.client.row.id;
        commit.push(administration_alert(hub, "trace_seal.sealed", &row.id, by)?);
    }
    hub.write(commit).await?;
    Ok(seal_of(row, facts))
}

/// What is kept from one auditor.
pub struct WithheldEntries(Vec<(SealFacts, u32)>);

impl WithheldEntries {
    /// The seals that hold now and are not this auditor's.
    ///
    /// # Errors
    /// Returns an error if the store cannot be reached: then nothing may be answered.
    pub async fn from(hub: &Hub, caller: &Caller) -> Result<Self, AppError> {
        let (now_us, agencies) = (hub.clock.now_us(), AgencyNames::of(hub));
        let holds = |(row, facts): &(SealRow, SealFacts)| {
            row.state == SealPhase::Sealed && row.until > now_us && !facts.is_of(&caller.client.row.id)
        };
        let held = all(hub).await?.into_iter().filter(holds);
        let numbered = held.map(|(_, facts)| {
            // An agency is never removed; no entry has this number.
            let number = agencies.number_of(&facts.agency).unwrap_or(u32::MAX);
            (facts, number)
        });
        Ok(Self(numbered.collect()))
    }

    /// Whether an entry is kept back.
    ///
    /// # Errors
    /// Returns an error if the store cannot be reached.
    pub async fn hides(&self, hub: &Arc<Hub>, seen: &TraceSighting) -> Result<bool, AppError> {
        if self.0.is_empty() {
            return Ok(false);
        }
        if let EntryBody::Mismatch { id, subject, .. } = &seen.entry.body {
            let row = hub.store.mismatch(SubjectKey(*subject), id).await?;
            return Ok(row.is_some_and(|row| self.hides_mismatch(&row)));
        }
        let application = purpose::open_purpose(hub, &seen.entry.sealed)
            .map(|asked| index::application(&hub.secrets.vault, &asked.application_no));
        // A batch is about many: it is kept back if any of its items is about a sealed subject.
        let is_about = |about: IndexKey| match &seen.entry.body {
            EntryBody::Items(items) => items.iter().any(|item| item.subject == about),
            EntryBody::Read { subject, .. } => *subject == about,
            _ => false,
        };
        let hides = |(facts, number): &(SealFacts, u32)| {
            seen.entry.agency == *number && (application == Some(facts.about) || is_about(facts.about))
        };
        Ok(self.0.iter().any(hides))
    }

    /// Whether a mismatch is kept back: its steps are the authority's and the hub's too.
    pub fn hides_mismatch(&self, row: &MismatchRow) -> bool {
        let hides = |(facts, _): &(SealFacts, u32)| {
            facts.matter == Some(row.matter) || (facts.agency == row.agency && facts.about == row.subject.0)
        };
        self.0.iter().any(hides)
    }
}
