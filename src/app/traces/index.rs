//! What the ledger's index is made of: the subjects that an entry names, and keyed hashes of what it holds sealed or that may
//! not be a key in the clear. Every node indexes its own ledger.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    foundation::{error::AppError, purpose, vault::ColumnVault},
    node::hub::Hub,
};
use heyan_ledger::{
    entry::{self, EntryKind},
    index::{IndexError, IndexKey},
    named,
};

/// Counts the ways in which `put_keys` reads entries: one more when it finds other keys, and every index is built again.
pub const FORM: u32 = 1;

/// Longest wait of a look-up for entries that are on disk and not in the index yet.
const CATCH_UP_MAX: Duration = Duration::from_secs(2);

/// The key of everything that was asked under an application number, by whatever agency. The agency's number stands in the
/// clear in each entry: a key of its own for each agency would make the index half as large again and find nothing more.
pub(crate) fn application(vault: &ColumnVault, application_no: &str) -> IndexKey {
    vault.of_index(b"application", application_no.trim().as_bytes())
}

/// The key of the steps of a mismatch.
pub(crate) fn mismatch(vault: &ColumnVault, id: &str) -> IndexKey {
    vault.of_index(b"mismatch", id.as_bytes())
}

/// The key of the end of a delivery.
pub(crate) fn delivery(vault: &ColumnVault, id: &str) -> IndexKey {
    vault.of_index(b"delivery", id.as_bytes())
}

/// Keys of application numbers that came before: about one matter there are several entries.
type ApplicationKeys = HashMap<Box<str>, IndexKey, ahash::RandomState>;

/// Puts the keys of one entry; answers when it was made, Unix microseconds.
fn put_keys(hub: &Hub, known: &mut ApplicationKeys, bytes: &[u8], keys: &mut Vec<(IndexKey, u32)>) -> i64 {
    let Some(rest) = named::visit(bytes, |subject, position| keys.push((*subject, position))) else {
        return entry::time_of(bytes).unwrap_or_default();
    };
    match rest.kind {
        EntryKind::Verification | EntryKind::Chunk | EntryKind::Read => {
            let asked = purpose::UnsealedPurpose::by(&hub.secrets.sealer, rest.sealed);
            if let Some(application_no) = asked.as_ref().and_then(purpose::UnsealedPurpose::application_no) {
                let key = match known.get(application_no) {
                    Some(key) => *key,
                    None => {
                        let key = application(&hub.secrets.vault, application_no);
                        known.insert(application_no.into(), key);
                        key
                    }
                };
                keys.push((key, 0));
            }
        }
        EntryKind::Mismatch => keys.push((hub.secrets.vault.of_index(b"mismatch", rest.id), 0)),
        EntryKind::Delivery => keys.push((hub.secrets.vault.of_index(b"delivery", rest.id), 0)),
        EntryKind::Call | EntryKind::Records | EntryKind::Access => {}
    }
    rest.at_us
}

/// Reads some entries into the index; answers how many. Blocks.
///
/// # Errors
/// The ledger cannot be read, or the disk refused.
pub fn step(hub: &Hub) -> Result<u64, AppError> {
    let mut known = ApplicationKeys::default();
    let read = hub
        .node
        .index
        .catch_up(&hub.ledger, &mut |bytes, keys| put_keys(hub, &mut known, bytes, keys));
    tell_lag(hub);
    match read {
        // It is built again from where it stands now.
        Err(IndexError::Rebuilding) => Ok(1),
        read => read.map_err(failed),
    }
}

/// Makes larger runs of small ones, one at a time; `false`: there is nothing to do. Blocks, and may take long.
///
/// # Errors
/// The disk refused.
pub fn merge(hub: &Hub) -> Result<bool, AppError> {
    match hub.node.index.merge() {
        Err(IndexError::Rebuilding) => Ok(true),
        merged => merged.map_err(failed),
    }
}

/// Brings the index up to what is durable now; `false`: it took too long, and the worker goes on. Blocks.
///
/// # Errors
/// As `step`.
pub(super) fn bring_up(hub: &Hub) -> Result<bool, AppError> {
    let (wanted, began) = (hub.ledger.stats().durable, Instant::now());
    while hub.node.index.covered() < wanted {
        if began.elapsed() > CATCH_UP_MAX {
            return Ok(false);
        }
        step(hub)?;
    }
    Ok(true)
}

/// Runs what blocks on a thread where it may.
pub(super) async fn blocking<T: Send + 'static>(
    hub: &Arc<Hub>,
    work: impl FnOnce(&Hub) -> Result<T, AppError> + Send + 'static,
) -> Result<T, AppError> {
    let hub = Arc::clone(hub);
    let done = tokio::task::spawn_blocking(move || work(&hub)).await;
    done.map_err(|_panicked| AppError::Internal("a look into the ledger panicked"))?
}

pub(super) fn failed(error: IndexError) -> AppError {
    match error {
        IndexError::Ledger(error) => error.into(),
        other => {
            tracing::error!(error = %other, "the ledger's index failed");
            AppError::Internal("the ledger's index failed")
        }
    }
}

/// Says how far the index is behind the ledger.
fn tell_lag(hub: &Hub) {
    let behind = hub.node.index.covered() < hub.ledger.stats().durable;
    let since = hub.clock.now_us() - hub.node.index.covered_at_us();
    let seconds = match behind && hub.node.index.covered_at_us() > 0 {
        true => f64::from(i32::try_from(since.max(0) / 1_000).unwrap_or(i32::MAX)) / 1_000.0,
        false => 0.0,
    };
    hub.node.metrics.index_lag_seconds.set(seconds);
}
