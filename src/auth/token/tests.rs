//! Tests of access tokens: one refusal for each rule.
//! Most forged tokens carry a good signature, or the test would pass for the wrong reason.

use super::*;
use proptest::prelude::*;

const NOW: i64 = 1_795_400_000;
const ISSUER: &str = "https://hub-1.heyan.local";

fn signer(seed: u8, kid: &str) -> TokenSigner {
    TokenSigner::new(&[seed; 32], KeyId::parse(kid).unwrap(), ISSUER).unwrap()
}

fn verifier() -> TokenVerifier {
    TokenVerifier::new(ISSUER, signer(1, "k1").verifying_key(), None).unwrap()
}

fn claims() -> TokenClaims {
    TokenClaims {
        client_id: "housing-1".into(),
        role: "agency".into(),
        agency: Some("housing".into()),
        jti: "tok_1".into(),
        iat: NOW,
        exp: NOW + 600,
        cnf: Some([9; 32]),
    }
}

fn payload() -> Value {
    json!({"iss": ISSUER, "aud": ISSUER, "sub": "c", "client_id": "c", "role": "agency",
           "jti": "j", "iat": NOW, "exp": NOW + 600})
}

fn header() -> Value {
    json!({"alg": "EdDSA", "typ": "at+jwt", "kid": "k1"})
}

fn sign(header: &Value, payload: &Value) -> String {
    let key = SigningKey::from_seed(&[1; 32]).unwrap();
    jws::join(header, payload, |bytes| key.sign(bytes))
}

fn refusal(token: &str) -> Option<TokenError> {
    verifier().verify(token, NOW).err()
}

fn with(member: &str, value: Value) -> Value {
    let mut payload = payload();
    payload[member] = value;
    payload
}

#[test]
fn an_issued_token_verifies_to_its_claims() {
    let bare = TokenClaims {
        agency: None,
        cnf: None,
        ..claims()
    };
    for claims in [claims(), bare] {
        let token = signer(1, "k1").issue(&claims);
        assert!(token.len() < 700);
        assert!(verifier().verify(&token, NOW).ok() == Some(claims));
    }
}

#[test]
fn a_header_of_another_type_or_algorithm_is_refused() {
    for (member, value) in [
        ("alg", "none"),
        ("alg", "HS256"),
        ("alg", "eddsa"),
        ("typ", "JWT"),
        ("typ", "AT+JWT"),
        ("typ", "application/at+jwt"),
    ] {
        let mut header = header();
        header[member] = value.into();
        assert_eq!(refusal(&sign(&header, &payload())), Some(TokenError::WrongType));
    }
    let mut unknown = header();
    unknown["kid"] = "k2".into();
    assert_eq!(refusal(&sign(&unknown, &payload())), Some(TokenError::UnknownKey));
    for member in ["crit", "jwk", "jku", "x5u", "b64"] {
        let mut header = header();
        header[member] = "x".into();
        assert_eq!(refusal(&sign(&header, &payload())), Some(TokenError::Malformed));
    }
}

#[test]
fn an_hmac_by_the_public_key_is_no_signature() {
    let public = *signer(1, "k1").key.public().as_bytes();
    for alg in ["HS256", "EdDSA"] {
        let header = json!({"alg": alg, "typ": "at+jwt", "kid": "k1"});
        let token = jws::join(&header, &payload(), |bytes| {
            let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &public);
            ring::hmac::sign(&key, bytes).as_ref().to_vec()
        });
        assert!(refusal(&token).is_some());
    }
}

#[test]
fn a_changed_bit_anywhere_is_refused() {
    let token = signer(1, "k1").issue(&claims());
    for at in 0..token.len() {
        let mut bytes = token.clone().into_bytes();
        bytes[at] ^= 1;
        let changed = String::from_utf8(bytes).unwrap();
        assert!(refusal(&changed).is_some(), "byte {at}");
    }
}

#[test]
fn the_time_window_has_exact_edges() {
    let token = signer(1, "k1").issue(&claims());
    let at = |now| verifier().verify(&token, now).err();
    assert_eq!(at(NOW - SKEW_S), None);
    assert_eq!(at(NOW - SKEW_S - 1), Some(TokenError::NotYetValid));
    assert_eq!(at(NOW + 599), None);
    assert_eq!(at(NOW + 600), Some(TokenError::Expired));
    assert_eq!(at(i64::MAX), Some(TokenError::Expired));
    assert_eq!(at(i64::MIN), Some(TokenError::NotYetValid));
}

