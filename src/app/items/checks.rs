//! `POST /v1/checks`: a service item's materials, all asked at once, and the one-time notice of what is still to be brought.
//! There is no second way to a register: what an item asks becomes questions as of a batch, or searches for a licence by its holder,
//! under the caller's own grants and guess budget, with one ledger entry. A notice is made of what they told their caller, so it can
//! tell no more.
//!
//! "What the city knows must not be asked again": a register that could not be asked, or that the agency holds no grant for, is the
//! counter's to go on with and never the applicant's to bring.

use std::{borrow::Cow, sync::Arc};

use super::plan::{CheckPlan, CheckSlot, LicenceSearch, SlotState, place_of};
use crate::node::{caller::Caller, write::LedgerAppender};
use crate::{
    access::table::AccessRefusal,
    foundation::{
        error::{AppError, MissingThing},
        ids::VerificationId,
        purpose,
    },
    licences::query::{self, QueryBody},
    node::hub::Hub,
    verification::{
        chunk::{self, ChunkAnswer, ItemResult},
        judge::QuestionContext,
        judgement::QuestionJudgement,
        question::{AskedPurposeElements, BoundedText, MemberList},
        verify::EntryPosition,
    },
};
use heyan_catalog::{
    BilingualLabel,
    item::{AskedMember, FoundBy, RegisterProof, ServiceItem},
};
use heyan_domain::{
    fault::MemberFault,
    identifier::IdentifierFinding,
    notice::{self, ListExtent, MaterialStanding, Notice, NoticeHead, NoticeLine},
    policy::RefusalClause,
    verdict::{Outcome, Verdict},
};

/// What became of one material.
pub struct MaterialAnswer<'a> {
    /// The material.
    pub line: NoticeLine<'a>,
    /// Places of the request whose values are missing or wrong.
    pub pointers: Vec<String>,
    /// What the register answered: position in the entry, and the judgement.
    pub judged: Option<(usize, Box<QuestionJudgement<'a>>)>,
    /// Why the register was not asked.
    pub problem: Option<AppError>,
}

/// A whole answer.
pub struct CheckAnswer<'a> {
    /// Identifier of the check; a material that was verified has the identifier `{id}-{position}`.
    pub id: VerificationId,
    /// In the order of the item; empty when they are not known.
    pub materials: Vec<MaterialAnswer<'a>>,
    /// What must still be brought.
    pub notice: Notice,
    /// Where the entry stands.
    pub entered: EntryPosition,
}

/// The item that a purpose names.
///
/// # Errors
/// The purpose is wrong, or there is no such item.
pub fn item_of(hub: &Hub, purpose: &AskedPurposeElements<'_>) -> Result<Arc<ServiceItem>, AppError> {
    purpose::check(purpose)?;
    let items = hub.materials.items.load();
    items
        .get(&purpose.item_code)
        .ok_or(AppError::NotFound(MissingThing::Item))
}

/// Licences that a check seeks, and why some could not be sought, in the order of the plan.
#[derive(Default)]
pub struct SoughtLicences<'a> {
    sought: Vec<Option<query::LicenceQuestion<'a>>>,
    failed: Vec<Option<AppError>>,
}

impl<'a> SoughtLicences<'a> {
    /// Why those that could not be sought could not be.
    pub fn take_failed(&mut self) -> Vec<Option<AppError>> {
        std::mem::take(&mut self.failed)
    }
}

/// Looks for the licences of a check; nothing is told of them here.
pub async fn seek<'a>(
    hub: &'a Hub,
    caller: &Caller,
    purpose: &AskedPurposeElements<'a>,
    plan: &'a CheckPlan<'a>,
    now_us: i64,
) -> SoughtLicences<'a> {
    let mut licences = SoughtLicences::default();
    for search in &plan.searches {
        let (sought, failed) = match query::seek(hub, caller, body_of(purpose, search), now_us).await {
            Ok(asked) => (Some(asked), None),
            Err(error) => (None, Some(error)),
        };
        licences.sought.push(sought);
        licences.failed.push(failed);
    }
    licences
}

fn body_of<'a>(purpose: &AskedPurposeElements<'a>, search: &'a LicenceSearch<'a>) -> QueryBody<'a> {
    let key = search.key.iter();
    let claims = search.claims.iter();
    QueryBody {
        purpose: purpose.clone(),
        dataset: Some(BoundedText(Cow::Borrowed(search.dataset))),
        key: MemberList(
            key.map(|(name, value)| ((*name).into(), BoundedText(Cow::Borrowed(&**value))))
                .collect(),
        ),
        claims: MemberList(claims.map(|(name, claim)| ((*name).into(), claim.clone())).collect()),
        on: None,
        max_age_s: None,
    }
}

