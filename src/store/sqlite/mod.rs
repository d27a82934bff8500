//! The embedded store: one SQLite file, one writer, several readers.
//! `acknowledged ⇒ synced`: every write waits for `synchronous=FULL`, also when it shares its sync with others.
//! The write connection belongs to the writer task alone; nothing else may take it, or the order of arrival is lost.

mod apply;
mod apply_bus;
mod apply_turn;
mod backup;
mod batch;
mod fault;
mod migrate;
mod open;
mod read;
mod read_loop;
mod writer;

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use sqlx::sqlite::SqlitePool;

use self::batch::{Batch, json_text};
use self::writer::{Work, Writer, WriterLimits};
use crate::app::commit::{Commit, GrantUsage};
use crate::app::ports::{
    AccessRows, LiveFetch, NewestRecord, PendingEntry, RecordKey, Store, StoreError, StoredRecord, SubjectKey,
};
use crate::app::rows::{
    AlertRow, AnswerRow, Delivery, DeliveryFilter, Event, GuessRow, LoopCounts, MismatchFilter, MismatchRow,
    SavedReply, StepRow, SubscriptionRow,
};

pub use self::backup::BackupSummary;
pub use self::open::OpenError;

/// Where the database is and how much it may use.
#[derive(Clone, Debug)]
pub struct SqliteConfig {
    /// The database file; made with mode 0600, in a directory that is made with mode 0700.
    pub path: PathBuf,
    /// Read connections, each a thread.
    pub readers: u32,
    /// How long to wait for a lock held by another process, milliseconds.
    pub busy_timeout_ms: u64,
    /// Page cache of the write connection, KiB.
    pub writer_cache_kib: u32,
    /// Page cache of each read connection, KiB.
    pub reader_cache_kib: u32,
    /// Writes that may wait for the writer; further callers wait outside, first come first served.
    pub write_queue_max: usize,
    /// Writes that may share one transaction.
    pub group_writes_max: usize,
    /// Rows of one transaction after which no further write joins it.
    pub group_rows_max: usize,
}

impl SqliteConfig {
    /// Defaults for a small machine: 4 readers, 5 s, 64 MiB for the writer, 32 MiB a reader.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            readers: 4,
            busy_timeout_ms: 5_000,
            writer_cache_kib: 64 * 1024,
            reader_cache_kib: 32 * 1024,
            write_queue_max: 1_024,
            group_writes_max: 512,
            group_rows_max: 20_000,
        }
    }
}

/// The embedded system of record.
pub struct SqliteStore {
    config: SqliteConfig,
    readers: SqlitePool,
    writer: Writer,
}

impl SqliteStore {
    /// Opens or creates the database and brings its schema up to date. The writer runs on the current tokio runtime,
    /// which must have a timer and outlive the store.
    ///
    /// # Errors
    /// [`StoreError::Engine`] with statement `open` and an [`OpenError`] as source when the file must not be used.
    pub async fn open(config: SqliteConfig) -> Result<Self, StoreError> {
        let write_pool = open::open_writer(&config).await?;
        migrate::migrate(&write_pool).await?;
        let readers = open::open_readers(&config).await?;
        let limits = WriterLimits {
            queue: config.write_queue_max,
            group_jobs: config.group_writes_max,
            group_rows: config.group_rows_max,
        };
        Ok(Self {
            writer: Writer::start(write_pool, limits),
            config,
            readers,
        })
    }

    /// Writes a consistent copy to the new file `dest` (mode 0600) while reads and writes go on. `dest` appears only
    /// when it is whole and synced.
    ///
    /// # Errors
    /// [`StoreError::Engine`]: `dest` exists, cannot be written, or the engine failed.
    pub async fn backup(&self, dest: &Path) -> Result<BackupSummary, StoreError> {
        backup::backup(&self.config, dest).await
    }

