//! The level files `hashes/L`: hash i of `hashes/L` covers entries [i·256^L, (i+1)·256^L), so tile (L, n) of C2SP tlog-tiles
//! is the slice of bytes [n·8192, …) and nothing is ever rewritten.
//! The files may be longer than the checkpoint says: a crash between steps of a seal leaves that, and `open` cuts it off.

use std::cell::RefCell;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use tlog_tiles::{Error as TlogError, Hash as TlogHash, HashReader, split_stored_hash_index};

use super::scan::LogDamage;
use super::sync_dir;
use super::{patiently, private};
use crate::tree::{TILE, TreeFrontier, TreeHash, subtree};

/// Directory of the level files.
pub(crate) const DIRECTORY: &str = "hashes";
/// Levels 0..=7 hold trees of up to 2^64 entries.
pub(crate) const LEVELS: usize = 8;
/// Bytes of a hash.
pub(crate) const HASH_BYTES: u64 = 32;

/// Number of hashes that level `level` holds for a tree of `size`.
pub(crate) fn width(size: u64, level: usize) -> u64 {
    u32::try_from(level * 8)
        .ok()
        .and_then(|shift| size.checked_shr(shift))
        .unwrap_or(0)
}

/// Appends to the level files; kept by the sealer alone.
pub(crate) struct LevelWriter {
    directory: PathBuf,
    files: Vec<Option<File>>,
    pending: Vec<Vec<u8>>,
    frontier: TreeFrontier,
    written: u64,
}

impl LevelWriter {
    /// Opens the files at a tree of `size`, cutting off what lies behind it.
    ///
    /// # Errors
    /// I/O, or `LogDamage` when a file is shorter than `size` demands.
    pub(crate) fn open(directory: &Path, size: u64) -> io::Result<Result<Self, LogDamage>> {
        let mut files = Vec::new();
        for level in 0..LEVELS {
            let path = directory.join(level.to_string());
            let bytes = width(size, level) * HASH_BYTES;
            let found = match fs::metadata(&path) {
                Ok(metadata) => metadata.len(),
                Err(e) if e.kind() == io::ErrorKind::NotFound => 0,
                Err(e) => return Err(e),
            };
            if found < bytes {
                return Ok(Err(LogDamage::of(format!(
                    "level file {level} is shorter than the checkpoint demands"
                ))));
            }
            if found == 0 {
                files.push(None);
                continue;
            }
            let file = File::options().read(true).write(true).open(path)?;
            if found > bytes {
                file.set_len(bytes)?;
                file.sync_all()?;
            }
            files.push(Some(file));
        }
        let frontier = TreeFrontier::from_nodes(size, LevelReader::new(directory).frontier(size)?);
        let pending = vec![Vec::new(); LEVELS];
        Ok(Ok(Self {
            directory: directory.to_path_buf(),
            files,
            pending,
            frontier,
            written: size,
        }))
    }

    /// Adds a leaf in memory.
    pub(crate) fn push(&mut self, leaf: TreeHash) {
        let pending = &mut self.pending;
        let mut keep = |level: usize, hash: &TreeHash| {
            if let Some(bytes) = pending.get_mut(level) {
                bytes.extend_from_slice(hash);
            }
        };
        keep(0, &leaf);
        self.frontier.push(leaf, keep);
    }

    /// The tree with all leaves added.
    pub(crate) fn frontier(&self) -> &TreeFrontier {
        &self.frontier
    }

    /// Writes and syncs what was added since the last call.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        for (level, (bytes, slot)) in self.pending.iter_mut().zip(&mut self.files).enumerate() {
            if bytes.is_empty() {
                continue;
            }
            let file = match slot {
                Some(file) => file,
                None => {
                    let path = self.directory.join(level.to_string());
                    let mut options = private();
                    options.read(true).truncate(false);
                    let file = patiently(|| options.open(&path))?;
                    sync_dir(&self.directory)?;
                    slot.insert(file)
                }
            };
            file.write_all_at(bytes, width(self.written, level) * HASH_BYTES)?;
            file.sync_data()?;
            bytes.clear();
        }
        self.written = self.frontier.size();
        Ok(())
    }
}

/// Reads hashes of any node; one is made per question, so that it never holds files open for long.
pub(crate) struct LevelReader {
    directory: PathBuf,
    files: RefCell<Vec<(usize, File)>>,
}

impl LevelReader {
    /// A reader of the level files in `directory`.
    pub(crate) fn new(directory: &Path) -> Self {
        Self {
            directory: directory.to_path_buf(),
            files: RefCell::default(),
        }
    }

    /// `count` hashes of `level` from number `first`, as bytes.
    pub(crate) fn bytes(&self, level: usize, first: u64, count: u64) -> io::Result<Vec<u8>> {
        let too_far = || io::Error::from(io::ErrorKind::InvalidInput);
        let offset = first.checked_mul(HASH_BYTES).ok_or_else(too_far)?;
        let length = usize::try_from(count.min(TILE) * HASH_BYTES).map_err(|_| too_far())?;
        let mut bytes = vec![0; length];
        let mut files = self.files.borrow_mut();
        if !files.iter().any(|(l, _)| *l == level) {
            files.push((level, File::open(self.directory.join(level.to_string()))?));
        }
        match files.iter().find(|(l, _)| *l == level) {
            Some((_, file)) => file.read_exact_at(&mut bytes, offset)?,
            None => return Err(too_far()),
        }
        Ok(bytes)
    }

    /// Hash of the complete subtree number `n` of 2^height leaves.
    pub(crate) fn node(&self, height: u8, n: u64) -> io::Result<TreeHash> {
        let (level, within) = (usize::from(height / 8), height % 8);
        let hashes = self.bytes(level, n << within, 1 << within)?;
        subtree(hashes.as_chunks::<32>().0.to_vec()).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    /// The complete subtrees of a tree of `size`, widest first.
    pub(crate) fn frontier(&self, size: u64) -> io::Result<Vec<(u8, TreeHash)>> {
        let (mut nodes, mut low) = (Vec::new(), 0u64);
        for height in (0..64u8).rev().filter(|h| (size >> h) & 1 == 1) {
            nodes.push((height, self.node(height, low >> height)?));
            low += 1 << height;
        }
        Ok(nodes)
    }
}

impl HashReader for LevelReader {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<TlogHash>, TlogError> {
        let one = |index: &u64| {
            let (height, n) = split_stored_hash_index(*index);
            self.node(height, n)
                .map(TlogHash)
                .map_err(|_| TlogError::IndexesNotInTree)
        };
        indexes.iter().map(one).collect()
    }
}
