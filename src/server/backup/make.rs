//! `heyan backup DIR`: copies database and ledger of one point (see the module above), with a manifest.

use std::{
    fs::{self, File, TryLockError},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::Context;

use super::{
    BackupManifest, CopiedDatabase, CopiedLedger, FORMAT, MANIFEST, age,
    files::{self, PartialFolder},
};
use crate::{
    monitor::DiskSpace,
    origin::{self, LEDGER},
    serving,
    settings::UnusableSettings,
    standing::{CHANGES, SET_ASIDE},
    store::{DATABASE, ROOT_MARK},
};
use heyan_app::node::standing::{EPOCH, LedgerStanding};
use heyan_config::Config;
use heyan_ledger::copy;
use heyan_ports::time::{Clock, SystemClock, rfc3339};
use heyan_store::SqliteFile;

/// Longest wait for a checkpoint. A hub that serves signs one each second.
const CHECKPOINT_WAIT: Duration = Duration::from_secs(10);

/// Between two looks at the write-ahead log while the database is copied.
const LOOK: Duration = Duration::from_millis(100);

/// How far the write-ahead log may grow while the database is copied: then the copy is given up, so that it does not fill the disk.
const LOG_BYTES_MAX: u64 = 4 << 30;

/// File in the data folder that one backup at a time locks; it stays empty.
const LOCK: &str = "backup.lock";

/// Makes a backup in the new folder `dir`.
///
/// # Errors
/// `dir` holds something, another backup is under way, there is too little space, or database or ledger cannot be read.
pub async fn make(config: &Config, dir: &Path) -> anyhow::Result<BackupManifest> {
    let (begun, data) = (Instant::now(), &config.node.data_dir);
    let ledger = data.join(LEDGER);
    ensure_hub_data(config)?;
    ensure_new(dir)?;
    let _lock = lock(data)?;
    let partial = PartialFolder::make(partial_of(dir))?;
    ensure_space(config, &partial.path)?;
    let made_at_us = SystemClock.now_us();
    let settled = copy::settled_checkpoint(&ledger, CHECKPOINT_WAIT).with_context(|| {
        format!(
            "{}: entries behind the checkpoint are not signed; start the hub, which signs them",
            ledger.display()
        )
    })?;
    let origin = origin::in_use(config);
    let (database, root_mark) = copy_database(config, &partial.path, &origin).await?;
    let to = partial.path.join(LEDGER);
    let entries = copy::copy_to(&ledger, &settled, &to)
        .with_context(|| format!("cannot copy {} to {}", ledger.display(), to.display()))?;
    if let CopiedDatabase::Sqlite {
        position: Some(position),
        ..
    } = &database
    {
        let standing: LedgerStanding = position
            .parse()
            .map_err(|_unreadable| anyhow::anyhow!("the position of the ledger in the database is damaged"))?;
        let changes = format!("{}\n", standing.changes);
        heyan_ledger::write_small_file(&to, CHANGES, changes.as_bytes())
            .with_context(|| format!("cannot write {}", to.join(CHANGES).display()))?;
    }
    for earlier in set_aside(data)? {
        files::copy_folder(
            &data.join(&earlier),
            &partial.path.join(&earlier),
            &["lock", "journal/spare"],
        )?;
    }
    let manifest = BackupManifest {
        format: FORMAT.to_owned(),
        heyan: env!("CARGO_PKG_VERSION").to_owned(),
        made_at: to_the_microsecond(made_at_us),
        made_at_us,
        took_ms: milliseconds(begun),
        origin,
        root_mark,
        database,
        ledger: CopiedLedger {
            entries,
            sealed: settled.head.size,
            checkpoint: settled.text,
        },
        files: files::list(&partial.path)?,
    };
    let text = serde_json::to_vec_pretty(&manifest)?;
    heyan_ledger::write_small_file(&partial.path, MANIFEST, &text)
        .with_context(|| format!("cannot write {}", partial.path.join(MANIFEST).display()))?;
    partial.put_in_place(dir)?;
    age::keep(data, made_at_us, dir).with_context(|| format!("cannot write into {}", data.display()))?;
    Ok(manifest)
}

/// RFC 3339 in UTC.
fn to_the_microsecond(us: i64) -> String {
    let seconds = rfc3339(us);
    format!("{}.{:06}Z", seconds.trim_end_matches('Z'), us.rem_euclid(1_000_000))
}

fn milliseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// There must be a hub's data, and files that this process makes beside the database must be the hub's own.
fn ensure_hub_data(config: &Config) -> anyhow::Result<()> {
    let data = &config.node.data_dir;
    let there = data.join(LEDGER).join("checkpoint");
    let there = match config.store.postgres.is_configured() {
        true => there,
        false => data.join(DATABASE),
    };
    let found = fs::metadata(&there).with_context(|| {
        format!(
            "{} cannot be read: node.data_dir is not the folder of a hub that ran here",
            there.display()
        )
    })?;
    let (ours, owner) = (rustix::process::geteuid().as_raw(), found.uid());
    anyhow::ensure!(
        ours == owner,
        "{} belongs to user {owner}, and this is user {ours}: run the backup as the hub's user (`sudo -u heyan heyan backup …`), or files \
         that it makes beside the database would lock the hub out",
        there.display()
    );
    Ok(())
}

/// A backup never replaces anything.
fn ensure_new(dir: &Path) -> Result<(), UnusableSettings> {
    let is_empty = |dir: &Path| fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_none());
    match fs::symlink_metadata(dir).is_ok() && !is_empty(dir) {
        true => Err(anyhow::anyhow!(
            "{} exists and is not an empty folder: name a new one; a backup is never overwritten",
            dir.display()
        )
        .into()),
        false => Ok(()),
    }
}

