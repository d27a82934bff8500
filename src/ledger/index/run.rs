//! A run: the sorted rows of some neighbouring entries, in a file that is written once and never changed.
//! It is made of blocks of 127 rows; each block carries a checksum over its rows, its number and the run's name, and is believed
//! only with it: a damaged block is an error, never a missing row.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use ring::digest;

use super::row::{IndexRow, ROW_BYTES};
use super::{IndexHits, IndexQuery};
use crate::disk::{create, patiently};

/// Bytes of a block: its rows, how many they are, and the checksum.
const BLOCK_BYTES: usize = 4_096;
/// Rows of a full block; only the last block of a run has fewer.
const BLOCK_ROWS: usize = 127;
const CHECK_BYTES: usize = 24;
/// Suffix of files that a crash may leave half written.
pub(crate) const UNFINISHED: &str = ".tmp";

/// Which entries a run is about, and how much was merged into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RunSpan {
    /// 0: written from memory; n + 1: merged from runs of n.
    pub level: u8,
    /// First entry.
    pub first: u64,
    /// The entry behind the last one.
    pub end: u64,
    /// Rows.
    pub rows: u64,
}

impl RunSpan {
    /// Name of the file.
    pub(super) fn name(&self) -> String {
        format!("{:020}-{:020}.{}.run", self.first, self.end, self.level)
    }

    const fn bytes(&self) -> u64 {
        self.rows.div_ceil(BLOCK_ROWS as u64) * BLOCK_BYTES as u64
    }
}

/// A run of which a block is not what was written, or that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("a run of the index is damaged")]
pub(super) struct DamagedRun;

impl From<io::Error> for DamagedRun {
    fn from(_unreadable: io::Error) -> Self {
        Self
    }
}

/// An open run.
pub(super) struct IndexRun {
    /// What it holds.
    pub span: RunSpan,
    file: File,
}

impl IndexRun {
    /// Opens a run that was written before.
    ///
    /// # Errors
    /// It is not there, or of another length.
    pub(super) fn open(folder: &Path, span: RunSpan) -> Result<Self, DamagedRun> {
        let file = patiently(|| File::open(folder.join(span.name())))?;
        match file.metadata()?.len() == span.bytes() {
            true => Ok(Self { span, file }),
            false => Err(DamagedRun),
        }
    }

    /// Writes a run of sorted rows: under another name, synced, and only then named.
    ///
    /// # Errors
    /// I/O, or what the rows were read from is damaged.
    pub(super) fn write(
        folder: &Path,
        mut span: RunSpan,
        rows: impl Iterator<Item = Result<IndexRow, DamagedRun>>,
    ) -> io::Result<Result<Self, DamagedRun>> {
        let unfinished = folder.join(format!("{}{UNFINISHED}", span.name()));
        let mut out = BufWriter::with_capacity(64 * BLOCK_BYTES, patiently(|| create(&unfinished))?);
        let (mut block, mut number) = (Vec::with_capacity(BLOCK_BYTES), 0);
        span.rows = 0;
        for row in rows {
            let Ok(row) = row else { return Ok(Err(DamagedRun)) };
            block.extend_from_slice(&row.to_bytes());
            span.rows += 1;
            if block.len() == BLOCK_ROWS * ROW_BYTES {
                put_block(&mut out, &mut block, &span, number)?;
                number += 1;
            }
        }
        if !block.is_empty() {
            put_block(&mut out, &mut block, &span, number)?;
        }
        let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        // Synced before it is named: a named run is whole.
        file.sync_all()?;
        fs::rename(&unfinished, folder.join(span.name()))?;
        Ok(Self::open(folder, span))
    }

    /// Adds the rows that are wanted to `found`, the newest first, until there are enough.
    ///
    /// # Errors
    /// A block on the way is damaged.
    pub(super) fn search(&self, wanted: &IndexQuery, found: &mut IndexHits) -> Result<(), DamagedRun> {
        let mut end = self.lower_bound(&IndexRow::from(wanted.key, wanted.below))?;
        while end > 0 {
            let number = (end - 1) / BLOCK_ROWS as u64;
            let rows = self.block(number)?;
            let inside = usize::try_from(end - number * BLOCK_ROWS as u64).unwrap_or(BLOCK_ROWS);
            for row in rows.iter().take(inside).rev() {
                if row.key != wanted.key || !found.take(wanted, row) {
                    return Ok(());
                }
            }
            end = number * BLOCK_ROWS as u64;
        }
        Ok(())
    }

