//! Verify-and-watch: a verification, and a notice whenever its verdict changes until a given day. The first verification takes the
//! same path as all others and is counted there. Then the claims are stored sealed, and evaluated again (`again`) when the record has
//! a new version and on days on which a date alone changes the verdict (`days`).
//!
//! `told == what the agency was last told`: an evaluation with the same result sends nothing. A watch gives no right beyond the grant:
//! it ends, without notice, with the grant.

mod again;
mod days;

use std::{collections::BTreeMap, net::IpAddr};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::node::{caller::Caller, write::CommitAttempts};
use super::{
    access::table::AccessAgency,
    foundation::{
        error::{AppError, MissingThing},
        hex::hex,
        ids::new_id,
        purpose,
        vault::SealPlace,
    },
    node::hub::Hub,
    verification::{
        judgement::QuestionJudgement,
        question::{self, AskedClaim, AskedPurposeElements, BoundedText, MemberList, VerificationBody},
        verify::VerificationAnswer,
    },
};
pub use again::look;
use heyan_domain::{
    calendar::{china_date, china_midnight_us},
    policy::{FieldSet, GrantOperation, SharingKind},
    verdict::{Outcome, ReviewReason, Verdict},
};
use heyan_ledger::entry::{self, EntryKind};
use heyan_ports::commit::Commit;
use heyan_ports::{
    deliveries::{EventKind, StoredEvent},
    quotas::QuotaKind,
    subject::SubjectKey,
    watches::{WatchFilter, WatchPhase, WatchRow},
};

/// A watch that ended is kept for so long, microseconds, without what was claimed.
pub const KEPT_US: i64 = 30 * 86_400_000_000;

/// When a new watch is first looked at, microseconds: a version whose commit was under way beside it stands by then.
const FIRST_LOOK_US: i64 = 10_000_000;

/// `POST /v1/watches`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WatchBody<'a> {
    /// Dataset name.
    #[serde(borrow)]
    pub dataset: BoundedText<'a>,
    /// Identifiers of the subject.
    #[serde(borrow)]
    pub subject: MemberList<'a, BoundedText<'a>>,
    /// Field → claim; a date may be `$today`, or so many years from it: `$today-18y`.
    #[serde(borrow)]
    pub claims: MemberList<'a, AskedClaim<'a>>,
    /// Why it is asked.
    #[serde(borrow, deserialize_with = "question::object")]
    pub purpose: AskedPurposeElements<'a>,
    /// The last day, ISO 8601, of China.
    #[serde(borrow)]
    pub until: BoundedText<'a>,
}

/// A claim as it is kept.
#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum WatchedClaim {
    Literal(String),
    Predicate { op: String, value: Vec<String> },
}

type WatchClaims = Vec<(String, WatchedClaim)>;

/// What was told, as ledger codes.
#[derive(Clone, Serialize, Deserialize)]
pub struct ToldCodes {
    /// `ver_…`.
    pub verification: String,
    outcome: u8,
    fields: Vec<(String, u8)>,
    /// Version of the record, where it was told.
    version: Option<u32>,
    /// When, Unix microseconds.
    pub at: i64,
}

/// What a watch's row holds sealed.
#[derive(Serialize, Deserialize)]
pub struct WatchFacts {
    /// Service item.
    pub item_code: String,
    /// The applicant's matter.
    pub application_no: String,
    operator: String,
    /// Where it was asked from: a grant may be for some networks alone.
    peer: IpAddr,
    subject: BTreeMap<String, String>,
    claims: WatchClaims,
    /// What the watch began with.
    pub first: ToldCodes,
    /// What was told last.
    pub told: ToldCodes,
    /// Fields whose claims were answered, and so counted, once: they are answered again for nothing.
    answered: Vec<String>,
    /// Fields that were over the guess budget: they stay so.
    held: Vec<String>,
    /// How often a change was told.
    pub notices: u32,
    /// Why it ended.
    ended: Option<String>,
}

/// A watch as its agency sees it.
pub struct WatchView {
    /// As stored.
    pub row: WatchRow,
    /// What it holds sealed.
    pub facts: WatchFacts,
}

/// What was asked for, understood.
pub struct WatchPlan {
    claims: WatchClaims,
    until: Date,
}

