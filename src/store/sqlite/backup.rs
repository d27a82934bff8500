//! Copies and checks of the whole database, each on a connection of its own so that no look-up waits for them.
//! A copy is one snapshot: what is committed while it runs is not in it, and the log cannot shrink until it ends.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use sqlx::{Connection, Row};

use super::SqliteConfig;
use super::open;
use crate::statement;
use heyan_ports::error::StoreError;

/// What was copied.
#[derive(Clone, Copy, Debug)]
pub struct BackupSummary {
    /// Size of the copy, bytes.
    pub bytes: u64,
}

/// Why a copy could not be put in its place.
#[derive(Debug, thiserror::Error)]
enum CopyError {
    #[error("{0} exists already")]
    Exists(PathBuf),
    #[error("{0} is not a path that the engine can be given")]
    NotText(PathBuf),
    #[error("cannot write {path}")]
    Files {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
}

pub(super) async fn backup(config: &SqliteConfig, dest: &Path) -> Result<BackupSummary, StoreError> {
    let mut partial = dest.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    let text = partial.to_str().map(str::to_owned);
    let text = text.ok_or_else(|| failed(CopyError::NotText(partial.clone())))?;
    let (from, to) = (partial.clone(), dest.to_path_buf());
    blocking(move || reserve(&from, &to)).await?;
    // Drop deletes what is left of the copy on every way out, also when this future is dropped.
    let partial = PartialCopy(partial);
    let mut conn = open::open_apart(config).await?;
    let vacuum = statement::VACUUM_INTO;
    sqlx::query(vacuum.sqlite)
        .bind(text)
        .execute(&mut conn)
        .await
        .map_err(engine(vacuum.name))?;
    conn.close().await.map_err(engine(vacuum.name))?;
    let to = dest.to_path_buf();
    let bytes = blocking(move || put_in_place(&partial.0, &to)).await?;
    Ok(BackupSummary { bytes })
}

pub(super) async fn integrity_check(config: &SqliteConfig) -> Result<Vec<String>, StoreError> {
    let mut conn = open::open_apart(config).await?;
    let check = statement::INTEGRITY_CHECK;
    let rows = sqlx::query(check.sqlite)
        .fetch_all(&mut conn)
        .await
        .map_err(engine(check.name))?;
    let mut findings = Vec::new();
    for row in &rows {
        let finding: String = row.try_get(0).map_err(engine(check.name))?;
        if finding != "ok" {
            findings.push(finding);
        }
    }
    let check = statement::FOREIGN_KEY_CHECK;
    let rows = sqlx::query(check.sqlite)
        .fetch_all(&mut conn)
        .await
        .map_err(engine(check.name))?;
    for row in &rows {
        let table: String = row.try_get(0).map_err(engine(check.name))?;
        findings.push(format!("a row of {table} refers to a row that does not exist"));
    }
    conn.close().await.map_err(engine(check.name))?;
    Ok(findings)
}

/// A copy that is not whole yet.
struct PartialCopy(PathBuf);

impl Drop for PartialCopy {
    fn drop(&mut self) {
        // Gone already when it was put in its place.
        let _ = fs::remove_file(&self.0);
    }
}

/// Makes the empty file that the engine fills, so that it has its narrow mode from the start.
fn reserve(partial: &Path, dest: &Path) -> Result<(), CopyError> {
    if dest.exists() {
        return Err(CopyError::Exists(dest.to_path_buf()));
    }
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(partial)
        .map(drop)
        .map_err(on(partial))
}

/// Sync the file, give it its name, sync the directory: a crash before the last step leaves no file of that name, or a
/// whole one.
fn put_in_place(partial: &Path, dest: &Path) -> Result<u64, CopyError> {
    let file = File::open(partial).map_err(on(partial))?;
    file.sync_all().map_err(on(partial))?;
    let bytes = file.metadata().map_err(on(partial))?.len();
    fs::hard_link(partial, dest).map_err(on(dest))?;
    fs::remove_file(partial).map_err(on(partial))?;
    let dir = match dest.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    };
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(on(dir))?;
    Ok(bytes)
}

fn on(path: &Path) -> impl FnOnce(std::io::Error) -> CopyError {
    let path = path.to_path_buf();
    move |source| CopyError::Files { path, source }
}

fn failed(error: CopyError) -> StoreError {
    StoreError::Engine {
        statement: "backup",
        source: Box::new(error),
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, CopyError> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(failed),
        Err(error) => Err(StoreError::Engine {
            statement: "backup",
            source: Box::new(error),
        }),
    }
}

fn engine(statement: &'static str) -> impl FnOnce(sqlx::Error) -> StoreError {
    move |error| StoreError::Engine {
        statement,
        source: Box::new(error),
    }
}
