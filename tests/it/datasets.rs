//! A dataset is a file.

use serde_json::json;

use crate::common::{TestHub, purpose};

#[tokio::test(flavor = "multi_thread")]
async fn a_fifth_dataset_from_a_file_is_verified_without_a_line_of_rust() {
    let folder = tempfile::tempdir().unwrap();
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
        "x-heyan": {"dataset": "vehicle", "revision": 2, "title": {"zh": "机动车", "en": "Vehicles"},
            "sharing": "unconditional",
            "authority": {"name": {"zh": "公安局", "en": "Police"}, "credit_code": "11340200003015013K"},
            "update_cycle": "P1D", "freshness_s": 3600, "settle_window_days": 30, "correction_due_working_days": 10},
        "required": ["subject", "fields"], "additionalProperties": false,
        "properties": {
            "subject": {"type": "object", "required": ["plate"], "additionalProperties": false,
                "properties": {"plate": {"type": "string", "maxLength": 16, "x-heyan":
                    {"label": {"zh": "号牌号码", "en": "Plate"}, "identifier": "document_number", "mask": "none"}}}},
            "fields": {"type": "object", "additionalProperties": false, "properties": {
                "registered_on": {"type": "string", "x-heyan":
                    {"label": {"zh": "注册日期", "en": "Registered"}, "comparator": "date", "mask": "none"}},
                "owner_name": {"type": "string", "pattern": "^.{1,50}$", "x-heyan":
                    {"label": {"zh": "所有人", "en": "Owner"}, "comparator": "party_name", "mask": "name"}}}}}
    });
    std::fs::write(folder.path().join("vehicle.json"), schema.to_string()).unwrap();
    let hub = TestHub::start_with(|config| config.catalog.datasets_dir = folder.path().to_owned()).await;
    hub.add_parties().await;
    let record =
        json!({"subject": {"plate": "皖B·12345"}, "fields": {"registered_on": "2020-02-29", "owner_name": "王小明"}});
    let (status, put) = hub.put("vehicle", &record).await;
    assert_eq!(status, 200, "{put}");
    let body = json!({"dataset": "vehicle", "subject": {"plate": "皖Ｂ·１２３４５"},
        "claims": {"registered_on": "2020年2月29日", "owner_name": "王 小明"}, "purpose": purpose()});
    let (_, answer) = hub.verify("agency", &body).await;
    assert_eq!(
        (&answer["outcome"], &answer["rules"]),
        (&json!("verified"), &json!("vehicle@2")),
        "{answer}"
    );
    let (_, catalogue) = hub
        .send("GET", "/v1/datasets/vehicle", Some(&hub.token("agency")), None)
        .await;
    assert_eq!(catalogue["sharing"], "unconditional");
    hub.stop().await;
}
