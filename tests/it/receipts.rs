//! Every answer is provable offline, by those whom it concerns.

use heyan::ledger::{receipt, verify};
use serde_json::{Value, json};

use crate::common::{TestHub, person, question};

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_proves_its_answer_with_the_public_key_alone() {
    let hub = TestHub::with_parties().await;
    hub.put("natural-person", &person()).await;
    let (_, answer) = hub.verify("agency", &question(&json!({"name": "张三丰"}))).await;
    let index = answer["receipt"]["index"].as_u64().unwrap();
    let url = format!("{}/v1/receipts/hub-1.heyan.local/{index}", hub.url);
    let get = |accept: &'static str, client: &'static str| {
        hub.client
            .get(&url)
            .bearer_auth(hub.token(client))
            .header("accept", accept)
            .header("prefer", "wait=5")
            .send()
    };
    let text = get("text/plain", "agency").await.unwrap();
    assert_eq!(text.status(), 200);
    let text = text.bytes().await.unwrap();
    let key = hub.hub.ledger.vkey().to_owned();
    let proven = receipt::verify(&text, &key).unwrap();
    assert_eq!(proven.index, index);
    let json = get("application/json", "agency").await.unwrap().bytes().await.unwrap();
    assert!(receipt::verify(&json, &key).is_ok());
    let json: Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json["leaf"], answer["receipt"]["leaf"]);
    assert_eq!(get("text/plain", "agency2").await.unwrap().status(), 404);
    assert_eq!(get("text/plain", "auditor").await.unwrap().status(), 200);
    assert_eq!(get("image/png", "agency").await.unwrap().status(), 406);
    let mut forged = text.to_vec();
    let last = forged.len() - 10;
    forged[last] ^= 1;
    assert!(receipt::verify(&forged, &key).is_err());
    let folder = hub.stop().await;
    let report = verify::verify_dir(&TestHub::ledger_dir(folder.path()), Some(&key)).unwrap();
    assert_eq!(report.unsealed, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_keeps_records_access_and_ledger() {
    let hub = TestHub::with_parties().await;
    hub.put("natural-person", &person()).await;
    let (_, before) = hub.verify("agency", &question(&json!({"name": "张三丰"}))).await;
    let size = hub.ledger_size();
    let folder = hub.stop().await;
    let hub = TestHub::open(folder, |_| {}).await;
    assert_eq!(hub.ledger_size(), size);
    let (_, after) = hub.verify("agency", &question(&json!({"name": "张三丰"}))).await;
    assert_eq!(
        (&after["outcome"], &after["fields"]),
        (&before["outcome"], &before["fields"])
    );
    assert_eq!(after["receipt"]["index"].as_u64(), Some(size));
    hub.stop().await;
}
