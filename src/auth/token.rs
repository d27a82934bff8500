//! Access tokens of the hub: `at+jwt` (RFC 9068), EdDSA, issued and verified by the hub itself.
//! The algorithm belongs to the key, never to the token: a header that names another one is refused before any key is tried.
//! Invariant: `iat ≤ now + SKEW_S`, `now < exp`, `exp - iat ≤ LIFETIME_S_MAX`.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::digest;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::ed25519::{KeyError, PublicKey, SigningKey};
use super::jws::{self, JwsError};

/// Longest life that any configuration may give a token, seconds; the default is 600.
pub(crate) const LIFETIME_S_MAX: i64 = 86_400;

/// How far the clock of the node that issued a token may be ahead of the node that reads it, seconds. Nodes may differ
/// by so much; nothing is added after `exp`.
pub(crate) const SKEW_S: i64 = 60;

/// Name of a signing key in token headers and in the key set: 1 to 64 of `A-Z a-z 0-9 - _`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyId(String);

impl KeyId {
    /// Checks the alphabet and the length.
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if text.is_empty() || text.len() > 64 || !text.bytes().all(plain) {
            return Err(TokenError::BadKeyId);
        }
        Ok(Self(text.to_owned()))
    }

    /// The JWK thumbprint (RFC 7638, RFC 8037 appendix A.3) of a public key: needs no bookkeeping and cannot collide.
    pub fn thumbprint(key: &PublicKey) -> Self {
        let x = URL_SAFE_NO_PAD.encode(key.as_bytes());
        let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
        let hash = digest::digest(&digest::SHA256, canonical.as_bytes());
        Self(URL_SAFE_NO_PAD.encode(hash))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a token says. `sub` and `client_id` are the same, for there are only client credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenClaims {
    /// OAuth 2.0 client id (`sub` and `client_id`).
    pub client_id: String,
    /// `agency`, `authority`, `operator`, `manager` or `auditor`.
    pub role: String,
    /// Agency that the client speaks for; `None` for the bureau's own people.
    pub agency: Option<String>,
    /// Id of this token.
    pub jti: String,
    /// Issued at, Unix seconds.
    pub iat: i64,
    /// Expiry, Unix seconds; the token is dead from this second on.
    pub exp: i64,
    /// SHA-256 of the client certificate that must be presented with it (`cnf.x5t#S256`, RFC 8705 §3.1).
    pub cnf: Option<[u8; 32]>,
}

/// Why a token is refused, or could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Over 4 KiB.
    #[error("the token is too long")]
    TooLong,
    /// Not a compact JWS of strict JSON with exactly the members of this profile.
    #[error("the token is malformed")]
    Malformed,
    /// Header `alg` or `typ` is not that of this profile.
    #[error("the token header names another type or algorithm")]
    WrongType,
    /// No live key has this `kid`.
    #[error("the token names an unknown key")]
    UnknownKey,
    /// The signature does not verify.
    #[error("the token signature does not verify")]
    BadSignature,
    /// Another issuer.
    #[error("the token is of another issuer")]
    WrongIssuer,
    /// Another audience.
    #[error("the token is for another audience")]
    WrongAudience,
    /// `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// `iat` lies in the future.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// `sub` is not `client_id`, or the life is longer than allowed or not positive.
    #[error("the token claims contradict each other")]
    BadClaims,
    /// A key id that is empty, too long or of other characters.
    #[error("the key id is malformed")]
    BadKeyId,
    /// Two keys with the same id.
    #[error("two token keys have the same id")]
    DuplicateKeyId,
    /// The key material is unusable.
    #[error("the token key is unusable")]
    Key(#[from] KeyError),
}

impl From<JwsError> for TokenError {
    fn from(error: JwsError) -> Self {
        match error {
            JwsError::TooLong => Self::TooLong,
            JwsError::Malformed => Self::Malformed,
        }
    }
}

/// Issues tokens with one key.
pub struct TokenSigner {
    key: SigningKey,
    kid: KeyId,
    issuer: String,
}

impl TokenSigner {
    /// `issuer` is the hub's own address; it is the audience too, for the hub issues for itself only.
    pub fn new(seed: &[u8; 32], kid: KeyId, issuer: &str) -> Result<Self, TokenError> {
        let key = SigningKey::from_seed(seed)?;
        let issuer = issuer.to_owned();
        Ok(Self { key, kid, issuer })
    }

    /// The public half under its name, for a verifier.
    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey {
            kid: self.kid.clone(),
            key: self.key.public(),
        }
    }

    /// Signs `claims` as they are; a life that the verifier would refuse is the caller's mistake.
    pub fn issue(&self, claims: &TokenClaims) -> String {
        let header = json!({"alg": "EdDSA", "typ": "at+jwt", "kid": self.kid.as_str()});
        let mut payload = Map::new();
        let mut put = |name: &str, value: Value| payload.insert(name.to_owned(), value);
        put("iss", Value::from(self.issuer.as_str()));
        put("aud", Value::from(self.issuer.as_str()));
        put("sub", Value::from(claims.client_id.as_str()));
        put("client_id", Value::from(claims.client_id.as_str()));
        put("role", Value::from(claims.role.as_str()));
        if let Some(agency) = &claims.agency {
            put("agency", Value::from(agency.as_str()));
        }
        put("jti", Value::from(claims.jti.as_str()));
        put("iat", Value::from(claims.iat));
        put("exp", Value::from(claims.exp));
        if let Some(thumbprint) = &claims.cnf {
            put("cnf", json!({"x5t#S256": URL_SAFE_NO_PAD.encode(thumbprint)}));
        }
        jws::join(&header, &Value::Object(payload), |bytes| self.key.sign(bytes))
    }
}

