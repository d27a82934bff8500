//! Verify-and-watch: a change of status, an expiry and a correction each tell within five seconds; what changes no verdict tells
//! nothing; and a watch is no way around a grant or the guess budget.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use heyan::ports::outward::NoConnectors;
use heyan::{
    api,
    config::Config,
    domain::calendar::{china_date, china_midnight_us},
};
use serde_json::{Value, json};

use crate::{
    common::{ShiftedClock, TestHub, person, purpose},
    nodes::Cluster,
    promise::CapabilityPromise,
    receiver::Receiver,
    wire::same,
};

pub(crate) const PROMISE: CapabilityPromise = CapabilityPromise {
    roles: &[
        ("add_watch", &["agency"]),
        ("list_watches", &["agency"]),
        ("get_watch", &["agency"]),
        ("remove_watch", &["agency"]),
    ],
    answers: &[
        ("add_watch", same::<api::WatchedVerification>),
        ("list_watches", same::<api::Watches>),
        ("get_watch", same::<api::Watch>),
    ],
    by_subject: &["watches"],
    whole: &[],
};

/// The acceptance of the feature.
const TOLD_WITHIN: Duration = Duration::from_secs(5);

fn loopback(config: &mut Config, port: u16) {
    config.push.networks = vec!["127.0.0.0/8".to_owned()];
    config.push.literal_networks = vec!["127.0.0.0/8".to_owned()];
    config.push.plain_http_networks = vec!["127.0.0.0/8".to_owned()];
    config.push.ports = vec![port];
    config.push.schedule_s = vec![0, 0, 0, 0];
}

async fn listening(receiver: &Receiver, clock: &Arc<ShiftedClock>) -> (TestHub, String) {
    let folder = tempfile::tempdir().unwrap();
    let clock: Arc<ShiftedClock> = Arc::clone(clock);
    let hub = TestHub::open_at(folder, Arc::new(NoConnectors), clock, |config| {
        loopback(config, receiver.port());
    })
    .await;
    hub.add_parties().await;
    let body = json!({"url": receiver.url, "events": ["verification.would_change"]});
    let (status, answer) = hub
        .send("POST", "/v1/subscriptions", Some(&hub.token("agency")), Some(&body))
        .await;
    assert_eq!(status, 201, "{answer}");
    (hub, answer["id"].as_str().unwrap().to_owned())
}

fn in_days(hub: &TestHub, days: i64) -> String {
    china_date(hub.hub.clock.now_us() + days * 86_400_000_000).to_string()
}

fn asked(hub: &TestHub, claims: &Value) -> Value {
    json!({"dataset": "natural-person", "subject": person()["subject"], "claims": claims, "purpose": purpose(),
           "until": in_days(hub, 60)})
}

async fn post(hub: &TestHub, client: &str, body: &Value) -> (u16, Value) {
    hub.send("POST", "/v1/watches", Some(&hub.token(client)), Some(body))
        .await
}

async fn watch(hub: &TestHub, body: &Value) -> Value {
    let (status, answer) = post(hub, "agency", body).await;
    assert_eq!(status, 201, "{answer}");
    answer
}

async fn get(hub: &TestHub, client: &str, id: &str) -> (u16, Value) {
    hub.send("GET", &format!("/v1/watches/{id}"), Some(&hub.token(client)), None)
        .await
}

async fn put(hub: &TestHub, field: &str, value: &str, version: i64) {
    let mut record = person();
    record["fields"][field] = value.into();
    record["source_version"] = version.into();
    let (status, answer) = hub.put("natural-person", &record).await;
    assert_eq!((status, &answer["version"]), (200, &json!(version)), "{answer}");
}

