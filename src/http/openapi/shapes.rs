//! Shapes of the bodies, for the description only: nothing here is ever made or parsed.
//! A comment is the text that callers read, English first and Chinese behind `‖`; enumerations get their words, and maps
//! their values, from `words`, so that they are those of the code that answers.

pub use self::{access::*, catalogue::*, item::*, ledger::*, problem::*, supervision::*, turn::*, verification::*};

mod access;
mod catalogue;
mod item;
mod ledger;
mod problem;
mod supervision;
mod turn;
mod verification;

/// Requests, in which an unknown member is refused.
pub(super) const STRICT: [&str; 23] = [
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
    "ServiceItem",
    "ItemMaterial",
    "MaterialCondition",
    "BothLanguages",
    "AlertAction",
    "RuleTrial",
    "ApplicationReport",
];
