//! Examples of requests and answers, all synthetic: numbers have right check characters and belong to nobody.
//! A test holds each against its schema, and each request against the types that the handlers parse with.

use serde_json::{Value, json};

mod cases;
mod items;
mod traces;
mod watches;

use heyan_texts::{Text, text};

/// One example of a request.
pub(super) struct Example {
    pub(super) media: &'static str,
    pub(super) name: &'static str,
    pub(super) title: Text,
    pub(super) value: Value,
}

const JSON: &str = "application/json";
const NDJSON: &str = "application/x-ndjson";

fn example(media: &'static str, name: &'static str, title: Text, value: Value) -> Example {
    Example {
        media,
        name,
        title,
        value,
    }
}

fn purpose() -> Value {
    json!({
        "item_code": "11340200003010677X3442199806003",
        "item_name": "灵活就业人员参保登记",
        "application_no": "20261122-000187",
        "operator": "window-03",
    })
}

fn question(claims: &Value) -> Value {
    json!({
        "dataset": "natural-person",
        "subject": {"id_number": "340207199705305213"},
        "claims": claims,
        "purpose": purpose(),
    })
}

fn item() -> Value {
    json!({
        "ref": "row-1",
        "dataset": "natural-person",
        "subject": {"id_number": "340207199705305213"},
        "claims": {"name": "王 小明", "birth_date": "1997年5月30日"},
    })
}

fn record() -> Value {
    json!({
        "subject": {"id_number": "340207199705305213"},
        "fields": {"name": "王小明", "sex": "1", "birth_date": "1997-05-30"},
        "source_version": 7,
        "effective_at": "2026-11-20T08:00:00Z",
        "source": "population-register",
    })
}

fn lines(values: &[Value]) -> Value {
    values
        .iter()
        .map(|value| format!("{value}\n"))
        .collect::<String>()
        .into()
}

/// Requests of an operation.
pub(super) fn requests(operation: &str) -> Vec<Example> {
    match operation {
        "verify" => vec![
            example(
                JSON,
                "literal",
                text("openapi.example.literal"),
                question(&json!({
                    "name": "王 小明",
                    "birth_date": "1997年5月30日",
                    "domicile_address": "芜湖市镜湖区北京中路2号3栋2单元501",
                })),
            ),
            example(
                JSON,
                "predicate",
                text("openapi.example.condition"),
                question(&json!({"birth_date": {"op": "on_or_before", "value": "2008-11-22"}})),
            ),
        ],
        "verify_batch" => vec![example(
            JSON,
            "items",
            text("openapi.example.batch"),
            json!({"purpose": purpose(), "items": [item()]}),
        )],
        "verify_stream" => vec![example(
            NDJSON,
            "lines",
            text("openapi.example.lines"),
            lines(&[json!({"purpose": purpose(), "dataset": "natural-person"}), item()]),
        )],
        "put_records" => vec![
            example(JSON, "record", text("openapi.example.record"), record()),
            example(NDJSON, "records", text("openapi.example.records"), lines(&[record()])),
        ],
        "query_record" => vec![example(
            JSON,
            "query",
            text("openapi.example.query"),
            json!({"subject": {"id_number": "340207199705305213"}, "purpose": purpose()}),
        )],
        "issue_token" => vec![example(
            "application/x-www-form-urlencoded",
            "basic",
            text("openapi.example.basic"),
            json!({"grant_type": "client_credentials"}),
        )],
        _ => access_requests(operation),
    }
}

fn access_requests(operation: &str) -> Vec<Example> {
    match operation {
        "add_agency" => vec![example(
            JSON,
            "agency",
            text("openapi.example.agency"),
            json!({
                "id": "wuhu-hrss",
                "name": "芜湖市人力资源和社会保障局",
                "credit_code": "11340200003015013K",
                "role": "agency",
                "networks": ["10.20.0.0/16"],
            }),
        )],
        "add_grant" => vec![example(
            JSON,
            "grant",
            text("openapi.example.grant"),
            json!({
                "agency": "wuhu-hrss",
                "dataset": "natural-person",
                "fields": ["name", "birth_date"],
                "operations": ["verify", "predicate"],
                "item_codes": ["11340200003010677X3442199806003"],
                "valid_until": "2027-12-31T16:00:00Z",
                "daily_ceiling": 5000,
            }),
        )],
        "add_user" => vec![example(
            JSON,
            "user",
            text("openapi.example.user"),
            json!({"id": "auditor-li", "name": "李审计", "role": "auditor"}),
        )],
        _ => loop_requests(operation),
    }
}

