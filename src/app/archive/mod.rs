//! The pack of one application for an archive (Article 14 of the rule that heyan serves: what a matter leaves is archived
//! electronically): one file that proves by itself, offline, what was asked, answered, disputed and delivered.
//!
//! Every statement in it rests on a ledger entry whose receipt is there too. `manifest.json` lists the SHA-256 of every file, and
//! its own stands in an entry that this pack was made with, whose receipt is `manifest.proof`: so the ledger's key signs the whole.

pub mod check;
pub mod tar;

mod collect;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde_json::{Value, json};

use self::{collect::CollectedPack, tar::TarFile};
use super::node::caller::Caller;
use super::traces;
use super::{
    delivery::message,
    foundation::{error::AppError, purpose},
    node::{hub::Hub, peers},
};
use heyan_auth::sha256;
use heyan_ledger::entry::{self, EntryKind};
use heyan_ports::time;
use heyan_texts::text;

/// What `manifest.json` says that it is.
pub const FORMAT: &str = "heyan-archive/1";

/// The action of the entry that a pack is made with.
pub const MADE: &str = "archive.make";

/// Longest wait for the checkpoint that covers an entry.
const SEALED_WAIT: Duration = Duration::from_secs(10);

/// Longest application number, bytes.
const NUMBER_BYTES_MAX: usize = 128;

/// What a person who opens the pack reads first, in both languages.
fn readme() -> String {
    let text = text("archive_pack.readme");
    format!("heyan archive pack / 核验归档包\n\n{}\n{}", text.en, text.zh)
}

/// Whose pack is asked for.
pub struct PackRequest<'a> {
    /// The application number.
    pub application_no: &'a str,
    /// Only what this agency asked under it.
    pub agency: Option<&'a str>,
    /// Why.
    pub reason: &'a str,
}

/// Makes the pack of an application; `None`: nothing was asked under this number. That it was made is entered.
///
/// # Errors
/// A wrong number, reason or agency, too much for one pack, a node that does not answer, or the ledger or store cannot be asked.
pub async fn make(hub: &Arc<Hub>, caller: &Caller, ask: &PackRequest<'_>) -> Result<Option<Vec<u8>>, AppError> {
    traces::check_reason(ask.reason)?;
    if purpose::is_blank(ask.application_no) || ask.application_no.len() > NUMBER_BYTES_MAX {
        return Err(AppError::fault("/application_no", "invalid_value"));
    }
    let collected = collect::collect(hub, caller, ask).await?;
    if collected.is_empty() {
        return Ok(None);
    }
    let mut files = files_of(&collected)?;
    let now_us = hub.clock.now_us();
    let manifest = manifest(hub, ask, &files, now_us)?;
    let proof = enter(hub, caller, ask, &manifest, now_us).await?;
    files.insert(0, file("manifest.proof", proof.into_bytes()));
    files.insert(0, file("manifest.json", manifest));
    Ok(Some(tar::write(&files, now_us.div_euclid(1_000_000))))
}

fn file(name: impl Into<String>, bytes: Vec<u8>) -> TarFile {
    TarFile {
        name: name.into(),
        bytes,
    }
}

fn json_file(name: &str, value: &Value) -> TarFile {
    file(name, format!("{value:#}\n").into_bytes())
}

fn files_of(collected: &CollectedPack) -> Result<Vec<TarFile>, AppError> {
    let mut files = vec![
        file("README.txt", readme().into_bytes()),
        json_file("verifications.json", &Value::from(collected.verifications.clone())),
        json_file("mismatches.json", &Value::from(collected.mismatches.clone())),
        json_file("deliveries.json", &Value::from(collected.deliveries.clone())),
    ];
    files.extend(collected.receipts().map(|(name, text)| file(name, text.into_bytes())));
    Ok(files)
}

fn manifest(hub: &Hub, ask: &PackRequest<'_>, files: &[TarFile], now_us: i64) -> Result<Vec<u8>, AppError> {
    let hashes: BTreeMap<&str, String> = files
        .iter()
        .map(|file| (file.name.as_str(), message::hex(&sha256(&file.bytes))))
        .collect();
    let manifest = json!({
        "format": FORMAT,
        "application_no": ask.application_no.trim(),
        "agency": ask.agency,
        "made_at": time::rfc3339(now_us),
        "made_by": hub.node.settings.origin,
        "keys": peers::keys(hub),
        "files": hashes,
    });
    Ok(format!("{manifest:#}\n").into_bytes())
}

/// Enters that a pack was made, with the hash of its manifest; answers the receipt.
async fn enter(
    hub: &Hub,
    caller: &Caller,
    ask: &PackRequest<'_>,
    manifest: &[u8],
    now_us: i64,
) -> Result<String, AppError> {
    let mut bytes = Vec::with_capacity(256);
    entry::begin(&mut bytes, EntryKind::Access, now_us, caller.agency_number());
    entry::put_text(&mut bytes, MADE);
    entry::put_text(&mut bytes, &message::hex(&sha256(manifest)));
    let by = [&*caller.client.row.id, ask.application_no, ask.reason];
    purpose::seal_parts(hub, &by, &mut bytes)?;
    let appended = hub.append(bytes).await?;
    hub.ledger.wait_sealed(appended.index, SEALED_WAIT).await?;
    Ok(hub.ledger.inclusion_proof(appended.index)?.to_text())
}
