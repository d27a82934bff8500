//! Searches this node's own ledger, for itself and for the nodes that ask.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::index::{blocking, bring_up, failed};
use crate::{foundation::error::AppError, node::hub::Hub};
use heyan_ledger::{
    entry::{EntryBody, LedgerEntry},
    index::{IndexError, IndexHits, IndexKey, IndexQuery, LedgerPlace},
};

/// Rows that are asked of a node at once, at most.
pub const ROWS_MAX: usize = 500;

/// What is looked for on one node.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct TraceQuestion {
    /// Under which key.
    pub key: IndexKey,
    /// Only before this index and position.
    pub below: (u64, u32),
    /// Made at this second or later.
    pub from_s: u32,
    /// Made at this second or earlier.
    pub until_s: u32,
    /// Rows at most.
    pub limit: usize,
}

/// What one node found.
#[derive(Default, Serialize, Deserialize)]
pub struct TraceAnswer {
    /// Index, position and entry (base64) of each, newest first. A chunk is trimmed to the item that was found.
    pub seen: Vec<(u64, u32, String)>,
    /// Whether there may be more below the last.
    pub more: bool,
    /// Entries that the index knows.
    pub covered: u64,
    /// Whether entries on disk were not in the index yet.
    pub behind: bool,
}

/// Searches this node's own ledger.
///
/// # Errors
/// The ledger or its index cannot be read.
pub async fn own(hub: &Arc<Hub>, question: TraceQuestion) -> Result<TraceAnswer, AppError> {
    blocking(hub, move |hub| search(hub, question)).await
}

fn search(hub: &Hub, question: TraceQuestion) -> Result<TraceAnswer, AppError> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let (index, position) = question.below;
    let wanted = IndexQuery {
        key: question.key,
        below: LedgerPlace { index, position },
        from_s: question.from_s,
        until_s: question.until_s,
        limit: question.limit.clamp(1, ROWS_MAX),
    };
    let mut is_up = bring_up(hub)?;
    let found = match hub.node.index.look_up(&wanted) {
        Err(IndexError::Rebuilding) => {
            is_up = false;
            IndexHits::default()
        }
        found => found.map_err(failed)?,
    };
    let mut seen = Vec::with_capacity(found.rows.len());
    for row in &found.rows {
        let lost = AppError::Internal("the index names an entry that the ledger does not hold");
        let bytes = hub.ledger.entry(row.place.index)?.ok_or(lost)?;
        let Some(entry) = LedgerEntry::decode(&bytes) else {
            continue;
        };
        let trimmed = trimmed(entry, row.place.position).encode();
        seen.push((row.place.index, row.place.position, STANDARD.encode(trimmed)));
    }
    Ok(TraceAnswer {
        more: found.rows.len() == wanted.limit,
        seen,
        covered: found.covered,
        behind: !is_up,
    })
}

/// The entry with the one item that was found: what else was asked with it is of other subjects.
fn trimmed(mut entry: LedgerEntry, position: u32) -> LedgerEntry {
    let place = usize::try_from(position).unwrap_or(usize::MAX);
    match &mut entry.body {
        EntryBody::Items(items) if items.len() > 1 => *items = items.get(place).cloned().into_iter().collect(),
        EntryBody::Records { records, .. } if records.len() > 1 => {
            *records = records.get(place).copied().into_iter().collect();
        }
        _ => {}
    }
    entry
}
