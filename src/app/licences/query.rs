//! `POST /v1/licences/query`: finds a licence by its type, the number on its face and its holder together, and answers it like any
//! verification. The licences of a holder cannot be listed: one wrong part is answered like three wrong parts, each wrong query is a
//! guess about the holder, and correct queries need that guess budget too.

use std::{borrow::Cow, sync::Arc, time::Instant};

use jiff::civil::Date;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    StandingValidity, dataset_of, day_of,
    keys::{self, KeyPart},
    owned, place_of, standing,
};
use crate::node::caller::Caller;
use crate::records;
use crate::{
    access::table::{AccessRefusal, AllowedUse},
    foundation::{error::AppError, purpose, usage},
    node::hub::Hub,
    verification::{
        guess,
        judge::{self, QuestionContext},
        judgement::{self, AnswerConsequence, QuestionJudgement, RecordQuestion},
        question::{self, AskedClaim, AskedPurposeElements, BoundedText, MemberList, SafeInteger},
        verify::{self, VerificationAnswer},
    },
};
use heyan_catalog::{Dataset, LicenceRules};
use heyan_domain::{
    fault::{LengthLimit, MemberFault, pointer_segment},
    licence::{chain, issuer::IssuerPlace},
    policy::{GrantOperation, RefusalClause},
    verdict::{MatchBasis, Outcome, ReviewReason, Verdict},
};
use heyan_ledger::AppendLane;
use heyan_ports::{
    records::StoredRecord,
    subject::{RecordKey, SubjectKey},
};

/// `POST /v1/licences/query`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueryBody<'a> {
    /// Why it is asked.
    #[serde(borrow, deserialize_with = "question::object")]
    pub purpose: AskedPurposeElements<'a>,
    /// Dataset name; the one of licences when left out.
    #[serde(borrow, default)]
    pub dataset: Option<BoundedText<'a>>,
    /// Type, number on the face and holder, as the dataset names them.
    #[serde(borrow)]
    pub key: MemberList<'a, BoundedText<'a>>,
    /// What else is claimed.
    #[serde(borrow, default)]
    pub claims: MemberList<'a, AskedClaim<'a>>,
    /// The day that is asked about; today in China when left out.
    #[serde(borrow, default)]
    pub on: Option<BoundedText<'a>>,
    /// Oldest copy that will do, seconds.
    #[serde(default)]
    pub max_age_s: Option<SafeInteger>,
}

/// A question that was understood, and what was found under its key.
pub struct LicenceQuestion<'a> {
    purpose: AskedPurposeElements<'a>,
    dataset: &'a Arc<Dataset>,
    on: Date,
    max_age_s: Option<u64>,
    key: MemberList<'a, AskedClaim<'a>>,
    claims: MemberList<'a, AskedClaim<'a>>,
    holder: SubjectKey,
    is_spent: bool,
    found: Option<MemberList<'static, BoundedText<'static>>>,
}

/// Members by name, as a caller reads them.
pub type ReadMembers = Vec<(Box<str>, String)>;

/// A whole answer.
pub struct QueryAnswer<'a> {
    /// The verification.
    pub answer: VerificationAnswer<'a>,
    /// Where the licence was issued; `None` where nothing is told of one.
    pub place: Option<IssuerPlace>,
    /// How it stands.
    pub validity: StandingValidity,
    /// What the grant lets the caller read: the identifiers, and the permitted fields, masked.
    pub read: Option<(ReadMembers, ReadMembers)>,
}

/// Understands a question and looks under its key.
///
/// # Errors
/// One of the three is missing, wrong members, a refusal, or the store cannot be asked.
pub async fn ask<'a>(
    hub: &'a Hub,
    caller: &Caller,
    body: QueryBody<'a>,
    now_us: i64,
) -> Result<LicenceQuestion<'a>, AppError> {
    purpose::check(&body.purpose)?;
    let dataset = dataset_of(hub, body.dataset.as_deref(), None)?;
    check_claims(dataset, &body)?;
    seek(hub, caller, body, now_us).await
}

