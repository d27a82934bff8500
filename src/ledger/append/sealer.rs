//! The one thread that turns durable entries into a signed checkpoint, at most `seal_interval_ms` after the one before.
//! It never touches the journal's segments in use, and the appender never waits for it: a slow seal makes checkpoints
//! late, never answers.
//!
//! Order of durability of a seal; each step is synced before the next begins:
//! 1. level files    — a crash leaves them longer than the checkpoint says; `open` cuts them and seals again.
//! 2. `bundles.idx`  — the same.
//! 3. `checkpoint`   — written beside and renamed: a crash leaves the old one or the new one, never a part.
//! 4. publication in memory: only now can a caller see what the disk already holds.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use super::shared::{CoverAnswer, SealedCheckpoint, SharedLedger};
use crate::disk::journal::{self, POSITION_BYTES};
use crate::disk::levels::LevelWriter;
use crate::disk::{CHECKPOINT, patiently, write_atomically};
use crate::note::{NoteSigner, TreeHead};
use crate::tree::TILE;

/// Between two tries after a seal that failed.
const RETRY: Duration = Duration::from_secs(1);

/// Why a checkpoint was not published.
pub(crate) enum SealFault {
    /// Level files, positions and checkpoint are made from the journal: they are written again.
    Retry(io::Error),
    /// Another process writes this ledger: signing on would fork the log.
    Forked,
}

impl From<SealFault> for io::Error {
    fn from(fault: SealFault) -> Self {
        match fault {
            SealFault::Retry(error) => error,
            SealFault::Forked => Self::other("the checkpoint on disk is not the one this ledger published"),
        }
    }
}

/// The sealer's own state.
pub(crate) struct Sealer {
    pub shared: Arc<SharedLedger>,
    pub directory: PathBuf,
    pub levels: LevelWriter,
    pub bundles: File,
    pub bundles_written: usize,
    pub signer: NoteSigner,
    pub clock: Arc<dyn Fn() -> i64 + Send + Sync>,
    pub interval: Duration,
    pub segment_bytes: u64,
}

impl Sealer {
    /// Runs until the ledger is closed, then seals what is left. `closed` is set only after the appender has ended.
    pub(crate) fn run(mut self) {
        let mut next = Instant::now() + self.interval;
        loop {
            let closed = self.shared.closed.load(Ordering::Acquire);
            if self.shared.failed() {
                return;
            }
            let now = Instant::now();
            if closed || now >= next {
                next = now + self.interval;
                match self.seal() {
                    Ok(()) => self.shared.sealing(None),
                    Err(SealFault::Retry(error)) if !closed => {
                        next = now + RETRY;
                        self.shared.sealing(Some(error));
                    }
                    Err(fault) => {
                        self.shared.fail(fault.into());
                        return;
                    }
                }
            }
            if closed {
                self.shared.waiters().clear();
                return;
            }
            // A spare that cannot be made is not a failure: the appender then makes the segment itself, or fails by itself.
            let _ = journal::prepare_spare(&self.directory.join(journal::DIRECTORY), self.segment_bytes);
            let wake = self.answer_waiters().min(next);
            thread::park_timeout(wake.saturating_duration_since(Instant::now()));
        }
    }

    /// Seals every durable entry; does nothing when a checkpoint covers them already.
    ///
    /// # Errors
    /// After `Retry` the next call writes again what this one did not finish.
    pub(crate) fn seal(&mut self) -> Result<(), SealFault> {
        for leaf in self.shared.take_unsealed() {
            self.levels.push(leaf);
        }
        if self.levels.frontier().size() == self.shared.sealed().head.size {
            return Ok(());
        }
        let (text, head) = self.write_derived().map_err(SealFault::Retry)?;
        let on_disk = patiently(|| fs::read(self.directory.join(CHECKPOINT))).map_err(SealFault::Retry)?;
        if on_disk != self.shared.sealed().text.as_bytes() {
            // Compare and swap: somebody else wrote here, and signing on would fork the log.
            return Err(SealFault::Forked);
        }
        write_atomically(&self.directory, CHECKPOINT, text.as_bytes()).map_err(SealFault::Retry)?;
        self.shared.publish(SealedCheckpoint { text, head }, (self.clock)());
        Ok(())
    }

    /// Writes level files and positions; answers the checkpoint over them.
    fn write_derived(&mut self) -> io::Result<(String, TreeHead)> {
        let head = TreeHead {
            size: self.levels.frontier().size(),
            root: self.levels.frontier().root(),
        };
        self.levels.flush()?;
        self.write_bundles(head.size)?;
        let text = self.signer.checkpoint(&head).map_err(io::Error::other)?;
        Ok((text, head))
    }

    fn write_bundles(&mut self, size: u64) -> io::Result<()> {
        let wanted = usize::try_from(size.div_ceil(TILE)).unwrap_or(usize::MAX);
        let bytes: Vec<u8> = {
            let positions = self.shared.positions();
            positions
                .get(self.bundles_written..wanted)
                .unwrap_or_default()
                .iter()
                .flat_map(|p| p.to_bytes())
                .collect()
        };
        if !bytes.is_empty() {
            self.bundles
                .write_all_at(&bytes, (self.bundles_written * POSITION_BYTES) as u64)?;
            self.bundles.sync_data()?;
            self.bundles_written = wanted;
        }
        Ok(())
    }

    /// Answers who can be answered; tells when the next of the others gives up.
    fn answer_waiters(&self) -> Instant {
        let (now, sealed) = (Instant::now(), self.shared.counters.sealed.load(Ordering::Acquire));
        let mut earliest = now + self.interval;
        let mut waiters = self.shared.waiters();
        for waiter in waiters.extract_if(.., |w| w.index < sealed || w.deadline <= now) {
            let covered = if waiter.index < sealed {
                CoverAnswer::Yes
            } else {
                CoverAnswer::NotYet
            };
            let _ = waiter.done.send(covered);
        }
        for waiter in waiters.iter() {
            earliest = earliest.min(waiter.deadline);
        }
        earliest
    }
}
