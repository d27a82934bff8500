//! Shapes of the bodies, for the description only: nothing here is ever made or parsed.
//! A comment is the text that callers read, English first and Chinese behind `‖`; enumerations get their words, and maps
//! their values, from `words`, so that they are those of the code that answers.

pub use self::{access::*, catalogue::*, item::*, ledger::*, licence::*, problem::*, turn::*, verification::*};

mod access;
mod catalogue;
mod item;
mod ledger;
mod licence;
mod problem;
mod turn;
mod verification;

/// Requests, in which an unknown member is refused.
pub(super) const STRICT: [&str; 22] = [
    "VerificationRequest",
    "BatchRequest",
    "Item",
    "StreamHeader",
    "Purpose",
    "Predicate",
    "Record",
    "RecordQuery",
    "NewAgency",
    "NewGrant",
    "NewUser",
    "MismatchAction",
    "NewSubscription",
    "ReplayRange",
    "UnlockRequest",
    "CheckRequest",
    "FileQuestion",
    "LicenceQuery",
    "ServiceItem",
    "ItemMaterial",
    "MaterialCondition",
    "BothLanguages",
];