/// A public token key under its name.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifyingKey {
    /// Name.
    pub kid: KeyId,
    /// Key.
    pub key: PublicKey,
}

/// Verifies tokens of one issuer with the current key and, while a rotation lasts, the previous one.
pub struct TokenVerifier {
    issuer: String,
    current: VerifyingKey,
    previous: Option<VerifyingKey>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenHeader {
    alg: String,
    typ: String,
    kid: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenPayload {
    iss: String,
    aud: String,
    sub: String,
    client_id: String,
    role: String,
    agency: Option<String>,
    jti: String,
    iat: i64,
    exp: i64,
    cnf: Option<TokenConfirmation>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenConfirmation {
    #[serde(rename = "x5t#S256")]
    x5t_s256: String,
}

impl TokenVerifier {
    /// Refuses two keys of one name.
    pub fn new(issuer: &str, current: VerifyingKey, previous: Option<VerifyingKey>) -> Result<Self, TokenError> {
        if previous.as_ref().is_some_and(|key| key.kid == current.kid) {
            return Err(TokenError::DuplicateKeyId);
        }
        Ok(Self {
            issuer: issuer.to_owned(),
            current,
            previous,
        })
    }

    /// Proves `token` at `now_s` (Unix seconds).
    ///
    /// Binding to a client certificate (`cnf`) is left to the caller, who alone sees the connection.
    pub fn verify(&self, token: &str, now_s: i64) -> Result<TokenClaims, TokenError> {
        let parts = jws::split(token)?;
        let header: TokenHeader = strict(&parts.header)?;
        // RFC 8725 §3.1 and §3.11: the two names are compared before any key is looked up.
        if header.alg != "EdDSA" || header.typ != "at+jwt" {
            return Err(TokenError::WrongType);
        }
        self.key(&header.kid)?
            .verify(parts.signed, &parts.signature)
            .map_err(|_| TokenError::BadSignature)?;
        let payload: TokenPayload = strict(&parts.payload)?;
        if payload.iss != self.issuer {
            return Err(TokenError::WrongIssuer);
        }
        if payload.aud != self.issuer {
            return Err(TokenError::WrongAudience);
        }
        let life = payload.exp.saturating_sub(payload.iat);
        if payload.sub != payload.client_id || life <= 0 || life > LIFETIME_S_MAX {
            return Err(TokenError::BadClaims);
        }
        if now_s >= payload.exp {
            return Err(TokenError::Expired);
        }
        if payload.iat > now_s.saturating_add(SKEW_S) {
            return Err(TokenError::NotYetValid);
        }
        Ok(TokenClaims {
            client_id: payload.client_id,
            role: payload.role,
            agency: payload.agency,
            jti: payload.jti,
            iat: payload.iat,
            exp: payload.exp,
            cnf: payload.cnf.map(|c| thumbprint(&c.x5t_s256)).transpose()?,
        })
    }

    /// The JWK set (RFC 7517, RFC 8037) to serve at `/oauth/jwks`, current key first.
    pub fn jwks(&self) -> String {
        let keys = [Some(&self.current), self.previous.as_ref()];
        let keys: Vec<Value> = keys.into_iter().flatten().map(jwk).collect();
        json!({ "keys": keys }).to_string()
    }

    fn key(&self, kid: &str) -> Result<&PublicKey, TokenError> {
        [Some(&self.current), self.previous.as_ref()]
            .into_iter()
            .flatten()
            .find(|key| key.kid.as_str() == kid)
            .map(|key| &key.key)
            .ok_or(TokenError::UnknownKey)
    }
}

fn jwk(key: &VerifyingKey) -> Value {
    json!({
        "kty": "OKP",
        "crv": "Ed25519",
        "x": URL_SAFE_NO_PAD.encode(key.key.as_bytes()),
        "kid": key.kid.as_str(),
        "use": "sig",
        "alg": "EdDSA",
    })
}

fn strict<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, TokenError> {
    let members = jws::object(bytes)?;
    serde_json::from_value(Value::Object(members)).map_err(|_| TokenError::Malformed)
}

fn thumbprint(text: &str) -> Result<[u8; 32], TokenError> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| TokenError::Malformed)?;
    <[u8; 32]>::try_from(bytes).map_err(|_| TokenError::Malformed)
}

#[cfg(test)]
mod tests;
