//! When the last backup was made: a file of the data folder that `heyan backup` writes and the hub reads.

use std::{fs, path::Path, time::UNIX_EPOCH};

use crate::origin::LEDGER;

/// File in the data folder: time of the last backup, Unix microseconds, and its folder.
const FILE: &str = "last-backup";

/// Keeps that a backup was made.
pub(super) fn keep(data: &Path, made_at_us: i64, dir: &Path) -> std::io::Result<()> {
    let text = format!("{made_at_us} {}\n", dir.display());
    heyan_ledger::write_small_file(data, FILE, text.as_bytes())
}

/// When the last backup was made, Unix microseconds; before the first one, when the ledger was made.
pub(crate) fn last_made_us(data: &Path) -> Option<i64> {
    let kept = fs::read_to_string(data.join(FILE)).ok();
    let kept = kept.and_then(|text| text.split(' ').next()?.parse().ok());
    kept.or_else(|| {
        let key = fs::metadata(data.join(LEDGER).join("key.pub")).ok()?;
        let made = key.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
        i64::try_from(made.as_micros()).ok()
    })
}
