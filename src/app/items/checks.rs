//! `POST /v1/checks`: a service item's materials, all asked at once, and the one-time notice of what is still to be brought.
//! There is no second way to a register: what an item asks becomes the items of one batch, under the caller's own grants and guess
//! budget, with one ledger entry. A notice is made of what the batch told its caller, so it can tell no more.
//!
//! "What the city knows must not be asked again": a register that could not be asked, or that the agency holds no grant for, is the
//! counter's to go on with and never the applicant's to bring.

use std::{borrow::Cow, sync::Arc};

use jiff::civil::Date;
use serde::Deserialize;

use crate::node::{caller::Caller, write::LedgerAppender};
use crate::{
    access::table::AccessRefusal,
    foundation::{
        error::{AppError, MissingThing},
        ids::VerificationId,
        purpose,
    },
    node::hub::Hub,
    verification::{
        chunk::{self, ChunkAnswer, ItemResult},
        question::{
            self, AskedClaim, AskedPurposeElements, BoundedText, ItemBody, MemberList, PredicateBody, PredicateOperands,
        },
        verify::{EntryPosition, QuestionJudgement},
    },
};
use heyan_catalog::{
    BilingualLabel,
    item::{AskedMember, AskedTest, Material, MaterialProof, RegisterProof, ServiceItem},
};
use heyan_domain::{
    fault::{MemberFault, pointer_segment},
    notice::{self, MaterialNecessity, MaterialStanding, Notice, NoticeLine},
    policy::RefusalClause,
    template::ValueTemplate,
    verdict::{Outcome, Verdict},
};

/// `POST /v1/checks`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckBody<'a> {
    /// Why it is asked; `item_code` names the item.
    #[serde(borrow, deserialize_with = "question::object")]
    pub purpose: AskedPurposeElements<'a>,
    /// Values given once for all materials.
    #[serde(borrow, default)]
    pub applicant: MemberList<'a, BoundedText<'a>>,
    /// Values of single materials, by key.
    #[serde(borrow, default)]
    pub materials: MemberList<'a, MemberList<'a, BoundedText<'a>>>,
    /// What the applicant declares, where the item's needs hang on it.
    #[serde(borrow, default)]
    pub facts: MemberList<'a, BoundedText<'a>>,
}

/// Values that every counter has of an applicant: an item that does not need one passes it over.
const OF_EVERY_APPLICANT: [&str; 3] = ["name", "id_number", "uscc"];

/// What a check asks of the registers, and what it knows without asking.
pub struct CheckPlan<'b> {
    slots: Option<Vec<CheckSlot<'b>>>,
    questions: Vec<ItemBody<'b>>,
}

struct CheckSlot<'b> {
    material: &'b Material,
    state: SlotState<'b>,
}

enum SlotState<'b> {
    /// It is the next question.
    Asked(&'b RegisterProof),
    /// Nothing is asked.
    Known(MaterialStanding<'b>, Vec<String>),
}

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
    /// Names it; a material that was verified is `{id}-{position}`.
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

/// Says what is asked for an item on a day, and what is known without asking.
///
/// # Errors
/// Materials, values or facts that the item does not have.
pub fn plan<'b>(item: &'b ServiceItem, body: &'b CheckBody<'_>, today: Date) -> Result<CheckPlan<'b>, AppError> {
    refuse_unknown(item, body)?;
    let mut questions = Vec::new();
    let slots = item.materials.as_deref().map(|materials| {
        let slot = |material| CheckSlot {
            material,
            state: state_of(material, body, today, &mut questions),
        };
        materials.iter().map(slot).collect()
    });
    Ok(CheckPlan { slots, questions })
}

impl CheckPlan<'_> {
    /// Datasets that are asked.
    pub fn datasets(&self) -> impl Iterator<Item = &str> {
        self.questions.iter().filter_map(|question| question.dataset.as_deref())
    }
}

