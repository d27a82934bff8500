//! Client secrets: made here, shown once, kept as SHA-256 only; and the `Basic` header that carries them.
//! A secret has 256 random bits, so a plain hash is enough and a slow one would only be a way to tire the hub; this must not
//! be used for passwords that people choose.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ring::digest;
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use super::same_bytes;

/// In front of every secret, so that scanners recognise one that leaked.
pub const SECRET_PREFIX: &str = "hys_";

const SECRET_BYTES_MAX: usize = 256;
const BASIC_BYTES_MAX: usize = 1024;

/// Why a secret is refused or could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// The system's random source failed.
    #[error("no random bytes to make a secret")]
    NoRandom,
    /// It is neither the current nor a still valid previous secret.
    #[error("the client secret is wrong")]
    Wrong,
    /// The `Authorization` header is not `Basic` as RFC 6749 §2.3.1 writes it.
    #[error("the basic credentials are malformed")]
    Malformed,
}

/// A secret in the clear. No `Debug`; wiped when dropped.
pub struct ClientSecret(Zeroizing<String>);

impl ClientSecret {
    /// Makes a new one: `hys_` and 43 characters of base64url.
    pub fn generate() -> Result<Self, SecretError> {
        let mut bytes = Zeroizing::new([0u8; 32]);
        SystemRandom::new()
            .fill(bytes.as_mut_slice())
            .map_err(|_| SecretError::NoRandom)?;
        let mut text = Zeroizing::new(String::with_capacity(SECRET_PREFIX.len() + 43));
        text.push_str(SECRET_PREFIX);
        URL_SAFE_NO_PAD.encode_string(bytes.as_slice(), &mut text);
        Ok(Self(text))
    }

    /// Takes a secret that a caller presented.
    pub fn presented(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }

    /// The text, to be shown once.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// SHA-256 of the whole text, prefix included: what is stored.
    pub fn hash(&self) -> [u8; 32] {
        let mut out = [0; 32];
        let hash = digest::digest(&digest::SHA256, self.0.as_bytes());
        for (to, from) in out.iter_mut().zip(hash.as_ref()) {
            *to = *from;
        }
        out
    }
}

/// A random id of 128 bits, 22 characters of base64url.
pub fn random_id() -> Result<String, SecretError> {
    let mut bytes = [0u8; 16];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| SecretError::NoRandom)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// A random number of 64 bits, for ids and jitter.
pub fn random_number() -> Result<u64, SecretError> {
    let mut bytes = [0u8; 8];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| SecretError::NoRandom)?;
    Ok(u64::from_be_bytes(bytes))
}

/// What is stored of a client's secrets.
#[derive(Clone, Copy)]
pub struct StoredSecrets {
    /// SHA-256 of the current secret.
    pub current: [u8; 32],
    /// SHA-256 of the secret before the last rotation, and when it expires (Unix µs, exclusive).
    pub previous: Option<([u8; 32], i64)>,
}

/// Which secret fitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretGeneration {
    /// The current one.
    Current,
    /// The one before the last rotation: worth a note to the operator that the client has not changed over.
    Previous,
}

impl StoredSecrets {
    /// Fits no secret: checked for unknown clients, so that they take as long as known ones.
    pub const NOBODY: Self = Self {
        current: [0; 32],
        previous: None,
    };

    /// Checks `secret` at `now_us` (Unix µs). Both hashes are always compared, each in constant time.
    pub fn check(&self, secret: &ClientSecret, now_us: i64) -> Result<SecretGeneration, SecretError> {
        if secret.0.len() > SECRET_BYTES_MAX {
            return Err(SecretError::Wrong);
        }
        let hash = secret.hash();
        let (previous_hash, previous_until) = self.previous.unwrap_or(([0; 32], i64::MIN));
        let current = same_bytes(&hash, &self.current);
        let previous = same_bytes(&hash, &previous_hash) & (now_us < previous_until);
        match (current, previous) {
            (true, _) => Ok(SecretGeneration::Current),
            (false, true) => Ok(SecretGeneration::Previous),
            (false, false) => Err(SecretError::Wrong),
        }
    }
}

/// Client id and secret of a `Basic` header, not checked yet.
pub struct BasicCredentials {
    /// Client id.
    pub client_id: String,
    /// Secret.
    pub secret: ClientSecret,
}

/// Parses the value of an `Authorization: Basic` header by RFC 6749 §2.3.1: both parts are form-urlencoded, then joined by
/// a colon and put in base64 (RFC 7617).
///
/// Strict: one space, canonical padded base64, only the characters that urlencoding leaves, no control characters,
/// neither part empty, at most 1 KiB.
pub fn parse_basic(value: &str) -> Result<BasicCredentials, SecretError> {
    if value.len() > BASIC_BYTES_MAX {
        return Err(SecretError::Malformed);
    }
    let (scheme, encoded) = value.split_once(' ').ok_or(SecretError::Malformed)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(SecretError::Malformed);
    }
    let joined = STANDARD
        .decode(encoded)
        .map(Zeroizing::new)
        .map_err(|_| SecretError::Malformed)?;
    let colon = joined.iter().position(|b| *b == b':').ok_or(SecretError::Malformed)?;
    let (id, rest) = joined.split_at(colon);
    let secret = rest.get(1..).ok_or(SecretError::Malformed)?;
    Ok(BasicCredentials {
        client_id: form_decode(id)?.as_str().to_owned(),
        secret: ClientSecret(form_decode(secret)?),
    })
}

