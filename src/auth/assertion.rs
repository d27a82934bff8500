//! Client authentication by `private_key_jwt` (RFC 7523 §2.2 and §3): the client signs a short-lived assertion with its own key.
//! The audience must be this hub alone: an assertion that names several servers could be carried from one to another.
//! Invariant: `now < exp ≤ now + LIFETIME_S_MAX`, and each `jti` is good once.

use serde_json::{Map, Value};

use super::ed25519::PublicKey;
use super::jws::{self, JwsError};
use super::replay::{ReplayCache, ReplayError};

/// `client_assertion_type` of RFC 7523 §2.2.
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How far ahead `exp` may lie, seconds.
pub(crate) const LIFETIME_S_MAX: i64 = 300;

/// How far the client's clock may be ahead for `iat` and `nbf`, seconds.
pub(crate) const SKEW_S: i64 = 60;

const ID_BYTES_MAX: usize = 128;

/// Why an assertion is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssertionError {
    /// Over 4 KiB.
    #[error("the client assertion is too long")]
    TooLong,
    /// Not a compact JWS of strict JSON, or a member is missing or of the wrong kind.
    #[error("the client assertion is malformed")]
    Malformed,
    /// Header `alg` or `typ` is not of this profile, or a `crit` extension is asked for.
    #[error("the client assertion header names another type or algorithm")]
    WrongType,
    /// `iss` is not `sub`, or not the `client_id` of the request.
    #[error("the client assertion is of another client")]
    WrongClient,
    /// The client is unknown or has no key registered.
    #[error("the client has no registered key")]
    UnknownClient,
    /// The signature does not verify.
    #[error("the client assertion signature does not verify")]
    BadSignature,
    /// `aud` is not this hub alone.
    #[error("the client assertion is for another audience")]
    WrongAudience,
    /// `exp` has passed.
    #[error("the client assertion has expired")]
    Expired,
    /// `exp` lies too far ahead.
    #[error("the client assertion lives too long")]
    LivesTooLong,
    /// `nbf` or `iat` lies in the future.
    #[error("the client assertion is not valid yet")]
    NotYetValid,
    /// The `jti` was used before, or cannot be remembered.
    #[error("it cannot be guaranteed that the client assertion is used only once")]
    Replay(#[from] ReplayError),
}

impl From<JwsError> for AssertionError {
    fn from(error: JwsError) -> Self {
        match error {
            JwsError::TooLong => Self::TooLong,
            JwsError::Malformed => Self::Malformed,
        }
    }
}

/// An assertion that was proven here for the first time. Whether another node has seen it is for a shared store to say.
#[derive(Debug, PartialEq, Eq)]
pub struct ProvenAssertion {
    /// The client that made it.
    pub client: String,
    /// Keyed hash of its one-time id.
    pub mark: [u8; 16],
    /// End of the time in which a replay would still be accepted, Unix seconds.
    pub until_s: i64,
}

/// Verifies assertions that are meant for this hub.
pub struct AssertionVerifier {
    audiences: Vec<String>,
}

impl AssertionVerifier {
    /// `issuer` and `token_endpoint` are the two names under which this hub may be addressed.
    pub fn new(issuer: &str, token_endpoint: &str) -> Self {
        Self {
            audiences: vec![issuer.to_owned(), token_endpoint.to_owned()],
        }
    }

    /// Proves `assertion` at `now_s` (Unix seconds).
    ///
    /// `client_id` is the request's own parameter, when it has one; `key_of` answers the registered key of an enabled
    /// client. The id is handed to `key_of` before it is proven and must not be logged as if it were.
    pub fn verify(
        &self,
        assertion: &str,
        client_id: Option<&str>,
        key_of: &dyn Fn(&str) -> Option<PublicKey>,
        replay: &ReplayCache,
        now_s: i64,
    ) -> Result<ProvenAssertion, AssertionError> {
        let parts = jws::split(assertion)?;
        check_header(&jws::object(&parts.header)?)?;
        // The client id is needed to find the key, so the payload is read before it is proven; nothing else of it is.
        let claims = jws::object(&parts.payload)?;
        let issuer = id(&claims, "iss")?;
        if issuer != id(&claims, "sub")? || client_id.is_some_and(|given| given != issuer) {
            return Err(AssertionError::WrongClient);
        }
        key_of(issuer)
            .ok_or(AssertionError::UnknownClient)?
            .verify(parts.signed, &parts.signature)
            .map_err(|_| AssertionError::BadSignature)?;
        if !self.is_audience(claims.get("aud")) {
            return Err(AssertionError::WrongAudience);
        }
        let exp = check_times(&claims, now_s)?;
        let jti = id(&claims, "jti")?;
        replay.remember(issuer, jti, now_s, exp)?;
        Ok(ProvenAssertion {
            client: issuer.to_owned(),
            mark: replay.mark(issuer, jti),
            until_s: exp,
        })
    }

