//! Who holds a licence or owns an estate: a person or a firm.

use super::{firm::Firm, person::Person};

/// Who holds a licence or owns an estate.
pub struct Holder {
    name: String,
    pub(super) id: [u8; 18],
    kind: HolderParty,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum HolderParty {
    Person,
    Firm,
}

impl Holder {
    /// The holder that is this one.
    pub(super) fn of_person(person: Person) -> Self {
        Self {
            id: person.id_number,
            name: person.name,
            kind: HolderParty::Person,
        }
    }

    /// The holder that is this one.
    pub(super) fn of_firm(firm: Firm) -> Self {
        Self {
            id: firm.uscc,
            name: firm.name,
            kind: HolderParty::Firm,
        }
    }

    /// Name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Resident number or credit code.
    pub fn id(&self) -> &str {
        str::from_utf8(&self.id).unwrap_or_default()
    }

    /// Whether `id` is a credit code.
    pub fn is_firm(&self) -> bool {
        self.kind == HolderParty::Firm
    }
}
