//! The three headers of Standard Webhooks for one attempt.
//! Every secret signs, the newest first: a receiver that has not changed over yet finds the one it knows.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use zeroize::Zeroizing;

use heyan_auth::webhook::{SignedContent, WebhookError, WebhookSecret};
use heyan_ports::outward::{PushMessage, WebhookTarget};

const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// Why a message is not signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// A key, the id or the timestamp is none.
    #[error(transparent)]
    Webhook(#[from] WebhookError),
    /// Neither secret nor seed.
    #[error("a webhook without a key")]
    NoKey,
}

/// Signs `message` with every key of `target`.
///
/// # Errors
/// It cannot be signed; it must not be sent then.
pub fn headers(target: &WebhookTarget, message: &PushMessage) -> Result<HeaderMap, SignError> {
    let signed = SignedContent::new(&message.id, message.timestamp_s, &message.body)?;
    let mut signatures = Vec::with_capacity(target.secrets.len() + 1);
    for secret in &target.secrets {
        signatures.push(signed.v1(&WebhookSecret::from_bytes(secret.clone())?));
    }
    if let Some(seed) = target.ed25519_seed.map(Zeroizing::new) {
        signatures.push(signed.v1a(&seed)?);
    }
    if signatures.is_empty() {
        return Err(SignError::NoKey);
    }
    let value = |text: &str| HeaderValue::from_str(text).map_err(|_| WebhookError::Id);
    Ok(HeaderMap::from_iter([
        (ID, value(&message.id)?),
        (TIMESTAMP, HeaderValue::from(message.timestamp_s)),
        (SIGNATURE, value(&signatures.join(" "))?),
    ]))
}

#[cfg(test)]
mod tests {
    use crate::push::sign::*;

    fn target(secrets: &[&WebhookSecret], seed: Option<[u8; 32]>) -> WebhookTarget {
        WebhookTarget {
            url: String::new(),
            secrets: secrets.iter().map(|secret| secret.as_bytes().to_vec()).collect(),
            ed25519_seed: seed,
        }
    }

    fn message(id: &str) -> PushMessage {
        PushMessage {
            id: id.to_owned(),
            timestamp_s: 1_614_265_330,
            body: br#"{"test": 2432232314}"#.to_vec(),
        }
    }

    #[test]
    fn every_live_key_signs_and_the_newest_comes_first() {
        let old = WebhookSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let new = WebhookSecret::generate().unwrap();
        let seed = [7; 32];
        let message = message("msg_p5jXN8AQM9LWM0D4loKWxJek");
        let headers = headers(&target(&[&new, &old], Some(seed)), &message).unwrap();
        assert_eq!(headers["webhook-id"], message.id.as_str());
        assert_eq!(headers["webhook-timestamp"], "1614265330");
        let all = headers["webhook-signature"].to_str().unwrap();
        let each: Vec<&str> = all.split(' ').collect();
        let signed = SignedContent::new(&message.id, message.timestamp_s, &message.body).unwrap();
        assert_eq!(each.len(), 3);
        assert_eq!(each[0], signed.v1(&new));
        assert_eq!(each[1], "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(each[2], signed.v1a(&seed).unwrap());
    }

    #[test]
    fn what_cannot_be_signed_has_no_headers() {
        let secret = WebhookSecret::generate().unwrap();
        let short = WebhookTarget {
            secrets: vec![vec![1; 8]],
            ..target(&[], None)
        };
        assert_eq!(headers(&target(&[], None), &message("a")), Err(SignError::NoKey));
        assert_eq!(headers(&short, &message("a")), Err(WebhookError::Secret.into()));
        assert_eq!(
            headers(&target(&[&secret], None), &message("a.b")),
            Err(WebhookError::Id.into())
        );
    }
}
