//! Who asks, proven in the way each platform wants it. Schemes are data; the signatures are in `sign`.
//! Files of secrets are read when first needed and again when the platform refuses, so a rotation needs no restart.

mod refresh;
pub mod sign;

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use data_encoding::HEXLOWER;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

pub(crate) use super::auth::refresh::{SecretFetcher, of_unanswered};
use super::auth::{
    refresh::{RefreshConfig, SigningSecret},
    sign::{gjgxjhpt_sign, tif_sign},
};
use super::{
    config::AuthConfig,
    secret_file::{SecretFileError, SecretFiles},
    trouble::SourceTrouble,
};

/// What is added to a request. Holds secrets: no `Debug`.
#[derive(Default)]
pub struct RequestProof {
    /// Headers, marked as sensitive.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// A parameter of the query.
    pub query: Option<(String, Zeroizing<String>)>,
    /// Which secret it was made with: for `renew`.
    pub generation: u64,
}

/// The secrets of one connector, and how they are shown.
pub struct ConnectorCredentials {
    scheme: AuthScheme,
    files: SecretFiles,
    held: Mutex<HeldSecret>,
}

#[derive(Default)]
struct HeldSecret {
    secret: Option<Zeroizing<String>>,
    generation: u64,
}

enum AuthScheme {
    None,
    Bearer(PathBuf),
    Basic(String, PathBuf),
    Header(HeaderName, PathBuf),
    Query(String, PathBuf),
    Gjgxjhpt {
        rid: String,
        sid: String,
        secret: SigningSecret,
    },
    Tif {
        paas_id: String,
        token: PathBuf,
    },
}

impl ConnectorCredentials {
    /// Compiles the `[auth]` table; no file is read yet.
    ///
    /// # Errors
    /// The key and what is wrong with it.
    pub fn compile(config: &AuthConfig, files: &SecretFiles) -> Result<Self, (String, String)> {
        let wrong = |key: &str, reason: &str| (format!("auth.{key}"), reason.to_owned());
        let shown = |key: &str, text: &str| match HeaderValue::from_str(text) {
            Ok(_) if !text.is_empty() => Ok(text.to_owned()),
            _ => Err(wrong(key, "cannot stand in a header")),
        };
        let scheme = match config {
            AuthConfig::None => AuthScheme::None,
            AuthConfig::Bearer { token_file } => AuthScheme::Bearer(token_file.clone()),
            AuthConfig::Basic { user, password_file } => AuthScheme::Basic(user.clone(), password_file.clone()),
            AuthConfig::ApiKey {
                key_file,
                header,
                query,
            } => match (header, query) {
                (Some(name), None) => {
                    let header = HeaderName::from_bytes(name.as_bytes());
                    let header = header.map_err(|_| wrong("header", "is no name of a header"))?;
                    AuthScheme::Header(header, key_file.clone())
                }
                (None, Some(name)) => AuthScheme::Query(name.clone(), key_file.clone()),
                _ => return Err(wrong("header", "give header or query: one of both")),
            },
            AuthConfig::Gjgxjhpt {
                rid,
                sid,
                secret_file,
                app_key_file,
                refresh_url,
                secret_cipher,
                app_key_bytes,
            } => AuthScheme::Gjgxjhpt {
                rid: shown("rid", rid)?,
                sid: shown("sid", sid)?,
                secret: match (secret_file, app_key_file, refresh_url) {
                    (Some(file), None, None) => SigningSecret::Lasting(file.clone()),
                    (None, Some(app_key_file), Some(url)) => SigningSecret::fetched(RefreshConfig {
                        url: url.clone(),
                        app_key_file: app_key_file.clone(),
                        files: files.clone(),
                        cipher: *secret_cipher,
                        key_bytes: *app_key_bytes,
                    }),
                    _ => return Err(wrong("secret_file", "give it, or app_key_file with refresh_url")),
                },
            },
            AuthConfig::Tif { paas_id, token_file } => AuthScheme::Tif {
                paas_id: shown("paas_id", paas_id)?,
                token: token_file.clone(),
            },
        };
        Ok(Self {
            scheme,
            files: files.clone(),
            held: Mutex::default(),
        })
    }

    /// The URL at which secrets are fetched, if they are.
    pub(crate) fn refresh_url(&self) -> Option<&str> {
        match &self.scheme {
            AuthScheme::Gjgxjhpt { secret, .. } => secret.url(),
            _ => None,
        }
    }

