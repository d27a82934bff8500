//! Service items, compiled against the catalogue: each material knows its register, and every field that it names exists.
//! An item that does not compile is refused with the place; a check never meets one.

mod compile;
mod shipped;
mod spec;

use std::sync::Arc;

pub use compile::compile;
pub use shipped::load;
pub use spec::{ApplicantKind, ClaimSpec, ItemList, ItemSpec, MaterialSpec, OperandsSpec, PredicateSpec, WhenSpec};

use heyan_domain::{label::BilingualLabel, notice::MaterialNecessity, template::ValueTemplate};

/// Materials of one item.
pub(crate) const MATERIALS_MAX: usize = 64;

/// A service item that compiled.
pub struct ServiceItem {
    /// As it was written.
    pub spec: ItemSpec,
    /// Its name in both languages.
    pub name: BilingualLabel,
    /// The agency that handles it, where it is known.
    pub authority: Option<BilingualLabel>,
    /// What it needs; `None`: not known.
    pub materials: Option<Box<[Material]>>,
}

/// One material of an item.
pub struct Material {
    /// Its key.
    pub id: Box<str>,
    /// What people call it.
    pub name: BilingualLabel,
    /// Whether it may be left out.
    pub necessity: MaterialNecessity,
    /// When it is needed; `None`: always.
    pub when: Option<ItemCondition>,
    /// How it is proven.
    pub proof: MaterialProof,
    /// What else is told when it is asked for.
    pub note: Option<BilingualLabel>,
}

/// A condition on a declared fact.
pub struct ItemCondition {
    /// Its name.
    pub fact: Box<str>,
    /// Values with which the material is needed.
    pub is: Box<[Box<str>]>,
    /// What to ask when it was not declared.
    pub question: BilingualLabel,
}

/// How a material is proven.
pub enum MaterialProof {
    /// By a register.
    Register(RegisterProof),
    /// By none, for this reason: the applicant brings it.
    NotVerifiable(BilingualLabel),
    /// By none, for this reason: the authority examines it.
    ByAuthority(BilingualLabel),
    /// How it is proved is not registered yet.
    NotMapped,
}

/// What a register is asked.
pub struct RegisterProof {
    /// Dataset.
    pub dataset: Arc<str>,
    /// How the record is found.
    pub found_by: FoundBy,
    /// Members of the subject, or the parts of a licence's key in the order of the dataset.
    pub subject: Box<[AskedMember]>,
    /// Fields, with what must agree.
    pub claims: Box<[AskedMember]>,
    /// The condition that the record is in force, in words; `None`: it need not be.
    pub in_force: Option<BilingualLabel>,
}

/// How a record is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FoundBy {
    /// By its identifier.
    Identifier,
    /// A licence by type, number on its face and holder together.
    Holder,
}

/// One member or field that is asked about.
pub struct AskedMember {
    /// Its name.
    pub name: Box<str>,
    /// What people call it.
    pub label: BilingualLabel,
    /// What must agree.
    pub test: AskedTest,
    /// What the item demands, in words; `None` for what somebody declares.
    pub condition: Option<BilingualLabel>,
}

/// What must agree.
pub enum AskedTest {
    /// A value.
    Literal(ValueTemplate),
    /// A condition.
    Predicate {
        /// Operation.
        op: Box<str>,
        /// Its values.
        operands: Box<[ValueTemplate]>,
    },
}

impl AskedMember {
    /// Every place that a value is taken from.
    pub fn templates(&self) -> &[ValueTemplate] {
        match &self.test {
            AskedTest::Literal(template) => std::slice::from_ref(template),
            AskedTest::Predicate { operands, .. } => operands,
        }
    }

    /// Whether it holds what somebody declared against the register, not what the item demands.
    pub fn is_declared(&self) -> bool {
        self.templates().iter().any(ValueTemplate::is_declared)
    }
}

impl RegisterProof {
    /// Subject and claims.
    pub fn asked(&self) -> impl Iterator<Item = &AskedMember> {
        self.subject.iter().chain(&self.claims)
    }
}

impl ServiceItem {
    /// The item without what could not be compiled: its materials are then not known.
    pub fn without_materials(spec: ItemSpec) -> Self {
        Self {
            name: BilingualLabel::of(&spec.name, spec.name_en.as_deref()),
            authority: spec.authority(),
            spec,
            materials: None,
        }
    }
}

impl Material {
    /// Every place that a value of this material is taken from.
    pub fn templates(&self) -> impl Iterator<Item = &ValueTemplate> {
        let register = match &self.proof {
            MaterialProof::Register(register) => Some(register),
            MaterialProof::NotVerifiable(_) | MaterialProof::ByAuthority(_) | MaterialProof::NotMapped => None,
        };
        let asked = register.into_iter().flat_map(RegisterProof::asked);
        asked.flat_map(AskedMember::templates)
    }
}
