//! Items are registered, listed and reported; a version that is not newer changes nothing.

use std::path::Path;

use serde_json::{Value, json};

use crate::{common::TestHub, nodes::Cluster};

fn item(version: u32) -> Value {
    json!({"code": "test-1", "name": "测试事项", "version": version, "materials": [
        {"id": "identity", "name": "身份", "dataset": "natural-person", "paper": true,
            "subject": {"id_number": "$applicant.id_number"}, "claims": {"name": "$applicant.name"}}]})
}

async fn put(hub: &TestHub, body: &Value) -> (u16, Value) {
    hub.send("PUT", "/v1/items", Some(&hub.token("manager")), Some(body))
        .await
}

/// Sends lines and gives back the answer's lines.
async fn put_lines(hub: &TestHub, lines: String) -> Vec<Value> {
    let request = hub
        .client
        .put(format!("{}/v1/items", hub.url))
        .bearer_auth(hub.token("manager"));
    let response = request.header("content-type", "application/x-ndjson").body(lines);
    let text = response.send().await.unwrap().text().await.unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_version_replaces_and_an_older_or_repeated_one_is_said_to_be_ignored() {
    let hub = TestHub::with_parties().await;
    for (version, status, counts) in [
        (2, "created", 2),
        (2, "unchanged", 2),
        (1, "ignored", 2),
        (3, "updated", 3),
    ] {
        let before = hub.ledger_size();
        let (code, answer) = put(&hub, &item(version)).await;
        assert_eq!(
            (code, &answer["status"], &answer["version"]),
            (200, &json!(status), &json!(counts)),
            "{answer}"
        );
        assert_eq!(hub.ledger_size(), before + 1, "changed or not, it is entered");
        assert_eq!(answer["receipt"].is_object(), matches!(status, "created" | "updated"));
    }
    let mut other = item(3);
    other["name"] = "别的名称".into();
    assert_eq!(put(&hub, &other).await.1["status"], "ignored");
    let folder = hub.stop().await;
    let hub = TestHub::open(folder, |_| {}).await;
    let (_, told) = hub
        .send("GET", "/v1/items/test-1", Some(&hub.token("agency")), None)
        .await;
    assert_eq!(
        (&told["version"], &told["name"]),
        (&json!(3), &json!("测试事项")),
        "it is there after a restart"
    );
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_items_are_refused_with_their_place_and_good_lines_go_in() {
    let hub = TestHub::with_parties().await;
    let with = |pointer: &str, value: Value| {
        let mut item = item(1);
        *item.pointer_mut(pointer).unwrap() = value;
        item
    };
    for (body, code, pointer) in [
        (
            with("/materials/0/dataset", json!("vehicle")),
            "invalid_value",
            "#/materials/0/dataset",
        ),
        (
            with("/materials/0/claims", json!({"nick": "$applicant.name"})),
            "unknown_field",
            "#/materials/0/claims/nick",
        ),
        (
            with("/materials/0/subject", json!({"id": "$applicant.name"})),
            "unknown_member",
            "#/materials/0/subject/id",
        ),
        (with("/version", json!(0)), "invalid_value", "#/version"),
        (json!({"code": "x", "name": "n", "nick": 1}), "unknown_member", "#/nick"),
        (json!({"code": "x"}), "missing_member", "#/name"),
    ] {
        let (status, problem) = put(&hub, &body).await;
        assert_eq!((status, &problem["code"]), (422, &json!(code)), "{problem}");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    let twice = r#"{"code":"x","name":"n","materials":[{"id":"i","name":"n","dataset":"natural-person",
        "subject":{"id_number":"$applicant.a"},"claims":{"name":"$applicant.b","name":"$applicant.c"}}]}"#;
    let lines = format!(
        "{}\n\n{}\nnot json\n{}\n",
        item(1),
        twice.replace('\n', ""),
        json!({"code": "a/b", "name": "n"})
    );
    let answers = put_lines(&hub, lines).await;
    assert_eq!(
        (&answers[0]["status"], &answers[0]["line"]),
        (&json!("created"), &json!(1))
    );
    assert_eq!(
        (&answers[1]["problem"]["code"], &answers[1]["line"]),
        (&json!("duplicate_member"), &json!(3))
    );
    assert_eq!(
        (&answers[2]["problem"]["code"], &answers[2]["line"]),
        (&json!("invalid_json"), &json!(4))
    );
    assert_eq!(answers[3]["problem"]["code"], "invalid_value");
    assert_eq!(answers[4]["summary"], json!({"created": 1, "rejected": 3, "lines": 5}));
    assert!(answers[4]["receipt"]["index"].is_u64());
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_report_names_what_is_demanded_on_paper_page_by_page() {
    let hub = TestHub::with_parties().await;
    assert_eq!(put(&hub, &item(1)).await.0, 200);
    let copied = json!({"code": "test-2", "name": "复印件", "materials": [{"id": "copy", "name": "营业执照登记信息（复印件）"}]});
    assert_eq!(put(&hub, &copied).await.0, 200);
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/v1/items/report?limit=1{cursor}");
        let (status, page) = hub.send("GET", &path, Some(&hub.token("auditor")), None).await;
        assert_eq!(status, 200, "{page}");
        assert!(page["materials_not_verifiable"].as_u64().unwrap() >= 3);
        found.extend(page["demanded_on_paper"].as_array().unwrap().clone());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let ours: Vec<_> = found
        .iter()
        .map(|demand| (demand["item_code"].as_str().unwrap(), demand["why"].as_str().unwrap()))
        .collect();
    assert_eq!(ours, [("test-1", "still_demanded"), ("test-2", "proven_elsewhere")]);
    assert_eq!(found[1]["dataset"], "legal-entity");
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_without_materials_goes_in_and_a_check_says_that_they_are_not_known() {
    let hub = TestHub::with_parties().await;
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/city/service-items.ndjson");
    let made = || {
        let line = |n: usize| {
            json!({"item_code": format!("511Z0700{n:04}-000"), "item_name": format!("事项{n}"),
            "item_type": "公共服务", "agency_code": "083372204", "agency_name": "区教科体局"})
        };
        (0..1_135).map(|n| format!("{}\n", line(n))).collect::<String>()
    };
    let list = std::fs::read_to_string(&shared).unwrap_or_else(|_not_there| made());
    let before = hub.hub.materials.items.load().len();
    let answers = put_lines(&hub, list.clone()).await;
    assert_eq!(
        answers.last().unwrap()["summary"],
        json!({"created": 1_135, "lines": 1_135})
    );
    assert_eq!(hub.hub.materials.items.load().len(), before + 1_135);
    let again = put_lines(&hub, list.clone()).await;
    assert_eq!(
        again.last().unwrap()["summary"],
        json!({"unchanged": 1_135, "lines": 1_135})
    );
    let first: Value = serde_json::from_str(list.lines().next().unwrap()).unwrap();
    let body = json!({"purpose": {"item_code": first["item_code"], "application_no": "A-1", "operator": "w"},
        "applicant": {"name": "王小明"}, "materials": {}});
    let (status, answer) = hub
        .send("POST", "/v1/checks", Some(&hub.token("agency")), Some(&body))
        .await;
    assert_eq!(
        (status, &answer["outcome"], &answer["materials"]),
        (200, &json!("not_known"), &json!({})),
        "{answer}"
    );
    assert!(answer["notice"]["zh"].as_str().unwrap().contains("尚未在系统登记"));
    assert!(answer["receipt"]["index"].is_u64());
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_item_that_one_node_registers_the_other_knows_and_of_two_versions_the_newer_counts() {
    let Some(cluster) = Cluster::start().await else { return };
    let (one, two) = (&cluster.one, &cluster.two);
    for version in 1..=6 {
        let (writer, reader) = if version % 2 == 0 { (one, two) } else { (two, one) };
        let (status, answer) = put(writer, &item(version)).await;
        assert_eq!((status, &answer["version"]), (200, &json!(version)), "{answer}");
        let until = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while reader
            .hub
            .materials
            .items
            .load()
            .get("test-1")
            .is_none_or(|known| known.spec.version != version)
        {
            assert!(
                std::time::Instant::now() < until,
                "the other node does not know version {version}"
            );
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        let (_, answer) = put(reader, &item(version)).await;
        assert_eq!(answer["status"], "unchanged");
    }
    // Two at once, of two nodes: one order or the other, and both know the newer at the end.
    let (older, newer) = (item(7), item(8));
    let ((a, _), (b, _)) = tokio::join!(put(one, &older), put(two, &newer));
    assert_eq!((a, b), (200, 200));
    for hub in [one, two] {
        let (_, answer) = put(hub, &item(7)).await;
        assert_eq!(
            (&answer["status"], &answer["version"]),
            (&json!("ignored"), &json!(8)),
            "{answer}"
        );
    }
    cluster.stop().await;
}
