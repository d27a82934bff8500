//! `heyan backup verify DIR`: proves a backup with nothing but its files. What is proven: each file is what the manifest says; each entry
//! of the ledger is under its signed checkpoint or whole behind it; the database is sound; and database and ledger fit together.

use std::{fs, path::Path};

use anyhow::Context;

use super::{
    BackupManifest, CopiedDatabase, FORMAT, MANIFEST,
    files::{self, ListedFile},
};
use crate::{
    origin::LEDGER,
    standing::{CHANGES, SET_ASIDE},
    store::{DATABASE, ROOT_MARK},
};
use heyan_app::node::standing::LedgerStanding;
use heyan_ledger::{
    LogDamage, TreeHead,
    verify::{VerifyReport, verify_dir, verify_dir_holding},
};
use heyan_store::SqliteFile;

/// Findings that are told.
const FINDINGS_MAX: usize = 20;

/// What was looked at.
pub struct CheckedBackup {
    /// What the backup says of itself; `None` if that cannot be read.
    pub manifest: Option<BackupManifest>,
    /// What is wrong; empty when it is sound.
    pub findings: Vec<String>,
}

/// Proves the backup in `dir`. With `key`, its ledger must be that key's.
///
/// # Errors
/// There is no backup in `dir`, or it cannot be read.
pub async fn check(dir: &Path, key: Option<&str>) -> anyhow::Result<CheckedBackup> {
    let file = dir.join(MANIFEST);
    let text = fs::read(&file).with_context(|| {
        format!(
            "cannot read {}: {} is not a whole backup",
            file.display(),
            dir.display()
        )
    })?;
    let manifest: BackupManifest = match serde_json::from_slice(&text) {
        Ok(manifest) => manifest,
        Err(error) => {
            return Ok(CheckedBackup {
                manifest: None,
                findings: vec![format!("{MANIFEST} is damaged: {error}")],
            });
        }
    };
    let mut findings = Vec::new();
    if manifest.format == FORMAT {
        compare(&manifest.files, &files::list(dir)?, &mut findings);
        check_ledgers(dir, key, &manifest, &mut findings)?;
        check_database(dir, &manifest, &mut findings).await?;
    } else {
        findings.push(format!(
            "the backup has the form {}, this program knows {FORMAT}",
            manifest.format
        ));
    }
    findings.truncate(FINDINGS_MAX);
    Ok(CheckedBackup {
        manifest: Some(manifest),
        findings,
    })
}

/// Each file is there as it was written, and no other.
pub(super) fn compare(wanted: &[ListedFile], found: &[ListedFile], findings: &mut Vec<String>) {
    for file in wanted {
        match found.iter().find(|other| other.path == file.path) {
            None => findings.push(format!("{} is missing", file.path)),
            Some(other) if other.bytes != file.bytes => {
                findings.push(format!(
                    "{} has {} bytes instead of {}",
                    file.path, other.bytes, file.bytes
                ));
            }
            Some(other) if other != file => findings.push(format!("{} was changed: its SHA-256 is another", file.path)),
            Some(_) => {}
        }
    }
    for file in found
        .iter()
        .filter(|file| !wanted.iter().any(|other| other.path == file.path))
    {
        findings.push(format!("{} does not belong to the backup", file.path));
    }
}

fn check_ledgers(
    dir: &Path,
    key: Option<&str>,
    manifest: &BackupManifest,
    findings: &mut Vec<String>,
) -> anyhow::Result<()> {
    match verified(dir, key, manifest) {
        Ok(report) => {
            let found = (report.entries, report.sealed, report.origin.as_str());
            let wanted = (
                manifest.ledger.entries,
                manifest.ledger.sealed,
                manifest.origin.as_str(),
            );
            if found != wanted {
                findings.push(format!(
                    "the ledger {} has {} entries, {} under its checkpoint; the manifest says {} of {} and {}",
                    found.2, found.0, found.1, wanted.2, wanted.0, wanted.1
                ));
            }
        }
        Err(damage) => findings.push(format!("ledger: {damage}")),
    }
    for entry in fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.starts_with(SET_ASIDE)
            && let Err(damage) = verify_dir(&dir.join(&name), None)
        {
            findings.push(format!("{name}: {damage}"));
        }
    }
    Ok(())
}

/// Verifies the ledger, and that it holds what the database remembers of it.
fn verified(dir: &Path, key: Option<&str>, manifest: &BackupManifest) -> Result<VerifyReport, LogDamage> {
    let ledger = dir.join(LEDGER);
    let CopiedDatabase::Sqlite {
        position: Some(position),
        ..
    } = &manifest.database
    else {
        return verify_dir(&ledger, key);
    };
    let unreadable = || LogDamage::of("what the database remembers of the ledger cannot be read");
    let standing: LedgerStanding = position.parse().map_err(|_unreadable| unreadable())?;
    let head = TreeHead {
        size: standing.size,
        root: standing.root,
    };
    let report = verify_dir_holding(&ledger, key, head)?;
    let changes = fs::read_to_string(ledger.join(CHANGES)).map_err(|_| unreadable())?;
    match changes
        .trim_end()
        .parse::<u64>()
        .is_ok_and(|changes| changes <= standing.changes)
    {
        true => Ok(report),
        false => Err(LogDamage::of(
            "the ledger's folder knows of a newer change than the database",
        )),
    }
}

async fn check_database(dir: &Path, manifest: &BackupManifest, findings: &mut Vec<String>) -> anyhow::Result<()> {
    let CopiedDatabase::Sqlite { position, .. } = &manifest.database else {
        return Ok(());
    };
    let path = dir.join(DATABASE);
    if !path.is_file() {
        return Ok(());
    }
    let database = SqliteFile::at(&path);
    let looked = async {
        let found = database.integrity_check().await?;
        let name = LedgerStanding::position_name(&manifest.origin);
        Ok::<_, heyan_ports::error::StoreError>((
            found,
            database.position(&name).await?,
            database.settled(ROOT_MARK).await?,
        ))
    };
    match looked.await {
        Ok((found, kept, mark)) => {
            findings.extend(found.into_iter().map(|line| format!("{DATABASE}: {line}")));
            if kept != *position {
                findings.push(format!(
                    "{DATABASE} remembers another place in the ledger than the manifest says"
                ));
            }
            if mark.as_ref() != Some(&manifest.root_mark) {
                findings.push(format!("{DATABASE} belongs to another root key than the manifest says"));
            }
        }
        Err(error) => findings.push(format!("{DATABASE} cannot be read: {error}")),
    }
    Ok(())
}
