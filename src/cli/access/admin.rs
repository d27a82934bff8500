//! What agencies, grants and users have in common at the command line: lists page by page, and secrets that are told once.
//! A secret goes to standard output or into a new file that only its owner may read, never into a message.

use std::{
    fs::OpenOptions,
    io::Write,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use crate::{
    client::{HubArgs, HubClient, RequestVerb},
    data::rejects::create_private,
    failure::CommandFailure,
    table::{cell, table},
    text::CliLanguage,
};
use heyan_server::process::{ExitStatus, OutputAudience};

/// An agency or a user of a hub, and the file for its new secret.
#[derive(clap::Args)]
pub(crate) struct RotateArgs {
    /// End the old secret at once, as after a leak
    #[arg(long)]
    pub(crate) now: bool,
    /// Identifier
    pub id: String,
    /// Write the secret into this new file instead of printing it
    #[arg(long, value_name = "F")]
    pub secret_out: Option<PathBuf>,
    /// The hub.
    #[command(flatten)]
    pub hub: HubArgs,
}

/// An object of a hub, by its identifier.
#[derive(clap::Args)]
pub(crate) struct IdArgs {
    /// Identifier
    pub id: String,
    /// The hub.
    #[command(flatten)]
    pub hub: HubArgs,
}

/// The hub whose objects are listed.
#[derive(clap::Args)]
pub(crate) struct ListArgs {
    /// The hub.
    #[command(flatten)]
    pub hub: HubArgs,
}

/// Rows of a page asked for.
const PAGE_ROWS: &str = "100";
/// Pages followed at most, against a hub whose cursor never ends.
const PAGES_MAX: usize = 100_000;

/// Lists everything under `/v1/{what}` as a table of `columns`, or as `{"{what}":[…]}`.
///
/// # Errors
/// The hub refuses, cannot be reached, or answers no list.
pub(crate) async fn list(
    args: &HubArgs,
    what: &str,
    filter: &[(&str, &str)],
    columns: &[&str],
    output: OutputAudience,
) -> Result<ExitStatus, CommandFailure> {
    let hub = HubClient::open(args, output)?;
    let mut all: Vec<Value> = Vec::new();
    let mut cursor: Option<String> = None;
    for _page in 0..PAGES_MAX {
        let mut query = filter.to_vec();
        query.push(("limit", PAGE_ROWS));
        query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let mut answer = hub.call(RequestVerb::Get, &["v1", what], &query, None).await?;
        let Some(Value::Array(rows)) = answer.get_mut(what).map(Value::take) else {
            return Err(CommandFailure::unreachable("cli.odd_answer", [what]));
        };
        all.extend(rows);
        cursor = answer.get("next_cursor").and_then(Value::as_str).map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    let rows: Vec<Vec<String>> = all
        .iter()
        .map(|one| columns.iter().map(|column| cell(one.get(*column))).collect())
        .collect();
    let text = if rows.is_empty() {
        args.lang().say("cli.nothing", &[])
    } else {
        table(columns, &rows)
    };
    output.tell(&json!({what: all}), &text);
    Ok(ExitStatus::Done)
}

/// Sends a change and gives back the hub's answer.
///
/// # Errors
/// Returns an error if the hub refuses or cannot be reached.
pub(crate) async fn post(
    args: &HubArgs,
    path: &[&str],
    body: Option<&Value>,
    output: OutputAudience,
) -> Result<Value, CommandFailure> {
    HubClient::open(args, output)?
        .call(RequestVerb::Post, path, &[], body)
        .await
}

/// Checks before anything is changed that a new secret can be kept.
///
/// # Errors
/// The file is there already or cannot be made.
pub(crate) fn open_secret_out(path: Option<&Path>) -> Result<Option<std::fs::File>, CommandFailure> {
    let file =
        path.map(|path| create_private(path, OpenOptions::new().create_new(true)).map_err(|e| cannot_write(path, &e)));
    file.transpose()
}

/// Takes back the file of a secret that was never given.
pub(crate) fn drop_secret_out(path: Option<&Path>) {
    if let Some(path) = path {
        // It is empty: left behind it only is in the way.
        let _ = std::fs::remove_file(path);
    }
}

/// Makes a change that gives a new secret, and tells it once: in the new file, or on standard output.
///
/// # Errors
/// The file cannot be made, the hub refuses, or cannot be reached.
pub(crate) async fn with_secret(
    args: &HubArgs,
    path: &[&str],
    body: Option<&Value>,
    secret_out: Option<&Path>,
    output: OutputAudience,
) -> Result<ExitStatus, CommandFailure> {
    let file = open_secret_out(secret_out)?;
    let answer = post(args, path, body, output).await;
    let mut answer = answer.inspect_err(|_failure| drop_secret_out(secret_out))?;
    if let Some(approval) = answer.get("approval").filter(|_| answer.get("client_id").is_none()) {
        // Nothing is done yet: a second manager confirms it, and is told the secret.
        drop_secret_out(secret_out);
        output.tell(
            &answer,
            &args.lang().say("cli.waits_for_second", &[&cell(Some(approval))]),
        );
        return Ok(ExitStatus::Done);
    }
    if let (Some(mut file), Some(path)) = (file, secret_out) {
        let secret = answer
            .as_object_mut()
            .and_then(|members| members.shift_remove("client_secret"));
        let written = writeln!(file, "{}", cell(secret.as_ref())).and_then(|()| file.sync_all());
        if let Err(error) = written {
            // The hub will not tell it again: rather on the screen than lost.
            eprintln!("heyan: {}", cannot_write(path, &error).line(args.lang()));
            if let (Some(members), Some(secret)) = (answer.as_object_mut(), secret) {
                members.insert("client_secret".to_owned(), secret);
            }
        } else if let Some(members) = answer.as_object_mut() {
            members.insert("secret_file".to_owned(), path.display().to_string().into());
        }
    }
    output.tell(&answer, &secret_text(&answer, args.lang()));
    Ok(ExitStatus::Done)
}

fn cannot_write(path: &Path, error: &std::io::Error) -> CommandFailure {
    CommandFailure::unreachable("cli.cannot_write", [&path.display().to_string(), &error.to_string()])
}

/// Members of an answer, a line each, then what must be known about its secret.
fn secret_text(answer: &Value, lang: CliLanguage) -> String {
    let mut lines = vec![members_text(answer)];
    let text = |name: &str| answer.get(name).and_then(Value::as_str);
    lines.extend(text("previous_valid_until").map(|until| lang.say("cli.previous_until", &[until])));
    lines.extend(text("secret_file").map(|file| lang.say("cli.secret_in", &[file])));
    lines.extend(text("client_secret").map(|_secret| lang.say("cli.secret_once", &[])));
    lines.join("\n")
}

/// Members of an object, a line each.
pub(crate) fn members_text(answer: &Value) -> String {
    let members = answer
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_name, value)| !value.is_null());
    let rows: Vec<Vec<String>> = members
        .map(|(name, value)| vec![name.clone(), cell(Some(value))])
        .collect();
    table(&["", ""], &rows).trim_start().to_owned()
}

/// Disables or enables a party.
///
/// # Errors
/// Returns an error if the hub refuses or cannot be reached.
pub(crate) async fn standing(
    args: &IdArgs,
    what: &str,
    verb: &str,
    said: &'static str,
    output: OutputAudience,
) -> Result<ExitStatus, CommandFailure> {
    let answer = post(&args.hub, &["v1", what, &args.id, verb], None, output).await?;
    let answer = if answer.is_object() {
        answer
    } else {
        json!({"id": args.id, "disabled": verb == "disable"})
    };
    output.tell(&answer, &args.hub.lang().say(said, &[&args.id]));
    Ok(ExitStatus::Done)
}

/// Ends a command, telling its failure.
pub(crate) fn end(result: Result<ExitStatus, CommandFailure>, output: OutputAudience, lang: CliLanguage) -> ExitStatus {
    result.unwrap_or_else(|failure| failure.tell(output, lang))
}
