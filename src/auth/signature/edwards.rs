//! Ed25519 (RFC 8032), message by message part: the hash begins with R and the key, so both are known before the first byte comes.

use ed25519_dalek::{Signature, StreamVerifier, VerifyingKey};

use super::check::{SignatureCheck, SignatureFault, SignatureVerifier};

struct Edwards(StreamVerifier);

pub(super) fn begin(key: &[u8], signature: &[u8]) -> Result<Box<dyn SignatureVerifier>, SignatureFault> {
    let key = <&[u8; 32]>::try_from(key).map_err(|_| SignatureFault::Key)?;
    let key = VerifyingKey::from_bytes(key).map_err(|_| SignatureFault::Key)?;
    if key.is_weak() {
        // A key of small order fits signatures that nobody made.
        return Err(SignatureFault::Key);
    }
    let signature = Signature::from_slice(signature).map_err(|_| SignatureFault::Signature)?;
    let stream = key.verify_stream(&signature).map_err(|_| SignatureFault::Signature)?;
    Ok(Box::new(Edwards(stream)))
}

impl SignatureVerifier for Edwards {
    fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(self: Box<Self>) -> SignatureCheck {
        SignatureCheck::of(self.0.finalize_and_verify().is_ok())
    }
}