fn partial_of(dir: &Path) -> PathBuf {
    let mut name = dir.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    dir.with_file_name(name)
}

fn lock(data: &Path) -> anyhow::Result<File> {
    let path = data.join(LOCK);
    let file = File::options().write(true).create(true).truncate(false).open(&path);
    let file = file.with_context(|| format!("cannot open {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            anyhow::bail!("another backup of {} is under way: wait for it", data.display())
        }
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
    }
}

/// Ledgers that accepted losses have set aside.
fn set_aside(data: &Path) -> anyhow::Result<Vec<String>> {
    let entries = fs::read_dir(data).with_context(|| format!("cannot read {}", data.display()))?;
    let names = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned());
    Ok(names.filter(|name| name.starts_with(SET_ASIDE)).collect())
}

/// A copy that cannot fit is not begun, and one on the hub's own disk leaves the hub what it needs.
fn ensure_space(config: &Config, partial: &Path) -> anyhow::Result<()> {
    let data = &config.node.data_dir;
    let mut needed: u64 = 0;
    if !config.store.postgres.is_configured() {
        for file in [data.join(DATABASE), serving::log_of(data)] {
            needed += fs::metadata(file).map_or(0, |file| file.len());
        }
    }
    for ledger in set_aside(data)?.into_iter().chain([LEDGER.to_owned()]) {
        for part in [ledger.clone(), format!("{ledger}/journal"), format!("{ledger}/hashes")] {
            let entries = fs::read_dir(data.join(part)).into_iter().flatten().flatten();
            needed += entries
                .filter_map(|entry| entry.metadata().ok())
                .map(|file| file.len())
                .sum::<u64>();
        }
    }
    let Some(space) = DiskSpace::of(partial) else {
        return Ok(());
    };
    let device = |path: &Path| fs::metadata(path).map(|found| found.dev()).ok();
    let kept = match device(partial) == device(data) {
        true => space.total / 100 * u64::from(config.node.free_percent_min),
        false => 0,
    };
    anyhow::ensure!(
        space.free.saturating_sub(kept) > needed,
        "{} has {} free bytes; the backup needs up to {needed}, and the hub keeps {kept}: free space, or name a folder on another disk",
        files::parent(partial).display(),
        space.free
    );
    Ok(())
}

/// Copies the database; tells by which its root key is known.
async fn copy_database(config: &Config, partial: &Path, origin: &str) -> anyhow::Result<(CopiedDatabase, String)> {
    if config.store.postgres.is_configured() {
        let keys = super::restore::keys(config)?;
        return Ok((CopiedDatabase::Postgres, keys.mark()?));
    }
    let (from, to) = (config.node.data_dir.join(DATABASE), partial.join(DATABASE));
    let (begun, log) = (Instant::now(), serving::log_of(&config.node.data_dir));
    let log_bytes = || fs::metadata(&log).map_or(0, |log| log.len());
    let before = log_bytes();
    let file = SqliteFile::at(&from);
    let mut copying = std::pin::pin!(file.copy_to(&to));
    loop {
        tokio::select! {
            copied = &mut copying => {
                copied.with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
                break;
            }
            () = tokio::time::sleep(LOOK) => anyhow::ensure!(
                log_bytes().saturating_sub(before) < LOG_BYTES_MAX,
                "the write-ahead log of the database grew by {} bytes while it was copied: make the backup when less is written",
                log_bytes().saturating_sub(before)
            ),
        }
    }
    let (snapshot_ms, log_bytes) = (milliseconds(begun), log_bytes());
    let copied = SqliteFile::at(&to);
    let root_mark = copied.settled(ROOT_MARK).await?;
    let epoch = copied.position(EPOCH).await?;
    Ok((
        CopiedDatabase::Sqlite {
            position: copied.position(&LedgerStanding::position_name(origin)).await?,
            epoch: epoch.and_then(|epoch| epoch.parse().ok()).unwrap_or(0),
            snapshot_ms,
            log_bytes,
        },
        root_mark.context("the database names no root key: start the hub once")?,
    ))
}
