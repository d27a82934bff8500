//! The `[auth]` table of a connector: the scheme, and the names of the files that hold what it needs.
//! A scheme is data: an agency with another platform changes this table, not the hub.

use std::path::PathBuf;

use serde::Deserialize;

/// How a connector proves who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(tag = "scheme", rename_all = "snake_case", deny_unknown_fields)]
pub enum AuthConfig {
    /// Not at all.
    #[default]
    None,
    /// `Authorization: Bearer …` (RFC 6750).
    Bearer {
        /// File with the token; read anew when the source refuses.
        token_file: PathBuf,
    },
    /// `Authorization: Basic …` (RFC 7617).
    Basic {
        /// User name.
        user: String,
        /// File with the password.
        password_file: PathBuf,
    },
    /// A key in a header or in the query: one of both.
    ApiKey {
        /// File with the key.
        key_file: PathBuf,
        /// Name of the header.
        header: Option<String>,
        /// Name of the query parameter.
        query: Option<String>,
    },
    /// National data sharing exchange platform: four `gjgxjhpt_…` headers.
    Gjgxjhpt {
        /// Who asks (`gjgxjhpt_rid`).
        rid: String,
        /// What is asked (`gjgxjhpt_sid`).
        sid: String,
        /// File with the secret, where the platform handed out a lasting one.
        secret_file: Option<PathBuf>,
        /// File with the app key, where secrets are fetched.
        app_key_file: Option<PathBuf>,
        /// Where secrets are fetched, `…/sysapi/auth/refreshappsecret`.
        refresh_url: Option<String>,
        /// How a fetched secret is wrapped.
        #[serde(default)]
        secret_cipher: SecretCipher,
        /// How the app key becomes the key of the cipher.
        #[serde(default)]
        app_key_bytes: AppKeyBytes,
    },
    /// Tencent TIF gateway: four `x-tif-…` headers.
    Tif {
        /// `x-tif-paasid`.
        paas_id: String,
        /// File with the token.
        token_file: PathBuf,
    },
}

impl AuthConfig {
    /// The files that it names.
    pub(super) fn files(&mut self) -> Vec<&mut PathBuf> {
        match self {
            Self::None => Vec::new(),
            Self::Bearer { token_file } | Self::Tif { token_file, .. } => vec![token_file],
            Self::Basic { password_file, .. } => vec![password_file],
            Self::ApiKey { key_file, .. } => vec![key_file],
            Self::Gjgxjhpt {
                secret_file,
                app_key_file,
                ..
            } => secret_file.iter_mut().chain(app_key_file).collect(),
        }
    }

    /// The first key that does not go with the others, and why.
    pub(super) fn fault(&self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::ApiKey { header, query, .. } if header.is_some() == query.is_some() => {
                Some(("header", "give header or query: one of both"))
            }
            Self::Gjgxjhpt {
                secret_file,
                app_key_file,
                refresh_url,
                ..
            } => match (secret_file, app_key_file, refresh_url) {
                (Some(_), None, None) | (None, Some(_), Some(_)) => None,
                (Some(_), ..) => Some((
                    "secret_file",
                    "give secret_file, or app_key_file with refresh_url, not both",
                )),
                (None, Some(_), None) => Some(("refresh_url", "is missing: app_key_file needs it")),
                (None, None, _) => Some(("app_key_file", "is missing: give it with refresh_url, or secret_file")),
            },
            Self::Basic { user, .. } if user.contains(':') => Some(("user", "holds a colon")),
            _ => None,
        }
    }
}

/// How a fetched secret is wrapped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretCipher {
    /// In the clear.
    None,
    /// AES, ECB, PKCS #7, base64.
    #[default]
    AesEcb,
}

/// How the app key becomes the key of the cipher: 16, 24 or 32 bytes in the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AppKeyBytes {
    /// Its characters.
    #[default]
    Text,
    /// It is hexadecimal.
    Hex,
    /// It is base64.
    Base64,
}
