//! Why a caller asks: checked for its mandatory elements, and sealed into the ledger entry.
//! Matter numbers and clerks are personal too: the ledger holds them only under the node's purpose key.

use super::error::AppError;
use crate::node::caller::Caller;
use crate::{
    node::hub::Hub,
    verification::question::{AskedPurposeElements, BoundedText},
};
use heyan_auth::seal::PurposeSealer;
use heyan_domain::fault::{LengthLimit, MemberFault};
use heyan_ledger::entry;

/// Longest code or number, bytes.
const CODE_BYTES_MAX: usize = 128;

/// Longest name or reason, bytes.
const TEXT_BYTES_MAX: usize = 1_024;

/// Bound to every sealed part, so that it opens nowhere else.
const AAD: &[u8] = b"heyan ledger purpose v1";

/// Checks the mandatory elements.
///
/// # Errors
/// An element is empty, too long or holds control characters.
pub fn check(purpose: &AskedPurposeElements<'_>) -> Result<(), AppError> {
    let mandatory = [
        ("/purpose/item_code", &purpose.item_code),
        ("/purpose/application_no", &purpose.application_no),
        ("/purpose/operator", &purpose.operator),
    ];
    let optional = [
        ("/purpose/item_name", &purpose.item_name),
        ("/purpose/reason", &purpose.reason),
    ];
    let mut faults = Vec::new();
    for (pointer, text) in mandatory {
        if is_blank(text) || has_control(text) {
            faults.push(MemberFault::new(pointer, "invalid_purpose"));
        } else if text.len() > CODE_BYTES_MAX {
            faults.push(MemberFault::over(pointer, LengthLimit::Bytes(CODE_BYTES_MAX)));
        }
    }
    for (pointer, text) in optional {
        if text.as_ref().is_some_and(|text| text.len() > TEXT_BYTES_MAX) {
            faults.push(MemberFault::over(pointer, LengthLimit::Bytes(TEXT_BYTES_MAX)));
        }
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(AppError::Invalid(faults))
    }
}

/// Whether there is nothing but white space.
pub(crate) fn is_blank(text: &str) -> bool {
    text.chars().all(char::is_whitespace)
}

fn has_control(text: &str) -> bool {
    // Controls are below the space, DEL, or U+0080 to U+009F, which begin with C2.
    let suspect = |byte: u8| byte.is_ascii_control() || byte == 0xC2;
    // Without a way out of the loop it is done many bytes at a time.
    text.bytes().fold(false, |found, byte| found | suspect(byte)) && text.chars().any(char::is_control)
}

/// Seals a purpose and ends the entry with it.
///
/// # Errors
/// The sealing key is used up.
pub fn seal_into(hub: &Hub, purpose: &AskedPurposeElements<'_>, bytes: &mut Vec<u8>) -> Result<(), AppError> {
    let reason = purpose.reason.as_ref().map_or("", |text| &**text);
    let item_name = purpose.item_name.as_ref().map_or("", |text| &**text);
    let mut plain = Vec::with_capacity(128);
    for text in [
        &*purpose.item_code,
        &*purpose.application_no,
        &*purpose.operator,
        reason,
        item_name,
    ] {
        put_part(&mut plain, text);
    }
    seal_plain(&hub.secrets.sealer, &plain, bytes)
}

/// Seals the name of a caller who stated no purpose, and ends the entry with it.
///
/// # Errors
/// The sealing key is used up.
pub fn seal_caller(hub: &Hub, caller: &Caller, bytes: &mut Vec<u8>) -> Result<(), AppError> {
    seal_parts(hub, &[&caller.client.row.id], bytes)
}

/// Seals names that must not stand in the clear, and ends the entry with them.
///
/// # Errors
/// The sealing key is used up.
pub fn seal_parts(hub: &Hub, parts: &[&str], bytes: &mut Vec<u8>) -> Result<(), AppError> {
    seal_parts_by(&hub.secrets.sealer, parts, bytes)
}

