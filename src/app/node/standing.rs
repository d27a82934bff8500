//! How far ledger and database have come, as each remembers of the other: written with the commits, into the ledger's folder, and beside
//! the root key. At a start they are compared: whatever was lost or came back from an old copy is found.

use std::{
    str::FromStr,
    sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use heyan_ledger::Ledger;
use heyan_ports::positions::ReadPosition;

/// Between two commits that carry it.
const PAUSE: Duration = Duration::from_millis(200);

/// Versions that each accepted rollback leaves out, so that none is given twice.
const VERSIONS_LEFT_OUT: u32 = 1_000_000;

/// Position under which the database keeps how many rollbacks were accepted.
pub const EPOCH: &str = "version-epoch";

/// How far the ledger and the changes of the database had come at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerStanding {
    /// Entries under the checkpoint.
    pub size: u64,
    /// Root over them.
    pub root: [u8; 32],
    /// Number of the newest change of the database.
    pub changes: u64,
    /// When, Unix microseconds.
    pub at_us: i64,
}

impl LedgerStanding {
    /// Where the ledger stands now.
    pub fn of(ledger: &Ledger, changes: u64, at_us: i64) -> Self {
        let head = ledger.sealed_head();
        Self {
            size: head.size,
            root: head.root,
            changes,
            at_us,
        }
    }

    /// Position under which the database keeps it for the ledger of `origin`.
    pub fn position_name(origin: &str) -> String {
        format!("ledger:{origin}")
    }

    /// One line.
    pub fn to_text(&self) -> String {
        let root = STANDARD.encode(self.root);
        format!("{} {root} {} {}", self.size, self.changes, self.at_us)
    }
}

/// A standing that cannot be read.
#[derive(Debug)]
pub struct UnreadableStanding;

impl FromStr for LedgerStanding {
    type Err = UnreadableStanding;

    fn from_str(text: &str) -> Result<Self, UnreadableStanding> {
        let parts: Vec<&str> = text.trim_end().split(' ').collect();
        let [size, root, changes, at_us] = parts[..] else {
            return Err(UnreadableStanding);
        };
        let number = |text: &str| text.parse().map_err(|_| UnreadableStanding);
        let root = STANDARD.decode(root).ok().and_then(|root| root.try_into().ok());
        Ok(Self {
            size: number(size)?,
            root: root.ok_or(UnreadableStanding)?,
            changes: number(changes)?,
            at_us: at_us.parse().map_err(|_| UnreadableStanding)?,
        })
    }
}

/// Numbers the changes of this node.
#[derive(Default)]
pub struct ChangeCounter {
    given: AtomicU64,
    kept: AtomicU64,
    due_at_us: AtomicI64,
    version_floor: AtomicU32,
}

impl ChangeCounter {
    /// Goes on behind `changes`, after so many accepted rollbacks.
    pub fn begin(&self, changes: u64, epoch: u32) {
        self.given.store(changes, Ordering::Release);
        self.kept.store(changes, Ordering::Release);
        self.version_floor
            .store(epoch.saturating_mul(VERSIONS_LEFT_OUT), Ordering::Release);
    }

    /// A number for the next change; the position that its commit carries, a few times a second.
    pub(super) fn number(&self, ledger: &Ledger, now_us: i64) -> (u64, Option<ReadPosition>) {
        let number = self.given.fetch_add(1, Ordering::AcqRel) + 1;
        let due = self.due_at_us.load(Ordering::Acquire);
        let pause = i64::try_from(PAUSE.as_micros()).unwrap_or(i64::MAX);
        // A clock that was set back must not keep it out.
        let is_due = now_us >= due || now_us < due - pause;
        let ours = is_due
            && self
                .due_at_us
                .compare_exchange(due, now_us + pause, Ordering::AcqRel, Ordering::Acquire)
                .is_ok();
        let position = ours.then(|| ReadPosition {
            name: LedgerStanding::position_name(ledger.origin()),
            value: LedgerStanding::of(ledger, number, now_us).to_text(),
        });
        (number, position)
    }

