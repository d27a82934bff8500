//! The outer form of signed tokens: JWS compact serialisation (RFC 7515 §7.1) and strict JSON objects.
//! Nothing is trusted here: `split` only cuts and decodes, and the payload is to be read after the signature has been verified.
//! Own code: on the hot path; a JWT library brings a second crypto stack and chooses the algorithm by the header.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use heyan_domain::json::{self, JsonRules};
use serde_json::{Map, Value};

/// Longest compact form accepted.
pub(super) const COMPACT_BYTES_MAX: usize = 4096;

/// Why text has not the outer form of a signed token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum JwsError {
    /// Longer than `COMPACT_BYTES_MAX`.
    TooLong,
    /// Not three segments of unpadded canonical base64url, or not strict JSON in them.
    Malformed,
}

/// The decoded parts.
pub(super) struct CompactJws<'a> {
    /// What was signed: the first two segments with their dot.
    pub signed: &'a [u8],
    /// Header bytes.
    pub header: Vec<u8>,
    /// Payload bytes.
    pub payload: Vec<u8>,
    /// Signature bytes.
    pub signature: Vec<u8>,
}

/// Cuts and decodes `text`. Padding, whitespace, other alphabets and non-zero trailing bits are refused, so that one
/// token has one spelling.
pub(super) fn split(text: &str) -> Result<CompactJws<'_>, JwsError> {
    if text.len() > COMPACT_BYTES_MAX {
        return Err(JwsError::TooLong);
    }
    let (signed, signature) = text.rsplit_once('.').ok_or(JwsError::Malformed)?;
    let (header, payload) = signed.split_once('.').ok_or(JwsError::Malformed)?;
    let decode = |part: &str| {
        if part.is_empty() {
            return Err(JwsError::Malformed);
        }
        URL_SAFE_NO_PAD.decode(part).map_err(|_| JwsError::Malformed)
    };
    Ok(CompactJws {
        signed: signed.as_bytes(),
        header: decode(header)?,
        payload: decode(payload)?,
        signature: decode(signature)?,
    })
}

/// Joins header and payload to what is to be signed, and the signature to that.
pub(super) fn join(header: &Value, payload: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let mut text = URL_SAFE_NO_PAD.encode(header.to_string());
    text.push('.');
    URL_SAFE_NO_PAD.encode_string(payload.to_string(), &mut text);
    let signature = sign(text.as_bytes());
    text.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut text);
    text
}

/// Reads one JSON object. A member that occurs twice, at any depth, is refused (RFC 7515 §4 allows either that or the
/// last one; two readers that choose differently is how tokens get confused).
pub(super) fn object(bytes: &[u8]) -> Result<Map<String, Value>, JwsError> {
    match json::parse(bytes, JsonRules::FOREIGN) {
        Ok(Value::Object(members)) => Ok(members),
        _ => Err(JwsError::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ed25519::SigningKey;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn a_joined_token_splits_into_what_was_joined() {
        let text = join(&json!({"alg": "x"}), &json!({"a": 1}), |_| vec![1, 2, 3]);
        let parts = split(&text).ok().unwrap();
        assert_eq!(parts.header, br#"{"alg":"x"}"#);
        assert_eq!(parts.payload, br#"{"a":1}"#);
        assert_eq!(parts.signature, [1, 2, 3]);
        assert!(text.as_bytes().starts_with(parts.signed));
    }

    #[test]
    fn the_eddsa_vector_of_rfc_8037_a_4_verifies_and_is_made() {
        let text = concat!(
            "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.",
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
        );
        let seed = URL_SAFE_NO_PAD
            .decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A")
            .unwrap();
        let key = SigningKey::from_seed(&seed.try_into().unwrap()).unwrap();
        let parts = split(text).ok().unwrap();
        assert_eq!(parts.payload, b"Example of Ed25519 signing");
        assert_eq!(key.sign(parts.signed), parts.signature);
        assert_eq!(key.public().verify(parts.signed, &parts.signature), Ok(()));
    }

    #[test]
    fn one_token_has_one_spelling() {
        for text in [
            "",
            ".",
            "..",
            "e30.e30",
            "e30.e30.",
            ".e30.AA",
            "e30..AA",
            "e30.e30.AA.AA",
            "e30=.e30.AA",
            "e30.e30.AA==",
            "e30.e30.AB",
            "e30.e30.A+",
            "e30.e30.A/AA",
            "e30.e30. AA",
            "e30.e30.AA\n",
        ] {
            assert_eq!(split(text).err(), Some(JwsError::Malformed), "{text:?}");
        }
        assert!(split("e30.e30.AA").is_ok());
    }

    #[test]
    fn text_over_the_limit_is_refused_before_decoding() {
        let text = format!("e30.e30.{}", "A".repeat(COMPACT_BYTES_MAX));
        assert_eq!(split(&text).err(), Some(JwsError::TooLong));
    }

    #[test]
    fn duplicate_members_are_refused_at_any_depth() {
        for bytes in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":{"b":1,"b":2}}"#,
            r#"{"a":[{"b":1,"b":2}]}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"a":1}{"a":1}"#,
            r#"{"a":1} x"#,
            r#"["a"]"#,
            r#""a""#,
            "",
        ] {
            assert!(object(bytes.as_bytes()).is_err(), "{bytes}");
        }
        assert!(object(br#"{"a":[1,-1,1.5,"s",null,true,{"b":1}],"c":{"b":1}}"#).is_ok_and(|o| o.len() == 2));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parsers_panic(text in ".{0,200}", bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = split(&text);
            let _ = object(text.as_bytes());
            let _ = object(&bytes);
        }
    }
}
