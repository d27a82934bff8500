//! `heyan item import|list`: the service items of the city, and what each of them needs.
//! A list that says nothing of materials goes in as it is: a check of such an item answers that they are not known.

use std::{
    io::Read,
    path::{Path, PathBuf},
    time::Duration,
};

use bytes::Bytes;
use serde_json::{Value, json};

use super::{
    access::admin,
    data::{
        import::receipt_line,
        rejects::{RejectFile, RejectedRow},
        send::{DecidedRows, RetryPlan, send},
    },
};
use super::{
    client::{HubArgs, HubClient},
    failure::CommandFailure,
    table::table,
    text::CliLanguage,
};
use heyan_server::process::{ExitStatus, OutputAudience};

/// `heyan item …`.
#[derive(clap::Subcommand)]
pub(crate) enum ItemCommand {
    /// Register the items of an NDJSON file, one per line; a version that is not newer changes nothing
    Import(ImportArgs),
    /// List items
    List(admin::ListArgs),
}

/// `heyan item import`. Exit code 0: all items were registered; 1: lines were rejected, see FILE.rejected.ndjson.
#[derive(clap::Args)]
pub(crate) struct ImportArgs {
    /// NDJSON file in UTF-8, or - for standard input
    file: PathBuf,
    /// Retries of a request that failed or was deferred; repeating a request changes nothing
    #[arg(long, value_name = "N", default_value_t = 5)]
    retries: u32,
    #[command(flatten)]
    hub: HubArgs,
}

const COLUMNS: &[&str] = &["code", "name", "kind", "agency_name", "version", "materials"];

/// Longest file, bytes: a list of items is small.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// Lines of one request.
const LINES_MAX: usize = 2_000;

/// First pause before a further try.
const PAUSE: Duration = Duration::from_millis(500);

/// Runs a command about items.
pub(crate) async fn run(command: ItemCommand, output: OutputAudience) -> ExitStatus {
    let (lang, done) = match command {
        ItemCommand::Import(args) => (args.hub.lang(), import(&args, output).await),
        ItemCommand::List(args) => {
            let listed = admin::list(&args.hub, "items", &[], COLUMNS, output).await;
            (args.hub.lang(), listed)
        }
    };
    admin::end(done, output, lang)
}

async fn import(args: &ImportArgs, output: OutputAudience) -> Result<ExitStatus, CommandFailure> {
    let lang = args.hub.lang();
    let text = read(&args.file)?;
    let hub = HubClient::open(&args.hub, output)?;
    let mut rejects = RejectFile::beside(&args.file)?;
    let retry = RetryPlan {
        times: args.retries,
        pause: PAUSE,
        output,
        lang,
    };
    let filled = |(_, line): &(u64, &str)| !line.trim().is_empty();
    let lines: Vec<(u64, &str)> = (1..).zip(text.lines()).filter(filled).collect();
    let mut total = DecidedRows::default();
    for chunk in lines.chunks(LINES_MAX) {
        let body: Vec<&str> = chunk.iter().map(|(_, line)| *line).collect();
        let decided = send(
            &hub,
            &["v1", "items"],
            Bytes::from(body.join("\n")),
            chunk.len(),
            &retry,
        )
        .await?;
        reject(&mut rejects, chunk, &decided, lang)?;
        total.add(decided);
    }
    tell(&total, &rejects, lines.len(), output, lang);
    Ok(if rejects.count == 0 {
        ExitStatus::Done
    } else {
        ExitStatus::No
    })
}

fn read(file: &Path) -> Result<String, CommandFailure> {
    let cannot = |error: std::io::Error| {
        CommandFailure::unreachable("cli.cannot_read", [&file.display().to_string(), &error.to_string()])
    };
    let mut text = String::new();
    let read = match file.as_os_str() == "-" {
        true => std::io::stdin().take(FILE_BYTES_MAX).read_to_string(&mut text),
        false => std::fs::File::open(file).and_then(|file| file.take(FILE_BYTES_MAX).read_to_string(&mut text)),
    };
    let length = read.map_err(cannot)?;
    if u64::try_from(length).is_ok_and(|length| length >= FILE_BYTES_MAX) {
        return Err(cannot(std::io::ErrorKind::FileTooLarge.into()));
    }
    Ok(text.trim_start_matches('\u{feff}').to_owned())
}

fn reject(
    rejects: &mut RejectFile,
    chunk: &[(u64, &str)],
    decided: &DecidedRows,
    lang: CliLanguage,
) -> Result<(), CommandFailure> {
    for (place, problem) in &decided.bad {
        let Some((line, raw)) = chunk.get(*place) else {
            continue;
        };
        let text = |name: &str| problem.get(name).and_then(Value::as_str).map(str::to_owned);
        rejects.add(RejectedRow {
            line: *line,
            code: text("code").unwrap_or_else(|| "unanswered".to_owned()),
            reason: text("detail")
                .or_else(|| text("title"))
                .unwrap_or_else(|| lang.say("cli.row_unanswered", &[])),
            problem: problem.clone(),
            raw: Some((*raw).to_owned()),
        })?;
    }
    rejects.flush()
}

fn tell(total: &DecidedRows, rejects: &RejectFile, rows: usize, output: OutputAudience, lang: CliLanguage) {
    let file = rejects.path();
    let json = json!({
        "rows": rows, "created": total.created, "updated": total.updated, "unchanged": total.unchanged,
        "ignored": total.ignored, "rejected": rejects.count, "rejected_file": file, "receipt": total.receipt,
    });
    let counts = [
        ("cli.created", total.created),
        ("cli.updated", total.updated),
        ("cli.unchanged", total.unchanged),
        ("cli.ignored", total.ignored),
        ("cli.rejected", rejects.count),
    ];
    let cells: Vec<Vec<String>> = counts
        .iter()
        .map(|(key, count)| vec![lang.say(key, &[]), count.to_string()])
        .collect();
    let mut lines = vec![table(&["items", &lang.say("cli.count", &[])], &cells)];
    lines.extend(total.receipt.as_ref().and_then(|receipt| receipt_line(receipt, lang)));
    lines.extend(file.map(|file| lang.say("cli.rejected_in", &[&file])));
    output.tell(&json, &lines.join("\n"));
}
