//! Comparators: one per kind of field, each a ladder from equal bytes down to mismatch, never a score.
//! A record's canonical form is made once, when it is loaded; the claim is folded only when the bytes differ.

use std::sync::Arc;

use rust_decimal::Decimal;
use serde_json::Value;
use thiserror::Error;

use super::identifier::IdentifierKind;
use super::verdict::{Basis, ReviewReason, Verdict};
use address::AddressForm;
use amount::AmountRule;
use coded::{CodeTable, Coding};
use digest::Algorithm;
use text::TextRule;

pub(crate) use address::head_text as address_head;
pub(crate) use date::DateForm;

pub mod address;
mod address_tail;
pub mod amount;
pub mod coded;
pub mod date;
pub mod digest;
pub mod number;
pub mod text;

/// How the claims about one field are held against the record; cheap to clone.
#[derive(Clone)]
pub struct Comparator(Kind);

#[derive(Clone)]
enum Kind {
    Text(TextRule),
    Number(NumberKind),
    Digest(Algorithm),
    Date,
    Amount(Arc<AmountRule>),
    Coded(Arc<CodeTable>),
    Address,
}

/// Which numbers a number comparator reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NumberKind {
    /// One kind only.
    Only(IdentifierKind),
    /// A person's or an organisation's number, told by its shape.
    Party,
}

/// Why a comparator cannot be made; the texts come from a dataset file, never from a person.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ComparatorError {
    /// No comparator has this name.
    #[error("there is no comparator {0:?}")]
    UnknownName(String),
    /// The comparator knows no such option.
    #[error("comparator {comparator:?} has no option {option:?}")]
    UnknownOption {
        /// The comparator.
        comparator: String,
        /// The option.
        option: String,
    },
    /// An option has a wrong shape or value.
    #[error("option {option:?} of comparator {comparator:?} must be {expected}")]
    BadOption {
        /// The comparator.
        comparator: &'static str,
        /// The option.
        option: String,
        /// What it must be.
        expected: &'static str,
    },
}

/// A record's value in the form its comparator wants, beside the value as given.
///
/// It has no `Debug` and no `Display`: it holds a value from a person.
#[derive(Clone)]
pub struct Canonical {
    raw: Box<str>,
    form: Form,
}

#[derive(Clone)]
pub(crate) enum Form {
    /// The value as given is canonical.
    Same,
    /// Folded text.
    Text(Box<str>),
    /// A number, and whether it was brought from 15 to 18 digits.
    Number(Box<str>, Digits),
    /// A date that was understood.
    Date(DateForm),
    /// An amount in the base unit.
    Amount(Decimal),
    /// A code of the table.
    Code(Coding),
    /// An address in its parts.
    Address(Box<AddressForm>),
}

/// Whether a resident number was given in 18 digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Digits {
    /// As given.
    Given,
    /// Brought from 15 to 18.
    Upgraded,
}

impl Canonical {
    /// The value as the record holds it.
    pub fn raw(&self) -> &str {
        &self.raw
    }

    pub(crate) fn form(&self) -> &Form {
        &self.form
    }

    /// The folded text, for forms that are text.
    pub(crate) fn text(&self) -> &str {
        match &self.form {
            Form::Text(text) | Form::Number(text, _) => text,
            _ => &self.raw,
        }
    }
}

impl Comparator {
    /// Every name that [`Comparator::from_options`] knows.
    pub const NAMES: [&str; 14] = [
        "person_name",
        "organization_name",
        "party_name",
        "resident_number",
        "credit_code",
        "licence_identifier",
        "party_identifier",
        "date",
        "amount",
        "coded",
        "address",
        "document_number",
        "digest",
        "text",
    ];

    /// The comparator of a name with its options as they stand in a dataset file (`null` or `{}` for none).
    ///
    /// # Errors
    /// [`ComparatorError`] for an unknown name, an unknown option or an option of a wrong shape.
    pub fn from_options(name: &str, options: &Value) -> Result<Self, ComparatorError> {
        let kind = match name {
            "person_name" => Kind::Text(TextRule::Person),
            "organization_name" => Kind::Text(TextRule::Organization),
            "party_name" => Kind::Text(TextRule::Party),
            "document_number" => Kind::Text(TextRule::Document),
            "text" => Kind::Text(TextRule::Plain),
            "resident_number" => Kind::Number(NumberKind::Only(IdentifierKind::ResidentNumber)),
            "credit_code" => Kind::Number(NumberKind::Only(IdentifierKind::CreditCode)),
            "licence_identifier" => Kind::Number(NumberKind::Only(IdentifierKind::LicenceIdentifier)),
            "party_identifier" => Kind::Number(NumberKind::Party),
            "digest" => return Algorithm::from_options(options).map(|algorithm| Self(Kind::Digest(algorithm))),
            "date" => Kind::Date,
            "address" => Kind::Address,
            "amount" => {
                return AmountRule::from_options(options).map(|rule| Self(Kind::Amount(Arc::new(rule))));
            }
            "coded" => {
                return CodeTable::from_options(options).map(|table| Self(Kind::Coded(Arc::new(table))));
            }
            _ => return Err(ComparatorError::UnknownName(name.to_owned())),
        };
        known_options(name, options, &[])?;
        Ok(Self(kind))
    }

