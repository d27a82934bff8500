//! Every answer is provable offline, by those whom it concerns.

use heyan::ledger::{receipt, verify};
use serde_json::{Value, json};

use crate::{
    common::{TestHub, person, question},
    tool::{Folder, heyan_bare},
};

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

/// The chunk's entry holds its items in order: the proof of the one is the proof of each, and the command tells which is which.
#[tokio::test(flavor = "multi_thread")]
async fn the_receipt_of_a_batch_proves_each_of_its_items() {
    let hub = TestHub::with_parties().await;
    hub.put("natural-person", &person()).await;
    let mut items = Vec::new();
    for (number, name) in ["张三丰", "李四", "张三丰"].into_iter().enumerate() {
        let mut item = question(&json!({"name": name, "sex": "1"}));
        item.as_object_mut().unwrap().remove("purpose");
        item["ref"] = json!(number.to_string());
        items.push(item);
    }
    let body = json!({"purpose": question(&json!({}))["purpose"], "items": items});
    let token = hub.token("agency");
    let (status, answer) = hub
        .send("POST", "/v1/verifications/batch", Some(&token), Some(&body))
        .await;
    assert_eq!(status, 200, "{answer}");
    let index = &answer["receipt"]["index"];
    let url = format!("{}/v1/receipts/hub-1.heyan.local/{index}", hub.url);
    let receipt = hub
        .client
        .get(url)
        .bearer_auth(&token)
        .header("prefer", "wait=5")
        .send();
    let receipt = receipt.await.unwrap().bytes().await.unwrap();
    let folder = Folder::new();
    let (file, key) = (folder.put("receipt", &receipt), hub.hub.ledger.vkey().to_owned());
    for (number, result) in answer["results"].as_array().unwrap().iter().enumerate() {
        assert!(result["id"].as_str().unwrap().ends_with(&format!("-{number}")));
        let number = number.to_string();
        let command = [
            "receipt", "verify", &file, "--key", &key, "--item", &number, "--output", "json",
        ];
        let told = heyan_bare(&command, None).await;
        assert_eq!(told.exit, 0, "{told:?}");
        let item = &told.json()["item"];
        assert_eq!(
            (&item["outcome"], &item["rules"]),
            (&result["outcome"], &result["rules"])
        );
        let verdicts = item["fields"].as_array().unwrap().iter().map(|field| &field["verdict"]);
        let fields = result["fields"].as_object().unwrap().values();
        assert!(verdicts.eq(fields.map(|field| &field["verdict"])), "{item} {result}");
    }
    let told = heyan_bare(&["receipt", "verify", &file, "--key", &key, "--item", "3"], None).await;
    assert_eq!(told.exit, 1, "{told:?}");
    hub.stop().await;
}
