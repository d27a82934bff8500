//! Makes one run of several neighbours, a block of each in memory at a time.
//! Look-ups go on meanwhile: they hold the old runs open, whose files are deleted only when the new run is listed.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs;
use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use super::row::IndexRow;
use super::run::{DamagedRun, IndexRun, RunRows, RunSpan};
use super::{IndexError, LedgerIndex};

impl LedgerIndex {
    /// Makes one run of the oldest runs of a level that has enough of them. `false`: there are none.
    ///
    /// # Errors
    /// The disk refused, or `Rebuilding`: a run was damaged, and is built again.
    pub fn merge(&self) -> Result<bool, IndexError> {
        let runs = self.read_state(|state| state.runs.clone());
        let Some(old) = neighbours(&runs, self.config.runs_of_level) else {
            return Ok(false);
        };
        let (Some(first), Some(last)) = (old.first(), old.last()) else {
            return Ok(false);
        };
        let span = RunSpan {
            level: first.span.level.saturating_add(1),
            first: first.span.first,
            end: last.span.end,
            rows: 0,
        };
        let merged = MergedRows::of(old).take_while(|_| !self.stopped.load(Ordering::Acquire));
        let written = IndexRun::write(&self.config.dir, span, merged)?;
        if self.stopped.load(Ordering::Acquire) {
            // Cut short: the file is listed nowhere, and the next start deletes it.
            return Ok(false);
        }
        let Ok(run) = written else {
            return self.drop_damaged(old);
        };
        let mut after = None;
        {
            let leaf = self.listing();
            let mut runs = self.read_state(|state| state.runs.clone());
            // Damage that a look-up found meanwhile may have dropped them.
            if let Some(at) = runs.windows(old.len()).position(|some| same(some, old)) {
                runs.splice(at..at + old.len(), [Arc::new(run)]);
                self.list(&runs, &leaf)?;
                self.state.write().unwrap_or_else(PoisonError::into_inner).runs = runs;
                after = Some(old);
            }
        }
        for run in after.into_iter().flatten() {
            match fs::remove_file(self.config.dir.join(run.span.name())) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        Ok(true)
    }

    /// Finds which of `runs` is damaged and drops it.
    fn drop_damaged(&self, runs: &[Arc<IndexRun>]) -> Result<bool, IndexError> {
        for run in runs {
            if run.rows().any(|row| row.is_err()) {
                self.drop_from(run.span.first)?;
                break;
            }
        }
        Err(IndexError::Rebuilding)
    }
}

fn same(some: &[Arc<IndexRun>], old: &[Arc<IndexRun>]) -> bool {
    some.iter().zip(old).all(|(one, other)| Arc::ptr_eq(one, other))
}

/// The first `count` runs of the lowest level that has so many. Levels only fall from the first run to the last.
fn neighbours(runs: &[Arc<IndexRun>], count: usize) -> Option<&[Arc<IndexRun>]> {
    let parts: Vec<&[Arc<IndexRun>]> = runs.chunk_by(|one, other| one.span.level == other.span.level).collect();
    let enough = parts.into_iter().rev().find(|part| part.len() >= count)?;
    enough.get(..count)
}

/// The rows of several runs, in order.
struct MergedRows<'r> {
    heads: BinaryHeap<Reverse<(IndexRow, usize)>>,
    runs: Vec<RunRows<'r>>,
    damaged: bool,
}

impl<'r> MergedRows<'r> {
    fn of(runs: &'r [Arc<IndexRun>]) -> Self {
        let mut merged = Self {
            heads: BinaryHeap::with_capacity(runs.len()),
            runs: runs.iter().map(|run| run.rows()).collect(),
            damaged: false,
        };
        for number in 0..runs.len() {
            merged.advance(number);
        }
        merged
    }

    fn advance(&mut self, number: usize) {
        match self.runs.get_mut(number).and_then(Iterator::next) {
            Some(Ok(row)) => self.heads.push(Reverse((row, number))),
            Some(Err(_damaged)) => self.damaged = true,
            None => {}
        }
    }
}

impl Iterator for MergedRows<'_> {
    type Item = Result<IndexRow, DamagedRun>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.damaged {
            return Some(Err(DamagedRun));
        }
        let Reverse((row, number)) = self.heads.pop()?;
        self.advance(number);
        Some(Ok(row))
    }
}
