//! From an item as it is written to one that can be checked: every register, member and field that it names must exist, and every
//! condition must have a meaning for its field.

use std::collections::HashSet;

use super::{
    AskedMember, AskedTest, ClaimSpec, ItemCondition, ItemSpec, MATERIALS_MAX, Material, MaterialProof, MaterialSpec,
    RegisterProof, ServiceItem, WhenSpec,
};
use crate::{Catalog, Dataset, Field};
use heyan_domain::{
    fault::{FaultCause, LengthLimit, MemberFault, pointer_segment},
    label::BilingualLabel,
    notice::MaterialNecessity,
    predicate::{InvalidPredicate, Predicate},
    template::ValueTemplate,
};

/// Longest code, bytes.
const CODE_BYTES_MAX: usize = 128;

/// Longest name or text, bytes.
const TEXT_BYTES_MAX: usize = 1_024;

/// Longest key of a material or fact, bytes.
const KEY_BYTES_MAX: usize = 64;

/// Values of one condition on a fact.
const VALUES_MAX: usize = 16;

/// Faults named at once.
const FAULTS_MAX: usize = 32;

/// Stands in for the day of a check while a condition is tried.
const SOME_DAY: &str = "2026-01-01";

/// Compiles an item.
///
/// # Errors
/// What is wrong with it, by place.
pub fn compile(spec: ItemSpec, catalog: &Catalog) -> Result<ServiceItem, Vec<MemberFault>> {
    let mut faults = ItemFaults::default();
    check_head(&spec, &mut faults);
    let materials = spec.materials.as_deref().map(|materials| {
        if materials.len() > MATERIALS_MAX {
            faults.add("/materials", FaultCause::Over(LengthLimit::Items(MATERIALS_MAX)));
            return Vec::new();
        }
        let mut ids = HashSet::new();
        let mut compiled = Vec::with_capacity(materials.len());
        for (number, material) in materials.iter().enumerate() {
            faults.at = format!("/materials/{number}");
            if !ids.insert(material.id.as_str()) {
                faults.add("/id", "duplicate_member");
            }
            compiled.extend(compile_material(material, catalog, &mut faults));
        }
        compiled
    });
    if !faults.all.is_empty() {
        return Err(faults.all);
    }
    Ok(ServiceItem {
        name: BilingualLabel::of(&spec.name, spec.name_en.as_deref()),
        materials: materials.map(Into::into),
        spec,
    })
}

/// Faults, and the place that they are added under.
#[derive(Default)]
struct ItemFaults {
    all: Vec<MemberFault>,
    at: String,
}

impl ItemFaults {
    fn add(&mut self, pointer: impl AsRef<str>, cause: impl Into<FaultCause>) {
        if self.all.len() < FAULTS_MAX {
            self.all.push(MemberFault::of(
                format!("{}{}", self.at, pointer.as_ref()),
                cause.into(),
            ));
        }
    }

    /// A text for people, not empty and not too long.
    fn check_text(&mut self, pointer: &str, text: &str) {
        if text.trim().is_empty() || text.chars().any(char::is_control) {
            self.add(pointer, "invalid_value");
        } else if text.len() > TEXT_BYTES_MAX {
            self.add(pointer, FaultCause::Over(LengthLimit::Bytes(TEXT_BYTES_MAX)));
        }
    }

    fn check_label(&mut self, pointer: &str, label: &BilingualLabel) {
        self.check_text(&format!("{pointer}/zh"), &label.zh);
        self.check_text(&format!("{pointer}/en"), &label.en);
    }

    /// A key that stands in requests.
    fn check_key(&mut self, pointer: &str, key: &str) {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-';
        if key.is_empty() || key.len() > KEY_BYTES_MAX || !key.bytes().all(plain) {
            self.add(pointer, "invalid_value");
        }
    }
}

fn check_head(spec: &ItemSpec, faults: &mut ItemFaults) {
    let code = &spec.code;
    // It stands in a path: `report` is another route there, and a slash would begin another segment.
    let odd = |c: char| c.is_control() || c.is_whitespace() || c == '/';
    if code.is_empty() || code == "report" || code.chars().any(odd) {
        faults.add("/code", "invalid_value");
    } else if code.len() > CODE_BYTES_MAX {
        faults.add("/code", FaultCause::Over(LengthLimit::Bytes(CODE_BYTES_MAX)));
    }
    faults.check_text("/name", &spec.name);
    let optional = [
        ("/name_en", &spec.name_en),
        ("/kind", &spec.kind),
        ("/agency_code", &spec.agency_code),
        ("/agency_name", &spec.agency_name),
        ("/agency_name_en", &spec.agency_name_en),
    ];
    for (pointer, text) in optional {
        if let Some(text) = text {
            faults.check_text(pointer, text);
        }
    }
    if spec.version == 0 {
        faults.add("/version", "invalid_value");
    }
}

