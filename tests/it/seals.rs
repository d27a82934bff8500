//! Seals: two auditors keep an investigation out of everybody else's traces, and nothing tells that they did.

use heyan::app::access::admin;
use serde_json::{Value, json};

use crate::{
    common::{TestHub, person, question},
    traces::ask,
};

const CASE: &str = "办案-2026-031";

async fn post(hub: &TestHub, client: &str, path: &str, body: &Value) -> (u16, Value) {
    hub.send("POST", path, Some(&hub.token(client)), Some(body)).await
}

/// Agencies and operations in the trace that an auditor gets, page by page of one row, without questions about traces.
async fn told(hub: &TestHub, auditor: &str) -> Vec<String> {
    let (mut rows, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let body = ask(&json!({"limit": 1, "cursor": cursor}));
        let (status, page) = post(hub, auditor, "/v1/traces/query", &body).await;
        assert_eq!(status, 200, "{page}");
        let some = page["rows"].as_array().unwrap();
        assert_eq!(some.len(), 1, "no page is empty");
        assert_eq!(page["incomplete"], json!([]));
        rows.extend(some.clone());
        cursor = page["next_cursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    let word = |row: &Value| {
        format!(
            "{} {}",
            row["agency"].as_str().unwrap_or("-"),
            row["operation"].as_str().unwrap()
        )
    };
    let words = rows.iter().map(word);
    words.filter(|word| !word.ends_with("query_trace")).collect()
}

async fn hub_with_a_case() -> TestHub {
    let hub = TestHub::with_parties().await;
    for name in ["auditor2", "auditor3"] {
        admin::add_user(&hub.hub, None, name, name, "auditor", None)
            .await
            .unwrap();
    }
    assert_eq!(hub.put("natural-person", &person()).await.0, 200);
    let mut body = question(&json!({"name": "李四"}));
    assert_eq!(hub.verify("agency", &question(&json!({"sex": "1"}))).await.0, 200);
    body["purpose"]["application_no"] = CASE.into();
    // It mismatches, and so leaves a step too.
    assert_eq!(hub.verify("agency2", &body).await.1["outcome"], "mismatched");
    hub
}

fn new_seal(until: &str) -> Value {
    json!({"application_no": CASE, "agency": "agency2", "case_no": "031", "reason": "调查", "until": until})
}

#[tokio::test(flavor = "multi_thread")]
async fn what_two_auditors_seal_is_told_to_them_alone_until_they_lift_it() {
    let hub = hub_with_a_case().await;
    let whole = told(&hub, "auditor3").await;
    assert_eq!(whole.len(), 4, "{whole:?}");
    let until = "2027-06-30T16:00:00Z";
    let (status, seal) = post(&hub, "auditor", "/v1/traces/seals", &new_seal(until)).await;
    assert_eq!((status, &seal["state"]), (200, &json!("requested")), "{seal}");
    assert_eq!(told(&hub, "auditor3").await, whole, "one auditor alone seals nothing");
    let path = format!("/v1/traces/seals/{}", seal["id"].as_str().unwrap());
    let confirm = format!("{path}/confirm");
    assert_eq!(
        post(&hub, "auditor", &confirm, &json!({"case_no": "031"})).await.0,
        404,
        "nobody confirms his own"
    );
    assert_eq!(
        post(&hub, "auditor2", &confirm, &json!({"case_no": "032"})).await.0,
        404,
        "of another case"
    );
    let (status, sealed) = post(&hub, "auditor2", &confirm, &json!({"case_no": "031"})).await;
    assert_eq!((status, &sealed["state"]), (200, &json!("sealed")), "{sealed}");
    let known: Vec<String> = whole
        .iter()
        .filter(|word| !word.starts_with("agency2"))
        .cloned()
        .collect();
    assert_eq!(known.len(), 2, "{whole:?}");
    assert_eq!(told(&hub, "auditor3").await, known);
    for auditor in ["auditor", "auditor2"] {
        assert_eq!(told(&hub, auditor).await, whole, "{auditor}");
    }
    let archive = json!({"application_no": CASE, "reason": "r"});
    assert_eq!(post(&hub, "auditor3", "/v1/archives/query", &archive).await.0, 404);
    assert_eq!(post(&hub, "auditor", "/v1/archives/query", &archive).await.0, 200);
    let list = async |client: &str| {
        hub.send("GET", "/v1/traces/seals", Some(&hub.token(client)), None)
            .await
            .1
    };
    assert_eq!(list("auditor2").await["seals"].as_array().unwrap().len(), 1);
    assert_eq!(list("auditor3").await["seals"], json!([]));
    let lift = format!("{path}/lift");
    assert_eq!(post(&hub, "auditor3", &lift, &json!({"reason": "r"})).await.0, 404);
    assert_eq!(post(&hub, "auditor2", &lift, &json!({"reason": "结案"})).await.0, 200);
    assert_eq!(told(&hub, "auditor3").await, whole);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seal_on_a_subject_hides_one_agency_and_must_end() {
    let hub = hub_with_a_case().await;
    for until in ["2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z"] {
        let (status, answer) = post(&hub, "auditor", "/v1/traces/seals", &new_seal(until)).await;
        assert_eq!(
            (status, &answer["errors"][0]["pointer"]),
            (422, &json!("#/until")),
            "{answer}"
        );
    }
    let mut body = new_seal("2027-06-30T16:00:00Z");
    body["dataset"] = "natural-person".into();
    assert_eq!(
        post(&hub, "auditor", "/v1/traces/seals", &body).await.0,
        422,
        "one or the other"
    );
    body.as_object_mut().unwrap().remove("application_no");
    body["subject"] = json!({"id_number": "11010519491231002X"});
    let (status, seal) = post(&hub, "auditor", "/v1/traces/seals", &body).await;
    assert_eq!(status, 200, "{seal}");
    let confirm = format!("/v1/traces/seals/{}/confirm", seal["id"].as_str().unwrap());
    assert_eq!(
        post(&hub, "auditor2", &confirm, &json!({"case_no": "031"})).await.0,
        200
    );
    let known = told(&hub, "auditor3").await;
    assert!(
        known.len() == 2 && known.iter().all(|word| !word.starts_with("agency2")),
        "{known:?}"
    );
    hub.stop().await;
}
