//! A service item as it is written: in `config/items/*.toml`, in `PUT /v1/items`, and in the store.
//! Members of the city's own list of items (`item_code`, `agency_name` …) are understood beside ours: such a list says nothing of
//! materials, and `materials` that is left out means "not known", while an empty list means "none".

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use heyan_domain::label::BilingualLabel;

/// A service item (政务服务事项).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ItemSpec {
    /// Code, opaque: there are many forms of it (GB/T 39554.1 and older ones).
    #[serde(alias = "item_code")]
    pub code: String,
    /// Name.
    #[serde(alias = "item_name")]
    pub name: String,
    /// Name in English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_en: Option<String>,
    /// Kind of power or service, such as 行政许可.
    #[serde(alias = "item_type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Which of the two lists it stands in.
    #[serde(default)]
    pub list: ItemList,
    /// Code of the agency that handles it; older lists hold 9 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agency_code: Option<String>,
    /// Name of the agency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agency_name: Option<String>,
    /// Its name in English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agency_name_en: Option<String>,
    /// Who applies.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub applicant: Option<ApplicantKind>,
    /// Promised working days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit_days: Option<u16>,
    /// A newer version replaces an older one.
    #[serde(default = "first_version")]
    pub version: u32,
    /// What it needs; `None`: not known.
    #[serde(alias = "material", default, skip_serializing_if = "Option::is_none")]
    pub materials: Option<Vec<MaterialSpec>>,
}

/// A member that is there is whole: `null` is none of it.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

const fn first_version() -> u32 {
    1
}

/// The catalogue of what there is (目录清单), or the list by which one agency handles it (实施清单).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemList {
    /// 目录清单.
    Directory,
    /// 实施清单.
    #[default]
    Implementation,
}

impl ItemList {
    /// The wire word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Directory => "directory",
            Self::Implementation => "implementation",
        }
    }
}

/// Who applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApplicantKind {
    /// A natural person.
    Person,
    /// A legal entity.
    Firm,
    /// Either.
    Either,
}

/// One material (材料).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaterialSpec {
    /// Its key in `materials` of a check, unique in the item.
    pub id: String,
    /// Name.
    pub name: String,
    /// Name in English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_en: Option<String>,
    /// The applicant may leave it out.
    #[serde(default, skip_serializing_if = "is_false")]
    pub optional: bool,
    /// It is needed only when this holds.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub when: Option<WhenSpec>,
    /// The item still demands it on paper.
    #[serde(default, skip_serializing_if = "is_false")]
    pub paper: bool,
    /// The register that proves it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset: Option<String>,
    /// The record that is asked about.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub subject: BTreeMap<String, String>,
    /// What must agree.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub claims: BTreeMap<String, ClaimSpec>,
    /// Why no register can prove it.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub not_verifiable: Option<BilingualLabel>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference over")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// A condition on what the applicant declares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WhenSpec {
    /// Name of the fact in `facts` of a check.
    pub fact: String,
    /// Values with which the material is needed.
    pub is: Vec<String>,
    /// What to ask the applicant when the fact was not declared.
    pub question: BilingualLabel,
}

/// What must agree in one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ClaimSpec {
    /// A value, or where to take it from.
    Value(String),
    /// A condition.
    Predicate(PredicateSpec),
}

/// `{op, value}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PredicateSpec {
    /// As in a verification.
    pub op: String,
    /// One value, or several.
    pub value: OperandsSpec,
}

/// The values of a condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum OperandsSpec {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl OperandsSpec {
    /// The values.
    pub fn values(&self) -> &[String] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
        }
    }
}