fn facts_place(id: &str) -> SealPlace<'_> {
    SealPlace {
        table: "watches",
        column: "facts",
        row: id,
    }
}

fn notice_place(event: &str) -> SealPlace<'_> {
    SealPlace {
        table: "events",
        column: "facts",
        row: event,
    }
}

/// Understands a request before anything is verified: a verification may cost a guess.
///
/// # Errors
/// A day that is past or too far, a date that may not move, a dataset that cannot be watched, or too many watches.
pub async fn plan(hub: &Hub, caller: &Caller, body: &WatchBody<'_>, now_us: i64) -> Result<WatchPlan, AppError> {
    let agency = caller.agency()?;
    let today = china_date(now_us);
    let until: Option<Date> = body
        .until
        .parse()
        .ok()
        .filter(|_| body.until.len() == "YYYY-MM-DD".len());
    let last = today.saturating_add(jiff::Span::new().days(hub.node.settings.watch_days_max));
    let until = until
        .filter(|day| (today..=last).contains(day))
        .ok_or_else(|| AppError::fault("/until", "invalid_value"))?;
    let dataset = hub
        .catalog
        .get(&body.dataset)
        .ok_or_else(|| AppError::fault("/dataset", "unknown_dataset"))?;
    if hub.outward.connectors.verifies(&dataset.name) {
        // Such a register tells of no change, and each question is one that somebody asked.
        return Err(AppError::fault("/dataset", "invalid_value"));
    }
    let claims = days::kept(dataset, &body.claims)?;
    hub.ensure_quota(&agency.row.id, QuotaKind::Watches).await?;
    Ok(WatchPlan { claims, until })
}

impl WatchPlan {
    /// The claims as they are on the day of `now_us`.
    pub fn claims(&self, now_us: i64) -> MemberList<'_, AskedClaim<'_>> {
        days::on(&self.claims, china_date(now_us))
    }

    /// The watch of a verification that was answered.
    ///
    /// # Errors
    /// It cannot be sealed.
    pub fn watch(
        &self,
        hub: &Hub,
        caller: &Caller,
        question: &VerificationBody<'_>,
        answer: &VerificationAnswer<'_>,
        now_us: i64,
    ) -> Result<WatchView, AppError> {
        let told = ToldCodes::of(&answer.judgement, answer.id.to_string(), now_us);
        let mut facts = WatchFacts {
            item_code: question.purpose.item_code.to_string(),
            application_no: question.purpose.application_no.to_string(),
            operator: question.purpose.operator.to_string(),
            peer: caller.peer,
            subject: owned(&question.subject),
            claims: self.claims.clone(),
            first: told.clone(),
            told: told.clone(),
            answered: Vec::new(),
            held: Vec::new(),
            notices: 0,
            ended: None,
        };
        facts.note(&told);
        let id = new_id(b"wat_", now_us, hub.node.settings.node)?;
        let row = WatchRow {
            agency: caller.agency()?.row.id.clone(),
            dataset: answer.judgement.dataset.name.clone(),
            subject: SubjectKey(answer.judgement.subject_key),
            state: WatchPhase::Unchanged,
            until: china_midnight_us(self.until.saturating_add(jiff::Span::new().days(1))),
            next_at: now_us + FIRST_LOOK_US,
            revision: 1,
            facts: hub.secrets.vault.seal_json(facts_place(&id), &facts)?,
            created_at: now_us,
            updated_at: now_us,
            id,
        };
        Ok(WatchView { row, facts })
    }
}

