//! Examples of traces, seals and archive packs.
//! Synthetic, as all of them.

use serde_json::json;

use super::{Example, JSON, example, items};
use heyan_texts::text;

/// Requests of an operation.
pub(super) fn requests(operation: &str) -> Vec<Example> {
    match operation {
        "query_trace" => vec![example(
            JSON,
            "trace",
            text("openapi.example.trace"),
            json!({
                "dataset": "natural-person",
                "subject": {"id_number": "340207199705305213"},
                "reason": "申请人书面查询，收件号 2026-117",
                "from": "2026-01-01T00:00:00Z",
            }),
        )],
        "add_seal" => vec![example(
            JSON,
            "seal",
            text("openapi.example.seal"),
            json!({
                "application_no": "办案-2026-031", "agency": "wuhu-supervision", "case_no": "2026-031",
                "reason": "调查期间不得泄露", "until": "2027-06-30T16:00:00Z",
            }),
        )],
        "confirm_seal" => vec![example(
            JSON,
            "confirm",
            text("openapi.example.confirm_seal"),
            json!({"case_no": "2026-031"}),
        )],
        "lift_seal" => vec![example(
            JSON,
            "lift",
            text("openapi.example.lift_seal"),
            json!({"reason": "结案"}),
        )],
        "query_archive" => vec![example(
            JSON,
            "archive",
            text("openapi.example.archive"),
            json!({"application_no": "20261122-000187", "reason": "办结归档"}),
        )],
        _ => items::requests(operation),
    }
}
