//! Comparators: one per kind of field, each a ladder from equal bytes down to mismatch, never a score.
//! A record's canonical form is made once, when it is loaded; the claim is folded only when the bytes differ.
//!
//! Three laws hold for all of them. What one side says and the other contradicts is never dropped; what one side says and the
//! other leaves out is for review. What a comparator cannot read is not different: it is for review, and not even equal to
//! itself. On values that can be read, `match` is an equivalence.

use std::sync::Arc;

use serde_json::Value;
use thiserror::Error;

use super::division::HomeCity;
use super::identifier::IdentifierKind;
use super::verdict::{MatchBasis, ReviewReason, Verdict};
use address::AddressForm;
use amount::{AmountForm, AmountRule};
use coded::{CodeReading, CodeTable};
use digest::DigestAlgorithm;
use text::TextRule;

pub(crate) use address::head_text as address_head;
pub(crate) use date::DateForm;

pub mod address;
pub mod amount;
pub mod coded;
pub mod date;
mod date_time;
pub mod digest;
mod holders;
mod loose;
pub mod number;
pub mod text;
mod unreadable;

/// How the claims about one field are held against the record; cheap to clone.
#[derive(Clone)]
pub struct FieldComparator(ComparatorKind);

#[derive(Clone)]
enum ComparatorKind {
    Text(TextRule),
    Number(NumberKind),
    Digest(DigestAlgorithm),
    Date,
    Amount(Arc<AmountRule>),
    Coded(Arc<CodeTable>),
    Address(Option<Arc<HomeCity>>),
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
pub struct CanonicalValue {
    raw: Box<str>,
    form: ValueForm,
}

#[derive(Clone)]
pub(crate) enum ValueForm {
    /// The value as given is canonical.
    Same,
    /// Folded text.
    Text(Box<str>),
    /// A number, and whether it was brought from 15 to 18 digits.
    Number(Box<str>, NumberDigits),
    /// A date that was understood.
    Date(DateForm),
    /// An amount with its unit.
    Amount(AmountForm),
    /// A code of the table.
    Code(CodeReading),
    /// An address in its parts.
    Address(Box<AddressForm>),
    /// Nothing that the comparator can read: it proves nothing.
    Unreadable,
}

/// Whether a resident number was given in 18 digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NumberDigits {
    /// As given.
    Given,
    /// Brought from 15 to 18.
    Upgraded,
}

impl CanonicalValue {
    /// The value as the record holds it.
    pub fn raw(&self) -> &str {
        &self.raw
    }

    /// Bytes on the heap, for a cache that counts its size.
    pub fn heap_bytes(&self) -> usize {
        self.raw.len()
            + match &self.form {
                ValueForm::Text(text) | ValueForm::Number(text, _) => text.len(),
                ValueForm::Address(address) => size_of::<AddressForm>() + address.heap_bytes(),
                _ => 0,
            }
    }

    /// Whether the comparator cannot read the value: no claim about it is decided.
    pub const fn is_unreadable(&self) -> bool {
        matches!(self.form, ValueForm::Unreadable)
    }

    pub(crate) fn form(&self) -> &ValueForm {
        &self.form
    }

    /// The folded text, for forms that are text.
    pub(crate) fn text(&self) -> &str {
        match &self.form {
            ValueForm::Text(text) | ValueForm::Number(text, _) => text,
            _ => &self.raw,
        }
    }
}