/// `application/x-www-form-urlencoded` of one part (RFC 6749 appendix B), limited to VSCHAR (appendix A).
fn form_decode(bytes: &[u8]) -> Result<Zeroizing<String>, SecretError> {
    let mut out = Zeroizing::new(String::with_capacity(bytes.len()));
    let mut rest = bytes;
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        let byte = match first {
            b'+' => b' ',
            b'%' => {
                let (high, low) = match rest {
                    [high, low, tail @ ..] => {
                        rest = tail;
                        (hex(*high)?, hex(*low)?)
                    }
                    _ => return Err(SecretError::Malformed),
                };
                high << 4 | low
            }
            b'*' | b'-' | b'.' | b'_' => *first,
            other if other.is_ascii_alphanumeric() => *other,
            _ => return Err(SecretError::Malformed),
        };
        if !(0x20..=0x7e).contains(&byte) {
            return Err(SecretError::Malformed);
        }
        out.push(char::from(byte));
    }
    if out.is_empty() {
        return Err(SecretError::Malformed);
    }
    Ok(out)
}

fn hex(digit: u8) -> Result<u8, SecretError> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        b'A'..=b'F' => Ok(digit - b'A' + 10),
        _ => Err(SecretError::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn basic(joined: &str) -> String {
        format!("Basic {}", STANDARD.encode(joined))
    }

    #[test]
    fn a_new_secret_has_its_prefix_and_256_bits_and_is_never_the_same() {
        let (a, b) = (
            ClientSecret::generate().ok().unwrap(),
            ClientSecret::generate().ok().unwrap(),
        );
        assert_ne!(a.reveal(), b.reveal());
        let tail = a.reveal().strip_prefix(SECRET_PREFIX).unwrap();
        assert_eq!(URL_SAFE_NO_PAD.decode(tail).unwrap().len(), 32);
        assert_eq!(ClientSecret::presented(a.reveal()).hash(), a.hash());
    }

    #[test]
    fn current_and_previous_fit_as_long_as_they_are_good() {
        let (old, new) = (
            ClientSecret::generate().ok().unwrap(),
            ClientSecret::generate().ok().unwrap(),
        );
        let stored = StoredSecrets {
            current: new.hash(),
            previous: Some((old.hash(), 1_000)),
        };
        assert_eq!(stored.check(&new, 5_000), Ok(SecretGeneration::Current));
        assert_eq!(stored.check(&old, 999), Ok(SecretGeneration::Previous));
        assert_eq!(stored.check(&old, 1_000), Err(SecretError::Wrong));
        let alone = StoredSecrets {
            previous: None,
            ..stored
        };
        assert_eq!(alone.check(&old, i64::MIN), Err(SecretError::Wrong));
    }

    #[test]
    fn wrong_long_and_empty_secrets_fit_nobody() {
        let stored = StoredSecrets {
            current: ClientSecret::generate().ok().unwrap().hash(),
            previous: None,
        };
        for text in ["", "hys_", &"x".repeat(10_000)] {
            let secret = ClientSecret::presented(text);
            assert_eq!(stored.check(&secret, 0), Err(SecretError::Wrong));
            assert_eq!(StoredSecrets::NOBODY.check(&secret, 0), Err(SecretError::Wrong));
        }
        let long = ClientSecret::presented(&"x".repeat(257));
        let fits = StoredSecrets {
            current: long.hash(),
            previous: None,
        };
        assert_eq!(fits.check(&long, 0), Err(SecretError::Wrong));
    }

    #[test]
    fn basic_credentials_are_form_decoded() {
        let parsed = parse_basic(&basic("housing-1:hys_a-B_9")).ok().unwrap();
        assert_eq!(parsed.client_id, "housing-1");
        assert_eq!(parsed.secret.reveal(), "hys_a-B_9");
        let parsed = parse_basic(&basic("a%3Ab+c:%2B%25%2f")).ok().unwrap();
        assert_eq!(parsed.client_id, "a:b c");
        assert_eq!(parsed.secret.reveal(), "+%/");
        let lower = basic("a:b").replacen("Basic", "bASIC", 1);
        assert!(parse_basic(&lower).is_ok());
    }

    #[test]
    fn malformed_basic_headers_are_refused() {
        for joined in [
            "", ":", "a", "a:", ":b", "a:b:c", "a:b c", "a:%", "a:%2", "a:%zz", "a:%00", "a:%0a", "a:%ff", "a:b~",
            "a:é", "a:%7f", "a\u{0}:b",
        ] {
            assert!(parse_basic(&basic(joined)).is_err(), "{joined:?}");
        }
        let long = basic(&format!("a:{}", "b".repeat(2_000)));
        for value in [
            "",
            "Basic",
            "Basic ",
            "Basic  YTpi",
            "Basic YTpi ",
            "Basic YTpiYw",
            "Basic YTpiYx==",
            "Bearer YTpi",
            "Basic\tYTpi",
            &long,
        ] {
            assert!(parse_basic(value).is_err(), "{value:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in ".{0,200}", bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = parse_basic(&text);
            let _ = parse_basic(&format!("Basic {}", STANDARD.encode(&bytes)));
        }

        #[test]
        fn what_a_client_encodes_is_what_is_read(id in "[ -~]{1,40}", secret in "[ -~]{1,40}") {
            let encode = |text: &str| -> String {
                text.bytes().map(|b| match b {
                    b' ' => "+".to_owned(),
                    b if b.is_ascii_alphanumeric() => char::from(b).to_string(),
                    b => format!("%{b:02X}"),
                }).collect()
            };
            let parsed = parse_basic(&basic(&format!("{}:{}", encode(&id), encode(&secret)))).ok().unwrap();
            prop_assert_eq!(parsed.client_id, id);
            prop_assert_eq!(parsed.secret.reveal(), secret);
        }
    }
}
