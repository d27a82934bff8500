//! Closed word lists and free-form parts of the wire types, taken from the code that speaks them.
//! A type of the same name in `heyan_api` holds the place and the text; what stands here replaces its schema.

use serde_json::{Map, Value, json};

use crate::problem::{FieldCode, IdentifierFault, ProblemCode};
use heyan_app::{
    access::table::ClientRole,
    mismatch::unlock::UnlockResult,
    verification::{
        question::{MEMBERS_MAX, OPERANDS_MAX, TEXT_BYTES_MAX},
        verify::AnswerFreshness,
    },
};
use heyan_app::{
    cases,
    items::{ItemRegistration, PaperWhy},
    licences::hashing::SignatureOver,
    records::RecordIngest,
    supervision::alerts::{Action, AlertState},
    traces::look::Lack,
    watches,
};
use heyan_auth::{
    assertion::ASSERTION_TYPE,
    signature::{SignatureAlgorithm, chain::SignerTrust},
};
use heyan_domain::{
    compare::FieldComparator,
    identifier::IdentifierFinding,
    licence::{self, issuer::IssuerPlace},
    mismatch::{ClosingReason, MismatchActor, STATES},
    notice::{self, CheckConclusion},
    policy::{GrantOperation, RefusalClause},
    predicate,
    supervision::{AlertSeverity, RuleClass, RuleMode},
    verdict::{Outcome, Verdict},
};
use heyan_texts::text;

/// Every replaced shape by its name.
pub(super) fn replacements() -> Vec<(&'static str, Value)> {
    let mut all = answers();
    all.extend(access());
    all.extend(items());
    all.extend(supervision());
    all.extend(licences());
    all.extend(free_forms());
    all.push(("ProblemCode", words(ProblemCode::ALL.iter().map(|code| code.as_str()))));
    all.push(("FieldErrorCode", words(FieldCode::ALL.iter().map(|code| code.as_str()))));
    all.push((
        "IdentifierFault",
        words(IdentifierFault::ALL.iter().map(|fault| fault.as_str())),
    ));
    all
}

fn words(words: impl IntoIterator<Item = &'static str>) -> Value {
    let mut list: Vec<&str> = Vec::new();
    for word in words {
        if !list.contains(&word) {
            list.push(word);
        }
    }
    json!({"type": "string", "enum": list})
}

fn answers() -> Vec<(&'static str, Value)> {
    // Ledger codes are one byte, so asking for all of them finds every verdict.
    let verdicts: Vec<Verdict> = (0..=u8::MAX).filter_map(Verdict::from_code).collect();
    let ingested = [
        RecordIngest::Created,
        RecordIngest::Updated,
        RecordIngest::Unchanged,
        RecordIngest::Ignored,
    ];
    [
        ("Outcome", words(Outcome::ALL.map(Outcome::as_str))),
        ("VerdictWord", words(verdicts.iter().map(|verdict| verdict.as_str()))),
        ("Basis", words(verdicts.iter().filter_map(|verdict| verdict.basis()))),
        (
            "ReviewReason",
            words(verdicts.iter().filter_map(|verdict| verdict.reason())),
        ),
        (
            "Freshness",
            words(
                [
                    AnswerFreshness::Cached,
                    AnswerFreshness::Fetched,
                    AnswerFreshness::Stale { age_s: 0 },
                ]
                .map(AnswerFreshness::as_str),
            ),
        ),
        ("Finding", words(IdentifierFinding::ALL.map(IdentifierFinding::as_str))),
        ("Ingested", words(ingested.iter().map(RecordIngest::as_str))),
        ("PendingWord", json!({"const": "pending"})),
        ("SealState", words(["requested", "sealed", "lifted"])),
        ("TraceLackWord", words([Lack::Silent, Lack::Behind].map(Lack::as_str))),
    ]
    .into_iter()
    .chain(turn())
    .collect()
}

