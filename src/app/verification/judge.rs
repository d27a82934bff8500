//! One question held against its record, in three steps: understand the question and whether it may be asked (`prepare`), find the
//! record (`peek` in memory, `look_up` otherwise), and say what follows (`conclude`). Only the second step ever waits: `begin`
//! answers what is in memory without a future, and `finish` the rest.

use std::sync::{Arc, OnceLock};

use super::{
    caches::FoundSlot,
    consequence, guess,
    judgement::{
        AnswerConsequence, ParsedClaim, QuestionJudgement, RecordQuestion, agrees, compare, not_found, parse_claims,
        parse_subject, tell_only_what_is_permitted,
    },
    live,
    question::{AskedPurposeElements, BoundedText, MemberList},
    yes_or_no,
};
use crate::node::caller::Caller;
use crate::{
    access::table::{AccessAgency, ChargedUse},
    foundation::{error::AppError, usage},
    mismatch::pending::PendingSubject,
    node::hub::Hub,
};
use heyan_cache::{CacheLookup, WantedFreshness};
use heyan_catalog::{Dataset, ParsedSubject};
use heyan_domain::{
    calendar::china_date,
    identifier::IdentifierFinding,
    policy::{FieldSet, GrantOperation, UsePermission},
    verdict::Outcome,
};
use heyan_ports::subject::SubjectKey;

/// A question that was understood and may be asked.
struct PreparedQuestion<'a, 'c> {
    dataset: &'a Dataset,
    agency: &'c AccessAgency,
    permission: UsePermission,
    subject: ParsedSubject,
    members: &'a MemberList<'a, BoundedText<'a>>,
    claims: Vec<ParsedClaim<'a>>,
    wanted: WantedFreshness,
    charged: ChargedUse,
}

/// Who asks, for what, and when: what the questions of one call have in common.
pub(crate) struct QuestionContext<'c> {
    caller: &'c Caller,
    purpose: &'c AskedPurposeElements<'c>,
    now_us: i64,
    matter: OnceLock<[u8; 16]>,
}

impl<'c> QuestionContext<'c> {
    /// Of a call.
    pub(crate) fn new(caller: &'c Caller, purpose: &'c AskedPurposeElements<'c>, now_us: i64) -> Self {
        Self {
            caller,
            purpose,
            now_us,
            matter: OnceLock::new(),
        }
    }

    /// The call's matter; few questions bear on one.
    fn matter(&self, hub: &Hub, agency: &AccessAgency) -> &[u8; 16] {
        let application = &self.purpose.application_no;
        self.matter
            .get_or_init(|| hub.secrets.vault.matter(&agency.row.id, application))
    }
}

/// A record, and where it was found.
type FoundRecord = (FoundSlot, CacheLookup);

/// Answers one question.
///
/// # Errors
/// Returns an error if a member is wrong, the request is refused, or a part of the hub cannot be reached.
pub(crate) async fn judge<'a>(
    hub: &'a Hub,
    asking: &QuestionContext<'_>,
    question: RecordQuestion<'a>,
) -> Result<QuestionJudgement<'a>, AppError> {
    match begin(hub, asking, question)? {
        LookupState::Judged(judgement) => Ok(judgement),
        // Off the hit path: its future must not make this one larger.
        LookupState::Waits(waiting) => Box::pin(finish(hub, asking, waiting)).await,
    }
}

/// A question after the first look.
pub(crate) enum LookupState<'a, 'c> {
    /// It is answered.
    Judged(QuestionJudgement<'a>),
    /// Somebody has to be asked.
    Waits(WaitingQuestion<'a, 'c>),
}

/// A question that waits for its record, or for its register.
pub(crate) struct WaitingQuestion<'a, 'c> {
    prepared: PreparedQuestion<'a, 'c>,
    looked: LookupResult,
}

/// How far the record of a question was looked for.
enum LookupResult {
    /// Not yet.
    No,
    /// Under its first key.
    First(Result<FoundRecord, AppError>),
    /// As far as can be.
    Whole(FoundRecord),
}

/// Answers one question if all that has to be known for it is in memory.
///
/// # Errors
/// Returns an error if a member is wrong or the request is refused.
pub(crate) fn begin<'a, 'c>(
    hub: &'a Hub,
    asking: &QuestionContext<'c>,
    question: RecordQuestion<'a>,
) -> Result<LookupState<'a, 'c>, AppError> {
    let prepared = prepare(hub, asking, question)?;
    let looked = match peek(hub, &prepared) {
        None => LookupResult::No,
        Some(found) if needs_asking(hub, &prepared, &found) => LookupResult::Whole(found),
        Some(found) => {
            let (key, mut judgement) = compared(hub, &prepared, &found);
            narrow_to_stale(asking, &prepared, &found, &mut judgement)?;
            if !is_contested(hub, asking, &prepared, key, &judgement) {
                let weighed = weigh(hub, asking, &prepared, key, &mut judgement);
                refuse_unknown_misspelt(&prepared, &judgement)?;
                let concluded = conclude(hub, asking, prepared, found, (key, judgement), weighed);
                return Ok(LookupState::Judged(concluded));
            }
            LookupResult::Whole(found)
        }
    };
    Ok(LookupState::Waits(WaitingQuestion { prepared, looked }))
}

/// Answers a question that has to wait.
///
/// # Errors
/// A part that cannot be asked.
pub(crate) async fn finish<'a>(
    hub: &'a Hub,
    asking: &QuestionContext<'_>,
    WaitingQuestion { prepared, looked }: WaitingQuestion<'a, '_>,
) -> Result<QuestionJudgement<'a>, AppError> {
    let mut charged = prepared.charged.clone();
    let judged = finish_prepared(hub, asking, prepared, looked).await;
    if judged.as_ref().is_err_and(AppError::is_failure) {
        charged.give_back();
    }
    judged
}

