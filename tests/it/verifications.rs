//! What an agency is told.

use heyan::ledger::entry::{EntryBody, LedgerEntry};
use serde_json::{Value, json};

use crate::common::{TestHub, person, purpose, question};

#[tokio::test(flavor = "multi_thread")]
async fn every_field_gets_its_verdict_and_the_answer_a_receipt() {
    let hub = TestHub::with_parties().await;
    assert_eq!(hub.put("natural-person", &person()).await.0, 200);
    let claims = json!({"name": "張三丰", "birth_date": "1949年12月31日", "sex": "男",
        "domicile_address": "芜湖市镜湖区北京中路２号3栋2单元501", "status": "死亡",
        "ethnicity": {"op": "one_of", "value": ["汉", "回族"]}});
    let (status, answer) = hub.verify("agency", &question(&claims)).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["outcome"], "mismatched");
    assert_eq!(
        answer["fields"]["name"],
        json!({"verdict": "review", "reason": "variant"})
    );
    for field in ["birth_date", "sex", "domicile_address"] {
        assert_eq!(
            answer["fields"][field],
            json!({"verdict": "match", "basis": "normalized"}),
            "{field}"
        );
    }
    assert_eq!(answer["fields"]["status"], json!({"verdict": "mismatch"}));
    assert_eq!(
        answer["fields"]["ethnicity"],
        json!({"verdict": "match", "basis": "predicate"})
    );
    assert_eq!(answer["record"]["version"], 1);
    assert_eq!(answer["receipt"]["origin"], "hub-1.heyan.local");
    assert_eq!(answer["rules"], "natural-person@2");
    assert!(answer["id"].as_str().unwrap().starts_with("ver_"));
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_existence_no_record_and_a_wrong_claim_are_one_answer() {
    let hub = TestHub::start().await;
    hub.add_parties().await;
    hub.put("natural-person", &person()).await;
    hub.revoke_all_grants().await;
    hub.grant("agency", "natural-person", &["name"], &["verify"]).await;
    let wrong = question(&json!({"name": "李四"}));
    let mut missing = wrong.clone();
    missing["subject"]["id_number"] = json!("440524188001010014");
    let (_, wrong) = hub.verify("agency", &wrong).await;
    let (_, missing) = hub.verify("agency", &missing).await;
    for member in ["outcome", "fields", "record", "findings", "rules"] {
        assert_eq!(wrong.get(member), missing.get(member), "{member}");
    }
    assert_eq!(missing["outcome"], "mismatched");
    // The entry goes out with the receipt, and tells no more than the answer.
    for answer in [&wrong, &missing] {
        let index = answer["receipt"]["index"].as_u64().unwrap();
        let entry = LedgerEntry::decode(&hub.hub.ledger.entry(index).unwrap().unwrap()).unwrap();
        let EntryBody::Items(items) = entry.body else {
            panic!("no verification")
        };
        assert_eq!(items[0].record_version, 0);
    }
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_outside_the_grant_is_not_compared() {
    let hub = TestHub::start().await;
    hub.add_parties().await;
    hub.put("natural-person", &person()).await;
    hub.revoke_all_grants().await;
    hub.grant("agency", "natural-person", &["name"], &["verify", "existence"])
        .await;
    let claims = json!({"name": "张三丰", "sex": "1", "birth_date": {"op": "on_or_before", "value": "2000-01-01"}});
    let (_, answer) = hub.verify("agency", &question(&claims)).await;
    assert_eq!(answer["outcome"], "incomplete");
    assert_eq!(answer["fields"]["sex"], json!({"verdict": "not_permitted"}));
    assert_eq!(answer["fields"]["birth_date"], json!({"verdict": "not_permitted"}));
    let (status, refusal) = hub.verify("agency2", &question(&claims)).await;
    assert_eq!(
        (status, &refusal["code"], &refusal["missing_clause"]),
        (403, &json!("not_granted"), &json!("dataset"))
    );
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fifteen_digit_number_finds_either_century() {
    let hub = TestHub::with_parties().await;
    hub.put("natural-person", &person()).await;
    let mut asked = question(&json!({"name": "张三丰"}));
    asked["subject"]["id_number"] = json!("110105491231002");
    let (_, answer) = hub.verify("agency", &asked).await;
    assert_eq!(answer["outcome"], "verified", "{answer}");
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn single_batch_and_stream_agree() {
    let hub = TestHub::with_parties().await;
    hub.put("natural-person", &person()).await;
    let claims = [
        json!({"name": "张三丰"}),
        json!({"name": "李四"}),
        json!({"nick": "x"}),
        json!({"sex": "女"}),
    ];
    let mut items: Vec<Value> = claims
        .iter()
        .zip(0..)
        .map(|(claims, n)| {
            json!({"ref": format!("r{n}"), "dataset": "natural-person", "subject": {"id_number": "11010519491231002X"},
                   "claims": claims})
        })
        .collect();
    items.push(
        json!({"ref": "bad", "dataset": "natural-person", "subject": {"id_number": "1"}, "claims": {"name": "a"}}),
    );
    items.push(json!({"ref": "extra", "dataset": "natural-person", "unknown": 1, "subject": {}, "claims": {}}));
    let token = hub.token("agency");
    let body = json!({"purpose": purpose(), "items": items});
    let (status, batch) = hub
        .send("POST", "/v1/verifications/batch", Some(&token), Some(&body))
        .await;
    assert_eq!(status, 200, "{batch}");
    let mut lines = format!("{}\n", json!({"purpose": purpose()}));
    for item in &items {
        lines.push_str(&format!("{item}\n\n"));
    }
    lines.push_str("not json\n");
    let response = hub
        .client
        .post(format!("{}/v1/verifications/stream", hub.url))
        .bearer_auth(&token)
        .header("content-type", "application/x-ndjson")
        .body(lines)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    let text = response.text().await.unwrap();
    text.lines().for_each(crate::wire::check_line);
    let answers: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), items.len() + 2);
    for ((streamed, batched), item) in answers.iter().zip(batch["results"].as_array().unwrap()).zip(&items) {
        assert_eq!(streamed["ref"], item["ref"]);
        assert_eq!(batched["ref"], item["ref"]);
        for member in ["outcome", "fields", "rules"] {
            assert_eq!(streamed.get(member), batched.get(member));
        }
        assert_eq!(streamed["problem"]["code"], batched["problem"]["code"]);
    }
    assert_eq!(answers[items.len()]["problem"]["code"], "invalid_json");
    let summary = &answers[items.len() + 1]["summary"];
    assert_eq!(
        (&summary["items"], &summary["problems"]),
        (&json!(7), &json!(4)),
        "{summary}"
    );
    let (_, single) = hub.verify("agency", &question(&claims[1])).await;
    assert_eq!(single["fields"], batch["results"][1]["fields"]);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_explanation_needs_read_and_shows_masked_forms_only() {
    let hub = TestHub::with_parties().await;
    hub.put("natural-person", &person()).await;
    let (_, answer) = hub
        .verify("agency", &question(&json!({"name": "李四", "sex": "1"})))
        .await;
    let path = format!("/v1/verifications/{}/explanation", answer["id"].as_str().unwrap());
    let (status, _) = hub.send("GET", &path, Some(&hub.token("agency")), None).await;
    assert_eq!(status, 403);
    let (status, _) = hub.send("GET", &path, Some(&hub.token("agency2")), None).await;
    assert_eq!(status, 404, "another agency's verification is not told apart from none");
    hub.grant("agency", "natural-person", &["name", "sex"], &["read"]).await;
    let (status, explanation) = hub.send("GET", &path, Some(&hub.token("agency")), None).await;
    assert_eq!(status, 200, "{explanation}");
    assert_eq!(explanation["fields"]["name"]["verdict"], "mismatch");
    assert_eq!(explanation["fields"]["name"]["comparator"], "person_name");
    let masked = explanation["fields"]["name"]["record_masked"].as_str().unwrap();
    assert!(masked.contains('*') && !masked.contains("三丰"), "{masked}");
    let (status, explanation) = hub.send("GET", &path, Some(&hub.token("auditor")), None).await;
    assert_eq!(
        (status, &explanation["fields"]["name"]["record_masked"]),
        (200, &Value::Null)
    );
    hub.stop().await;
}