/// A value that the item never takes is a mistake of the caller's: he would wait for it to count.
fn refuse_unknown(item: &ServiceItem, body: &CheckBody<'_>) -> Result<(), AppError> {
    let Some(materials) = item.materials.as_deref() else {
        return Ok(());
    };
    let mut faults = Vec::new();
    let mut unknown = |pointer: String| faults.push(MemberFault::new(pointer, "unknown_member"));
    for (name, _) in &body.applicant.0 {
        let takes = |template: &ValueTemplate| matches!(template, ValueTemplate::Applicant(taken) if **taken == **name);
        let is_taken = || materials.iter().flat_map(Material::templates).any(takes);
        if !OF_EVERY_APPLICANT.contains(&&**name) && !is_taken() {
            unknown(format!("/applicant/{}", pointer_segment(name)));
        }
    }
    for (id, values) in &body.materials.0 {
        let at = format!("/materials/{}", pointer_segment(id));
        let Some(material) = materials.iter().find(|material| *material.id == **id) else {
            unknown(at);
            continue;
        };
        for (name, _) in &values.0 {
            let takes =
                |template: &ValueTemplate| matches!(template, ValueTemplate::Material(taken) if **taken == **name);
            if !material.templates().any(takes) {
                unknown(format!("{at}/{}", pointer_segment(name)));
            }
        }
    }
    let has_fact = |name: &str| {
        materials
            .iter()
            .flat_map(|one| &one.when)
            .any(|when| *when.fact == *name)
    };
    for (name, _) in body.facts.0.iter().filter(|(name, _)| !has_fact(name)) {
        unknown(format!("/facts/{}", pointer_segment(name)));
    }
    match faults.is_empty() {
        true => Ok(()),
        false => Err(AppError::Invalid(faults)),
    }
}

fn state_of<'b>(
    material: &'b Material,
    body: &'b CheckBody<'_>,
    today: Date,
    questions: &mut Vec<ItemBody<'b>>,
) -> SlotState<'b> {
    let known = |standing| SlotState::Known(standing, Vec::new());
    if let Some(when) = &material.when {
        match body.facts.get(&when.fact).filter(|text| !purpose::is_blank(text)) {
            None => {
                let place = format!("/facts/{}", when.fact);
                return SlotState::Known(MaterialStanding::FactMissing(&when.question), vec![place]);
            }
            Some(fact) if !when.is.iter().any(|value| **value == **fact) => return known(MaterialStanding::NotNeeded),
            Some(_) => {}
        }
    }
    let is_optional = material.necessity == MaterialNecessity::Optional;
    match &material.proof {
        MaterialProof::NotVerifiable(_) | MaterialProof::NotMapped if is_optional => known(MaterialStanding::NotNeeded),
        MaterialProof::NotVerifiable(reason) => known(MaterialStanding::NotVerifiable(reason)),
        MaterialProof::NotMapped => known(MaterialStanding::NotMapped),
        MaterialProof::Register(register) => {
            let values = MaterialValues {
                body,
                material,
                own: body.materials.get(&material.id),
                today,
            };
            match values.question(register) {
                Ok(question) => {
                    questions.push(question);
                    SlotState::Asked(register)
                }
                Err(_missing) if is_optional && values.own.is_none() => known(MaterialStanding::NotNeeded),
                Err((labels, places)) => SlotState::Known(MaterialStanding::ValueMissing(labels), places),
            }
        }
    }
}

/// Where the values of one material come from.
struct MaterialValues<'b> {
    body: &'b CheckBody<'b>,
    material: &'b Material,
    own: Option<&'b MemberList<'b, BoundedText<'b>>>,
    today: Date,
}

/// What is missing: what people call it, and its place in the request.
type MissingValue<'b> = (Vec<&'b BilingualLabel>, Vec<String>);

