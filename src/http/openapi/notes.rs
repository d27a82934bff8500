//! What callers read of each operation in both languages, and with which problems it may refuse.
//! Refusals that follow from the route's row (no credential, wrong role, no ledger) are not repeated here: `complete` adds them.

use crate::{
    locale::{Text, text},
    problem::ProblemCode::{self, *},
};

/// One operation.
pub(super) struct Note {
    pub(super) operation: &'static str,
    pub(super) summary: Text,
    pub(super) description: Text,
    /// Of the answer when it succeeds.
    pub(super) answer: Text,
    pub(super) refusals: &'static [&'static [ProblemCode]],
}

/// Any body.
const BODY: &[ProblemCode] = &[
    RequestTimeout,
    BodyTooLarge,
    UnsupportedMediaType,
    InvalidContentEncoding,
];
/// A JSON body of a known shape.
const JSON: &[ProblemCode] = &[
    InvalidJson,
    DuplicateMember,
    NestingTooDeep,
    UnsafeNumber,
    InvalidEncoding,
    UnknownMember,
    MissingMember,
    InvalidType,
];
const PURPOSE: &[ProblemCode] = &[InvalidPurpose, ValueTooLong];
const GRANT: &[ProblemCode] = &[NotGranted, DatasetWithheld];
const CEILING: &[ProblemCode] = &[CeilingReached];
const STORE: &[ProblemCode] = &[StoreUnavailable];
const PAGE: &[ProblemCode] = &[InvalidParameter, InvalidCursor];
const NONE: &[&[ProblemCode]] = &[];

macro_rules! notes {
    ($($operation:ident
        summary $sz:literal $se:literal
        text    $dz:literal $de:literal
        answer  $az:literal $ae:literal
        refuses $refusals:expr;
    )*) => {
        /// The operations.
        pub(super) static NOTES: &[Note] = &[$(Note {
            operation: stringify!($operation),
            summary: text!($sz => $se),
            description: text!($dz => $de),
            answer: text!($az => $ae),
            refusals: $refusals,
        },)*];
    };
}

mod oversight;
mod work;

/// Every operation.
pub(super) fn all() -> impl Iterator<Item = &'static Note> {
    work::NOTES.iter().chain(oversight::NOTES)
}
