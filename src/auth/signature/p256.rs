//! ECDSA on P-256 with SHA-256 (FIPS 186-5 §6.4.2); the signature is DER.

use p256::ecdsa::{Signature, VerifyingKey, signature::hazmat::PrehashVerifier};
use ring::digest::{Context, SHA256};

use super::check::{SignatureCheck, SignatureFault, SignatureVerifier, two_integers};

struct Ecdsa {
    key: VerifyingKey,
    signature: Signature,
    hash: Context,
}

pub(super) fn begin(key: &[u8], signature: &[u8]) -> Result<Box<dyn SignatureVerifier>, SignatureFault> {
    let key = VerifyingKey::from_sec1_bytes(key).map_err(|_| SignatureFault::Key)?;
    let (r, s) = two_integers(signature).ok_or(SignatureFault::Signature)?;
    let signature = Signature::from_scalars(r, s).map_err(|_| SignatureFault::Signature)?;
    Ok(Box::new(Ecdsa {
        key,
        signature,
        hash: Context::new(&SHA256),
    }))
}

impl SignatureVerifier for Ecdsa {
    fn update(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
    }

    fn finish(self: Box<Self>) -> SignatureCheck {
        let hash = self.hash.finish();
        SignatureCheck::of(self.key.verify_prehash(hash.as_ref(), &self.signature).is_ok())
    }
}