    /// The database holds the position of the change `number`.
    pub(super) fn keep(&self, number: u64) {
        self.kept.fetch_max(number, Ordering::AcqRel);
    }

    /// Number of the newest change whose position the database holds.
    pub fn kept(&self) -> u64 {
        self.kept.load(Ordering::Acquire)
    }

    /// A first or next version, behind the gap of an accepted rollback.
    pub(crate) fn raise(&self, version: u32) -> u32 {
        version.max(self.version_floor.load(Ordering::Acquire).saturating_add(1))
    }

    /// The version after `version`; `None` when there are too many.
    pub fn next_version(&self, version: u32) -> Option<u32> {
        Some(self.raise(version.checked_add(1)?))
    }
}

/// What the database and the file beside the root key remember of the ledger, and the ledger's folder of the database.
#[derive(Default)]
pub struct RememberedStanding {
    /// The database.
    pub database: Option<LedgerStanding>,
    /// Whether the database is new: it has no client.
    pub database_is_new: bool,
    /// The file beside the root key.
    pub beside_key: Option<LedgerStanding>,
    /// Changes of the database that the ledger's folder knows of.
    pub in_ledger: Option<u64>,
}

impl RememberedStanding {
    /// The newest change that anything remembers.
    pub fn changes(&self) -> u64 {
        let of = |standing: &Option<LedgerStanding>| standing.as_ref().map_or(0, |standing| standing.changes);
        of(&self.database)
            .max(of(&self.beside_key))
            .max(self.in_ledger.unwrap_or_default())
    }

    /// What does not fit together, with the positions; empty when all agrees.
    pub fn differences(&self, ledger: &Ledger) -> Vec<String> {
        let mut found = Vec::new();
        let entries = ledger.stats().durable;
        for (who, standing) in [
            ("the database", &self.database),
            ("the file beside the root key", &self.beside_key),
        ] {
            let Some(standing) = standing else { continue };
            let size = standing.size;
            if size > entries {
                found.push(format!(
                    "the ledger has {entries} entries, but {who} remembers {size}: the ledger's folder is lost or an old copy"
                ));
            } else if !ledger.root_at(size).is_ok_and(|root| root == standing.root) {
                found.push(format!(
                    "the first {size} entries of the ledger are not those that {who} remembers: it is another ledger"
                ));
            }
        }
        let known = self.database.as_ref().map_or(0, |standing| standing.changes);
        for (who, changes) in [
            ("the ledger's folder", self.in_ledger),
            (
                "the file beside the root key",
                self.beside_key.as_ref().map(|of| of.changes),
            ),
        ] {
            if changes.is_some_and(|changes| changes > known) {
                found.push(format!(
                    "the database has seen change {known}, but {who} remembers change {}: the database is lost or an old copy",
                    changes.unwrap_or_default()
                ));
            }
        }
        if self.database.is_none() && self.database_is_new && entries > 0 {
            found.push(format!(
                "the database is new, but the ledger has {entries} entries: the database is lost"
            ));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standing_reads_back_and_nothing_else_does() {
        let standing = LedgerStanding {
            size: 7,
            root: [9; 32],
            changes: 12,
            at_us: 1_800_000_000_000_000,
        };
        assert_eq!(standing.to_text().parse::<LedgerStanding>().unwrap(), standing);
        for bad in ["", "7", "7 x 12 1", "7 CQ== 12 1", "-7 CQ== 12 1"] {
            assert!(bad.parse::<LedgerStanding>().is_err(), "{bad}");
        }
    }

    #[test]
    fn after_an_accepted_rollback_no_version_is_given_twice() {
        let counter = ChangeCounter::default();
        assert_eq!(counter.next_version(0), Some(1));
        assert_eq!(counter.next_version(41), Some(42));
        assert_eq!(counter.next_version(u32::MAX), None);
        counter.begin(0, 2);
        assert_eq!(counter.next_version(41), Some(2_000_001));
        assert_eq!(counter.next_version(2_000_001), Some(2_000_002));
    }
}