/// Asks, enters the answers, and says what must still be brought.
///
/// # Errors
/// Returns an error if the ledger is not accepting entries: then nothing may be answered.
pub async fn check<'a, W: LedgerAppender>(
    hub: &'a Arc<Hub>,
    (way, caller): (&W, &Caller),
    purpose: &AskedPurposeElements<'_>,
    item: &'a ServiceItem,
    plan: &'a CheckPlan<'a>,
    (licences, failed): (&'a SoughtLicences<'a>, Vec<Option<AppError>>),
) -> Result<CheckAnswer<'a>, AppError> {
    let now_us = hub.clock.now_us();
    let asking = QuestionContext::new(caller, purpose, now_us);
    let questions = plan.questions.iter().map(Ok::<_, AppError>).collect();
    let mut answers = chunk::judge_all(hub, &asking, None, questions).await.into_iter();
    let mut searches = licences.sought.iter().zip(failed);
    let mut judged = Vec::with_capacity(answers.len() + licences.sought.len());
    for slot in plan.slots.iter().flatten() {
        let result = match slot.state {
            SlotState::Known(..) => continue,
            SlotState::Asked(_) => answers.next(),
            SlotState::Sought(_) => match searches.next() {
                Some((Some(asked), _)) => {
                    Some(query::judge(hub, caller, asked, now_us).await.map(|told| told.0).into())
                }
                Some((None, error)) => error.map(ItemResult::Failed),
                None => None,
            },
        };
        let unanswered = || ItemResult::Failed(AppError::Internal("a material was not answered"));
        let mut result = result.unwrap_or_else(unanswered);
        slot.keep_conditions_apart(&mut result);
        judged.push(result);
    }
    let answer = chunk::enter_all(hub, way, caller, purpose, now_us, judged).await?;
    let ChunkAnswer { id, results, entered } = answer;
    let mut results = results.into_iter();
    let materials: Vec<MaterialAnswer<'a>> = plan
        .slots
        .iter()
        .flatten()
        .map(|slot| slot.answer(&mut results))
        .collect();
    let lines: Vec<NoticeLine<'_>> = materials.iter().map(|material| material.line.clone()).collect();
    let known = plan.slots.as_ref().map(|_| lines.as_slice());
    Ok(CheckAnswer {
        id,
        notice: notice::notice(&head_of(item, purpose, plan), known),
        materials,
        entered,
    })
}

fn head_of<'a>(item: &'a ServiceItem, purpose: &'a AskedPurposeElements<'_>, plan: &CheckPlan<'_>) -> NoticeHead<'a> {
    NoticeHead {
        item: &item.name,
        authority: item.authority.as_ref(),
        legal_basis: &item.spec.legal_basis,
        application_no: &purpose.application_no,
        date: plan.today,
        list: match item.spec.list_complete {
            true => ListExtent::Complete,
            false => ListExtent::Open,
        },
    }
}

impl<'b> CheckSlot<'b> {
    /// A condition that is not met is no mismatch: the register agrees with what was declared, so there is nothing to correct.
    fn keep_conditions_apart(&self, result: &mut ItemResult<'_, AppError>) {
        let (SlotState::Asked(register) | SlotState::Sought(register)) = &self.state else {
            return;
        };
        let ItemResult::Answered { judgement, .. } = result else {
            return;
        };
        if !matches!(judged(register, judgement), MaterialStanding::ConditionNotMet(_)) {
            return;
        }
        judgement.mismatch = None;
        if let Some(mut consequence) = judgement.consequence.take() {
            consequence.opens = None;
            judgement.consequence = (!consequence.is_empty()).then_some(consequence);
        }
    }

