//! A message about a limit names the limit that was met, in the unit in which it is counted.

use serde_json::{Value, json};

use crate::{
    common::{TestHub, person, purpose, question},
    mismatches::{act, mismatch},
};

/// The first place that is wrong: pointer, code and sentence.
fn first(answer: &Value) -> (&str, &str, &str) {
    let text = |name: &str| answer["errors"][0][name].as_str().unwrap_or_else(|| panic!("{answer}"));
    (text("pointer"), text("code"), text("detail"))
}

async fn refused(hub: &TestHub, path: &str, body: &Value) -> Value {
    let (status, answer) = hub.send("POST", path, Some(&hub.token("agency")), Some(body)).await;
    assert!(matches!(status, 413 | 422), "{status} {answer}");
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_is_too_long_is_told_the_limit_of_its_own_field() {
    let hub = TestHub::with_parties().await;
    assert_eq!(hub.put("natural-person", &person()).await.0, 200);
    let name = hub.hub.catalog.get("natural-person").unwrap();
    let name_max = name.field(name.field_number("name").unwrap()).unwrap().characters_max;
    assert!(name_max < 300);

    let answer = refused(&hub, "/v1/verifications", &question(&json!({"name": "王".repeat(300)}))).await;
    let sentence = format!("超过 {name_max} 个字符。");
    assert_eq!(first(&answer), ("#/claims/name", "value_too_long", sentence.as_str()));

    let mut long = question(&json!({"name": "张三丰"}));
    long["purpose"]["application_no"] = "8".repeat(200).into();
    let answer = refused(&hub, "/v1/verifications", &long).await;
    let sentence = "超过 128 字节（UTF-8，一个汉字为 3 字节）。";
    assert_eq!(first(&answer), ("#/purpose/application_no", "value_too_long", sentence));

    let answer = refused(
        &hub,
        "/v1/verifications",
        &question(&json!({"name": "x".repeat(5_000)})),
    )
    .await;
    assert_eq!(first(&answer).2, "超过 4096 字节（UTF-8，一个汉字为 3 字节）。");

    let mut long = question(&json!({"name": "张三丰"}));
    long["subject"]["id_number"] = "1".repeat(300).into();
    let answer = refused(&hub, "/v1/verifications", &long).await;
    assert!(!first(&answer).2.contains("4096"), "{answer}");

    // The same claim in a batch.
    let item = json!({"ref": "1", "dataset": "natural-person", "subject": person()["subject"],
                      "claims": {"name": "王".repeat(300)}});
    let batch = json!({"purpose": purpose(), "items": [item]});
    let (status, answer) = hub
        .send(
            "POST",
            "/v1/verifications/batch",
            Some(&hub.token("agency")),
            Some(&batch),
        )
        .await;
    assert_eq!(status, 200, "{answer}");
    let sentence = format!("超过 {name_max} 个字符。");
    assert_eq!(first(&answer["results"][0]["problem"]).2, sentence);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_is_too_long_is_told_how_many_it_may_have() {
    let hub = TestHub::with_parties().await;
    let members: serde_json::Map<String, Value> = (0..200).map(|n| (format!("f{n}"), json!("x"))).collect();
    let answer = refused(&hub, "/v1/verifications", &question(&Value::Object(members))).await;
    assert_eq!(first(&answer).1, "too_many_items");
    let members_max = heyan::app::verification::question::MEMBERS_MAX;
    assert_eq!(first(&answer).2, format!("超过 {members_max} 项。"));

    let many = json!({"birth_date": {"op": "one_of", "value": vec!["1990-01-01"; 100]}});
    let answer = refused(&hub, "/v1/verifications", &question(&many)).await;
    let operands_max = heyan::app::verification::question::OPERANDS_MAX;
    assert_eq!(first(&answer).2, format!("超过 {operands_max} 项。"));

    let batch = json!({"purpose": purpose(), "items": vec![json!({"ref": "1"}); 1_001]});
    let answer = refused(&hub, "/v1/verifications/batch", &batch).await;
    assert_eq!(first(&answer), ("#/items", "too_many_items", "超过 1000 项。"));
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn records_and_actions_are_told_their_limits_too() {
    let hub = TestHub::with_parties().await;
    let mut long = person();
    long["fields"]["name"] = "王".repeat(300).into();
    let (status, answer) = hub.put("natural-person", &long).await;
    assert_eq!(status, 422, "{answer}");
    assert!(
        first(&answer).2.ends_with("个字符。") && !first(&answer).2.contains("4096"),
        "{answer}"
    );

    assert_eq!(hub.put("natural-person", &person()).await.0, 200);
    let answer = mismatch(&hub, "agency", "A-1", "张三").await;
    let id = answer["mismatch"]["id"].as_str().unwrap();
    let proposal = json!({"action": "propose_correction", "fields": {"name": "张三"}, "evidence": vec!["户口簿"; 33]});
    let acted = act(&hub, "agency", id, "k1", &proposal).await;
    let acted: Value = serde_json::from_str(&acted.body).unwrap();
    assert_eq!(first(&acted), ("#/evidence", "too_many_items", "超过 32 项。"));
    let reason = json!({"action": "report_false_claim", "reason": "x".repeat(3_000)});
    let acted = act(&hub, "agency", id, "k2", &reason).await;
    let acted: Value = serde_json::from_str(&acted.body).unwrap();
    assert_eq!(first(&acted).2, "超过 2048 字节（UTF-8，一个汉字为 3 字节）。");
    hub.stop().await;
}
