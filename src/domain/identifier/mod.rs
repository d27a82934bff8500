//! Subject identifiers: parsed once into the form under which a record is found.
//! A doubtful identifier is a finding and is looked up all the same; only what cannot be one is refused.

use std::borrow::Cow;

use thiserror::Error;

use super::byte_set::ByteSet;
use super::fold::{self, CaseFolding, SpaceFolding};

mod alphabet;
pub mod credit;
pub mod licence;
pub mod resident;

/// The longest identifier that is looked at, in bytes as given.
pub const RAW_BYTES_MAX: usize = 512;

/// What sort of identifier a dataset's subject is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IdentifierKind {
    /// GB 11643-1999 and the permits of the same form.
    ResidentNumber,
    /// GB 32100-2015.
    CreditCode,
    /// GB/T 36904-2018.
    LicenceIdentifier,
    /// A number printed on a document, e.g. of a certificate.
    DocumentNumber,
    /// Any other text.
    Text,
}

impl IdentifierKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::ResidentNumber,
        Self::CreditCode,
        Self::LicenceIdentifier,
        Self::DocumentNumber,
        Self::Text,
    ];

    /// The kind of a snake_case name, as written in a dataset file.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// The snake_case name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ResidentNumber => "resident_number",
            Self::CreditCode => "credit_code",
            Self::LicenceIdentifier => "licence_identifier",
            Self::DocumentNumber => "document_number",
            Self::Text => "text",
        }
    }

    /// Reads an identifier as people type it.
    ///
    /// # Errors
    /// [`InvalidIdentifier`] when the text cannot be an identifier of this kind; its code is one of
    /// `length`, `alphabet`, `date`, `check_character`, `order_code`, `root`, `parts`.
    pub fn parse(self, raw: &str) -> Result<CanonicalIdentifier, InvalidIdentifier> {
        if raw.len() > RAW_BYTES_MAX {
            return Err(InvalidIdentifier::Length);
        }
        let read = match self {
            Self::ResidentNumber => resident::parse(raw),
            Self::CreditCode => credit::parse(raw),
            Self::LicenceIdentifier => licence::parse(raw),
            Self::DocumentNumber => non_empty(document_number(raw).into_owned()),
            Self::Text => non_empty(fold::text(raw, SpaceFolding::KeepBetweenWords, CaseFolding::Lower).into_owned()),
        }?;
        // Folding may lengthen: a compatibility character of three bytes can stand for one of four.
        if read.canonical.len() > RAW_BYTES_MAX {
            return Err(InvalidIdentifier::Length);
        }
        Ok(read)
    }
}

/// An identifier in the one form under which its record is found.
///
/// It has no `Debug`: the form is a value from a person.
#[derive(Clone, PartialEq, Eq)]
pub struct CanonicalIdentifier {
    /// The canonical form.
    pub canonical: String,
    /// Whether a 15-digit resident number was brought to 18.
    pub upgraded: bool,
    /// A second form to look up when the first finds nothing: a 15-digit number whose century is open.
    pub alternative: Option<String>,
    /// What is doubtful about it.
    pub findings: Vec<IdentifierFinding>,
}

impl CanonicalIdentifier {
    fn plain(canonical: String) -> Self {
        Self {
            canonical,
            upgraded: false,
            alternative: None,
            findings: Vec::new(),
        }
    }

    fn with(mut self, finding: Option<IdentifierFinding>) -> Self {
        self.findings.extend(finding);
        self
    }
}

/// Something that was noticed about an identifier, which is looked up all the same, or about the record that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IdentifierFinding {
    /// The check character of a licence identifier is wrong or missing.
    LicenceCheckCharacter,
    /// The type code of a licence identifier is not a credit code and three characters.
    LicenceTypeForm,
    /// The issuer of a licence identifier is not a credit code.
    LicenceIssuerForm,
    /// The version of a licence identifier is not three digits.
    LicenceVersionForm,
    /// The division code is not in the reference table.
    DivisionUnknown,
    /// A check character of a credit code is wrong.
    CreditCodeCheckCharacter,
    /// A date inside the identifier is still to come.
    DateInFuture,
    /// The record says that its subject no longer lives, exists or holds.
    SubjectNotActive,
}

impl IdentifierFinding {
    /// Every finding.
    pub const ALL: [Self; 8] = [
        Self::LicenceCheckCharacter,
        Self::LicenceTypeForm,
        Self::LicenceIssuerForm,
        Self::LicenceVersionForm,
        Self::DivisionUnknown,
        Self::CreditCodeCheckCharacter,
        Self::DateInFuture,
        Self::SubjectNotActive,
    ];

