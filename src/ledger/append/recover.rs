//! Opening: from the files to the state in memory, never replaying more than the bundle in which the checkpoint ends.
//! What the checkpoint covers must be there unharmed, or the ledger refuses to open; only the tail behind it may be torn.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::shared::SealedCheckpoint;
use crate::disk::journal::{self, FramePosition, JournalWriter, POSITION_BYTES};
use crate::disk::levels::{self, LevelReader, LevelWriter};
use crate::disk::scan::{self, LogDamage, ScanRules, SegmentPlace, TornTail};
use crate::disk::{BUNDLES, CHECKPOINT, KEY, UNFINISHED, private, write_atomically};
use crate::note::{CosignatureRule, NoteSigner, TreeHead};
use crate::tree::{TILE, TreeFrontier, TreeHash};
use crate::{LedgerConfig, LedgerError};

/// All that an opened ledger starts from.
pub(crate) struct RecoveredLedger {
    pub sealed: SealedCheckpoint,
    pub levels: LevelWriter,
    pub bundles: File,
    pub positions: Vec<FramePosition>,
    pub segments: Vec<u64>,
    pub tail: Vec<TreeHash>,
    pub writer: JournalWriter,
    pub next_index: u64,
}

/// Reads the directory, which the caller has locked, and repairs its tail.
///
/// # Errors
/// `Damaged`, `KeyMismatch`, or I/O.
pub(crate) fn recover(config: &LedgerConfig, signer: &NoteSigner) -> Result<RecoveredLedger, LedgerError> {
    let (directory, journal_dir) = (&config.dir, config.dir.join(journal::DIRECTORY));
    remove_unfinished(directory, &journal_dir, config.segment_bytes).map_err(LedgerError::io("clean"))?;
    check_key(directory, signer)?;
    let sealed = load_checkpoint(directory, signer)?;
    let size = sealed.head.size;

    let levels =
        LevelWriter::open(&directory.join(levels::DIRECTORY), size).map_err(LedgerError::io("read level files"))??;
    if levels.frontier().root() != sealed.head.root {
        return Err(LogDamage::of("the level files do not give the checkpoint's root").into());
    }
    let (bundles, positions) = load_positions(directory, size)?;
    let segments = journal::segments(&journal_dir).map_err(LedgerError::io("list segments"))?;
    let known = positions.iter().all(|p| segments.binary_search(&p.segment).is_ok());
    if !known || segments.first().is_some_and(|s| *s != 0) || (segments.is_empty() && size > 0) {
        return Err(LogDamage::of("a segment of the journal is missing").into());
    }
    let mut tail = JournalTail {
        size,
        positions,
        leaves: Vec::new(),
        expected: last_bundle(directory, size)?,
    };
    let end = tail.scan(&journal_dir, &segments)?;
    if end.next_index < size {
        return Err(LogDamage::at(end.next_index, "the journal has shrunk below the checkpoint").into());
    }
    let last = segments.last().copied().unwrap_or(0);
    let writer = JournalWriter::open(&journal_dir, last, end.offset as u64, config.segment_bytes)
        .map_err(LedgerError::io("open the journal"))?;
    if end.torn_bytes > 0 {
        // A crash while zeroing leaves a shorter torn tail, which the next start zeroes.
        writer
            .clear(end.torn_bytes as u64)
            .map_err(LedgerError::io("clear the torn tail"))?;
    }
    let segments = if segments.is_empty() { vec![0] } else { segments };
    let JournalTail {
        positions,
        leaves: tail,
        ..
    } = tail;
    Ok(RecoveredLedger {
        sealed,
        levels,
        bundles,
        positions,
        segments,
        tail,
        writer,
        next_index: end.next_index,
    })
}

/// Gives a new directory its key and its first, empty checkpoint. The checkpoint comes last: without it and without any
/// entry, a start is a first start.
fn load_checkpoint(directory: &Path, signer: &NoteSigner) -> Result<SealedCheckpoint, LedgerError> {
    match fs::read(directory.join(CHECKPOINT)) {
        Ok(bytes) => {
            let head = signer
                .verifier()
                .open(&bytes, CosignatureRule::Refused)
                .map_err(|e| LogDamage::of(e.to_string()))?;
            let text = String::from_utf8(bytes).map_err(|_| LogDamage::of("the checkpoint is not text"))?;
            Ok(SealedCheckpoint { text, head })
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            if has_entries(directory).map_err(LedgerError::io("look for entries"))? {
                return Err(LogDamage::of("the checkpoint is missing").into());
            }
            let head = TreeHead {
                size: 0,
                root: TreeFrontier::default().root(),
            };
            let text = signer.checkpoint(&head)?;
            let key = format!("{}\n", signer.verifier().encode());
            write_atomically(directory, KEY, key.as_bytes()).map_err(LedgerError::io("write the key"))?;
            write_atomically(directory, CHECKPOINT, text.as_bytes())
                .map_err(LedgerError::io("write the checkpoint"))?;
            Ok(SealedCheckpoint { text, head })
        }
        Err(e) => Err(LedgerError::io("read the checkpoint")(e)),
    }
}

fn has_entries(directory: &Path) -> io::Result<bool> {
    let grown = |path: &Path| fs::metadata(path).is_ok_and(|m| m.len() > 0);
    let journal_dir = directory.join(journal::DIRECTORY);
    let mut written = grown(&directory.join(BUNDLES)) || grown(&directory.join(levels::DIRECTORY).join("0"));
    for first in journal::segments(&journal_dir)? {
        written |= first > 0
            || fs::read(journal_dir.join(journal::segment_name(first)))?
                .iter()
                .any(|b| *b != 0);
    }
    Ok(written)
}

