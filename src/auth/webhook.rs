//! Signatures of Standard Webhooks: `v1` by HMAC-SHA256, `v1a` by Ed25519, over `id.timestamp.body`; and the text forms of keys.
//! The key of `v1` is what the text encodes, not the text: to sign with `whsec_…` itself is the usual mistake of receivers.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use super::ed25519::{KeyError, SigningKey};

/// In front of the text of a secret.
pub const SECRET_PREFIX: &str = "whsec_";
/// In front of the text of a public key.
pub(crate) const PUBLIC_KEY_PREFIX: &str = "whpk_";

const SECRET_BYTES: usize = 32;
const SECRET_BYTES_MIN: usize = 24;
const SECRET_BYTES_MAX: usize = 64;
const ID_BYTES_MAX: usize = 128;

/// Why something cannot be signed, made or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// The system's random source failed.
    #[error("no random bytes to make a webhook key")]
    NoRandom,
    /// Not `whsec_` and the canonical base64 of 24 to 64 bytes.
    #[error("not a webhook secret: whsec_ and the base64 of 24 to 64 bytes")]
    Secret,
    /// An id is 1 to 128 letters, digits, `_` and `-`: with a dot in it, one signature fits two messages.
    #[error("not a webhook id")]
    Id,
    /// Before 1970.
    #[error("not a webhook timestamp")]
    Timestamp,
    /// The Ed25519 seed is unusable.
    #[error(transparent)]
    Seed(#[from] KeyError),
}

/// The key of `v1`. No `Debug`; wiped when dropped.
pub struct WebhookSecret(Zeroizing<Vec<u8>>);

impl WebhookSecret {
    /// Makes a new one of 32 bytes.
    ///
    /// # Errors
    /// There are no random bytes.
    pub fn generate() -> Result<Self, WebhookError> {
        let mut bytes = Zeroizing::new(vec![0; SECRET_BYTES]);
        let filled = SystemRandom::new().fill(&mut bytes);
        filled.map_err(|_| WebhookError::NoRandom)?;
        Ok(Self(bytes))
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(text: &str) -> Result<Self, WebhookError> {
        let encoded = text.strip_prefix(SECRET_PREFIX).ok_or(WebhookError::Secret)?;
        let bytes = STANDARD.decode(encoded).map_err(|_| WebhookError::Secret)?;
        Self::from_bytes(bytes)
    }

    /// Takes the key itself.
    ///
    /// # Errors
    /// It has not 24 to 64 bytes.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, WebhookError> {
        let bytes = Zeroizing::new(bytes);
        match bytes.len() {
            SECRET_BYTES_MIN..=SECRET_BYTES_MAX => Ok(Self(bytes)),
            _ => Err(WebhookError::Secret),
        }
    }

    /// The key itself, to be sealed.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text form, to be shown once.
    pub fn reveal(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(SECRET_PREFIX.len() + 88));
        text.push_str(SECRET_PREFIX);
        STANDARD.encode_string(self.0.as_slice(), &mut text);
        text
    }
}

/// The text by which a receiver knows the public half of `seed`.
///
/// # Errors
/// The seed is unusable.
pub fn public_key_text(seed: &[u8; 32]) -> Result<String, WebhookError> {
    let public = SigningKey::from_seed(seed)?.public();
    Ok(format!("{PUBLIC_KEY_PREFIX}{}", STANDARD.encode(public.as_bytes())))
}

/// What is signed of one message.
pub struct SignedContent(Vec<u8>);

impl SignedContent {
    /// Puts `id.timestamp.body` together.
    ///
    /// # Errors
    /// Id or timestamp is none.
    pub fn new(id: &str, timestamp_s: i64, body: &[u8]) -> Result<Self, WebhookError> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        if id.is_empty() || id.len() > ID_BYTES_MAX || !id.bytes().all(plain) {
            return Err(WebhookError::Id);
        }
        if timestamp_s < 0 {
            return Err(WebhookError::Timestamp);
        }
        let mut bytes = format!("{id}.{timestamp_s}.").into_bytes();
        bytes.extend_from_slice(body);
        Ok(Self(bytes))
    }

    /// `v1,…` by one secret.
    pub fn v1(&self, secret: &WebhookSecret) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        format!("v1,{}", STANDARD.encode(hmac::sign(&key, &self.0)))
    }

    /// `v1a,…` by the key of `seed`.
    ///
    /// # Errors
    /// The seed is unusable.
    pub fn v1a(&self, seed: &[u8; 32]) -> Result<String, WebhookError> {
        let key = SigningKey::from_seed(seed)?;
        Ok(format!("v1a,{}", STANDARD.encode(key.sign(&self.0))))
    }
}

