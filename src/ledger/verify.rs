//! Offline proof that a ledger directory holds what its checkpoint signs: everything is recomputed from the journal and
//! compared, in one pass with memory for one segment.
//! It judges a live or killed directory too, and a copy of a live one if the checkpoint was copied first and the journal
//! last: a file may only be ahead of those that were derived from it. After a power cut, open the ledger once before judging it.

use std::borrow::Cow;
use std::io;
use std::path::Path;

pub use super::disk::files::{DiskDirectory, LedgerFiles};
use super::disk::frame::JournalFrame;
use super::disk::journal::{self, FramePosition, POSITION_BYTES, parse_name, segment_name};
use super::disk::levels::{self, HASH_BYTES, LEVELS};
use super::disk::scan::{self, LogDamage, ScanRules, SegmentPlace, TornTail};
use super::disk::{BUNDLES, CHECKPOINT, KEY, UNFINISHED};
use super::note::{CHECKPOINT_BYTES_MAX, CosignatureRule, TreeHead, VerifierKey};
use super::receipt;
use super::tree::{TILE, TreeFrontier, TreeHash};

/// Bytes of a derived file that are compared at a time: one tile.
const CHUNK: u64 = TILE * HASH_BYTES;

/// What was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyReport {
    /// Whole entries in the journal.
    pub entries: u64,
    /// Entries under the checkpoint.
    pub sealed: u64,
    /// Entries behind it: durable, not yet signed.
    pub unsealed: u64,
    /// Bytes of a write that was cut short behind the last whole entry.
    pub torn_tail_bytes: u64,
    /// Root over the sealed entries.
    pub root: TreeHash,
    /// Origin of the log.
    pub origin: String,
}

/// Verifies the ledger in `dir`. With `vkey`, the directory's own `key.pub` must be that key; without it the result only
/// says that the directory agrees with itself.
///
/// # Errors
/// `LogDamage`, naming the first bad index where there is one.
pub fn verify_dir(dir: &Path, vkey: Option<&str>) -> Result<VerifyReport, LogDamage> {
    verify_files(&DiskDirectory(dir.to_path_buf()), vkey, None)
}

/// As [`verify_dir`], and that the ledger still extends the checkpoint `held`, which somebody kept elsewhere.
///
/// # Errors
/// `LogDamage`; also when the log has shrunk or is another one than that of `held`.
pub fn verify_dir_against(dir: &Path, vkey: Option<&str>, held: &[u8]) -> Result<VerifyReport, LogDamage> {
    verify_files(&DiskDirectory(dir.to_path_buf()), vkey, Some(held))
}

/// As [`verify_dir`], and that its journal begins with the tree `head`, under the checkpoint or behind it.
///
/// # Errors
/// `LogDamage`; also when the journal is shorter than `head`, or is another one.
pub fn verify_dir_holding(dir: &Path, vkey: Option<&str>, head: TreeHead) -> Result<VerifyReport, LogDamage> {
    let files = DiskDirectory(dir.to_path_buf());
    let key = load_key(&files, vkey)?;
    let sealed = signed_head(&files, &key)?;
    let wanted = head.size;
    let report = verify_tree(&files, &key, sealed, Some(head))?;
    match report.entries < wanted {
        true => Err(LogDamage::at(
            report.entries,
            "the journal is shorter than is remembered of it",
        )),
        false => Ok(report),
    }
}

/// Checks that the verified ledger in `dir` holds the entry of a receipt, which must prove itself first.
///
/// # Errors
/// `LogDamage` with the receipt's index.
pub fn holds_receipt(dir: &Path, report: &VerifyReport, receipt: &[u8]) -> Result<u64, LogDamage> {
    let files = DiskDirectory(dir.to_path_buf());
    let key = load_key(&files, None)?;
    let proven = receipt::verify(receipt, &key.encode()).map_err(|e| LogDamage::of(format!("receipt: {e}")))?;
    if proven.index >= report.sealed {
        return Err(LogDamage::at(
            proven.index,
            "the ledger does not reach the entry of the receipt",
        ));
    }
    let level = format!("{}/0", levels::DIRECTORY);
    let leaf = files
        .read(&level, proven.index * HASH_BYTES, HASH_BYTES)
        .map_err(unreadable(&level))?;
    match *leaf == proven.leaf {
        true => Ok(proven.index),
        false => Err(LogDamage::at(
            proven.index,
            "the ledger holds another entry than the receipt",
        )),
    }
}