fn owned(members: &MemberList<'_, BoundedText<'_>>) -> BTreeMap<String, String> {
    let own = |(name, value): &(_, BoundedText<'_>)| (String::from(std::borrow::Cow::clone(name)), value.to_string());
    members.0.iter().map(own).collect()
}

impl ToldCodes {
    fn of(judgement: &QuestionJudgement<'_>, verification: String, at: i64) -> Self {
        let fields = judgement.fields.iter();
        Self {
            verification,
            outcome: judgement.outcome.code(),
            fields: fields
                .map(|(name, _, verdict)| ((*name).to_owned(), verdict.code()))
                .collect(),
            version: judgement.record.as_ref().map(|record| record.version),
            at,
        }
    }

    /// The outcome's word.
    pub fn outcome(&self) -> &'static str {
        Outcome::from_code(self.outcome).map_or("incomplete", Outcome::as_str)
    }

    fn verdict(&self, field: &str) -> Option<Verdict> {
        let found = self.fields.iter().find(|(name, _)| name == field);
        found.and_then(|(_, code)| Verdict::from_code(*code))
    }

    /// Whether somebody who reads only outcome and verdicts sees no difference.
    fn says_the_same(&self, other: &Self) -> bool {
        let words = |told: &Self| -> Vec<Option<&'static str>> {
            let codes = told.fields.iter().map(|(_, code)| Verdict::from_code(*code));
            codes.map(|verdict| verdict.map(Verdict::as_str)).collect()
        };
        self.outcome == other.outcome && words(self) == words(other)
    }

    /// Verdicts by field.
    pub fn verdicts(&self) -> impl Iterator<Item = (&str, Verdict)> {
        let fields = self.fields.iter();
        fields.filter_map(|(name, code)| Some((name.as_str(), Verdict::from_code(*code)?)))
    }
}

fn verdict_json(verdict: Option<Verdict>) -> Value {
    let Some(verdict) = verdict else { return Value::Null };
    let mut members = Map::new();
    members.insert("verdict".to_owned(), verdict.as_str().into());
    for (name, word) in [("basis", verdict.basis()), ("reason", verdict.reason())] {
        if let Some(word) = word {
            members.insert(name.to_owned(), word.into());
        }
    }
    Value::Object(members)
}

impl WatchFacts {
    /// Remembers which claims an answer has answered, and which it kept back.
    fn note(&mut self, told: &ToldCodes) {
        for (name, code) in &told.fields {
            let list = match Verdict::from_code(*code) {
                Some(Verdict::Review(ReviewReason::GuessBudget)) => &mut self.held,
                Some(Verdict::Match(_) | Verdict::Mismatch | Verdict::Review(_)) => &mut self.answered,
                _ => continue,
            };
            if !list.contains(name) {
                list.push(name.clone());
            }
        }
    }
}

impl WatchView {
    /// Whether the grants of now let its agency ask.
    fn is_permitted(&self, hub: &Hub) -> bool {
        let (row, facts) = (&self.row, &self.facts);
        let access = hub.access.table.load();
        let agency = access.agencies.get(row.agency.as_str());
        agency
            .zip(hub.catalog.get(&row.dataset))
            .is_some_and(|(agency, dataset)| {
                let now_us = hub.clock.now_us();
                agency.permission(dataset, &facts.item_code, now_us, facts.peer).is_ok()
            })
    }

    /// Its state, and why it ended: without its grant it has ended, before the next look finds it so.
    pub fn state(&self, hub: &Hub) -> (WatchPhase, Option<&str>) {
        let lost = self.row.state != WatchPhase::Ended && !self.is_permitted(hub);
        let state = if lost { WatchPhase::Ended } else { self.row.state };
        (state, self.facts.ended.as_deref().or(lost.then_some("grant")))
    }
}

/// Subscriptions of the agency that hear of it. None: the agency asks for itself.
pub fn told_by(hub: &Hub, row: &WatchRow) -> Vec<String> {
    let now_us = hub.clock.now_us();
    let table = hub.outward.subscriptions.load();
    let hears = |one: &&std::sync::Arc<heyan_ports::deliveries::SubscriptionRow>| {
        one.agency == row.agency && one.covers(EventKind::WouldChange, Some(&row.dataset), now_us)
    };
    let mut ids: Vec<String> = table.by_id.values().filter(hears).map(|one| one.id.clone()).collect();
    ids.sort_unstable();
    ids
}

/// Keeps a new watch.
///
/// # Errors
/// Returns an error if the store or the ledger cannot be reached.
pub async fn add(hub: &Hub, caller: &Caller, row: WatchRow) -> Result<(), AppError> {
    change(hub, caller, "watch.add", row).await
}

async fn change(hub: &Hub, caller: &Caller, action: &str, row: WatchRow) -> Result<(), AppError> {
    let mut bytes = Vec::with_capacity(128);
    entry::begin(&mut bytes, EntryKind::Access, row.updated_at, caller.agency_number());
    entry::put_text(&mut bytes, action);
    entry::put_text(&mut bytes, &row.id);
    purpose::seal_caller(hub, caller, &mut bytes)?;
    let commit = Commit::default().with(vec![row]).entry(bytes);
    hub.write(commit).await?;
    Ok(())
}

