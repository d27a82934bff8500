//! One signed attempt at a webhook: sent by the guarded client, its answer read no further than its status.
//! A 2xx confirms whatever follows it: the receiver has the message, so a body that never ends changes nothing.

mod retry_after;
pub mod sign;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Response};
use tokio::time::timeout;

use crate::guard::{GuardError, GuardSettings, GuardedClient, NameLookup, SystemLookup, SystemRoots, UnansweredCall};
use heyan_auth::target::TargetRules;
use heyan_domain::delivery::{AttemptFailure, AttemptOutcome, TargetFault};
use heyan_ports::{
    outward::{PushMessage, WebhookSender, WebhookTarget},
    trace,
};

const CONTENT: HeaderValue = HeaderValue::from_static("application/cloudevents+json; charset=utf-8");
const ANY: HeaderValue = HeaderValue::from_static("*/*");
const GONE: u16 = 410;
const TOO_MANY: u16 = 429;
const UNAVAILABLE: u16 = 503;

/// How webhooks are reached.
#[derive(Clone)]
pub struct PushConfig {
    /// What may be reached.
    pub rules: TargetRules,
    /// Time to resolve, connect and shake hands, milliseconds.
    pub connect_ms: u64,
    /// Time for one attempt up to the status of its answer, milliseconds.
    pub total_ms: u64,
    /// Most of an answer's body that is read, to use its connection again, bytes.
    pub answer_bytes_max: usize,
    /// Most time for that, milliseconds.
    pub answer_ms: u64,
    /// Certificate authorities to trust, PEM; empty: none of its own.
    pub extra_roots_pem: Vec<u8>,
    /// Whether the system's certificate authorities are trusted as well.
    pub system_roots: SystemRoots,
}

impl PushConfig {
    /// The usual limits: 3 s to connect, 15 s in all, 64 KiB and 1 s of an answer, the system's authorities.
    pub fn new(rules: TargetRules) -> Self {
        Self {
            rules,
            connect_ms: 3_000,
            total_ms: 15_000,
            answer_bytes_max: 64 << 10,
            answer_ms: 1_000,
            extra_roots_pem: Vec::new(),
            system_roots: SystemRoots::Trusted,
        }
    }
}

/// Why webhooks cannot be reached at all.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct PushError(#[from] GuardError);

/// Webhooks over HTTP/1.1.
pub struct WebhookPush {
    client: GuardedClient,
    answer_bytes_max: usize,
    answer_max: Duration,
}

impl WebhookPush {
    /// Prepares to push; nothing is sent yet.
    ///
    /// # Errors
    /// Returns an error if the certificates cannot be used.
    pub fn new(config: PushConfig) -> Result<Self, PushError> {
        Self::with_lookup(config, Arc::new(SystemLookup::default()))
    }

    /// The same on another resolver.
    ///
    /// # Errors
    /// Returns an error if the certificates cannot be used.
    pub(crate) fn with_lookup(config: PushConfig, lookup: Arc<dyn NameLookup>) -> Result<Self, PushError> {
        let settings = GuardSettings {
            rules: config.rules,
            connect_max: Duration::from_millis(config.connect_ms),
            total_max: Duration::from_millis(config.total_ms),
            extra_roots_pem: config.extra_roots_pem,
            system_roots: config.system_roots,
        };
        Ok(Self {
            client: GuardedClient::with_lookup(&settings, lookup)?,
            answer_bytes_max: config.answer_bytes_max,
            answer_max: Duration::from_millis(config.answer_ms),
        })
    }

    /// Reads a short answer to its end, so that its connection can serve again; a longer one is closed with it.
    async fn drain(&self, mut response: Response) {
        let whole = async {
            let mut left = self.answer_bytes_max;
            while let Ok(Some(chunk)) = response.chunk().await {
                match left.checked_sub(chunk.len()) {
                    Some(rest) => left = rest,
                    None => return,
                }
            }
        };
        let _ = timeout(self.answer_max, whole).await;
    }
}

#[async_trait]
impl WebhookSender for WebhookPush {
    fn check(&self, url: &str) -> Result<(), TargetFault> {
        self.client.check(url).map(drop)
    }

    async fn send(&self, target: &WebhookTarget, message: &PushMessage) -> AttemptOutcome {
        let checked = match self.client.check(&target.url) {
            Ok(checked) => checked,
            Err(fault) => return AttemptOutcome::Refused(fault),
        };
        let Ok(signatures) = sign::headers(target, message) else {
            return failed(AttemptFailure::Unmade);
        };
        let mut request = self
            .client
            .request(Method::POST, &checked)
            .headers(signatures)
            .header(CONTENT_TYPE, CONTENT)
            .header(ACCEPT, ANY)
            .body(message.body.clone());
        if let Some(parent) = trace::parent() {
            request = request.header(trace::HEADER, &*parent);
        }
        match request.send().await {
            Ok(response) => {
                let attempted = attempted(response.status().as_u16(), response.headers(), message.timestamp_s);
                self.drain(response).await;
                attempted
            }
            Err(error) => match UnansweredCall::of(&error) {
                UnansweredCall::Refused(fault) => AttemptOutcome::Refused(fault),
                UnansweredCall::Failed(failure) => failed(failure),
            },
        }
    }
}

fn attempted(status: u16, headers: &HeaderMap, sent_s: i64) -> AttemptOutcome {
    match status {
        200..=299 => AttemptOutcome::Confirmed { status },
        GONE => AttemptOutcome::Gone,
        _ => AttemptOutcome::Failed {
            failure: AttemptFailure::Answer,
            status: Some(status),
            retry_after_s: match status {
                TOO_MANY | UNAVAILABLE => retry_after::seconds(headers, sent_s),
                _ => None,
            },
        },
    }
}

fn failed(failure: AttemptFailure) -> AttemptOutcome {
    AttemptOutcome::Failed {
        failure,
        status: None,
        retry_after_s: None,
    }
}

#[cfg(test)]
mod tests;
