//! The token reader on arbitrary text and on damaged copies of a good token: it never panics and never takes a forgery.
//! The key is fixed, so a corpus stays valid; it signs nothing else anywhere.

#![no_main]

use std::sync::LazyLock;

use heyan::auth::assertion::AssertionVerifier;
use heyan::auth::secret::parse_basic;
use heyan::auth::token::{KeyId, TokenClaims, TokenSigner, TokenVerifier};
use libfuzzer_sys::fuzz_target;

const NOW_S: i64 = 1_800_000_000;

static FIXED: LazyLock<(String, TokenVerifier)> = LazyLock::new(|| {
    let signer = TokenSigner::new(&[7; 32], KeyId::parse("fuzz").expect("a key id"), "https://hub").expect("a signer");
    let claims = TokenClaims {
        client_id: "c".into(),
        role: "agency".into(),
        agency: Some("a".into()),
        jti: "j".into(),
        iat: NOW_S,
        exp: NOW_S + 600,
        cnf: None,
    };
    let verifier = TokenVerifier::new("https://hub", signer.verifying_key(), None).expect("a verifier");
    (signer.issue(&claims), verifier)
});

fuzz_target!(|input: (u16, &str)| {
    let (at, text) = input;
    let (token, verifier) = &*FIXED;
    assert!(verifier.verify(token, NOW_S).is_ok());
    assert!(
        text == token || verifier.verify(text, NOW_S).is_err(),
        "a forgery was taken"
    );
    let at = usize::from(at) % token.len();
    let damaged = format!("{}{text}{}", &token[..at], &token[(at + text.len()).min(token.len())..]);
    assert!(
        damaged == *token || verifier.verify(&damaged, NOW_S).is_err(),
        "a damaged token was taken"
    );
    let _ = parse_basic(text);
    let _ = AssertionVerifier::new("https://hub", "https://hub/oauth/token");
});