impl FieldComparator {
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
            "person_name" => ComparatorKind::Text(TextRule::Person),
            "organization_name" => ComparatorKind::Text(TextRule::Organization),
            "party_name" => ComparatorKind::Text(TextRule::Party),
            "document_number" => ComparatorKind::Text(TextRule::Document),
            "text" => ComparatorKind::Text(TextRule::Plain),
            "resident_number" => ComparatorKind::Number(NumberKind::Only(IdentifierKind::ResidentNumber)),
            "credit_code" => ComparatorKind::Number(NumberKind::Only(IdentifierKind::CreditCode)),
            "licence_identifier" => ComparatorKind::Number(NumberKind::Only(IdentifierKind::LicenceIdentifier)),
            "party_identifier" => ComparatorKind::Number(NumberKind::Party),
            "digest" => {
                return DigestAlgorithm::from_options(options).map(|algorithm| Self(ComparatorKind::Digest(algorithm)));
            }
            "date" => ComparatorKind::Date,
            "address" => ComparatorKind::Address(None),
            "amount" => {
                return AmountRule::from_options(options).map(|rule| Self(ComparatorKind::Amount(Arc::new(rule))));
            }
            "coded" => {
                return CodeTable::from_options(options).map(|table| Self(ComparatorKind::Coded(Arc::new(table))));
            }
            _ => return Err(ComparatorError::UnknownName(name.to_owned())),
        };
        known_options(name, options, &[])?;
        Ok(Self(kind))
    }

    /// The comparator of a hub whose addresses may leave out its home city; others stay as they are.
    #[must_use]
    pub fn at_home(self, home: Option<&Arc<HomeCity>>) -> Self {
        match self.0 {
            ComparatorKind::Address(_) => Self(ComparatorKind::Address(home.cloned())),
            kind => Self(kind),
        }
    }

    /// The form of a record's value, made once when the record is loaded.
    pub fn canonical(&self, raw: &str) -> CanonicalValue {
        let form = match self.form(raw) {
            ValueForm::Text(text) if *text == *raw => ValueForm::Same,
            form => form,
        };
        CanonicalValue { raw: raw.into(), form }
    }

    /// Holds a claim against a record's value. Symmetric but for which side cannot be read.
    pub fn compare(&self, claim: &str, record: &CanonicalValue) -> Verdict {
        if record.is_unreadable() {
            return UNREADABLE_RECORD;
        }
        if claim == &*record.raw {
            return Verdict::Match(MatchBasis::Exact);
        }
        match &self.0 {
            ComparatorKind::Text(rule) => {
                let folded = rule.fold(claim);
                if *folded == *record.text() {
                    // What equals a text that can be read can be read.
                    Verdict::Match(MatchBasis::Normalized)
                } else if rule.is_unreadable(&folded) {
                    UNREADABLE_CLAIM
                } else {
                    rule.judge(&folded, record.text())
                }
            }
            ComparatorKind::Address(_) if unreadable::is_unreadable_place(claim) => UNREADABLE_CLAIM,
            ComparatorKind::Address(home) => address::judge(claim, record, home.as_deref()),
            ComparatorKind::Digest(_)
            | ComparatorKind::Number(_)
            | ComparatorKind::Date
            | ComparatorKind::Amount(_)
            | ComparatorKind::Coded(_) => self.judge_forms(&self.form(claim), record),
        }
    }

    /// What is told of a claim where there is no record: the same as where every value differs.
    pub fn compare_with_none(&self, claim: &str) -> Verdict {
        if self.is_readable(claim) {
            Verdict::Mismatch
        } else {
            UNREADABLE_CLAIM
        }
    }

    /// Whether the comparator can read a value.
    pub fn is_readable(&self, raw: &str) -> bool {
        !matches!(self.form(raw), ValueForm::Unreadable)
    }

    /// A text by which two claims are known to be one: the form in which a claim is compared. Two spellings of one address
    /// may give two texts.
    pub fn claim_text(&self, claim: &str) -> String {
        match self.form(claim) {
            ValueForm::Same | ValueForm::Unreadable => claim.to_owned(),
            ValueForm::Text(text) | ValueForm::Number(text, _) => text.into(),
            ValueForm::Date(date) => date.key(),
            ValueForm::Amount(amount) => amount.key(),
            ValueForm::Code(code) => format!("#{}", code.index()),
            ValueForm::Address(_) => TextRule::Plain.fold(claim).into_owned(),
        }
    }

    fn judge_forms(&self, claim: &ValueForm, record: &CanonicalValue) -> Verdict {
        match (claim, &record.form, &self.0) {
            (ValueForm::Unreadable, _, _) => UNREADABLE_CLAIM,
            (ValueForm::Date(a), ValueForm::Date(b), _) => a.judge(*b),
            (ValueForm::Amount(a), ValueForm::Amount(b), _) => a.judge(*b),
            (ValueForm::Code(a), ValueForm::Code(b), ComparatorKind::Coded(table)) => table.judge(*a, *b),
            (ValueForm::Number(a, left), ValueForm::Number(b, right), _) => number::judge((a, *left), (b, *right)),
            (ValueForm::Text(a), ValueForm::Text(_) | ValueForm::Same, _) if **a == *record.text() => {
                Verdict::Match(MatchBasis::Normalized)
            }
            _ => Verdict::Mismatch,
        }
    }

    /// Whether the values are of a small table of codes, which a few guesses exhaust anyway.
    pub fn is_coded(&self) -> bool {
        matches!(self.0, ComparatorKind::Coded(_))
    }

    /// Whether the values are dates, so that `on_or_before` has a meaning.
    pub fn is_date(&self) -> bool {
        matches!(self.0, ComparatorKind::Date)
    }

    /// Whether the values are amounts, so that `at_least` has a meaning.
    pub(crate) fn is_amount(&self) -> bool {
        matches!(self.0, ComparatorKind::Amount(_))
    }

    /// Whether the values may be several holders, so that `one_of_holders` has a meaning.
    pub fn is_party(&self) -> bool {
        matches!(
            self.0,
            ComparatorKind::Text(TextRule::Party) | ComparatorKind::Number(NumberKind::Party)
        )
    }

    /// How many holders a value names; nothing where it cannot be read.
    pub(crate) fn holders(&self, raw: &str) -> Option<usize> {
        match self.form(raw) {
            ValueForm::Text(text) | ValueForm::Number(text, _) => Some(text.split(holders::SEPARATOR).count()),
            _ => None,
        }
    }

    /// Holds a claimed holder against each of a record's: the best verdict is told.
    pub(crate) fn compare_with_holder(&self, claim: &str, record: &CanonicalValue) -> Verdict {
        let whole = self.compare(claim, record);
        let mut holders = record
            .text()
            .split(holders::SEPARATOR)
            .map(|holder| self.canonical(holder));
        let is_one = |holder: CanonicalValue| matches!(self.compare(claim, &holder), Verdict::Match(_));
        match whole {
            Verdict::Match(_) => whole,
            _ if holders.any(is_one) => Verdict::Match(MatchBasis::Normalized),
            other => other,
        }
    }

    /// Whether the values name a division, so that `within` has a meaning.
    pub(crate) fn is_place(&self) -> bool {
        matches!(
            self.0,
            ComparatorKind::Address(_)
                | ComparatorKind::Coded(_)
                | ComparatorKind::Text(TextRule::Plain)
                | ComparatorKind::Number(
                    NumberKind::Party | NumberKind::Only(IdentifierKind::ResidentNumber | IdentifierKind::CreditCode)
                )
        )
    }

    pub(crate) fn form(&self, raw: &str) -> ValueForm {
        let read = match &self.0 {
            ComparatorKind::Text(rule) => {
                let folded = rule.fold(raw);
                (!rule.is_unreadable(&folded)).then(|| ValueForm::Text(folded.into()))
            }
            ComparatorKind::Digest(algorithm) => algorithm.read(raw).map(|digest| ValueForm::Text(digest.into())),
            ComparatorKind::Number(kind) => Some(number::form(*kind, raw)),
            ComparatorKind::Date => date::parse(raw).map(ValueForm::Date),
            ComparatorKind::Amount(rule) => rule.parse(raw).map(ValueForm::Amount),
            ComparatorKind::Coded(table) => table.find(raw).map(ValueForm::Code),
            ComparatorKind::Address(_) => {
                let address = (!unreadable::is_unreadable_place(raw)).then(|| AddressForm::parse(raw));
                let address = address.filter(AddressForm::is_readable);
                address.map(|address| ValueForm::Address(Box::new(address)))
            }
        };
        read.unwrap_or(ValueForm::Unreadable)
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
const REVIEW_PARTIAL: Verdict = Verdict::Review(ReviewReason::Partial);
const UNREADABLE_RECORD: Verdict = Verdict::Review(ReviewReason::UnreadableRecord);
const UNREADABLE_CLAIM: Verdict = Verdict::Review(ReviewReason::UnreadableClaim);

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod value_tests;
