//! What an open ledger hands out: entries, tiles, bundles, proofs.
//! `entry` knows every durable entry; tiles, bundles and proofs stop at the checkpoint, because nothing proves more.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tlog_tiles::tlog;

use super::append::shared::SealedCheckpoint;
use super::disk::journal;
use super::disk::levels::{self, LevelReader};
use super::note::TreeHead;
use super::receipt::Receipt;
use super::tree::{TILE, TreeFrontier, TreeHash, leaf_hash};
use super::{Ledger, LedgerError, LogDamage};

impl Ledger {
    /// Checkpoint origin.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Verifier key (C2SP signed-note): all that anyone needs to check receipts and checkpoints.
    pub fn vkey(&self) -> &str {
        &self.vkey
    }

    /// The newest signed checkpoint, as served at `/log/checkpoint`.
    pub fn checkpoint(&self) -> String {
        self.shared.sealed().text.clone()
    }

    /// The bytes of a durable entry; `None` if there is no durable entry with this index.
    ///
    /// # Errors
    /// `Damaged` when the journal no longer holds it whole, `Io`.
    pub fn entry(&self, index: u64) -> Result<Option<Vec<u8>>, LedgerError> {
        if index >= self.shared.counters.durable.load(Ordering::Acquire) {
            return Ok(None);
        }
        let mut found = None;
        let keep = |i: u64, entry: &[u8]| {
            if i == index {
                found = Some(entry.to_vec());
            }
        };
        self.read(index / TILE, index + 1, index, keep)?;
        Ok(found)
    }

    /// Durable entries `[first, first + count)`, fewer at the end of the log; for readers that follow it. At most 65,536.
    pub fn entries(&self, first: u64, count: u64) -> Result<Vec<(u64, Vec<u8>)>, LedgerError> {
        let durable = self.shared.counters.durable.load(Ordering::Acquire);
        let end = first.saturating_add(count.min(TILE * TILE)).min(durable);
        let mut found = Vec::new();
        if first < end {
            self.read(first / TILE, end, first, |i, entry| {
                if i >= first {
                    found.push((i, entry.to_vec()));
                }
            })?;
        }
        Ok(found)
    }

    /// Visits at most `count` durable entries from `first` on, as they are on disk: for readers that follow the log. The entries are
    /// not hashed again; `verify` finds what the disk has lost since they were written.
    ///
    /// # Errors
    /// `Damaged` when no frame lies where one should, `Io`.
    pub fn tail(&self, first: u64, count: u64, mut visit: impl FnMut(u64, &[u8])) -> Result<(), LedgerError> {
        let durable = self.shared.counters.durable.load(Ordering::Acquire);
        let end = first.saturating_add(count).min(durable);
        if first >= end {
            return Ok(());
        }
        let visit = |index: u64, entry: &[u8]| {
            if index >= first {
                visit(index, entry);
            }
        };
        self.read(first / TILE, end, u64::MAX, visit)
    }

    /// Tile (`level`, `n`) of C2SP tlog-tiles, `width` hashes of 32 bytes, 1..=256.
    ///
    /// # Errors
    /// `NotFound` when the checkpoint does not reach that far.
    pub fn tile(&self, level: u8, n: u64, width: u16) -> Result<Vec<u8>, LedgerError> {
        let (size, level) = (self.shared.sealed().head.size, usize::from(level));
        let first = available(n, width, levels::width(size, level))?;
        self.reader()
            .bytes(level, first, u64::from(width))
            .map_err(LedgerError::io("read a tile"))
    }

    /// Entry bundle `n` of C2SP tlog-tiles: `width` entries, each behind its big-endian `u16` length.
    ///
    /// # Errors
    /// As `tile`.
    pub fn entry_bundle(&self, n: u64, width: u16) -> Result<Vec<u8>, LedgerError> {
        let first = available(n, width, self.shared.sealed().head.size)?;
        let mut bundle = Vec::new();
        self.read(n, first + u64::from(width), first, |_, entry| {
            bundle.extend_from_slice(&u16::try_from(entry.len()).unwrap_or(u16::MAX).to_be_bytes());
            bundle.extend_from_slice(entry);
        })?;
        Ok(bundle)
    }