/// Looks under a key. A claim about a part of the key is judged in place of the part's value.
///
/// # Errors
/// As [`ask`].
pub(crate) async fn seek<'a>(
    hub: &'a Hub,
    caller: &Caller,
    body: QueryBody<'a>,
    now_us: i64,
) -> Result<LicenceQuestion<'a>, AppError> {
    let dataset = dataset_of(hub, body.dataset.as_deref(), None)?;
    let licence = dataset.licence.as_ref().ok_or(AppError::Internal("no licences"))?;
    check_key(dataset, licence, &body)?;
    let on = day_of(body.on.as_ref(), now_us)?;
    let allowed = caller
        .agency()?
        .permission(dataset, &body.purpose.item_code, now_us, caller.peer)?;
    let may_verify = |number: &u8| allowed.permission.permits(GrantOperation::Verify, *number);
    if !licence.key.iter().all(may_verify) {
        return Err(AccessRefusal::NotGranted(RefusalClause::Operation).into());
    }
    let value_of = |name: &str| body.key.get(name).map(|text| &**text);
    let key_of = |part| keys::by_holder(hub, dataset, licence, part, value_of);
    let (Some(whole), Some(holder)) = (key_of(KeyPart::Whole), key_of(KeyPart::Holder)) else {
        return Err(AppError::Internal("a key of a licence is not whole"));
    };
    let literal =
        |(name, value): &(Cow<'a, str>, BoundedText<'a>)| (name.clone(), AskedClaim::Literal(value.0.clone()));
    let key = || body.key.0.iter().map(literal);
    let holder = SubjectKey(holder);
    let is_spent = is_spent(
        hub,
        caller,
        dataset,
        &MemberList(key().collect()),
        holder,
        &allowed,
        now_us,
    )?;
    // Over budget nothing is looked for, whether there is something or not: the time would tell.
    let found = match is_spent {
        true => None,
        false => newest(hub, dataset, whole).await?,
    };
    let is_claimed = |name: &str| body.claims.get(name).is_some();
    let mut claims: Vec<_> = key().filter(|(name, _)| !is_claimed(name)).collect();
    claims.extend(body.claims.0);
    Ok(LicenceQuestion {
        dataset,
        on,
        max_age_s: body.max_age_s.map(|seconds| seconds.0),
        key: MemberList(key().collect()),
        claims: MemberList(claims),
        holder,
        is_spent,
        found,
        purpose: body.purpose,
    })
}

/// No other member may claim a part of the key again.
fn check_claims(dataset: &Dataset, body: &QueryBody<'_>) -> Result<(), AppError> {
    let licence = dataset.licence.as_ref().ok_or(AppError::Internal("no licences"))?;
    let is_part = |name: &str| {
        dataset
            .field_number(name)
            .is_some_and(|number| licence.key.contains(&number))
    };
    let again = body.claims.0.iter().filter(|(name, _)| is_part(name));
    let faults: Vec<MemberFault> = again
        .map(|(name, _)| MemberFault::new(format!("/claims/{}", pointer_segment(name)), "duplicate_member"))
        .collect();
    match faults.is_empty() {
        true => Ok(()),
        false => Err(AppError::Invalid(faults)),
    }
}

/// Whether the budget of the holder, or of the agency, is used up for what is asked.
///
/// # Errors
/// Wrong members.
fn is_spent(
    hub: &Hub,
    caller: &Caller,
    dataset: &Dataset,
    key: &MemberList<'_, AskedClaim<'_>>,
    holder: SubjectKey,
    allowed: &AllowedUse<'_>,
    now_us: i64,
) -> Result<bool, AppError> {
    let claims = judgement::parse_claims(dataset, key, allowed.permission)?;
    let guessed = guess::GuessContext {
        caller: caller.agency()?,
        subject: holder,
        now_us,
        may_know: false,
    };
    Ok(guess::is_spent(hub, &guessed, dataset, parts_of(&claims)))
}

/// The parts of a key without its last, the holder: that the others are right must not make the budget larger, or it would be larger
/// exactly when there is something to find.
fn parts_of<'p, 'c>(claims: &'p [judgement::ParsedClaim<'c>]) -> &'p [judgement::ParsedClaim<'c>] {
    claims.split_last().map(|(_holder, parts)| parts).unwrap_or_default()
}

