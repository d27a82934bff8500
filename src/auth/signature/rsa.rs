//! RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 §8.2.2). The whole encoded message is made and compared: nothing of what the signature
//! opens to is ever parsed, so there is no padding to be lenient about. Only public numbers are handled.

use num_bigint::BigUint;
use ring::digest::{Context, SHA256};
use x509_cert::der::{Decode, Reader, SliceReader, asn1::UintRef};

use super::check::{SignatureCheck, SignatureFault, SignatureVerifier};

/// Sizes of a modulus, bytes: 2,048 to 8,192 bits.
const MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=1_024;

/// Public exponents: FIPS 186-5 §5.4 asks for more than 2¹⁶, and nobody needs more than 33 bits.
const EXPONENT_MIN: u64 = 65_537;
const EXPONENT_MAX: u64 = (1 << 33) - 1;

/// `DigestInfo` of SHA-256 before the digest, RFC 8017 §9.2 note 1.
const DIGEST_INFO: [u8; 19] = [
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20,
];

struct Rsa {
    modulus: BigUint,
    bytes: usize,
    exponent: BigUint,
    signature: BigUint,
    hash: Context,
}

pub(super) fn begin(key: &[u8], signature: &[u8]) -> Result<Box<dyn SignatureVerifier>, SignatureFault> {
    let (modulus, exponent) = numbers(key).ok_or(SignatureFault::Key)?;
    let bytes = modulus.len();
    let exponent_fits = exponent.len() <= 8 && {
        let value = exponent.iter().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
        (EXPONENT_MIN..=EXPONENT_MAX).contains(&value) && value % 2 == 1
    };
    // A first byte of less than 128 would be a modulus of odd length in bits, which nobody makes.
    let modulus_fits = MODULUS_BYTES.contains(&bytes) && modulus.first().is_some_and(|first| *first >= 0x80);
    if !exponent_fits || !modulus_fits {
        return Err(SignatureFault::Key);
    }
    let (modulus, value) = (BigUint::from_bytes_be(modulus), BigUint::from_bytes_be(signature));
    if signature.len() != bytes || value >= modulus {
        return Err(SignatureFault::Signature);
    }
    Ok(Box::new(Rsa {
        modulus,
        bytes,
        exponent: BigUint::from_bytes_be(exponent),
        signature: value,
        hash: Context::new(&SHA256),
    }))
}

/// Modulus and exponent of an `RSAPublicKey`.
fn numbers(key: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut reader = SliceReader::new(key).ok()?;
    let pair = reader.sequence(|inner| Ok((UintRef::decode(inner)?, UintRef::decode(inner)?)));
    let (modulus, exponent) = reader.finish(pair.ok()?).ok()?;
    Some((modulus.as_bytes(), exponent.as_bytes()))
}

impl SignatureVerifier for Rsa {
    fn update(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
    }

    fn finish(self: Box<Self>) -> SignatureCheck {
        let hash = self.hash.finish();
        let tail = [&[0x00][..], &DIGEST_INFO, hash.as_ref()].concat();
        // RFC 8017 §9.2: 00 01 FF … FF 00 DigestInfo. The leading zero byte is that of a number below the modulus.
        let filler = self.bytes.saturating_sub(tail.len() + 2);
        let expected = [&[0x01][..], &vec![0xff; filler], &tail].concat();
        let opened = self.signature.modpow(&self.exponent, &self.modulus);
        SignatureCheck::of(opened.to_bytes_be() == expected)
    }
}
