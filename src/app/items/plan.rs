//! What a check asks of the registers, and what it knows without asking: made of the item, the request and the day alone.

use std::borrow::Cow;

use jiff::civil::Date;
use serde::Deserialize;

use crate::{
    foundation::{error::AppError, purpose},
    verification::question::{
        self, AskedClaim, AskedPurposeElements, BoundedText, ItemBody, MemberList, PredicateBody, PredicateOperands,
    },
};
use heyan_catalog::{
    BilingualLabel,
    item::{AskedTest, FoundBy, Material, MaterialProof, RegisterProof, ServiceItem},
};
use heyan_domain::{
    fault::{MemberFault, pointer_segment},
    notice::{MaterialNecessity, MaterialStanding},
    template::ValueTemplate,
};

/// `POST /v1/checks`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckBody<'a> {
    /// Why it is asked; `item_code` names the item.
    #[serde(borrow, deserialize_with = "question::object")]
    pub purpose: AskedPurposeElements<'a>,
    /// MaterialValues given once for all materials.
    #[serde(borrow, default)]
    pub applicant: MemberList<'a, BoundedText<'a>>,
    /// MaterialValues of single materials, by key.
    #[serde(borrow, default)]
    pub materials: MemberList<'a, MemberList<'a, BoundedText<'a>>>,
    /// What the applicant declares, where the item's needs hang on it.
    #[serde(borrow, default)]
    pub facts: MemberList<'a, BoundedText<'a>>,
}

/// MaterialValues that every counter has of an applicant: an item that does not need one passes it over.
const OF_EVERY_APPLICANT: [&str; 3] = ["name", "id_number", "uscc"];

/// What a check asks of the registers, and what it knows without asking.
pub struct CheckPlan<'b> {
    /// The day of the check.
    pub(super) today: Date,
    pub(super) slots: Option<Vec<CheckSlot<'b>>>,
    pub(super) questions: Vec<ItemBody<'b>>,
    pub(super) searches: Vec<LicenceSearch<'b>>,
}

/// One material of the item.
pub(super) struct CheckSlot<'b> {
    pub(super) material: &'b Material,
    pub(super) state: SlotState<'b>,
}

/// What is done about one material.
pub(super) enum SlotState<'b> {
    /// It is the next question.
    Asked(&'b RegisterProof),
    /// It is the next search for a licence.
    Sought(&'b RegisterProof),
    /// Nothing is asked.
    Known(MaterialStanding<'b>, Vec<String>),
}

/// A licence that is sought by type, number on its face and holder.
pub(super) struct LicenceSearch<'b> {
    pub(super) dataset: &'b str,
    /// In the order of the dataset's key.
    pub(super) key: Vec<(&'b str, Cow<'b, str>)>,
    /// What else must agree; one about a part of the key stands in place of its value.
    pub(super) claims: Vec<(&'b str, AskedClaim<'b>)>,
}

/// Says what is asked for an item on a day, and what is known without asking.
///
/// # Errors
/// Materials, values or facts that the item does not have.
pub fn plan<'b>(item: &'b ServiceItem, body: &'b CheckBody<'_>, today: Date) -> Result<CheckPlan<'b>, AppError> {
    refuse_unknown(item, body)?;
    let mut plan = CheckPlan {
        today,
        slots: None,
        questions: Vec::new(),
        searches: Vec::new(),
    };
    if let Some(materials) = item.materials.as_deref() {
        let slot = |material| CheckSlot {
            material,
            state: state_of(material, body, &mut plan),
        };
        let slots = materials.iter().map(slot).collect();
        plan.slots = Some(slots);
    }
    Ok(plan)
}