fn view(hub: &Hub, row: WatchRow) -> Result<WatchView, AppError> {
    let facts = hub.secrets.vault.open_json(facts_place(&row.id), &row.facts)?;
    Ok(WatchView { row, facts })
}

/// The caller's watches, by id.
///
/// # Errors
/// Returns an error if the store cannot be reached.
pub async fn list(hub: &Hub, caller: &Caller, filter: WatchFilter) -> Result<Vec<WatchView>, AppError> {
    let filter = WatchFilter {
        agency: caller.agency()?.row.id.clone(),
        ..filter
    };
    let rows = hub.store.watches(&filter).await?;
    rows.into_iter().map(|row| view(hub, row)).collect()
}

/// One of the caller's watches.
///
/// # Errors
/// `NotFound` if there is no such watch or it belongs to another agency.
pub async fn get(hub: &Hub, caller: &Caller, id: &str) -> Result<WatchView, AppError> {
    let agency = &caller.agency()?.row.id;
    let row = hub.store.watch(id).await?.filter(|row| row.agency == *agency);
    view(hub, row.ok_or(AppError::NotFound(MissingThing::Watch))?)
}

/// Ends a watch; what was claimed is forgotten. `false`: it had ended, and nothing was written.
///
/// # Errors
/// `NotFound` if there is no such watch or it belongs to another agency.
pub async fn remove(hub: &Hub, caller: &Caller, id: &str) -> Result<bool, AppError> {
    let mut attempts = CommitAttempts::none();
    loop {
        let WatchView { row, facts } = get(hub, caller, id).await?;
        if row.state == WatchPhase::Ended {
            return Ok(false);
        }
        let ended = ended(hub, row, facts, "withdrawn")?;
        match change(hub, caller, "watch.remove", ended).await {
            // It was woken or looked at meanwhile.
            Err(error) if attempts.again(&error) => {}
            done => return done.map(|()| true),
        }
    }
}

/// A watch after its end.
fn ended(hub: &Hub, row: WatchRow, facts: WatchFacts, why: &str) -> Result<WatchRow, AppError> {
    let facts = WatchFacts {
        subject: BTreeMap::new(),
        claims: Vec::new(),
        ended: Some(why.to_owned()),
        ..facts
    };
    Ok(WatchRow {
        state: WatchPhase::Ended,
        revision: row.revision + 1,
        updated_at: hub.clock.now_us(),
        facts: hub.secrets.vault.seal_json(facts_place(&row.id), &facts)?,
        ..row
    })
}

/// What a webhook is told of an event, from grants as they are now: verdicts only while every field that it names may be verified.
///
/// # Errors
/// The event's facts do not open.
pub(crate) fn notice(hub: &Hub, event: &StoredEvent, agency: &AccessAgency) -> Result<Value, AppError> {
    let Some(sealed) = &event.facts else {
        return Ok(json!({}));
    };
    let mut data: Map<String, Value> = hub.secrets.vault.open_json(notice_place(&event.id), sealed)?;
    let fields = data.get("fields").and_then(Value::as_object);
    let dataset = event.dataset.as_deref().and_then(|name| hub.catalog.get(name));
    let allowed = dataset.is_some_and(|dataset| {
        let permission = agency.permission_anywhere(dataset, hub.clock.now_us());
        let open = matches!(dataset.sharing, SharingKind::Unconditional);
        let may = |number: u8| {
            let of = |operation| -> FieldSet { permission.fields(operation) };
            open || of(GrantOperation::Verify).has(number) || of(GrantOperation::Predicate).has(number)
        };
        let mut names = fields.into_iter().flatten().map(|(name, _)| name);
        names.all(|name| dataset.field_number(name).is_some_and(may))
    });
    if !allowed {
        data.retain(|name, _| matches!(name.as_str(), "watch" | "verification" | "dataset"));
    }
    if let Some(subject) = &event.subject {
        data.insert("record".to_owned(), hex(&subject.0).into());
    }
    Ok(Value::Object(data))
}
