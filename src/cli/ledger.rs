//! `heyan ledger verify` and `heyan receipt verify`: offline proof, with the files and the public key alone.
//! They share no state with a running hub: a person who doubts the hub can run them elsewhere.

use std::path::PathBuf;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use anyhow::Context;

use heyan_ledger::{
    VerifierKey,
    entry::{EntryBody, LedgerEntry},
    receipt, verify,
};
use heyan_server::process::{ExitStatus, OutputAudience};

/// `heyan ledger …`.
#[derive(clap::Subcommand)]
pub(crate) enum LedgerCommand {
    /// Verify that nothing in a ledger was changed
    Verify {
        /// Ledger folder
        dir: PathBuf,
        /// Public key of the ledger, or a file that contains it
        #[arg(long)]
        key: Option<String>,
        /// Checkpoint that was kept elsewhere: the ledger must extend it
        #[arg(long)]
        checkpoint: Option<PathBuf>,
        /// Receipt whose entry the ledger must hold; may be given more than once
        #[arg(long)]
        receipt: Vec<PathBuf>,
    },
}

/// `heyan receipt …`.
#[derive(clap::Subcommand)]
pub(crate) enum ReceiptCommand {
    /// Verify that an answer is in a ledger
    Verify {
        /// Receipt file, text or JSON
        file: PathBuf,
        /// Public key of the ledger, or a file that contains it
        #[arg(long)]
        key: String,
        /// Print this item of a batch or stream: the number at the end of its id
        #[arg(long)]
        item: Option<usize>,
    },
}

/// A key given as text, or by the name of its file.
pub(super) fn key_text(given: &str) -> anyhow::Result<String> {
    if given.contains('+') && !std::path::Path::new(given).exists() {
        return Ok(given.trim().to_owned());
    }
    let text = std::fs::read_to_string(given).with_context(|| format!("cannot read the key file {given}"))?;
    Ok(text.trim().to_owned())
}

/// Verifies a ledger folder.
pub(crate) fn ledger(command: LedgerCommand, output: OutputAudience) -> anyhow::Result<ExitStatus> {
    let LedgerCommand::Verify {
        dir,
        key,
        checkpoint,
        receipt,
    } = command;
    let key = key.as_deref().map(key_text).transpose()?;
    anyhow::ensure!(
        dir.join("journal").is_dir(),
        "{} is not a ledger folder: it has no folder `journal`",
        dir.display()
    );
    let read = |file: &PathBuf| std::fs::read(file).with_context(|| format!("cannot read {}", file.display()));
    let held = checkpoint.as_ref().map(read).transpose()?;
    let receipts = receipt.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let verified = match &held {
        Some(held) => verify::verify_dir_against(&dir, key.as_deref(), held),
        None => verify::verify_dir(&dir, key.as_deref()),
    };
    let verified = verified.and_then(|report| {
        for receipt in &receipts {
            verify::holds_receipt(&dir, &report, receipt)?;
        }
        Ok(report)
    });
    match verified {
        Ok(report) => {
            let root = STANDARD.encode(report.root);
            let json = serde_json::json!({
                "sound": true, "entries": report.entries, "sealed": report.sealed, "unsealed": report.unsealed,
                "torn_tail_bytes": report.torn_tail_bytes, "root": root,
            });
            let text = format!(
                "sound: {} entries, {} under the checkpoint, root {}",
                report.entries, report.sealed, root
            );
            output.tell(&json, &text);
            Ok(ExitStatus::Done)
        }
        Err(damage) => {
            let json = serde_json::json!({
                "sound": false, "first_bad_index": damage.first_bad_index, "what": damage.to_string(),
            });
            let place = damage.first_bad_index.map_or("-".to_owned(), |index| index.to_string());
            output.tell(&json, &format!("NOT SOUND: first bad index {place}: {damage}"));
            Ok(ExitStatus::No)
        }
    }
}

