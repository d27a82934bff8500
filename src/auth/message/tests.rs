//! Tests of signed messages: one refusal for each rule.
//! Each case changes one thing of a request that verifies, before or after it is signed; which of the two matters.

use super::base::{authority, component};
use super::*;
use proptest::prelude::*;
use std::borrow::Cow;

const NOW: i64 = 1_795_400_000;
const SECRET: &[u8; 32] = b"0123456789abcdef0123456789abcdef";

/// One request of which a test changes something before or after it is signed.
#[derive(Clone)]
struct Case {
    method: &'static str,
    authority: &'static str,
    target_uri: &'static str,
    path: &'static str,
    query: Option<&'static str>,
    body: Body,
    content_type: &'static str,
    digest: Option<String>,
    components: Vec<&'static str>,
    created_s: i64,
    expires_s: Option<i64>,
    nonce: Option<&'static str>,
}

fn case() -> Case {
    let hash = sha256(b"{}");
    Case {
        method: "POST",
        authority: "hub:8443",
        target_uri: "https://hub:8443/v1/verifications",
        path: "/v1/verifications",
        query: None,
        body: Body::Read(hash),
        content_type: "application/json",
        digest: Some(content_digest(&hash)),
        components: vec!["@method", "@authority", "@path", "content-digest"],
        created_s: NOW,
        expires_s: None,
        nonce: Some("n-1"),
    }
}

