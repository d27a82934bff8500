//! HTTP message signatures (RFC 9421), the subset that the hub accepts and that its own clients send.
//! A valid signature says nothing about what it does not cover; `verify` therefore insists on the components that fix the
//! meaning of a request, and the body counts as proven only after its digest has been compared.
//! Invariants: `|now - created| ≤ WINDOW_S`; a nonce is kept for `NONCE_KEEP_S ≥ 2 × WINDOW_S`.

mod base;
mod sign;

use ring::{digest, hmac};

use super::ed25519::PublicKey;
use super::replay::{ReplayCache, ReplayError};
use super::same_bytes;
use super::structured::{self, Bare, InnerList};
use base::base;

pub use sign::{MessageSigningKey, SignOptions, SignedHeaders, sign};

/// How far `created` may lie from now, seconds.
pub const WINDOW_S: i64 = 300;

/// How long a nonce is remembered, seconds.
pub const NONCE_KEEP_S: i64 = 600;

/// Shortest shared secret, bytes.
pub const SHARED_SECRET_BYTES_MIN: usize = 32;

const NONCE_BYTES_MAX: usize = 128;

/// What is known of the body when the signature is verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// The request has none.
    Absent,
    /// It has one that was not read yet; compare later with `VerifiedSignature::check_body`.
    Unread,
    /// It was read; its SHA-256.
    Read([u8; 32]),
}

/// The parts of a request that a signature can cover.
pub struct RequestParts<'a> {
    /// As sent, upper case.
    pub method: &'a str,
    /// Host and port as the client addressed them.
    pub authority: &'a str,
    /// Absolute address as the client wrote it, scheme and query included.
    pub target_uri: &'a str,
    /// Path as sent, still percent-encoded.
    pub path: &'a str,
    /// Query as sent without its question mark; `None` when there is no question mark.
    pub query: Option<&'a str>,
    /// Value of a header by lower-case name: several lines joined by `, ` (RFC 9421 §2.1). A caller that cannot join must
    /// answer `None` for a header that occurs twice.
    pub headers: &'a dyn Fn(&str) -> Option<&'a str>,
    /// Body.
    pub body: Body,
}

/// Why a signed request is refused, or a request cannot be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// `Signature-Input` or `Signature` is missing.
    #[error("the request carries no signature")]
    Missing,
    /// A header is not of its form, or over a limit.
    #[error("the signature headers are malformed")]
    Malformed,
    /// More than one signature, or the two headers name different ones.
    #[error("the request must carry exactly one signature")]
    NotOne,
    /// A component or parameter that this profile does not know.
    #[error("the signature covers a component or has a parameter that is not supported")]
    Unsupported,
    /// A component is covered but is not in the request.
    #[error("the signature covers a component that the request lacks")]
    AbsentComponent,
    /// A component that must be covered is not.
    #[error("the signature does not cover {0}")]
    Uncovered(&'static str),
    /// A parameter that must be there is not, or is of the wrong kind.
    #[error("the signature lacks the parameter {0}")]
    NoParameter(&'static str),
    /// `created` is too long ago, or `expires` has passed.
    #[error("the signature has expired")]
    Expired,
    /// `created` lies too far ahead.
    #[error("the signature is not valid yet")]
    NotYetValid,
    /// No key has this id.
    #[error("the signature names an unknown key")]
    UnknownKey,
    /// `alg` is not the algorithm of the key.
    #[error("the signature names another algorithm than its key has")]
    WrongAlgorithm,
    /// The signature does not verify.
    #[error("the request signature does not verify")]
    BadSignature,
    /// `content-digest` holds no SHA-256, or not that of the body.
    #[error("the content digest is not that of the body")]
    BadDigest,
    /// A shared secret under 32 bytes.
    #[error("the shared secret is too short")]
    WeakSecret,
    /// The nonce was used before, or cannot be remembered.
    #[error("the request cannot be accepted once only")]
    Replay(#[from] ReplayError),
}

impl From<structured::Malformed> for SignatureError {
    fn from(_: structured::Malformed) -> Self {
        Self::Malformed
    }
}

/// Where nonces are remembered.
pub trait NonceStore {
    /// Takes a nonce of a key in, once, until `keep_until_s` (Unix seconds) at least.
    fn remember(&self, keyid: &str, nonce: &str, now_s: i64, keep_until_s: i64) -> Result<(), ReplayError>;
}

impl NonceStore for ReplayCache {
    fn remember(&self, keyid: &str, nonce: &str, now_s: i64, keep_until_s: i64) -> Result<(), ReplayError> {
        ReplayCache::remember(self, keyid, nonce, now_s, keep_until_s)
    }
}

/// Key to verify with; the algorithm belongs to it.
#[derive(Clone)]
pub enum MessageKey {
    /// `hmac-sha256` (RFC 9421 §3.3.3).
    HmacSha256(hmac::Key),
    /// `ed25519` (RFC 9421 §3.3.6).
    Ed25519(PublicKey),
}

impl MessageKey {
    /// A shared secret of at least 32 bytes.
    pub fn shared(secret: &[u8]) -> Result<Self, SignatureError> {
        shared(secret).map(Self::HmacSha256)
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Self::HmacSha256(_) => "hmac-sha256",
            Self::Ed25519(_) => "ed25519",
        }
    }

    fn verify(&self, base: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        match self {
            Self::HmacSha256(key) => hmac::verify(key, base, signature).map_err(|_| SignatureError::BadSignature),
            Self::Ed25519(key) => key.verify(base, signature).map_err(|_| SignatureError::BadSignature),
        }
    }
}

/// A request whose signature was proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedSignature {
    /// Id of the key that signed.
    pub keyid: String,
    /// SHA-256 that the body must have, when the digest is covered.
    pub body_sha256: Option<[u8; 32]>,
}

