//! A feed that is a folder: files appear in it, are read row by row in the order of their age, and go to `done/`.
//! It keeps nothing in memory: a poll from the same position gives the same rows, so a process that dies anywhere goes on
//! where its last commit ended. A position therefore names the file with its size and time of change; a file that was
//! changed since is begun anew, which is harmless, because a record that is current already is not written again.
//!
//! `rows of a batch ≤ batch_rows_max`, `bytes of a batch ≤ BATCH_BYTES_MAX + row_bytes_max`, whatever the file's length.

mod record;
mod rejected;
mod rows;

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::config::{FileConfig, FileFormat};
use super::file::{record::RecordReader, rejected::RejectsFile, rows::FolderRows};
pub use super::file::{
    record::{ColumnNames, RecordShape},
    rows::delimiter_of,
};
use heyan_ports::outward::{FeedBatch, FeedReject, SourceFault};

/// A file is taken when nothing has changed it for so long, seconds: until then somebody may still write it.
pub const SETTLE_S: u64 = 5;

/// Bytes of the rows of one batch after which no further row joins.
const BATCH_BYTES_MAX: u64 = 4 << 20;

/// Files of one name in `done/`.
const SAME_NAME_FILES_MAX: u32 = 10_000;

/// A folder that is watched.
#[derive(Clone)]
pub struct FileFeed(Arc<WatchedFolder>);

struct WatchedFolder {
    config: FileConfig,
    shape: Option<RecordShape>,
    done: PathBuf,
    settle_us: i64,
    now_us: Arc<dyn Fn() -> i64 + Send + Sync>,
}

/// Where to go on: the text of a batch's position.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct FolderPosition {
    #[serde(flatten)]
    file: FileId,
    /// Byte at which the next row begins.
    offset: u64,
    /// Rows before it.
    row: u64,
    /// Whether all rows are decided.
    finished: bool,
}

/// A file as it was when it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct FileId {
    file: String,
    size: u64,
    mtime_us: i64,
}

impl FileFeed {
    /// A feed of `config`. `shape` says what the columns of a CSV file mean when the configuration maps none; `settle_s`
    /// is [`SETTLE_S`] outside tests.
    ///
    /// # Errors
    /// The folder or its `done` and `rejected` cannot be used.
    pub fn new(
        config: &FileConfig,
        shape: Option<RecordShape>,
        settle_s: u64,
        now_us: Arc<dyn Fn() -> i64 + Send + Sync>,
    ) -> Result<Self, SourceFault> {
        if config.columns.is_empty() && config.format == FileFormat::Csv && shape.is_none() {
            return Err(SourceFault::Setup("nothing says what the columns mean"));
        }
        if !config.folder.is_dir() {
            return Err(SourceFault::Setup("the folder is not there"));
        }
        let done = config.done_folder.clone().unwrap_or_else(|| config.folder.join("done"));
        let unusable = |_error| SourceFault::Setup("the folder for files that are done cannot be made");
        fs::create_dir_all(&done).map_err(unusable)?;
        let settle_us = i64::try_from(settle_s).unwrap_or(i64::MAX).saturating_mul(1_000_000);
        Ok(Self(Arc::new(WatchedFolder {
            config: config.clone(),
            shape,
            done,
            settle_us,
            now_us,
        })))
    }

    /// The rows that come after `position`. An empty batch whose position is another one is to be committed too: it says
    /// that a file has ended.
    ///
    /// # Errors
    /// The folder or a file in it cannot be read.
    pub async fn poll(&self, position: Option<&str>) -> Result<FeedBatch, SourceFault> {
        let (folder, position) = (Arc::clone(&self.0), position.unwrap_or_default().to_owned());
        blocking(move || folder.poll(&position)).await
    }

    /// Moves the file of `position` to `done` if all its rows are committed.
    ///
    /// # Errors
    /// It cannot be moved; the next poll tries again.
    pub async fn acknowledge(&self, position: &str) -> Result<(), SourceFault> {
        let (folder, position) = (Arc::clone(&self.0), position.to_owned());
        blocking(move || match serde_json::from_str(&position) {
            Ok(position) => folder.put_away(&position),
            Err(_not_ours) => Ok(()),
        })
        .await
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SourceFault> + Send + 'static,
) -> Result<T, SourceFault> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or(Err(SourceFault::Setup("the folder's reader ended early")))
}

/// What the system says about a file has no place in a fault: it may quote names.
fn unreadable(_error: io::Error) -> SourceFault {
    SourceFault::Setup("a file in the folder cannot be read")
}

impl WatchedFolder {
    fn poll(&self, text: &str) -> Result<FeedBatch, SourceFault> {
        // What is no position, such as the cursor of another kind of feed, begins anew.
        let position: Option<FolderPosition> = serde_json::from_str(text).ok();
        if let Some(position) = &position {
            // Committed, so this ends what a crash after the commit left over.
            self.put_away(position)?;
            if !position.finished
                && let Some(path) = self.find(&position.file)
            {
                return self.read(&path, position.clone());
            }
        }
        let Some((path, file)) = self.oldest(None)? else {
            return Ok(FeedBatch {
                records: Vec::new(),
                position: text.to_owned(),
                more: false,
            });
        };
        let begin = FolderPosition {
            file,
            offset: 0,
            row: 0,
            finished: false,
        };
        self.read(&path, begin)
    }

