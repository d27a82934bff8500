//! Ed25519 keys (RFC 8032) as every proof of this module uses them.
//! `ring` verifies with any 32 bytes as a key; the few points of small order, with which anyone can forge, are refused here.

use ring::signature::{self, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

/// Bytes of a signature.
pub const SIGNATURE_BYTES: usize = 64;

/// Encodings of the points of order 1, 2, 4 and 8, the non-canonical ones too, with the sign bit cleared.
const SMALL_ORDER: [[u8; 32]; 7] = [
    padded(0x00, 0x00, 0x00),
    padded(0x01, 0x00, 0x00),
    padded(0xec, 0xff, 0x7f),
    padded(0xed, 0xff, 0x7f),
    padded(0xee, 0xff, 0x7f),
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf,
        0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20,
        0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ],
];

const fn padded(first: u8, middle: u8, last: u8) -> [u8; 32] {
    let mut bytes = [middle; 32];
    bytes[0] = first;
    bytes[31] = last;
    bytes
}

/// Why bytes are not a usable key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// A point of small order: a signature by it proves nothing.
    #[error("the ed25519 public key is a point of small order")]
    SmallOrder,
    /// The seed was refused by the library.
    #[error("the ed25519 seed is unusable")]
    BadSeed,
}

/// A signature did not verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the ed25519 signature does not verify")]
pub struct BadSignature;

/// A public key, 32 bytes, not of small order.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// Takes the 32 bytes of RFC 8032 §5.1.5.
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, KeyError> {
        let mut unsigned = bytes;
        if let Some(last) = unsigned.last_mut() {
            *last &= 0x7f;
        }
        if SMALL_ORDER.contains(&unsigned) {
            return Err(KeyError::SmallOrder);
        }
        Ok(Self(bytes))
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Verifies `signature` over `message`.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        UnparsedPublicKey::new(&signature::ED25519, &self.0)
            .verify(message, signature)
            .map_err(|_| BadSignature)
    }
}

/// A private key. No `Debug`, no way to read the seed back.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    public: PublicKey,
}

impl SigningKey {
    /// Makes the pair of a 32-byte seed (RFC 8032 §5.1.5).
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| KeyError::BadSeed)?;
        let bytes = <[u8; 32]>::try_from(pair.public_key().as_ref()).map_err(|_| KeyError::BadSeed)?;
        let public = PublicKey::from_bytes(bytes)?;
        Ok(Self { pair, public })
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        self.public
    }

    /// Signs `message`: 64 bytes.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(message).as_ref().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_verifies_for_its_message_and_key_only() {
        let key = SigningKey::from_seed(&[7; 32]).unwrap();
        let other = SigningKey::from_seed(&[8; 32]).unwrap();
        let signature = key.sign(b"message");
        assert_eq!(signature.len(), SIGNATURE_BYTES);
        assert_eq!(key.public().verify(b"message", &signature), Ok(()));
        assert_eq!(key.public().verify(b"massage", &signature), Err(BadSignature));
        assert_eq!(other.public().verify(b"message", &signature), Err(BadSignature));
        assert_eq!(key.public().verify(b"message", &signature[..63]), Err(BadSignature));
        assert_eq!(key.public().verify(b"message", &[]), Err(BadSignature));
    }

    #[test]
    fn every_small_order_key_is_refused_and_would_let_anyone_forge() {
        // R = the neutral element, S = 0: fits every message whose hash is a multiple of the point's order.
        let mut forged = [0u8; 64];
        forged[0] = 1;
        for (at, encoding) in SMALL_ORDER.iter().enumerate() {
            for sign in [0u8, 0x80] {
                let mut bytes = *encoding;
                bytes[31] |= sign;
                assert_eq!(PublicKey::from_bytes(bytes).err(), Some(KeyError::SmallOrder));
                let unchecked = UnparsedPublicKey::new(&signature::ED25519, bytes);
                let fits = (0u32..400).any(|n| unchecked.verify(&n.to_be_bytes(), &forged).is_ok());
                // Encodings that the library cannot decode are refused all the same; the canonical ones do forge.
                assert!(fits || at > 0, "encoding {at} sign {sign}");
                if at == 5 || at == 6 {
                    assert!(fits, "encoding {at} is a point of order 8");
                }
            }
        }
    }
}