    /// The proof for one request.
    ///
    /// # Errors
    /// A file cannot be used, or a secret cannot be fetched.
    pub async fn prove(&self, now_us: i64, fetcher: &SecretFetcher<'_>) -> Result<RequestProof, SourceTrouble> {
        match &self.scheme {
            AuthScheme::None => Ok(RequestProof::default()),
            AuthScheme::Bearer(file) => self.header(AUTHORIZATION, file, |token| format!("Bearer {token}")),
            AuthScheme::Basic(user, file) => self.header(AUTHORIZATION, file, |password| {
                let pair = Zeroizing::new(format!("{user}:{password}"));
                format!("Basic {}", STANDARD.encode(pair.as_bytes()))
            }),
            AuthScheme::Header(name, file) => self.header(name.clone(), file, str::to_owned),
            AuthScheme::Query(name, file) => {
                let (secret, generation) = self.hold(file)?;
                Ok(RequestProof {
                    query: Some((name.clone(), secret)),
                    generation,
                    ..RequestProof::default()
                })
            }
            AuthScheme::Gjgxjhpt { rid, sid, secret } => {
                let (key, generation) = match secret.file() {
                    Some(file) => {
                        let (text, generation) = self.hold(file)?;
                        (Zeroizing::new(text.as_bytes().to_vec()), generation)
                    }
                    None => secret.get(rid, sid, now_us, fetcher).await?,
                };
                Ok(RequestProof {
                    headers: gjgxjhpt(&key, sid, rid, now_us)?,
                    query: None,
                    generation,
                })
            }
            AuthScheme::Tif { paas_id, token } => {
                let (token, generation) = self.hold(token)?;
                let (timestamp, nonce) = (now_us.div_euclid(1_000_000).to_string(), nonce()?);
                let signature = tif_sign(&timestamp, &token, &nonce);
                Ok(RequestProof {
                    headers: sensitive([
                        ("x-tif-paasid", paas_id),
                        ("x-tif-timestamp", &timestamp),
                        ("x-tif-nonce", &nonce),
                        ("x-tif-signature", &signature),
                    ])?,
                    query: None,
                    generation,
                })
            }
        }
    }

    /// After a refusal of a proof of `generation`: whether there is another secret to try with.
    pub async fn renew(&self, generation: u64, now_us: i64) -> bool {
        let file = match &self.scheme {
            AuthScheme::None => return false,
            AuthScheme::Gjgxjhpt { secret, .. } => match secret.file() {
                Some(file) => file,
                None => return secret.forget(generation, now_us).await,
            },
            AuthScheme::Bearer(file)
            | AuthScheme::Basic(_, file)
            | AuthScheme::Header(_, file)
            | AuthScheme::Query(_, file) => file,
            AuthScheme::Tif { token, .. } => token,
        };
        let Ok(fresh) = self.files.read(file) else {
            return false;
        };
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let other = held.secret.as_ref() != Some(&fresh);
        if other {
            held.secret = Some(fresh);
            held.generation += 1;
        }
        held.generation != generation
    }

    fn hold(&self, file: &Path) -> Result<(Zeroizing<String>, u64), SourceTrouble> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.secret.is_none() {
            held.secret = Some(
                self.files
                    .read(file)
                    .map_err(|error| SourceTrouble::Unmade(of_file(error)))?,
            );
        }
        let secret = held.secret.clone().ok_or(SourceTrouble::Unmade("no secret"))?;
        Ok((secret, held.generation))
    }

    fn header(
        &self,
        name: HeaderName,
        file: &Path,
        show: impl Fn(&str) -> String,
    ) -> Result<RequestProof, SourceTrouble> {
        let (secret, generation) = self.hold(file)?;
        let shown = Zeroizing::new(show(&secret));
        Ok(RequestProof {
            headers: vec![(name, value(&shown)?)],
            query: None,
            generation,
        })
    }
}

/// The text of the port for a file that cannot be used.
pub(crate) fn of_file(error: SecretFileError) -> &'static str {
    match error {
        SecretFileError::Unread => "a secret's file cannot be read",
        SecretFileError::Open => "a secret's file may be read by others: chmod 400",
        SecretFileError::Empty => "a secret's file holds no secret",
        SecretFileError::Sealed => "a sealed secret does not open with the hub's keys",
    }
}

fn gjgxjhpt(key: &[u8], sid: &str, rid: &str, now_us: i64) -> Result<Vec<(HeaderName, HeaderValue)>, SourceTrouble> {
    let rtime = now_us.div_euclid(1_000).to_string();
    let sign = gjgxjhpt_sign(key, sid, rid, &rtime);
    sensitive([
        ("gjgxjhpt_rid", rid),
        ("gjgxjhpt_sid", sid),
        ("gjgxjhpt_rtime", &rtime),
        ("gjgxjhpt_sign", &sign),
    ])
}

fn sensitive<const N: usize>(
    pairs: [(&'static str, &str); N],
) -> Result<Vec<(HeaderName, HeaderValue)>, SourceTrouble> {
    let each = pairs
        .into_iter()
        .map(|(name, text)| Ok((HeaderName::from_static(name), value(text)?)));
    each.collect()
}

fn value(text: &str) -> Result<HeaderValue, SourceTrouble> {
    let mut value =
        HeaderValue::from_str(text).map_err(|_| SourceTrouble::Unmade("a secret that no header can hold"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn nonce() -> Result<String, SourceTrouble> {
    let mut bytes = [0; 16];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| SourceTrouble::Unmade("no random bytes"))?;
    Ok(HEXLOWER.encode(&bytes))
}
