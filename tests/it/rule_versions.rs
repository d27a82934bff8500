//! A dataset gets another comparator: records answer by it at once, without a migration, and what the old one decided stays
//! explained as it was.

use serde_json::{Value, json};

use crate::common::{TestHub, purpose};

fn schema(revision: u16, comparator: &str, earlier: &Value) -> Value {
    json!({
        "type": "object", "required": ["subject", "fields"], "additionalProperties": false,
        "x-heyan": {"dataset": "vehicle", "revision": revision, "earlier": earlier,
            "title": {"zh": "机动车", "en": "Vehicles"}, "sharing": "conditional",
            "authority": {"name": {"zh": "公安局", "en": "Police"}, "credit_code": "11340200003015013K"},
            "update_cycle": "P1D", "freshness_s": 3600, "settle_window_days": 30, "correction_due_working_days": 10},
        "properties": {
            "subject": {"type": "object", "required": ["plate"], "additionalProperties": false,
                "properties": {"plate": {"type": "string", "x-heyan":
                    {"label": {"zh": "号牌号码", "en": "Plate"}, "identifier": "document_number", "mask": "none"}}}},
            "fields": {"type": "object", "additionalProperties": false, "properties": {
                "registered_on": {"type": "string", "x-heyan":
                    {"label": {"zh": "注册日期", "en": "Registered"}, "comparator": comparator, "mask": "none"}}}}}
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn another_comparator_needs_no_migration_and_changes_no_explanation() {
    let datasets = tempfile::tempdir().unwrap();
    let write = |schema: &Value| std::fs::write(datasets.path().join("vehicle.json"), schema.to_string()).unwrap();
    let of_folder = |config: &mut heyan::config::Config| config.catalog.datasets_dir = datasets.path().to_owned();
    write(&schema(1, "text", &json!({})));
    let hub = TestHub::start_with(of_folder).await;
    hub.add_parties().await;
    hub.grant("agency", "vehicle", &["*"], &["verify", "read"]).await;
    let record = json!({"subject": {"plate": "皖B12345"}, "fields": {"registered_on": "2020年2月29日"}});
    assert_eq!(hub.put("vehicle", &record).await.0, 200);
    let body = json!({"dataset": "vehicle", "subject": {"plate": "皖B12345"}, "claims": {"registered_on": "2020-02-29"}, "purpose": purpose()});
    let (_, first) = hub.verify("agency", &body).await;
    assert_eq!(first["fields"]["registered_on"]["verdict"], "mismatch", "{first}");
    write(&schema(2, "date", &json!({"1": {"registered_on": "text"}})));
    let hub = TestHub::open(hub.stop().await, of_folder).await;
    let (_, second) = hub.verify("agency", &body).await;
    assert_eq!(
        (&second["fields"]["registered_on"]["verdict"], &second["rules"]),
        (&json!("match"), &json!("vehicle@2")),
        "{second}"
    );
    for (answer, rules, comparator, verdict) in [
        (first, "vehicle@1", "text", "mismatch"),
        (second, "vehicle@2", "date", "match"),
    ] {
        let path = format!("/v1/verifications/{}/explanation", answer["id"].as_str().unwrap());
        let (status, explained) = hub.send("GET", &path, Some(&hub.token("agency")), None).await;
        assert_eq!((status, &explained["rules"]), (200, &json!(rules)), "{explained}");
        let field = &explained["fields"]["registered_on"];
        assert_eq!(
            (&field["comparator"], &field["verdict"]),
            (&json!(comparator), &json!(verdict)),
            "{explained}"
        );
    }
    hub.stop().await;
}
