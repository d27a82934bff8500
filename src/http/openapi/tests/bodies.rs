//! For each strict shape: the parser of its handler, and a body with every member.

use serde_json::{Value, json};

use crate::{
    extract,
    routes::{
        SHAPES, applications, records, stream,
        supervision::{archives, rules, seals, traces},
        verifications,
    },
};
use heyan_app::{
    cases::{CaseBody, CoHandlerBody, ReuseBody},
    licences::{file::FileQuestion, query::QueryBody},
};
use heyan_app::{
    items::plan::CheckBody,
    verification::question::{AskedPurposeElements, ItemBody, VerificationBody},
};
use heyan_catalog::{
    BilingualLabel,
    item::{ItemSpec, MaterialSpec, WhenSpec},
};

/// Whether the handler's own parser takes a body of that shape.
pub(super) fn parses(name: &str, body: &Value) -> bool {
    fn taken<'a, T: serde::Deserialize<'a>>(bytes: &'a [u8]) -> bool {
        extract::parse::<T>(bytes).is_ok()
    }
    let bytes = body.to_string().into_bytes();
    if let Some(shape) = SHAPES.iter().find(|shape| shape.name == name) {
        return (shape.parses)(&bytes);
    }
    match name {
        "VerificationRequest" => taken::<VerificationBody<'_>>(&bytes),
        "BatchRequest" => taken::<verifications::BatchBody<'_>>(&bytes),
        "Item" => taken::<ItemBody<'_>>(&bytes),
        "StreamHeader" => taken::<stream::StreamHead<'_>>(&bytes),
        "Purpose" => taken::<AskedPurposeElements<'_>>(&bytes),
        "RecordQuery" => taken::<records::QueryBody<'_>>(&bytes),
        "NewAgency" => taken::<heyan_api::NewAgency>(&bytes),
        "NewGrant" => taken::<heyan_api::NewGrant>(&bytes),
        "NewUser" => taken::<heyan_api::NewUser>(&bytes),
        "AccessQuestion" => taken::<heyan_api::AccessQuestion>(&bytes),
        "AgencyChange" => taken::<heyan_api::AgencyChange>(&bytes),
        "RotateSecret" => taken::<heyan_api::RotateSecret>(&bytes),
        "MismatchAction" => taken::<heyan_api::MismatchAction>(&bytes),
        "NewSubscription" => taken::<heyan_api::NewSubscription>(&bytes),
        "UnlockRequest" => taken::<rules::UnlockBody<'_>>(&bytes),
        "TraceQuery" => taken::<traces::TraceBody<'_>>(&bytes),
        "NewSeal" => taken::<seals::SealBody<'_>>(&bytes),
        "SealConfirmation" => taken::<heyan_api::SealConfirmation>(&bytes),
        "SealLifting" => taken::<heyan_api::SealLifting>(&bytes),
        "ArchiveQuery" => taken::<archives::ArchiveBody<'_>>(&bytes),
        "ReplayRange" => taken::<heyan_api::ReplayRange>(&bytes),
        "CheckRequest" => taken::<CheckBody<'_>>(&bytes),
        "NewCase" => taken::<CaseBody<'_>>(&bytes),
        "CoHandler" => taken::<CoHandlerBody<'_>>(&bytes),
        "ReuseRequest" => taken::<ReuseBody<'_>>(&bytes),
        "FileQuestion" => taken::<FileQuestion<'_>>(&bytes),
        "LicenceQuery" => taken::<QueryBody<'_>>(&bytes),
        "ServiceItem" => taken::<ItemSpec>(&bytes),
        "ItemMaterial" => taken::<MaterialSpec>(&bytes),
        "MaterialCondition" => taken::<WhenSpec>(&bytes),
        "BothLanguages" => taken::<BilingualLabel>(&bytes),
        "AlertAction" => taken::<heyan_api::AlertAction>(&bytes),
        "RuleTrial" => taken::<heyan_api::RuleTrial>(&bytes),
        "ApplicationReport" => taken::<applications::ApplicationBody<'_>>(&bytes),
        _ => panic!("{name} has no parser here"),
    }
}

