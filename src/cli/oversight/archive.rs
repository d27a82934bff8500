//! `heyan archive NUMBER -o FILE`: the pack of one application, from a hub; `heyan archive verify FILE --key PUB`: proves one
//! offline, with the file and the public keys of the ledgers alone.

use std::{fs::OpenOptions, io::Write, path::PathBuf};

use anyhow::Context;
use serde_json::json;

use crate::{
    client::{HubArgs, HubClient},
    data::rejects::create_private,
    failure::CommandFailure,
    ledger::key_text,
};
use heyan_api::ArchiveQuery;
use heyan_app::archive::check;
use heyan_ledger::VerifierKey;
use heyan_server::process::{ExitStatus, OutputAudience};

/// `heyan archive`.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct ArchiveArgs {
    #[command(subcommand)]
    command: Option<ArchiveCommand>,
    /// Application number (办件编号) of the pack
    #[arg(required = true)]
    application_no: Option<String>,
    /// Only the verifications of this agency
    #[arg(long, value_name = "ID")]
    agency: Option<String>,
    /// Reason; stored encrypted in the ledger
    #[arg(long, default_value = "归档 archive")]
    reason: String,
    /// New file for the pack, readable only by its owner
    #[arg(short, long, value_name = "FILE", required = true)]
    out: Option<PathBuf>,
    #[command(flatten)]
    hub: HubArgs,
}

#[derive(clap::Subcommand)]
enum ArchiveCommand {
    /// Verify that a pack is complete and that the ledgers contain its entries
    Verify {
        /// File of the pack
        file: PathBuf,
        /// Public key of a ledger, or a file that contains it; once for each node
        #[arg(long, required = true)]
        key: Vec<String>,
    },
}

/// Runs the command.
pub(crate) async fn run(args: ArchiveArgs, output: OutputAudience) -> anyhow::Result<ExitStatus> {
    if let Some(ArchiveCommand::Verify { file, key }) = &args.command {
        return verify(file, key, output);
    }
    let lang = args.hub.lang();
    Ok(match fetch(&args, output).await {
        Ok(()) => ExitStatus::Done,
        Err(failure) => failure.tell(output, lang),
    })
}

async fn fetch(args: &ArchiveArgs, output: OutputAudience) -> Result<(), CommandFailure> {
    let (Some(number), Some(path)) = (&args.application_no, &args.out) else {
        return Ok(());
    };
    let shown = path.display().to_string();
    let unwritten =
        |error: std::io::Error| CommandFailure::unreachable("cli.cannot_write", [&shown, &error.to_string()]);
    let body = json!(ArchiveQuery {
        application_no: number.clone(),
        agency: args.agency.clone(),
        reason: args.reason.clone(),
    });
    let hub = HubClient::open(&args.hub, output)?;
    let pack = hub.fetch(&["v1", "archives", "query"], &body).await?;
    let mut file = create_private(path, OpenOptions::new().create_new(true)).map_err(unwritten)?;
    file.write_all(&pack)
        .and_then(|()| file.sync_all())
        .map_err(unwritten)?;
    output.tell(
        &json!({"file": shown, "bytes": pack.len()}),
        &format!("{shown} ({} bytes)", pack.len()),
    );
    Ok(())
}

fn verify(file: &PathBuf, keys: &[String], output: OutputAudience) -> anyhow::Result<ExitStatus> {
    let pack = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let keys: Vec<String> = keys.iter().map(|key| key_text(key)).collect::<Result<_, _>>()?;
    let is_key = |key: &String| VerifierKey::parse(key).is_ok();
    anyhow::ensure!(
        keys.iter().all(is_key),
        "--key is not a public key of a ledger; get it from /log/key of the hub"
    );
    Ok(match check::check(&pack, &keys) {
        Ok(proven) => {
            let json = json!({
                "sound": true, "application_no": proven.application_no, "verifications": proven.verifications,
                "mismatches": proven.mismatches, "deliveries": proven.deliveries, "receipts": proven.receipts,
            });
            let text = format!(
                "sound: application {}: {} verifications, {} mismatches, {} deliveries, {} receipts",
                check::shown(&proven.application_no),
                proven.verifications,
                proven.mismatches,
                proven.deliveries,
                proven.receipts
            );
            output.tell(&json, &text);
            ExitStatus::Done
        }
        Err(broken) => {
            let json = json!({"sound": false, "file": broken.file, "what": broken.what});
            output.tell(&json, &format!("NOT SOUND: {broken}"));
            ExitStatus::No
        }
    })
}
