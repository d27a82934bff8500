//! Who looked: every look at a subject is in its trace, with all that the ledger knows of it, and nobody but an auditor reads it.

use serde_json::{Value, json};

use crate::{
    common::{ITEM, TestHub, person, purpose, question},
    nodes::Cluster,
};

const SUBJECT: &str = "11010519491231002X";

pub(crate) fn ask(more: &Value) -> Value {
    let mut body = json!({"dataset": "natural-person", "subject": {"id_number": SUBJECT}, "reason": "书面申请 117"});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

pub(crate) async fn trace(hub: &TestHub, more: &Value) -> Value {
    let token = hub.token("auditor");
    let (status, answer) = hub
        .send("POST", "/v1/traces/query", Some(&token), Some(&ask(more)))
        .await;
    assert_eq!(status, 200, "{answer}");
    answer
}

fn column<'a>(answer: &'a Value, name: &str) -> Vec<&'a str> {
    let rows = answer["rows"].as_array().unwrap();
    rows.iter().map(|row| row[name].as_str().unwrap_or_default()).collect()
}

async fn export(hub: &TestHub, accept: &str) -> String {
    let request = hub.client.post(format!("{}/v1/traces/query", hub.url));
    let request = request.bearer_auth(hub.token("auditor")).header("accept", accept);
    let request = request
        .header("content-type", "application/json")
        .body(ask(&json!({})).to_string());
    request.send().await.unwrap().text().await.unwrap()
}