    /// Receipt of entry `index` under the newest checkpoint, entry bytes included.
    ///
    /// # Errors
    /// `NotFound` when no checkpoint covers it yet.
    pub fn inclusion_proof(&self, index: u64) -> Result<Receipt, LedgerError> {
        let sealed: Arc<SealedCheckpoint> = self.shared.sealed();
        if index >= sealed.head.size {
            return Err(LedgerError::NotFound);
        }
        let entry = self.entry(index)?.ok_or(LedgerError::NotFound)?;
        let leaf = leaf_hash(&entry);
        let proof = tlog::prove_record(sealed.head.size, index, &self.reader()).map_err(|_| unreadable())?;
        let proof: Vec<TreeHash> = proof.into_iter().map(|h| h.0).collect();
        let receipt = Receipt {
            origin: self.origin.clone(),
            index,
            leaf,
            entry: Some(entry),
            proof,
            checkpoint: sealed.text.clone(),
        };
        // A proof that does not prove would mean damage on this disk: better said here than found by the receiver.
        receipt
            .proves(&sealed.head)
            .map_err(|_| LogDamage::at(index, "the stored hashes do not prove this entry"))?;
        Ok(receipt)
    }

    /// Proof (RFC 6962 §2.1.2) that the tree of `new` entries extends the tree of `old`; 1 ≤ old ≤ new ≤ sealed.
    ///
    /// # Errors
    /// `NotFound` outside that range.
    pub fn consistency_proof(&self, old: u64, new: u64) -> Result<Vec<TreeHash>, LedgerError> {
        if old == 0 || old > new || new > self.shared.sealed().head.size {
            return Err(LedgerError::NotFound);
        }
        let proof = tlog::prove_tree(new, old, &self.reader()).map_err(|_| unreadable())?;
        Ok(proof.into_iter().map(|h| h.0).collect())
    }

    /// The newest published tree head.
    pub fn sealed_head(&self) -> TreeHead {
        self.shared.sealed().head.clone()
    }

    /// Root of the tree of the first `size` entries.
    ///
    /// # Errors
    /// `NotFound` when no checkpoint covers so many.
    pub fn root_at(&self, size: u64) -> Result<TreeHash, LedgerError> {
        if size > self.shared.sealed().head.size {
            return Err(LedgerError::NotFound);
        }
        let nodes = self.reader().frontier(size).map_err(|_| unreadable())?;
        Ok(TreeFrontier::from_nodes(size, nodes).root())
    }

    fn reader(&self) -> LevelReader {
        LevelReader::new(&self.dir.join(levels::DIRECTORY))
    }

    /// Visits durable entries from the start of bundle `bundle` up to `end`; those from `checked_from` on are hashed.
    fn read(&self, bundle: u64, end: u64, checked_from: u64, visit: impl FnMut(u64, &[u8])) -> Result<(), LedgerError> {
        let start = usize::try_from(bundle)
            .ok()
            .and_then(|b| self.shared.positions().get(b).copied());
        let start = start.ok_or(LedgerError::NotFound)?;
        let journal_dir = self.dir.join(journal::DIRECTORY);
        journal::read(
            &journal_dir,
            &self.shared.segments(),
            start,
            (bundle * TILE, end),
            checked_from,
            visit,
        )
        .map_err(LedgerError::io("read the journal"))??;
        Ok(())
    }
}

/// First number of a tile, when `width` of the `limit` numbers there are lie in it.
fn available(n: u64, width: u16, limit: u64) -> Result<u64, LedgerError> {
    let first = n.checked_mul(TILE).ok_or(LedgerError::NotFound)?;
    let end = first.checked_add(u64::from(width)).ok_or(LedgerError::NotFound)?;
    if (1..=256).contains(&width) && end <= limit {
        Ok(first)
    } else {
        Err(LedgerError::NotFound)
    }
}

fn unreadable() -> LedgerError {
    LogDamage::of("the level files cannot be read").into()
}