    /// Every row, in order.
    pub(super) fn rows(&self) -> RunRows<'_> {
        RunRows {
            run: self,
            block: Vec::new().into_iter(),
            number: 0,
        }
    }

    /// How many rows are before `row`.
    fn lower_bound(&self, row: &IndexRow) -> Result<u64, DamagedRun> {
        let blocks = self.span.rows.div_ceil(BLOCK_ROWS as u64);
        // Blocks before `low` lie before the row; the last row of each block from `high` on does not.
        let (mut low, mut high) = (0, blocks);
        while low < high {
            let middle = low + (high - low) / 2;
            let rows = self.block(middle)?;
            let (first, last) = (rows.first().ok_or(DamagedRun)?, rows.last().ok_or(DamagedRun)?);
            if last < row {
                low = middle + 1;
            } else if first >= row {
                high = middle;
            } else {
                let before = rows.partition_point(|one| one < row);
                return Ok(middle * BLOCK_ROWS as u64 + u64::try_from(before).unwrap_or_default());
            }
        }
        Ok((low * BLOCK_ROWS as u64).min(self.span.rows))
    }

    fn block(&self, number: u64) -> Result<Vec<IndexRow>, DamagedRun> {
        let mut block = [0; BLOCK_BYTES];
        self.file.read_exact_at(&mut block, number * BLOCK_BYTES as u64)?;
        let (body, stated) = block.split_at_checked(BLOCK_BYTES - CHECK_BYTES).ok_or(DamagedRun)?;
        if check(body, &self.span, number) != stated {
            return Err(DamagedRun);
        }
        let before = number * BLOCK_ROWS as u64;
        let rows = self.span.rows.saturating_sub(before).min(BLOCK_ROWS as u64);
        let rows = usize::try_from(rows).map_err(|_never| DamagedRun)?;
        let (rows_bytes, _) = body.as_chunks::<ROW_BYTES>();
        Ok(rows_bytes.iter().take(rows).map(IndexRow::from_bytes).collect())
    }
}

/// The rows of a run, a block at a time.
pub(super) struct RunRows<'r> {
    run: &'r IndexRun,
    block: std::vec::IntoIter<IndexRow>,
    number: u64,
}

impl Iterator for RunRows<'_> {
    type Item = Result<IndexRow, DamagedRun>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(row) = self.block.next() {
            return Some(Ok(row));
        }
        if self.number * BLOCK_ROWS as u64 >= self.run.span.rows {
            return None;
        }
        match self.run.block(self.number) {
            Ok(rows) => self.block = rows.into_iter(),
            Err(damaged) => return Some(Err(damaged)),
        }
        self.number += 1;
        self.block.next().map(Ok)
    }
}

fn put_block(out: &mut impl Write, block: &mut Vec<u8>, span: &RunSpan, number: u64) -> io::Result<()> {
    block.resize(BLOCK_BYTES - CHECK_BYTES, 0);
    let check = check(block, span, number);
    block.extend_from_slice(&check);
    out.write_all(block)?;
    block.clear();
    Ok(())
}

/// First bytes of SHA-256 over the run's place, the number of the block, and its rows.
fn check(body: &[u8], span: &RunSpan, number: u64) -> Vec<u8> {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in [span.first, span.end, u64::from(span.level), number] {
        context.update(&part.to_be_bytes());
    }
    context.update(body);
    context.finish().as_ref().iter().copied().take(CHECK_BYTES).collect()
}

impl IndexHits {
    /// Takes a row in if it is wanted; `false`: there are enough.
    pub(super) fn take(&mut self, wanted: &IndexQuery, row: &IndexRow) -> bool {
        if self.rows.len() >= wanted.limit {
            return false;
        }
        if (wanted.from_s..=wanted.until_s).contains(&row.at_s) {
            self.rows.push(*row);
        }
        true
    }
}
