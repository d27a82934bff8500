//! What a check asks of the registers, and what it knows without asking: made of the item, the request and the day alone.

use std::borrow::Cow;

use jiff::civil::Date;
use serde::Deserialize;

use crate::{
    foundation::{error::AppError, purpose},
    verification::question::{self, Claim, ItemBody, Members, Operands, PredicateBody, Purpose, Text},
};
use heyan_catalog::{
    Label,
    item::{FoundBy, Material, Proof, Register, ServiceItem, Test},
};
use heyan_domain::{
    fault::{Fault, pointer_segment},
    notice::{Necessity, Standing},
    template::Template,
};

/// `POST /v1/checks`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckBody<'a> {
    /// Why it is asked; `item_code` names the item.
    #[serde(borrow, deserialize_with = "question::object")]
    pub purpose: Purpose<'a>,
    /// Values given once for all materials.
    #[serde(borrow, default)]
    pub applicant: Members<'a, Text<'a>>,
    /// Values of single materials, by key.
    #[serde(borrow, default)]
    pub materials: Members<'a, Members<'a, Text<'a>>>,
    /// What the applicant declares, where the item's needs hang on it.
    #[serde(borrow, default)]
    pub facts: Members<'a, Text<'a>>,
}

/// Values that every counter has of an applicant: an item that does not need one passes it over.
const OF_EVERY_APPLICANT: [&str; 3] = ["name", "id_number", "uscc"];

/// What a check asks of the registers, and what it knows without asking.
pub struct Plan<'b> {
    /// The day of the check.
    pub(super) today: Date,
    pub(super) slots: Option<Vec<Slot<'b>>>,
    pub(super) questions: Vec<ItemBody<'b>>,
    pub(super) searches: Vec<LicenceSearch<'b>>,
}

/// One material of the item.
pub(super) struct Slot<'b> {
    pub(super) material: &'b Material,
    pub(super) state: SlotState<'b>,
}

/// What is done about one material.
pub(super) enum SlotState<'b> {
    /// It is the next question.
    Asked(&'b Register),
    /// It is the next search for a licence.
    Sought(&'b Register),
    /// Nothing is asked.
    Known(Standing<'b>, Vec<String>),
}

/// A licence that is sought by type, number on its face and holder.
pub(super) struct LicenceSearch<'b> {
    pub(super) dataset: &'b str,
    /// In the order of the dataset's key.
    pub(super) key: Vec<(&'b str, Cow<'b, str>)>,
    /// What else must agree; one about a part of the key stands in place of its value.
    pub(super) claims: Vec<(&'b str, Claim<'b>)>,
}

/// Says what is asked for an item on a day, and what is known without asking.
///
/// # Errors
/// Materials, values or facts that the item does not have.
pub fn plan<'b>(item: &'b ServiceItem, body: &'b CheckBody<'_>, today: Date) -> Result<Plan<'b>, AppError> {
    refuse_unknown(item, body)?;
    let mut plan = Plan {
        today,
        slots: None,
        questions: Vec::new(),
        searches: Vec::new(),
    };
    if let Some(materials) = item.materials.as_deref() {
        let slot = |material| Slot {
            material,
            state: state_of(material, body, &mut plan),
        };
        let slots = materials.iter().map(slot).collect();
        plan.slots = Some(slots);
    }
    Ok(plan)
}