    /// Checks every page, index, constraint and reference; the answer lists what is wrong, empty when all is sound.
    /// Reads the whole file.
    ///
    /// # Errors
    /// [`StoreError::Engine`] when the engine could not check.
    pub async fn integrity_check(&self) -> Result<Vec<String>, StoreError> {
        backup::integrity_check(&self.config).await
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn records(&self, keys: &[RecordKey]) -> Result<Vec<Option<StoredRecord>>, StoreError> {
        read::records(&self.readers, keys).await
    }

    async fn newest(&self, keys: &[RecordKey]) -> Result<Vec<Option<NewestRecord>>, StoreError> {
        read::newest(&self.readers, keys).await
    }

    async fn record_version(&self, key: &RecordKey, version: u32) -> Result<Option<StoredRecord>, StoreError> {
        read::record_version(&self.readers, key, version).await
    }

    async fn live_fetch(&self, key: &RecordKey) -> Result<Option<LiveFetch>, StoreError> {
        read::live_fetch(&self.readers, key).await
    }

    async fn commit(&self, commit: &Commit) -> Result<Vec<i64>, StoreError> {
        let work = Work::Commit(Batch::of(commit));
        Ok(self.writer.submit(work).await?)
    }

    async fn access(&self) -> Result<AccessRows, StoreError> {
        read::access(&self.readers).await
    }

    async fn pending_entries(&self, limit: u32) -> Result<Vec<PendingEntry>, StoreError> {
        read::pending_entries(&self.readers, limit).await
    }

    async fn forget_entries(&self, ids: &[i64]) -> Result<(), StoreError> {
        if !ids.is_empty() {
            self.writer.submit(Work::Forget(json_text(ids))).await?;
        }
        Ok(())
    }

    async fn add_usage(&self, usage: &[GrantUsage]) -> Result<(), StoreError> {
        if usage.is_empty() {
            return Ok(());
        }
        let rows: Vec<_> = usage
            .iter()
            .map(|usage| (&usage.grant, usage.day, i64::try_from(usage.used).unwrap_or(i64::MAX)))
            .collect();
        self.writer.submit(Work::Usage(json_text(&rows), rows.len())).await?;
        Ok(())
    }

    async fn record_counts(&self) -> Result<Vec<(String, u64)>, StoreError> {
        read::record_counts(&self.readers).await
    }

    async fn mismatch(&self, id: &str) -> Result<Option<MismatchRow>, StoreError> {
        read_loop::mismatch(&self.readers, id).await
    }

    async fn mismatch_steps(&self, id: &str) -> Result<Vec<StepRow>, StoreError> {
        read_loop::steps(&self.readers, id).await
    }

    async fn mismatches(&self, filter: &MismatchFilter) -> Result<Vec<MismatchRow>, StoreError> {
        read_loop::mismatches(&self.readers, filter).await
    }

    async fn delivered_mismatches(&self, limit: u32) -> Result<Vec<MismatchRow>, StoreError> {
        read_loop::delivered_mismatches(&self.readers, limit).await
    }

    async fn mismatch_of(
        &self,
        key: &RecordKey,
        matter: &[u8; 16],
        fields: &[String],
    ) -> Result<Option<MismatchRow>, StoreError> {
        read_loop::mismatch_of(&self.readers, key, matter, fields).await
    }

    async fn guesses_since(&self, since: i64) -> Result<Vec<GuessRow>, StoreError> {
        read_loop::guesses_since(&self.readers, since).await
    }

    async fn subscriptions(&self) -> Result<Vec<SubscriptionRow>, StoreError> {
        read_loop::subscriptions(&self.readers).await
    }

    async fn new_events(&self, limit: u32) -> Result<Vec<Event>, StoreError> {
        read_loop::new_events(&self.readers, limit).await
    }

    async fn answers_of(&self, subject: SubjectKey) -> Result<Vec<AnswerRow>, StoreError> {
        read_loop::answers_of(&self.readers, subject).await
    }

    async fn newest_changes(&self, subjects: &[SubjectKey]) -> Result<Vec<Event>, StoreError> {
        read_loop::newest_changes(&self.readers, subjects).await
    }

    async fn due_deliveries(&self, target: &str, now: i64, limit: u32) -> Result<Vec<Delivery>, StoreError> {
        read_loop::due_deliveries(&self.readers, target, now, limit).await
    }

    async fn next_delivery_at(&self, target: &str) -> Result<Option<i64>, StoreError> {
        read_loop::next_delivery_at(&self.readers, target).await
    }

    async fn pending_targets(&self) -> Result<Vec<String>, StoreError> {
        read_loop::pending_targets(&self.readers).await
    }

    async fn deliveries(&self, filter: &DeliveryFilter) -> Result<Vec<Delivery>, StoreError> {
        read_loop::deliveries(&self.readers, filter).await
    }

    async fn delivery(&self, id: &str) -> Result<Option<Delivery>, StoreError> {
        read_loop::delivery(&self.readers, id).await
    }

    async fn mismatch_deliveries(&self, mismatch: &str) -> Result<Vec<Delivery>, StoreError> {
        read_loop::mismatch_deliveries(&self.readers, mismatch).await
    }

    async fn position(&self, name: &str) -> Result<Option<String>, StoreError> {
        read_loop::position(&self.readers, name).await
    }

    async fn reply(&self, client: &str, key: &str) -> Result<Option<SavedReply>, StoreError> {
        read_loop::reply(&self.readers, client, key).await
    }

    async fn forget_old(&self, replies_before: i64, guesses_before: i64) -> Result<(), StoreError> {
        let work = Work::ForgetOld {
            replies_before,
            guesses_before,
        };
        self.writer.submit(work).await?;
        Ok(())
    }

    async fn unpublished_events(&self, limit: u32) -> Result<Vec<Event>, StoreError> {
        read_loop::unpublished_events(&self.readers, limit).await
    }

    async fn unpublished_alerts(&self, limit: u32) -> Result<Vec<AlertRow>, StoreError> {
        read_loop::unpublished_alerts(&self.readers, limit).await
    }

    async fn unpublished_counts(&self) -> Result<Vec<(String, u64)>, StoreError> {
        read_loop::unpublished_counts(&self.readers).await
    }

    async fn parked_keys(&self, topic: &str, limit: u32) -> Result<Vec<[u8; 16]>, StoreError> {
        read_loop::parked_keys(&self.readers, topic, limit).await
    }

    async fn alerts(&self, limit: u32) -> Result<Vec<AlertRow>, StoreError> {
        read_loop::alerts(&self.readers, limit).await
    }

    async fn loop_counts(&self, today: &str) -> Result<LoopCounts, StoreError> {
        read_loop::loop_counts(&self.readers, today).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        read::pending_entries(&self.readers, 0).await?;
        self.writer.submit(Work::Ping).await?;
        Ok(())
    }

    async fn close(&self) {
        // Readers first: the last connection to close checkpoints, and only the writer may.
        self.readers.close().await;
        self.writer.close().await;
    }
}
