//! From a schema file to a `Dataset`: the record's JSON Schema, and the `x-heyan` keywords that say what a field means.
//! Unknown keywords are refused: a misspelt one would silently be a field without a mask.

use std::{collections::HashMap, path::Path, sync::Arc};

use jsonschema::{Draft, PatternOptions, Retrieve, Uri, Validator};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    dataset::{Dataset, DatasetAuthority, Field, GuessRule, SubjectMember},
    licence::{LicenceFieldRole, LicenceKeywords, LicenceRules},
};
use heyan_domain::{
    compare::FieldComparator,
    identifier::{IdentifierKind, credit},
    label::BilingualLabel,
    mask::FieldMask,
    policy::{FIELDS_MAX, SharingKind},
};

/// Why the catalogue cannot be compiled.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// A file or folder cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// File or folder.
        path: String,
        /// Cause.
        #[source]
        source: std::io::Error,
    },
    /// A file says something wrong.
    #[error("{file}: at {pointer}: {reason}")]
    File {
        /// File name.
        file: String,
        /// JSON pointer.
        pointer: String,
        /// What is wrong.
        reason: String,
    },
}

impl CatalogError {
    pub(super) fn read(path: &Path, source: std::io::Error) -> Self {
        Self::Read {
            path: path.display().to_string(),
            source,
        }
    }

    pub(super) fn in_file(file: &str, pointer: &str, reason: impl Into<String>) -> Self {
        let pointer = if pointer.is_empty() { "/" } else { pointer };
        Self::File {
            file: file.to_owned(),
            pointer: pointer.to_owned(),
            reason: reason.into(),
        }
    }
}

/// `x-heyan` at the root of the schema.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DatasetKeywords {
    dataset: String,
    revision: u16,
    /// The first revision whose fields have the numbers of this one.
    fields_since: Option<u16>,
    title: BilingualLabel,
    sharing: SharingWord,
    legal_basis: Option<String>,
    authority: DatasetAuthority,
    update_cycle: String,
    freshness_s: u64,
    settle_window_days: u32,
    correction_due_working_days: u32,
    licence: Option<LicenceKeywords>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum SharingWord {
    Unconditional,
    Conditional,
    Withheld,
}

/// `x-heyan` at a member of `subject`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SubjectKeywords {
    label: BilingualLabel,
    identifier: String,
    mask: String,
}

/// `x-heyan` at a member of `fields`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldKeywords {
    label: BilingualLabel,
    comparator: String,
    #[serde(default)]
    options: Value,
    /// Codes with which the subject lives, exists or holds.
    active: Option<Vec<String>>,
    /// What a bare figure counts (元), for amounts.
    unit: Option<String>,
    mask: String,
    #[serde(default)]
    guesses: GuessRule,
    role: Option<LicenceFieldRole>,
}

/// Longest schema file, bytes.
const FILE_BYTES_MAX: usize = 65_536;

/// Longest value where the schema states none, characters.
const CHARACTERS_MAX: usize = 4_096;

/// Compiled size of one regular expression, bytes.
const REGEX_BYTES_MAX: usize = 1 << 20;

/// Refuses every reference: a catalogue is complete in itself.
struct NoRetrieval;

impl Retrieve for NoRetrieval {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        Err(format!("references to other documents are refused: {uri}").into())
    }
}

/// The schema of a file, as it stands and compiled.
pub(super) fn validator(file: &str, text: &str) -> Result<(Value, Validator), CatalogError> {
    let fail = |pointer: &str, reason: String| CatalogError::in_file(file, pointer, reason);
    if text.len() > FILE_BYTES_MAX {
        return Err(fail("", format!("longer than {FILE_BYTES_MAX} bytes")));
    }
    let schema: Value = serde_json::from_str(text).map_err(|error| fail("", error.to_string()))?;
    let validator = jsonschema::options()
        .with_draft(Draft::Draft202012)
        .should_validate_formats(true)
        .with_pattern_options(PatternOptions::regex().size_limit(REGEX_BYTES_MAX))
        .with_retriever(NoRetrieval)
        .build(&schema)
        .map_err(|error| fail(&error.schema_path().to_string(), error.to_string()))?;
    Ok((schema, validator))
}

