//! Signs requests as the hub's own clients send them, and for tests.
//! It signs whatever it is told to: that the hub accepts it takes a fresh nonce and the components of `super::verify`.

use ring::hmac;

use super::base::base;
use super::{RequestParts, SignatureError, shared};
use crate::ed25519::SigningKey;
use crate::structured::{self, Bare, InnerList};

/// Key to sign with. No `Debug`.
pub enum MessageSigningKey {
    /// `hmac-sha256`.
    HmacSha256(hmac::Key),
    /// `ed25519`.
    Ed25519(SigningKey),
}

impl MessageSigningKey {
    /// A shared secret of at least 32 bytes.
    pub fn shared(secret: &[u8]) -> Result<Self, SignatureError> {
        shared(secret).map(Self::HmacSha256)
    }

    fn sign(&self, base: &[u8]) -> Vec<u8> {
        match self {
            Self::HmacSha256(key) => hmac::sign(key, base).as_ref().to_vec(),
            Self::Ed25519(key) => key.sign(base),
        }
    }
}

/// How to sign.
pub struct SignOptions<'a> {
    /// Name of the signature in its two headers, such as `sig1`.
    pub label: &'a str,
    /// What to cover, in this order.
    pub components: &'a [&'a str],
    /// Unix seconds.
    pub created_s: i64,
    /// Unix seconds.
    pub expires_s: Option<i64>,
    /// Id under which the hub knows the key.
    pub keyid: &'a str,
    /// Different for each request.
    pub nonce: Option<&'a str>,
}

/// The two headers to add.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedHeaders {
    /// Value of `Signature-Input`.
    pub signature_input: String,
    /// Value of `Signature`.
    pub signature: String,
}

/// Signs `request`; a `content-digest` that is to be covered must be among its headers already.
pub fn sign(
    request: &RequestParts<'_>,
    options: &SignOptions<'_>,
    key: &MessageSigningKey,
) -> Result<SignedHeaders, SignatureError> {
    let strings = [options.keyid, options.nonce.unwrap_or_default()];
    if !structured::is_name(options.label) || !strings.iter().all(|s| structured::is_string(s)) {
        return Err(SignatureError::Malformed);
    }
    // Any order is right (RFC 9421 §2.3), but some verifiers write the parameters back in this one.
    let mut params = vec![("created".to_owned(), Bare::Integer(options.created_s))];
    if let Some(expires_s) = options.expires_s {
        params.push(("expires".to_owned(), Bare::Integer(expires_s)));
    }
    if let Some(nonce) = options.nonce {
        params.push(("nonce".to_owned(), Bare::Text(nonce.to_owned())));
    }
    params.push(("keyid".to_owned(), Bare::Text(options.keyid.to_owned())));
    let input = InnerList {
        items: options.components.iter().map(|&c| c.to_owned()).collect(),
        params,
    };
    let signature = key.sign(base(request, &input)?.as_bytes());
    let signature = structured::write_bytes(&signature);
    Ok(SignedHeaders {
        signature_input: format!("{}={}", options.label, input.serialize()),
        signature: format!("{}={signature}", options.label),
    })
}