impl Case {
    fn with<T>(&self, signed: Option<&SignedHeaders>, run: impl FnOnce(&RequestParts<'_>) -> T) -> T {
        let headers = |name: &str| match name {
            "content-type" => Some(self.content_type),
            "content-digest" => self.digest.as_deref(),
            "signature" => signed.map(|s| s.signature.as_str()),
            "signature-input" => signed.map(|s| s.signature_input.as_str()),
            _ => None,
        };
        run(&RequestParts {
            method: self.method,
            authority: self.authority,
            target_uri: self.target_uri,
            path: self.path,
            query: self.query,
            headers: &headers,
            body: self.body,
        })
    }

    fn sign(&self) -> SignedHeaders {
        let options = SignOptions {
            label: "sig1",
            components: &self.components,
            created_s: self.created_s,
            expires_s: self.expires_s,
            keyid: "k1",
            nonce: self.nonce,
        };
        let key = MessageSigningKey::shared(SECRET).ok().unwrap();
        self.with(None, |request| sign(request, &options, &key)).unwrap()
    }

    fn verify(&self, signed: &SignedHeaders) -> Result<VerifiedSignature, SignatureError> {
        self.verify_with(signed, &store())
    }

    fn verify_with(&self, signed: &SignedHeaders, nonces: &ReplayCache) -> Result<VerifiedSignature, SignatureError> {
        let keys = |id: &str| (id == "k1").then(|| MessageKey::shared(SECRET).ok().unwrap());
        self.with(Some(signed), |request| verify(request, &keys, NOW, nonces))
    }

    fn outcome(&self) -> Result<VerifiedSignature, SignatureError> {
        self.verify(&self.sign())
    }

    fn refusal(&self) -> Option<SignatureError> {
        self.outcome().err()
    }
}

fn store() -> ReplayCache {
    ReplayCache::new(&[1; 32], 100)
}

#[test]
fn a_signed_request_verifies_once() {
    let (case, nonces) = (case(), store());
    let signed = case.sign();
    let verified = case.verify_with(&signed, &nonces).unwrap();
    assert_eq!(verified.keyid, "k1");
    assert_eq!(verified.body_sha256, Some(sha256(b"{}")));
    assert_eq!(
        case.verify_with(&signed, &nonces),
        Err(SignatureError::Replay(ReplayError::Seen))
    );
}

#[test]
fn a_refused_request_uses_up_no_nonce() {
    let (case, nonces) = (case(), store());
    let signed = case.sign();
    let mut forged = signed.clone();
    forged.signature = format!("sig1={}", structured::write_bytes(&[0; 32]));
    assert_eq!(case.verify_with(&forged, &nonces), Err(SignatureError::BadSignature));
    let mut other_body = case.clone();
    other_body.body = Body::Read(sha256(b"{ }"));
    assert_eq!(other_body.verify_with(&signed, &nonces), Err(SignatureError::BadDigest));
    assert!(nonces.is_empty());
    assert!(case.verify_with(&signed, &nonces).is_ok());
}

#[test]
fn what_is_covered_cannot_be_changed() {
    let mut whole = case();
    whole.query = Some("a=1");
    whole.components = vec![
        "@method",
        "@authority",
        "@target-uri",
        "@path",
        "@query",
        "content-type",
        "content-digest",
    ];
    let signed = whole.sign();
    assert!(whole.verify(&signed).is_ok());
    let changes: [fn(&mut Case); 6] = [
        |c| c.method = "PUT",
        |c| c.authority = "other:8443",
        |c| c.target_uri = "https://hub:8443/v1/x",
        |c| c.path = "/v1/x",
        |c| c.query = Some("a=2"),
        |c| c.content_type = "text/plain",
    ];
    for change in changes {
        let mut changed = whole.clone();
        change(&mut changed);
        assert_eq!(changed.verify(&signed), Err(SignatureError::BadSignature));
    }
    let mut redigested = whole.clone();
    redigested.body = Body::Read(sha256(b"[]"));
    redigested.digest = Some(content_digest(&sha256(b"[]")));
    assert_eq!(redigested.verify(&signed), Err(SignatureError::BadSignature));
}

#[test]
fn what_fixes_the_meaning_must_be_covered() {
    for (left_out, error) in [
        ("@method", Some(SignatureError::Uncovered("@method"))),
        ("@path", Some(SignatureError::Uncovered("@path"))),
        ("content-digest", Some(SignatureError::Uncovered("content-digest"))),
        ("@authority", None),
    ] {
        let mut case = case();
        case.components.retain(|c| *c != left_out);
        assert_eq!(case.refusal(), error);
        case.body = Body::Unread;
        assert_eq!(case.refusal(), error);
    }
    let mut query = case();
    query.query = Some("cursor=x");
    assert_eq!(query.refusal(), Some(SignatureError::Uncovered("@query")));
    query.components.push("@query");
    assert_eq!(query.refusal(), None);
    query.components = vec!["@method", "@target-uri", "content-digest"];
    assert_eq!(query.refusal(), None);
    let mut no_body = case();
    no_body.body = Body::Absent;
    no_body.digest = None;
    no_body.components = vec!["@method", "@path"];
    assert_eq!(no_body.outcome().unwrap().body_sha256, None);
}

#[test]
fn the_digest_is_that_of_the_body() {
    let hash = sha256(b"{}");
    for digest in [
        content_digest(&sha256(b"")),
        "sha-512=:AAAA:".to_owned(),
        "sha-256=:AAAA:".to_owned(),
        "sha-256=x".to_owned(),
        format!("{0}, {0}", content_digest(&hash)),
        String::new(),
    ] {
        let mut case = case();
        case.digest = Some(digest);
        assert_eq!(case.refusal(), Some(SignatureError::BadDigest));
    }
    let mut two = case();
    two.digest = Some(format!("sha-512=:AAAA:, {}", content_digest(&hash)));
    assert_eq!(two.refusal(), None);
    let mut empty = case();
    empty.body = Body::Absent;
    assert_eq!(empty.refusal(), Some(SignatureError::BadDigest));
    empty.digest = Some(content_digest(&sha256(b"")));
    assert_eq!(empty.refusal(), None);
}

#[test]
fn a_body_read_later_is_compared_later() {
    let mut unread = case();
    unread.body = Body::Unread;
    let verified = unread.outcome().unwrap();
    assert_eq!(verified.check_body(&sha256(b"{}")), Ok(()));
    assert_eq!(verified.check_body(&sha256(b"[]")), Err(SignatureError::BadDigest));
    let bare = VerifiedSignature {
        keyid: "k".into(),
        body_sha256: None,
    };
    assert_eq!(bare.check_body(&sha256(b"")), Err(SignatureError::BadDigest));
}

#[test]
fn the_time_window_has_exact_edges() {
    for (created_s, expires_s, error) in [
        (NOW - 300, None, None),
        (NOW - 301, None, Some(SignatureError::Expired)),
        (NOW + 300, None, None),
        (NOW + 301, None, Some(SignatureError::NotYetValid)),
        (NOW, Some(NOW + 1), None),
        (NOW, Some(NOW), Some(SignatureError::Expired)),
    ] {
        let mut case = case();
        case.created_s = created_s;
        case.expires_s = expires_s;
        assert_eq!(case.refusal(), error);
    }
}

#[test]
fn a_nonce_is_kept_longer_than_its_signature_could_live() {
    let (mut early, nonces) = (case(), store());
    early.created_s = NOW + WINDOW_S;
    let signed = early.sign();
    let keys = |_: &str| MessageKey::shared(SECRET).ok();
    let at = |now| early.with(Some(&signed), |request| verify(request, &keys, now, &nonces));
    assert!(at(NOW).is_ok());
    assert_eq!(at(NOW + 600), Err(SignatureError::Replay(ReplayError::Seen)));
    assert_eq!(at(NOW + 601), Err(SignatureError::Expired));
}

#[test]
fn a_nonce_is_demanded_and_bounded() {
    let mut case = case();
    for nonce in [None, Some(""), Some(&*"n".repeat(129).leak())] {
        case.nonce = nonce;
        assert_eq!(case.refusal(), Some(SignatureError::NoParameter("nonce")));
    }
}

fn edited(edit: impl Fn(&mut SignedHeaders)) -> Option<SignatureError> {
    let case = case();
    let mut signed = case.sign();
    edit(&mut signed);
    case.verify(&signed).err()
}

#[test]
fn malformed_and_foreign_headers_are_refused() {
    use SignatureError as E;
    let authority = "\"@authority\"";
    for (from, to, error) in [
        ("k1", "k2", E::UnknownKey),
        (";keyid=\"k1\"", "", E::NoParameter("keyid")),
        ("keyid=\"k1\"", "keyid=1", E::NoParameter("keyid")),
        ("created=", "created=\"1\";x=", E::Unsupported),
        (";keyid", ";tag=\"t\";keyid", E::Unsupported),
        (";keyid", ";alg=\"ed25519\";keyid", E::WrongAlgorithm),
        (";keyid", ";alg=\"hmac-sha256\";keyid", E::BadSignature),
        (authority, "\"@method\"", E::Malformed),
        (authority, "\"@authority\";req", E::Malformed),
        (authority, "\"@scheme\"", E::Unsupported),
        (authority, "\"@signature-params\"", E::Unsupported),
        (authority, "\"Date\"", E::Unsupported),
        (authority, "\"signature\"", E::Unsupported),
        (authority, "\"x-absent\"", E::AbsentComponent),
        ("sig1", "sig2", E::NotOne),
    ] {
        let refusal = edited(|s| s.signature_input = s.signature_input.replacen(from, to, 1));
        assert_eq!(refusal, Some(error), "{from} -> {to}");
    }
    let missing = case().with(None, |request| verify(request, &|_| None, NOW, &store()));
    assert_eq!(missing, Err(E::Missing));
}

#[test]
fn exactly_one_well_formed_signature_is_wanted() {
    use SignatureError as E;
    type Edit = fn(&mut SignedHeaders);
    let edits: [(Edit, SignatureError); 4] = [
        (
            |s| s.signature_input = format!("{0}, b{0}", s.signature_input),
            E::NotOne,
        ),
        (|s| s.signature = format!("{0}, b{0}", s.signature), E::NotOne),
        (|s| s.signature.push('x'), E::Malformed),
        (|s| s.signature = "sig1=::".into(), E::BadSignature),
    ];
    for (edit, error) in edits {
        assert_eq!(edited(edit), Some(error));
    }
}

#[test]
fn a_line_break_cannot_smuggle_a_component() {
    let mut case = case();
    case.components.push("content-type");
    let signed = case.sign();
    case.content_type = "a\n\"@method\": GET";
    assert_eq!(case.verify(&signed), Err(SignatureError::Malformed));
}

#[test]
fn an_authority_is_lower_case_and_without_the_implied_port() {
    for (given, uri, expected) in [
        ("Hub.Local:443", "https://x/", "hub.local"),
        ("hub:80", "http://x/", "hub"),
        ("hub:80", "https://x/", "hub:80"),
        ("hub:8443", "https://x/", "hub:8443"),
        ("[::1]:443", "HTTPS://x/", "[::1]"),
        ("hub:443", "", "hub:443"),
    ] {
        let mut case = case();
        case.authority = given;
        case.target_uri = uri;
        let value = case.with(None, authority);
        assert_eq!(value, expected);
    }
}

#[test]
fn an_empty_path_counts_as_a_slash_and_no_query_as_a_question_mark() {
    let mut case = case();
    case.path = "";
    let read = |case: &Case, name: &str| case.with(None, |request| component(request, name).map(Cow::into_owned));
    assert_eq!(read(&case, "@path"), Ok("/".to_owned()));
    assert_eq!(read(&case, "@query"), Ok("?".to_owned()));
    case.query = Some("");
    assert_eq!(read(&case, "@query"), Ok("?".to_owned()));
}

#[test]
fn weak_secrets_and_unwritable_options_are_refused() {
    assert_eq!(MessageKey::shared(&[0; 31]).err(), Some(SignatureError::WeakSecret));
    let key = MessageSigningKey::shared(SECRET).ok().unwrap();
    for (label, keyid) in [("Sig", "k"), ("", "k"), ("sig", "k\n"), ("sig", "键")] {
        let options = SignOptions {
            label,
            components: &["@method"],
            created_s: NOW,
            expires_s: None,
            keyid,
            nonce: None,
        };
        let signed = case().with(None, |request| sign(request, &options, &key));
        assert_eq!(signed.err(), Some(SignatureError::Malformed));
    }
}

proptest! {
    #[test]
    fn no_headers_make_the_verifier_panic(input in ".{0,120}", signature in ".{0,80}", tail in r#"[();="a-z0-9@ -]{0,60}"#) {
        let case = case();
        for signature_input in [input, format!("sig1=(\"@method\" \"@path\" \"content-digest\"){tail}")] {
            let signed = SignedHeaders { signature_input, signature: signature.clone() };
            prop_assert!(case.verify(&signed).is_err());
        }
    }

    #[test]
    fn a_request_of_any_bytes_is_handled(method in ".{0,10}", path in ".{0,40}", query in proptest::option::of(".{0,40}"), digest in ".{0,60}") {
        let headers = |_: &str| Some(digest.as_str());
        let request = RequestParts {
            method: &method, authority: &path, target_uri: &path, path: &path, query: query.as_deref(),
            headers: &headers, body: Body::Unread,
        };
        let _ = verify(&request, &|_| MessageKey::shared(SECRET).ok(), NOW, &store());
        let options = SignOptions {
            label: "s", components: &["@method", "@authority", "@path", "@query", "content-digest"],
            created_s: NOW, expires_s: None, keyid: "k", nonce: Some("n"),
        };
        let _ = sign(&request, &options, &MessageSigningKey::shared(SECRET).ok().unwrap());
    }
}
