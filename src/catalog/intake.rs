//! What a dataset notices about a record that comes in: values that their comparators cannot read, control characters, and what
//! contradicts the number of the subject. A finding names a place and a code, never the value.

use jiff::civil::Date;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::dataset::{Dataset, Field, ParsedSubject};
use heyan_domain::{
    compare::FieldComparator,
    fault::{MemberFault, pointer_segment},
    identifier::{IdentifierKind, resident},
    verdict::Verdict,
};

/// What becomes of a record with a value that its comparator cannot read (`"intake"` in `x-heyan`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntakeRule {
    /// It is refused.
    Refuse,
    /// It is taken in and told; claims about the value are for review.
    Mark,
}

impl IntakeRule {
    /// The rule of a field for which the dataset states none: an identifier or a date that cannot be read is a mistake of the
    /// row, other text is often all that a register has.
    pub(super) fn usual(comparator: &FieldComparator) -> Self {
        if comparator.is_identifier() || comparator.is_date() {
            Self::Refuse
        } else {
            Self::Mark
        }
    }
}

/// What a resident number says too (`"in_number"` in `x-heyan`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NumberPart {
    /// The date of birth.
    BirthDate,
}

/// Something that was noticed about one value of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntakeFinding {
    /// JSON pointer of the value.
    pub pointer: String,
    /// Member of `subject` or `fields`.
    pub member: Box<str>,
    /// Code of the problem catalogue, or of the findings about an identifier.
    pub code: &'static str,
    /// What becomes of the record.
    pub rule: IntakeRule,
}

impl IntakeFinding {
    /// As a fault of a record that is refused.
    pub fn fault(&self) -> MemberFault {
        MemberFault::new(self.pointer.clone(), self.code)
    }
}

/// Code of a value that its comparator cannot read.
const UNREADABLE: &str = "unreadable_value";
/// Code of a value with a control character.
pub const CONTROL: &str = "control_character";
/// Code of a value that is not what the subject's number says.
const CONTRADICTION: &str = "contradicts_identifier";

impl Dataset {
    /// What there is to notice about the fields of a record, and about its subject as it was parsed.
    pub fn findings_of(
        &self,
        subject: &ParsedSubject,
        fields: &Map<String, Value>,
        today: impl FnOnce() -> Date,
    ) -> Vec<IntakeFinding> {
        let mut findings = Vec::new();
        if let Some(member) = self.subject.first() {
            let on_day = self.finding_on(subject, today);
            let all = subject.findings.iter().copied().chain(on_day);
            findings.extend(all.map(|finding| IntakeFinding {
                pointer: format!("/subject/{}", member.name),
                member: member.name.clone(),
                code: finding.as_str(),
                rule: IntakeRule::Mark,
            }));
        }
        for field in &self.fields {
            let value = fields.get(&*field.name).and_then(Value::as_str);
            let Some(value) = value.filter(|value| !value.is_empty()) else {
                continue;
            };
            let noticed = if field.comparator.holds_control(value) {
                Some((CONTROL, field.intake))
            } else if !field.comparator.is_readable(value) {
                Some((UNREADABLE, field.intake))
            } else if self.contradicts(subject, field, value) {
                Some((CONTRADICTION, IntakeRule::Mark))
            } else {
                None
            };
            findings.extend(noticed.map(|(code, rule)| IntakeFinding {
                pointer: format!("/fields/{}", pointer_segment(&field.name)),
                member: field.name.clone(),
                code,
                rule,
            }));
        }
        findings
    }

    /// Whether a value is not what the resident number of the subject says.
    fn contradicts(&self, subject: &ParsedSubject, field: &Field, value: &str) -> bool {
        let (Some(part), [member]) = (field.in_number, &*self.subject) else {
            return false;
        };
        if member.kind != IdentifierKind::ResidentNumber || subject.alternative.is_some() {
            return false;
        }
        let Ok(number) = std::str::from_utf8(subject.canonical()) else {
            return false;
        };
        let said = match part {
            NumberPart::BirthDate => resident::birth_date(number).map(|date| date.to_string()),
        };
        let record = field.comparator.canonical(value);
        said.is_some_and(|said| field.comparator.compare(&said, &record) == Verdict::Mismatch)
    }
}
