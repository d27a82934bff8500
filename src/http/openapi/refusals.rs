//! With which problems each operation may refuse. Refusals that follow from the route's row (no credential, wrong role, no
//! ledger) are not repeated here: `complete` adds them. What callers read of an operation is in `openapi.toml`.
//!
//! A capability may also say them beside its examples (`examples/*.json`): codes, and the words `body`, `page` and `store`.

use super::examples;
use crate::problem::ProblemCode::{self, *};

type RouteRefusals = &'static [&'static [ProblemCode]];

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

/// The refusals that are said beside the examples of an operation.
pub(super) fn said(operation: &str) -> Vec<ProblemCode> {
    let words = examples::refusals(operation).unwrap_or_default();
    let codes = |word| match word {
        "body" => [BODY, JSON].concat(),
        "page" => PAGE.to_vec(),
        "store" => STORE.to_vec(),
        code => ProblemCode::parse(code).into_iter().collect(),
    };
    words.split_whitespace().flat_map(codes).collect()
}

macro_rules! refusals {
    ($($($operation:literal)|+ => $refusals:expr;)*) => {
        /// The refusals of an operation.
        pub(super) fn of(operation: &str) -> RouteRefusals {
            match operation {
                $($($operation)|+ => $refusals,)*
                _ => &[],
            }
        }
    };
}