fn compile_material(spec: &MaterialSpec, catalog: &Catalog, faults: &mut ItemFaults) -> Option<Material> {
    faults.check_key("/id", &spec.id);
    faults.check_text("/name", &spec.name);
    if let Some(text) = &spec.name_en {
        faults.check_text("/name_en", text);
    }
    let when = spec.when.as_ref().map(|when| compile_when(when, faults));
    let proof = match (&spec.dataset, &spec.not_verifiable) {
        (Some(_), Some(_)) => {
            faults.add("/not_verifiable", "invalid_value");
            return None;
        }
        (Some(dataset), None) => MaterialProof::Register(compile_register(dataset, spec, catalog, faults)?),
        (None, reason) => {
            // What is asked has no meaning where nobody is asked.
            if !spec.subject.is_empty() || !spec.claims.is_empty() {
                faults.add("/dataset", "missing_member");
                return None;
            }
            match reason {
                Some(reason) => {
                    faults.check_label("/not_verifiable", reason);
                    MaterialProof::NotVerifiable(reason.clone())
                }
                None => MaterialProof::NotMapped,
            }
        }
    };
    Some(Material {
        id: spec.id.as_str().into(),
        name: BilingualLabel::of(&spec.name, spec.name_en.as_deref()),
        necessity: match spec.optional {
            true => MaterialNecessity::Optional,
            false => MaterialNecessity::Required,
        },
        when,
        proof,
    })
}

fn compile_when(spec: &WhenSpec, faults: &mut ItemFaults) -> ItemCondition {
    faults.check_key("/when/fact", &spec.fact);
    faults.check_label("/when/question", &spec.question);
    if spec.is.is_empty() || spec.is.len() > VALUES_MAX {
        faults.add("/when/is", "invalid_value");
    }
    for (number, value) in spec.is.iter().take(VALUES_MAX).enumerate() {
        faults.check_text(&format!("/when/is/{number}"), value);
    }
    ItemCondition {
        fact: spec.fact.as_str().into(),
        is: spec.is.iter().map(|value| value.as_str().into()).collect(),
        question: spec.question.clone(),
    }
}

fn compile_register(
    name: &str,
    spec: &MaterialSpec,
    catalog: &Catalog,
    faults: &mut ItemFaults,
) -> Option<RegisterProof> {
    let Some(dataset) = catalog.get(name) else {
        faults.add("/dataset", "unknown_dataset");
        return None;
    };
    let subject = compile_subject(dataset, spec, faults);
    if spec.claims.is_empty() {
        faults.add("/claims", "missing_member");
    }
    let mut claims = Vec::with_capacity(spec.claims.len());
    for (name, claim) in &spec.claims {
        let pointer = format!("/claims/{}", pointer_segment(name));
        let field = dataset.field_number(name).and_then(|number| dataset.field(number));
        let Some(field) = field else {
            faults.add(pointer, "unknown_field");
            continue;
        };
        match compile_claim(field, claim) {
            Ok(test) => claims.push(AskedMember {
                name: field.name.clone(),
                label: field.label.clone(),
                test,
            }),
            Err(cause) => faults.add(pointer, cause),
        }
    }
    Some(RegisterProof {
        dataset: dataset.name.clone(),
        subject,
        claims: claims.into(),
    })
}

fn compile_subject(dataset: &Dataset, spec: &MaterialSpec, faults: &mut ItemFaults) -> Box<[AskedMember]> {
    let known = |name: &str| dataset.subject.iter().any(|member| *member.name == *name);
    for name in spec.subject.keys().filter(|name| !known(name)) {
        faults.add(format!("/subject/{}", pointer_segment(name)), "unknown_member");
    }
    let mut asked = Vec::with_capacity(dataset.subject.len());
    for member in &dataset.subject {
        let pointer = format!("/subject/{}", member.name);
        match spec.subject.get(&*member.name).map(|text| ValueTemplate::parse(text)) {
            None => faults.add(pointer, "missing_member"),
            // A day is no identifier, and one record for every applicant is a mistake.
            Some(Ok(template)) if template.is_declared() => asked.push(AskedMember {
                name: member.name.clone(),
                label: member.label.clone(),
                test: AskedTest::Literal(template),
            }),
            Some(_) => faults.add(pointer, "invalid_value"),
        }
    }
    asked.into()
}

fn compile_claim(field: &Field, claim: &ClaimSpec) -> Result<AskedTest, FaultCause> {
    match claim {
        ClaimSpec::Value(text) => {
            let template = ValueTemplate::parse(text).map_err(|_unknown| "invalid_value")?;
            match &template {
                ValueTemplate::Literal(text) if text.trim().is_empty() => return Err("invalid_claim".into()),
                ValueTemplate::Literal(text) if text.chars().count() > field.characters_max => {
                    return Err(FaultCause::Over(LengthLimit::Characters(field.characters_max)));
                }
                ValueTemplate::Today(_) if !field.comparator.is_date() => return Err("invalid_claim".into()),
                _ => {}
            }
            Ok(AskedTest::Literal(template))
        }
        ClaimSpec::Predicate(predicate) => {
            let operands: Result<Vec<ValueTemplate>, _> = predicate
                .value
                .values()
                .iter()
                .map(|text| ValueTemplate::parse(text))
                .collect();
            let operands = operands.map_err(|_unknown| "invalid_value")?;
            let sample = |template: &ValueTemplate| match template {
                ValueTemplate::Literal(text) => text.to_string(),
                _ => SOME_DAY.to_owned(),
            };
            let samples: Vec<String> = operands.iter().map(sample).collect();
            let samples: Vec<&str> = samples.iter().map(String::as_str).collect();
            let is_declared = operands.iter().any(ValueTemplate::is_declared);
            match Predicate::new(&predicate.op, &samples, &field.comparator) {
                // The form of a value that is declared later is not known now.
                Err(InvalidPredicate::OperandForm) if is_declared => {}
                tried => drop(tried.map_err(|_invalid| "invalid_predicate")?),
            }
            Ok(AskedTest::Predicate {
                op: predicate.op.as_str().into(),
                operands: operands.into(),
            })
        }
    }
}

#[cfg(test)]
mod tests;