    fn answer(&self, results: &mut impl Iterator<Item = ItemResult<'b, AppError>>) -> MaterialAnswer<'b> {
        let mut answer = MaterialAnswer {
            line: NoticeLine {
                id: &self.material.id,
                name: &self.material.name,
                necessity: self.material.necessity,
                standing: MaterialStanding::Unavailable,
                note: self.material.note.as_ref(),
            },
            pointers: Vec::new(),
            judged: None,
            problem: None,
        };
        match &self.state {
            SlotState::Known(standing, pointers) => {
                answer.line.standing = standing.clone();
                answer.pointers.clone_from(pointers);
            }
            SlotState::Asked(register) | SlotState::Sought(register) => match results.next() {
                Some(ItemResult::Answered { position, judgement }) => {
                    answer.line.standing = judged(register, &judgement);
                    answer.judged = Some((position, judgement));
                }
                Some(ItemResult::Failed(error) | ItemResult::Unreadable(error)) => {
                    self.failed(register, error, &mut answer)
                }
                None => answer.problem = Some(AppError::Internal("a material was not answered")),
            },
        }
        answer
    }

    fn failed(&self, register: &'b RegisterProof, error: AppError, answer: &mut MaterialAnswer<'b>) {
        let (standing, problem) = match error {
            AppError::Invalid(faults) => {
                let (labels, faults) = self.placed(register, faults);
                answer.pointers = faults.iter().map(|fault| fault.pointer.clone()).collect();
                (MaterialStanding::InvalidValue(labels), AppError::Invalid(faults))
            }
            AppError::Refused(AccessRefusal::Withheld { ref legal_basis }) => {
                (MaterialStanding::Withheld(legal_basis.clone()), error)
            }
            AppError::Refused(AccessRefusal::NotGranted(RefusalClause::DailyCeiling)) => {
                (MaterialStanding::CeilingReached, error)
            }
            AppError::Refused(_) => (MaterialStanding::NotGranted, error),
            other => (MaterialStanding::Unavailable, other),
        };
        answer.line.standing = standing;
        answer.problem = Some(problem);
    }

    /// Faults of a question as faults of the request, and what people call the values.
    fn placed(
        &self,
        register: &'b RegisterProof,
        faults: Vec<MemberFault>,
    ) -> (Vec<&'b BilingualLabel>, Vec<MemberFault>) {
        let (mut labels, mut placed): (Vec<&'b BilingualLabel>, Vec<MemberFault>) = (Vec::new(), Vec::new());
        for fault in faults {
            let named = |prefix: &'static str| {
                let pointer = fault.pointer.as_str();
                move |asked: &&'b AskedMember| pointer.strip_prefix(prefix) == Some(&*asked.name)
            };
            let part = match register.found_by {
                FoundBy::Identifier => "/subject/",
                FoundBy::Holder => "/key/",
            };
            let of_subject = register.subject.iter().find(named(part));
            let asked = of_subject.or_else(|| register.claims.iter().find(named("/claims/")));
            let declared = asked.and_then(|asked| asked.templates().iter().find(|one| one.is_declared()));
            labels.extend(asked.map(|asked| &asked.label));
            placed.push(MemberFault {
                pointer: match declared {
                    Some(template) => place_of(self.material, template),
                    None => format!("/materials/{}", self.material.id),
                },
                ..fault
            });
        }
        (labels, placed)
    }
}

/// What an answered question comes to. A missing value goes before a missing grant: the applicant has to bring it in any case.
fn judged<'b>(register: &'b RegisterProof, judgement: &QuestionJudgement<'_>) -> MaterialStanding<'b> {
    let with = |wanted: fn(Verdict) -> bool| -> Vec<&'b AskedMember> {
        let found = judgement.fields.iter().filter(|(_, _, verdict)| wanted(*verdict));
        found.filter_map(|(name, _, _)| asked_of(register, name)).collect()
    };
    let labels = |asked: Vec<&'b AskedMember>| {
        asked
            .into_iter()
            .map(|asked| &asked.label)
            .collect::<Vec<&'b BilingualLabel>>()
    };
    let in_force = || register.in_force.iter().collect::<Vec<&'b BilingualLabel>>();
    let is_inactive = judgement.findings.contains(&IdentifierFinding::SubjectNotActive);
    match judgement.outcome {
        Outcome::Verified | Outcome::NotInForce if register.in_force.is_none() => MaterialStanding::Verified,
        Outcome::Verified if !is_inactive => MaterialStanding::Verified,
        Outcome::Verified | Outcome::NotInForce => MaterialStanding::ConditionNotMet(in_force()),
        Outcome::Review => MaterialStanding::Review,
        Outcome::NotFound => MaterialStanding::NotFound(identified_by(register)),
        Outcome::Mismatched => mismatched(register, with(|verdict| verdict == Verdict::Mismatch)),
        Outcome::Incomplete => {
            let absent = with(|verdict| verdict == Verdict::Absent);
            if !absent.is_empty() {
                MaterialStanding::Absent(labels(absent))
            } else if with(|verdict| verdict == Verdict::NotPermitted).is_empty() {
                MaterialStanding::Unavailable
            } else {
                MaterialStanding::NotGranted
            }
        }
    }
}

/// What the register was asked under the name of a field; parts of a licence's key are claimed too.
fn asked_of<'b>(register: &'b RegisterProof, name: &str) -> Option<&'b AskedMember> {
    register
        .claims
        .iter()
        .chain(&register.subject)
        .find(|asked| *asked.name == *name)
}

/// What the record was looked up by, as far as somebody declared it.
fn identified_by(register: &RegisterProof) -> Vec<&BilingualLabel> {
    let declared = register.subject.iter().filter(|asked| asked.is_declared());
    declared.map(|asked| &asked.label).collect()
}

/// What differs: with what was declared, or with conditions of the item.
fn mismatched<'b>(register: &'b RegisterProof, differing: Vec<&'b AskedMember>) -> MaterialStanding<'b> {
    let of_key = |asked: &AskedMember| register.subject.iter().any(|part| *part.name == *asked.name);
    let is_sought = register.found_by == FoundBy::Holder;
    // A licence that was not found is told as one of which everything differs.
    if is_sought && differing.iter().any(|asked| of_key(asked)) {
        return MaterialStanding::Mismatched {
            declared: identified_by(register),
            conditions: Vec::new(),
        };
    }
    let (declared, demanded): (Vec<&AskedMember>, Vec<&AskedMember>) =
        differing.into_iter().partition(|asked| asked.is_declared());
    let conditions: Vec<&BilingualLabel> = demanded
        .into_iter()
        .filter_map(|asked| asked.condition.as_ref())
        .collect();
    match declared.is_empty() {
        true => MaterialStanding::ConditionNotMet(conditions),
        false => MaterialStanding::Mismatched {
            declared: declared.into_iter().map(|asked| &asked.label).collect(),
            conditions,
        },
    }
}