refusals! {
    "get_event_schema" => &[&[RouteNotFound]];
    "verify" | "add_watch" => &[BODY, JSON, PURPOSE, &[TooManyItems, InvalidValue, InvalidIdentifier, UnknownField, InvalidClaim, InvalidPredicate], GRANT, CEILING, STORE];
    "verify_batch" => &[BODY, JSON, PURPOSE, &[TooManyItems]];
    "verify_stream" => &[BODY, JSON, PURPOSE];
    "explain" => &[&[VerificationNotFound, DatasetNotFound], GRANT, STORE];
    "get_receipt" => &[&[InvalidHeader, ReceiptNotFound, NotAcceptable]];
    "get_dataset" => &[&[DatasetNotFound]];
    "put_records" => &[BODY, JSON, &[InvalidHeader, NotOwner, DatasetNotFound, PreconditionFailed, InvalidIdentifier, InvalidValue, ValueTooLong], STORE];
    "query_record" => &[BODY, JSON, PURPOSE, &[TooManyItems, InvalidIdentifier, DatasetNotFound, RecordNotFound], GRANT, CEILING, STORE];
    "list_mismatches" | "list_watches" | "list_cases" | "list_deliveries" | "list_alerts" => &[PAGE, STORE];
    "get_mismatch" => &[&[MismatchNotFound], STORE];
    "act_on_mismatch" => &[BODY, JSON, &[InvalidHeader, PreconditionRequired, MismatchNotFound, RoleNotAllowed, NotInThisState, IdempotencyInProgress, IdempotencyKeyReused, InvalidValue, UnknownField, ValueTooLong, TooManyItems], STORE];
    "check_item" => &[BODY, JSON, PURPOSE, &[TooManyItems, ItemNotFound], STORE];
    "get_watch" | "remove_watch" => &[&[WatchNotFound], STORE];
    "open_case" => &[BODY, JSON, PURPOSE, &[InvalidHeader, InvalidValue, TooManyItems, IdempotencyInProgress, IdempotencyKeyReused], STORE];
    "get_case" => &[&[CaseNotFound], STORE];
    "close_case" => &[&[CaseNotFound, NotOwner], STORE];
    "check_in_case" => &[BODY, JSON, &[CaseNotFound, NotOwner, NotInThisState, TooManyItems, InvalidValue, InvalidIdentifier, UnknownField, InvalidClaim, InvalidPredicate, ValueTooLong], GRANT, CEILING, STORE];
    "reuse_check" => &[BODY, JSON, PURPOSE, &[InvalidParameter, CaseNotFound, DatasetNotFound, NotInThisState, CheckSuperseded, InvalidIdentifier, TooManyItems], GRANT, CEILING, STORE];
    "put_items" => &[BODY, JSON, &[TooManyItems, DuplicateMember, InvalidValue, InvalidClaim, InvalidPredicate, UnknownField, ValueTooLong], STORE];
    "list_items" | "report_items" | "list_agencies" | "list_grants" | "list_users" => &[PAGE];
    "get_item" => &[&[ItemNotFound]];
    "verify_licence_file" => &[BODY, JSON, PURPOSE, &[InvalidMultipart, TooManyItems, InvalidValue, InvalidIdentifier, UnknownField, InvalidClaim, InvalidPredicate], GRANT, CEILING, STORE];
    "query_licence" => &[BODY, JSON, PURPOSE, &[TooManyItems, InvalidValue, UnknownField, InvalidClaim, InvalidPredicate], GRANT, CEILING, STORE];
    "add_subscription" => &[BODY, JSON, &[InvalidValue, TargetNotAllowed, TooManyItems], STORE];
    "get_subscription" => &[&[SubscriptionNotFound]];
    "remove_subscription" | "rotate_subscription_secret" | "test_subscription" => &[&[SubscriptionNotFound], STORE];
    "replay_deliveries" => &[BODY, JSON, &[InvalidValue], STORE];
    "replay_delivery" => &[&[DeliveryNotFound, NotInThisState], STORE];
    "query_trace" => &[BODY, JSON, &[DatasetNotFound, InvalidIdentifier, InvalidValue, ValueTooLong, TooManyItems, NotAcceptable], STORE];
    "add_seal" | "unlock_guess_budget" => &[BODY, JSON, &[DatasetNotFound, InvalidIdentifier, InvalidValue, ValueTooLong, TooManyItems], STORE];
    "list_seals" => &[STORE];
    "confirm_seal" => &[BODY, JSON, &[SealNotFound], STORE];
    "lift_seal" => &[BODY, JSON, &[SealNotFound, InvalidValue, ValueTooLong], STORE];
    "query_archive" => &[BODY, JSON, &[VerificationNotFound, InvalidValue, ValueTooLong, TooManyItems], STORE];
    "get_quality" => &[&[InvalidParameter, AgencyNotFound, DatasetNotFound, NotOwner, TooManyItems], STORE];
    "get_quality_report" => &[&[InvalidParameter, AgencyNotFound, NotOwner, NotAcceptable], STORE];
    "report_application" => &[BODY, JSON, &[InvalidValue, ValueTooLong]];
    "get_alert" => &[&[AlertNotFound], STORE];
    "act_on_alert" => &[BODY, JSON, &[InvalidHeader, PreconditionRequired, InvalidValue, ValueTooLong, AlertNotFound, NotInThisState, IdempotencyKeyReused, IdempotencyInProgress], STORE];
    "list_rules" => &[&[InvalidParameter], STORE];
    "replay_rule" => &[BODY, JSON, &[InvalidValue, RuleNotFound], STORE];
    "add_agency" => &[BODY, JSON, &[InvalidValue, InvalidIdentifier, AlreadyExists], STORE];
    "get_agency" => &[&[AgencyNotFound]];
    "rotate_agency_secret" => &[BODY, JSON, &[AgencyNotFound], STORE];
    "disable_agency" | "enable_agency" => &[&[AgencyNotFound], STORE];
    "add_grant" => &[BODY, JSON, &[InvalidValue, UnknownField], STORE];
    "revoke_grant" => &[&[GrantNotFound], STORE];
    "add_user" => &[BODY, JSON, &[InvalidValue, AlreadyExists, NotInThisState, TooManyItems], STORE];
    "rotate_user_secret" => &[BODY, JSON, &[UserNotFound, TooManyItems], STORE];
    "disable_user" | "enable_user" => &[&[UserNotFound], STORE];
    "get_entries" => &[&[TileNotFound]];
    "issue_token" => &[BODY, &[InvalidOauthRequest, UnsupportedGrantType, InvalidScope, InvalidJson, InvalidClient, AgencyDisabled, NetworkNotAllowed, Internal, LedgerUnavailable, Overloaded]];
    "get_tile" => &[&[TileNotFound, LedgerUnavailable]];
    "get_docs" => &[&[Internal]];
    "get_problem" => &[&[ProblemNotFound]];
}
