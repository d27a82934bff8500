//! Was the last end of the hub clean, and is this the folder that it served from? A file of the data folder is there while a hub serves,
//! and names the database file that it has open: a copy of the folder of a serving hub is found by it.

use std::{
    fs,
    io::ErrorKind,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::{Instant, UNIX_EPOCH},
};

use anyhow::Context;

use super::store::DATABASE;
use heyan_config::Config;
use heyan_store::SqliteFile;

/// Folder in the data folder while a restore is under way.
pub(super) const RESTORING: &str = "restoring";

/// File in the data folder while a hub serves.
const FILE: &str = "serving";

/// Largest database that is read whole before a start after an unclean end: about half a second. A larger one was ended in place, which
/// SQLite bears.
const CHECK_BYTES_MAX: u64 = 256 << 20;

/// Checks the database after an unclean end.
///
/// # Errors
/// A restore was cut short, the folder was copied while a hub served from it, or the database is damaged.
pub(super) async fn check(config: &Config) -> anyhow::Result<()> {
    let restoring = config.node.data_dir.join(RESTORING);
    anyhow::ensure!(
        !restoring.exists(),
        "{} is there: a restore was cut short; run `heyan restore` again",
        restoring.display()
    );
    let data = &config.node.data_dir;
    let database = data.join(DATABASE);
    if config.store.postgres.is_configured() || !database.exists() {
        return Ok(());
    }
    let file = data.join(FILE);
    let served = match fs::read_to_string(&file) {
        Ok(text) => Some(text.trim().to_owned()),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", file.display())),
    };
    anyhow::ensure!(
        served
            .as_ref()
            .is_none_or(|served| identity(&database).is_ok_and(|found| *served == found)),
        "{} was copied while a hub was serving from it: {DATABASE} is another file than the one that the hub had open, and its parts may \
         be of different moments. Restore a backup with `heyan restore`; `heyan backup DIR` makes one while the hub serves. If the copy is \
         an atomic snapshot, or no hub was running when it was made, remove {} and start again: the database is then checked.",
        data.display(),
        file.display()
    );
    let log = fs::metadata(log_of(data)).map_or(0, |log| log.len());
    let bytes = fs::metadata(&database).map_or(0, |database| database.len());
    if (served.is_none() && log == 0) || bytes > CHECK_BYTES_MAX {
        return Ok(());
    }
    let begun = Instant::now();
    let found = SqliteFile::at(&database).quick_check().await;
    let found = found.with_context(|| damaged(&database))?;
    anyhow::ensure!(found.is_empty(), "{}: {}", damaged(&database), found.join("; "));
    let took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(bytes, took_ms, "the last end was not clean: the database was checked");
    Ok(())
}

fn damaged(database: &Path) -> String {
    format!(
        "{} is damaged: move the data folder away, and put back the newest backup with `heyan restore`",
        database.display()
    )
}

/// The write-ahead log of the database.
pub(super) fn log_of(data: &Path) -> PathBuf {
    data.join(format!("{DATABASE}-wal"))
}

/// A hub serves from this folder now.
pub(super) fn begin(config: &Config) -> anyhow::Result<()> {
    if config.store.postgres.is_configured() {
        return Ok(());
    }
    let data = &config.node.data_dir;
    let text = identity(&data.join(DATABASE)).with_context(|| format!("cannot inspect {DATABASE}"))?;
    heyan_ledger::write_small_file(data, FILE, format!("{text}\n").as_bytes())
        .with_context(|| format!("cannot write {}", data.join(FILE).display()))
}

/// The hub has ended, and everything is closed. A file that stays leads to a check at the next start.
pub(super) fn end(data: &Path) {
    let _removed = fs::remove_file(data.join(FILE));
}

/// What a copy of a file does not share with it: its number in the file system, and when it was made.
fn identity(file: &Path) -> std::io::Result<String> {
    let metadata = fs::metadata(file)?;
    let made = metadata
        .created()
        .ok()
        .and_then(|made| made.duration_since(UNIX_EPOCH).ok());
    Ok(format!("{} {}", metadata.ino(), made.unwrap_or_default().as_nanos()))
}