    /// The form of a record's value, made once when the record is loaded.
    pub fn canonical(&self, raw: &str) -> Canonical {
        let form = match &self.0 {
            Kind::Text(rule) => text_form(raw, &rule.fold(raw)),
            Kind::Digest(algorithm) => text_form(raw, &algorithm.fold(raw)),
            _ => self.form(raw),
        };
        Canonical { raw: raw.into(), form }
    }

    /// Holds a claim against a record's value. Symmetric: swapping the two gives the same verdict.
    pub fn compare(&self, claim: &str, record: &Canonical) -> Verdict {
        if claim == &*record.raw {
            return Verdict::Match(Basis::Exact);
        }
        match &self.0 {
            Kind::Text(rule) => rule.judge(&rule.fold(claim), record.text()),
            Kind::Digest(algorithm) => equal_or_mismatch(&algorithm.fold(claim), record.text()),
            Kind::Address => address::judge(claim, record),
            Kind::Number(_) | Kind::Date | Kind::Amount(_) | Kind::Coded(_) => {
                judge_forms(&self.form(claim), &record.form)
            }
        }
    }

    /// A text by which two claims are known to be one: the form in which a claim is compared. Two spellings of one address
    /// may give two texts.
    pub fn claim_text(&self, claim: &str) -> String {
        match self.form(claim) {
            Form::Same => claim.to_owned(),
            Form::Text(text) | Form::Number(text, _) => text.into(),
            Form::Date(date) => date
                .range()
                .map_or_else(|| "open".to_owned(), |(first, last)| format!("{first}/{last}")),
            Form::Amount(amount) => amount.normalize().to_string(),
            Form::Code(code) => format!("#{}", code.index()),
            Form::Address(_) => TextRule::Plain.fold(claim).into_owned(),
        }
    }

    /// Whether the values are of a small table of codes, which a few guesses exhaust anyway.
    pub fn is_coded(&self) -> bool {
        matches!(self.0, Kind::Coded(_))
    }

    /// Whether the values are dates, so that `on_or_before` has a meaning.
    pub fn is_date(&self) -> bool {
        matches!(self.0, Kind::Date)
    }

    /// Whether the values are amounts, so that `at_least` has a meaning.
    pub(crate) fn is_amount(&self) -> bool {
        matches!(self.0, Kind::Amount(_))
    }

    /// Whether the values name a division, so that `within` has a meaning.
    pub(crate) fn is_place(&self) -> bool {
        matches!(
            self.0,
            Kind::Address
                | Kind::Coded(_)
                | Kind::Text(TextRule::Plain)
                | Kind::Number(
                    NumberKind::Party | NumberKind::Only(IdentifierKind::ResidentNumber | IdentifierKind::CreditCode)
                )
        )
    }

    pub(crate) fn form(&self, raw: &str) -> Form {
        match &self.0 {
            Kind::Text(rule) => Form::Text(rule.fold(raw).into()),
            Kind::Digest(algorithm) => Form::Text(algorithm.fold(raw).into()),
            Kind::Number(kind) => number::form(*kind, raw),
            Kind::Date => date::parse(raw).map_or_else(|| plain_form(raw), Form::Date),
            Kind::Amount(rule) => rule.parse(raw).map_or_else(|| plain_form(raw), Form::Amount),
            Kind::Coded(table) => table.find(raw).map_or_else(|| plain_form(raw), Form::Code),
            Kind::Address => Form::Address(Box::new(AddressForm::parse(raw))),
        }
    }
}

fn judge_forms(a: &Form, b: &Form) -> Verdict {
    match (a, b) {
        (Form::Date(a), Form::Date(b)) => a.judge(*b),
        (Form::Amount(a), Form::Amount(b)) if a == b => Verdict::Match(Basis::Normalized),
        (Form::Code(a), Form::Code(b)) => a.judge(*b),
        (Form::Number(a, left), Form::Number(b, right)) => number::judge((a, *left), (b, *right)),
        (Form::Text(a), Form::Text(b)) => TextRule::Plain.judge(a, b),
        _ => Verdict::Mismatch,
    }
}

fn plain_form(raw: &str) -> Form {
    Form::Text(TextRule::Plain.fold(raw).into())
}

fn text_form(raw: &str, folded: &str) -> Form {
    if folded == raw {
        Form::Same
    } else {
        Form::Text(folded.into())
    }
}

fn equal_or_mismatch(a: &str, b: &str) -> Verdict {
    if a == b {
        Verdict::Match(Basis::Normalized)
    } else {
        Verdict::Mismatch
    }
}

/// Refuses options that are no object or hold an unknown key.
fn known_options(comparator: &str, options: &Value, known: &[&str]) -> Result<(), ComparatorError> {
    let unknown = match options {
        Value::Null => None,
        Value::Object(map) => map.keys().find(|key| !known.contains(&key.as_str())).cloned(),
        _ => Some("(not an object)".to_owned()),
    };
    match unknown {
        Some(option) => Err(ComparatorError::UnknownOption {
            comparator: comparator.to_owned(),
            option,
        }),
        None => Ok(()),
    }
}

const REVIEW_VARIANT: Verdict = Verdict::Review(ReviewReason::Variant);

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