    /// Where a file is that still is what it was: in the folder, or in `done` after a position was taken back.
    fn find(&self, file: &FileId) -> Option<PathBuf> {
        let places = [self.config.folder.join(&file.file), self.done.join(&file.file)];
        places
            .into_iter()
            .find(|path| id_of(path).is_ok_and(|found| found.as_ref() == Some(file)))
    }

    /// The settled file that was changed first; among those, the first by name.
    fn oldest(&self, but: Option<&str>) -> Result<Option<(PathBuf, FileId)>, SourceFault> {
        let latest = (self.now_us)().saturating_sub(self.settle_us);
        let mut oldest: Option<(PathBuf, FileId)> = None;
        for entry in fs::read_dir(&self.config.folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if !self.is_ours(&path) {
                continue;
            }
            // Gone again, or not ours to look at: another poll will see.
            let Ok(Some(file)) = id_of(&path) else { continue };
            let age = |file: &FileId| (file.mtime_us, file.file.clone());
            let is_older = oldest.as_ref().is_none_or(|(_, other)| age(&file) < age(other));
            if file.mtime_us <= latest && is_older && but != Some(file.file.as_str()) {
                oldest = Some((path, file));
            }
        }
        Ok(oldest)
    }

    fn is_ours(&self, path: &Path) -> bool {
        let (Some(name), Some(extension)) = (path.file_name(), path.extension()) else {
            return false;
        };
        let (name, extension) = (name.to_string_lossy(), extension.to_string_lossy().to_ascii_lowercase());
        let known: &[&str] = match self.config.format {
            FileFormat::Ndjson => &["ndjson", "jsonl", "json"],
            FileFormat::Csv => &["csv", "tsv", "txt"],
        };
        // A name that is no text cannot stand in a position.
        !name.starts_with('.') && !name.contains('\u{fffd}') && known.contains(&extension.as_str())
    }

    fn read(&self, path: &Path, begin: FolderPosition) -> Result<FeedBatch, SourceFault> {
        let mut rows = FolderRows::open(path, &self.config, begin.offset, begin.row).map_err(unreadable)?;
        let reader = RecordReader::new(&self.config, self.shape.as_ref(), rows.header());
        let mut position = begin.clone();
        let (mut records, mut finished) = (Vec::new(), false);
        match &reader {
            Err(code) => {
                // Without a header that is understood no row is.
                records.push(Err(self.reject(&position, 1, code)));
                finished = true;
            }
            Ok(reader) => {
                while records.len() < self.config.batch_rows_max
                    && position.offset.saturating_sub(begin.offset) < BATCH_BYTES_MAX
                {
                    let Some(row) = rows.next().map_err(unreadable)? else {
                        finished = true;
                        break;
                    };
                    let record = row.bytes.and_then(|bytes| reader.record(bytes));
                    records.push(record.map_err(|code| self.reject(&position, row.number, code)));
                    (position.offset, position.row) = (row.end, row.number);
                }
            }
        }
        finished |= rows.is_at_end().map_err(unreadable)?;
        if finished {
            position.offset = begin.file.size;
        }
        position.finished = finished;
        let now = id_of(path).map_err(unreadable)?;
        if now.as_ref() != Some(&begin.file) {
            // Changed while it was read: what was read may be halves of two files.
            return Ok(FeedBatch {
                records: Vec::new(),
                position: String::new(),
                more: true,
            });
        }
        let rejects = records.iter().filter_map(|record| record.as_ref().err());
        RejectsFile::of(&self.config.folder, &begin.file)
            .append(rejects)
            .map_err(|_error| SourceFault::Setup("the folder for rows that are none cannot be written"))?;
        let more = !finished || self.oldest(Some(&begin.file.file))?.is_some();
        Ok(FeedBatch {
            records,
            position: serde_json::to_string(&position).unwrap_or_default(),
            more,
        })
    }

    fn reject(&self, position: &FolderPosition, row: u64, code: &'static str) -> FeedReject {
        FeedReject {
            place: position.file.file.clone(),
            row,
            code,
        }
    }

    /// Moves a finished file away. One that is no longer what it was is left: it is a new one.
    fn put_away(&self, position: &FolderPosition) -> Result<(), SourceFault> {
        let stuck = |_error| SourceFault::Setup("a file that is done cannot be moved away");
        let path = self.config.folder.join(&position.file.file);
        let is_it = id_of(&path).is_ok_and(|found| found.as_ref() == Some(&position.file));
        if !position.finished || !is_it {
            return Ok(());
        }
        for nth in 0..SAME_NAME_FILES_MAX {
            let name = match nth {
                0 => position.file.file.clone(),
                nth => format!("{}.{nth}", position.file.file),
            };
            let to = self.done.join(name);
            if !to.exists() {
                return fs::rename(&path, to).map_err(stuck);
            }
        }
        Err(SourceFault::Setup("too many files of one name are done"))
    }
}

/// What a path holds; `None`: no plain file. A link is none: what it points at may change without a trace.
fn id_of(path: &Path) -> io::Result<Option<FileId>> {
    let about = fs::symlink_metadata(path)?;
    let name = path.file_name().and_then(|name| name.to_str());
    let (true, Some(name)) = (about.is_file(), name) else {
        return Ok(None);
    };
    Ok(Some(FileId {
        file: name.to_owned(),
        size: about.size(),
        mtime_us: about.mtime().saturating_mul(1_000_000) + about.mtime_nsec() / 1_000,
    }))
}
