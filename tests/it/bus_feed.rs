//! The feed topic against a model: duplicates, older versions, poison, what follows poison, a stop in the middle, and a topic that
//! was made anew.

use std::{collections::BTreeMap, sync::Arc};

use heyan::app::bus::feed::position_name;
use heyan::ports::bus::BusTopic;
use serde_json::{Value, json};

use super::{
    common::{TestHub, person, with_check_character},
    kafka_kit::{Kafka, PARTITIONS, Sent, wait_for},
};

/// The nth synthetic resident number with a right check character.
fn id_number(n: u32) -> String {
    with_check_character(&format!(
        "340207{:04}{:02}15{:03}",
        1940 + n % 60,
        1 + n % 12,
        n / 60 % 1000
    ))
}

fn record(n: u32, name: &str, version: Option<u64>) -> Value {
    let number = id_number(n);
    let mut record = json!({
        "dataset": "natural-person",
        "subject": {"id_number": number},
        "fields": {"name": name, "sex": "1", "birth_date": format!("{}-{}-{}", &number[6..10], &number[10..12], &number[12..14])},
    });
    if let Some(version) = version {
        record["source_version"] = version.into();
    }
    record
}

struct Line {
    key: String,
    id: String,
    payload: Vec<u8>,
}

async fn send(kafka: &Kafka, lines: &[Line]) {
    let headers: Vec<[(&str, &str); 3]> = lines
        .iter()
        .map(|line| {
            [
                ("ce_specversion", "1.0"),
                ("ce_type", BusTopic::Feed.name()),
                ("ce_id", line.id.as_str()),
            ]
        })
        .collect();
    let sent: Vec<Sent<'_>> = lines
        .iter()
        .zip(&headers)
        .map(|(line, headers)| Sent {
            topic: BusTopic::Feed,
            key: &line.key,
            headers,
            payload: &line.payload,
        })
        .collect();
    kafka.sender().send_all(&sent).await;
}

fn line(key: u32, id: usize, payload: &Value) -> Line {
    Line {
        key: format!("k{key}"),
        id: id.to_string(),
        payload: payload.to_string().into_bytes(),
    }
}

async fn hub_on(kafka: &Kafka) -> TestHub {
    let hub = TestHub::start_with(|config| kafka.configure(config)).await;
    hub.add_parties().await;
    kafka.ready().await;
    hub
}

/// Name and version of every record of the model that is stored.
async fn stored(hub: &TestHub, numbers: std::ops::Range<u32>) -> BTreeMap<u32, (String, u64)> {
    let mut found = BTreeMap::new();
    for n in numbers {
        let body = json!({"subject": {"id_number": id_number(n)}, "item_code": super::common::ITEM, "purpose": super::common::purpose()});
        let mut body = body;
        body.as_object_mut().unwrap().remove("item_code");
        let path = "/v1/datasets/natural-person/records/query";
        let (status, answer) = hub.send("POST", path, Some(&hub.token("authority")), Some(&body)).await;
        match status {
            200 => {
                let name = answer["fields"]["name"].as_str().unwrap().to_owned();
                found.insert(n, (name, answer["record"]["version"].as_u64().unwrap()));
            }
            404 => {}
            _ => panic!("{status} {answer}"),
        }
    }
    found
}

/// Sum of the positions in the store: how many messages of the topic are done.
async fn done(hub: &TestHub) -> u64 {
    let mut sum = 0;
    for partition in 0..PARTITIONS {
        let position = hub.hub.store.position(&position_name(partition)).await.unwrap();
        sum += position.map_or(0, |text| text.parse::<u64>().unwrap());
    }
    sum
}