impl Plan<'_> {
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
    let mut unknown = |pointer: String| faults.push(Fault::new(pointer, "unknown_member"));
    for (name, _) in &body.applicant.0 {
        let takes = |template: &Template| matches!(template, Template::Applicant(taken) if **taken == **name);
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
            let takes = |template: &Template| matches!(template, Template::Material(taken) if **taken == **name);
            let other = |template: &Template| matches!(template, Template::Other { material, name: taken } if **material == **id && **taken == **name);
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

fn state_of<'b>(material: &'b Material, body: &'b CheckBody<'_>, plan: &mut Plan<'b>) -> SlotState<'b> {
    let known = |standing| SlotState::Known(standing, Vec::new());
    if let Some(when) = &material.when {
        match body.facts.get(&when.fact).filter(|text| !purpose::is_blank(text)) {
            None => {
                let place = format!("/facts/{}", when.fact);
                return SlotState::Known(Standing::FactMissing(&when.question), vec![place]);
            }
            Some(fact) if !when.is.iter().any(|value| **value == **fact) => return known(Standing::NotNeeded),
            Some(_) => {}
        }
    }
    let is_optional = material.necessity == Necessity::Optional;
    match &material.proof {
        Proof::NotVerifiable(_) | Proof::ByAuthority(_) | Proof::NotMapped if is_optional => known(Standing::NotNeeded),
        Proof::NotVerifiable(reason) => known(Standing::NotVerifiable(reason)),
        Proof::ByAuthority(reason) => known(Standing::ByAuthority(reason)),
        Proof::NotMapped => known(Standing::NotMapped),
        Proof::Register(register) => {
            let values = Values {
                body,
                material,
                own: body.materials.get(&material.id),
                today: plan.today,
            };
            match values.missing(register) {
                Some(_missing) if is_optional && values.own.is_none() => known(Standing::NotNeeded),
                Some((labels, places)) => SlotState::Known(Standing::ValueMissing(labels), places),
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
struct Values<'b> {
    body: &'b CheckBody<'b>,
    material: &'b Material,
    own: Option<&'b Members<'b, Text<'b>>>,
    today: Date,
}

/// What is missing: what people call it, and its place in the request.
type Missing<'b> = (Vec<&'b Label>, Vec<String>);

impl<'b> Values<'b> {
    fn value(&self, template: &'b Template) -> Option<Cow<'b, str>> {
        let given = match template {
            Template::Applicant(name) => self.body.applicant.get(name),
            Template::Material(name) => self.own.and_then(|own| own.get(name)),
            Template::Other { material, name } => self.body.materials.get(material).and_then(|other| other.get(name)),
            Template::Literal(_) | Template::Today(_) | Template::DayOfYear { .. } => {
                return template.own_value(self.today);
            }
        };
        let given = given.filter(|text| !purpose::is_blank(text));
        given.map(|text| Cow::Borrowed(&**text))
    }

    /// What has to be given before the register can be asked; `None`: nothing.
    fn missing(&self, register: &'b Register) -> Option<Missing<'b>> {
        let (mut labels, mut places): Missing<'b> = (Vec::new(), Vec::new());
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

    fn given(&self, template: &'b Template) -> Cow<'b, str> {
        self.value(template).unwrap_or_default()
    }

    /// Members of the subject, or parts of the key, with their values.
    fn subject(&self, register: &'b Register) -> impl Iterator<Item = (&'b str, Cow<'b, str>)> {
        register.subject.iter().filter_map(|asked| {
            let template = asked.templates().first()?;
            Some((&*asked.name, self.given(template)))
        })
    }

    fn claims(&self, register: &'b Register) -> impl Iterator<Item = (&'b str, Claim<'b>)> {
        register.claims.iter().map(|asked| {
            let claim = match &asked.test {
                Test::Literal(template) => Claim::Literal(self.given(template)),
                Test::Predicate { op, operands } => Claim::Predicate(PredicateBody {
                    op: Text(Cow::Borrowed(op)),
                    value: Operands(operands.iter().map(|template| self.given(template)).collect()),
                }),
            };
            (&*asked.name, claim)
        })
    }

    fn question(&self, register: &'b Register) -> ItemBody<'b> {
        let subject = self.subject(register);
        let claims = self.claims(register);
        ItemBody {
            reference: Text(Cow::Borrowed(&self.material.id)),
            dataset: Some(Text(Cow::Borrowed(&register.dataset))),
            subject: Members(subject.map(|(name, value)| (name.into(), Text(value))).collect()),
            claims: Members(claims.map(|(name, claim)| (name.into(), claim)).collect()),
            max_age_s: None,
        }
    }

    fn search(&self, register: &'b Register) -> LicenceSearch<'b> {
        LicenceSearch {
            dataset: &register.dataset,
            key: self.subject(register).collect(),
            claims: self.claims(register).collect(),
        }
    }
}

/// The place of the request that a value is taken from.
pub(super) fn place_of(material: &Material, template: &Template) -> String {
    match template {
        Template::Applicant(name) => format!("/applicant/{name}"),
        Template::Material(name) => format!("/materials/{}/{name}", material.id),
        Template::Other { material, name } => format!("/materials/{material}/{name}"),
        Template::Literal(_) | Template::Today(_) | Template::DayOfYear { .. } => format!("/materials/{}", material.id),
    }
}
