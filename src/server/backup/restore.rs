//! `heyan restore DIR`: proves a backup, and puts it into an empty data folder. What came after it is lost, and the hub may have answered
//! from it: so the next start enters the loss, begins a ledger with another origin, and leaves a gap in the versions of records.
//!
//! A crash leaves the folder `restoring`; no hub starts beside it, and the next restore begins anew.

use std::{
    fs::{self, OpenOptions},
    io::{BufRead, BufReader, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use anyhow::Context;

use super::{
    BackupManifest, CopiedDatabase, RESTORED,
    check::{self, CheckedBackup},
    files::{self, PartialFolder},
};
use crate::{
    assemble::ledger_seed,
    loss::AcceptedLoss,
    origin::{self, LEDGER},
    serving::{self, RESTORING},
    settings::UnusableSettings,
    standing::SET_ASIDE,
    store::DATABASE,
};
use heyan_auth::keys::{self, KeyRing};
use heyan_config::Config;
use heyan_ledger::NoteSigner;
use heyan_ports::time::{Clock, SystemClock, rfc3339};

/// How a restore ended.
pub enum RestoreOutcome {
    /// The data folder holds the backup; the next start enters the loss.
    Done(Box<RestoredHub>),
    /// The backup is not sound, or is of another hub: nothing was written.
    Refused(Vec<String>),
}

/// What was put back.
pub struct RestoredHub {
    /// The backup.
    pub manifest: BackupManifest,
    /// Origin of the ledger that begins.
    pub origin: String,
    /// The gap of versions.
    pub epoch: u32,
    /// Why the backup's folder could not remember the restore.
    pub not_noted: Option<String>,
}

/// Puts the backup in `dir` into the data folder of the settings; `reason` is entered in the ledger.
///
/// # Errors
/// The data folder holds a hub already, the root key is missing, or something cannot be read or written.
pub async fn restore(config: &Config, dir: &Path, reason: Option<&str>) -> anyhow::Result<RestoreOutcome> {
    let data = &config.node.data_dir;
    ensure_empty(data)?;
    let keys = keys(config)?;
    let CheckedBackup { manifest, mut findings } = check::check(dir, None).await?;
    let Some(manifest) = manifest.filter(|_| findings.is_empty()) else {
        return Ok(RestoreOutcome::Refused(findings));
    };
    misfits(config, &keys, dir, &manifest, &mut findings)?;
    if !findings.is_empty() {
        return Ok(RestoreOutcome::Refused(findings));
    }
    let losses = losses_known(config, dir, &manifest).saturating_add(1);
    let loss = AcceptedLoss {
        reason: reason.map_or_else(
            || format!("restored from the backup of {}", manifest.made_at),
            str::to_owned,
        ),
        found: vec![lost(&manifest)],
        earlier: manifest.origin.clone(),
        origin: origin::after_losses(&config.node.origin, losses),
        epoch: losses.max(epoch_of(&manifest).saturating_add(1)),
    };
    crate::boot::make_private_dir(data)?;
    // What lies beside an unfinished restore came from it.
    remove_parts(data)?;
    let partial = PartialFolder::make(data.join(RESTORING))?;
    files::copy_folder(dir, &partial.path, &[])?;
    check::compare(&manifest.files, &files::list(&partial.path)?, &mut findings);
    anyhow::ensure!(
        findings.is_empty(),
        "the copy in {} is not the backup: {}; check the disk",
        partial.path.display(),
        findings.join("; ")
    );
    loss.keep(data)?;
    for entry in fs::read_dir(&partial.path).with_context(|| format!("cannot read {}", partial.path.display()))? {
        let name = entry?.file_name();
        let (from, to) = (partial.path.join(&name), data.join(&name));
        fs::rename(&from, &to).with_context(|| format!("cannot rename {} to {}", from.display(), to.display()))?;
    }
    files::sync_folder(data)?;
    fs::remove_dir(&partial.path).with_context(|| format!("cannot remove {}", partial.path.display()))?;
    drop(partial);
    files::sync_folder(data)?;
    Ok(RestoreOutcome::Done(Box::new(RestoredHub {
        not_noted: note(dir, &loss).err().map(|error| error.to_string()),
        manifest,
        origin: loss.origin,
        epoch: loss.epoch,
    })))
}

/// The keys of the settings; they are never made here.
pub(super) fn keys(config: &Config) -> anyhow::Result<KeyRing> {
    let root = &config.node.root_key_file;
    if !root.exists() {
        let missing = anyhow::anyhow!(
            "node.root_key_file: {} is missing: put back the sealed copy of the hub's root key first; it is never in a backup",
            root.display()
        );
        return Err(UnusableSettings::from(missing).into());
    }
    Ok(keys::load_or_create(root)?)
}

/// A restore never replaces anything.
fn ensure_empty(data: &Path) -> Result<(), UnusableSettings> {
    if data.join(RESTORING).exists() {
        return Ok(());
    }
    // A write-ahead log of another database would be replayed into the one that is put back.
    let shared = data.join(format!("{DATABASE}-shm"));
    let there = [
        data.join(LEDGER),
        data.join(DATABASE),
        serving::log_of(data),
        shared,
        data.join("index"),
    ];
    match there.iter().find(|path| path.exists()) {
        Some(path) => Err(anyhow::anyhow!(
            "node.data_dir: {} is there: a restore never replaces a hub. Stop the hub, move {} away, and restore again",
            path.display(),
            data.display()
        )
        .into()),
        None => Ok(()),
    }
}

/// Removes what a restore that was cut short has left.
fn remove_parts(data: &Path) -> anyhow::Result<()> {
    serving::end(data);
    if !data.join(RESTORING).exists() {
        return Ok(());
    }
    for entry in fs::read_dir(data).with_context(|| format!("cannot read {}", data.display()))? {
        let entry = entry?;
        let (name, path) = (entry.file_name().to_string_lossy().into_owned(), entry.path());
        let removed = match (name == LEDGER || name.starts_with(SET_ASIDE), name == DATABASE) {
            (true, _) => fs::remove_dir_all(&path),
            (_, true) => fs::remove_file(&path),
            _ => Ok(()),
        };
        removed.with_context(|| format!("cannot remove {}", path.display()))?;
    }
    Ok(())
}

/// Why a sound backup is not one of this hub.
fn misfits(
    config: &Config,
    keys: &KeyRing,
    dir: &Path,
    manifest: &BackupManifest,
    findings: &mut Vec<String>,
) -> anyhow::Result<()> {
    let (root, stated) = (&config.node.root_key_file, &config.node.origin);
    if !manifest.fits_engine(config) {
        findings.push(
            "the settings name another kind of database than the backup has: set or remove store.postgres.url_file"
                .to_owned(),
        );
    }
    if origin::losses_of(&manifest.origin, stated).is_none() {
        findings.push(format!(
            "the backup is of the ledger {}, but node.origin is {stated}: set it to what it was",
            manifest.origin
        ));
    }
    let signer = NoteSigner::from_seed(&manifest.origin, &*ledger_seed(config, keys, &manifest.origin)?)?;
    let key = fs::read_to_string(dir.join(LEDGER).join("key.pub")).unwrap_or_default();
    if keys.mark()? != manifest.root_mark || key.trim_end() != signer.verifier().encode() {
        findings.push(format!(
            "the backup was made under another root key than {}: put back the key file of that hub",
            root.display()
        ));
    }
    Ok(())
}

fn epoch_of(manifest: &BackupManifest) -> u32 {
    match manifest.database {
        CopiedDatabase::Sqlite { epoch, .. } => epoch,
        // The database itself says it at the start.
        CopiedDatabase::Postgres => 0,
    }
}

/// Losses that were accepted before: in the backup, beside the root key, or by another restore of the same backup.
fn losses_known(config: &Config, dir: &Path, manifest: &BackupManifest) -> u32 {
    let stated = &config.node.origin;
    let of_backup = origin::losses_of(&manifest.origin, stated).unwrap_or(0);
    let lines = fs::File::open(dir.join(RESTORED)).map(BufReader::new).into_iter();
    let lines = lines.flat_map(|file| file.lines().map_while(Result::ok));
    let noted = lines
        .filter_map(|line| origin::losses_of(line.split(' ').next()?, stated))
        .max();
    of_backup
        .max(origin::losses_beside_key(config, stated))
        .max(noted.unwrap_or(0))
}

/// So that another restore of the same backup, perhaps on another machine, begins another ledger and another gap.
fn note(dir: &Path, loss: &AcceptedLoss) -> std::io::Result<()> {
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(dir.join(RESTORED))?;
    writeln!(file, "{} {} {}", loss.origin, loss.epoch, rfc3339(SystemClock.now_us()))?;
    file.sync_all()
}

fn lost(manifest: &BackupManifest) -> String {
    let ledger = &manifest.ledger;
    format!(
        "the backup of {} holds {} entries of the ledger {}, {} under its checkpoint: what came after it is lost",
        manifest.made_at, ledger.entries, manifest.origin, ledger.sealed
    )
}
