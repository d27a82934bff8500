//! `heyan trace DATASET FILE`: who looked at a subject. The subject stands in a file (JSON, or `-`), never in an argument, which
//! every process of the machine can see.

use std::{io::Read, path::PathBuf};

use serde_json::{Value, json};

use crate::{
    client::{HubArgs, HubClient, RequestVerb},
    failure::CommandFailure,
    table::{cell, table},
};
use heyan_server::process::{ExitStatus, OutputAudience};

/// `heyan trace`.
#[derive(clap::Args)]
pub(crate) struct TraceArgs {
    /// Name of the dataset, such as natural-person
    dataset: String,
    /// File with a JSON object of the subject's identifiers, or - for standard input
    file: PathBuf,
    /// Reason; stored encrypted in the ledger
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    hub: HubArgs,
}

/// Longest file, bytes.
const FILE_BYTES_MAX: u64 = 65_536;
/// Rows of a page asked for, and pages followed at most.
const PAGE_ROWS: u64 = 1_000;
const PAGES_MAX: usize = 1_000;
const COLUMNS: [&str; 8] = [
    "at",
    "agency",
    "operation",
    "outcome",
    "item_code",
    "application_no",
    "operator",
    "reason",
];

/// Runs the command; exit 1: a node did not answer, so that not everything is told.
pub(crate) async fn run(args: TraceArgs, output: OutputAudience) -> ExitStatus {
    let lang = args.hub.lang();
    trace(&args, output)
        .await
        .unwrap_or_else(|failure| failure.tell(output, lang))
}

async fn trace(args: &TraceArgs, output: OutputAudience) -> Result<ExitStatus, CommandFailure> {
    let subject = subject(&args.file)?;
    let hub = HubClient::open(&args.hub, output)?;
    let (mut rows, mut incomplete, mut cursor) = (Vec::new(), Value::Null, Value::Null);
    for _page in 0..PAGES_MAX {
        let body = json!({
            "dataset": args.dataset, "subject": subject, "reason": args.reason, "limit": PAGE_ROWS, "cursor": cursor,
        });
        let mut page = hub
            .call(RequestVerb::Post, &["v1", "traces", "query"], &[], Some(&body))
            .await?;
        let Some(Value::Array(some)) = page.get_mut("rows").map(Value::take) else {
            return Err(CommandFailure::unreachable("cli.odd_answer", ["rows"]));
        };
        rows.extend(some);
        incomplete = page.get_mut("incomplete").map(Value::take).unwrap_or_default();
        cursor = page.get_mut("next_cursor").map(Value::take).unwrap_or_default();
        if cursor.is_null() {
            break;
        }
    }
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| COLUMNS.iter().map(|column| cell(row.get(*column))).collect())
        .collect();
    let is_whole = incomplete.as_array().is_none_or(Vec::is_empty) && cursor.is_null();
    let mut text = match rows.is_empty() {
        true => args.hub.lang().say("cli.nothing", &[]),
        false => table(&COLUMNS, &cells),
    };
    if !is_whole {
        text.push_str(&format!("\nincomplete: {incomplete}"));
    }
    output.tell(&json!({"rows": rows, "incomplete": incomplete}), &text);
    Ok(if is_whole { ExitStatus::Done } else { ExitStatus::No })
}

fn subject(file: &PathBuf) -> Result<Value, CommandFailure> {
    let shown = file.display().to_string();
    let cannot = |error: std::io::Error| CommandFailure::unreachable("cli.cannot_read", [&shown, &error.to_string()]);
    let mut text = String::new();
    match file.as_os_str() == "-" {
        true => std::io::stdin().take(FILE_BYTES_MAX).read_to_string(&mut text),
        false => std::fs::File::open(file).and_then(|file| file.take(FILE_BYTES_MAX).read_to_string(&mut text)),
    }
    .map_err(cannot)?;
    // The parser's own message could quote the identifier.
    serde_json::from_str(&text).map_err(|_syntax| CommandFailure::usage("cli.cannot_read", [&shown, "not JSON"]))
}
