//! The error type of all use cases. `http/refuse.rs` maps each kind to one problem document.
//! Never holds a value of a claim or a record.

use heyan_cache::LoadError;
use heyan_domain::{
    delivery::TargetFault,
    fault::{LengthLimit, MemberFault},
};
use heyan_ledger::LedgerError;

use super::quota::QuotaReached;
use crate::access::table::AccessRefusal;
use heyan_ports::error::StoreError;

/// A use case's error.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// Some members of the request are wrong.
    #[error("{} members of the request are wrong", .0.len())]
    Invalid(Vec<MemberFault>),
    /// The caller may not.
    #[error("refused")]
    Refused(AccessRefusal),
    /// The caller's role may not.
    #[error("the role may not do this")]
    RoleNotAllowed,
    /// The caller is not the owner of what he names.
    #[error("not the owner")]
    NotOwner,
    /// Nothing of that name.
    #[error("no such {0:?}")]
    NotFound(MissingThing),
    /// Something of that name is there already.
    #[error("already there")]
    AlreadyExists,
    /// `If-Match` names another version.
    #[error("another version is current")]
    PreconditionFailed,
    /// The state of what he names does not allow it.
    #[error("not in this state")]
    NotNow,
    /// The record of a check is another by now.
    #[error("the record was replaced since")]
    Superseded,
    /// The idempotency key belongs to another request.
    #[error("the idempotency key belongs to another request")]
    KeyReused,
    /// The first request of the idempotency key is under way.
    #[error("the first request of the idempotency key is under way")]
    InProgress,
    /// The hub may not reach what he names.
    #[error("the target is not allowed: {}", .0.as_str())]
    Target(TargetFault),
    /// The caller's agency has caused as much as it may.
    #[error(transparent)]
    QuotaReached(#[from] QuotaReached),
    /// More items than one call takes.
    #[error("too many items")]
    TooManyItems,
    /// The system of record cannot be asked.
    #[error("the store cannot be reached")]
    Store(#[from] StoreError),
    /// The node that has what was asked for does not answer.
    #[error("another node does not answer")]
    NodeSilent,
    /// A record could not be looked up.
    #[error("a record could not be looked up")]
    Load(#[from] LoadError),
    /// The ledger is not accepting entries, so no answer may be sent.
    #[error("ledger is not accepting entries (full or failed)")]
    Ledger(#[from] LedgerError),
    /// Too little disk space is left for changes.
    #[error("little disk space is left: changes are refused")]
    SpaceLow,
    /// A part of the hub did not do its duty.
    #[error("internal: {0}")]
    Internal(&'static str),
}

impl AppError {
    /// Whether a part of the hub failed: the caller asked nothing wrong.
    pub fn is_failure(&self) -> bool {
        matches!(
            self,
            Self::Store(_) | Self::NodeSilent | Self::Load(_) | Self::Ledger(_) | Self::SpaceLow | Self::Internal(_)
        )
    }
}

/// What was not found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingThing {
    /// A dataset.
    Dataset,
    /// A record.
    Record,
    /// A verification.
    Verification,
    /// A receipt.
    Receipt,
    /// An agency.
    Agency,
    /// A grant.
    Grant,
    /// A user.
    User,
    /// Something that waits for a second person.
    Approval,
    /// A mismatch.
    Mismatch,
    /// A subscription.
    Subscription,
    /// A delivery.
    Delivery,
    /// A service item.
    Item,
    /// A seal on traces.
    Seal,
    /// A watch.
    Watch,
    /// A joint case, or a check of one.
    Case,
    /// An alert.
    Alert,
    /// A rule of supervision.
    Rule,
}

impl MissingThing {
    /// Code of the problem that there is none.
    pub const fn not_found(self) -> &'static str {
        match self {
            Self::Dataset => "dataset_not_found",
            Self::Record => "record_not_found",
            Self::Verification => "verification_not_found",
            Self::Receipt => "receipt_not_found",
            Self::Agency => "agency_not_found",
            Self::Grant => "grant_not_found",
            Self::User => "user_not_found",
            Self::Approval => "approval_not_found",
            Self::Mismatch => "mismatch_not_found",
            Self::Subscription => "subscription_not_found",
            Self::Delivery => "delivery_not_found",
            Self::Item => "item_not_found",
            Self::Seal => "seal_not_found",
            Self::Watch => "watch_not_found",
            Self::Case => "case_not_found",
            Self::Alert => "alert_not_found",
            Self::Rule => "rule_not_found",
        }
    }
}

impl AppError {
    /// One wrong member.
    pub fn fault(pointer: impl Into<String>, code: &'static str) -> Self {
        Self::Invalid(vec![MemberFault::new(pointer, code)])
    }

    /// One value or list that exceeds `limit`.
    pub fn over(pointer: impl Into<String>, limit: LengthLimit) -> Self {
        Self::Invalid(vec![MemberFault::over(pointer, limit)])
    }
}

impl From<AccessRefusal> for AppError {
    fn from(refusal: AccessRefusal) -> Self {
        Self::Refused(refusal)
    }
}