impl VerifiedSignature {
    /// Compares the body that was read after the signature had been proven.
    pub fn check_body(&self, sha256: &[u8; 32]) -> Result<(), SignatureError> {
        match &self.body_sha256 {
            Some(expected) if same_bytes(expected, sha256) => Ok(()),
            _ => Err(SignatureError::BadDigest),
        }
    }
}

/// Proves the one signature of `request` at `now_s` (Unix seconds).
///
/// Must be covered: `@method`; `@path` or `@target-uri`; the query, when there is one, by `@query` or `@target-uri`;
/// `content-digest`, when there is a body. Must be given: `created`, `keyid`, `nonce`; `expires` and `alg` are heeded when
/// given. The nonce is remembered last, after everything else has been proven.
pub fn verify(
    request: &RequestParts<'_>,
    keys: &dyn Fn(&str) -> Option<MessageKey>,
    now_s: i64,
    nonces: &dyn NonceStore,
) -> Result<VerifiedSignature, SignatureError> {
    let (input, signature) = signature_of(request)?;
    check_parameters(&input)?;
    check_coverage(request, &input)?;
    check_window(&input, now_s)?;
    let keyid = text(&input, "keyid")?;
    let nonce = text(&input, "nonce")?;
    if nonce.is_empty() || nonce.len() > NONCE_BYTES_MAX {
        return Err(SignatureError::NoParameter("nonce"));
    }
    let key = keys(keyid).ok_or(SignatureError::UnknownKey)?;
    check_signature(request, &input, &signature, &key)?;
    let body_sha256 = digest_of(request, &input)?;
    nonces.remember(keyid, nonce, now_s, now_s.saturating_add(NONCE_KEEP_S))?;
    Ok(VerifiedSignature {
        keyid: keyid.to_owned(),
        body_sha256,
    })
}

/// SHA-256 of a body.
pub fn sha256(body: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    for (to, from) in out.iter_mut().zip(digest::digest(&digest::SHA256, body).as_ref()) {
        *to = *from;
    }
    out
}

/// The `Content-Digest` header (RFC 9530 §2) of a body with this SHA-256.
pub fn content_digest(sha256: &[u8; 32]) -> String {
    format!("sha-256={}", structured::write_bytes(sha256))
}

fn shared(secret: &[u8]) -> Result<hmac::Key, SignatureError> {
    if secret.len() < SHARED_SECRET_BYTES_MIN {
        return Err(SignatureError::WeakSecret);
    }
    Ok(hmac::Key::new(hmac::HMAC_SHA256, secret))
}

