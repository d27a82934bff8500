//! Examples of `/v1/watches`.

use serde_json::{Value, json};

use super::{Example, JSON, example, purpose};
use heyan_texts::text;

/// Requests of an operation.
pub(super) fn requests(operation: &str) -> Vec<Example> {
    match operation {
        "add_watch" => vec![example(
            JSON,
            "licence",
            text("openapi.example.watch"),
            json!({
                "dataset": "e-licence",
                "subject": {"licence_id": "1.2.156.3005.2.11100000000013338W001.11340200003015072N.00000001.001.W"},
                "claims": {"status": "有效", "valid_until": {"op": "on_or_after", "value": "$today"}},
                "purpose": purpose(),
                "until": "2027-01-31",
            }),
        )],
        _ => super::cases::requests(operation),
    }
}

fn fields() -> Value {
    json!({
        "status": {"verdict": "match", "basis": "exact"},
        "valid_until": {"verdict": "match", "basis": "predicate"},
    })
}

/// A watch.
pub(super) fn watch() -> Value {
    json!({
        "id": "wat_01KB2Q0000000000000000002A",
        "state": "unchanged",
        "dataset": "e-licence",
        "until": "2027-01-31",
        "application_no": "20261122-000187",
        "item_code": "11340200003010677X3442199806003",
        "verification": "ver_01KB2Q0000000000000000002A",
        "outcome": "verified",
        "fields": fields(),
        "last_told": "ver_01KB2Q0000000000000000002A",
        "told_at": "2026-11-22T03:04:05Z",
        "notices": 0,
        "told_by": ["sub_01KB2Q0000000000000000002A"],
        "ended": null,
        "created_at": "2026-11-22T03:04:05Z",
    })
}

/// The answer to a question that is watched.
pub(super) fn verified(receipt: Value) -> Value {
    json!({
        "id": "ver_01KB2Q0000000000000000002A",
        "outcome": "verified",
        "fields": fields(),
        "record": {"version": 7, "as_of": "2026-11-20T08:00:00Z", "freshness": "cached"},
        "findings": [],
        "receipt": receipt,
        "rules": "e-licence@1",
        "watch": watch(),
    })
}
