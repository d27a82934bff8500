//! Examples of `/v1/cases`.

use serde_json::{Value, json};

use super::{Example, JSON, example, item, purpose};
use heyan_texts::text;

/// Requests of an operation.
pub(super) fn requests(operation: &str) -> Vec<Example> {
    let (title, body) = match operation {
        "open_case" => (
            text("openapi.example.joint_case"),
            json!({"purpose": purpose(), "co_handlers": [co_handler()], "valid_hours": 72}),
        ),
        "check_in_case" => (text("openapi.example.joint_check"), item()),
        "reuse_check" => (
            text("openapi.example.joint_reuse"),
            json!({"purpose": purpose(), "subject": {"id_number": "340207199705305213"}}),
        ),
        _ => return Vec::new(),
    };
    vec![example(JSON, "example", title, body)]
}

fn co_handler() -> Value {
    json!({"agency": "wuhu-market", "item_code": "11340200003010677X3442199806003", "refs": ["row-1"]})
}

/// A case.
pub(super) fn case() -> Value {
    json!({
        "id": "cas_01KB2Q0000000000000000002A",
        "lead": "wuhu-hrss",
        "state": "open",
        "valid_until": "2026-11-25T03:04:05Z",
        "item_code": "11340200003010677X3442199806003",
        "application_no": "20261122-000187",
        "co_handlers": [co_handler()],
        "checks": [{
            "number": 1, "ref": "row-1", "dataset": "natural-person", "fields": ["name", "birth_date"],
            "at": "2026-11-22T03:04:05Z", "verification": "ver_01KB2Q0000000000000000002A",
        }],
        "created_at": "2026-11-22T03:04:05Z",
    })
}
