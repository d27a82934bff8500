//! What is kept, one file a capability: its rows, and a small trait that reads them.
//! The lists below are the only ones: a new capability is its module, its trait, and a line for each kind of row that is written.

pub mod access;
pub mod approvals;
pub mod asks;
pub mod cases;
pub mod deliveries;
pub mod guesses;
pub mod items;
pub mod mismatches;
pub mod nodes;
pub mod outbox;
pub mod positions;
pub mod quality;
pub mod quotas;
pub mod records;
pub mod replies;
pub mod seals;
pub mod supervision;
pub mod watches;

use self::{
    access::{AgencyRow, ClientRow, GrantRow},
    approvals::{AdministrationRow, ApprovalRow, ContributionRow},
    cases::CaseWrites,
    deliveries::{AnswerRow, DeliveryResult, DeliveryRow, EventRow, FannedEvent, SubscriptionRow},
    guesses::{ForgivenSubject, GuessHead, GuessRow, UnlockWrite},
    items::ItemRow,
    mismatches::{DueWrite, MismatchWrite},
    positions::{BusWrites, ReadPosition},
    quality::QualityWrites,
    records::{FetchWrite, RecordKeys, RecordWrite},
    replies::SavedReply,
    seals::SealRow,
    supervision::{AlertRow, SupervisionWrites},
    watches::WatchRow,
};

/// A kind of row that a commit may hold.
pub trait WrittenRow: Sized + 'static {
    /// The rows of this kind in a write.
    fn among(write: &Write) -> &[Self];

    /// Rows of the database that it stands for, about.
    fn weight(&self) -> usize {
        1
    }
}

macro_rules! stores {
    ($($trait:path;)*) => {
        /// Every small trait: what [`Store`](crate::store::Store) is made of.
        pub trait RowStores: $($trait +)* {}

        impl<S: $($trait +)*> RowStores for S {}
    };
}

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
            /// Rows of the database that it stands for, about.
            pub(crate) fn weight(&self) -> usize {
                match self {
                    $(Self::$variant(rows) => rows.iter().map(WrittenRow::weight).sum(),)*
                }
            }
        }

        $(
            impl WrittenRow for $row {
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

stores! {
    records::RecordStore;
    access::AccessStore;
    approvals::ApprovalStore;
    mismatches::MismatchStore;
    guesses::GuessStore;
    deliveries::DeliveryStore;
    items::ItemStore;
    seals::SealStore;
    watches::WatchStore;
    cases::CaseStore;
    quality::QualityStore;
    quotas::QuotaStore;
    replies::ReplyStore;
    positions::PositionStore;
    supervision::SupervisionStore;
    nodes::NodeStore;
    asks::AskStore;
    outbox::OutboxStore;
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
    /// Approvals after a step; one that does not follow the current step is a conflict.
    Approvals(ApprovalRow);
    /// Acts of administration.
    Administration(AdministrationRow);
    /// Who contributed records to the registers of others.
    Contributions(ContributionRow);
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
