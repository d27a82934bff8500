//! Whether the ledger makes progress: what callers ask before they hand anything over, and the thread that finds out.
//! A flag that is set on failure says nothing of a sync that never returns; the age of the oldest waiting group does.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use super::shared::SharedLedger;

/// Age of the oldest waiting group from which on new callers are refused at once.
pub(crate) const STALLED_AFTER: Duration = Duration::from_secs(1);

/// Age of the oldest waiting group at which those who wait are told that the ledger does not answer.
pub(crate) const GIVE_UP_AFTER: Duration = Duration::from_secs(5);

/// Between two looks at the age.
const LOOK: Duration = Duration::from_millis(100);

/// Whether the ledger accepts entries now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LedgerCondition {
    /// It does.
    Accepting,
    /// A write or sync has not returned for a second; it accepts again when that returns.
    Stalled,
    /// A write failed before its sync, for lack of space for example; it is tried again each second.
    Blocked,
    /// A sync failed: nothing is known about the disk until the ledger is opened again.
    Failed,
}

impl LedgerCondition {
    /// As one number for an atomic.
    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Accepting => 0,
            Self::Stalled => 1,
            Self::Blocked => 2,
            Self::Failed => 3,
        }
    }

    /// The inverse of `number`.
    pub(crate) fn of_number(number: u8) -> Self {
        match number {
            0 => Self::Accepting,
            1 => Self::Stalled,
            2 => Self::Blocked,
            _ => Self::Failed,
        }
    }
}

/// Looks at the age of the oldest waiting group until the ledger is closed.
pub(crate) fn watch(shared: &Arc<SharedLedger>) {
    while !shared.closed.load(Ordering::Acquire) {
        thread::park_timeout(LOOK);
        look(shared);
    }
}

fn look(shared: &SharedLedger) {
    let age = shared.oldest_wait();
    let (from, to) = match age >= STALLED_AFTER {
        true => (LedgerCondition::Accepting, LedgerCondition::Stalled),
        false => (LedgerCondition::Stalled, LedgerCondition::Accepting),
    };
    shared.change(from, to);
    if age >= GIVE_UP_AFTER {
        shared.give_up();
    }
}