pub(super) fn full(name: &str) -> Value {
    if let Some(shape) = SHAPES.iter().find(|shape| shape.name == name) {
        return (shape.full)();
    }
    let purpose = json!({"item_code": "i", "item_name": "n", "application_no": "a", "operator": "o", "reason": "r"});
    let item = json!({"ref": "r", "dataset": "d", "subject": {"s": "1"},
        "claims": {"a": "v", "b": {"op": "eq", "value": "x"}, "c": {"op": "one_of", "value": ["x", "y"]}}, "max_age_s": 1});
    match name {
        "VerificationRequest" => {
            let mut body = item;
            body.as_object_mut().unwrap().remove("ref");
            body["purpose"] = purpose;
            body
        }
        "CoHandler" => json!({"agency": "a", "item_code": "i", "refs": ["r"]}),
        "NewCase" => json!({"purpose": purpose, "co_handlers": [full("CoHandler")], "valid_hours": 24}),
        "ReuseRequest" => json!({"purpose": purpose, "subject": {"s": "1"}}),
        "BatchRequest" => json!({"purpose": purpose, "items": [item]}),
        "Item" => item,
        "StreamHeader" => json!({"purpose": purpose, "dataset": "d"}),
        "Purpose" => purpose,
        "RecordQuery" => json!({"purpose": purpose, "subject": {"s": "1"}}),
        "NewAgency" => json!({"id": "a", "name": "n", "credit_code": "c", "role": "agency", "authority_for": [],
            "networks": [], "public_key": "A".repeat(43)}),
        "NewGrant" => json!({"agency": "a", "dataset": "d", "fields": ["*"], "operations": ["verify"],
            "item_codes": ["*"], "valid_from": "2026-11-22T00:00:00Z", "valid_until": "2027-11-22T00:00:00Z",
            "daily_ceiling": 1, "networks": []}),
        "NewUser" => json!({"id": "u", "name": "n", "role": "auditor"}),
        "AccessQuestion" => json!({"agency": "a", "dataset": "d", "item_code": "i", "operation": "verify",
            "fields": ["f"], "from": "10.0.0.1"}),
        "AgencyChange" => json!({"name": "n", "networks": [], "public_key": ""}),
        "RotateSecret" => json!({"now": true}),
        "MismatchAction" => json!({"action": "approve", "fields": {"name": "n"}, "evidence": ["e"], "reason": "r"}),
        "NewSubscription" => json!({"url": "https://a.example/", "events": ["mismatch"], "datasets": ["d"],
            "until": "2027-11-22T00:00:00Z", "supersedes": true}),
        "AlertAction" => json!({"action": "close", "reason": "r"}),
        "RuleTrial" => json!({"days": 1, "rules": "r"}),
        "ApplicationReport" => json!({"application_no": "a", "item_code": "i", "accepted_at": "2026-11-22T00:00:00Z"}),
        "UnlockRequest" => json!({"dataset": "d", "subject": {"s": "1"}, "reason": "r"}),
        "TraceQuery" => json!({"dataset": "d", "subject": {"s": "1"}, "reason": "r", "from": "2026-11-22T00:00:00Z",
            "until": "2026-11-23T00:00:00Z", "cursor": "c", "limit": 1}),
        "NewSeal" => {
            json!({"application_no": "a", "dataset": "d", "subject": {"s": "1"}, "agency": "a", "case_no": "c",
            "reason": "r", "until": "2027-11-23T00:00:00Z"})
        }
        "SealConfirmation" => json!({"case_no": "c"}),
        "SealLifting" => json!({"reason": "r"}),
        "ArchiveQuery" => json!({"application_no": "a", "agency": "a", "reason": "r"}),
        "ReplayRange" => json!({"target": "sub_1", "from": "2026-11-22T00:00:00Z", "until": "2026-11-23T00:00:00Z"}),
        "FileQuestion" => json!({"dataset": "d", "subject": {"s": "1"}, "claims": {"a": "v"}, "on": "2026-11-26",
            "max_age_s": 1, "signature_over": "sm3"}),
        "LicenceQuery" => json!({"purpose": purpose, "dataset": "d", "key": {"a": "1"}, "claims": {"a": "v"},
            "on": "2026-11-26", "max_age_s": 1}),
        name => full_of_items(name),
    }
}

fn full_of_items(name: &str) -> Value {
    let label = json!({"zh": "因为", "en": "because"});
    let condition = json!({"fact": "premises", "is": ["leased"], "question": label});
    let material = json!({"id": "identity", "name": "n", "name_en": "n", "optional": true, "when": condition, "paper": true,
        "dataset": "d", "subject": {"s": "$applicant.s"}, "claims": {"a": "v", "b": {"op": "eq", "value": ["x"]}},
        "conditions": {"b": label}, "inactive_ok": true, "not_verifiable": label, "by_authority": true, "note": label});
    match name {
        "CheckRequest" => {
            json!({"purpose": full("Purpose"), "applicant": {"name": "n"}, "materials": {"m": {"x": "y"}},
            "facts": {"premises": "leased"}})
        }
        "ServiceItem" => json!({"code": "c", "name": "n", "name_en": "n", "kind": "k", "list": "directory",
            "agency_code": "a", "agency_name": "a", "agency_name_en": "a", "applicant": "firm", "limit_days": 5,
            "legal_basis": [label], "list_complete": true, "version": 2, "materials": [material]}),
        "ItemMaterial" => material,
        "MaterialCondition" => condition,
        "BothLanguages" => label,
        _ => panic!("{name}"),
    }
}