impl CheckPlan<'_> {
    /// Datasets that are asked.
    pub fn datasets(&self) -> impl Iterator<Item = &str> {
        let questions = self.questions.iter().filter_map(|question| question.dataset.as_deref());
        questions.chain(self.searches.iter().map(|search| search.dataset))
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
            let other = |template: &ValueTemplate| matches!(template, ValueTemplate::Other { material, name: taken } if **material == **id && **taken == **name);
            let mut all = materials.iter().flat_map(Material::templates);
            if !material.templates().any(takes) && !all.any(other) {
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

fn state_of<'b>(material: &'b Material, body: &'b CheckBody<'_>, plan: &mut CheckPlan<'b>) -> SlotState<'b> {
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
        MaterialProof::NotVerifiable(_) | MaterialProof::ByAuthority(_) | MaterialProof::NotMapped if is_optional => {
            known(MaterialStanding::NotNeeded)
        }
        MaterialProof::NotVerifiable(reason) => known(MaterialStanding::NotVerifiable(reason)),
        MaterialProof::ByAuthority(reason) => known(MaterialStanding::ByAuthority(reason)),
        MaterialProof::NotMapped => known(MaterialStanding::NotMapped),
        MaterialProof::Register(register) => {
            let values = MaterialValues {
                body,
                material,
                own: body.materials.get(&material.id),
                today: plan.today,
            };
            match values.missing(register) {
                Some(_missing) if is_optional && values.own.is_none() => known(MaterialStanding::NotNeeded),
                Some((labels, places)) => SlotState::Known(MaterialStanding::ValueMissing(labels), places),
                None if register.found_by == FoundBy::Holder => {
                    plan.searches.push(values.search(register));
                    SlotState::Sought(register)
                }
                None => {
                    plan.questions.push(values.question(register));
                    SlotState::Asked(register)
                }
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
            ValueTemplate::Other { material, name } => {
                self.body.materials.get(material).and_then(|other| other.get(name))
            }
            ValueTemplate::Literal(_) | ValueTemplate::Today(_) | ValueTemplate::DayOfYear { .. } => {
                return template.own_value(self.today);
            }
        };
        let given = given.filter(|text| !purpose::is_blank(text));
        given.map(|text| Cow::Borrowed(&**text))
    }

    /// What has to be given before the register can be asked; `None`: nothing.
    fn missing(&self, register: &'b RegisterProof) -> Option<MissingValue<'b>> {
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
        (!places.is_empty()).then_some((labels, places))
    }

    fn given(&self, template: &'b ValueTemplate) -> Cow<'b, str> {
        self.value(template).unwrap_or_default()
    }

    /// Members of the subject, or parts of the key, with their values.
    fn subject(&self, register: &'b RegisterProof) -> impl Iterator<Item = (&'b str, Cow<'b, str>)> {
        register.subject.iter().filter_map(|asked| {
            let template = asked.templates().first()?;
            Some((&*asked.name, self.given(template)))
        })
    }

    fn claims(&self, register: &'b RegisterProof) -> impl Iterator<Item = (&'b str, AskedClaim<'b>)> {
        register.claims.iter().map(|asked| {
            let claim = match &asked.test {
                AskedTest::Literal(template) => AskedClaim::Literal(self.given(template)),
                AskedTest::Predicate { op, operands } => AskedClaim::Predicate(PredicateBody {
                    op: BoundedText(Cow::Borrowed(op)),
                    value: PredicateOperands(operands.iter().map(|template| self.given(template)).collect()),
                }),
            };
            (&*asked.name, claim)
        })
    }

    fn question(&self, register: &'b RegisterProof) -> ItemBody<'b> {
        let subject = self.subject(register);
        let claims = self.claims(register);
        ItemBody {
            reference: BoundedText(Cow::Borrowed(&self.material.id)),
            dataset: Some(BoundedText(Cow::Borrowed(&register.dataset))),
            subject: MemberList(subject.map(|(name, value)| (name.into(), BoundedText(value))).collect()),
            claims: MemberList(claims.map(|(name, claim)| (name.into(), claim)).collect()),
            max_age_s: None,
        }
    }

    fn search(&self, register: &'b RegisterProof) -> LicenceSearch<'b> {
        LicenceSearch {
            dataset: &register.dataset,
            key: self.subject(register).collect(),
            claims: self.claims(register).collect(),
        }
    }
}

/// The place of the request that a value is taken from.
pub(super) fn place_of(material: &Material, template: &ValueTemplate) -> String {
    match template {
        ValueTemplate::Applicant(name) => format!("/applicant/{name}"),
        ValueTemplate::Material(name) => format!("/materials/{}/{name}", material.id),
        ValueTemplate::Other { material, name } => format!("/materials/{material}/{name}"),
        ValueTemplate::Literal(_) | ValueTemplate::Today(_) | ValueTemplate::DayOfYear { .. } => {
            format!("/materials/{}", material.id)
        }
    }
}
