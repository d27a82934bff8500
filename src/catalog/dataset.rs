//! One compiled dataset: its subject, its fields with their comparators, whose it is, and how it may be shared.
//! Field numbers are positions in the schema file and belong to one revision (`rules`), not to the name alone.

use std::{collections::HashMap, sync::Arc};

use jiff::civil::Date;
use jsonschema::{ValidationError, Validator, error::ValidationErrorKind};
use serde::Serialize;
use serde_json::Value;

use super::licence::{LicenceFieldRole, LicenceRules};
use heyan_domain::{
    compare::{CanonicalValue, FieldComparator},
    fault::{LengthLimit, MemberFault, pointer_segment},
    identifier::{CanonicalIdentifier, IdentifierFinding, IdentifierKind, InvalidIdentifier, RAW_BYTES_MAX, resident},
    label::BilingualLabel,
    mask::FieldMask,
    policy::SharingKind,
    verdict::Verdict,
};

/// The department answerable for a dataset (数据源部门).
#[derive(Clone, Debug, Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatasetAuthority {
    /// Its name.
    pub name: BilingualLabel,
    /// Its unified social credit code, 18 characters.
    pub credit_code: String,
}

/// One identifier of a subject.
pub struct SubjectMember {
    /// Member name in `subject`.
    pub name: Box<str>,
    /// What people call it.
    pub label: BilingualLabel,
    /// How it is parsed.
    pub kind: IdentifierKind,
    /// How it is shown.
    pub mask: FieldMask,
    /// Longest value, characters.
    pub characters_max: usize,
}

/// One field of a record.
pub struct Field {
    /// Member name in `fields`.
    pub name: Box<str>,
    /// What people call it.
    pub label: BilingualLabel,
    /// Word of the comparator in the schema.
    pub comparator_name: Box<str>,
    /// How a claim is compared.
    pub comparator: FieldComparator,
    /// How it is shown.
    pub mask: FieldMask,
    /// Whether wrong claims of it are counted.
    pub guesses: GuessRule,
    /// What the hub itself reads it as.
    pub role: Option<LicenceFieldRole>,
    /// Longest value, characters.
    pub characters_max: usize,
    /// Values with which the subject lives, exists or holds; empty where the field does not say.
    pub active: Box<[CanonicalValue]>,
}

impl Field {
    /// Whether a value says that the subject no longer lives, exists or holds.
    pub fn says_inactive(&self, value: &CanonicalValue) -> bool {
        let agrees = |active: &CanonicalValue| self.comparator.compare(active.raw(), value) != Verdict::Mismatch;
        !self.active.is_empty() && !value.is_unreadable() && !self.active.iter().any(agrees)
    }
}

/// Whether wrong claims of a field are counted against the guess budget (`"guesses"` in `x-heyan`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuessRule {
    /// They are.
    #[default]
    Counted,
    /// Everyone may know the value: it stands in a public register, or on the face of a document.
    Free,
}

/// A dataset (数据资源).
pub struct Dataset {
    /// Position in this run's catalogue.
    pub number: u16,
    /// Name, such as `natural-person`.
    pub name: Arc<str>,
    /// Name and revision, such as `natural-person@2`: the rule set that an answer states.
    pub rules: Box<str>,
    /// Revision of the schema.
    pub revision: u16,
    /// The first revision whose fields have the numbers of this one: what it decided is still told by name.
    pub fields_since: u16,
    /// What people call it.
    pub title: BilingualLabel,
    /// Sharing class.
    pub sharing: SharingKind,
    /// Whose it is.
    pub authority: DatasetAuthority,
    /// How often the authority updates it, ISO 8601 duration.
    pub update_cycle: Box<str>,
    /// Age from which a copy counts as stale, seconds.
    pub freshness_s: u64,
    /// Days in which a later match of the same application settles a mismatch.
    pub settle_window_days: u32,
    /// Working days that the authority has to decide a correction.
    pub correction_due_working_days: u32,
    /// Identifiers of the subject.
    pub subject: Box<[SubjectMember]>,
    /// Fields, by number.
    pub fields: Box<[Field]>,
    /// What it says of itself as a register of licences, when it is one.
    pub licence: Option<LicenceRules>,
    pub(super) field_numbers: HashMap<Box<str>, u8, ahash::RandomState>,
    pub(super) validator: Validator,
    pub(super) schema: Value,
}

/// A subject that was parsed: the key of its record.
pub struct ParsedSubject {
    /// Dataset number and canonical identifiers: the cache's key.
    pub key: Box<[u8]>,
    /// The key of the other reading of an identifier that has two, such as a 15-digit number of either century.
    pub alternative: Option<Box<[u8]>>,
    /// What was noticed on the way, never a refusal.
    pub findings: Vec<IdentifierFinding>,
}

impl ParsedSubject {
    /// The canonical identifiers, as the pseudonym is made of them.
    pub fn canonical(&self) -> &[u8] {
        self.key.get(2..).unwrap_or_default()
    }
}

impl Dataset {
    /// The number of a field.
    pub fn field_number(&self, name: &str) -> Option<u8> {
        self.field_numbers.get(name).copied()
    }

    /// Whether field numbers of an answer's rules, such as `natural-person@2`, are those of this revision.
    pub fn shares_fields(&self, rules: &str) -> bool {
        if *self.rules == *rules {
            return true;
        }
        let revision = rules.split_once('@').filter(|(name, _)| **name == *self.name);
        let revision = revision.and_then(|(_, revision)| revision.parse::<u16>().ok());
        revision.is_some_and(|revision| (self.fields_since..=self.revision).contains(&revision))
    }