/// Verifies any set of ledger files.
///
/// # Errors
/// `LogDamage`.
pub(crate) fn verify_files(
    files: &dyn LedgerFiles,
    vkey: Option<&str>,
    held: Option<&[u8]>,
) -> Result<VerifyReport, LogDamage> {
    let key = load_key(files, vkey)?;
    let head = signed_head(files, &key)?;
    let held = match held {
        Some(held) => key
            .open(held, CosignatureRule::Allowed)
            .map_err(|e| LogDamage::of(format!("held checkpoint: {e}")))
            .map(Some)?,
        None => None,
    };
    if held.as_ref().is_some_and(|h| h.size > head.size) {
        return Err(LogDamage::at(
            head.size,
            "the checkpoint is older than the one held elsewhere: the log has shrunk",
        ));
    }
    verify_tree(files, &key, head, held)
}

/// What the folder's own checkpoint signs.
fn signed_head(files: &dyn LedgerFiles, key: &VerifierKey) -> Result<TreeHead, LogDamage> {
    let checkpoint = files
        .read(CHECKPOINT, 0, CHECKPOINT_BYTES_MAX as u64 + 1)
        .map_err(unreadable(CHECKPOINT))?;
    key.open(&checkpoint, CosignatureRule::Refused)
        .map_err(|e| LogDamage::of(format!("checkpoint: {e}")))
}

fn verify_tree(
    files: &dyn LedgerFiles,
    key: &VerifierKey,
    head: TreeHead,
    held: Option<TreeHead>,
) -> Result<VerifyReport, LogDamage> {
    let mut pass = VerifyPass::new(files, head, held)?;
    pass.empty_tree()?;
    let torn = pass.journal()?;
    pass.finish(torn, key.origin())
}

struct VerifyPass<'a> {
    files: &'a dyn LedgerFiles,
    head: TreeHead,
    held: Option<TreeHead>,
    frontier: TreeFrontier,
    levels: Vec<DerivedFile>,
    bundles: DerivedFile,
}

impl<'a> VerifyPass<'a> {
    fn new(files: &'a dyn LedgerFiles, head: TreeHead, held: Option<TreeHead>) -> Result<Self, LogDamage> {
        let level = |l| {
            DerivedFile::new(
                files,
                format!("{}/{l}", levels::DIRECTORY),
                levels::width(head.size, l) * HASH_BYTES,
            )
        };
        let levels = (0..LEVELS).map(level).collect::<Result<_, _>>()?;
        let bundles = DerivedFile::new(
            files,
            BUNDLES.to_owned(),
            head.size.div_ceil(TILE) * POSITION_BYTES as u64,
        )?;
        Ok(Self {
            files,
            head,
            held,
            frontier: TreeFrontier::default(),
            levels,
            bundles,
        })
    }

    /// Checks what must hold before the first entry, for checkpoints of size 0.
    fn empty_tree(&self) -> Result<(), LogDamage> {
        check_root(
            &self.frontier,
            Some(&self.head),
            "the checkpoint's root is not the journal's",
        )?;
        check_root(
            &self.frontier,
            self.held.as_ref(),
            "the log is a fork of the one held elsewhere",
        )
    }

