//! A database file, copied and checked from beside the hub that may have it open, each time on a connection of its own, so that no
//! look-up waits. A copy is one snapshot: what is committed while it runs is not in it, and the log cannot shrink until it ends.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use sqlx::{Connection, Row, SqliteConnection};

use super::SqliteConfig;
use super::open;
use crate::statement::{self, SqlStatement};
use heyan_ports::error::StoreError;

/// A database file.
pub struct SqliteFile {
    config: SqliteConfig,
}

impl SqliteFile {
    /// The file at `path`, which must exist when it is used.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self {
            config: SqliteConfig::new(path),
        }
    }

    /// Writes a consistent copy to the new file `dest` (mode 0600) while reads and writes go on. `dest` appears only when it is whole
    /// and synced. Returns its size in bytes.
    ///
    /// # Errors
    /// [`StoreError::Engine`]: `dest` exists, cannot be written, or the engine failed.
    pub async fn copy_to(&self, dest: &Path) -> Result<u64, StoreError> {
        let mut partial = dest.as_os_str().to_owned();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        let text = partial.to_str().map(str::to_owned);
        let text = text.ok_or_else(|| failed(CopyError::NotText(partial.clone())))?;
        let (from, to) = (partial.clone(), dest.to_path_buf());
        blocking(move || reserve(&from, &to)).await?;
        // Drop deletes what is left of the copy on every way out, also when this future is dropped.
        let partial = PartialCopy(partial);
        let mut conn = open::open_apart(&self.config).await?;
        let vacuum = statement::VACUUM_INTO;
        sqlx::query(vacuum.sqlite)
            .bind(text)
            .execute(&mut conn)
            .await
            .map_err(engine(vacuum.name))?;
        conn.close().await.map_err(engine(vacuum.name))?;
        let to = dest.to_path_buf();
        blocking(move || put_in_place(&partial.0, &to)).await
    }

    /// Checks every page, index, constraint and reference; the answer lists what is wrong, empty when all is sound. Reads the whole
    /// file.
    ///
    /// # Errors
    /// [`StoreError::Engine`] when the engine could not check.
    pub async fn integrity_check(&self) -> Result<Vec<String>, StoreError> {
        let mut conn = open::open_apart(&self.config).await?;
        let mut findings = findings(&mut conn, statement::INTEGRITY_CHECK).await?;
        let check = statement::FOREIGN_KEY_CHECK;
        let rows = sqlx::query(check.sqlite).fetch_all(&mut conn).await;
        for row in &rows.map_err(engine(check.name))? {
            let table: String = row.try_get(0).map_err(engine(check.name))?;
            findings.push(format!("a row of {table} refers to a row that does not exist"));
        }
        conn.close().await.map_err(engine(check.name))?;
        Ok(findings)
    }

    /// As [`SqliteFile::integrity_check`], without comparing indexes and references: the pages and their rows.
    ///
    /// # Errors
    /// [`StoreError::Engine`] when the engine could not check.
    pub async fn quick_check(&self) -> Result<Vec<String>, StoreError> {
        let mut conn = open::open_apart(&self.config).await?;
        let findings = findings(&mut conn, statement::QUICK_CHECK).await?;
        conn.close().await.map_err(engine(statement::QUICK_CHECK.name))?;
        Ok(findings)
    }

    /// What the database keeps under the position `name`.
    ///
    /// # Errors
    /// [`StoreError::Engine`] when the database cannot be read.
    pub async fn position(&self, name: &str) -> Result<Option<String>, StoreError> {
        self.text(statement::SELECT_POSITION, name).await
    }

    /// What `name` was settled to stand for.
    ///
    /// # Errors
    /// [`StoreError::Engine`] when the database cannot be read.
    pub async fn settled(&self, name: &str) -> Result<Option<String>, StoreError> {
        self.text(statement::SELECT_META, name).await
    }

    async fn text(&self, statement: SqlStatement, name: &str) -> Result<Option<String>, StoreError> {
        let mut conn = open::open_apart(&self.config).await?;
        let row = sqlx::query(statement.sqlite)
            .bind(name.to_owned())
            .fetch_optional(&mut conn)
            .await;
        let row = row.map_err(engine(statement.name))?;
        let text = row
            .map(|row| row.try_get(0))
            .transpose()
            .map_err(engine(statement.name))?;
        conn.close().await.map_err(engine(statement.name))?;
        Ok(text)
    }
}

/// The lines of a check that are not "ok".
async fn findings(conn: &mut SqliteConnection, check: SqlStatement) -> Result<Vec<String>, StoreError> {
    let rows = sqlx::query(check.sqlite).fetch_all(conn).await;
    let lines = rows.map_err(engine(check.name))?;
    let lines = lines.iter().map(|row| row.try_get::<String, _>(0));
    let lines: Vec<String> = lines.collect::<Result<_, _>>().map_err(engine(check.name))?;
    Ok(lines.into_iter().filter(|line| line != "ok").collect())
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