fn turn() -> Vec<(&'static str, Value)> {
    let closings = [
        ClosingReason::Settled,
        ClosingReason::RecordAccepted,
        ClosingReason::Corrected,
        ClosingReason::FalseClaim,
        ClosingReason::Closed,
    ];
    let actors = [MismatchActor::Agency, MismatchActor::Authority, MismatchActor::Hub];
    vec![
        ("MismatchState", words(STATES)),
        ("MismatchResolution", words(closings.map(ClosingReason::as_str))),
        ("StepRole", words(actors.map(MismatchActor::as_str))),
        (
            "MismatchActionWord",
            words([
                "accept_record",
                "propose_correction",
                "approve",
                "reject",
                "report_false_claim",
                "reopen",
                "close",
            ]),
        ),
        (
            "DeliveryStateWord",
            words(["pending", "delivered", "dead", "superseded", "cancelled"]),
        ),
        (
            "DeliveryReason",
            words(["answered", "subscribed", "addressed", "sink", "test"]),
        ),
        ("CaseState", words(cases::STATES)),
        ("QualityBy", words(["day", "week"])),
        (
            "QualityCounts",
            json!({"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}}),
        ),
        ("WatchState", words(watches::STATES)),
        ("SubscriptionState", words(["active", "gone"])),
        (
            "UnlockState",
            words([UnlockResult::Requested.as_str(), UnlockResult::Unlocked.as_str()]),
        ),
        (
            "SubscriptionWithSecret",
            all_of(&["Subscription", "SubscriptionSecret"]),
        ),
    ]
}

fn supervision() -> Vec<(&'static str, Value)> {
    vec![
        ("AlertFacts", json!({"type": "object"})),
        ("AlertClass", words(RuleClass::ALL.map(RuleClass::as_str))),
        ("AlertSeverity", words(AlertSeverity::ALL.map(AlertSeverity::as_str))),
        ("AlertState", words(AlertState::ALL.map(AlertState::as_str))),
        ("AlertActionWord", words(Action::ALL.map(Action::as_str))),
        ("RuleMode", words(RuleMode::ALL.map(RuleMode::as_str))),
        ("ReportedWord", json!({"const": "reported"})),
        ("WholeAlert", all_of(&["Alert", "AlertMore"])),
    ]
}

fn access() -> Vec<(&'static str, Value)> {
    let of = |roles: &'static [ClientRole]| words(roles.iter().map(|role| role.as_str()));
    let clauses = [
        RefusalClause::Dataset,
        RefusalClause::Validity,
        RefusalClause::ItemCode,
        RefusalClause::Operation,
        RefusalClause::Network,
        RefusalClause::DailyCeiling,
    ];
    vec![
        ("AgencyRole", of(&[ClientRole::Agency, ClientRole::Authority])),
        (
            "UserRole",
            of(&[ClientRole::Operator, ClientRole::Manager, ClientRole::Auditor]),
        ),
        ("GrantOperation", words(GrantOperation::ALL.map(GrantOperation::as_str))),
        ("MissingClause", words(clauses.map(RefusalClause::as_str))),
        ("Sharing", words(["unconditional", "conditional", "withheld"])),
        ("Comparator", words(FieldComparator::NAMES)),
        ("GrantType", json!({"const": "client_credentials"})),
        ("AssertionType", json!({"const": ASSERTION_TYPE})),
        ("TokenType", json!({"const": "Bearer"})),
        ("AddedAgency", all_of(&["Agency", "NewCredential"])),
        ("AddedUser", all_of(&["User", "NewCredential"])),
    ]
}

fn items() -> Vec<(&'static str, Value)> {
    let given = with_text(
        "openapi.word.given",
        json!({"type": "string", "maxLength": TEXT_BYTES_MAX}),
    );
    let source = with_text(
        "openapi.word.source",
        json!({"type": "string", "minLength": 1, "maxLength": TEXT_BYTES_MAX}),
    );
    let registered = ItemRegistration::ALL.map(ItemRegistration::as_str);
    vec![
        ("CheckOutcome", words(CheckConclusion::ALL.map(CheckConclusion::as_str))),
        ("MaterialOutcome", words(notice::OUTCOMES)),
        ("MaterialReason", words(notice::REASONS)),
        ("GivenValues", map_of(given, 0)),
        ("GivenMaterials", map_of(reference("GivenValues"), 0)),
        ("CheckedMaterials", map_of(reference("CheckedMaterial"), 0)),
        ("MaterialSubject", map_of(source, 0)),
        ("MaterialClaims", map_of(reference("Claim"), 0)),
        ("ItemListWord", words(["directory", "implementation"])),
        ("ApplicantWord", words(["person", "firm", "either"])),
        ("RegisteredWord", words(registered)),
        ("PaperWhyWord", words(PaperWhy::ALL.map(PaperWhy::as_str))),
    ]
}

fn licences() -> Vec<(&'static str, Value)> {
    let key = with_text(
        "openapi.word.licence_value",
        json!({"type": "string", "minLength": 1, "maxLength": TEXT_BYTES_MAX}),
    );
    vec![
        ("LicenceKey", map_of(key, 1)),
        (
            "LicenceState",
            words(licence::LicenceStanding::ALL.map(licence::LicenceStanding::as_str)),
        ),
        ("LicencePlace", words(IssuerPlace::ALL.map(IssuerPlace::as_str))),
        ("ValidityReason", words(["not_told", "not_permitted"])),
        ("SignatureOver", words(SignatureOver::ALL.map(SignatureOver::as_str))),
        ("SignatureVerdict", words(["valid", "invalid", "unsupported"])),
        (
            "SignatureAlgorithm",
            words(SignatureAlgorithm::ALL.map(SignatureAlgorithm::as_str)),
        ),
        ("CertificateTrust", words(SignerTrust::ALL.map(SignerTrust::as_str))),
    ]
}

/// A schema with its description.
fn with_text(key: &str, mut schema: Value) -> Value {
    if let Some(members) = schema.as_object_mut() {
        super::complete::put_text(members, "description", text(key));
    }
    schema
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

fn all_of(names: &[&str]) -> Value {
    let parts: Vec<Value> = names.iter().map(|name| reference(name)).collect();
    json!({"allOf": parts})
}

fn map_of(values: Value, least: usize) -> Value {
    let mut map = Map::new();
    map.insert("type".to_owned(), "object".into());
    if least > 0 {
        map.insert("minProperties".to_owned(), least.into());
        map.insert("maxProperties".to_owned(), MEMBERS_MAX.into());
    }
    map.insert("additionalProperties".to_owned(), values);
    Value::Object(map)
}

fn free_forms() -> Vec<(&'static str, Value)> {
    let text = json!({"type": "string", "minLength": 1, "maxLength": TEXT_BYTES_MAX});
    let operands = json!({"type": "array", "minItems": 1, "maxItems": OPERANDS_MAX, "items": text});
    let identifier = with_text(
        "openapi.word.identifier",
        json!({"type": "string", "minLength": 1, "maxLength": TEXT_BYTES_MAX}),
    );
    let value = with_text("openapi.word.value", json!({"type": "string"}));
    vec![
        ("Subject", map_of(identifier, 1)),
        ("Claims", map_of(reference("Claim"), 1)),
        ("Claim", json!({"oneOf": [text, reference("Predicate")]})),
        ("PredicateOp", words(predicate::Predicate::OPERATIONS)),
        // Not `anyOf`: some generators of clients write no compilable type for a choice with a list in it.
        (
            "PredicateValue",
            json!({"if": {"type": "string"}, "then": text, "else": operands}),
        ),
        ("FieldVerdicts", map_of(reference("FieldVerdict"), 0)),
        ("ExplainedFields", map_of(reference("ExplainedField"), 0)),
        ("RecordFields", map_of(value, 0)),
        ("BatchItem", all_of(&["Item"])),
        (
            "ItemResult",
            json!({"oneOf": [reference("ItemAnswer"), reference("ItemProblem")]}),
        ),
    ]
}