#[test]
fn wrong_claims_are_refused() {
    for (member, value, error) in [
        ("iss", json!("https://other"), TokenError::WrongIssuer),
        ("aud", json!("https://other"), TokenError::WrongAudience),
        ("aud", json!([ISSUER]), TokenError::Malformed),
        ("sub", json!("d"), TokenError::BadClaims),
        ("exp", json!(NOW + LIFETIME_S_MAX + 1), TokenError::BadClaims),
        ("exp", json!(NOW), TokenError::BadClaims),
        ("exp", json!(i64::MAX), TokenError::BadClaims),
        ("iat", json!(i64::MIN), TokenError::BadClaims),
        ("exp", json!((NOW + 10) as f64 + 0.5), TokenError::Malformed),
        ("exp", json!("1"), TokenError::Malformed),
        ("scope", json!("admin"), TokenError::Malformed),
        ("cnf", json!({"x5t#S256": "AA"}), TokenError::Malformed),
        ("cnf", json!({"jkt": "AA"}), TokenError::Malformed),
    ] {
        let token = sign(&header(), &with(member, value));
        assert_eq!(refusal(&token), Some(error), "{member}");
    }
    for member in ["iss", "aud", "sub", "client_id", "role", "jti", "iat", "exp"] {
        let mut payload = payload();
        payload.as_object_mut().unwrap().shift_remove(member);
        assert_eq!(refusal(&sign(&header(), &payload)), Some(TokenError::Malformed));
    }
    assert_eq!(refusal(&sign(&header(), &payload())), None);
}

#[test]
fn a_duplicate_member_is_refused_even_when_signed() {
    let key = SigningKey::from_seed(&[1; 32]).unwrap();
    let doubled = payload().to_string().replacen('{', r#"{"role":"agency","#, 1);
    let mut token = URL_SAFE_NO_PAD.encode(header().to_string());
    token.push('.');
    token.push_str(&URL_SAFE_NO_PAD.encode(doubled));
    let signature = key.sign(token.as_bytes());
    token.push('.');
    token.push_str(&URL_SAFE_NO_PAD.encode(signature));
    assert_eq!(refusal(&token), Some(TokenError::Malformed));
}

#[test]
fn two_keys_live_at_once_and_a_retired_one_is_dead() {
    let (old, new) = (signer(1, "k1"), signer(2, "k2"));
    let token = old.issue(&claims());
    let both = TokenVerifier::new(ISSUER, new.verifying_key(), Some(old.verifying_key())).unwrap();
    assert!(both.verify(&token, NOW).is_ok());
    assert!(both.verify(&new.issue(&claims()), NOW).is_ok());
    let after = TokenVerifier::new(ISSUER, new.verifying_key(), None).unwrap();
    assert_eq!(after.verify(&token, NOW).err(), Some(TokenError::UnknownKey));
    let twice = TokenVerifier::new(ISSUER, new.verifying_key(), Some(new.verifying_key()));
    assert_eq!(twice.err(), Some(TokenError::DuplicateKeyId));
}

#[test]
fn the_key_set_lists_public_keys_only() {
    let both = TokenVerifier::new(
        ISSUER,
        signer(2, "k2").verifying_key(),
        Some(signer(1, "k1").verifying_key()),
    );
    let set: Value = serde_json::from_str(&both.unwrap().jwks()).unwrap();
    assert_eq!(set["keys"][0]["kid"], "k2");
    assert_eq!(set["keys"][1]["kid"], "k1");
    for key in set["keys"].as_array().unwrap() {
        assert_eq!(key["kty"], "OKP");
        assert!(key.get("d").is_none());
    }
}

#[test]
fn the_thumbprint_is_that_of_rfc_8037() {
    let x = URL_SAFE_NO_PAD
        .decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
        .unwrap();
    let key = PublicKey::from_bytes(x.try_into().unwrap()).unwrap();
    let kid = KeyId::thumbprint(&key);
    assert_eq!(kid.as_str(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    assert_eq!(KeyId::parse(kid.as_str()), Ok(kid));
}

#[test]
fn key_ids_have_one_alphabet() {
    for text in ["", "a b", "a\"b", "键", &"k".repeat(65)] {
        assert_eq!(KeyId::parse(text), Err(TokenError::BadKeyId));
    }
}

#[test]
fn an_overlong_token_is_refused() {
    let mut big = claims();
    big.role = "x".repeat(4096);
    assert_eq!(refusal(&signer(1, "k1").issue(&big)), Some(TokenError::TooLong));
}

proptest! {
    #[test]
    fn no_text_makes_the_verifier_panic(text in ".{0,300}") {
        prop_assert!(refusal(&text).is_some());
    }

    #[test]
    fn no_signed_payload_makes_the_verifier_panic(payload in "\\PC{0,200}") {
        let key = SigningKey::from_seed(&[1; 32]).unwrap();
        let mut token = URL_SAFE_NO_PAD.encode(header().to_string());
        token.push('.');
        token.push_str(&URL_SAFE_NO_PAD.encode(&payload));
        let signature = key.sign(token.as_bytes());
        token.push('.');
        token.push_str(&URL_SAFE_NO_PAD.encode(signature));
        prop_assert!(refusal(&token).is_some());
    }
}