fn signature_of(request: &RequestParts<'_>) -> Result<(InnerList, Vec<u8>), SignatureError> {
    let header = |name| (request.headers)(name).ok_or(SignatureError::Missing);
    let mut inputs = structured::lists(header("signature-input")?)?;
    let mut signatures = structured::byte_sequences(header("signature")?)?;
    match (inputs.pop(), signatures.pop()) {
        (Some((label, input)), Some((same, signature)))
            if label == same && inputs.is_empty() && signatures.is_empty() =>
        {
            Ok((input, signature))
        }
        _ => Err(SignatureError::NotOne),
    }
}

fn check_signature(
    request: &RequestParts<'_>,
    input: &InnerList,
    signature: &[u8],
    key: &MessageKey,
) -> Result<(), SignatureError> {
    match input.param("alg") {
        None => {}
        Some(Bare::Text(name)) if name == key.algorithm() => {}
        Some(_) => return Err(SignatureError::WrongAlgorithm),
    }
    key.verify(base(request, input)?.as_bytes(), signature)
}

fn check_parameters(input: &InnerList) -> Result<(), SignatureError> {
    for (name, _) in &input.params {
        if !matches!(name.as_str(), "created" | "expires" | "keyid" | "nonce" | "alg") {
            return Err(SignatureError::Unsupported);
        }
    }
    Ok(())
}

fn check_coverage(request: &RequestParts<'_>, input: &InnerList) -> Result<(), SignatureError> {
    let covers = |name: &str| input.items.iter().any(|item| item == name);
    if !covers("@method") {
        return Err(SignatureError::Uncovered("@method"));
    }
    if !covers("@path") && !covers("@target-uri") {
        return Err(SignatureError::Uncovered("@path"));
    }
    if request.query.is_some() && !covers("@query") && !covers("@target-uri") {
        return Err(SignatureError::Uncovered("@query"));
    }
    if request.body != Body::Absent && !covers("content-digest") {
        return Err(SignatureError::Uncovered("content-digest"));
    }
    Ok(())
}

fn check_window(input: &InnerList, now_s: i64) -> Result<(), SignatureError> {
    let created = match input.param("created") {
        Some(Bare::Integer(created)) => *created,
        _ => return Err(SignatureError::NoParameter("created")),
    };
    if created > now_s.saturating_add(WINDOW_S) {
        return Err(SignatureError::NotYetValid);
    }
    if created < now_s.saturating_sub(WINDOW_S) {
        return Err(SignatureError::Expired);
    }
    match input.param("expires") {
        None => Ok(()),
        Some(Bare::Integer(expires)) if *expires > now_s => Ok(()),
        Some(Bare::Integer(_)) => Err(SignatureError::Expired),
        Some(Bare::Text(_)) => Err(SignatureError::NoParameter("expires")),
    }
}

fn text<'a>(input: &'a InnerList, name: &'static str) -> Result<&'a str, SignatureError> {
    match input.param(name) {
        Some(Bare::Text(text)) => Ok(text),
        _ => Err(SignatureError::NoParameter(name)),
    }
}

/// The SHA-256 that the body must have, compared at once when the body is known.
fn digest_of(request: &RequestParts<'_>, input: &InnerList) -> Result<Option<[u8; 32]>, SignatureError> {
    if !input.items.iter().any(|item| item == "content-digest") {
        return Ok(None);
    }
    let header = (request.headers)("content-digest").ok_or(SignatureError::AbsentComponent)?;
    let digests = structured::byte_sequences(header).map_err(|_| SignatureError::BadDigest)?;
    // Other algorithms may stand beside SHA-256; one strong digest of the body is enough.
    let expected = digests
        .into_iter()
        .find(|(name, _)| name == "sha-256")
        .and_then(|(_, bytes)| <[u8; 32]>::try_from(bytes).ok())
        .ok_or(SignatureError::BadDigest)?;
    let actual = match request.body {
        Body::Unread => return Ok(Some(expected)),
        Body::Read(actual) => actual,
        Body::Absent => sha256(b""),
    };
    if same_bytes(&expected, &actual) {
        Ok(Some(expected))
    } else {
        Err(SignatureError::BadDigest)
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod vectors;
