//! Shapes of the bodies, for the description only: nothing here is ever made or parsed.
//! A comment is the text that callers read, English first and Chinese behind `‖`; enumerations get their words, and maps
//! their values, from `words`, so that they are those of the code that answers.

pub use self::{
    access::*, case::*, catalogue::*, item::*, ledger::*, licence::*, problem::*, quality::*, supervision::*, trace::*,
    turn::*, verification::*, watch::*,
};

mod access;
mod case;
mod catalogue;
mod item;
mod ledger;
mod licence;
mod problem;
mod quality;
mod supervision;
mod trace;
mod turn;
mod verification;
mod watch;

/// Requests, in which an unknown member is refused.
pub(super) const STRICT: [&str; 34] = [
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
    "TraceQuery",
    "NewSeal",
    "SealConfirmation",
    "SealLifting",
    "ArchiveQuery",
    "CheckRequest",
    "WatchRequest",
    "NewCase",
    "CoHandler",
    "ReuseRequest",
    "FileQuestion",
    "LicenceQuery",
    "ServiceItem",
    "ItemMaterial",
    "MaterialCondition",
    "BothLanguages",
    "AlertAction",
    "RuleTrial",
    "ApplicationReport",
];