/// Every part of the key must be there, and nothing else; no other member may claim a part again.
fn check_key(dataset: &Dataset, licence: &LicenceRules, body: &QueryBody<'_>) -> Result<(), AppError> {
    let mut faults = Vec::new();
    let parts: Vec<_> = licence.key.iter().filter_map(|number| dataset.field(*number)).collect();
    for field in &parts {
        match body.key.get(&field.name) {
            None => faults.push(MemberFault::new(format!("/key/{}", field.name), "missing_member")),
            Some(value) if purpose::is_blank(value) => {
                faults.push(MemberFault::new(format!("/key/{}", field.name), "invalid_value"));
            }
            Some(value) if value.chars().count() > field.characters_max => {
                let limit = LengthLimit::Characters(field.characters_max);
                faults.push(MemberFault::over(format!("/key/{}", field.name), limit));
            }
            Some(_) => {}
        }
    }
    let is_part = |name: &str| parts.iter().any(|field| *field.name == *name);
    for (name, _) in body.key.0.iter().filter(|(name, _)| !is_part(name)) {
        faults.push(MemberFault::new(
            format!("/key/{}", pointer_segment(name)),
            "unknown_member",
        ));
    }
    match faults.is_empty() {
        true => Ok(()),
        false => Err(AppError::Invalid(faults)),
    }
}

/// The identifiers of the newest licence under a key: versions of one licence share it.
async fn newest(
    hub: &Hub,
    dataset: &Arc<Dataset>,
    key: [u8; 16],
) -> Result<Option<MemberList<'static, BoundedText<'static>>>, AppError> {
    let subjects = hub.store.subjects_of_key(&dataset.name, key).await?;
    let names: Vec<RecordKey> = subjects
        .into_iter()
        .map(|subject| RecordKey {
            dataset: Arc::clone(&dataset.name),
            subject,
        })
        .collect();
    let records = hub.store.records(&names).await?;
    let records: Vec<(String, StoredRecord)> = records
        .into_iter()
        .flatten()
        .filter_map(|record| Some((standing::canonical(dataset, &record)?, record)))
        .collect();
    let has_next =
        |id: &str| chain::next_version(id).is_some_and(|next| records.iter().any(|(other, _)| *other == next));
    let last = records
        .iter()
        .filter(|(id, _)| !has_next(id))
        .max_by_key(|(_, record)| record.received_at);
    let Some((_, record)) = last else { return Ok(None) };
    let members: Map<String, Value> = serde_json::from_str(&record.subject)
        .map_err(|_unreadable| AppError::Internal("a stored record cannot be read"))?;
    let texts = members.into_iter().filter_map(|(name, value)| match value {
        Value::String(text) => Some((name, text)),
        _ => None,
    });
    Ok(Some(owned(texts.collect())))
}

/// Answers what was asked.
///
/// # Errors
/// Returns an error if a member is wrong, the request is refused, or a part of the hub cannot be reached.
pub async fn answer<'a>(
    hub: &'a Arc<Hub>,
    lane: &AppendLane,
    caller: &Caller,
    asked: &'a LicenceQuestion<'a>,
) -> Result<QueryAnswer<'a>, AppError> {
    let (started, now_us) = (Instant::now(), hub.clock.now_us());
    let (judgement, told) = judge(hub, caller, asked, now_us).await?;
    let LicenceTold {
        place,
        validity,
        stored,
    } = told;
    let agency = caller.agency()?;
    let allowed = agency.permission(asked.dataset, &asked.purpose.item_code, now_us, caller.peer)?;
    let read = stored
        .filter(|_| allowed.permission.has(GrantOperation::Read))
        .map(|stored| {
            let may_see = |number| allowed.permission.permits(GrantOperation::Read, number);
            let fields = records::shown(asked.dataset, &stored, may_see, false);
            let members: Map<String, Value> = serde_json::from_str(&stored.subject).unwrap_or_default();
            (masked(asked.dataset, &members), fields)
        });
    let place = place.filter(|_| judgement.record.is_some());
    let answer = verify::enter(hub, lane, caller, &asked.purpose, judgement, (now_us, started)).await?;
    Ok(QueryAnswer {
        answer,
        place,
        validity,
        read,
    })
}

/// What is told of a licence besides its judgement.
pub(crate) struct LicenceTold {
    place: Option<IssuerPlace>,
    validity: StandingValidity,
    stored: Option<StoredRecord>,
}

