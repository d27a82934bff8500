//! Joint handling: what the lead verified is used again by those who handle the case too, and by no other agency, and never beyond a grant.

use std::sync::Arc;

use heyan::ports::outward::NoConnectors;
use serde_json::{Value, json};

use crate::common::{ITEM, ShiftedClock, TestHub, person, purpose};

async fn send(hub: &TestHub, client: &str, path: &str, body: &Value) -> (u16, Value) {
    hub.send("POST", path, Some(&hub.token(client)), Some(body)).await
}

async fn open(hub: &TestHub, refs: Option<&[&str]>) -> String {
    let co_handler = json!({"agency": "agency2", "item_code": ITEM, "refs": refs});
    let body = json!({"purpose": purpose(), "co_handlers": [co_handler], "valid_hours": 24});
    let (status, answer) = send(hub, "agency", "/v1/cases", &body).await;
    assert_eq!((status, &answer["state"]), (201, &json!("open")), "{answer}");
    answer["id"].as_str().unwrap().to_owned()
}

async fn check(hub: &TestHub, case: &str, reference: &str, claims: &Value) -> Value {
    let body = json!({"ref": reference, "dataset": "natural-person", "subject": person()["subject"], "claims": claims});
    let (status, answer) = send(hub, "agency", &format!("/v1/cases/{case}/checks"), &body).await;
    assert_eq!(status, 201, "{answer}");
    answer
}

fn own_purpose() -> Value {
    json!({"item_code": ITEM, "application_no": "B-7", "operator": "desk-9"})
}

async fn reuse(hub: &TestHub, client: &str, case: &str, number: u32) -> (u16, Value) {
    let body = json!({"purpose": own_purpose(), "subject": person()["subject"]});
    send(hub, client, &format!("/v1/cases/{case}/checks/{number}/reuse"), &body).await
}

async fn replace_grants(hub: &TestHub, fields: &[&str], operations: &[&str]) {
    hub.revoke_all_grants().await;
    hub.grant(
        "agency",
        "natural-person",
        &["*"],
        &["verify", "predicate", "existence"],
    )
    .await;
    if !fields.is_empty() {
        hub.grant("agency2", "natural-person", fields, operations).await;
    }
}

