//! Copies the ledger of a hub that may be serving, from beside it: no lock is taken, nothing is written there. What a checkpoint
//! covers never changes, and frames behind it are only ever added, so a prefix of each file is a copy of one moment.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::disk::journal::{self, FramePosition, POSITION_BYTES};
use super::disk::levels::{self, HASH_BYTES, LEVELS};
use super::disk::scan::{self, LogDamage, ScanRules, SegmentPlace, TornTail};
use super::disk::{BUNDLES, CHECKPOINT, KEY, sync_dir};
use super::note::{CosignatureRule, TreeHead, VerifierKey};
use super::tree::TILE;
use super::types::LedgerError;

/// Between two looks at the checkpoint, or at a tail that was read while it was written.
const LOOK: Duration = Duration::from_millis(20);

/// How often a tail is read again: pages that are read one by one while groups are written can look like a hole.
const TAIL_READS: u32 = 10;

/// A checkpoint that covers every entry that was in the journal when it was asked for.
pub struct SettledCheckpoint {
    /// The signed note.
    pub text: String,
    /// What it says.
    pub head: TreeHead,
    /// The verifier key of the ledger.
    pub vkey: String,
}

/// Waits for a checkpoint that covers all entries of the journal of now.
///
/// # Errors
/// `NotSealed` if there is none within `patience`: no hub is running that would sign one. `Damaged`, `Io`.
pub fn settled_checkpoint(dir: &Path, patience: Duration) -> Result<SettledCheckpoint, LedgerError> {
    let entries = end_of_journal(dir, read_checkpoint(dir)?.head.size)?.entries;
    let until = Instant::now() + patience;
    loop {
        let found = read_checkpoint(dir)?;
        if found.head.size >= entries {
            return Ok(found);
        }
        if Instant::now() >= until {
            return Err(LedgerError::NotSealed);
        }
        thread::park_timeout(LOOK);
    }
}

/// Copies what `settled` covers, and the whole entries behind it, to the new folder `to` (modes 0700 and 0600), synced. Returns the
/// number of entries in the copy.
///
/// # Errors
/// `Damaged` when the journal does not reach the checkpoint, `Io`.
pub fn copy_to(dir: &Path, settled: &SettledCheckpoint, to: &Path) -> Result<u64, LedgerError> {
    let end = end_of_journal(dir, settled.head.size)?;
    if end.entries < settled.head.size {
        return Err(LogDamage::at(end.entries, "the journal has shrunk below the checkpoint").into());
    }
    let copied = || -> io::Result<()> {
        for folder in [to, &to.join(journal::DIRECTORY), &to.join(levels::DIRECTORY)] {
            DirBuilder::new().mode(0o700).create(folder)?;
        }
        for (first, bytes) in &end.segments {
            let name = format!("{}/{}", journal::DIRECTORY, journal::segment_name(*first));
            copy_start(&dir.join(&name), &to.join(&name), *bytes)?;
        }
        for level in 0..LEVELS {
            let bytes = levels::width(settled.head.size, level) * HASH_BYTES;
            let name = format!("{}/{level}", levels::DIRECTORY);
            if bytes > 0 {
                copy_start(&dir.join(&name), &to.join(&name), bytes)?;
            }
        }
        let positions = settled.head.size.div_ceil(TILE) * POSITION_BYTES as u64;
        copy_start(&dir.join(BUNDLES), &to.join(BUNDLES), positions)?;
        write_private(&to.join(KEY), format!("{}\n", settled.vkey).as_bytes())?;
        write_private(&to.join(CHECKPOINT), settled.text.as_bytes())?;
        sync_dir(&to.join(journal::DIRECTORY))?;
        sync_dir(&to.join(levels::DIRECTORY))?;
        sync_dir(to)
    };
    copied().map_err(LedgerError::io("copy"))?;
    Ok(end.entries)
}

fn read_checkpoint(dir: &Path) -> Result<SettledCheckpoint, LedgerError> {
    let vkey = fs::read_to_string(dir.join(KEY)).map_err(LedgerError::io("read the key"))?;
    let vkey = vkey.trim_end_matches('\n').to_owned();
    let text = fs::read_to_string(dir.join(CHECKPOINT)).map_err(LedgerError::io("read the checkpoint"))?;
    let head = VerifierKey::parse(&vkey)?.open(text.as_bytes(), CosignatureRule::Refused)?;
    Ok(SettledCheckpoint { text, head, vkey })
}

/// Where the whole entries of the journal end.
struct JournalEnd {
    entries: u64,
    /// First index of each segment, and the bytes of its whole frames.
    segments: Vec<(u64, u64)>,
}

fn end_of_journal(dir: &Path, size: u64) -> Result<JournalEnd, LedgerError> {
    let mut reads = 1;
    loop {
        match scan_journal(dir, size) {
            Err(LedgerError::Damaged(_)) if reads < TAIL_READS => reads += 1,
            ended => return ended,
        }
        thread::park_timeout(LOOK);
    }
}

/// Reads the journal from the bundle in which the tree of `size` ends.
fn scan_journal(dir: &Path, size: u64) -> Result<JournalEnd, LedgerError> {
    let journal_dir = dir.join(journal::DIRECTORY);
    let start = bundle_position(dir, size)?;
    let listed = journal::segments(&journal_dir).map_err(LedgerError::io("list segments"))?;
    let mut end = JournalEnd {
        entries: size.saturating_sub(1) / TILE * TILE,
        segments: Vec::new(),
    };
    for (n, first) in listed.iter().copied().enumerate() {
        let path = journal_dir.join(journal::segment_name(first));
        if first < start.segment {
            let whole = fs::metadata(&path).map_err(LedgerError::io("inspect a segment"))?;
            end.segments.push((first, whole.len()));
            continue;
        }
        if first > start.segment && first != end.entries {
            return Err(LogDamage::at(end.entries.min(first), "a segment of the journal is missing").into());
        }
        let rules = ScanRules {
            sealed: size,
            place: match n + 1 == listed.len() {
                true => SegmentPlace::Last,
                false => SegmentPlace::Middle,
            },
            torn: TornTail::Anyhow,
        };
        let offset = match first == start.segment {
            true => usize::try_from(start.offset).unwrap_or(usize::MAX),
            false => 0,
        };
        let bytes = fs::read(&path).map_err(LedgerError::io("read a segment"))?;
        let found = scan::segment(&bytes, (offset, end.entries), rules, |_, _, _| Ok(()))?;
        end.entries = found.next_index;
        end.segments.push((first, found.offset as u64));
    }
    Ok(end)
}

/// Where the bundle lies in which a tree of `size` ends.
fn bundle_position(dir: &Path, size: u64) -> Result<FramePosition, LedgerError> {
    let Some(last) = size.checked_sub(1) else {
        return Ok(FramePosition { segment: 0, offset: 0 });
    };
    let read = || -> io::Result<FramePosition> {
        let mut record = [0; POSITION_BYTES];
        let at = last / TILE * POSITION_BYTES as u64;
        File::open(dir.join(BUNDLES))?.read_exact_at(&mut record, at)?;
        Ok(FramePosition::from_bytes(record))
    };
    read().map_err(LedgerError::io("read bundle positions"))
}

/// Copies the first `bytes` bytes of a file.
fn copy_start(from: &Path, to: &Path, bytes: u64) -> io::Result<()> {
    let mut out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
    if bytes > 0 {
        let copied = io::copy(&mut File::open(from)?.take(bytes), &mut out)?;
        if copied < bytes {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    out.sync_all()
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    out.write_all(bytes)?;
    out.sync_all()
}
