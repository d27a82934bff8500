//! The index beside a ledger: which entries are about a key, found without reading the log. It is made by tailing what is
//! durable, and holds nothing that the ledger does not: what is lost or damaged is built again from there, and never believed.
//!
//! Log-structured: new rows wait sorted in memory, become an immutable run of level 0, and eight runs of a level become one of
//! the next. A look-up searches each run and what waits. Order of durability: a run is synced, named, then listed in the
//! manifest; files that the manifest does not list are leftovers of a crash, and are deleted.
//!
//! `listed ≤ covered ≤ durable`

mod manifest;
mod merge;
mod row;
mod run;
mod waiting;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use manifest::IndexManifest;
pub use row::{IndexKey, IndexRow, LedgerPlace};
use run::{IndexRun, RunSpan};
use waiting::WaitingRows;

use super::tree::{TreeHash, leaf_hash};
use super::{Ledger, LedgerError};

/// Entries that are read at once: a call that read fewer has read what there was.
pub const BATCH_ENTRIES: u64 = 512;

/// What the index is made of, and how big its parts are.
#[derive(Clone, Debug)]
pub struct IndexConfig {
    /// Folder of this index alone; created when absent.
    pub dir: PathBuf,
    /// Counts the ways in which entries are read: with another one everything is built again.
    pub form: u32,
    /// Rows that wait in memory at most, 32 bytes each and about as much again.
    pub waiting_rows_max: usize,
    /// Entries after which what waits becomes a run although it is little: a start reads at most so many again.
    pub waiting_entries_max: u64,
    /// Runs of a level that become one of the next.
    pub runs_of_level: usize,
}

impl IndexConfig {
    /// The sizes that a hub uses: at most 4 MiB in memory, at most 65,536 entries read at a start.
    pub fn new(dir: PathBuf, form: u32) -> Self {
        Self {
            dir,
            form,
            waiting_rows_max: 65_536,
            waiting_entries_max: 65_536,
            runs_of_level: 8,
        }
    }
}

/// Where entries come from.
pub trait EntrySource {
    /// Name of the ledger.
    fn name(&self) -> &str;

    /// Entries on disk.
    fn durable(&self) -> u64;

    /// Visits durable entries from `first` on, at most `count`.
    ///
    /// # Errors
    /// The ledger cannot be read.
    fn visit(&self, first: u64, count: u64, visit: &mut dyn FnMut(u64, &[u8])) -> Result<(), LedgerError>;
}

impl EntrySource for Ledger {
    fn name(&self) -> &str {
        self.origin()
    }

    fn durable(&self) -> u64 {
        self.stats().durable
    }

    fn visit(&self, first: u64, count: u64, visit: &mut dyn FnMut(u64, &[u8])) -> Result<(), LedgerError> {
        self.tail(first, count, visit)
    }
}

/// Puts the keys of an entry with their positions; answers when it was made, Unix microseconds.
pub type RowsOf<'f> = dyn FnMut(&[u8], &mut Vec<(IndexKey, u32)>) -> i64 + 'f;

