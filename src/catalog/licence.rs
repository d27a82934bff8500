//! What makes a dataset one of electronic licences: the keyword `licence` at the root of its schema, and roles of fields that say which of
//! them holds what. A register may name its fields as it likes; nothing in Rust knows the names.

use serde::Deserialize;

use super::{
    compile::CatalogError,
    dataset::{Field, SubjectMember},
};
use heyan_domain::{identifier::IdentifierKind, licence::status::StatusWords};

/// What a field of a licence holds (`"role"` in `x-heyan`); the elements of GB/T 36903 that the hub itself reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LicenceFieldRole {
    /// 证照状态, a word of the vocabulary.
    Status,
    /// 有效期起始.
    ValidFrom,
    /// 有效期截止.
    ValidUntil,
    /// SHA-256 of the file.
    FileSha256,
    /// SM3 of the file.
    FileSm3,
    /// 证照颁发日期.
    IssuedOn,
    /// Identifier of the version before this one.
    Previous,
    /// 操作类型, a word of the vocabulary.
    Operation,
}

/// `licence` in `x-heyan` at the root.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LicenceKeywords {
    vocabulary: String,
    key: Vec<String>,
}

/// The licence side of a dataset.
pub struct LicenceRules {
    /// Its status and operation words.
    pub vocabulary: &'static StatusWords,
    /// Fields that find a licence together, by number: its type, the number on its face, and, last, its holder.
    pub key: Box<[u8]>,
    roles: Box<[(LicenceFieldRole, u8)]>,
}

/// Whether a field's comparator reads what its role needs.
fn fits(role: LicenceFieldRole, field: &Field) -> bool {
    match role {
        LicenceFieldRole::ValidFrom | LicenceFieldRole::ValidUntil | LicenceFieldRole::IssuedOn => {
            field.comparator.is_date()
        }
        LicenceFieldRole::FileSha256 | LicenceFieldRole::FileSm3 => &*field.comparator_name == "digest",
        LicenceFieldRole::Previous => &*field.comparator_name == "licence_identifier",
        LicenceFieldRole::Status | LicenceFieldRole::Operation => true,
    }
}

impl LicenceRules {
    /// The number of the field with a role.
    pub fn field(&self, role: LicenceFieldRole) -> Option<u8> {
        self.roles
            .iter()
            .find(|(known, _)| *known == role)
            .map(|(_, number)| *number)
    }

    /// Compiles the keyword against the dataset's fields.
    pub(super) fn compile(
        file: &str,
        words: Option<LicenceKeywords>,
        subject: &[SubjectMember],
        fields: &[Field],
    ) -> Result<Option<Self>, CatalogError> {
        let fail = |place: &str, reason: &str| Err(CatalogError::in_file(file, place, reason));
        let roles: Vec<(LicenceFieldRole, u8)> = fields
            .iter()
            .zip(0_u8..)
            .filter_map(|(field, number)| Some((field.role?, number)))
            .collect();
        let Some(words) = words else {
            return match roles.is_empty() {
                true => Ok(None),
                false => fail("/x-heyan/licence", "is missing: a field has a role"),
            };
        };
        for (position, (role, number)) in roles.iter().enumerate() {
            let Some(field) = fields.get(usize::from(*number)) else {
                continue;
            };
            let place = format!("/properties/fields/properties/{}/x-heyan/role", field.name);
            if roles.iter().take(position).any(|(other, _)| other == role) {
                return fail(&place, "another field has this role");
            }
            if !fits(*role, field) {
                return fail(&place, "does not fit the comparator");
            }
        }
        let has = |role: LicenceFieldRole| roles.iter().any(|(known, _)| *known == role);
        if !has(LicenceFieldRole::Status)
            || !has(LicenceFieldRole::ValidUntil)
            || !(has(LicenceFieldRole::FileSha256) || has(LicenceFieldRole::FileSm3))
        {
            return fail(
                "/x-heyan/licence",
                "needs fields with the roles status, valid_until and file_sha256 or file_sm3",
            );
        }
        if !matches!(subject, [member] if member.kind == IdentifierKind::LicenceIdentifier) {
            return fail("/properties/subject", "a licence has one licence_identifier");
        }
        let Some(vocabulary) = StatusWords::named(&words.vocabulary) else {
            return fail(
                "/x-heyan/licence/vocabulary",
                "is not one of the vocabularies in config/reference/licence_status.csv",
            );
        };
        let number_of = |name: &String| fields.iter().zip(0_u8..).find(|(field, _)| *field.name == **name);
        let key: Option<Vec<u8>> = words.key.iter().map(|name| Some(number_of(name)?.1)).collect();
        match key {
            Some(key) if key.len() >= 3 => Ok(Some(Self {
                vocabulary,
                key: key.into(),
                roles: roles.into(),
            })),
            _ => fail(
                "/x-heyan/licence/key",
                "names fields: the type, the number on the face, and last the holder",
            ),
        }
    }
}
