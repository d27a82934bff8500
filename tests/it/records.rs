//! Records come in, and what was answered changes with them.

use serde_json::{Value, json};

use crate::common::{TestHub, person, purpose, question};

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_is_seen_by_the_next_answer() {
    let hub = TestHub::with_parties().await;
    let (_, first) = hub.put("natural-person", &person()).await;
    assert_eq!((&first["status"], &first["version"]), (&json!("created"), &json!(1)));
    assert_eq!(hub.put("natural-person", &person()).await.1["status"], "unchanged");
    for n in 2..30 {
        let mut record = person();
        record["fields"]["name"] = json!(format!("张三{}", "一".repeat(n)));
        let (_, put) = hub.put("natural-person", &record).await;
        assert_eq!((&put["status"], &put["version"]), (&json!("updated"), &json!(n)));
        let (_, answer) = hub
            .verify("agency", &question(&json!({"name": record["fields"]["name"]})))
            .await;
        assert_eq!(
            (&answer["outcome"], &answer["record"]["version"]),
            (&json!("verified"), &json!(n))
        );
    }
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn older_and_repeated_versions_of_the_authority_are_ignored_and_told() {
    let hub = TestHub::with_parties().await;
    let with = |version: u64, name: &str| {
        let mut record = person();
        record["source_version"] = json!(version);
        record["fields"]["name"] = json!(name);
        record
    };
    assert_eq!(hub.put("natural-person", &with(5, "甲")).await.1["status"], "created");
    assert_eq!(hub.put("natural-person", &with(5, "乙")).await.1["status"], "ignored");
    assert_eq!(hub.put("natural-person", &with(4, "丙")).await.1["status"], "ignored");
    assert_eq!(hub.put("natural-person", &with(6, "丁")).await.1["status"], "updated");
    let (_, answer) = hub.verify("agency", &question(&json!({"name": "丁"}))).await;
    assert_eq!(answer["outcome"], "verified");
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn if_match_is_honoured() {
    let hub = TestHub::with_parties().await;
    hub.put("natural-person", &person()).await;
    let mut record = person();
    record["fields"]["name"] = json!("李四");
    for (tag, status) in [("\"7\"", 412), ("\"1\"", 200), ("\"1\"", 412), ("1", 400)] {
        let response = hub
            .client
            .put(format!("{}/v1/datasets/natural-person/records", hub.url))
            .bearer_auth(hub.token("authority"))
            .header("content-type", "application/json")
            .header("if-match", tag)
            .body(record.to_string())
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), status, "{tag}");
    }
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn good_rows_go_in_beside_bad_ones() {
    let hub = TestHub::with_parties().await;
    let mut unknown = person();
    unknown["fields"]["nick"] = json!("x");
    let mut invalid = person();
    invalid["subject"]["id_number"] = json!("11010519491231002A");
    let body = format!("{}\n{unknown}\nnot json\n{invalid}\n{{\"a\":1,\"a\":2}}\n", person());
    let response = hub
        .client
        .put(format!("{}/v1/datasets/natural-person/records", hub.url))
        .bearer_auth(hub.token("authority"))
        .header("content-type", "application/x-ndjson")
        .body(body)
        .send()
        .await
        .unwrap();
    let text = response.text().await.unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let codes: Vec<&str> = lines
        .iter()
        .filter_map(|line| line["problem"]["code"].as_str())
        .collect();
    assert_eq!(
        codes,
        [
            "unknown_member",
            "invalid_json",
            "invalid_identifier",
            "duplicate_member"
        ],
        "{text}"
    );
    assert_eq!(lines[0]["status"], "created");
    assert_eq!(lines[5]["summary"], json!({"created": 1, "rejected": 4, "lines": 5}));
    assert!(!text.contains("张三丰"));
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_owner_or_a_contributor_may_put_and_only_a_reader_may_read() {
    let hub = TestHub::with_parties().await;
    hub.put("natural-person", &person()).await;
    let token = hub.token("agency");
    let path = "/v1/datasets/natural-person/records";
    let (status, refusal) = hub.send("PUT", path, Some(&token), Some(&person())).await;
    assert_eq!((status, &refusal["code"]), (403, &json!("not_owner")));
    let query = json!({"subject": person()["subject"], "purpose": purpose()});
    let path = format!("{path}/query");
    let (status, _) = hub.send("POST", &path, Some(&token), Some(&query)).await;
    assert_eq!(status, 403);
    hub.grant(
        "agency",
        "natural-person",
        &["name", "domicile_address"],
        &["read", "contribute"],
    )
    .await;
    let (status, answer) = hub.send("POST", &path, Some(&token), Some(&query)).await;
    assert_eq!(status, 200, "{answer}");
    let fields = answer["fields"].as_object().unwrap();
    assert_eq!(fields.keys().collect::<Vec<_>>(), ["name", "domicile_address"]);
    assert!(!fields["name"].as_str().unwrap().contains("三丰"));
    // What the authority brought stays the authority's; what is not there yet may be brought.
    let path = "/v1/datasets/natural-person/records";
    let (status, refusal) = hub.send("PUT", path, Some(&token), Some(&person())).await;
    assert_eq!((status, &refusal["code"]), (403, &json!("not_owner")));
    let mut other = person();
    other["subject"]["id_number"] = json!("440524188001010014");
    other["fields"]["birth_date"] = json!("1880-01-01");
    let (status, answer) = hub.send("PUT", path, Some(&token), Some(&other)).await;
    assert_eq!(status, 200, "{answer}");
    hub.stop().await;
}