async fn wait_done(hub: &TestHub, count: usize) {
    let until = std::time::Instant::now() + super::kafka_kit::PATIENCE;
    while done(hub).await < count as u64 {
        assert!(std::time::Instant::now() < until, "{} of {count}", done(hub).await);
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn duplicates_older_versions_and_poison_end_in_the_state_of_the_model() {
    const PEOPLE: u32 = 60;
    let kafka = Kafka::get().await;
    let hub = hub_on(&kafka).await;
    let (mut lines, mut model) = (Vec::new(), BTreeMap::new());
    let mut poison = 0;
    for round in 1..=8_u64 {
        for n in 0..PEOPLE {
            // Now and then an older version comes late, and one comes twice.
            let version = match (u64::from(n) + round) % 7 {
                0 if round > 2 => round - 2,
                _ => round,
            };
            let name = format!("甲{version}");
            let of_model = model.entry(n).or_insert((0, String::new()));
            if version > of_model.0 {
                *of_model = (version, name.clone());
            }
            let new = line(n, lines.len(), &record(n, &name, Some(version)));
            if (u64::from(n) * 3 + round) % 11 == 0 {
                lines.push(line(n, lines.len(), &record(n, &name, Some(version))));
            }
            lines.push(new);
            if (u64::from(n) + 5 * round) % 13 == 0 {
                poison += 1;
                let mut bad = record(n, "乙", Some(round + 100));
                bad["fields"]["sex"] = "9".into();
                bad["fields"]["no_such_field"] = "x".into();
                lines.push(line(n, lines.len(), &bad));
            }
        }
    }
    send(&kafka, &lines).await;
    wait_done(&hub, lines.len()).await;
    let names: BTreeMap<u32, String> = stored(&hub, 0..PEOPLE)
        .await
        .into_iter()
        .map(|(n, (name, _))| (n, name))
        .collect();
    let expected: BTreeMap<u32, String> = model.into_iter().map(|(n, (_, name))| (n, name)).collect();
    assert_eq!(names, expected);
    let letters = kafka.wait(BusTopic::DeadLetter, poison).await;
    assert_eq!(letters.len(), poison);
    assert!(letters.iter().all(|letter| letter.data()["class"] == "record"));
    assert_eq!(
        hub.hub
            .store
            .parked_keys(BusTopic::Feed.name(), 1_000)
            .await
            .unwrap()
            .len()
            % 2,
        0
    );
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_poison_a_version_decides_and_what_has_none_is_parked_until_one_comes() {
    let kafka = Kafka::get().await;
    let hub = hub_on(&kafka).await;
    let bad = json!({"dataset": "natural-person", "subject": {"id_number": id_number(1)}, "fields": {"name": 7}});
    let lines = [
        line(1, 0, &record(1, "甲", None)),
        line(1, 1, &bad),
        line(1, 2, &record(1, "乙", None)),
        line(2, 3, &record(2, "丙", None)),
        // The same subject under another key is the same order.
        line(3, 4, &record(1, "丁", None)),
        line(1, 5, &record(1, "戊", Some(5))),
        line(1, 6, &record(1, "己", None)),
    ];
    send(&kafka, &lines[..4]).await;
    wait_done(&hub, 4).await;
    let names = stored(&hub, 1..3).await;
    assert_eq!(names[&1], ("甲".to_owned(), 1), "the successor waits");
    assert_eq!(names[&2], ("丙".to_owned(), 1), "other keys do not");
    assert_eq!(
        hub.hub
            .store
            .parked_keys(BusTopic::Feed.name(), 10)
            .await
            .unwrap()
            .len(),
        2
    );
    // What is parked is known after a start too.
    let folder = hub.stop().await;
    let hub = TestHub::open(folder, |config| kafka.configure(config)).await;
    send(&kafka, &lines[4..5]).await;
    wait_done(&hub, 5).await;
    assert_eq!(stored(&hub, 1..2).await[&1].0, "甲");
    send(&kafka, &lines[5..]).await;
    wait_done(&hub, 7).await;
    assert_eq!(
        stored(&hub, 1..2).await[&1],
        ("己".to_owned(), 3),
        "a version of its own ends the waiting"
    );
    let classes: Vec<String> = kafka
        .wait(BusTopic::DeadLetter, 3)
        .await
        .iter()
        .map(|letter| letter.data()["class"].as_str().unwrap().to_owned())
        .collect();
    let count = |class: &str| classes.iter().filter(|found| *found == class).count();
    assert_eq!((count("schema"), count("parked")), (1, 2), "{classes:?}");
    assert!(
        hub.hub
            .store
            .parked_keys(BusTopic::Feed.name(), 10)
            .await
            .unwrap()
            .is_empty()
    );
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_applied_twice_or_skipped_over_stops_whatever_kafka_remembers() {
    const ROUNDS: u32 = 4;
    let kafka = Kafka::get().await;
    let mut hub = hub_on(&kafka).await;
    let mut sent = 0;
    for round in 0..ROUNDS {
        // Without versions of their own, each message that is applied makes one version more.
        let lines: Vec<Line> = (0..200)
            .map(|n| {
                line(
                    n % 20,
                    sent + usize::try_from(n).unwrap(),
                    &record(n % 20, &format!("甲{round}之{n}"), None),
                )
            })
            .collect();
        send(&kafka, &lines).await;
        sent += lines.len();
        if round % 2 == 0 {
            wait_for("a beginning", || Some(())).await;
        }
        let folder = hub.stop().await;
        // A group that Kafka has never heard of: only the store knows where to go on.
        hub = TestHub::open(folder, |config| {
            kafka.configure(config);
            config.kafka.group_id = format!("{}other{round}", kafka.prefix);
        })
        .await;
    }
    wait_done(&hub, sent).await;
    let found = stored(&hub, 0..20).await;
    assert_eq!(found.len(), 20);
    for (n, (name, version)) in found {
        assert_eq!(version, u64::from(10 * ROUNDS), "{n}");
        assert_eq!(name, format!("甲{}之{}", ROUNDS - 1, 180 + n));
    }
    assert!(kafka.read(BusTopic::DeadLetter).is_empty());
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn structured_events_come_in_too_and_an_agency_without_the_right_brings_nothing() {
    let kafka = Kafka::get().await;
    let hub = TestHub::start_with(|config| {
        kafka.configure(config);
        config.kafka.feed.agency = "agency".to_owned();
    })
    .await;
    hub.add_parties().await;
    hub.grant("agency", "legal-entity", &["*"], &["contribute"]).await;
    kafka.ready().await;
    let entity = json!({"dataset": "legal-entity", "subject": {"uscc": super::common::CREDIT_CODES[0]},
        "fields": {"name": "芜湖甲有限公司"}});
    let event = |data: &Value| {
        json!({"specversion": "1.0", "type": BusTopic::Feed.name(), "id": "1", "source": "//x", "data": data})
            .to_string()
    };
    let mut own = person();
    own["dataset"] = "natural-person".into();
    let sender = kafka.sender();
    for data in [&entity, &own] {
        sender
            .send(&Sent {
                topic: BusTopic::Feed,
                key: "k",
                headers: &[("content-type", "application/cloudevents+json")],
                payload: event(data).as_bytes(),
            })
            .await;
    }
    wait_done(&hub, 2).await;
    let counts: BTreeMap<String, u64> = hub.hub.store.record_counts().await.unwrap().into_iter().collect();
    assert_eq!(counts, BTreeMap::from([("legal-entity".to_owned(), 1)]));
    let letters = kafka.wait(BusTopic::DeadLetter, 1).await;
    assert_eq!(
        (letters.len(), &letters[0].data()["class"]),
        (1, &json!("not_permitted"))
    );
    let store = Arc::clone(&hub.hub.store);
    assert_eq!(store.parked_keys(BusTopic::Feed.name(), 10).await.unwrap().len(), 2);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_was_made_anew_is_read_from_its_beginning() {
    let kafka = Kafka::get().await;
    let hub = hub_on(&kafka).await;
    let lines: Vec<Line> = (0..40)
        .map(|n| line(1, n, &record(1, &format!("甲{n}"), None)))
        .collect();
    send(&kafka, &lines).await;
    wait_done(&hub, 40).await;
    let folder = hub.stop().await;
    if !kafka.delete(BusTopic::Feed).await {
        return;
    }
    let hub = TestHub::open(folder, |config| kafka.configure(config)).await;
    kafka.ready().await;
    send(
        &kafka,
        &[line(1, 50, &record(1, "乙", None)), line(1, 51, &record(1, "丙", None))],
    )
    .await;
    let until = std::time::Instant::now() + super::kafka_kit::PATIENCE;
    while stored(&hub, 1..2).await[&1] != ("丙".to_owned(), 42) {
        assert!(std::time::Instant::now() < until, "{:?}", stored(&hub, 1..2).await);
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    hub.stop().await;
}