/// Judges what was asked, before it is entered.
///
/// # Errors
/// Returns an error if a member is wrong, the request is refused, or a part of the hub cannot be reached.
pub(crate) async fn judge<'a>(
    hub: &'a Hub,
    caller: &Caller,
    asked: &'a LicenceQuestion<'a>,
    now_us: i64,
) -> Result<(QuestionJudgement<'a>, LicenceTold), AppError> {
    let agency = caller.agency()?;
    let allowed = agency.permission(asked.dataset, &asked.purpose.item_code, now_us, caller.peer)?;
    let unknown = guess_of(hub, caller, asked, &allowed, now_us).await?;
    let (mut judgement, place) = match (unknown, &asked.found) {
        (None, Some(subject)) => {
            let question = RecordQuestion {
                dataset: &asked.dataset.name,
                subject,
                claims: &asked.claims,
                max_age_s: asked.max_age_s,
            };
            let asking = QuestionContext::new(caller, &asked.purpose, now_us);
            let judgement = judge::judge(hub, &asking, question).await?;
            let place = place_of(hub, &judgement::parse_subject(asked.dataset, subject)?);
            (judgement, Some(place))
        }
        (unknown, _) => (unknown.ok_or(AppError::Internal("a licence was not judged"))?, None),
    };
    let stored = standing::version_of(hub, &judgement).await;
    let stored = stored.inspect_err(|_untold| judgement.charged.give_back())?;
    let validity = standing::of(hub, asked.dataset, allowed.permission, stored.as_ref(), asked.on).await;
    let validity = validity.inspect_err(|_untold| judgement.charged.give_back())?;
    standing::narrow(&mut judgement, &validity);
    Ok((
        judgement,
        LicenceTold {
            place,
            validity,
            stored,
        },
    ))
}

fn masked(dataset: &Dataset, members: &Map<String, Value>) -> Vec<(Box<str>, String)> {
    let shown = dataset.subject.iter().filter_map(|member| {
        let value = members.get(&*member.name)?.as_str()?;
        Some((member.name.clone(), member.mask.apply(value)))
    });
    shown.collect()
}

/// Counts a look-up as a guess about the holder. What is answered when nothing was found, or when the holder's budget is used up, whether
/// something was found or not; `None`: what was found may be told.
async fn guess_of<'a>(
    hub: &'a Hub,
    caller: &Caller,
    asked: &'a LicenceQuestion<'a>,
    allowed: &AllowedUse<'_>,
    now_us: i64,
) -> Result<Option<QuestionJudgement<'a>>, AppError> {
    let claims = judgement::parse_claims(asked.dataset, &asked.key, allowed.permission)?;
    let guessed = guess::GuessContext {
        caller: caller.agency()?,
        subject: asked.holder,
        now_us,
        may_know: false,
    };
    let (mut consequence, spent) = (AnswerConsequence::default(), Verdict::Review(ReviewReason::GuessBudget));
    let (verdict, outcome) = match asked.found {
        Some(_) => (Verdict::Match(MatchBasis::Exact), Outcome::Verified),
        None => (Verdict::Mismatch, Outcome::Mismatched),
    };
    let mut is_spent = asked.is_spent;
    // Each part alone. Where the budget was used up before, nothing was looked for, and nothing is compared or charged.
    for claim in parts_of(&claims).iter().filter(|_| !asked.is_spent) {
        let field = vec![(claim.name, claim.number, verdict)];
        let mut alone = QuestionJudgement::new(asked.dataset, outcome, field, None, asked.holder);
        let claim = std::slice::from_ref(claim);
        let more = guess::weigh(hub, &guessed, claim, &mut alone).await?;
        consequence.guesses.extend(more.guesses);
        consequence.spent.extend(more.spent);
        consequence.stopped = more.stopped.or(consequence.stopped.take());
        is_spent |= alone.fields.iter().any(|(_, _, told)| *told == spent);
    }
    if asked.found.is_some() && !is_spent {
        return Ok(None);
    }
    let charged = allowed.charge(usage::day_of(now_us))?;
    let mut judgement = judgement::not_found(asked.dataset, asked.holder, &claims);
    judgement.charged = charged;
    if is_spent {
        judgement.fields.iter_mut().for_each(|(_, _, verdict)| *verdict = spent);
        judgement.outcome = Outcome::Review;
    }
    judgement::tell_only_what_is_permitted(&mut judgement, allowed.permission);
    judgement.consequence = (!consequence.is_empty()).then(|| Box::new(consequence));
    Ok(Some(judgement))
}

impl<'a> LicenceQuestion<'a> {
    /// Dataset that is asked.
    pub fn dataset(&self) -> &'a Arc<Dataset> {
        self.dataset
    }
}