async fn finish_prepared<'a>(
    hub: &'a Hub,
    asking: &QuestionContext<'_>,
    prepared: PreparedQuestion<'a, '_>,
    looked: LookupResult,
) -> Result<QuestionJudgement<'a>, AppError> {
    let found = look_up(hub, &prepared.subject, prepared.wanted, looked).await?;
    let (key, mut judgement) = match needs_asking(hub, &prepared, &found) {
        false => compared(hub, &prepared, &found),
        true => asked_outside(hub, asking, &prepared).await?,
    };
    narrow_to_stale(asking, &prepared, &found, &mut judgement)?;
    let asked = asked_of(asking, &prepared, key);
    let consequence = guess::weigh(hub, &asked, &prepared.claims, &mut judgement).await?;
    refuse_unknown_misspelt(&prepared, &judgement)?;
    let weighed = (hub.mismatches.pending.about(key), consequence);
    Ok(conclude(hub, asking, prepared, found, (key, judgement), weighed))
}

/// What a question means and whether its caller may ask it; the look-up is charged then.
///
/// # Errors
/// Returns an error if a member is wrong or the request is refused.
fn prepare<'a, 'c>(
    hub: &'a Hub,
    asking: &QuestionContext<'c>,
    question: RecordQuestion<'a>,
) -> Result<PreparedQuestion<'a, 'c>, AppError> {
    let (caller, now_us) = (asking.caller, asking.now_us);
    let dataset = hub
        .catalog
        .get(question.dataset)
        .ok_or_else(|| AppError::fault("/dataset", "unknown_dataset"))?;
    let agency = caller.agency()?;
    let allowed = agency.permission(dataset, &asking.purpose.item_code, now_us, caller.peer)?;
    hub.ensure_mismatch_room(agency, now_us)?;
    let mut subject = parse_subject(dataset, question.subject)?;
    subject
        .findings
        .extend(dataset.finding_on(&subject, || china_date(now_us)));
    let claims = parse_claims(dataset, question.claims, allowed.permission)?;
    let charged = allowed.charge(usage::day_of(now_us))?;
    Ok(PreparedQuestion {
        dataset,
        agency,
        permission: allowed.permission,
        subject,
        members: question.subject,
        claims,
        wanted: hub.records.caches.wanted(dataset, question.max_age_s, now_us),
        charged,
    })
}

/// The record, if all that has to be known of it is in memory.
fn peek(hub: &Hub, prepared: &PreparedQuestion<'_, '_>) -> Option<FoundRecord> {
    let PreparedQuestion { subject, wanted, .. } = prepared;
    let found = hub.records.caches.peek(&subject.key, *wanted)?;
    let found = match &subject.alternative {
        Some(other) if found.record.is_none() => hub.records.caches.peek(other, *wanted)?,
        _ => found,
    };
    hub.node.metrics.cache_hits.inc();
    Some((found, CacheLookup::Hit))
}