    fn is_audience(&self, value: Option<&Value>) -> bool {
        let name = match value {
            Some(Value::String(name)) => name,
            Some(Value::Array(names)) => match names.as_slice() {
                [Value::String(name)] => name,
                _ => return false,
            },
            _ => return false,
        };
        self.audiences.iter().any(|own| own == name)
    }
}

fn check_header(header: &Map<String, Value>) -> Result<(), AssertionError> {
    // RFC 9864 renames EdDSA over this curve to Ed25519; the registered key is of that curve either way.
    let alg = header.get("alg").and_then(Value::as_str);
    if !matches!(alg, Some("EdDSA" | "Ed25519")) || header.contains_key("crit") {
        return Err(AssertionError::WrongType);
    }
    match header.get("typ") {
        None => Ok(()),
        Some(Value::String(typ))
            if typ.eq_ignore_ascii_case("JWT") || typ.eq_ignore_ascii_case("client-authentication+jwt") =>
        {
            Ok(())
        }
        // An access token of the hub itself, or any other kind of statement, is no assertion.
        Some(_) => Err(AssertionError::WrongType),
    }
}

fn check_times(claims: &Map<String, Value>, now_s: i64) -> Result<i64, AssertionError> {
    let exp = seconds(claims, "exp")?.ok_or(AssertionError::Malformed)?;
    if now_s >= exp {
        return Err(AssertionError::Expired);
    }
    if exp > now_s.saturating_add(LIFETIME_S_MAX) {
        return Err(AssertionError::LivesTooLong);
    }
    for name in ["nbf", "iat"] {
        if seconds(claims, name)?.is_some_and(|from| from > now_s.saturating_add(SKEW_S)) {
            return Err(AssertionError::NotYetValid);
        }
    }
    Ok(exp)
}

/// A whole number of seconds; RFC 7519 allows fractions, which no client needs and which are refused.
fn seconds(claims: &Map<String, Value>, name: &str) -> Result<Option<i64>, AssertionError> {
    match claims.get(name) {
        None => Ok(None),
        Some(value) => value.as_i64().map(Some).ok_or(AssertionError::Malformed),
    }
}

