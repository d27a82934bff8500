//! The secret that the national exchange platform hands out for a while: fetched once for many callers, kept to its end,
//! fetched again after a refusal.
//! A refusal that a fresh secret does not cure is not answered with ever more fetching.

use std::path::{Path, PathBuf};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use data_encoding::HEXLOWER_PERMISSIVE;
use reqwest::{Method, header::CONTENT_TYPE};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use super::{
    of_file,
    sign::{aes_ecb_decrypt, gjgxjhpt_sign},
};
use crate::{
    guard::{GuardedClient, UnansweredCall, read_bounded},
    source::{
        config::{AppKeyBytes, SecretCipher},
        pattern::read_time,
        secret_file::SecretFiles,
        tree,
        trouble::SourceTrouble,
    },
};
use heyan_domain::delivery::AttemptFailure;

const ANSWER_BYTES_MAX: usize = 64 << 10;
/// A secret with less life left than this is fetched anew.
const SPARE_US: i64 = 30_000_000;
/// No second fetch within this time, whether the first went well or not.
const PAUSE_US: i64 = 1_000_000;

/// By what secrets are fetched.
pub struct SecretFetcher<'a> {
    /// The connector's own client.
    pub client: &'a GuardedClient,
}

/// Where and how secrets are fetched.
pub(super) struct RefreshConfig {
    /// URL.
    pub url: String,
    /// File with the app key.
    pub app_key_file: PathBuf,
    /// Reads it.
    pub files: SecretFiles,
    /// How a secret is wrapped.
    pub cipher: SecretCipher,
    /// How the app key becomes the key of the cipher.
    pub key_bytes: AppKeyBytes,
}

/// The secret that requests are signed with.
pub(super) enum SigningSecret {
    /// It lasts: a file holds it.
    Lasting(PathBuf),
    /// It is fetched.
    Fetched(Box<RefreshConfig>, Mutex<FetchedSecret>),
}

/// What was fetched last.
#[derive(Default)]
pub(super) struct FetchedSecret {
    secret: Option<Zeroizing<Vec<u8>>>,
    until_us: i64,
    fetched_us: Option<i64>,
    generation: u64,
    failed: Option<(i64, SourceTrouble)>,
}

impl SigningSecret {
    /// One that is fetched.
    pub(super) fn fetched(config: RefreshConfig) -> Self {
        Self::Fetched(Box::new(config), Mutex::default())
    }

    /// The file of one that lasts.
    pub(super) fn file(&self) -> Option<&Path> {
        match self {
            Self::Lasting(file) => Some(file),
            Self::Fetched(..) => None,
        }
    }

    /// Where it is fetched.
    pub(super) fn url(&self) -> Option<&str> {
        match self {
            Self::Lasting(_) => None,
            Self::Fetched(config, _) => Some(&config.url),
        }
    }

    /// The secret and its generation. Who comes while it is being fetched waits for that one fetch.
    ///
    /// # Errors
    /// It cannot be fetched.
    pub(super) async fn get(
        &self,
        rid: &str,
        sid: &str,
        now_us: i64,
        fetcher: &SecretFetcher<'_>,
    ) -> Result<(Zeroizing<Vec<u8>>, u64), SourceTrouble> {
        let Self::Fetched(config, fetched) = self else {
            return Err(SourceTrouble::Unmade("a secret that lasts is not fetched"));
        };
        let mut fetched = fetched.lock().await;
        if let Some(secret) = fetched.secret.as_ref().filter(|_| now_us < fetched.until_us) {
            return Ok((secret.clone(), fetched.generation));
        }
        if let Some((_, trouble)) = fetched.failed.as_ref().filter(|(at_us, _)| recent(*at_us, now_us)) {
            return Err(trouble.clone());
        }
        match config.fetch(rid, sid, now_us, fetcher).await {
            Ok((secret, end_us)) => {
                fetched.generation += 1;
                fetched.secret = Some(secret.clone());
                // One that ends soon is used to its end: there is no better one.
                let left_us = end_us.saturating_sub(now_us);
                fetched.until_us = end_us.saturating_sub(SPARE_US.min(left_us / 2));
                fetched.fetched_us = Some(now_us);
                fetched.failed = None;
                Ok((secret, fetched.generation))
            }
            Err(trouble) => {
                fetched.failed = Some((now_us, trouble.clone()));
                Err(trouble)
            }
        }
    }

    /// Drops the secret of `generation`, which was refused; whether another is to be had.
    pub(super) async fn forget(&self, generation: u64, now_us: i64) -> bool {
        let Self::Fetched(_, fetched) = self else {
            return false;
        };
        let mut fetched = fetched.lock().await;
        if fetched.generation != generation {
            return true;
        }
        if fetched.fetched_us.is_some_and(|at_us| recent(at_us, now_us)) {
            return false;
        }
        fetched.secret = None;
        true
    }
}

