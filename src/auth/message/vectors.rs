//! The vectors of RFC 9421 appendix B.2, verified and made.
//! They carry no nonce and lie in 2021, so they go through the inner check and not through `verify`.

use super::*;
use crate::ed25519::SigningKey;
use base64::{Engine as _, engine::general_purpose::STANDARD};

const DIGEST_OF_VECTORS: &str =
    "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:";

/// The request `test-request` of RFC 9421 §B.2.
fn vector_header(name: &str) -> Option<&'static str> {
    Some(match name {
        "date" => "Tue, 20 Apr 2021 02:07:55 GMT",
        "content-type" => "application/json",
        "content-digest" => DIGEST_OF_VECTORS,
        "content-length" => "18",
        _ => return None,
    })
}

fn vector_request<'a>(headers: &'a dyn Fn(&str) -> Option<&'a str>) -> RequestParts<'a> {
    RequestParts {
        method: "POST",
        authority: "example.com",
        target_uri: "https://example.com/foo?param=Value&Pet=dog",
        path: "/foo",
        query: Some("param=Value&Pet=dog"),
        headers,
        body: Body::Unread,
    }
}

fn check_vector(input: &str, signature: &str, key: &MessageKey) -> Result<(), SignatureError> {
    let inputs = structured::lists(input).unwrap();
    let signatures = structured::byte_sequences(signature).unwrap();
    check_signature(&vector_request(&vector_header), &inputs[0].1, &signatures[0].1, key)
}

#[test]
fn the_hmac_vector_of_rfc_9421_b_2_5_verifies_and_is_made() {
    let secret = STANDARD
        .decode("uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==")
        .unwrap();
    let input = r#"sig-b25=("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret""#;
    let signature = "sig-b25=:pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=:";
    let key = MessageKey::shared(&secret).ok().unwrap();
    assert_eq!(check_vector(input, signature, &key), Ok(()));
    let signed = sign(
        &vector_request(&vector_header),
        &SignOptions {
            label: "sig-b25",
            components: &["date", "@authority", "content-type"],
            created_s: 1_618_884_473,
            expires_s: None,
            keyid: "test-shared-secret",
            nonce: None,
        },
        &MessageSigningKey::shared(&secret).ok().unwrap(),
    )
    .unwrap();
    assert_eq!(signed.signature_input, input);
    assert_eq!(signed.signature, signature);
}

#[test]
fn the_ed25519_vector_of_rfc_9421_b_2_6_verifies_and_is_made() {
    let input = concat!(
        r#"sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length")"#,
        r#";created=1618884473;keyid="test-key-ed25519""#
    );
    let signature =
        "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:";
    let seed = STANDARD.decode("n4Ni+HpISpVObnQMW0wOhCKROaIKqKtW/2ZYb2p9KcU=").unwrap();
    let key = SigningKey::from_seed(&seed.try_into().unwrap()).unwrap();
    let public = STANDARD.decode("JrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=").unwrap();
    assert_eq!(key.public().as_bytes().as_slice(), public);
    assert_eq!(
        check_vector(input, signature, &MessageKey::Ed25519(key.public())),
        Ok(())
    );
    let signed = sign(
        &vector_request(&vector_header),
        &SignOptions {
            label: "sig-b26",
            components: &[
                "date",
                "@method",
                "@path",
                "@authority",
                "content-type",
                "content-length",
            ],
            created_s: 1_618_884_473,
            expires_s: None,
            keyid: "test-key-ed25519",
            nonce: None,
        },
        &MessageSigningKey::Ed25519(key),
    )
    .unwrap();
    assert_eq!(signed.signature_input, input);
    assert_eq!(signed.signature, signature);
}