fn check_key(directory: &Path, signer: &NoteSigner) -> Result<(), LedgerError> {
    match fs::read(directory.join(KEY)) {
        Ok(found) if found == format!("{}\n", signer.verifier().encode()).as_bytes() => Ok(()),
        Ok(_) => Err(LedgerError::KeyMismatch),
        Err(e) if e.kind() == io::ErrorKind::NotFound && !directory.join(CHECKPOINT).exists() => Ok(()),
        Err(e) => Err(LedgerError::io("read the key")(e)),
    }
}

fn remove_unfinished(directory: &Path, journal_dir: &Path, segment_bytes: u64) -> io::Result<()> {
    for place in [directory, journal_dir] {
        for entry in fs::read_dir(place)? {
            let entry = entry?;
            let name = entry.file_name();
            let spare = name == journal::SPARE && entry.metadata()?.len() != segment_bytes;
            if spare || name.to_str().is_some_and(|n| n.ends_with(UNFINISHED)) {
                fs::remove_file(entry.path())?;
            }
        }
    }
    Ok(())
}

fn load_positions(directory: &Path, size: u64) -> Result<(File, Vec<FramePosition>), LedgerError> {
    let path = directory.join(BUNDLES);
    let (io, wanted) = (
        LedgerError::io("read bundle positions"),
        usize::try_from(size.div_ceil(TILE)).unwrap_or(usize::MAX),
    );
    let open = || -> io::Result<(File, Vec<u8>)> {
        let file = private().read(true).truncate(false).open(&path)?;
        Ok((file, fs::read(&path)?))
    };
    let (file, bytes) = open().map_err(&io)?;
    let (records, _) = bytes.as_chunks::<POSITION_BYTES>();
    let Some(records) = records.get(..wanted) else {
        return Err(LogDamage::of("bundles.idx is shorter than the checkpoint demands").into());
    };
    let kept = (wanted * POSITION_BYTES) as u64;
    if bytes.len() as u64 != kept {
        file.set_len(kept).and_then(|()| file.sync_all()).map_err(&io)?;
    }
    Ok((file, records.iter().map(|r| FramePosition::from_bytes(*r)).collect()))
}

/// Leaf hashes of the bundle in which a tree of `size` ends.
fn last_bundle(directory: &Path, size: u64) -> Result<Vec<TreeHash>, LedgerError> {
    if size == 0 {
        return Ok(Vec::new());
    }
    let first = (size - 1) / TILE * TILE;
    let bytes = LevelReader::new(&directory.join(levels::DIRECTORY))
        .bytes(0, first, size - first)
        .map_err(LedgerError::io("read leaf hashes"))?;
    Ok(bytes.as_chunks::<32>().0.to_vec())
}

struct JournalTail {
    size: u64,
    positions: Vec<FramePosition>,
    leaves: Vec<TreeHash>,
    /// Leaf hashes that the level file holds for the checkpoint's last bundle.
    expected: Vec<TreeHash>,
}

impl JournalTail {
    fn scan(&mut self, journal_dir: &Path, segments: &[u64]) -> Result<scan::SegmentEnd, LedgerError> {
        let start = self
            .positions
            .last()
            .copied()
            .unwrap_or(FramePosition { segment: 0, offset: 0 });
        let mut index = self.size.saturating_sub(1) / TILE * TILE;
        let mut end = scan::SegmentEnd {
            offset: 0,
            next_index: index,
            torn_bytes: 0,
        };
        for (n, first) in segments
            .iter()
            .copied()
            .enumerate()
            .filter(|(_, s)| *s >= start.segment)
        {
            if first > start.segment && first != index {
                return Err(LogDamage::at(index.min(first), "a segment of the journal is missing").into());
            }
            let place = if n + 1 == segments.len() {
                SegmentPlace::Last
            } else {
                SegmentPlace::Middle
            };
            let rules = ScanRules {
                sealed: self.size,
                place,
                torn: TornTail::Anyhow,
            };
            let offset = if first == start.segment {
                usize::try_from(start.offset).unwrap_or(usize::MAX)
            } else {
                0
            };
            let bytes =
                fs::read(journal_dir.join(journal::segment_name(first))).map_err(LedgerError::io("read a segment"))?;
            if offset > bytes.len() {
                return Err(LogDamage::at(index, "bundles.idx points behind its segment").into());
            }
            end = scan::segment(&bytes, (offset, index), rules, |i, at, frame| {
                self.visit(i, first, at, &frame.leaf)
            })?;
            index = end.next_index;
        }
        Ok(end)
    }

    fn visit(&mut self, index: u64, segment: u64, offset: usize, leaf: &TreeHash) -> Result<(), LogDamage> {
        if index < self.size {
            let within = usize::try_from(index % TILE).unwrap_or(0);
            return match self.expected.get(within) {
                Some(expected) if expected == leaf => Ok(()),
                _ => Err(LogDamage::at(
                    index,
                    "the entry is not the one that the checkpoint covers",
                )),
            };
        }
        if index.is_multiple_of(TILE) {
            self.positions.push(FramePosition {
                segment,
                offset: offset as u64,
            });
        }
        self.leaves.push(*leaf);
        Ok(())
    }
}