    /// A field by number.
    pub fn field(&self, number: u8) -> Option<&Field> {
        self.fields.get(usize::from(number))
    }

    /// The JSON Schema as the file states it.
    pub fn schema(&self) -> &Value {
        &self.schema
    }

    /// The identifiers of a cache key, by member name: the way back from [`Subject::key`].
    pub fn members_of(&self, key: &[u8]) -> Vec<(String, String)> {
        let canonical = key.get(2..).unwrap_or_default();
        let values = canonical.split(|byte| *byte == SEPARATOR);
        let members = self.subject.iter().zip(values);
        members
            .map(|(member, value)| (member.name.to_string(), String::from_utf8_lossy(value).into_owned()))
            .collect()
    }

    /// Checks a whole record (`{"subject":{},"fields":{}}`) against the schema.
    pub fn check(&self, record: &Value) -> Vec<MemberFault> {
        faults(&self.validator, record)
    }

    /// What a subject's identifier says that cannot be on a day: a birth that is still to come.
    pub fn finding_on(&self, subject: &ParsedSubject, today: impl FnOnce() -> Date) -> Option<IdentifierFinding> {
        let [member] = &*self.subject else { return None };
        // Nearly everybody is told by one digit: who was born in the last century, or the one before, is born.
        let is_recent = subject.canonical().get(6).is_some_and(|digit| *digit >= b'2');
        if !is_recent || member.kind != IdentifierKind::ResidentNumber {
            return None;
        }
        let born = std::str::from_utf8(subject.canonical())
            .ok()
            .and_then(resident::birth_date)?;
        (born > today()).then_some(IdentifierFinding::DateInFuture)
    }

    /// The faults of a subject whose credit codes have wrong check characters.
    pub fn misspelt(&self) -> Vec<MemberFault> {
        let codes = self
            .subject
            .iter()
            .filter(|member| member.kind == IdentifierKind::CreditCode);
        codes
            .map(|member| MemberFault {
                pointer: format!("/subject/{}", member.name),
                code: "invalid_identifier",
                reason: Some(InvalidIdentifier::CheckCharacter.code()),
                limit: None,
            })
            .collect()
    }

    /// Parses the identifiers of a subject; `value_of` gives the value of a member.
    ///
    /// # Errors
    /// A member is missing, or cannot be what it claims to be.
    pub fn parse_subject<'v>(
        &self,
        value_of: impl Fn(&str) -> Option<&'v str>,
    ) -> Result<ParsedSubject, Vec<MemberFault>> {
        // As long as the key becomes when every identifier is canonical as given.
        let given = self.subject.iter().filter_map(|member| value_of(&member.name));
        let mut key = Vec::with_capacity(1 + given.map(|value| 1 + value.len().min(RAW_BYTES_MAX)).sum::<usize>());
        key.extend_from_slice(&self.number.to_be_bytes());
        let (mut findings, mut faults) = (Vec::new(), Vec::new());
        let mut alternative = None;
        for (position, member) in self.subject.iter().enumerate() {
            match parse_member(member, value_of(&member.name)) {
                Ok(identifier) => {
                    if position > 0 {
                        key.push(SEPARATOR);
                    }
                    alternative = identifier.alternative.filter(|_| self.subject.len() == 1);
                    key.extend_from_slice(identifier.canonical.as_bytes());
                    findings.extend(identifier.findings);
                }
                Err(fault) => faults.push(fault),
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let alternative = alternative.map(|other| [&self.number.to_be_bytes()[..], other.as_bytes()].concat().into());
        Ok(ParsedSubject {
            key: key.into(),
            alternative,
            findings,
        })
    }
}

/// Faults named in one answer.
const FAULTS_MAX: usize = 32;

/// Between two identifiers of one subject; no canonical identifier holds it.
const SEPARATOR: u8 = 0x1f;

fn parse_member(member: &SubjectMember, value: Option<&str>) -> Result<CanonicalIdentifier, MemberFault> {
    let pointer = || format!("/subject/{}", member.name);
    let value = value.ok_or_else(|| MemberFault::new(pointer(), "missing_member"))?;
    if value.len() > member.characters_max && value.chars().count() > member.characters_max {
        return Err(MemberFault::over(
            pointer(),
            LengthLimit::Characters(member.characters_max),
        ));
    }
    member.kind.parse(value).map_err(|invalid| MemberFault {
        reason: Some(invalid.code()),
        ..MemberFault::new(pointer(), "invalid_identifier")
    })
}

/// What a compiled schema finds wrong.
pub(super) fn faults(validator: &Validator, value: &Value) -> Vec<MemberFault> {
    let errors = validator.iter_errors(value).take(FAULTS_MAX);
    errors.flat_map(faults_of).collect()
}

fn faults_of(error: ValidationError<'_>) -> Vec<MemberFault> {
    let pointer = error.instance_path().to_string();
    let code = match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            return unexpected
                .iter()
                .map(|name| MemberFault::new(format!("{pointer}/{}", pointer_segment(name)), "unknown_member"))
                .collect();
        }
        ValidationErrorKind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            return vec![MemberFault::new(
                format!("{pointer}/{}", pointer_segment(name)),
                "missing_member",
            )];
        }
        ValidationErrorKind::Type { .. } => "invalid_type",
        ValidationErrorKind::MaxLength { limit } => {
            let characters = usize::try_from(*limit).unwrap_or(usize::MAX);
            return vec![MemberFault::over(pointer, LengthLimit::Characters(characters))];
        }
        _ => "invalid_value",
    };
    vec![MemberFault::new(pointer, code)]
}
