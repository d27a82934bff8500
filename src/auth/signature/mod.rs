//! Detached signatures over a licence file, verified while its bytes pass: the file is never held whole.
//! The algorithm is that of the key, never one that a message names: an RSA key means PKCS #1 v1.5 with SHA-256, a P-256 key ECDSA with
//! SHA-256, an Ed25519 key Ed25519, an SM2 key SM2 with SM3 and the default user id (GB/T 32918.2-2016, GB/T 35276-2017).
//!
//! `ring` verifies whole messages only; so each algorithm here hashes as it goes and checks the hash at the end.

mod certificate;
pub mod chain;
mod check;
mod edwards;
mod p256;
mod rsa;
#[cfg(feature = "gm")]
mod sm2;

pub use certificate::{CERTIFICATES_BYTES_MAX, Certificate, CertificateFault};
pub use check::{SignatureCheck, SignatureFault, SignatureVerifier};
use x509_cert::{der::asn1::ObjectIdentifier, spki::SubjectPublicKeyInfoOwned};

/// Longest signature, bytes: that of an RSA key of 8,192 bits, or its text in base64.
pub const SIGNATURE_BYTES_MAX: usize = 2_048;

heyan_domain::words! {
    /// What a key is for, and so the only algorithm that it verifies.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub enum SignatureAlgorithm {
        /// RFC 8032.
        Ed25519 = "ed25519",
        /// ECDSA on P-256 with SHA-256, FIPS 186-5.
        EcdsaP256 = "ecdsa-p256-sha256",
        /// RSASSA-PKCS1-v1_5 with SHA-256, RFC 8017 §8.2.
        Rsa = "rsa-pkcs1-sha256",
        /// SM2 with SM3.
        Sm2 = "sm2-sm3",
    }
}

impl SignatureAlgorithm {
    /// The identifier under which certificates name it.
    const fn oid(self) -> ObjectIdentifier {
        match self {
            Self::Ed25519 => ObjectIdentifier::new_unwrap("1.3.101.112"),
            Self::EcdsaP256 => ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2"),
            Self::Rsa => ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11"),
            Self::Sm2 => ObjectIdentifier::new_unwrap("1.2.156.10197.1.501"),
        }
    }
}

/// A public key, as its algorithm reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// Its only algorithm.
    pub algorithm: SignatureAlgorithm,
    /// 32 bytes of Ed25519, an uncompressed or compressed point (SEC 1), or `RSAPublicKey` (RFC 8017 A.1.1).
    pub bytes: Box<[u8]>,
}

const RSA_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const CURVE_P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const CURVE_SM2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.156.10197.1.301");

impl PublicKey {
    /// The key of a certificate; `None` for a kind of key that is not known here.
    fn of(info: &SubjectPublicKeyInfoOwned) -> Option<Self> {
        let curve = || info.algorithm.parameters.as_ref()?.decode_as::<ObjectIdentifier>().ok();
        let algorithm = match info.algorithm.oid {
            oid if oid == SignatureAlgorithm::Ed25519.oid() => SignatureAlgorithm::Ed25519,
            RSA_KEY => SignatureAlgorithm::Rsa,
            EC_KEY => match curve()? {
                CURVE_P256 => SignatureAlgorithm::EcdsaP256,
                CURVE_SM2 => SignatureAlgorithm::Sm2,
                _ => return None,
            },
            _ => return None,
        };
        Some(Self {
            algorithm,
            bytes: info.subject_public_key.as_bytes()?.into(),
        })
    }
}

/// What does the arithmetic: this program, or a certified module behind the same words (GM/T 0018: hash with the key's id, update, verify).
pub trait SignatureProvider: Send + Sync {
    /// Begins to verify `signature` by `key`.
    ///
    /// # Errors
    /// The signature or the key is none of its algorithm, or the algorithm is not to be had here.
    fn begin(&self, key: &PublicKey, signature: &[u8]) -> Result<Box<dyn SignatureVerifier>, SignatureFault>;
}

/// The algorithms in software. SM2 comes with the feature `gm`.
pub struct SoftwareProvider;

impl SignatureProvider for SoftwareProvider {
    fn begin(&self, key: &PublicKey, signature: &[u8]) -> Result<Box<dyn SignatureVerifier>, SignatureFault> {
        match key.algorithm {
            SignatureAlgorithm::Ed25519 => edwards::begin(&key.bytes, signature),
            SignatureAlgorithm::EcdsaP256 => p256::begin(&key.bytes, signature),
            SignatureAlgorithm::Rsa => rsa::begin(&key.bytes, signature),
            #[cfg(feature = "gm")]
            SignatureAlgorithm::Sm2 => sm2::begin(&key.bytes, signature),
            #[cfg(not(feature = "gm"))]
            SignatureAlgorithm::Sm2 => Err(SignatureFault::Unsupported),
        }
    }
}

/// Verifies a signature over a message that is there.
///
/// # Errors
/// As [`Provider::begin`].
pub fn verify(
    provider: &dyn SignatureProvider,
    key: &PublicKey,
    message: &[u8],
    signature: &[u8],
) -> Result<SignatureCheck, SignatureFault> {
    let mut verifier = provider.begin(key, signature)?;
    verifier.update(message);
    Ok(verifier.finish())
}

/// A signature as it was sent: its bytes, or their text in base64.
pub fn decode(sent: &[u8]) -> Vec<u8> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let is_text = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=\r\n".contains(byte);
    if !sent.iter().all(is_text) {
        return sent.to_vec();
    }
    let text: Vec<u8> = sent.iter().copied().filter(|byte| !b"\r\n".contains(byte)).collect();
    STANDARD.decode(text).unwrap_or_else(|_not_base64| sent.to_vec())
}

#[cfg(test)]
mod tests;