fn loop_requests(operation: &str) -> Vec<Example> {
    match operation {
        "act_on_mismatch" => vec![example(
            JSON,
            "propose",
            text("openapi.example.correction"),
            json!({
                "action": "propose_correction",
                "fields": {"domicile_address": "芜湖市镜湖区北京中路2号3栋2单元501"},
                "evidence": ["户口簿首页"],
            }),
        )],
        "add_subscription" => vec![example(
            JSON,
            "subscription",
            text("openapi.example.subscription"),
            json!({
                "url": "https://hub-in.hrss.example/heyan",
                "events": ["record.changed", "mismatch"],
                "datasets": ["natural-person"],
            }),
        )],
        "act_on_alert" => vec![example(
            JSON,
            "close",
            text("openapi.example.close_alert"),
            json!({"action": "close", "reason": "已核实：当晚为系统升级后的补录"}),
        )],
        "replay_rule" => vec![example(
            JSON,
            "trial",
            text("openapi.example.thirty_days"),
            json!({"days": 30}),
        )],
        "report_application" => vec![example(
            JSON,
            "application",
            text("openapi.example.application"),
            json!({
                "application_no": "20261122-000187",
                "item_code": "11340200003010677X3442199806003",
                "accepted_at": "2026-11-22T09:30:00+08:00",
            }),
        )],
        "unlock_guess_budget" => vec![example(
            JSON,
            "unlock",
            text("openapi.example.unlock"),
            json!({
                "dataset": "natural-person",
                "subject": {"id_number": "340207199705305213"},
                "reason": "申请人到窗口核实身份",
            }),
        )],
        "replay_deliveries" => vec![example(
            JSON,
            "range",
            text("openapi.example.range"),
            json!({"target": "sub_01KB2Q0000000000000000002A", "from": "2026-11-22T00:00:00Z"}),
        )],
        _ => traces::requests(operation),
    }
}

fn receipt() -> Value {
    json!({
        "origin": "hub-1.heyan.local",
        "index": 1234,
        "leaf": "l0vUHh1bVZ1ZxZ3qQ1kX1yXbq2s0aZ5mPp1m7mFZ0uI=",
    })
}

fn judged() -> Value {
    json!({
        "id": "ver_01KB2Q0000000000000000002A",
        "outcome": "mismatched",
        "fields": {
            "name": {"verdict": "match", "basis": "normalized"},
            "birth_date": {"verdict": "match", "basis": "normalized"},
            "domicile_address": {"verdict": "mismatch"},
        },
        "record": {"version": 7, "as_of": "2026-11-20T08:00:00Z", "freshness": "cached"},
        "findings": [],
        "mismatch": {"id": "mis_01KB2Q0000000000000000002A", "due_on": "2026-12-04"},
        "receipt": receipt(),
        "rules": "natural-person@1",
    })
}

fn item_answer() -> Value {
    json!({
        "ref": "row-1",
        "id": "ver_01KB2Q0000000000000000002A-0",
        "outcome": "verified",
        "fields": {
            "name": {"verdict": "match", "basis": "normalized"},
            "birth_date": {"verdict": "match", "basis": "normalized"},
        },
        "record": {"version": 7, "as_of": "2026-11-20T08:00:00Z", "freshness": "fetched"},
        "findings": [],
        "rules": "natural-person@1",
    })
}

/// The answer of an operation in one media type.
pub(super) fn answer(operation: &str, media: &str) -> Option<Value> {
    Some(match (operation, media) {
        ("verify", _) => judged(),
        ("verify_batch", _) => json!({"results": [item_answer()], "receipt": receipt()}),
        ("verify_stream", _) => {
            let summary = json!({
                "verified": 1, "mismatched": 0, "review": 0, "incomplete": 0, "not_found": 0, "problems": 0, "items": 1,
            });
            lines(&[item_answer(), json!({"summary": summary, "receipt": receipt()})])
        }
        ("explain", _) => json!({
            "id": "ver_01KB2Q0000000000000000002A",
            "at": "2026-11-22T03:04:05Z",
            "outcome": "verified",
            "rules": "natural-person@1",
            "record_version": 7,
            "fields": {"name": {
                "verdict": "match", "basis": "normalized", "reason": null,
                "comparator": "person_name", "record_masked": "王*明",
            }},
        }),
        ("put_records", JSON) => json!({"status": "updated", "version": 7, "receipt": receipt()}),
        ("put_records", _) => lines(&[
            json!({"line": 1, "status": "updated", "version": 7}),
            json!({"summary": {"updated": 1, "lines": 1}, "receipt": receipt()}),
        ]),
        ("query_record", _) => json!({
            "record": {"version": 7, "as_of": "2026-11-20T08:00:00Z"},
            "fields": {"name": "王*明", "birth_date": "****"},
            "rules": "natural-person@1",
        }),
        ("open_case" | "get_case", _) => cases::case(),
        ("add_watch", _) => watches::verified(receipt()),
        ("get_watch", _) => watches::watch(),
        ("check_item", _) => items::checked(receipt()),
        ("put_items", JSON) => json!({"status": "created", "code": items::CODE, "version": 1, "receipt": receipt()}),
        ("put_items", _) => lines(&[
            json!({"line": 1, "status": "created", "code": items::CODE, "version": 1}),
            json!({"summary": {"created": 1, "lines": 1}, "receipt": receipt()}),
        ]),
        ("get_checkpoint", _) => "hub-1.heyan.local\n1235\n…\n\n— hub-1.heyan.local …\n".into(),
        ("get_cosigned", _) => json!({"checkpoints": [{
            "origin": "hub-1.heyan.local",
            "key": "hub-1.heyan.local+1a2b3c4d+…",
            "witness": "hub-2.heyan.local",
            "witness_key": "hub-2.heyan.local+5e6f7a8b+…",
            "checkpoint": "hub-1.heyan.local\n1235\n…\n\n— hub-1.heyan.local …\n— hub-2.heyan.local …\n",
            "at": "2026-11-20T08:00:01Z",
        }]}),
        ("get_log_key", _) => "hub-1.heyan.local+1a2b3c4d+…\n".into(),
        _ => return None,
    })
}