/// Answers questions that have to wait, in their order. Records of the store are asked for together.
pub(crate) async fn finish_all<'a>(
    hub: &'a Hub,
    asking: &QuestionContext<'_>,
    mut waiting: Vec<WaitingQuestion<'a, '_>>,
) -> Vec<Result<QuestionJudgement<'a>, AppError>> {
    let of_store = |waiting: &WaitingQuestion<'_, '_>| {
        let WaitingQuestion { prepared, looked } = waiting;
        matches!(looked, LookupResult::No) && !hub.records.caches.is_live(prepared.dataset)
    };
    let stored = waiting.iter().filter(|one| of_store(one));
    let keys: Vec<(&[u8], WantedFreshness)> = stored
        .map(|one| (&*one.prepared.subject.key, one.prepared.wanted))
        .collect();
    let lookup = match hub.node.trust.holds() {
        true => CacheLookup::Miss,
        false => CacheLookup::Bypass,
    };
    let loaded = hub.records.caches.load_stored(&keys).await;
    for (one, loaded) in waiting.iter_mut().filter(|one| of_store(one)).zip(loaded) {
        count(hub, lookup);
        one.looked = LookupResult::First(loaded.map(|slot| (slot, lookup)).map_err(AppError::from));
    }
    let finishing = waiting.into_iter().map(|one| finish(hub, asking, one));
    futures_util::future::join_all(finishing).await
}

/// What is left to look for.
async fn look_up(
    hub: &Hub,
    subject: &ParsedSubject,
    wanted: WantedFreshness,
    looked: LookupResult,
) -> Result<FoundRecord, AppError> {
    let found = match looked {
        LookupResult::Whole(found) => return Ok(found),
        LookupResult::First(found) => found?,
        LookupResult::No => look_up_key(hub, &subject.key, wanted).await?,
    };
    match &subject.alternative {
        Some(other) if found.0.record.is_none() => look_up_key(hub, other, wanted).await,
        _ => Ok(found),
    }
}

async fn look_up_key(hub: &Hub, key: &[u8], wanted: WantedFreshness) -> Result<FoundRecord, AppError> {
    let found = hub.records.caches.get(key, wanted).await?;
    count(hub, found.1);
    Ok(found)
}

fn count(hub: &Hub, lookup: CacheLookup) {
    match lookup {
        CacheLookup::Hit => hub.node.metrics.cache_hits.inc(),
        CacheLookup::Miss => hub.node.metrics.cache_misses.inc(),
        CacheLookup::Bypass => hub.node.metrics.cache_bypasses.inc(),
    }
}

/// Whether there is no record here and the register may be asked about the claims.
fn needs_asking(hub: &Hub, prepared: &PreparedQuestion<'_, '_>, (slot, _): &FoundRecord) -> bool {
    slot.record.is_none() && hub.outward.connectors.verifies(&prepared.dataset.name)
}

/// The record that was found held against the claims, or what there being none tells.
fn compared<'a>(
    hub: &'a Hub,
    prepared: &PreparedQuestion<'a, '_>,
    (slot, lookup): &FoundRecord,
) -> (SubjectKey, QuestionJudgement<'a>) {
    let PreparedQuestion { dataset, claims, .. } = prepared;
    match &slot.record {
        Some(record) => (record.subject, compare(dataset, record, claims, *lookup)),
        None => {
            let key = hub.records.loader.subject_key(dataset, &prepared.subject.key);
            (key, not_found(dataset, key, claims))
        }
    }
}

/// What the register says of the claims.
///
/// # Errors
/// It could not be asked.
async fn asked_outside<'a>(
    hub: &'a Hub,
    asking: &QuestionContext<'_>,
    prepared: &PreparedQuestion<'a, '_>,
) -> Result<(SubjectKey, QuestionJudgement<'a>), AppError> {
    let PreparedQuestion {
        dataset,
        subject,
        claims,
        ..
    } = prepared;
    let key = hub.records.loader.subject_key(dataset, &subject.key);
    let judgement = yes_or_no::ask(hub, dataset, (key, &subject.key), claims, asking.now_us).await?;
    Ok((key, judgement))
}

/// Marks what an older copy tells.
///
/// # Errors
/// The caller may not be answered from one.
fn narrow_to_stale(
    asking: &QuestionContext<'_>,
    prepared: &PreparedQuestion<'_, '_>,
    (slot, _): &FoundRecord,
    judgement: &mut QuestionJudgement<'_>,
) -> Result<(), AppError> {
    match slot.is_stale() {
        true => live::narrow_to_stale(judgement, prepared.permission, slot.read_at, asking.now_us),
        false => Ok(()),
    }
}

/// A credit code with a wrong check character is looked up, as registers hold such codes; where it tells of no record, it is
/// refused as one that cannot be.
///
/// # Errors
/// `invalid_identifier`.
fn refuse_unknown_misspelt(
    prepared: &PreparedQuestion<'_, '_>,
    judgement: &QuestionJudgement<'_>,
) -> Result<(), AppError> {
    if !prepared
        .subject
        .findings
        .contains(&IdentifierFinding::CreditCodeCheckCharacter)
    {
        return Ok(());
    }
    let may_know = || prepared.permission.has(GrantOperation::Existence);
    let tells = || judgement.fields.iter().any(|(_, _, verdict)| agrees(*verdict));
    if judgement.outcome != Outcome::NotFound && (may_know() || tells()) {
        return Ok(());
    }
    Err(AppError::Invalid(prepared.dataset.misspelt()))
}