    /// Reads all segments. Returns the bytes of a torn tail.
    fn journal(&mut self) -> Result<u64, LogDamage> {
        let (mut segments, mut index, mut torn) = (Vec::new(), 0, 0);
        for (name, length) in self
            .files
            .list(journal::DIRECTORY)
            .map_err(unreadable(journal::DIRECTORY))?
        {
            match parse_name(&name) {
                Some(first) => segments.push((first, length)),
                None => self.spare(&name, length)?,
            }
        }
        segments.sort_unstable();
        for (n, (first, length)) in segments.iter().copied().enumerate() {
            if first != index {
                return Err(LogDamage::at(
                    index.min(first),
                    "a segment of the journal is missing or misnamed",
                ));
            }
            let name = format!("{}/{}", journal::DIRECTORY, segment_name(first));
            let files = self.files;
            let bytes = files.read(&name, 0, length).map_err(unreadable("a segment"))?;
            let place = if n + 1 == segments.len() {
                SegmentPlace::Last
            } else {
                SegmentPlace::Middle
            };
            let rules = ScanRules {
                sealed: self.head.size,
                place,
                torn: TornTail::Begun,
            };
            let end = scan::segment(&bytes, (0, index), rules, |i, at, frame| {
                self.entry(i, first, at, frame)
            })?;
            (index, torn) = (end.next_index, end.torn_bytes as u64);
        }
        Ok(torn)
    }

    /// Files beside the segments are prepared ones: zeros and nothing else.
    fn spare(&self, name: &str, length: u64) -> Result<(), LogDamage> {
        let known = name == journal::SPARE || name.ends_with(UNFINISHED);
        let path = format!("{}/{name}", journal::DIRECTORY);
        let bytes = self
            .files
            .read(&path, 0, length)
            .map_err(unreadable("a spare segment"))?;
        if known && bytes.iter().all(|b| *b == 0) {
            return Ok(());
        }
        Err(LogDamage::of(
            "the journal's folder holds a file that is neither segment nor empty spare",
        ))
    }

    fn entry(&mut self, index: u64, segment: u64, offset: usize, frame: &JournalFrame) -> Result<(), LogDamage> {
        let Self {
            files,
            head,
            held,
            frontier,
            levels,
            bundles,
        } = self;
        if index.is_multiple_of(TILE) {
            let position = FramePosition {
                segment,
                offset: offset as u64,
            };
            bundles.compare(*files, &position.to_bytes(), index)?;
        }
        if let Some(leaves) = levels.first_mut() {
            leaves.compare(*files, &frame.leaf, index)?;
        }
        let mut compared = Ok(());
        frontier.push(frame.leaf, |level, hash| {
            if let Some(derived) = levels.get_mut(level) {
                // The first index under the hash: the hash differs for the whole subtree.
                compared = compared.clone().and_then(|()| derived.compare(*files, hash, index));
            }
        });
        compared?;
        check_root(frontier, Some(head), "the checkpoint's root is not the journal's")?;
        check_root(frontier, held.as_ref(), "the log is a fork of the one held elsewhere")
    }

    fn finish(mut self, torn_tail_bytes: u64, origin: &str) -> Result<VerifyReport, LogDamage> {
        let (entries, sealed) = (self.frontier.size(), self.head.size);
        if entries < sealed {
            return Err(LogDamage::at(entries, "the journal has shrunk below the checkpoint"));
        }
        for derived in self.levels.iter_mut().chain([&mut self.bundles]) {
            derived.finish(self.files)?;
        }
        for (name, length) in self
            .files
            .list(levels::DIRECTORY)
            .map_err(unreadable(levels::DIRECTORY))?
        {
            if !(0..LEVELS).any(|l| l.to_string() == name) && length > 0 {
                return Err(LogDamage::of("the folder of hashes holds an unknown file"));
            }
        }
        let (unsealed, root, origin) = (entries - sealed, self.head.root, origin.to_owned());
        Ok(VerifyReport {
            entries,
            sealed,
            unsealed,
            torn_tail_bytes,
            root,
            origin,
        })
    }
}

