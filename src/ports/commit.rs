//! Everything that one state change writes, as one value. The use case has already decided: the store only checks that what
//! was read still stands, and writes all of it or nothing.

use crate::{
    access::{AgencyRow, ClientRow, GrantRow},
    cases::CaseWrites,
    deliveries::{AnswerRow, DeliveryResult, DeliveryRow, EventRow, SubscriptionRow},
    guesses::{GuessHead, GuessRow, UnlockWrite},
    items::ItemRow,
    mismatches::{DueWrite, MismatchWrite},
    positions::BusWrites,
    quality::QualityWrites,
    records::{FetchWrite, RecordKeys, RecordWrite},
    replies::SavedReply,
    seals::SealRow,
    subject::{RowKey, SubjectKey},
    supervision::{AlertRow, SupervisionWrites},
    watches::WatchRow,
};

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

/// A kind of row that a commit may hold.
pub trait WrittenRow: Sized + 'static {
    /// The rows of this kind in a write.
    fn among(write: &Write) -> &[Self];

    /// Rows of the database that it stands for, about.
    fn weight(&self) -> usize {
        1
    }
}

/// How far something was read.
#[derive(Clone)]
pub struct ReadPosition {
    /// Name of the position.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// An event whose deliveries are all in this commit; it must not have been fanned out before.
#[derive(Clone)]
pub struct FannedEvent(pub RowKey);

/// A subject whose guesses are forgiven.
#[derive(Clone, Copy)]
pub struct ForgivenSubject(pub SubjectKey);

macro_rules! weight {
    () => {};
    ($weight:expr) => {
        fn weight(&self) -> usize {
            $weight(self)
        }
    };
}

macro_rules! writes {
    ($($(#[$doc:meta])* $variant:ident($row:ty $(, $weight:expr)?);)*) => {
        /// Rows of one kind that a commit writes.
        pub enum Write {
            $($(#[$doc])* $variant(Vec<$row>),)*
        }

        impl Write {
            fn weight(&self) -> usize {
                match self {
                    $(Self::$variant(rows) => rows.iter().map(Written::weight).sum(),)*
                }
            }
        }

        $(
            impl Written for $row {
                fn among(write: &Write) -> &[Self] {
                    match write {
                        Write::$variant(rows) => rows,
                        _ => &[],
                    }
                }
                weight!($($weight)?);
            }

            impl From<Vec<$row>> for Write {
                fn from(rows: Vec<$row>) -> Self {
                    Self::$variant(rows)
                }
            }

            impl From<$row> for Write {
                fn from(row: $row) -> Self {
                    Self::$variant(vec![row])
                }
            }
        )*
    };
}

writes! {
    /// New record versions.
    Records(RecordWrite);
    /// Keyed hashes under which records are found.
    RecordKeys(RecordKeys);
    /// When sources of live datasets were asked; an older time never replaces a newer one.
    Fetches(FetchWrite);
    /// Agencies to insert or replace by id.
    Agencies(AgencyRow);
    /// Client credentials to insert or replace by id.
    Clients(ClientRow);
    /// Grants to insert or replace by id.
    Grants(GrantRow);
    /// Service items to insert, or to replace by a newer version; one that is not newer is a conflict.
    Items(ItemRow);
    /// Seals after a step; one that does not follow the current step is a conflict.
    Seals(SealRow);
    /// Mismatches after a step, with the step.
    Mismatches(MismatchWrite, |_| 2);
    /// Due days of mismatches that had none.
    DueDays(DueWrite);
    /// Guesses that were counted; a value that is known already is not counted again.
    Guesses(GuessRow);
    /// The revision of the guesses about a subject, where other nodes count too.
    GuessHeads(GuessHead);
    /// Requests to forgive guesses.
    Unlocks(UnlockWrite);
    /// Subjects whose guesses are forgiven.
    Forgiven(ForgivenSubject);
    /// Events.
    Events(EventRow);
    /// Events that are fanned out.
    Fanned(FannedEvent);
    /// Deliveries; a second delivery of an event to a target is passed over.
    Deliveries(DeliveryRow);
    /// Results of attempts.
    DeliveryResults(DeliveryResult);
    /// Subscriptions to insert or replace by id.
    Subscriptions(SubscriptionRow);
    /// Answers that the ledger tells of; one that is known already is passed over.
    Answers(AnswerRow);
    /// How far something was read.
    Positions(ReadPosition);
    /// The first answer to a request with an idempotency key; a second one is a conflict.
    Replies(SavedReply);
    /// Watches after a change: revision 1 is a new one, of any other the one before it must be current.
    Watches(WatchRow);
    /// Joint cases and their checks.
    Cases(CaseWrites, CaseWrites::weight);
    /// Tallies of this node's ledger, to be added up; no two have one key.
    Quality(QualityWrites, QualityWrites::weight);
    /// Alerts; a second one of the same cause only adds its evidence.
    Alerts(AlertRow);
    /// What concerns the bus.
    Bus(BusWrites, BusWrites::weight);
    /// What concerns supervision.
    Supervision(SupervisionWrites, SupervisionWrites::weight);
}