/// The nth notice, in time.
async fn notice(receiver: &Receiver, nth: usize) -> Value {
    let begun = Instant::now();
    let received = receiver.wait_until(|received| received.len() >= nth).await;
    let took = begun.elapsed();
    assert!(took < TOLD_WITHIN, "{took:?}");
    println!("notice {nth} after {took:?}");
    assert_eq!(received.len(), nth, "one notice for one change");
    let body = received[nth - 1].json();
    assert_eq!(body["type"], "heyan.verification.would_change.v1");
    for value in ["张三丰", "11010519491231002X", "正常", "注销"] {
        assert!(!received[nth - 1].body.contains(value), "no value leaves");
    }
    body["data"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_and_a_change_of_status_are_told_within_five_seconds_and_nothing_else_is() {
    let receiver = Receiver::start(&[]);
    let (hub, subscription) = listening(&receiver, &Arc::default()).await;
    put(&hub, "name", "张三丰", 1).await;
    let answer = watch(&hub, &asked(&hub, &json!({"name": "张三丰", "status": "正常"}))).await;
    assert_eq!(answer["outcome"], "verified", "{answer}");
    assert_eq!(answer["watch"]["state"], "unchanged");
    assert_eq!(answer["watch"]["told_by"], json!([subscription]));
    let id = answer["watch"]["id"].as_str().unwrap().to_owned();

    put(&hub, "domicile_address", "安徽省芜湖市镜湖区中山路1号", 2).await;
    put(&hub, "status", "注销", 3).await;
    let told = notice(&receiver, 1).await;
    assert_eq!(
        told["outcome"],
        json!({"before": "verified", "after": "mismatched"}),
        "{told}"
    );
    let members: Vec<&String> = told["fields"].as_object().unwrap().keys().collect();
    assert_eq!(members, ["status"], "only what changed");
    assert_eq!(told["fields"]["status"]["after"]["verdict"], "mismatch");
    assert_eq!((&told["cause"], &told["version"]), (&json!("record"), &json!(3)));
    assert_eq!(told["verification"], answer["id"]);
    let seen = get(&hub, "agency", &id).await.1;
    assert_eq!(
        (&seen["state"], &seen["notices"]),
        (&json!("changed"), &json!(1)),
        "{seen}"
    );
    assert_eq!(seen["last_told"], told["id"]);

    let receipt = format!("/v1/receipts/hub-1.heyan.local/{}", told["receipt"]["index"]);
    let token = hub.token("agency");
    let (status, receipt) = hub.send("GET", &receipt, Some(&token), None).await;
    assert!(matches!(status, 200 | 202), "{receipt}");
    // Who was told is known as one who was answered from that version.
    let subject = hub.hub.store.watch(&id).await.unwrap().unwrap().subject;
    let deadline = Instant::now() + TOLD_WITHIN;
    loop {
        let answers = hub.hub.store.answers_of(&[subject]).await.unwrap();
        if answers.iter().any(|answer| answer.version == 3) {
            break;
        }
        assert!(Instant::now() < deadline, "{answers:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    put(&hub, "status", "正常", 4).await;
    let told = notice(&receiver, 2).await;
    assert_eq!(told["outcome"]["after"], "verified");
    assert_eq!(get(&hub, "agency", &id).await.1["state"], "unchanged");
    hub.stop().await;
    receiver.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expiry_is_told_on_its_day_though_the_record_stands_still() {
    let (receiver, clock) = (Receiver::start(&[]), Arc::new(ShiftedClock::default()));
    let (hub, _) = listening(&receiver, &clock).await;
    let last = in_days(&hub, 3);
    let subject = json!({"licence_id": "1.2.156.3005.2.11100000000013338W001.11340200003015072N.00000001.001.W"});
    let record =
        json!({"subject": subject, "fields": {"type_name": "食品经营许可证", "status": "有效", "valid_until": last}});
    let (status, answer) = hub.put("e-licence", &record).await;
    assert_eq!(status, 200, "{answer}");
    let body = json!({
        "dataset": "e-licence", "subject": subject, "purpose": purpose(), "until": in_days(&hub, 30),
        "claims": {"status": "有效", "valid_until": {"op": "on_or_after", "value": "$today"}},
    });
    let answer = watch(&hub, &body).await;
    assert_eq!(answer["outcome"], "verified", "{answer}");
    let id = answer["watch"]["id"].as_str().unwrap().to_owned();
    // The first look finds the day on which the verdict will change.
    clock.forward_s(11);
    let midnight = china_midnight_us(last.parse().unwrap()) + 86_400_000_000;
    let deadline = Instant::now() + TOLD_WITHIN;
    while hub.hub.store.watch(&id).await.unwrap().unwrap().next_at != midnight {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    clock.forward_s(2 * 86_400);
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert!(receiver.received().is_empty(), "it is good for another day or two");
    clock.forward_s((midnight - hub.hub.clock.now_us()) / 1_000_000 + 1);
    let told = notice(&receiver, 1).await;
    assert_eq!(told["cause"], "date", "{told}");
    assert_eq!(told["outcome"], json!({"before": "verified", "after": "mismatched"}));
    // And at the end of its days it ends, and has forgotten what was claimed.
    clock.forward_s(31 * 86_400);
    let deadline = Instant::now() + TOLD_WITHIN;
    loop {
        let seen = get(&hub, "agency", &id).await.1;
        if seen["state"] == "ended" {
            assert_eq!(seen["ended"], "until");
            break;
        }
        assert!(Instant::now() < deadline, "{seen}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(receiver.received().len(), 1);
    hub.stop().await;
    receiver.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_is_its_agencys_own_and_ends_quietly_with_the_grant() {
    let receiver = Receiver::start(&[]);
    let (hub, _) = listening(&receiver, &Arc::default()).await;
    put(&hub, "name", "张三丰", 1).await;
    let claims = json!({"name": "张三丰"});
    for (member, value, code) in [
        ("until", json!("2026-11-01"), "invalid_value"),
        ("until", json!("2099-01-01"), "invalid_value"),
        ("until", json!("next year"), "invalid_value"),
        ("dataset", json!("none"), "invalid_value"),
        (
            "claims",
            json!({"birth_date": {"op": "on_or_before", "value": "$today-18y"}}),
            "invalid_predicate",
        ),
    ] {
        let mut body = asked(&hub, &claims);
        body[member] = value;
        let (status, answer) = post(&hub, "agency", &body).await;
        assert_eq!((status, &answer["code"]), (422, &json!(code)), "{answer}");
    }
    let kept = watch(&hub, &asked(&hub, &claims)).await;
    let gone = watch(&hub, &asked(&hub, &claims)).await;
    let (kept, gone) = (
        kept["watch"]["id"].as_str().unwrap().to_owned(),
        gone["watch"]["id"].as_str().unwrap().to_owned(),
    );
    assert_eq!(get(&hub, "agency2", &kept).await.0, 404);
    let path = format!("/v1/watches/{gone}");
    assert_eq!(
        hub.send("DELETE", &path, Some(&hub.token("agency2")), None).await.0,
        404
    );
    for _ in 0..2 {
        assert_eq!(hub.send("DELETE", &path, Some(&hub.token("agency")), None).await.0, 204);
    }
    assert_eq!(get(&hub, "agency", &gone).await.1["ended"], "withdrawn");
    let (_, all) = hub
        .send("GET", "/v1/watches?state=unchanged", Some(&hub.token("agency")), None)
        .await;
    assert_eq!(all["watches"].as_array().unwrap().len(), 1, "{all}");
    hub.revoke_all_grants().await;
    put(&hub, "name", "张三", 2).await;
    let deadline = Instant::now() + TOLD_WITHIN;
    while get(&hub, "agency", &kept).await.1["ended"] != "grant" {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(receiver.received().is_empty());
    hub.stop().await;
    receiver.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_is_no_way_around_the_guess_budget() {
    let hub = TestHub::with_parties().await;
    // Nobody is there yet, so nothing is guessed yet: eight names wait for the record.
    let names = ["王一", "王二", "王三", "王四", "王五", "王六", "王七", "张三丰"];
    for name in names {
        let answer = watch(&hub, &asked(&hub, &json!({"name": name}))).await;
        assert_eq!(answer["outcome"], "not_found", "{answer}");
    }
    // How far the same names come by plain verifications, about somebody else.
    let mut other = person();
    other["subject"]["id_number"] = "340207199705305213".into();
    assert_eq!(hub.put("natural-person", &other).await.0, 200);
    let mut plain = 0;
    for name in names {
        let mut body = crate::common::question(&json!({"name": name}));
        body["subject"] = other["subject"].clone();
        plain += usize::from(hub.verify("agency2", &body).await.1["outcome"] == "mismatched");
    }
    put(&hub, "name", "张三丰", 1).await;
    let deadline = Instant::now() + TOLD_WITHIN;
    let outcomes = loop {
        let (_, all) = hub.send("GET", "/v1/watches", Some(&hub.token("agency")), None).await;
        let all = all["watches"].as_array().unwrap().clone();
        if all.iter().all(|watch| watch["outcome"] != "not_found") {
            break all.iter().map(|watch| watch["outcome"].clone()).collect::<Vec<_>>();
        }
        assert!(Instant::now() < deadline, "{all:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let of = |word: &str| outcomes.iter().filter(|outcome| **outcome == word).count();
    assert!(plain > 0 && plain < 7, "{plain}");
    assert_eq!(of("mismatched"), plain, "{outcomes:?}");
    assert_eq!(of("mismatched") + of("review") + of("verified"), 8);
    assert!(of("review") >= 7 - plain);
    // What was answered is answered again for nothing, and what was held is held.
    put(&hub, "name", "王一", 2).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let (_, all) = hub.send("GET", "/v1/watches", Some(&hub.token("agency")), None).await;
    let held = |watch: &&Value| watch["fields"]["name"]["reason"] == "guess_budget";
    assert_eq!(
        all["watches"].as_array().unwrap().iter().filter(held).count(),
        of("review"),
        "{all}"
    );
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_on_another_node_is_told_once() {
    let Some(cluster) = Cluster::start().await else { return };
    put(&cluster.one, "name", "张三丰", 1).await;
    let answer = watch(&cluster.one, &asked(&cluster.one, &json!({"name": "张三丰"}))).await;
    let id = answer["watch"]["id"].as_str().unwrap().to_owned();
    put(&cluster.two, "name", "张三", 2).await;
    let deadline = Instant::now() + TOLD_WITHIN;
    while get(&cluster.two, "agency", &id).await.1["state"] != "changed" {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    assert_eq!(get(&cluster.one, "agency", &id).await.1["notices"], 1);
    cluster.stop().await;
}
