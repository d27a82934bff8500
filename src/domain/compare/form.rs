//! A record's value in the form its comparator wants.

use super::address::AddressForm;
use super::amount::AmountForm;
use super::coded::CodeReading;
use super::date::DateForm;
use crate::identifier::IdentifierKind;

/// Which numbers a number comparator reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NumberKind {
    /// One kind only.
    Only(IdentifierKind),
    /// A person's or an organisation's number, told by its shape.
    Party,
}

/// A record's value in the form its comparator wants, beside the value as given.
///
/// It has no `Debug` and no `Display`: it holds a value from a person.
#[derive(Clone)]
pub struct CanonicalValue {
    pub(super) raw: Box<str>,
    pub(super) form: ValueForm,
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
