//! `heyan dead-letter open`: what a dead letter of the bus holds, for who has the root key. Reads the letters' JSON from standard
//! input, one a line, as `kcat -C -t heyan.dead-letter.v1 -e` prints them; writes values of persons to standard output.

use std::{io::BufRead, path::PathBuf};

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use heyan_app::bus::dead_letter::{self, SealedLetter};
use heyan_auth::keys;
use heyan_config::Config;
use heyan_server::{
    assemble,
    process::{self as output, ExitStatus},
};

/// `heyan dead-letter …`.
#[derive(clap::Subcommand)]
pub(crate) enum DeadLetterCommand {
    /// Decrypt dead letters: JSON lines from standard input to standard output
    Open(DeadLetterArgs),
}

/// The settings file.
#[derive(clap::Args)]
pub(crate) struct DeadLetterArgs {
    /// Settings file, which names the root key that decrypts the letters
    #[arg(long, env = "HEYAN_CONFIG")]
    config: Option<PathBuf>,
}

/// Opens letters; `No` when one does not open.
pub(crate) fn run(command: DeadLetterCommand) -> anyhow::Result<ExitStatus> {
    let DeadLetterCommand::Open(args) = command;
    let config = Config::load(args.config.as_deref())?;
    let root = &config.node.root_key_file;
    anyhow::ensure!(
        root.exists(),
        "the root key file {} does not exist; node.root_key_file in the settings names it",
        root.display()
    );
    let vault = assemble::vault(&config, &keys::load_or_create(root)?)?;
    let mut exit = ExitStatus::Done;
    for line in std::io::stdin().lock().lines() {
        let line = line.context("cannot read standard input")?;
        let letter: Option<Value> = serde_json::from_str(&line).ok();
        let opened = letter
            .as_ref()
            .and_then(|letter| dead_letter::open(&vault, letter).ok());
        match (letter, opened) {
            (Some(letter), Some(sealed)) => output::say(shown(&letter, &sealed)),
            _ => {
                output::say(json!({"problem": "is no dead letter, or was not sealed with these keys"}));
                exit = ExitStatus::No;
            }
        }
    }
    Ok(exit)
}

/// Text where it is text, base64 otherwise.
fn shown(letter: &Value, sealed: &SealedLetter) -> Value {
    let text = |base64: &String| {
        let bytes = STANDARD.decode(base64).unwrap_or_default();
        String::from_utf8(bytes).unwrap_or_else(|_no_text| base64.clone())
    };
    let headers: serde_json::Map<String, Value> = sealed
        .headers
        .iter()
        .map(|(name, value)| (name.clone(), text(value).into()))
        .collect();
    let faults = sealed
        .faults
        .iter()
        .map(|(pointer, code)| json!({"pointer": pointer, "code": code}));
    json!({
        "topic": letter["topic"],
        "partition": letter["partition"],
        "offset": letter["offset"],
        "class": letter["class"],
        "reason": letter["reason"],
        "faults": faults.collect::<Vec<_>>(),
        "key": sealed.key.as_ref().map(text),
        "headers": headers,
        "payload": sealed.payload.as_ref().map(text),
    })
}