/// Looks at the person in every way there is; answers the operations, newest first.
async fn look_in_every_way(hub: &TestHub) -> Vec<&'static str> {
    hub.grant("agency", "natural-person", &["name", "sex"], &["read"]).await;
    assert_eq!(hub.put("natural-person", &person()).await.0, 200);
    let (_, verified) = hub.verify("agency", &question(&json!({"name": "张三丰"}))).await;
    assert_eq!(verified["outcome"], "verified");
    let other = json!({"id_number": "340207199705305213"});
    let item =
        |subject: &Value| json!({"ref": "1", "dataset": "natural-person", "subject": subject, "claims": {"sex": "1"}});
    let mut asked = purpose();
    asked["application_no"] = "B-2".into();
    asked["reason"] = "=1+1".into();
    let batch = json!({"purpose": asked, "items": [item(&other), item(&json!({"id_number": SUBJECT}))]});
    let token = hub.token("agency2");
    let (status, _) = hub
        .send("POST", "/v1/verifications/batch", Some(&token), Some(&batch))
        .await;
    assert_eq!(status, 200);
    let query = json!({"subject": {"id_number": SUBJECT}, "purpose": purpose()});
    let path = "/v1/datasets/natural-person/records/query";
    let (status, read) = hub.send("POST", path, Some(&hub.token("agency")), Some(&query)).await;
    assert_eq!((status, read["fields"].as_object().unwrap().len()), (200, 2), "{read}");
    let path = format!("/v1/verifications/{}/explanation", verified["id"].as_str().unwrap());
    let (status, why) = hub.send("GET", &path, Some(&hub.token("agency")), None).await;
    assert_eq!(status, 200, "{why}");
    let (_, answer) = hub.verify("agency", &question(&json!({"name": "李四"}))).await;
    assert_eq!(answer["outcome"], "mismatched");
    vec![
        "mismatch.open",
        "verify",
        "explain",
        "query_record",
        "verify_many",
        "verify",
        "put_records",
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_look_at_a_subject_stands_in_its_trace_newest_first() {
    let hub = TestHub::with_parties().await;
    let mut wanted = look_in_every_way(&hub).await;
    let answer = trace(&hub, &json!({})).await;
    // An answer and what it opens are entered together, in either order.
    let mut told = column(&answer, "operation");
    told[..2].sort_unstable();
    assert_eq!(told, wanted);
    assert_eq!(
        (&answer["next_cursor"], &answer["incomplete"]),
        (&Value::Null, &json!([]))
    );
    let rows = answer["rows"].as_array().unwrap();
    let many = rows.iter().find(|row| row["operation"] == "verify_many").unwrap();
    assert_eq!(
        (&many["agency"], &many["application_no"]),
        (&json!("agency2"), &json!("B-2"))
    );
    assert_eq!(many["fields"], json!([{"name": "sex", "verdict": "match"}]));
    assert!(many["verification"].as_str().unwrap().ends_with("-1"), "{many}");
    let read = rows.iter().find(|row| row["operation"] == "query_record").unwrap();
    assert_eq!(
        read["fields"],
        json!([{"name": "name", "verdict": null}, {"name": "sex", "verdict": null}])
    );
    assert_eq!(
        (&read["item_code"], &read["operator"]),
        (&json!(ITEM), &json!("window-3"))
    );
    let first = &rows[rows.len() - 2];
    assert_eq!(first["outcome"], "verified");
    let path = format!(
        "/v1/receipts/{}/{}",
        first["receipt"]["origin"].as_str().unwrap(),
        first["receipt"]["index"]
    );
    assert_eq!(
        hub.send("GET", &path, Some(&hub.token("auditor")), None)
            .await
            .0
            .div_euclid(100),
        2
    );
    let again = trace(&hub, &json!({})).await;
    wanted.insert(0, "query_trace");
    assert_eq!(
        column(&again, "operation").len(),
        wanted.len(),
        "the question is in the next trace"
    );
    assert_eq!(
        (&again["rows"][0]["operator"], &again["rows"][0]["reason"]),
        (&json!("auditor"), &json!("书面申请 117"))
    );
    let none = json!({"subject": {"id_number": "340207199705305213"}});
    assert_eq!(
        column(&trace(&hub, &none).await, "operation"),
        ["verify_many"],
        "of the other, what was asked of it"
    );
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_is_told_by_page_by_time_and_as_an_export() {
    let hub = TestHub::with_parties().await;
    look_in_every_way(&hub).await;
    let whole = trace(&hub, &json!({})).await;
    let (mut paged, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let page = trace(&hub, &json!({"limit": 2, "cursor": cursor})).await;
        paged.extend(page["rows"].as_array().unwrap().clone());
        cursor = page["next_cursor"].clone();
        if cursor.is_null() {
            break;
        }
        assert_eq!(page["rows"].as_array().unwrap().len(), 2);
    }
    // The questions in between stand above the first page, whose own came before it.
    assert_eq!(paged[1..], whole["rows"].as_array().unwrap()[..]);
    let later = json!({"from": "2099-01-01T00:00:00Z"});
    assert_eq!(trace(&hub, &later).await["rows"], json!([]));
    let earlier = json!({"until": "2020-01-01T00:00:00Z"});
    assert_eq!(trace(&hub, &earlier).await["rows"], json!([]));
    let lines = export(&hub, "application/x-ndjson").await;
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let count = lines.len() - 1;
    assert_eq!(lines[count]["summary"]["rows"], json!(count));
    let csv = export(&hub, "text/csv").await;
    assert!(csv.starts_with('\u{feff}') && csv.lines().count() == count + 2, "{csv}");
    assert!(csv.contains(",'=1+1,"), "a formula is tamed");
    for (more, pointer) in [
        (json!({"reason": " "}), "#/reason"),
        (json!({"limit": 0}), "#/limit"),
        (json!({"limit": 1001}), "#/limit"),
        (json!({"from": "yesterday"}), "#/from"),
        (json!({"cursor": "AAAA"}), "#/cursor"),
    ] {
        let token = hub.token("auditor");
        let (status, answer) = hub
            .send("POST", "/v1/traces/query", Some(&token), Some(&ask(&more)))
            .await;
        assert_eq!(
            (status, &answer["errors"][0]["pointer"]),
            (422, &json!(pointer)),
            "{answer}"
        );
    }
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_index_is_built_again_and_holds_no_value() {
    let hub = TestHub::with_parties().await;
    look_in_every_way(&hub).await;
    let before = trace(&hub, &json!({})).await;
    let folder = hub.stop().await;
    std::fs::remove_dir_all(folder.path().join("data/index")).unwrap();
    let hub = TestHub::open(folder, |_| {}).await;
    let after = trace(&hub, &json!({})).await;
    assert_eq!(
        after["rows"].as_array().unwrap()[1..],
        before["rows"].as_array().unwrap()[..]
    );
    let folder = hub.stop().await;
    for entry in std::fs::read_dir(folder.path().join("data/index")).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        for value in [SUBJECT, "B-2", "张三丰", "window-3"] {
            assert!(!bytes.windows(value.len()).any(|window| window == value.as_bytes()));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trace_is_of_all_nodes_and_names_the_one_that_is_silent() {
    let Some(cluster) = Cluster::start().await else { return };
    assert_eq!(cluster.one.put("natural-person", &person()).await.0, 200);
    for (hub, agency) in [
        (&cluster.one, "agency"),
        (&cluster.two, "agency2"),
        (&cluster.one, "agency2"),
    ] {
        assert_eq!(hub.verify(agency, &question(&json!({"sex": "1"}))).await.0, 200);
    }
    let answer = trace(&cluster.two, &json!({})).await;
    assert_eq!(answer["incomplete"], json!([]));
    assert_eq!(column(&answer, "agency"), ["agency2", "agency2", "agency", "authority"]);
    let origins: Vec<&Value> = answer["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["receipt"]["origin"])
        .collect();
    assert_eq!(origins, ["hub-1.test", "hub-2.test", "hub-1.test", "hub-1.test"]);
    let Cluster {
        server,
        one,
        two,
        proxy,
    } = cluster;
    two.stop().await;
    let answer = trace(&one, &json!({})).await;
    assert_eq!(answer["incomplete"], json!([{"origin": "hub-2.test", "why": "silent"}]));
    assert_eq!(column(&answer, "agency").len(), 3, "{answer}");
    one.stop().await;
    drop((server, proxy));
}