pub(super) fn compile(file: &str, text: &str, number: u16) -> Result<Dataset, CatalogError> {
    let fail = |pointer: &str, reason: String| CatalogError::in_file(file, pointer, reason);
    let (schema, validator) = validator(file, text)?;
    let root: DatasetKeywords = keywords(file, "", &schema)?;
    if !is_name(&root.dataset) {
        return Err(fail("/x-heyan/dataset", "must be 1 to 32 of a-z, 0-9 and -".to_owned()));
    }
    if root.fields_since.is_some_and(|since| since > root.revision) {
        return Err(fail(
            "/x-heyan/fields_since",
            "must not be after the revision".to_owned(),
        ));
    }
    let sharing = sharing_of(&root).ok_or_else(|| fail("/x-heyan/legal_basis", WITHHELD_REASON.to_owned()))?;
    if !credit::is_sound(&root.authority.credit_code) {
        return Err(fail(
            "/x-heyan/authority/credit_code",
            "is not a unified social credit code".to_owned(),
        ));
    }
    let subject = members(file, &schema, "subject", |pointer, name, member| {
        compile_subject(file, pointer, name, member)
    })?;
    let fields = members(file, &schema, "fields", |pointer, name, member| {
        compile_field(file, pointer, name, member)
    })?;
    if fields.len() > FIELDS_MAX {
        return Err(fail("/properties/fields", format!("more than {FIELDS_MAX} fields")));
    }
    let licence = LicenceRules::compile(file, root.licence, &subject, &fields)?;
    let field_numbers: HashMap<_, _, _> = fields
        .iter()
        .zip(0u8..)
        .map(|(field, n)| (field.name.clone(), n))
        .collect();
    Ok(Dataset {
        number,
        rules: format!("{}@{}", root.dataset, root.revision).into(),
        name: Arc::from(root.dataset),
        revision: root.revision,
        fields_since: root.fields_since.unwrap_or(root.revision),
        title: root.title,
        sharing,
        authority: root.authority,
        update_cycle: root.update_cycle.into(),
        freshness_s: root.freshness_s,
        settle_window_days: root.settle_window_days,
        correction_due_working_days: root.correction_due_working_days,
        subject: subject.into(),
        fields: fields.into(),
        licence,
        field_numbers,
        validator,
        schema,
    })
}

const WITHHELD_REASON: &str = "a withheld dataset names its legal basis, and only a withheld one does";

fn sharing_of(root: &DatasetKeywords) -> Option<SharingKind> {
    match (&root.sharing, &root.legal_basis) {
        (SharingWord::Unconditional, None) => Some(SharingKind::Unconditional),
        (SharingWord::Conditional, None) => Some(SharingKind::Conditional),
        (SharingWord::Withheld, Some(basis)) => Some(SharingKind::Withheld {
            legal_basis: basis.clone(),
        }),
        _ => None,
    }
}

fn compile_subject(file: &str, pointer: &str, name: &str, member: &Value) -> Result<SubjectMember, CatalogError> {
    let words: SubjectKeywords = keywords(file, pointer, member)?;
    let fail = |place: &str, reason: String| CatalogError::in_file(file, &format!("{pointer}/x-heyan/{place}"), reason);
    let kind = IdentifierKind::from_name(&words.identifier)
        .ok_or_else(|| fail("identifier", format!("unknown identifier {}", words.identifier)))?;
    let mask = FieldMask::parse(&words.mask).ok_or_else(|| fail("mask", format!("unknown mask {}", words.mask)))?;
    Ok(SubjectMember {
        name: name.into(),
        label: words.label,
        kind,
        mask,
        characters_max: characters_max(member),
    })
}

fn compile_field(file: &str, pointer: &str, name: &str, member: &Value) -> Result<Field, CatalogError> {
    let words: FieldKeywords = keywords(file, pointer, member)?;
    let fail = |place: &str, reason: String| CatalogError::in_file(file, &format!("{pointer}/x-heyan/{place}"), reason);
    let options = match words.unit {
        None => words.options,
        Some(unit) => with_unit(words.options, unit),
    };
    let comparator = FieldComparator::from_options(&words.comparator, &options)
        .map_err(|error| fail("comparator", error.to_string()))?;
    let mask = FieldMask::parse(&words.mask).ok_or_else(|| fail("mask", format!("unknown mask {}", words.mask)))?;
    let active = words.active.unwrap_or_default();
    if !active.iter().all(|code| comparator.is_readable(code)) {
        return Err(fail("active", "must be values of the field".to_owned()));
    }
    Ok(Field {
        active: active.iter().map(|code| comparator.canonical(code)).collect(),
        name: name.into(),
        label: words.label,
        comparator_name: words.comparator.into(),
        comparator,
        mask,
        guesses: words.guesses,
        role: words.role,
        characters_max: characters_max(member),
    })
}

/// Options with the unit of a bare figure among them.
fn with_unit(options: Value, unit: String) -> Value {
    let mut members = match options {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    members.insert("unit".to_owned(), Value::String(unit));
    Value::Object(members)
}

fn characters_max(member: &Value) -> usize {
    member
        .get("maxLength")
        .and_then(Value::as_u64)
        .and_then(|length| usize::try_from(length).ok())
        .unwrap_or(CHARACTERS_MAX)
}

fn members<T>(
    file: &str,
    schema: &Value,
    part: &str,
    compile: impl Fn(&str, &str, &Value) -> Result<T, CatalogError>,
) -> Result<Vec<T>, CatalogError> {
    let place = format!("/properties/{part}/properties");
    let empty = Map::new();
    let properties = schema.pointer(&place).and_then(Value::as_object).unwrap_or(&empty);
    if properties.is_empty() {
        return Err(CatalogError::in_file(file, &place, "must name at least one member"));
    }
    properties
        .iter()
        .map(|(name, member)| compile(&format!("{place}/{name}"), name, member))
        .collect()
}

fn keywords<T: for<'de> Deserialize<'de>>(file: &str, pointer: &str, schema: &Value) -> Result<T, CatalogError> {
    let place = format!("{pointer}/x-heyan");
    let words = schema
        .get("x-heyan")
        .ok_or_else(|| CatalogError::in_file(file, &place, "is missing"))?;
    T::deserialize(words).map_err(|error| CatalogError::in_file(file, &place, error.to_string()))
}

fn is_name(name: &str) -> bool {
    (1..=32).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}
