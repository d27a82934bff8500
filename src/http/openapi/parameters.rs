//! Parameters by name: limits, example and text. A handler names its parameters; here is what there is to say of each.

use serde_json::{Value, json};

use heyan_app::supervision::alerts::AlertState;
use heyan_domain::{mismatch::MismatchPhase, supervision::RuleClass};
use heyan_ports::watches::WatchPhase;
use heyan_texts::{BilingualText, text};

/// What is said of a parameter.
pub(super) struct ParameterText {
    pub(super) schema: Value,
    pub(super) example: Option<Value>,
    pub(super) text: BilingualText,
}

/// The parameter `name` of `operation`.
pub(super) fn parameter(operation: &str, name: &str) -> Option<ParameterText> {
    let string = || json!({"type": "string"});
    if let Some(known) = of_supervision(operation, name)
        .or_else(|| of_what_is_kept(operation, name))
        .or_else(|| of_the_loop(operation, name))
    {
        return Some(known);
    }
    match (name, operation) {
        ("id", "explain") => say(
            string(),
            "ver_01KB2Q0000000000000000002A".into(),
            "openapi.parameter.verification",
        ),
        ("id", "revoke_grant") => say(string(), "grt_b3J3ZWxsMTk4NF9oZXlhbg".into(), "openapi.parameter.grant"),
        ("id", operation) if operation.ends_with("_user") || operation == "rotate_user_secret" => {
            say(string(), "auditor-li".into(), "openapi.parameter.user")
        }
        ("id", "confirm_approval") => say(
            string(),
            "apr_01KB2Q0000000000000000002A".into(),
            "openapi.parameter.approval",
        ),
        ("id", operation) if operation.ends_with("_seal") => say(
            string(),
            "sea_01KB2Q0000000000000000002A".into(),
            "openapi.parameter.seal",
        ),
        ("id", _) => say(string(), "wuhu-hrss".into(), "openapi.parameter.agency"),
        ("origin", _) => say(string(), "hub-1.heyan.local".into(), "openapi.parameter.origin"),
        ("index", _) => say(
            json!({"type": "integer", "format": "int64", "minimum": 0}),
            1234.into(),
            "openapi.parameter.index",
        ),
        ("dataset", "list_grants") => unsaid(string(), "openapi.parameter.grants_on_dataset"),
        ("dataset", _) => say(string(), "natural-person".into(), "openapi.parameter.dataset"),
        ("agency", _) => unsaid(string(), "openapi.parameter.grants_of_agency"),
        ("limit", _) => unsaid(
            json!({"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}),
            "openapi.parameter.limit",
        ),
        ("name", "get_event_schema") => say(
            string(),
            "heyan.mismatch.v1.json".into(),
            "openapi.parameter.event_schema",
        ),
        ("cursor", _) => unsaid(string(), "openapi.parameter.cursor"),
        ("code", _) => say(string(), "invalid_identifier".into(), "openapi.parameter.problem_code"),
        ("lang", _) => unsaid(string(), "openapi.parameter.lang"),
        ("dry_run", _) => unsaid(
            json!({"type": "boolean", "default": false}),
            "openapi.parameter.dry_run",
        ),
        ("keep", _) => unsaid(string(), "openapi.parameter.keep"),
        ("If-Match", _) => unsaid(
            json!({"type": "string", "pattern": "^\"(0|[1-9][0-9]{0,8})\"$"}),
            "openapi.parameter.if_match",
        ),
        ("Prefer", _) => unsaid(string(), "openapi.parameter.prefer"),
        ("Accept-Language", _) => unsaid(string(), "openapi.parameter.accept_language"),
        _ => None,
    }
}

/// Parameters of items, mismatches, subscriptions and deliveries.
fn of_the_loop(operation: &str, name: &str) -> Option<ParameterText> {
    let string = || json!({"type": "string"});
    match (name, operation) {
        ("code", "get_item") => say(
            string(),
            "11340200003015064U3000505001000".into(),
            "openapi.parameter.item_code",
        ),
        ("id", operation) if operation.ends_with("_mismatch") => say(
            string(),
            "mis_01KB2Q0000000000000000002A".into(),
            "openapi.parameter.mismatch",
        ),
        ("id", operation) if operation.contains("subscription") => say(
            string(),
            "sub_01KB2Q0000000000000000002A".into(),
            "openapi.parameter.subscription",
        ),
        ("id", "replay_delivery") => say(
            string(),
            "dlv_01KB2Q0000000000000000002A".into(),
            "openapi.parameter.delivery",
        ),
        ("Idempotency-Key", _) => say(
            json!({"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[\\x21-\\x7e]+$"}),
            "7b0d1f1c-5f0e-4c7e-9d59-2f6f0a1c9d11".into(),
            "openapi.parameter.idempotency_key",
        ),
        ("state", "list_mismatches") => unsaid(
            json!({"type": "string", "enum": MismatchPhase::ALL.map(MismatchPhase::as_str)}),
            "openapi.parameter.in_state",
        ),
        ("state", _) => unsaid(
            json!({"type": "string", "enum": ["pending", "delivered", "dead", "superseded", "cancelled"]}),
            "openapi.parameter.in_state",
        ),
        ("target", _) => unsaid(string(), "openapi.parameter.target"),
        ("due_before", _) => unsaid(
            json!({"type": "string", "format": "date"}),
            "openapi.parameter.due_before",
        ),
        ("dataset", "list_mismatches") => unsaid(string(), "openapi.parameter.mismatches_of_dataset"),
        _ => None,
    }
}

/// Parameters of watches, joint cases, data quality and the tiles of a ledger.
fn of_what_is_kept(operation: &str, name: &str) -> Option<ParameterText> {
    let string = || json!({"type": "string"});
    match (name, operation) {
        ("id", "get_case" | "close_case" | "check_in_case" | "reuse_check") => say(
            string(),
            "cas_01KB2Q0000000000000000002A".into(),
            "openapi.parameter.case",
        ),
        ("number", _) => say(
            json!({"type": "integer", "minimum": 1, "maximum": heyan_app::cases::CHECKS_MAX}),
            1.into(),
            "openapi.parameter.check_number",
        ),
        ("authority", _) => unsaid(string(), "openapi.parameter.authority"),
        ("agency", "get_quality") => unsaid(string(), "openapi.parameter.quality_of_agency"),
        ("dataset", "get_quality") => unsaid(string(), "openapi.parameter.quality_of_dataset"),
        ("from" | "until", _) => unsaid(json!({"type": "string", "format": "date"}), "openapi.parameter.day"),
        ("by", _) => unsaid(
            json!({"type": "string", "enum": ["day", "week"], "default": "day"}),
            "openapi.parameter.by",
        ),
        ("week", _) => say(
            json!({"type": "string", "pattern": "^[0-9]{4}-W[0-9]{2}$"}),
            "2026-W47".into(),
            "openapi.parameter.week",
        ),
        ("Accept", _) => unsaid(string(), "openapi.parameter.accept_markdown"),
        ("id", "get_watch" | "remove_watch") => say(
            string(),
            "wat_01KB2Q0000000000000000002A".into(),
            "openapi.parameter.watch",
        ),
        ("state", "list_watches") => unsaid(
            json!({"type": "string", "enum": WatchPhase::ALL.map(WatchPhase::as_str)}),
            "openapi.parameter.in_state",
        ),
        ("level", _) => say(
            json!({"type": "integer", "minimum": 0, "maximum": 63}),
            0.into(),
            "openapi.parameter.tile_level",
        ),
        ("path", _) => say(string(), "000.p/1".into(), "openapi.parameter.tile_path"),
        _ => None,
    }
}

/// Parameters of supervision.
fn of_supervision(operation: &str, name: &str) -> Option<ParameterText> {
    let string = || json!({"type": "string"});
    match (name, operation) {
        ("id", "get_alert" | "act_on_alert") => say(
            string(),
            "alt_01KB2Q0000000000000000002A".into(),
            "openapi.parameter.alert",
        ),
        ("id", "replay_rule") => say(string(), "off_hours_bulk".into(), "openapi.parameter.rule"),
        ("state", "list_alerts") => unsaid(
            json!({"type": "string", "enum": AlertState::ALL.map(AlertState::as_str)}),
            "openapi.parameter.in_state",
        ),
        ("class", _) => unsaid(
            json!({"type": "string", "enum": RuleClass::ALL.map(RuleClass::as_str)}),
            "openapi.parameter.alerts_of_class",
        ),
        ("rule", _) => unsaid(string(), "openapi.parameter.alerts_of_rule"),
        ("since", _) => unsaid(
            json!({"type": "string", "format": "date-time"}),
            "openapi.parameter.alerts_since",
        ),
        _ => None,
    }
}

fn say(schema: Value, example: Value, key: &str) -> Option<ParameterText> {
    Some(ParameterText {
        schema,
        example: Some(example),
        text: text(key),
    })
}

fn unsaid(schema: Value, key: &str) -> Option<ParameterText> {
    Some(ParameterText {
        schema,
        example: None,
        text: text(key),
    })
}
