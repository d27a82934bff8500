//! What goes out over a real Kafka, and verification over it: payloads by their schemas, keys that are keyed hashes, nothing lost
//! while the broker is away, and nothing of a person anywhere.

use std::collections::BTreeMap;

use heyan::ledger::{CosignatureRule, VerifierKey};
use heyan::ports::bus::BusTopic;
use serde_json::{Value, json};

use super::{
    common::{TestHub, person, purpose, question},
    kafka_kit::{Brokers, Kafka, Read, Sent, wait_for},
};

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

async fn hub_on(kafka: &Kafka) -> TestHub {
    let hub = TestHub::start_with(|config| kafka.configure(config)).await;
    hub.add_parties().await;
    kafka.ready().await;
    hub
}

/// Holds every message against its schema, and against what every event of ours has.
fn check(hub: &TestHub, topic: BusTopic, messages: &[Read]) {
    for message in messages {
        let faults = hub.hub.catalog.events.check(topic.name(), &message.data());
        assert!(faults.is_empty(), "{}: {faults:?} in {}", topic.name(), message.text);
        let header = |name: &str| message.headers.get(name).map(String::as_str);
        assert_eq!(header("ce_specversion"), Some("1.0"));
        assert_eq!(header("ce_type"), Some(topic.name()));
        assert_eq!(header("ce_source"), Some("//hub-1.heyan.local"));
        assert_eq!(header("ce_partitionkey"), Some(message.key.as_str()));
        assert_eq!(header("content-type"), Some("application/json"));
        assert!(header("ce_id").is_some_and(|id| !id.is_empty()) && header("ce_time").is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_is_published_by_its_schema_under_a_keyed_hash_in_order() {
    let kafka = Kafka::get().await;
    let hub = hub_on(&kafka).await;
    assert_eq!(hub.put("natural-person", &person()).await.0, 200);
    let mut newer = person();
    newer["fields"]["name"] = "张三".into();
    assert_eq!(hub.put_traced("natural-person", &newer, TRACE).await, 200);
    for year in 1950..1957 {
        let claims = json!({"birth_date": format!("{year}-12-31"), "sex": "1"});
        let mut asked = question(&claims);
        asked["purpose"]["application_no"] = format!("A-{year}").into();
        let (status, answer) = hub.verify("agency", &asked).await;
        assert_eq!(status, 200, "{answer}");
    }
    let changed = kafka.wait(BusTopic::RecordChanged, 2).await;
    check(&hub, BusTopic::RecordChanged, &changed);
    let versions: Vec<Value> = changed
        .iter()
        .map(|message| message.data()["version"].clone())
        .collect();
    assert_eq!(versions, [json!(1), json!(2)]);
    let traces = changed.iter().map(|message| message.headers.get("traceparent"));
    assert_eq!(
        traces.collect::<Vec<_>>(),
        [None, Some(&TRACE.to_owned())],
        "the caller's, where it named one"
    );
    for message in &changed {
        assert_eq!(message.data()["record"], message.key.as_str());
        assert_eq!(message.headers["ce_subject"], message.key);
    }
    let completed = kafka.wait(BusTopic::VerificationCompleted, 7).await;
    check(&hub, BusTopic::VerificationCompleted, &completed);
    assert_eq!(completed.len(), 7);
    let indices: Vec<u64> = completed
        .iter()
        .map(|message| message.data()["receipt"]["index"].as_u64().unwrap())
        .collect();
    assert!(indices.is_sorted(), "one subject, one order: {indices:?}");
    let last = completed[0].data();
    assert_eq!(
        (&last["agency"], &last["fields"][0]["name"]),
        (&json!("agency"), &json!("birth_date"))
    );
    assert_eq!(completed[0].headers["ce_id"], last["id"].as_str().unwrap());
    let mismatches = kafka.wait(BusTopic::Mismatch, 1).await;
    check(&hub, BusTopic::Mismatch, &mismatches);
    let alert = wait_for("the alert", || {
        let alerts = kafka.read(BusTopic::Supervision);
        check(&hub, BusTopic::Supervision, &alerts);
        alerts.into_iter().find(|alert| alert.data()["rule"] == "guess_budget")
    })
    .await;
    assert_eq!(alert.key, changed[0].key);
    let shown = kafka.wait(BusTopic::Checkpoint, 1).await;
    check(&hub, BusTopic::Checkpoint, &shown);
    let shown = shown[0].data();
    let key = VerifierKey::parse(shown["key"].as_str().unwrap()).unwrap();
    let note = shown["checkpoint"].as_str().unwrap();
    let head = key.open(note.as_bytes(), CosignatureRule::Refused).unwrap();
    assert_eq!(
        (&json!(head.size), &json!(hub.hub.ledger.vkey())),
        (&shown["size"], &shown["key"])
    );
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_while_the_broker_is_away_and_verification_goes_on() {
    let brokers = match Brokers::start(1) {
        Ok(brokers) => brokers,
        Err(reason) => return super::postgres_kit::absent(&format!("Apache Kafka ({reason})"), "maven and a JRE"),
    };
    let kafka = Kafka::on(&brokers);
    let hub = hub_on(&kafka).await;
    hub.put("natural-person", &person()).await;
    kafka.wait(BusTopic::RecordChanged, 1).await;
    let mut asked = 0;
    for word in ["stop", "kill"] {
        brokers.command(word);
        let mut ids = Vec::new();
        for _ in 0..50 {
            let (status, answer) = hub.verify("agency", &question(&json!({"sex": "1"}))).await;
            assert_eq!(status, 200, "{answer}");
            ids.push(answer["id"].as_str().unwrap().to_owned());
        }
        asked += ids.len();
        let mut newer = person();
        newer["fields"]["name"] = format!("张{word}").into();
        assert_eq!(hub.put("natural-person", &newer).await.0, 200);
        brokers.command("resume");
        let completed = kafka.wait(BusTopic::VerificationCompleted, asked).await;
        let found: Vec<String> = completed
            .iter()
            .map(|message| message.headers["ce_id"].clone())
            .collect();
        assert!(
            ids.iter().all(|id| found.contains(id)),
            "an answer is missing after {word}"
        );
    }
    let changed = kafka.wait(BusTopic::RecordChanged, 3).await;
    let mut versions: Vec<u64> = changed
        .iter()
        .map(|message| message.data()["version"].as_u64().unwrap())
        .collect();
    versions.dedup();
    assert_eq!(versions, [1, 2, 3]);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_serves_with_no_broker_at_all_and_says_that_it_is_degraded() {
    let hub = TestHub::start_with(|config| {
        config.kafka.brokers = "127.0.0.1:1".to_owned();
    })
    .await;
    hub.add_parties().await;
    hub.put("natural-person", &person()).await;
    assert_eq!(hub.verify("agency", &question(&json!({"sex": "1"}))).await.0, 200);
    assert_eq!(hub.hub.outward.bus.state().as_str(), "degraded");
    assert_eq!(hub.hub.store.unpublished_events(10).await.unwrap().len(), 1);
    hub.stop().await;
}

#[tokio::test]
async fn a_hub_without_kafka_keeps_nothing_for_a_bus() {
    let hub = TestHub::with_parties().await;
    hub.put("natural-person", &person()).await;
    hub.put(
        "natural-person",
        &json!({"subject": person()["subject"], "fields": {"name": "李"}}),
    )
    .await;
    assert_eq!(hub.hub.outward.bus.state().as_str(), "local");
    assert!(hub.hub.store.unpublished_events(10).await.unwrap().is_empty());
    hub.stop().await;
}

fn request(reference: &str) -> Value {
    let mut item = question(&json!({"name": "张三丰", "sex": "1"}));
    item.as_object_mut().unwrap().remove("purpose");
    item["ref"] = reference.into();
    json!({"purpose": purpose(), "items": [item]})
}

#[tokio::test(flavor = "multi_thread")]
async fn verification_is_asked_for_by_a_proven_client_and_once_for_each_id() {
    let kafka = Kafka::get().await;
    let hub = hub_on(&kafka).await;
    hub.put("natural-person", &person()).await;
    let sender = kafka.sender();
    let (token, key) = (hub.token("agency"), "00112233445566778899aabbccddeeff");
    let bearer = format!("Bearer {token}");
    let other = format!("Bearer {}", hub.token("authority"));
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let good = request("one").to_string();
    let wrong = json!({"purpose": purpose(), "items": [{"ref": "x"}]}).to_string();
    let changed = request("two").to_string();
    let ask = async |id: &str, credential: Option<&str>, payload: &str| {
        let mut headers = vec![("ce_specversion", "1.0"), ("ce_type", BusTopic::VerifyRequest.name())];
        headers.extend([("ce_id", id), ("traceparent", trace)]);
        headers.extend(credential.map(|credential| ("authorization", credential)));
        let topic = BusTopic::VerifyRequest;
        let payload = payload.as_bytes();
        sender
            .send(&Sent {
                topic,
                key,
                headers: &headers,
                payload,
            })
            .await;
    };
    let size = hub.ledger_size();
    ask("r1", Some(&bearer), &good).await;
    ask("r1", Some(&bearer), &good).await;
    let results = kafka.wait(BusTopic::VerifyResult, 2).await;
    check(&hub, BusTopic::VerifyResult, &results);
    assert_eq!(
        results[0].text, results[1].text,
        "the same id is answered byte for byte"
    );
    assert_eq!(hub.ledger_size(), size + 1, "and judged once");
    let first = results[0].data();
    assert_eq!(first["results"][0]["outcome"], "verified");
    assert_eq!(
        (results[0].key.as_str(), &*results[0].headers["correlation-id"]),
        (key, "r1")
    );
    assert_eq!(results[0].headers["traceparent"], trace);
    assert_eq!(results[0].headers["ce_id"], results[1].headers["ce_id"]);
    for (id, credential, payload, status, code) in [
        ("r2", None, &good, 401, "unauthenticated"),
        ("r3", Some("Bearer nonsense"), &good, 401, "invalid_token"),
        ("r4", Some(other.as_str()), &good, 403, "role_not_allowed"),
        ("r5", Some(bearer.as_str()), &wrong, 422, "missing_member"),
        ("r1", Some(bearer.as_str()), &changed, 422, "idempotency_key_reused"),
    ] {
        let before = kafka.read(BusTopic::VerifyResult).len();
        ask(id, credential, payload).await;
        let results = kafka.wait(BusTopic::VerifyResult, before + 1).await;
        check(&hub, BusTopic::VerifyResult, &results);
        let answer = results.last().unwrap().data();
        assert_eq!(answer["request"], id);
        let found = (answer["status"].as_u64(), answer["problem"]["code"].as_str());
        assert_eq!(found, (Some(status), Some(code)), "{answer}");
    }
    // What is no event has nobody to answer.
    sender.event(BusTopic::VerifyRequest, key, "", &json!({})).await;
    let letters = kafka.wait(BusTopic::DeadLetter, 1).await;
    check(&hub, BusTopic::DeadLetter, &letters);
    assert_eq!(letters[0].data()["reason"], "invalid_event_id");
    // The answers of requests are in the ledger like all others, so they are told of as completed too.
    assert_eq!(kafka.wait(BusTopic::VerificationCompleted, 1).await.len(), 1);
    hub.stop().await;
}

/// All that the hub writes, as one text for each topic.
fn everything(kafka: &Kafka) -> BTreeMap<&'static str, String> {
    let outbound = BusTopic::ALL.into_iter().filter(|topic| !topic.is_inbound());
    outbound
        .map(|topic| {
            let messages = kafka.read(topic);
            let texts = messages
                .iter()
                .map(|message| format!("{} {:?} {}", message.key, message.headers, message.text));
            (topic.name(), texts.collect::<Vec<_>>().join("\n"))
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_value_of_a_person_stands_in_any_topic_that_the_hub_writes() {
    let kafka = Kafka::get().await;
    let hub = hub_on(&kafka).await;
    let (name, address, id) = ("冼稀有", "安徽省芜湖市镜湖区金丝雀路77号", "11010519491231002X");
    let mut record = person();
    record["fields"]["name"] = name.into();
    record["fields"]["domicile_address"] = address.into();
    record["dataset"] = "natural-person".into();
    let sender = kafka.sender();
    sender.event(BusTopic::Feed, id, "c1", &record).await;
    // Poison in every place that is looked at: a member's name, a value, no JSON at all.
    let mut poison = record.clone();
    poison["fields"][name] = "x".into();
    sender.event(BusTopic::Feed, id, "c2", &poison).await;
    let mut poison = record.clone();
    poison["fields"]["birth_date"] = address.into();
    sender.event(BusTopic::Feed, id, "c3", &poison).await;
    let headers = [("ce_specversion", "1.0"), ("ce_type", id), ("ce_id", name)];
    let payload = format!("{{{name}").into_bytes();
    sender
        .send(&Sent {
            topic: BusTopic::Feed,
            key: id,
            headers: &headers,
            payload: &payload,
        })
        .await;
    kafka.wait(BusTopic::DeadLetter, 3).await;
    kafka.wait(BusTopic::RecordChanged, 1).await;
    let claims = json!({"name": name, "domicile_address": "安徽省芜湖市镜湖区金丝雀路78号"});
    let mut asked = question(&claims);
    asked["purpose"]["operator"] = name.into();
    assert_eq!(hub.verify("agency", &asked).await.1["outcome"], "mismatched");
    let mut item = asked.clone();
    item.as_object_mut().unwrap().remove("purpose");
    item["ref"] = "r".into();
    let request = json!({"purpose": asked["purpose"], "items": [item]}).to_string();
    let bearer = format!("Bearer {}", hub.token("agency"));
    let headers = [
        ("ce_specversion", "1.0"),
        ("ce_type", BusTopic::VerifyRequest.name()),
        ("ce_id", "q"),
        ("authorization", bearer.as_str()),
    ];
    sender
        .send(&Sent {
            topic: BusTopic::VerifyRequest,
            key: id,
            headers: &headers,
            payload: request.as_bytes(),
        })
        .await;
    kafka.wait(BusTopic::VerifyResult, 1).await;
    kafka.wait(BusTopic::VerificationCompleted, 2).await;
    kafka.wait(BusTopic::Mismatch, 1).await;
    for (topic, text) in everything(&kafka) {
        for canary in [name, "金丝雀", "11010519491231002", "hys_", bearer.as_str()] {
            assert!(!text.contains(canary), "{topic} holds {canary}: {text}");
        }
    }
    opens(&hub, &kafka.read(BusTopic::DeadLetter));
    hub.stop().await;
}

/// The letters open for who has the keys, with all that was in them but credentials.
fn opens(hub: &TestHub, letters: &[Read]) {
    let opened = heyan::app::bus::dead_letter::open(&hub.hub.secrets.vault, &letters[0].data())
        .ok()
        .unwrap();
    assert!(opened.key.is_some() && opened.payload.is_some());
    assert!(!opened.headers.iter().any(|(name, _)| name == "authorization"));
    let mut moved = letters[0].data();
    moved["offset"] = 999.into();
    assert!(
        heyan::app::bus::dead_letter::open(&hub.hub.secrets.vault, &moved).is_err(),
        "it opens at its own place alone"
    );
}