/// As `seal_parts`, by a sealer alone.
///
/// # Errors
/// The sealing key is used up.
pub fn seal_parts_by(sealer: &PurposeSealer, parts: &[&str], bytes: &mut Vec<u8>) -> Result<(), AppError> {
    let mut plain = Vec::with_capacity(64);
    for part in parts {
        put_part(&mut plain, part);
    }
    seal_plain(sealer, &plain, bytes)
}

/// Two bytes of length, big-endian, then the text: nothing is cut.
fn put_part(plain: &mut Vec<u8>, text: &str) {
    plain.extend_from_slice(&u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes());
    plain.extend_from_slice(text.as_bytes());
}

fn seal_plain(sealer: &PurposeSealer, plain: &[u8], bytes: &mut Vec<u8>) -> Result<(), AppError> {
    let mut sealed = Vec::with_capacity(plain.len() + 32);
    sealer
        .seal(plain, AAD, &mut sealed)
        .map_err(|_exhausted| AppError::Internal("the purpose key is used up"))?;
    entry::end(bytes, &sealed);
    Ok(())
}

/// The parts of a sealed purpose: item code, application number, operator, reason, item name; or the names of a caller.
pub fn open(hub: &Hub, sealed: &[u8]) -> Option<Vec<String>> {
    Some(
        UnsealedPurpose::by(&hub.secrets.sealer, sealed)?
            .parts()
            .map(str::to_owned)
            .collect(),
    )
}

/// A sealed purpose that was opened.
pub struct UnsealedPurpose {
    plain: Vec<u8>,
}

impl UnsealedPurpose {
    /// Opens it; `None` when it cannot be, or is not made of whole texts.
    pub fn by(sealer: &PurposeSealer, sealed: &[u8]) -> Option<Self> {
        let mut plain = Vec::with_capacity(sealed.len());
        sealer.open(sealed, AAD, &mut plain).ok()?;
        let mut rest = plain.as_slice();
        while !rest.is_empty() {
            rest = part(rest)?.1;
        }
        Some(Self { plain })
    }

    /// The applicant's matter; `None` when it is not the purpose of a question, which has five parts.
    pub fn application_no(&self) -> Option<&str> {
        let mut parts = self.parts();
        let application_no = parts.nth(1)?;
        (parts.count() == 3).then_some(application_no)
    }

    /// Its parts, as [`open`] tells them.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        let mut rest = self.plain.as_slice();
        std::iter::from_fn(move || {
            let (text, tail) = part(rest)?;
            rest = tail;
            Some(text)
        })
    }
}

/// The first part, and what comes after it.
fn part(plain: &[u8]) -> Option<(&str, &[u8])> {
    let (length, tail) = plain.split_first_chunk()?;
    let (text, tail) = tail.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    Some((std::str::from_utf8(text).ok()?, tail))
}

/// A purpose as an entry holds it sealed.
pub struct OpenedPurpose {
    /// Service item.
    pub item_code: String,
    /// The applicant's matter.
    pub application_no: String,
    /// The clerk or system that asked.
    pub operator: String,
    /// Free text, or empty.
    pub reason: String,
    /// Name of the service item, or empty.
    pub item_name: String,
}

/// The purpose in a sealed part; `None`: it holds no purpose, but names.
pub fn open_purpose(hub: &Hub, sealed: &[u8]) -> Option<OpenedPurpose> {
    let parts: [String; 5] = open(hub, sealed)?.try_into().ok()?;
    let [item_code, application_no, operator, reason, item_name] = parts;
    Some(OpenedPurpose {
        item_code,
        application_no,
        operator,
        reason,
        item_name,
    })
}

/// The purpose of a request as owned texts, for work that outlives its bytes.
pub fn owned(purpose: &AskedPurposeElements<'_>) -> AskedPurposeElements<'static> {
    let own = |text: &BoundedText<'_>| BoundedText(std::borrow::Cow::Owned(text.0.clone().into_owned()));
    AskedPurposeElements {
        item_code: own(&purpose.item_code),
        item_name: purpose.item_name.as_ref().map(own),
        application_no: own(&purpose.application_no),
        operator: own(&purpose.operator),
        reason: purpose.reason.as_ref().map(own),
    }
}
