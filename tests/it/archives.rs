//! The archive pack: one file that proves an application's whole story by itself, and fails when any part of it is altered.

use heyan::app::archive::{check, tar};
use serde_json::{Value, json};

use crate::{
    common::{TestHub, person, question},
    mismatches::{act, hub_with, mismatch, subscribe, wait_for_state},
    receiver::Receiver,
    tool::{Folder, heyan, heyan_bare},
};

const APPLICATION: &str = "20261126-000042";

async fn pack(hub: &TestHub, client: &str, body: &Value) -> (u16, Vec<u8>) {
    let request = hub.client.post(format!("{}/v1/archives/query", hub.url));
    let request = request
        .bearer_auth(hub.token(client))
        .header("content-type", "application/json");
    let response = request.body(body.to_string()).send().await.unwrap();
    (response.status().as_u16(), response.bytes().await.unwrap().to_vec())
}

/// An application with a verification that mismatches, a record accepted, a push, and one that agrees.
async fn story(hub: &TestHub, receiver: &Receiver) {
    subscribe(hub, "agency", &receiver.url, &["*"]).await;
    hub.grant("agency", "natural-person", &["name"], &["read"]).await;
    let answer = mismatch(hub, "agency", APPLICATION, "李四").await;
    let id = answer["mismatch"]["id"].as_str().unwrap().to_owned();
    let acted = act(hub, "agency", &id, "k1", &json!({"action": "accept_record"})).await;
    assert_eq!(acted.status, 200, "{}", acted.body);
    wait_for_state(hub, &id, "closed").await;
    let mut body = question(&json!({"name": "张三丰"}));
    body["purpose"]["application_no"] = APPLICATION.into();
    assert_eq!(hub.verify("agency", &body).await.0, 200);
    body["purpose"]["application_no"] = "another".into();
    assert_eq!(hub.verify("agency2", &body).await.0, 200);
}

fn file<'f>(files: &'f [tar::TarFile], name: &str) -> Value {
    let file: &'f tar::TarFile = files.iter().find(|file| file.name == name).unwrap();
    serde_json::from_slice(&file.bytes).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pack_proves_the_whole_story_and_nothing_of_it_can_be_altered() {
    let receiver = Receiver::start(&[]);
    let hub = hub_with(&[receiver.port()]).await;
    story(&hub, &receiver).await;
    let ask = json!({"application_no": APPLICATION, "reason": "办结归档"});
    let (status, bytes) = pack(&hub, "auditor", &ask).await;
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&bytes));
    let files = tar::read(&bytes).unwrap();
    let verifications = file(&files, "verifications.json");
    let outcomes: Vec<&Value> = verifications
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["items"][0]["outcome"])
        .collect();
    assert_eq!(outcomes, ["mismatched", "verified"]);
    let mismatches = file(&files, "mismatches.json");
    let history = mismatches[0]["history"].as_array().unwrap();
    let actions: Vec<&str> = history.iter().map(|step| step["action"].as_str().unwrap()).collect();
    assert_eq!(actions[..2], ["open", "accept_record"]);
    let deliveries = file(&files, "deliveries.json");
    assert_eq!(deliveries[0]["state"], "delivered", "{deliveries}");
    assert_eq!(deliveries[0]["status"].as_u64().unwrap() / 100, 2, "{deliveries}");
    let keys = [hub.hub.ledger.vkey().to_owned()];
    let proven = check::check(&bytes, &keys).unwrap();
    assert_eq!(
        (proven.verifications, proven.mismatches, proven.application_no.as_str()),
        (2, 1, APPLICATION)
    );
    assert!(
        proven.deliveries >= 1 && proven.receipts > 2 + history.len(),
        "{proven:?}"
    );
    for (number, altered) in files.iter().enumerate() {
        let mut files = files.clone();
        let middle = altered.bytes.len() / 2;
        files[number].bytes[middle] ^= 1;
        let broken = check::check(&tar::write(&files, 0), &keys).unwrap_err();
        assert!(!broken.file.is_empty(), "{}: {broken}", altered.name);
        files.remove(number);
        assert!(
            check::check(&tar::write(&files, 0), &keys).is_err(),
            "without {}",
            altered.name
        );
    }
    assert!(check::check(&bytes, &[]).is_err(), "without the key");
    assert_eq!(
        pack(&hub, "auditor", &json!({"application_no": "none", "reason": "r"}))
            .await
            .0,
        404
    );
    let of_other = json!({"application_no": APPLICATION, "agency": "agency2", "reason": "r"});
    assert_eq!(pack(&hub, "auditor", &of_other).await.0, 404);
    assert_eq!(pack(&hub, "agency", &ask).await.0, 403);
    hub.stop().await;
    receiver.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_gets_a_pack_verifies_it_and_tells_a_trace() {
    let hub = TestHub::with_parties().await;
    assert_eq!(hub.put("natural-person", &person()).await.0, 200);
    assert_eq!(hub.verify("agency", &question(&json!({"sex": "1"}))).await.0, 200);
    let folder = Folder::new();
    folder.put("token", hub.token("auditor"));
    let (out, key) = (
        folder.path("pack.tar").display().to_string(),
        hub.hub.ledger.vkey().to_owned(),
    );
    let ran = heyan(&folder, &hub.url, &["archive", "A-1", "-o", &out]).await;
    assert_eq!(ran.exit, 0, "{ran:?}");
    let ran = heyan_bare(&["--output", "json", "archive", "verify", &out, "--key", &key], None).await;
    assert_eq!((ran.exit, &ran.json()["verifications"]), (0, &json!(1)), "{ran:?}");
    let mut bytes = std::fs::read(&out).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let altered = folder.put("altered.tar", &bytes);
    let ran = heyan_bare(&["archive", "verify", &altered, "--key", &key], None).await;
    assert_eq!(ran.exit, 1, "{ran:?}");
    let subject = folder.put("subject.json", r#"{"id_number":"11010519491231002X"}"#);
    let arguments = [
        "--output",
        "json",
        "trace",
        "natural-person",
        &subject,
        "--reason",
        "书面申请",
    ];
    let ran = heyan(&folder, &hub.url, &arguments).await;
    assert_eq!(
        (ran.exit, &ran.json()["rows"][0]["operation"]),
        (0, &json!("verify")),
        "{ran:?}"
    );
    hub.stop().await;
}
