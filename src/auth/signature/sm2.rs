//! SM2 with SM3 (GB/T 32918.2-2016), the signature as DER (GB/T 35276-2017). Z, the hash of the signer's id and key, goes before the message.

use sm2::{
    dsa::{Signature, VerifyingKey},
    elliptic_curve::sec1::ToEncodedPoint,
};
use sm3::{Digest as _, Sm3};

use super::check::{SignatureCheck, SignatureFault, SignatureVerifier, two_integers};

/// The user id of who has none of his own, GB/T 35276-2017 §10.
const USER_ID: &str = "1234567812345678";

/// a, b, and the base point of the curve, GB/T 32918.5-2017.
#[rustfmt::skip]
const CURVE: [[u8; 32]; 4] = [
    [0xff, 0xff, 0xff, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfc],
    [0x28, 0xe9, 0xfa, 0x9e, 0x9d, 0x9f, 0x5e, 0x34, 0x4d, 0x5a, 0x9e, 0x4b, 0xcf, 0x65, 0x09, 0xa7,
     0xf3, 0x97, 0x89, 0xf5, 0x15, 0xab, 0x8f, 0x92, 0xdd, 0xbc, 0xbd, 0x41, 0x4d, 0x94, 0x0e, 0x93],
    [0x32, 0xc4, 0xae, 0x2c, 0x1f, 0x19, 0x81, 0x19, 0x5f, 0x99, 0x04, 0x46, 0x6a, 0x39, 0xc9, 0x94,
     0x8f, 0xe3, 0x0b, 0xbf, 0xf2, 0x66, 0x0b, 0xe1, 0x71, 0x5a, 0x45, 0x89, 0x33, 0x4c, 0x74, 0xc7],
    [0xbc, 0x37, 0x36, 0xa2, 0xf4, 0xf6, 0x77, 0x9c, 0x59, 0xbd, 0xce, 0xe3, 0x6b, 0x69, 0x21, 0x53,
     0xd0, 0xa9, 0x87, 0x7c, 0xc6, 0x2a, 0x47, 0x40, 0x02, 0xdf, 0x32, 0xe5, 0x21, 0x39, 0xf0, 0xa0],
];

struct Sm2 {
    key: VerifyingKey,
    signature: Signature,
    hash: Sm3,
}

pub(super) fn begin(key: &[u8], signature: &[u8]) -> Result<Box<dyn SignatureVerifier>, SignatureFault> {
    let key = VerifyingKey::from_sec1_bytes(USER_ID, key).map_err(|_| SignatureFault::Key)?;
    let (r, s) = two_integers(signature).ok_or(SignatureFault::Signature)?;
    let signature = Signature::from_scalars(r, s).map_err(|_| SignatureFault::Signature)?;
    let hash = Sm3::new().chain_update(z(&key));
    Ok(Box::new(Sm2 { key, signature, hash }))
}

/// Z, GB/T 32918.2-2016 §5.5: the length of the id in bits, the id, the curve, the key. The crate keeps its own to itself.
fn z(key: &VerifyingKey) -> [u8; 32] {
    let id_bits = u16::try_from(USER_ID.len() * 8).unwrap_or_default();
    let point = key.to_encoded_point(false);
    let coordinates = point.as_bytes().get(1..).unwrap_or_default();
    let hash = Sm3::new().chain_update(id_bits.to_be_bytes()).chain_update(USER_ID);
    let hash = CURVE.iter().fold(hash, |hash, number| hash.chain_update(number));
    hash.chain_update(coordinates).finalize().into()
}

impl SignatureVerifier for Sm2 {
    fn update(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
    }

    fn finish(self: Box<Self>) -> SignatureCheck {
        use sm2::dsa::signature::hazmat::PrehashVerifier;
        let hash = self.hash.finalize();
        SignatureCheck::of(self.key.verify_prehash(&hash, &self.signature).is_ok())
    }
}