    /// The wire word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LicenceCheckCharacter => "licence_check_character",
            Self::LicenceTypeForm => "licence_type_form",
            Self::LicenceIssuerForm => "licence_issuer_form",
            Self::LicenceVersionForm => "licence_version_form",
            Self::DivisionUnknown => "division_unknown",
            Self::CreditCodeCheckCharacter => "credit_code_check_character",
            Self::DateInFuture => "date_in_future",
            Self::SubjectNotActive => "subject_not_active",
        }
    }
}

/// Why a text cannot be an identifier of its kind; never holds the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum InvalidIdentifier {
    /// Too short, too long or empty.
    #[error("the identifier does not have the length of its kind")]
    Length,
    /// A character that the kind does not allow at its place.
    #[error("the identifier holds a character that its kind does not allow")]
    Alphabet,
    /// No such calendar day.
    #[error("the birth date inside the identifier does not exist")]
    Date,
    /// The check character disagrees.
    #[error("the check character of the identifier is wrong")]
    CheckCharacter,
    /// The order code is one that is never given.
    #[error("the order code inside the identifier is never given")]
    OrderCode,
    /// A licence identifier without its root.
    #[error("the licence identifier does not begin with the root of GB/T 36904")]
    Root,
    /// A licence identifier with a wrong number of parts.
    #[error("the licence identifier does not have the parts of GB/T 36904")]
    Parts,
}

impl InvalidIdentifier {
    /// The wire code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Length => "length",
            Self::Alphabet => "alphabet",
            Self::Date => "date",
            Self::CheckCharacter => "check_character",
            Self::OrderCode => "order_code",
            Self::Root => "root",
            Self::Parts => "parts",
        }
    }
}

/// Bytes of text in which [`document_number`] folds nothing.
const DOCUMENT: ByteSet = ByteSet::HAN
    .with(b'A', b'Z')
    .with(b'0', b'9')
    .with(b'(', b')')
    .with(b'-', b'/');

/// A document number with width, case, space, dashes and brackets folded: `（2017）` and `〔2017〕` are one.
pub fn document_number(raw: &str) -> Cow<'_, str> {
    let text = fold::text(raw, SpaceFolding::Drop, CaseFolding::Upper);
    fold::replace(text, &DOCUMENT, fold::punctuation)
}

/// Reads text as it is given, which is canonical most often; other text is spelt first.
///
/// `read` takes nothing that `spell` changes.
fn as_given_or_spelt(
    raw: &str,
    read: fn(&str) -> Result<CanonicalIdentifier, InvalidIdentifier>,
    spell: fn(&str) -> Cow<'_, str>,
) -> Result<CanonicalIdentifier, InvalidIdentifier> {
    read(raw).or_else(|refused| match spell(raw) {
        Cow::Borrowed(_) => Err(refused),
        Cow::Owned(spelt) => read(&spelt),
    })
}

fn non_empty(canonical: String) -> Result<CanonicalIdentifier, InvalidIdentifier> {
    if canonical.is_empty() {
        Err(InvalidIdentifier::Length)
    } else {
        Ok(CanonicalIdentifier::plain(canonical))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_kinds_are_one_to_one() {
        for kind in IdentifierKind::ALL {
            assert_eq!(IdentifierKind::from_name(kind.as_str()), Some(kind));
        }
        assert_eq!(IdentifierKind::from_name("nothing"), None);
    }

    #[test]
    fn a_canonical_form_that_folding_makes_too_long_is_refused() {
        // U+FAD6 has three bytes and folds to U+25CD0, which has four; found by fuzzing.
        for kind in [IdentifierKind::DocumentNumber, IdentifierKind::Text] {
            assert!(kind.parse(&"\u{FAD6}".repeat(RAW_BYTES_MAX / 3)).is_err());
            let first = kind
                .parse(&"\u{FAD6}".repeat(RAW_BYTES_MAX / 4))
                .ok()
                .unwrap()
                .canonical;
            assert!(kind.parse(&first).is_ok_and(|again| again.canonical == first));
        }
    }

    #[test]
    fn document_numbers_fold_brackets_width_and_space() {
        let parse = |raw| IdentifierKind::DocumentNumber.parse(raw).map(|id| id.canonical).ok();
        let expected = parse("皖(2023)芜湖市不动产权第9841864号");
        assert_eq!(parse("皖（２０２３） 芜湖市不动产权第9841864号"), expected);
        assert_eq!(parse("皖〔2023〕芜湖市不动产权第9841864号"), expected);
        assert_ne!(parse("皖〔2023〕芜湖市不动产权第9841846号"), expected);
        assert!(parse("  \u{200B}").is_none());
        assert!(parse(&"号".repeat(400)).is_none());
    }
}
