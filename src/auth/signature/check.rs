//! What each algorithm answers with, and the one coding that two of them share.

use x509_cert::der::{Decode, Reader, SliceReader, asn1::UintRef};

/// Why a signature cannot even be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureFault {
    /// Not a signature of the key's algorithm: its length or its coding.
    #[error("the signature is none of the key's algorithm")]
    Signature,
    /// The key is none, or one that nobody should use.
    #[error("the key cannot be used")]
    Key,
    /// No module for the algorithm.
    #[error("the algorithm is not available")]
    Unsupported,
}

/// Whether a signature is that of the key over the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureCheck {
    /// It is.
    Valid,
    /// It is not.
    Invalid,
}

impl SignatureCheck {
    pub(super) fn of(valid: bool) -> Self {
        match valid {
            true => Self::Valid,
            false => Self::Invalid,
        }
    }
}

/// A signature whose message is still coming.
pub trait SignatureVerifier: Send {
    /// Takes the next bytes of the message.
    fn update(&mut self, bytes: &[u8]);

    /// Decides, after all bytes.
    fn finish(self: Box<Self>) -> SignatureCheck;
}

/// `SEQUENCE { r INTEGER, s INTEGER }` as two numbers of 32 bytes (RFC 3279 §2.2.3, GB/T 35276-2017); nothing may follow it.
pub(super) fn two_integers(der: &[u8]) -> Option<([u8; 32], [u8; 32])> {
    let mut reader = SliceReader::new(der).ok()?;
    let pair = reader.sequence(|inner| Ok((number(UintRef::decode(inner)?), number(UintRef::decode(inner)?))));
    let (Some(r), Some(s)) = reader.finish(pair.ok()?).ok()? else {
        return None;
    };
    Some((r, s))
}

fn number(integer: UintRef<'_>) -> Option<[u8; 32]> {
    let bytes = integer.as_bytes();
    let mut out = [0; 32];
    let place = 32_usize.checked_sub(bytes.len())?;
    out.get_mut(place..)?.copy_from_slice(bytes);
    Some(out)
}