fn asked_of<'c>(
    asking: &QuestionContext<'_>,
    prepared: &PreparedQuestion<'_, 'c>,
    subject: SubjectKey,
) -> guess::GuessContext<'c> {
    guess::GuessContext {
        caller: prepared.agency,
        subject,
        now_us: asking.now_us,
        may_know: prepared.permission.has(GrantOperation::Existence),
    }
}

/// Whether an answer touches a budget of guesses that other nodes count too.
fn is_contested(
    hub: &Hub,
    asking: &QuestionContext<'_>,
    prepared: &PreparedQuestion<'_, '_>,
    key: SubjectKey,
    judgement: &QuestionJudgement<'_>,
) -> bool {
    let asked = asked_of(asking, prepared, key);
    guess::is_contested(hub, &asked, &prepared.claims, judgement)
}

/// What is pending about the subject of an answer, and what the answer brings.
type BudgetCheck = (Option<Arc<PendingSubject>>, AnswerConsequence);

/// Holds an answer against the budget of guesses, which no other node counts or which it does not touch.
fn weigh(
    hub: &Hub,
    asking: &QuestionContext<'_>,
    prepared: &PreparedQuestion<'_, '_>,
    key: SubjectKey,
    judgement: &mut QuestionJudgement<'_>,
) -> BudgetCheck {
    let (about, mut consequence) = (hub.mismatches.pending.about(key), AnswerConsequence::default());
    let asked = asked_of(asking, prepared, key);
    guess::apply(
        hub,
        &asked,
        about.as_deref(),
        &prepared.claims,
        judgement,
        &mut consequence,
    );
    (about, consequence)
}

/// What follows from a judgement that may be told: what of it is permitted, and what is pending.
fn conclude<'a>(
    hub: &'a Hub,
    asking: &QuestionContext<'_>,
    prepared: PreparedQuestion<'a, '_>,
    (slot, _): FoundRecord,
    (key, mut judgement): (SubjectKey, QuestionJudgement<'a>),
    (about, mut consequence): BudgetCheck,
) -> QuestionJudgement<'a> {
    let PreparedQuestion {
        dataset,
        agency,
        permission,
        subject,
        members,
        charged,
        ..
    } = prepared;
    judgement.charged = charged;
    let now_us = asking.now_us;
    let version = judgement.record_version;
    tell_only_what_is_permitted(&mut judgement, permission);
    judgement.findings = subject.findings;
    let inactive_by = slot.record.as_ref().and_then(|record| record.inactive_by);
    let may_know = |number: u8| {
        permission.permits(GrantOperation::Verify, number) || permission.permits(GrantOperation::Predicate, number)
    };
    if judgement.record.is_some() && inactive_by.is_some_and(may_know) {
        judgement.findings.push(IdentifierFinding::SubjectNotActive);
    }
    let about = about.filter(|about| !about.mismatches.is_empty());
    if let Some(about) = about.as_deref() {
        judgement.disputed = disputed(dataset, about, &judgement);
    }
    if !slot.is_stale() {
        // What is pending, with the matter of this answer.
        let about = about.as_deref().map(|about| (about, asking.matter(hub, agency)));
        if judgement.outcome == Outcome::Mismatched {
            let fields = consequence::differing(&judgement);
            match about.and_then(|(about, matter)| about.pending(matter, &fields)) {
                Some(known) => judgement.mismatch = Some(known),
                None => consequence.opens = Some(consequence::opening(&judgement, &fields, key, version, members)),
            }
        }
        if let Some((about, matter)) = about {
            consequence.settles = consequence::settled(dataset, about, &judgement, key, matter, now_us);
        }
    }
    judgement.consequence = (!consequence.is_empty()).then(|| Box::new(consequence));
    judgement
}

/// Fields of the answer that somebody says are wrong in the record; where the record is not told, neither is this.
pub(crate) fn disputed(dataset: &Dataset, about: &PendingSubject, judgement: &QuestionJudgement<'_>) -> FieldSet {
    if judgement.record.is_none() {
        return FieldSet::default();
    }
    let numbered = dataset.fields.iter().zip(0_u8..);
    numbered
        .filter(|(field, _)| about.is_disputed(&field.name))
        .map(|(_, number)| number)
        .collect()
}
