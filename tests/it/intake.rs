//! Each field's own comparator runs when records come in: what it cannot read is told, and refused or kept marked; a marked
//! value is for review. A dry run writes nothing, and a file that lacks columns erases nothing.

use serde_json::{Value, json};

use crate::common::{TestHub, person, question};

const RECORDS: &str = "/v1/datasets/natural-person/records";

fn with(fields: &Value) -> Value {
    let mut record = person();
    for (name, value) in fields.as_object().unwrap() {
        record["fields"][name] = value.clone();
    }
    record
}

async fn put(hub: &TestHub, query: &str, record: &Value) -> (u16, Value) {
    let path = format!("{RECORDS}{query}");
    hub.send("PUT", &path, Some(&hub.token("authority")), Some(record))
        .await
}

/// Puts lines; the answers by line.
async fn put_lines(hub: &TestHub, body: String) -> Vec<Value> {
    let request = hub
        .client
        .put(format!("{}{RECORDS}", hub.url))
        .bearer_auth(hub.token("authority"));
    let request = request.header("content-type", "application/x-ndjson").body(body);
    let text = request.send().await.unwrap().text().await.unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn identifiers_and_dates_that_cannot_be_read_are_refused_and_other_values_are_marked() {
    let hub = TestHub::with_parties().await;
    for date in [
        "NULL",
        "0000-00-01",
        "2020-13-01",
        "45000",
        "#VALUE!",
        "1949-12-31\u{0}",
    ] {
        let (status, problem) = put(&hub, "", &with(&json!({"birth_date": date}))).await;
        assert_eq!(
            (status, &problem["code"]),
            (422, &json!("invalid_value")),
            "{date:?}: {problem}"
        );
        let error = &problem["errors"][0];
        assert_eq!(error["pointer"], "#/fields/birth_date", "{problem}");
        let is_control = date.contains('\u{0}');
        let code = if is_control {
            "control_character"
        } else {
            "unreadable_value"
        };
        assert_eq!(error["code"], code, "{problem}");
        assert!(!problem.to_string().contains("1949"), "{problem}");
    }
    let marks =
        json!({"name": "张?丰", "sex": "未填", "ethnicity": "NULL", "domicile_address": "不详\u{0}", "status": "张"});
    let (status, stored) = put(&hub, "", &with(&marks)).await;
    assert_eq!((status, &stored["status"]), (200, &json!("created")), "{stored}");
    let told: Vec<(&str, &str)> = stored["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| (finding["field"].as_str().unwrap(), finding["code"].as_str().unwrap()))
        .collect();
    assert_eq!(
        told,
        [
            ("name", "unreadable_value"),
            ("sex", "unreadable_value"),
            ("ethnicity", "unreadable_value"),
            ("domicile_address", "control_character"),
            ("status", "unreadable_value"),
        ]
    );
    let claims =
        json!({"name": "张三丰", "sex": "男", "ethnicity": "汉族", "domicile_address": "芜湖市镜湖区北京中路2号"});
    let (_, answer) = hub.verify("agency", &question(&claims)).await;
    assert_eq!(answer["outcome"], "review", "{answer}");
    for name in ["name", "sex", "ethnicity", "domicile_address"] {
        assert_eq!(
            answer["fields"][name]["reason"], "unreadable_record",
            "{name}: {answer}"
        );
    }
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_contradicts_the_number_is_told_and_a_control_character_is_no_identifier() {
    let hub = TestHub::with_parties().await;
    let (status, stored) = put(&hub, "", &with(&json!({"birth_date": "1949-12-30"}))).await;
    assert_eq!(status, 200, "{stored}");
    assert_eq!(stored["findings"][0]["code"], "contradicts_identifier", "{stored}");
    assert_eq!(stored["findings"][0]["pointer"], "#/fields/birth_date", "{stored}");
    let (_, stored) = put(&hub, "", &with(&json!({"birth_date": "1949年12月31日"}))).await;
    assert!(stored.get("findings").is_none(), "{stored}");
    let mut record = person();
    record["subject"]["id_number"] = "11010519491231\u{0}002X".into();
    let (status, problem) = put(&hub, "", &record).await;
    assert_eq!(
        (status, &problem["errors"][0]["code"]),
        (422, &json!("control_character")),
        "{problem}"
    );
    let mut record = person();
    record["source"] = "register\u{0}".into();
    let (status, problem) = put(&hub, "", &record).await;
    assert_eq!(
        (status, &problem["errors"][0]["pointer"]),
        (422, &json!("#/source")),
        "{problem}"
    );
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_told_one_by_one_and_counted() {
    let hub = TestHub::with_parties().await;
    let lines = [
        person(),
        with(&json!({"name": "王*"})),
        with(&json!({"birth_date": "未知"})),
    ];
    let body: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let answers = put_lines(&hub, body).await;
    assert_eq!(answers[0]["status"], "created", "{answers:?}");
    assert!(answers[0].get("findings").is_none(), "{answers:?}");
    assert_eq!(
        (&answers[1]["line"], &answers[1]["findings"][0]["field"]),
        (&json!(2), &json!("name"))
    );
    assert_eq!(
        answers[2]["problem"]["errors"][0]["code"], "unreadable_value",
        "{answers:?}"
    );
    let summary = &answers[3]["summary"];
    assert_eq!(
        (&summary["marked"], &summary["rejected"]),
        (&json!(1), &json!(1)),
        "{answers:?}"
    );
    let metrics = String::from_utf8(hub.hub.node.metrics.text().unwrap()).unwrap();
    let line = "heyan_intake_findings_total{code=\"unreadable_value\",dataset=\"natural-person\",origin=\"rest\",result=\"marked\"} 1";
    assert!(metrics.contains(line), "{metrics}");
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_what_would_change_and_writes_nothing() {
    let hub = TestHub::with_parties().await;
    let (_, would) = put(&hub, "?dry_run=true", &person()).await;
    assert_eq!(
        (&would["status"], &would["version"]),
        (&json!("created"), &json!(1)),
        "{would}"
    );
    assert_eq!(would["receipt"]["index"], Value::Null, "{would}");
    let (_, stored) = put(&hub, "", &person()).await;
    assert_eq!(stored["status"], "created", "the dry run wrote: {stored}");
    let mut shorter = person();
    shorter["fields"] = json!({"name": "张三丰", "sex": "1"});
    let (_, would) = put(&hub, "?dry_run=true", &shorter).await;
    assert_eq!(would["status"], "updated", "{would}");
    let mut erased: Vec<&str> = would["erased"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    erased.sort_unstable();
    assert_eq!(
        erased,
        ["birth_date", "domicile_address", "ethnicity", "status"],
        "{would}"
    );
    let (_, would) = put(&hub, "?dry_run=true&keep=*", &shorter).await;
    assert_eq!(
        (&would["status"], would.get("erased")),
        (&json!("unchanged"), None),
        "{would}"
    );
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kept_fields_stay_where_a_record_says_nothing_of_them() {
    let hub = TestHub::with_parties().await;
    put(&hub, "", &person()).await;
    let mut shorter = person();
    shorter["fields"] = json!({"name": "张四丰"});
    let (_, stored) = put(&hub, "?keep=birth_date,sex", &shorter).await;
    assert_eq!(
        (&stored["status"], &stored["version"]),
        (&json!("updated"), &json!(2)),
        "{stored}"
    );
    let claims = json!({"name": "张四丰", "birth_date": "1949-12-31", "sex": "男", "ethnicity": "汉族"});
    let (_, answer) = hub.verify("agency", &question(&claims)).await;
    for (name, verdict) in [
        ("name", "match"),
        ("birth_date", "match"),
        ("sex", "match"),
        ("ethnicity", "absent"),
    ] {
        assert_eq!(answer["fields"][name]["verdict"], verdict, "{name}: {answer}");
    }
    // Without it a record replaces the stored one, as before.
    let (_, stored) = put(&hub, "", &shorter).await;
    assert_eq!(stored["version"], 3, "{stored}");
    let (_, answer) = hub.verify("agency", &question(&json!({"sex": "男"}))).await;
    assert_eq!(answer["fields"]["sex"]["verdict"], "absent", "{answer}");
    let (status, _) = put(&hub, "?keep=nothing", &shorter).await;
    assert_eq!(status, 400);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dataset_says_what_is_refused_and_what_is_marked() {
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string("schemas/datasets/natural-person.json").unwrap();
    let mut schema: Value = serde_json::from_str(&text).unwrap();
    schema["x-heyan"]["intake"] = "refuse".into();
    schema["properties"]["fields"]["properties"]["birth_date"]["x-heyan"]["intake"] = "mark".into();
    std::fs::write(folder.path().join("natural-person.json"), schema.to_string()).unwrap();
    let hub = TestHub::start_with(|config| config.catalog.datasets_dir = folder.path().to_owned()).await;
    hub.add_parties().await;
    let (status, problem) = put(&hub, "", &with(&json!({"name": "王?"}))).await;
    assert_eq!(status, 422, "{problem}");
    let (status, stored) = put(&hub, "", &with(&json!({"birth_date": "0000-00-01"}))).await;
    assert_eq!(
        (status, &stored["findings"][0]["field"]),
        (200, &json!("birth_date")),
        "{stored}"
    );
    let (_, answer) = hub
        .verify("agency", &question(&json!({"birth_date": "1949-12-31"})))
        .await;
    assert_eq!(
        answer["fields"]["birth_date"]["reason"], "unreadable_record",
        "{answer}"
    );
    hub.stop().await;
}
