//! Entries that stayed in the outbox: of a node that crashed between a commit and its entry, or of a commit that stood although its
//! answer was lost on the way. What a caller was told nothing of has happened all the same, so it is entered late.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use super::hub::Hub;
use super::write::PendingAppend;
use crate::foundation::error::AppError;
use heyan_ledger::entry;

/// Entries of the ledger's end that are read at once, and how far before the oldest row in the outbox its end is read:
/// entries are made a moment before they are committed, and appended a moment after.
const TAIL_ENTRIES: u64 = 4_096;
const TAIL_US: i64 = 60_000_000;

/// Rows that are looked at.
const ROWS_MAX: u32 = 1_000;

/// How long a row stands in the outbox until nobody can be about to enter it: an answer is given up long before.
pub const STRAY_AFTER: Duration = Duration::from_secs(60);

/// Rows of the outbox, and since when they are seen there.
#[derive(Default)]
pub struct OrphanedEntries(HashMap<i64, Instant>);

impl OrphanedEntries {
    /// Enters the rows that have stood in the outbox for `after`; answers how many.
    ///
    /// # Errors
    /// The store or the ledger failed.
    pub async fn enter(&mut self, hub: &Arc<Hub>, after: Duration) -> Result<usize, AppError> {
        let rows = hub.store.pending_entries(ROWS_MAX).await?;
        let now = Instant::now();
        let there: HashSet<i64> = rows.iter().map(|row| row.id).collect();
        self.0.retain(|id, _| there.contains(id));
        for id in there {
            self.0.entry(id).or_insert(now);
        }
        let is_stray = |id: &i64| self.0.get(id).is_some_and(|since| now.duration_since(*since) >= after);
        let strays = rows.into_iter().filter(|row| is_stray(&row.id));
        let (ids, entries): (Vec<i64>, Vec<Vec<u8>>) = strays.map(|row| (row.id, row.entry)).unzip();
        if ids.is_empty() {
            return Ok(0);
        }
        let reader = Arc::clone(hub);
        let entries = tokio::task::spawn_blocking(move || reader.not_entered(entries)).await;
        let entries = entries.map_err(|_panicked| AppError::Internal("the ledger could not be searched"))??;
        let count = entries.len();
        hub.enter(PendingAppend::earlier(ids, entries)).await?;
        hub.forget_entered().await?;
        Ok(count)
    }
}

impl Hub {
    /// Those of `entries` that the end of the ledger does not hold: a crash between the append and the forgetting leaves both.
    fn not_entered(&self, mut entries: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, AppError> {
        let times = entries.iter().filter_map(|entry| entry::time_of(entry));
        let Some(oldest) = times.min() else { return Ok(entries) };
        let mut end = self.ledger.stats().durable;
        while end > 0 && !entries.is_empty() {
            let first = end.saturating_sub(TAIL_ENTRIES);
            let tail = self.ledger.entries(first, end - first)?;
            let held: HashSet<&[u8]> = tail.iter().map(|(_, bytes)| bytes.as_slice()).collect();
            entries.retain(|entry| !held.contains(entry.as_slice()));
            let begins = tail.first().and_then(|(_, bytes)| entry::time_of(bytes));
            if begins.is_none_or(|begins| begins < oldest - TAIL_US) {
                break;
            }
            end = first;
        }
        Ok(entries)
    }

    /// Appends what a crash left in the outbox.
    ///
    /// # Errors
    /// The store or the ledger failed.
    pub async fn append_left_over(&self) -> Result<usize, AppError> {
        let mut appended = 0;
        loop {
            let pending = self.store.pending_entries(1_000).await?;
            if pending.is_empty() {
                return Ok(appended);
            }
            appended += pending.len();
            let (ids, entries): (Vec<_>, Vec<_>) = pending.into_iter().map(|row| (row.id, row.entry)).unzip();
            let entries = self.not_entered(entries)?;
            self.enter(PendingAppend::earlier(ids, entries)).await?;
            self.forget_entered().await?;
        }
    }
}
