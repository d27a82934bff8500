//! Everything that one state change writes, as one value. The use case has already decided. The store only checks that the rows
//! that were read have not changed, and writes all or nothing.

pub use crate::rows::{Write, WrittenRow};

/// All writes of one state change.
#[derive(Default)]
pub struct Commit {
    /// When, Unix microseconds; for rows that carry no time of their own.
    pub at: i64,
    /// What is written, in any order: the store has an order of its own.
    pub writes: Vec<Write>,
    /// Buckets of cached records that this makes stale: other nodes are told in the same transaction.
    pub stamps: Vec<u16>,
    /// Ledger entries handed over through the outbox, so that state is never without its entry.
    pub ledger_entries: Vec<Vec<u8>>,
}

impl Commit {
    /// An empty commit at a time, Unix microseconds.
    pub fn at(at: i64) -> Self {
        Self { at, ..Self::default() }
    }

    /// Adds a row or rows of one kind.
    #[must_use]
    pub fn with(mut self, write: impl Into<Write>) -> Self {
        self.push(write);
        self
    }

    /// Adds a row or rows of one kind.
    pub fn push(&mut self, write: impl Into<Write>) {
        self.writes.push(write.into());
    }

    /// Adds a ledger entry.
    #[must_use]
    pub fn entry(mut self, entry: Vec<u8>) -> Self {
        self.ledger_entries.push(entry);
        self
    }

    /// Adds ledger entries.
    #[must_use]
    pub fn entries(mut self, entries: Vec<Vec<u8>>) -> Self {
        self.ledger_entries.extend(entries);
        self
    }

    /// Adds buckets of cached records that this makes stale.
    #[must_use]
    pub fn stamps(mut self, buckets: Vec<u16>) -> Self {
        self.stamps.extend(buckets);
        self
    }

    /// The rows of one kind, in the order of the writes.
    pub fn rows<R: WrittenRow>(&self) -> impl Iterator<Item = &R> {
        self.writes.iter().flat_map(R::among)
    }

    /// Whether there is no row of a kind.
    pub fn lacks<R: WrittenRow>(&self) -> bool {
        self.rows::<R>().next().is_none()
    }

    /// Rows of the database that it writes, about.
    pub fn weight(&self) -> usize {
        self.ledger_entries.len() + self.writes.iter().map(Write::weight).sum::<usize>()
    }
}