/// What is looked for.
#[derive(Clone, Copy, Debug)]
pub struct IndexQuery {
    /// Under which key.
    pub key: IndexKey,
    /// Only what stands before this place.
    pub below: LedgerPlace,
    /// Made at this second or later.
    pub from_s: u32,
    /// Made at this second or earlier.
    pub until_s: u32,
    /// Rows at most.
    pub limit: usize,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IndexHits {
    /// The rows, in the order of the ledger, newest first.
    pub rows: Vec<IndexRow>,
    /// How many entries the index knows: what comes later was not looked at.
    pub covered: u64,
}

/// Why the index did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// A part was damaged, and is built again from the ledger.
    #[error("a part of the ledger's index was damaged, and is built again")]
    Rebuilding,
    /// The ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The operating system refused.
    #[error("the ledger's index cannot be written")]
    Io(#[from] io::Error),
}

/// An open index.
pub struct LedgerIndex {
    config: IndexConfig,
    origin: String,
    state: RwLock<IndexState>,
    /// Held by whoever reads entries in.
    building: Mutex<()>,
    /// Held by whoever changes which runs there are; the leaf hash of their last entry.
    listing: Mutex<TreeHash>,
    covered: AtomicU64,
    /// When the newest entry that is covered was made, Unix microseconds.
    covered_at_us: AtomicI64,
    stopped: AtomicBool,
}

struct IndexState {
    runs: Vec<Arc<IndexRun>>,
    waiting: WaitingRows,
    /// The entry behind the last one whose rows are in `runs` or wait.
    next: u64,
}

impl IndexState {
    fn listed(&self) -> u64 {
        self.runs.last().map_or(0, |run| run.span.end)
    }
}

impl LedgerIndex {
    /// Opens the index of a ledger. What is missing, damaged or of another ledger is dropped here and built again by
    /// [`Index::catch_up`].
    ///
    /// # Errors
    /// The ledger cannot be read, or the folder cannot be made.
    pub fn open(config: IndexConfig, entries: &dyn EntrySource) -> Result<Self, IndexError> {
        fs::create_dir_all(&config.dir)?;
        let mut leaf = [0; 32];
        let mut runs = Vec::new();
        if let Some(manifest) = IndexManifest::read(&config.dir)
            && is_of(&manifest, config.form, entries)?
        {
            leaf = manifest.leaf;
            for span in &manifest.spans {
                // What stands behind a damaged run would leave a gap.
                let Ok(run) = IndexRun::open(&config.dir, *span) else {
                    break;
                };
                runs.push(Arc::new(run));
            }
        }
        let listed = runs.last().map_or(0, |run| run.span.end);
        let index = Self {
            origin: entries.name().to_owned(),
            state: RwLock::new(IndexState {
                runs,
                waiting: WaitingRows::default(),
                next: listed,
            }),
            building: Mutex::new(()),
            listing: Mutex::new(leaf),
            covered: AtomicU64::new(listed),
            covered_at_us: AtomicI64::new(0),
            stopped: AtomicBool::new(false),
            config,
        };
        index.relist(entries)?;
        Ok(index)
    }

    /// Entries that look-ups know of.
    pub fn covered(&self) -> u64 {
        self.covered.load(Ordering::Acquire)
    }

    /// When the newest entry that look-ups know of was made, Unix microseconds; 0: not known.
    pub fn covered_at_us(&self) -> i64 {
        self.covered_at_us.load(Ordering::Acquire)
    }

    /// Ends a merge that is under way.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
    }

    /// Reads some of the durable entries in; `rows_of` puts the rows of one entry, and answers when it was made, Unix
    /// microseconds. Answers how many entries were read; 0: there are no more.
    ///
    /// # Errors
    /// The ledger cannot be read, or the disk refused: the next call goes on where this one began.
    pub fn catch_up(&self, entries: &dyn EntrySource, rows_of: &mut RowsOf<'_>) -> Result<u64, IndexError> {
        let _alone = self.building.lock().unwrap_or_else(PoisonError::into_inner);
        let (first, full) = self.read_state(|state| (state.next, self.is_full(state)));
        if full {
            // Before more is read: while the disk refuses, what waits does not grow.
            self.settle(first, entries)?;
        }
        if first >= entries.durable() {
            return Ok(0);
        }
        let (mut rows, mut keys) = (Vec::new(), Vec::new());
        let (mut next, mut newest_us) = (first, 0);
        entries.visit(first, BATCH_ENTRIES, &mut |index, bytes| {
            keys.clear();
            newest_us = rows_of(bytes, &mut keys);
            let at_s = u32::try_from(newest_us.div_euclid(1_000_000).max(0)).unwrap_or(u32::MAX);
            let row = |&(key, position): &(IndexKey, u32)| IndexRow {
                key,
                place: LedgerPlace { index, position },
                at_s,
            };
            rows.extend(keys.iter().map(row));
            next = index + 1;
        })?;
        if next == first {
            return Ok(0);
        }
        {
            let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
            state.waiting.push(rows);
            state.next = next;
        }
        self.covered_at_us.store(newest_us, Ordering::Release);
        self.covered.store(next, Ordering::Release);
        Ok(next - first)
    }

    /// The rows of a key.
    ///
    /// # Errors
    /// `Rebuilding`: what is damaged was dropped, and the next call knows less until it is built again.
    pub fn look_up(&self, wanted: &IndexQuery) -> Result<IndexHits, IndexError> {
        let (runs, mut found) = self.read_state(|state| {
            let mut found = IndexHits {
                rows: Vec::new(),
                covered: state.next,
            };
            for row in state.waiting.newest_first(wanted.key, wanted.below) {
                if !found.take(wanted, row) {
                    break;
                }
            }
            (state.runs.clone(), found)
        });
        for run in runs.iter().rev().filter(|run| run.span.first <= wanted.below.index) {
            if found.rows.len() >= wanted.limit {
                break;
            }
            if run.search(wanted, &mut found).is_err() {
                self.drop_from(run.span.first)?;
                return Err(IndexError::Rebuilding);
            }
        }
        Ok(found)
    }

