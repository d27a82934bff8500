//! As whom a hub is asked: a token, a file that holds one, or a client that fetches its own.
//! Secrets stand in files, never in arguments; nothing here has a `Debug` form.

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use tokio::{sync::Mutex, time::Instant};

use super::{client::HubArgs, failure::CommandFailure};

/// As whom.
pub(crate) enum ClientCredentials {
    /// For the token endpoint alone.
    None,
    /// A token of the environment.
    Token(String),
    /// A file that holds a token; somebody may renew it.
    File(PathBuf),
    /// A client that fetches tokens.
    Client {
        /// Its identifier.
        id: String,
        /// Its secret.
        secret: String,
        /// The token in use, and until when.
        held: Mutex<Option<(String, Instant)>>,
    },
}

/// Longest token or secret file, bytes.
const SECRET_BYTES_MAX: u64 = 65_536;

/// Reads a token or secret: the file's text without the white space around it.
///
/// # Errors
/// The file cannot be read, is empty, or holds more than one word.
pub(crate) fn secret_of(path: &Path) -> Result<String, CommandFailure> {
    let mut text = String::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(SECRET_BYTES_MAX).read_to_string(&mut text));
    read.map_err(|error| CommandFailure::usage("cli.cannot_read", [&path.display().to_string(), &error.to_string()]))?;
    let secret = text.trim_start_matches('\u{feff}').trim();
    if secret.is_empty() || secret.contains(|c: char| c.is_control()) {
        return Err(CommandFailure::usage("cli.bad_token", []));
    }
    Ok(secret.to_owned())
}

/// What the arguments and the environment give: the token file, then the client, then `HEYAN_TOKEN`.
///
/// # Errors
/// There is none, or its file cannot be read.
pub(crate) fn credentials(args: &HubArgs) -> Result<ClientCredentials, CommandFailure> {
    if let Some(path) = &args.token_file {
        secret_of(path)?;
        return Ok(ClientCredentials::File(path.clone()));
    }
    if let (Some(id), Some(path)) = (&args.client, &args.secret_file) {
        return Ok(ClientCredentials::Client {
            id: id.clone(),
            secret: secret_of(path)?,
            held: Mutex::new(None),
        });
    }
    match std::env::var("HEYAN_TOKEN") {
        Ok(token) if !token.trim().is_empty() => Ok(ClientCredentials::Token(token.trim().to_owned())),
        _ => Err(CommandFailure::usage("cli.no_token", [])),
    }
}

/// `application/x-www-form-urlencoded`, as RFC 6749 §2.3.1 wants identifier and secret inside `Basic`.
pub(crate) fn form_encoded(text: &str) -> String {
    use std::fmt::Write;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'*' | b'-' | b'.' | b'_' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            _ => {
                // Writing to a string cannot fail.
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_and_secrets_are_form_encoded() {
        assert_eq!(form_encoded("a b:c/号*"), "a+b%3Ac%2F%E5%8F%B7*");
    }
}