/// Verifies a receipt file.
pub(crate) fn receipt(command: ReceiptCommand, output: OutputAudience) -> anyhow::Result<ExitStatus> {
    let ReceiptCommand::Verify { file, key, item } = command;
    let bytes = std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let key = key_text(&key)?;
    anyhow::ensure!(
        VerifierKey::parse(&key).is_ok(),
        "--key is not a public key of a ledger; get it from /log/key of the hub"
    );
    match receipt::verify(&bytes, &key) {
        Ok(proven) => {
            let entry = proven.entry.as_deref().and_then(LedgerEntry::decode);
            let kind = entry.as_ref().map_or("unknown", |entry| entry.kind.as_str());
            let at = entry.as_ref().map(|entry| heyan_ports::time::rfc3339(entry.at_us));
            let answered = entry.as_ref().map(answered).unwrap_or_default();
            if let Some(number) = item {
                return Ok(one_item(entry.as_ref(), number, proven.index, output));
            }
            let json = serde_json::json!({
                "sound": true, "answered": answered, "origin": proven.origin, "index": proven.index, "tree_size": proven.head.size,
                "kind": kind, "at": at,
            });
            let text = format!(
                "sound: entry {} ({kind}, {}) is in the ledger {} of {} entries; answered: {}",
                proven.index,
                at.unwrap_or_default(),
                proven.origin,
                proven.head.size,
                if answered.is_empty() {
                    "-".to_owned()
                } else {
                    answered.join(", ")
                }
            );
            output.tell(&json, &text);
            Ok(ExitStatus::Done)
        }
        Err(error) => {
            output.tell(
                &serde_json::json!({"sound": false, "what": error.to_string()}),
                &format!("NOT SOUND: {error}"),
            );
            Ok(ExitStatus::No)
        }
    }
}

/// Tells one item of a proven entry: the entry holds its items in order, so the proof of the entry is the proof of each.
fn one_item(entry: Option<&LedgerEntry>, number: usize, index: u64, output: OutputAudience) -> ExitStatus {
    let items = match entry.map(|entry| &entry.body) {
        Some(EntryBody::Items(items)) => items.as_slice(),
        _ => &[],
    };
    let Some(item) = items.get(number) else {
        let what = format!(
            "entry {index} is valid but has no item {number}: it has {}",
            items.len()
        );
        output.tell(
            &serde_json::json!({"sound": true, "item": null, "items": items.len()}),
            &what,
        );
        return ExitStatus::No;
    };
    let fields: Vec<_> = item
        .fields
        .iter()
        .map(|(field, verdict)| (field, verdict.as_str()))
        .collect();
    let json = serde_json::json!({
        "sound": true, "index": index, "items": items.len(),
        "item": {
            "number": number, "rules": item.rules, "outcome": item.outcome.as_str(), "record_version": item.record_version,
            "fields": fields.iter().map(|(field, verdict)| serde_json::json!({"number": field, "verdict": verdict})).collect::<Vec<_>>(),
        },
    });
    let verdicts: Vec<String> = fields
        .iter()
        .map(|(field, verdict)| format!("field {field} {verdict}"))
        .collect();
    let text = format!(
        "sound: item {number} of entry {index}: {} {}, record version {}; {}",
        item.rules,
        item.outcome.as_str(),
        item.record_version,
        verdicts.join(", ")
    );
    output.tell(&json, &text);
    ExitStatus::Done
}

/// What an entry says was answered: dataset and outcome of each item, or operation and status.
fn answered(entry: &LedgerEntry) -> Vec<String> {
    match &entry.body {
        EntryBody::Items(items) => items
            .iter()
            .map(|item| format!("{} {}", item.rules, item.outcome.as_str()))
            .collect(),
        EntryBody::Call { operation, status, .. } => vec![format!("{operation} {status}")],
        EntryBody::Records { rules, records } => vec![format!("{rules} {} records", records.len())],
        EntryBody::Access { action, .. } => vec![action.clone()],
        EntryBody::Mismatch { id, action, state, .. } => vec![format!("{id} {action} {state}")],
        EntryBody::Delivery { id, target, state, .. } => vec![format!("{id} {target} {state}")],
        EntryBody::Read { operation, rules, .. } => vec![format!("{operation} {rules}")],
    }
}
