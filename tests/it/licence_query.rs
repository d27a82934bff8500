//! A licence is found by its type, the number on its face and its holder together, and by nothing less.

use serde_json::{Value, json};

use crate::{
    common::{TestHub, purpose},
    licence_kit::{HOLDER, fields, licence_id, put, with},
};

fn key() -> Value {
    json!({"type_name": "食品经营许可证", "licence_no": "皖C324506226815", "holder_id": HOLDER})
}

async fn query(hub: &TestHub, client: &str, key: &Value) -> (u16, Value) {
    let body = json!({"purpose": purpose(), "key": key, "on": "2026-11-26"});
    hub.send("POST", "/v1/licences/query", Some(&hub.token(client)), Some(&body))
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_licence_is_found_by_all_three_and_by_nothing_less() {
    let hub = TestHub::with_parties().await;
    let id = licence_id("8000000001", "001");
    put(&hub, &id, &fields()).await;
    let (status, answer) = query(&hub, "agency", &key()).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["outcome"], "verified", "{answer}");
    assert_eq!(answer["validity"], json!({"on": "2026-11-26", "state": "valid"}));
    assert_eq!(answer["identifier"]["place"], "home");
    assert!(answer.get("licence").is_none(), "no `read`: {answer}");
    // As people write it: full width, a small x.
    let written = with(
        key(),
        &json!({"licence_no": "皖ｃ324506226815", "holder_id": "11010519491231002x"}),
    );
    assert_eq!(query(&hub, "agency", &written).await.1["outcome"], "verified");
    // One of the three missing.
    for name in ["type_name", "licence_no", "holder_id"] {
        let mut part = key();
        part.as_object_mut().unwrap().remove(name);
        let (status, answer) = query(&hub, "agency", &part).await;
        assert_eq!(
            (status, answer["code"].as_str()),
            (422, Some("missing_member")),
            "{answer}"
        );
    }
    // One of them wrong: the same answer, whichever it is, with and without a licence.
    let mut answers = Vec::new();
    for change in [
        json!({"type_name": "卫生许可证"}),
        json!({"licence_no": "皖C324506226816"}),
        json!({"holder_id": "440524188001010014"}),
    ] {
        let (status, mut answer) = query(&hub, "agency", &with(key(), &change)).await;
        assert_eq!(status, 200, "{answer}");
        for own in ["id", "receipt"] {
            answer.as_object_mut().unwrap().remove(own);
        }
        answers.push(answer);
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!(answers[0]["outcome"], "not_found");
    // What its grant reads, masked.
    hub.grant("agency2", "e-licence", &["holder_name", "valid_until"], &["read"])
        .await;
    let (_, answer) = query(&hub, "agency2", &key()).await;
    assert_eq!(answer["licence"]["subject"]["licence_id"], id, "{answer}");
    assert_eq!(
        answer["licence"]["fields"],
        json!({"holder_name": "张**", "valid_until": "2030-12-31"})
    );
    // Its newest version answers.
    let second = licence_id("8000000001", "002");
    put(&hub, &second, &with(fields(), &json!({"status": "暂扣"}))).await;
    let (_, answer) = query(&hub, "agency2", &key()).await;
    assert_eq!(answer["licence"]["subject"]["licence_id"], second, "{answer}");
    assert_eq!(answer["validity"]["state"], "suspended");
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_licence_that_two_people_hold_is_found_by_each_of_them() {
    let hub = TestHub::with_parties().await;
    let (husband, wife) = (HOLDER, "440524188001010014");
    let marriage = json!({"type_name": "结婚证", "licence_no": "J340202-2010-000123", "holder_name": "张三丰、李四娘",
        "holder_id": format!("{husband}，{wife}"), "status": "有效"});
    put(&hub, &licence_id("8100000001", "001"), &marriage).await;
    let outcome = async |holder: &str| {
        let key = with(marriage.clone(), &json!({"holder_id": holder}));
        let key =
            json!({"type_name": key["type_name"], "licence_no": key["licence_no"], "holder_id": key["holder_id"]});
        let (status, answer) = query(&hub, "agency", &key).await;
        assert_eq!(status, 200, "{answer}");
        answer["outcome"].as_str().unwrap().to_owned()
    };
    // One of several holders is found, and a person looks: the answer does not say that the licence is theirs alone.
    assert_eq!(outcome(husband).await, "review");
    assert_eq!(outcome(wife).await, "review");
    assert_eq!(outcome(&format!("{wife}、{husband}")).await, "verified");
    assert_eq!(outcome("360426199101010071").await, "not_found");
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_of_a_holder_cannot_be_tried_out() {
    let hub = TestHub::with_parties().await;
    hub.revoke_all_grants().await;
    hub.grant("agency", "e-licence", &["*"], &["verify"]).await;
    put(&hub, &licence_id("9000000001", "001"), &fields()).await;
    let mut outcomes = Vec::new();
    for number in 0..12 {
        let wrong = with(key(), &json!({"licence_no": format!("皖C{number:012}")}));
        let (status, answer) = query(&hub, "agency", &wrong).await;
        assert_eq!(status, 200, "{answer}");
        outcomes.push(answer["outcome"].as_str().unwrap().to_owned());
    }
    assert_eq!(outcomes[0], "mismatched");
    assert_eq!(outcomes[11], "review", "{outcomes:?}");
    // The right one is no longer told either, and looks the same.
    let (_, wrong) = query(&hub, "agency", &with(key(), &json!({"licence_no": "皖C999999999999"}))).await;
    let (_, right) = query(&hub, "agency", &key()).await;
    for answer in [&wrong, &right] {
        assert_eq!(answer["outcome"], "review", "{answer}");
        assert!(answer.get("record").is_none());
    }
    assert_eq!(wrong["fields"], right["fields"]);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_older_rules_are_made_anew_while_the_hub_serves() {
    use heyan::ports::{commit::Commit, positions::ReadPosition, records::RecordKeys};
    let hub = TestHub::with_parties().await;
    let ids: Vec<String> = (0..3).map(|n| licence_id(&format!("800000000{n}"), "001")).collect();
    for id in &ids {
        put(&hub, id, &fields()).await;
    }
    // As an older heyan left them: under other hashes.
    let dataset = hub.hub.catalog.get("e-licence").unwrap();
    let keys: Vec<RecordKeys> = ids
        .iter()
        .map(|id| RecordKeys {
            dataset: dataset.name.clone(),
            subject: {
                let subject = dataset.parse_subject(|_| Some(id)).ok().unwrap();
                hub.hub.records.loader.subject_key(dataset, &subject.key)
            },
            replaces: true,
            hashes: vec![[7; 16]],
        })
        .collect();
    let position = ReadPosition {
        name: "keys:e-licence".to_owned(),
        value: "0 e-licence@1 done".to_owned(),
    };
    hub.hub.write(Commit::at(1).with(keys).with(position)).await.unwrap();
    assert_eq!(query(&hub, "agency", &key()).await.1["outcome"], "not_found");
    heyan::app::node::upkeep::sweep(&hub.hub, hub.hub.clock.now_us())
        .await
        .unwrap();
    assert_eq!(query(&hub, "agency", &key()).await.1["outcome"], "verified");
    let position = hub.hub.store.position("keys:e-licence").await.unwrap().unwrap();
    assert!(position.ends_with(" done"), "{position}");
    hub.stop().await;
}
