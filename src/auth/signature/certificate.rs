//! X.509 certificates (RFC 5280) as they come: PEM or DER, the signer's first, then those of the authorities above it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use x509_cert::der::{Decode, Encode, asn1::ObjectIdentifier};

use super::{PublicKey, SignatureAlgorithm};
use crate::sha256;

/// Most certificates of one signer.
pub(crate) const CERTIFICATES_MAX: usize = 8;

/// Longest text of them, bytes.
pub const CERTIFICATES_BYTES_MAX: usize = 65_536;

/// Why bytes are no certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateFault {
    /// Not PEM, not DER, or not X.509.
    #[error("not a certificate")]
    Malformed,
    /// None, or more than [`CERTIFICATES_MAX`].
    #[error("no certificate, or too many")]
    Count,
}

/// One certificate.
pub struct Certificate {
    pub(super) inner: x509_cert::Certificate,
    /// The bytes that its issuer signed.
    pub(super) signed: Vec<u8>,
    der: Vec<u8>,
}

impl Certificate {
    /// The certificates in PEM or DER.
    ///
    /// # Errors
    /// One of them is none, or there are none or too many.
    pub fn read_all(bytes: &[u8]) -> Result<Vec<Self>, CertificateFault> {
        let ders = match bytes.first() {
            Some(0x30) => vec![bytes.to_vec()],
            _ => blocks(bytes).ok_or(CertificateFault::Malformed)?,
        };
        if ders.is_empty() || ders.len() > CERTIFICATES_MAX {
            return Err(CertificateFault::Count);
        }
        ders.into_iter().map(Self::read).collect()
    }

    fn read(der: Vec<u8>) -> Result<Self, CertificateFault> {
        let inner = x509_cert::Certificate::from_der(&der).map_err(|_| CertificateFault::Malformed)?;
        let signed = inner
            .tbs_certificate
            .to_der()
            .map_err(|_| CertificateFault::Malformed)?;
        Ok(Self { inner, signed, der })
    }

    /// Its key; `None` for a kind that is not known here.
    pub fn key(&self) -> Option<PublicKey> {
        PublicKey::of(&self.inner.tbs_certificate.subject_public_key_info)
    }

    /// The algorithm that its issuer signed it with, when both places agree on one that is known here.
    pub(super) fn signed_with(&self) -> Option<SignatureAlgorithm> {
        let named: ObjectIdentifier = self.inner.signature_algorithm.oid;
        let agreed = named == self.inner.tbs_certificate.signature.oid;
        let known = SignatureAlgorithm::ALL
            .into_iter()
            .find(|algorithm| algorithm.oid() == named);
        known.filter(|_| agreed)
    }

    /// SHA-256 of the certificate.
    pub fn fingerprint(&self) -> [u8; 32] {
        sha256(&self.der)
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

/// The blocks `CERTIFICATE` of a PEM text (RFC 7468); what stands between them is passed over.
fn blocks(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    let mut rest = std::str::from_utf8(bytes).ok()?;
    let mut found = Vec::new();
    while let Some((_, begun)) = rest.split_once(BEGIN) {
        let (body, behind) = begun.split_once(END)?;
        let body: String = body.split_ascii_whitespace().collect();
        found.push(STANDARD.decode(body).ok()?);
        rest = behind;
        if found.len() > CERTIFICATES_MAX {
            break;
        }
    }
    Some(found)
}