/// A file whose content follows from the journal, compared as the journal is read.
struct DerivedFile {
    name: String,
    /// Bytes that the checkpoint demands.
    demanded: u64,
    /// Its length before the journal was read: what a live ledger adds meanwhile is not looked at.
    length: u64,
    compared: u64,
    chunk: Vec<u8>,
    used: usize,
    /// The file ended, or went over into zeros, behind what the checkpoint demands: a seal that did not finish.
    over: bool,
}

impl DerivedFile {
    fn new(files: &dyn LedgerFiles, name: String, demanded: u64) -> Result<Self, LogDamage> {
        let length = files.length(&name).map_err(unreadable(&name))?;
        Ok(Self {
            name,
            demanded,
            length,
            compared: 0,
            chunk: Vec::new(),
            used: 0,
            over: false,
        })
    }

    fn read(&self, files: &dyn LedgerFiles, at: u64) -> Result<Vec<u8>, LogDamage> {
        let wanted = CHUNK.min(self.length.saturating_sub(at));
        files
            .read(&self.name, at, wanted)
            .map(Cow::into_owned)
            .map_err(unreadable(&self.name))
    }

    fn compare(&mut self, files: &dyn LedgerFiles, expected: &[u8], index: u64) -> Result<(), LogDamage> {
        if self.over {
            return Ok(());
        }
        if self.used == self.chunk.len() {
            self.chunk = self.read(files, self.compared)?;
            self.used = 0;
        }
        let found = self.chunk.get(self.used..).unwrap_or_default();
        let found = found.get(..expected.len()).unwrap_or(found);
        if found == expected {
            self.used += expected.len();
            self.compared += expected.len() as u64;
            return Ok(());
        }
        let unfinished =
            self.compared >= self.demanded && (expected.starts_with(found) || found.iter().all(|b| *b == 0));
        if !unfinished {
            return Err(LogDamage::at(
                index,
                format!("{} is not what the journal says", self.name),
            ));
        }
        self.over = true;
        Ok(())
    }

    /// Nothing may follow what was compared, except a part of a record or zeros that an unfinished seal left.
    fn finish(&mut self, files: &dyn LedgerFiles) -> Result<(), LogDamage> {
        if self.compared < self.demanded {
            return Err(LogDamage::of(format!(
                "{} is shorter than the checkpoint demands",
                self.name
            )));
        }
        let mut at = self.compared;
        loop {
            let rest = self.read(files, at)?;
            if rest.is_empty() {
                return Ok(());
            }
            let partial = self.over && at == self.compared && rest.len() < HASH_BYTES as usize;
            let zeros = self.over && rest.iter().all(|b| *b == 0);
            if !(partial || zeros) {
                return Err(LogDamage::of(format!("{} holds more than the journal says", self.name)));
            }
            at += rest.len() as u64;
        }
    }
}

fn load_key(files: &dyn LedgerFiles, vkey: Option<&str>) -> Result<VerifierKey, LogDamage> {
    let bytes = files.read(KEY, 0, 1_024).map_err(unreadable(KEY))?;
    let text = std::str::from_utf8(&bytes).ok().and_then(|t| t.strip_suffix('\n'));
    let key = text
        .and_then(|t| VerifierKey::parse(t).ok())
        .ok_or_else(|| LogDamage::of("key.pub is malformed"))?;
    match vkey {
        Some(expected) if expected.trim_end_matches('\n') != key.encode() => {
            Err(LogDamage::of("key.pub is not the expected key"))
        }
        _ => Ok(key),
    }
}

fn check_root(frontier: &TreeFrontier, head: Option<&TreeHead>, what: &str) -> Result<(), LogDamage> {
    match head {
        Some(head) if head.size == frontier.size() && head.root != frontier.root() => Err(LogDamage::of(what)),
        _ => Ok(()),
    }
}

fn unreadable(name: &str) -> impl Fn(io::Error) -> LogDamage + '_ {
    move |e| LogDamage::of(format!("{name} cannot be read: {}", e.kind()))
}