    fn read_state<T>(&self, read: impl FnOnce(&IndexState) -> T) -> T {
        read(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn listing(&self) -> MutexGuard<'_, TreeHash> {
        self.listing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_full(&self, state: &IndexState) -> bool {
        state.waiting.len() >= self.config.waiting_rows_max
            || state.next - state.listed() >= self.config.waiting_entries_max
    }

    /// Makes a run of what waits, which is about entries before `end`. The caller builds.
    fn settle(&self, end: u64, entries: &dyn EntrySource) -> Result<(), IndexError> {
        let leaf = leaf_before(end, entries)?.unwrap_or_default();
        let (rows, first) = self.read_state(|state| (state.waiting.sorted(), state.listed()));
        let span = RunSpan {
            level: 0,
            first,
            end,
            rows: 0,
        };
        let written = IndexRun::write(&self.config.dir, span, rows.into_iter().map(Ok))?;
        let Ok(run) = written else {
            return Err(IndexError::Rebuilding);
        };
        let mut listed_leaf = self.listing();
        let mut runs = self.read_state(|state| state.runs.clone());
        runs.push(Arc::new(run));
        self.list(&runs, &leaf)?;
        *listed_leaf = leaf;
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.runs = runs;
        state.waiting.clear();
        Ok(())
    }

    /// Writes which runs there are.
    fn list(&self, runs: &[Arc<IndexRun>], leaf: &TreeHash) -> io::Result<()> {
        let manifest = IndexManifest {
            origin: self.origin.clone(),
            form: self.config.form,
            leaf: *leaf,
            spans: runs.iter().map(|run| run.span).collect(),
        };
        manifest.write(&self.config.dir)
    }

    /// Forgets everything from the run that begins with entry `first` on, so that it is built again.
    fn drop_from(&self, first: u64) -> Result<(), IndexError> {
        let _alone = self.building.lock().unwrap_or_else(PoisonError::into_inner);
        let mut leaf = self.listing();
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if !state.runs.iter().any(|run| run.span.first == first) {
            return Ok(());
        }
        state.runs.retain(|run| run.span.first < first);
        state.waiting.clear();
        state.next = state.listed();
        self.covered.store(state.next, Ordering::Release);
        // Without a leaf that fits, a start before the next run builds everything again: late, and right.
        *leaf = [0; 32];
        self.list(&state.runs, &leaf)?;
        Ok(())
    }

    /// Lists the runs that were found whole, and deletes every other file.
    fn relist(&self, entries: &dyn EntrySource) -> Result<(), IndexError> {
        let mut leaf = self.listing();
        let runs = self.read_state(|state| state.runs.clone());
        let end = runs.last().map_or(0, |run| run.span.end);
        *leaf = leaf_before(end, entries)?.unwrap_or([0; 32]);
        self.list(&runs, &leaf)?;
        let kept: BTreeSet<String> = runs.iter().map(|run| run.span.name()).collect();
        delete_others(&self.config.dir, &kept)?;
        Ok(())
    }
}

/// Whether an index was made of this ledger, in this form.
fn is_of(manifest: &IndexManifest, form: u32, entries: &dyn EntrySource) -> Result<bool, IndexError> {
    if manifest.origin != entries.name() || manifest.form != form || manifest.end() > entries.durable() {
        return Ok(false);
    }
    Ok(leaf_before(manifest.end(), entries)?.is_none_or(|leaf| leaf == manifest.leaf))
}

/// Leaf hash of the entry before `end`; `None`: there is none.
fn leaf_before(end: u64, entries: &dyn EntrySource) -> Result<Option<TreeHash>, LedgerError> {
    let Some(last) = end.checked_sub(1) else {
        return Ok(None);
    };
    let mut leaf = None;
    entries.visit(last, 1, &mut |_, bytes| leaf = Some(leaf_hash(bytes)))?;
    Ok(leaf)
}

/// Deletes what a crash or a merge left behind.
fn delete_others(folder: &Path, kept: &BTreeSet<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let ours = name.ends_with(".run") || name.ends_with(run::UNFINISHED);
        if ours && !kept.contains(&name) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