#[cfg(test)]
mod tests {
    use super::super::ed25519::PublicKey;
    use super::*;

    /// The worked example of the specification.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const TIME_S: i64 = 1_614_265_330;
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const V1: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn signed() -> SignedContent {
        SignedContent::new(ID, TIME_S, BODY).unwrap()
    }

    #[test]
    fn the_worked_example_of_the_specification_comes_out() {
        let secret = WebhookSecret::parse(SECRET).unwrap();
        assert_eq!(signed().v1(&secret), V1);
        assert_eq!(*secret.reveal(), SECRET);
    }

    #[test]
    fn the_published_library_signs_the_same() {
        for length in [SECRET_BYTES_MIN, 32, 33, SECRET_BYTES_MAX] {
            let secret = WebhookSecret::from_bytes((0..length).map(|b| b as u8).collect()).unwrap();
            let library = standardwebhooks::Webhook::new(&secret.reveal()).unwrap();
            for body in ["", "{}", "{\"姓名\":\"王五\"}", "a.b.c"] {
                let ours = SignedContent::new("msg_1", 1_700_000_000, body.as_bytes())
                    .unwrap()
                    .v1(&secret);
                assert_eq!(ours, library.sign("msg_1", 1_700_000_000, body.as_bytes()).unwrap());
            }
        }
    }

    #[test]
    fn a_new_secret_is_read_back_and_differs_from_the_next() {
        let (one, two) = (WebhookSecret::generate().unwrap(), WebhookSecret::generate().unwrap());
        assert_eq!(WebhookSecret::parse(&one.reveal()).unwrap().as_bytes(), one.as_bytes());
        assert_eq!(one.as_bytes().len(), SECRET_BYTES);
        assert_ne!(one.as_bytes(), two.as_bytes());
        assert_ne!(signed().v1(&one), signed().v1(&two));
    }

    #[test]
    fn text_that_is_no_secret_is_refused() {
        let of = |length: usize| format!("{SECRET_PREFIX}{}", STANDARD.encode(vec![7; length]));
        assert!(WebhookSecret::parse(&of(SECRET_BYTES_MIN)).is_ok());
        assert!(WebhookSecret::parse(&of(SECRET_BYTES_MAX)).is_ok());
        for text in [
            "",
            "whsec_",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS",
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw ",
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS_",
            "WHSEC_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            &of(SECRET_BYTES_MIN - 1),
            &of(SECRET_BYTES_MAX + 1),
        ] {
            assert_eq!(WebhookSecret::parse(text).err(), Some(WebhookError::Secret), "{text}");
        }
    }

    #[test]
    fn a_public_key_verifies_what_its_seed_signed() {
        let seed = [7; 32];
        let text = public_key_text(&seed).unwrap();
        let public = STANDARD.decode(text.strip_prefix(PUBLIC_KEY_PREFIX).unwrap()).unwrap();
        let public = PublicKey::from_bytes(public.try_into().unwrap()).unwrap();
        let signature = signed().v1a(&seed).unwrap();
        let signature = STANDARD.decode(signature.strip_prefix("v1a,").unwrap()).unwrap();
        assert!(public.verify(&signed().0, &signature).is_ok());
        let other = SignedContent::new(ID, TIME_S + 1, BODY).unwrap();
        assert!(public.verify(&other.0, &signature).is_err());
    }

    #[test]
    fn an_id_or_time_that_would_blur_the_signature_is_refused() {
        let long = "a".repeat(ID_BYTES_MAX + 1);
        for id in ["", "a.b", "a b", "a\n", "编号", long.as_str()] {
            assert_eq!(SignedContent::new(id, 0, b"").err(), Some(WebhookError::Id), "{id}");
        }
        assert_eq!(SignedContent::new("a", -1, b"").err(), Some(WebhookError::Timestamp));
    }
}
