//! Backups of a hub that serves, their proof, and their way back.
//!
//! A backup is made by another process, beside the hub: it takes no lock of the hub, and reads database and ledger as they are. Why the
//! copies are of one point:
//!
//! 1. The number of entries in the journal is read (this moment is `made_at`), and a checkpoint that covers all of them is awaited, at
//!    most a second where a hub serves. An answer that was sent before this moment has its entry under that checkpoint.
//! 2. *Then* the database is copied, as one snapshot. A change is committed before its entry is appended, so each change whose entry is
//!    under the checkpoint is in the copy: every version and every answer up to the checkpoint is there.
//! 3. *Then* the ledger is copied: what the checkpoint covers, and the whole entries behind it. An entry leaves the outbox only after it
//!    is in the journal, so each change in the copy of the database has its entry in the copy of the ledger or in the outbox; and the
//!    place in the ledger that the copied database remembers is in the copied ledger. A start would therefore not refuse the pair.
//!
//! In the other order the database would hold changes whose entries are nowhere. What is left over is one thing: entries behind the
//! checkpoint may tell of changes that are not in the database. They are younger than `made_at`, and they stay provable.
//!
//! With PostgreSQL the database is copied by its own tools (`docs/backup.md`), and recovered to `made_at`; the rest is the same.

pub mod age;
pub mod check;
mod files;
pub mod make;
pub mod restore;

use heyan_config::Config;
use serde::{Deserialize, Serialize};

use self::files::ListedFile;

/// Form of the manifest.
const FORMAT: &str = "heyan-backup-1";

/// File of a backup that says what belongs to it.
const MANIFEST: &str = "manifest.json";

/// File of a backup that a restore adds a line to: which origin and which gap of versions it began with.
const RESTORED: &str = "restored";

/// What a backup is made of.
#[derive(Serialize, Deserialize)]
pub struct BackupManifest {
    format: String,
    /// Version of the program that made it.
    pub heyan: String,
    /// Each answer that was sent before is in it; RFC 3339 in UTC.
    pub made_at: String,
    /// The same, Unix microseconds.
    made_at_us: i64,
    /// How long it took, milliseconds.
    pub took_ms: u64,
    /// Origin of the ledger.
    pub origin: String,
    /// By which its root key is told from another; the key itself is never in a backup.
    root_mark: String,
    database: CopiedDatabase,
    ledger: CopiedLedger,
    files: Vec<ListedFile>,
}

/// The database of a backup.
#[derive(Serialize, Deserialize)]
#[serde(tag = "engine", rename_all = "lowercase")]
enum CopiedDatabase {
    /// One file.
    Sqlite {
        /// What it remembers of the ledger: entries, root, number of the newest change, time.
        position: Option<String>,
        /// How many losses were accepted before.
        epoch: u32,
        /// How long the snapshot was held, milliseconds: so long the write-ahead log could not shrink.
        snapshot_ms: u64,
        /// Size of the write-ahead log at its end, bytes.
        log_bytes: u64,
    },
    /// Copied by the tools of the server.
    Postgres,
}

/// The ledger of a backup.
#[derive(Serialize, Deserialize)]
struct CopiedLedger {
    /// Entries in the journal.
    entries: u64,
    /// Those under the checkpoint.
    sealed: u64,
    /// The signed note.
    checkpoint: String,
}

impl BackupManifest {
    /// Entries of the ledger that its checkpoint covers.
    pub fn sealed(&self) -> u64 {
        self.ledger.sealed
    }

    /// Size of all files, bytes.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// How long a snapshot of the database was held, milliseconds; `None` with PostgreSQL.
    pub fn snapshot_ms(&self) -> Option<u64> {
        match self.database {
            CopiedDatabase::Sqlite { snapshot_ms, .. } => Some(snapshot_ms),
            CopiedDatabase::Postgres => None,
        }
    }

    fn fits_engine(&self, config: &Config) -> bool {
        matches!(self.database, CopiedDatabase::Postgres) == config.store.postgres.is_configured()
    }
}