/// A clock that was set back makes nothing recent.
fn recent(at_us: i64, now_us: i64) -> bool {
    (0..PAUSE_US).contains(&now_us.saturating_sub(at_us))
}

impl RefreshConfig {
    async fn fetch(
        &self,
        rid: &str,
        sid: &str,
        now_us: i64,
        fetcher: &SecretFetcher<'_>,
    ) -> Result<(Zeroizing<Vec<u8>>, i64), SourceTrouble> {
        let app_key = self
            .files
            .read(&self.app_key_file)
            .map_err(|error| SourceTrouble::Unmade(of_file(error)))?;
        let rtime = now_us.div_euclid(1_000).to_string();
        let sign = gjgxjhpt_sign(app_key.as_bytes(), sid, rid, &rtime);
        let body = json!({"gjgxjhpt_rid": rid, "gjgxjhpt_sid": sid, "gjgxjhpt_rtime": rtime, "gjgxjhpt_sign": sign});
        let checked = fetcher.client.check(&self.url).map_err(SourceTrouble::Target)?;
        let request = fetcher.client.request(Method::POST, &checked);
        let request = request
            .header(CONTENT_TYPE, "application/json; charset=utf-8")
            .body(body.to_string());
        let response = request
            .send()
            .await
            .map_err(|error| of_unanswered(UnansweredCall::of(&error)))?;
        let status = response.status().as_u16();
        if !response.status().is_success() {
            return Err(match status {
                401 | 403 => SourceTrouble::Auth(Some(status)),
                _ => SourceTrouble::Status {
                    status,
                    retry_after_s: None,
                },
            });
        }
        let bytes = Zeroizing::new(read_bounded(response, ANSWER_BYTES_MAX).await.map_err(of_unanswered)?);
        let garbage = SourceTrouble::Garbage("no answer of secrets");
        let text = std::str::from_utf8(&bytes).map_err(|_| garbage.clone())?;
        let answer = tree::parse_json(text).map_err(|_| garbage.clone())?;
        match answer.get("code") {
            Some(Value::String(code)) if code == "0" => {}
            Some(Value::Number(code)) if code.as_i64() == Some(0) => {}
            Some(_) => return Err(SourceTrouble::Auth(Some(status))),
            None => return Err(garbage),
        }
        let wrapped = answer
            .pointer("/data/secret")
            .and_then(Value::as_str)
            .ok_or_else(|| garbage.clone())?;
        let end_us = match answer.pointer("/data/secretEndTime") {
            Some(Value::String(text)) => read_time(text),
            Some(Value::Number(number)) => read_time(&number.to_string()),
            _ => None,
        };
        let end_us = end_us.filter(|end_us| *end_us > now_us).ok_or(garbage)?;
        Ok((self.open(&app_key, wrapped)?, end_us))
    }

    fn open(&self, app_key: &str, wrapped: &str) -> Result<Zeroizing<Vec<u8>>, SourceTrouble> {
        if self.cipher == SecretCipher::None {
            return Ok(Zeroizing::new(wrapped.as_bytes().to_vec()));
        }
        let key = match self.key_bytes {
            AppKeyBytes::Text => Some(app_key.as_bytes().to_vec()),
            AppKeyBytes::Hex => HEXLOWER_PERMISSIVE.decode(app_key.as_bytes()).ok(),
            AppKeyBytes::Base64 => STANDARD.decode(app_key).ok(),
        };
        let key = key.map(Zeroizing::new).filter(|key| [16, 24, 32].contains(&key.len()));
        let key = key.ok_or(SourceTrouble::Unmade("an app key that is no key of AES"))?;
        let sealed = STANDARD.decode(wrapped).ok();
        let opened = sealed.and_then(|sealed| aes_ecb_decrypt(&key, &sealed));
        opened.ok_or(SourceTrouble::Garbage("a secret that the app key does not open"))
    }
}

/// As an exchange tells it.
pub(crate) fn of_unanswered(unanswered: UnansweredCall) -> SourceTrouble {
    match unanswered {
        UnansweredCall::Refused(fault) => SourceTrouble::Target(fault),
        UnansweredCall::Failed(AttemptFailure::Timeout) => SourceTrouble::Timeout,
        UnansweredCall::Failed(AttemptFailure::TooLarge) => SourceTrouble::TooLarge,
        UnansweredCall::Failed(AttemptFailure::Unmade) => SourceTrouble::Unmade("a request that the library refuses"),
        UnansweredCall::Failed(failure) => SourceTrouble::Connect(failure),
    }
}
