//! Proofs of who speaks: tokens, client assertions, secrets, signed messages, and the node's own key material.
//! Everything here is a function over bytes and a given time; only `keys::load_or_create` touches a file, and nothing
//! here knows what the caller may do: a proof of identity is not a permission.

#![cfg_attr(
    test,
    allow(
        clippy::string_slice,
        clippy::disallowed_methods,
        reason = "a test stops at the first surprise"
    )
)]

pub mod assertion;
pub mod ed25519;
pub mod file_digest;
mod jws;
pub mod keys;
pub mod network;
pub mod pseudonym;
pub mod replay;
pub mod seal;
pub mod secret;
pub mod signature;
pub mod target;
pub mod token;
pub mod webhook;

use ring::{digest, hmac};

/// SHA-256.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    for (to, from) in out.iter_mut().zip(digest::digest(&digest::SHA256, bytes).as_ref()) {
        *to = *from;
    }
    out
}

/// Compares two values in a time that depends on their lengths only.
///
/// `ring` has no supported plain comparison, so both sides go through HMAC, whose `verify` is constant time. The key
/// needs no secrecy: it only turns the comparison into one of tags.
pub(crate) fn same_bytes(left: &[u8], right: &[u8]) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"heyan/constant-time/v1");
    let tag = hmac::sign(&key, left);
    hmac::verify(&key, right, tag.as_ref()).is_ok()
}