async fn hub_with_a_person() -> TestHub {
    let hub = TestHub::with_parties().await;
    assert_eq!(hub.put("natural-person", &person()).await.0, 200);
    hub
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_is_used_again_with_an_entry_of_its_own_until_the_record_changes() {
    let hub = hub_with_a_person().await;
    let case = open(&hub, None).await;
    let claims = json!({"name": "张三丰", "birth_date": {"op": "on_or_before", "value": "1960-01-01"}});
    let lead = check(&hub, &case, "identity", &claims).await;
    assert_eq!((&lead["outcome"], &lead["number"]), (&json!("verified"), &json!(1)));

    let (_, seen) = hub
        .send("GET", &format!("/v1/cases/{case}"), Some(&hub.token("agency2")), None)
        .await;
    assert_eq!(seen["checks"][0]["fields"], json!(["name", "birth_date"]), "{seen}");
    assert!(
        !seen.to_string().contains("match"),
        "verdicts come from a reuse alone: {seen}"
    );
    assert_eq!(
        (&seen["application_no"], &seen["checks"][0]["verification"]),
        (&Value::Null, &Value::Null)
    );
    let (_, list) = hub.send("GET", "/v1/cases", Some(&hub.token("agency2")), None).await;
    assert_eq!(list["cases"][0]["id"], json!(case));

    let size = hub.ledger_size();
    let (status, again) = reuse(&hub, "agency2", &case, 1).await;
    assert_eq!((status, &again["outcome"]), (200, &json!("verified")), "{again}");
    assert_eq!(
        (&again["fields"], &again["record"]["version"]),
        (&lead["fields"], &json!(1))
    );
    assert_ne!(
        (&again["id"], &again["receipt"]["index"]),
        (&lead["id"], &lead["receipt"]["index"])
    );
    assert_eq!(hub.ledger_size(), size + 1);
    // The entry is the other agency's, names the lead's verification, and counts as an answer from that version.
    let entries = hub.hub.ledger.entries(size, 1).unwrap();
    let entry = heyan::ledger::entry::LedgerEntry::decode(&entries[0].1).unwrap();
    let number = hub.hub.access.table.load().agencies.get("agency2").unwrap().row.number;
    assert_eq!(entry.agency, number);
    let sealed = heyan::app::foundation::purpose::open(&hub.hub, &entry.sealed).unwrap();
    assert!(sealed[3].contains(lead["id"].as_str().unwrap()), "{sealed:?}");
    assert_eq!(sealed[1], "B-7");

    let mut changed = person();
    changed["fields"]["status"] = "注销".into();
    changed["source_version"] = 2.into();
    assert_eq!(hub.put("natural-person", &changed).await.0, 200);
    let (status, answer) = reuse(&hub, "agency2", &case, 1).await;
    assert_eq!((status, &answer["code"]), (409, &json!("check_superseded")), "{answer}");
    let path = format!("/v1/cases/{case}");
    assert_eq!(
        hub.send("DELETE", &path, Some(&hub.token("agency2")), None).await.0,
        403
    );
    assert_eq!(hub.send("DELETE", &path, Some(&hub.token("agency")), None).await.0, 204);
    assert_eq!(reuse(&hub, "agency2", &case, 1).await.1["code"], "not_in_this_state");
    hub.stop().await;
}

/// A case with a check of a wrong and a right value, one of a condition, and one that is not for the others.
async fn opened(hub: &TestHub) -> String {
    let case = open(hub, Some(&["identity", "age"])).await;
    let claims = json!({"name": "李四", "birth_date": "1949-12-31"});
    check(hub, &case, "identity", &claims).await;
    let claims = json!({"birth_date": {"op": "on_or_before", "value": "1960-01-01"}});
    check(hub, &case, "age", &claims).await;
    check(hub, &case, "private", &json!({"name": "张三丰"})).await;
    case
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_meant_gets_one_answer_whatever_he_names() {
    let hub = hub_with_a_person().await;
    let case = opened(&hub).await;
    // What the lead did not open for it, another item, another subject, who is no party: all one answer.
    let path = |number: u32| format!("/v1/cases/{case}/checks/{number}/reuse");
    let mut other_item = json!({"purpose": own_purpose(), "subject": person()["subject"]});
    other_item["purpose"]["item_code"] = "other".into();
    let mut other_subject = json!({"purpose": own_purpose(), "subject": person()["subject"]});
    other_subject["subject"]["id_number"] = "340207199705305213".into();
    for (client, path, body) in [
        (
            "agency2",
            path(3),
            json!({"purpose": own_purpose(), "subject": person()["subject"]}),
        ),
        (
            "agency2",
            path(9),
            json!({"purpose": own_purpose(), "subject": person()["subject"]}),
        ),
        ("agency2", path(1), other_item),
        ("agency2", path(1), other_subject),
        (
            "agency",
            path(1),
            json!({"purpose": own_purpose(), "subject": person()["subject"]}),
        ),
        (
            "agency2",
            "/v1/cases/cas_none/checks/1/reuse".to_owned(),
            json!({"purpose": own_purpose(), "subject": person()["subject"]}),
        ),
    ] {
        let (status, answer) = send(&hub, client, &path, &body).await;
        assert_eq!(
            (status, &answer["code"]),
            (404, &json!("case_not_found")),
            "{client} {path} {answer}"
        );
    }
    let mut with_claims = json!({"purpose": own_purpose(), "subject": person()["subject"]});
    with_claims["claims"] = json!({"name": "张三丰"});
    assert_eq!(
        send(&hub, "agency2", &path(1), &with_claims).await.0,
        422,
        "no claim can be tried here"
    );
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_a_grant_does_not_allow_comes_out_by_a_reuse() {
    let hub = hub_with_a_person().await;
    let case = opened(&hub).await;
    // One field, values alone, and no right to know of the record.
    replace_grants(&hub, &["name"], &["verify"]).await;
    let (_, answer) = reuse(&hub, "agency2", &case, 1).await;
    assert_eq!(answer["fields"]["birth_date"]["verdict"], "not_permitted", "{answer}");
    assert_eq!(answer["fields"]["name"]["verdict"], "mismatch");
    assert_eq!(
        answer.get("record"),
        None,
        "nothing agrees, so nothing tells that there is a record"
    );
    replace_grants(&hub, &["birth_date"], &["verify"]).await;
    let (_, answer) = reuse(&hub, "agency2", &case, 2).await;
    assert_eq!(
        answer["fields"]["birth_date"]["verdict"], "not_permitted",
        "a condition is not a value: {answer}"
    );
    replace_grants(&hub, &["birth_date"], &["predicate"]).await;
    let (_, answer) = reuse(&hub, "agency2", &case, 2).await;
    assert_eq!(answer["fields"]["birth_date"]["verdict"], "match", "{answer}");
    replace_grants(&hub, &[], &[]).await;
    let (status, answer) = reuse(&hub, "agency2", &case, 1).await;
    assert_eq!((status, &answer["code"]), (403, &json!("not_granted")), "{answer}");
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_told_no_version_is_never_used_again_and_a_case_ends_with_its_hours() {
    let clock = Arc::new(ShiftedClock::default());
    let own: Arc<ShiftedClock> = Arc::clone(&clock);
    let hub = TestHub::open_at(tempfile::tempdir().unwrap(), Arc::new(NoConnectors), own, |_| {}).await;
    hub.add_parties().await;
    let case = open(&hub, None).await;
    let absent = check(&hub, &case, "identity", &json!({"name": "张三丰"})).await;
    assert_eq!(absent["outcome"], "not_found");
    assert_eq!(reuse(&hub, "agency2", &case, 1).await.1["code"], "check_superseded");
    assert_eq!(hub.put("natural-person", &person()).await.0, 200);
    let found = check(&hub, &case, "identity", &json!({"name": "张三丰"})).await;
    assert_eq!((&found["outcome"], &found["number"]), (&json!("verified"), &json!(2)));
    assert_eq!(reuse(&hub, "agency2", &case, 2).await.0, 200);
    clock.forward_s(24 * 3_600);
    assert_eq!(reuse(&hub, "agency2", &case, 2).await.1["code"], "not_in_this_state");
    let body = json!({"ref": "x", "dataset": "natural-person", "subject": person()["subject"], "claims": {"sex": "1"}});
    let (status, _) = send(&hub, "agency", &format!("/v1/cases/{case}/checks"), &body).await;
    assert_eq!(status, 409);
    for (member, value) in [
        ("valid_hours", json!(0)),
        ("valid_hours", json!(721)),
        ("co_handlers", json!([])),
    ] {
        let mut body =
            json!({"purpose": purpose(), "valid_hours": 1, "co_handlers": [{"agency": "agency2", "item_code": ITEM}]});
        body[member] = value;
        assert_eq!(send(&hub, "agency", "/v1/cases", &body).await.0, 422, "{body}");
    }
    for agency in ["agency", "unknown"] {
        let body =
            json!({"purpose": purpose(), "valid_hours": 1, "co_handlers": [{"agency": agency, "item_code": ITEM}]});
        assert_eq!(send(&hub, "agency", "/v1/cases", &body).await.0, 422, "{body}");
    }
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_is_opened_once_for_a_key_and_anew_without_one() {
    let hub = hub_with_a_person().await;
    let open_with = async |key: Option<&str>, hours: u32| {
        let co_handler = json!({"agency": "agency2", "item_code": ITEM});
        let body = json!({"purpose": purpose(), "co_handlers": [co_handler], "valid_hours": hours});
        let mut request = hub.client.post(format!("{}/v1/cases", hub.url));
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let request = request
            .bearer_auth(hub.token("agency"))
            .header("content-type", "application/json");
        let response = request.body(body.to_string()).send().await.unwrap();
        let replayed = response.headers().contains_key("idempotent-replayed");
        (response.status().as_u16(), replayed, response.text().await.unwrap())
    };
    let first = open_with(Some("k1"), 24).await;
    assert_eq!((first.0, first.1), (201, false), "{}", first.2);
    assert_eq!(open_with(Some("k1"), 24).await, (201, true, first.2.clone()));
    let (status, _, body) = open_with(Some("k1"), 23).await;
    assert!(status == 422 && body.contains("idempotency_key_reused"), "{body}");
    assert_ne!(open_with(Some("k2"), 24).await.2, first.2);
    let refused = open_with(Some("k3"), 0).await;
    assert_eq!((refused.0, refused.1), (422, false));
    assert_eq!(
        open_with(Some("k3"), 0).await,
        (422, true, refused.2),
        "a refusal is kept too"
    );
    let (status, _, body) = open_with(Some(&"k".repeat(256)), 24).await;
    assert!(status == 400 && body.contains("invalid_header"), "{body}");
    for _ in 0..2 {
        assert_eq!(open_with(None, 24).await.0, 201);
    }
    let (_, list) = hub.send("GET", "/v1/cases", Some(&hub.token("agency")), None).await;
    assert_eq!(list["cases"].as_array().map(Vec::len), Some(4), "{list}");
    hub.stop().await;
}