fn id<'a>(claims: &'a Map<String, Value>, name: &str) -> Result<&'a str, AssertionError> {
    match claims.get(name).and_then(Value::as_str) {
        Some(text) if !text.is_empty() && text.len() <= ID_BYTES_MAX => Ok(text),
        _ => Err(AssertionError::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ed25519::SigningKey;
    use proptest::prelude::*;
    use serde_json::json;

    const NOW: i64 = 1_795_400_000;
    const ISSUER: &str = "https://hub";
    const ENDPOINT: &str = "https://hub/oauth/token";

    fn key() -> SigningKey {
        SigningKey::from_seed(&[5; 32]).unwrap()
    }

    fn claims() -> Value {
        json!({"iss": "c1", "sub": "c1", "aud": ENDPOINT, "exp": NOW + 60, "iat": NOW, "jti": "j1"})
    }

    fn signed(header: Value, claims: &Value) -> String {
        jws::join(&header, claims, |bytes| key().sign(bytes))
    }

    fn plain(claims: &Value) -> String {
        signed(json!({"alg": "EdDSA"}), claims)
    }

    fn verify_with(text: &str, client_id: Option<&str>, replay: &ReplayCache) -> Result<String, AssertionError> {
        let keys = |id: &str| (id == "c1").then(|| key().public());
        AssertionVerifier::new(ISSUER, ENDPOINT)
            .verify(text, client_id, &keys, replay, NOW)
            .map(|proven| proven.client)
    }

    fn verify(text: &str) -> Result<String, AssertionError> {
        verify_with(text, None, &ReplayCache::new(&[0; 32], 8, 8))
    }

    fn with(member: &str, value: Value) -> Value {
        let mut claims = claims();
        claims[member] = value;
        claims
    }

    #[test]
    fn a_good_assertion_names_its_client() {
        assert_eq!(verify(&plain(&claims())), Ok("c1".to_owned()));
        for aud in [json!(ISSUER), json!(ENDPOINT), json!([ISSUER]), json!([ENDPOINT])] {
            assert!(verify(&plain(&with("aud", aud))).is_ok());
        }
        for header in [
            json!({"alg": "Ed25519"}),
            json!({"alg": "EdDSA", "typ": "JWT", "kid": "any"}),
            json!({"alg": "EdDSA", "typ": "client-authentication+jwt"}),
        ] {
            assert!(verify(&signed(header, &claims())).is_ok());
        }
        assert!(verify(&plain(&with("unknown", json!({"a": 1})))).is_ok());
    }

    #[test]
    fn an_assertion_is_good_once_only() {
        let replay = ReplayCache::new(&[0; 32], 8, 8);
        let text = plain(&claims());
        assert!(verify_with(&text, Some("c1"), &replay).is_ok());
        assert_eq!(
            verify_with(&text, Some("c1"), &replay),
            Err(AssertionError::Replay(ReplayError::Seen))
        );
        let longer = plain(&with("exp", json!(NOW + 61)));
        assert_eq!(
            verify_with(&longer, None, &replay),
            Err(AssertionError::Replay(ReplayError::Seen))
        );
    }

    #[test]
    fn a_refused_assertion_uses_up_no_room() {
        let replay = ReplayCache::new(&[0; 32], 1, 1);
        let mut forged = plain(&claims());
        forged.replace_range(forged.len() - 6..forged.len() - 2, "AAAA");
        assert_eq!(verify_with(&forged, None, &replay), Err(AssertionError::BadSignature));
        assert!(replay.is_empty());
        assert!(verify_with(&plain(&claims()), None, &replay).is_ok());
        let next = plain(&with("jti", json!("j2")));
        assert_eq!(
            verify_with(&next, None, &replay),
            Err(AssertionError::Replay(ReplayError::Full))
        );
    }

    #[test]
    fn the_client_must_be_one_and_the_same() {
        let replay = ReplayCache::new(&[0; 32], 8, 8);
        assert_eq!(
            verify_with(&plain(&claims()), Some("c2"), &replay),
            Err(AssertionError::WrongClient)
        );
        assert_eq!(
            verify(&plain(&with("sub", json!("c2")))),
            Err(AssertionError::WrongClient)
        );
        let mut other = with("sub", json!("c2"));
        other["iss"] = json!("c2");
        assert_eq!(verify(&plain(&other)), Err(AssertionError::UnknownClient));
    }

    #[test]
    fn wrong_claims_are_refused() {
        for (member, value, error) in [
            ("aud", json!("https://other"), AssertionError::WrongAudience),
            ("aud", json!([ISSUER, "https://other"]), AssertionError::WrongAudience),
            ("aud", json!([ISSUER, ENDPOINT]), AssertionError::WrongAudience),
            ("aud", json!([]), AssertionError::WrongAudience),
            ("aud", json!(1), AssertionError::WrongAudience),
            ("exp", json!(NOW), AssertionError::Expired),
            ("exp", json!(NOW + 301), AssertionError::LivesTooLong),
            ("exp", json!(i64::MAX), AssertionError::LivesTooLong),
            ("exp", json!(u64::MAX), AssertionError::Malformed),
            ("exp", json!(1.5), AssertionError::Malformed),
            ("nbf", json!(NOW + 61), AssertionError::NotYetValid),
            ("iat", json!(NOW + 61), AssertionError::NotYetValid),
            ("iat", json!("now"), AssertionError::Malformed),
            ("jti", json!(""), AssertionError::Malformed),
            ("jti", json!(7), AssertionError::Malformed),
            ("jti", json!("j".repeat(129)), AssertionError::Malformed),
        ] {
            assert_eq!(verify(&plain(&with(member, value))), Err(error), "{member}");
        }
        for member in ["iss", "sub", "exp", "jti"] {
            let mut claims = claims();
            claims.as_object_mut().unwrap().shift_remove(member);
            assert_eq!(verify(&plain(&claims)), Err(AssertionError::Malformed));
        }
        assert!(verify(&plain(&with("exp", json!(NOW + 300)))).is_ok());
    }

    #[test]
    fn other_algorithms_and_types_are_refused() {
        for header in [
            json!({"alg": "none"}),
            json!({"alg": "HS256"}),
            json!({"alg": "ES256"}),
            json!({}),
            json!({"alg": "EdDSA", "typ": "at+jwt"}),
            json!({"alg": "EdDSA", "typ": 1}),
            json!({"alg": "EdDSA", "crit": ["b64"], "b64": false}),
        ] {
            assert_eq!(verify(&signed(header, &claims())), Err(AssertionError::WrongType));
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_verifier_panic(text in ".{0,300}") {
            prop_assert!(verify(&text).is_err());
        }
    }
}