impl<'b> MaterialValues<'b> {
    fn value(&self, template: &'b ValueTemplate) -> Option<Cow<'b, str>> {
        let given = match template {
            ValueTemplate::Applicant(name) => self.body.applicant.get(name),
            ValueTemplate::Material(name) => self.own.and_then(|own| own.get(name)),
            ValueTemplate::Literal(_) | ValueTemplate::Today(_) => return template.own_value(self.today),
        };
        let given = given.filter(|text| !purpose::is_blank(text));
        given.map(|text| Cow::Borrowed(&**text))
    }

    fn question(&self, register: &'b RegisterProof) -> Result<ItemBody<'b>, MissingValue<'b>> {
        let (mut labels, mut places): MissingValue<'b> = (Vec::new(), Vec::new());
        for asked in register.asked() {
            for template in asked.templates().iter().filter(|one| self.value(one).is_none()) {
                let place = place_of(self.material, template);
                if !places.contains(&place) {
                    labels.push(&asked.label);
                    places.push(place);
                }
            }
        }
        if !places.is_empty() {
            return Err((labels, places));
        }
        let value = |template| self.value(template).unwrap_or_default();
        let subject = register.subject.iter().filter_map(|asked| {
            let template = asked.templates().first()?;
            Some((Cow::Borrowed(&*asked.name), BoundedText(value(template))))
        });
        let claims = register.claims.iter().map(|asked| {
            let claim = match &asked.test {
                AskedTest::Literal(template) => AskedClaim::Literal(value(template)),
                AskedTest::Predicate { op, operands } => AskedClaim::Predicate(PredicateBody {
                    op: BoundedText(Cow::Borrowed(op)),
                    value: PredicateOperands(operands.iter().map(value).collect()),
                }),
            };
            (Cow::Borrowed(&*asked.name), claim)
        });
        Ok(ItemBody {
            reference: BoundedText(Cow::Borrowed(&self.material.id)),
            dataset: Some(BoundedText(Cow::Borrowed(&register.dataset))),
            subject: MemberList(subject.collect()),
            claims: MemberList(claims.collect()),
            max_age_s: None,
        })
    }
}

/// The place of the request that a value is taken from.
fn place_of(material: &Material, template: &ValueTemplate) -> String {
    match template {
        ValueTemplate::Applicant(name) => format!("/applicant/{name}"),
        ValueTemplate::Material(name) => format!("/materials/{}/{name}", material.id),
        ValueTemplate::Literal(_) | ValueTemplate::Today(_) => format!("/materials/{}", material.id),
    }
}

/// Asks, enters the answers, and says what must still be brought.
///
/// # Errors
/// The ledger takes no entry: then nothing is told.
pub async fn check<'a, W: LedgerAppender>(
    hub: &'a Arc<Hub>,
    way: &W,
    caller: &Caller,
    purpose: &AskedPurposeElements<'_>,
    item: &'a ServiceItem,
    plan: &'a CheckPlan<'a>,
) -> Result<CheckAnswer<'a>, AppError> {
    let items = plan.questions.iter().map(Ok::<_, AppError>).collect();
    let answer = chunk::verify_chunk(hub, way, caller, purpose, None, items).await?;
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
        notice: notice::notice(&item.name, known),
        materials,
        entered,
    })
}

impl<'b> CheckSlot<'b> {
    fn answer(&self, results: &mut impl Iterator<Item = ItemResult<'b, AppError>>) -> MaterialAnswer<'b> {
        let mut answer = MaterialAnswer {
            line: NoticeLine {
                id: &self.material.id,
                name: &self.material.name,
                necessity: self.material.necessity,
                standing: MaterialStanding::Unavailable,
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
            SlotState::Asked(register) => match results.next() {
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
            let of_subject = register.subject.iter().find(named("/subject/"));
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
    let fields = judgement.fields.iter();
    let asked_of = |name: &str| register.claims.iter().find(|asked| *asked.name == *name);
    let with = |wanted: fn(Verdict) -> bool| -> Vec<&'b AskedMember> {
        let found = fields.clone().filter(|(_, _, verdict)| wanted(*verdict));
        found.filter_map(|(name, _, _)| asked_of(name)).collect()
    };
    let labels = |asked: Vec<&'b AskedMember>| {
        asked
            .into_iter()
            .map(|asked| &asked.label)
            .collect::<Vec<&'b BilingualLabel>>()
    };
    match judgement.outcome {
        // A check asks for no day, so no licence is told to be out of force.
        Outcome::Verified | Outcome::NotInForce => MaterialStanding::Verified,
        Outcome::Review => MaterialStanding::Review,
        Outcome::NotFound => MaterialStanding::NotFound(register.subject.iter().map(|asked| &asked.label).collect()),
        Outcome::Mismatched => {
            let differing = with(|verdict| verdict == Verdict::Mismatch);
            let (declared, demanded) = differing.into_iter().partition(|asked| asked.is_declared());
            MaterialStanding::Mismatched {
                declared: labels(declared),
                demanded: labels(demanded),
            }
        }
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
