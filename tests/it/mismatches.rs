//! The loop: from a mismatch to a corrected record that everyone who has to hear of it has heard of.

use heyan::app::node::hub::Hub;
use heyan::config::Config;
use heyan::ports::deliveries::DeliveryPhase;
use serde_json::{Value, json};

use crate::{
    common::{TestHub, person, question},
    receiver::{Received, Receiver},
};

pub(crate) fn loopback(config: &mut Config, ports: &[u16]) {
    config.push.networks = vec!["127.0.0.0/8".to_owned()];
    config.push.literal_networks = vec!["127.0.0.0/8".to_owned()];
    config.push.plain_http_networks = vec!["127.0.0.0/8".to_owned()];
    config.push.ports = ports.to_vec();
    config.push.schedule_s = vec![0, 0, 0, 0];
}

pub(crate) async fn hub_with(ports: &[u16]) -> TestHub {
    let hub = TestHub::start_with(|config| loopback(config, ports)).await;
    hub.add_parties().await;
    assert_eq!(hub.put("natural-person", &person()).await.0, 200);
    hub
}

pub(crate) async fn subscribe(hub: &TestHub, client: &str, url: &str, events: &[&str]) -> Value {
    let body = json!({"url": url, "events": events, "datasets": ["natural-person"]});
    let (status, answer) = hub
        .send("POST", "/v1/subscriptions", Some(&hub.token(client)), Some(&body))
        .await;
    assert_eq!(status, 201, "{answer}");
    answer
}

pub(crate) struct Acted {
    pub status: u16,
    replayed: bool,
    pub body: String,
}

impl Acted {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

pub(crate) async fn act(hub: &TestHub, client: &str, id: &str, key: &str, body: &Value) -> Acted {
    let response = hub
        .client
        .post(format!("{}/v1/mismatches/{id}/actions", hub.url))
        .bearer_auth(hub.token(client))
        .header("content-type", "application/json")
        .header("idempotency-key", key)
        .body(body.to_string())
        .send()
        .await
        .unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = response.text().await.unwrap();
    crate::wire::check("POST", &format!("/v1/mismatches/{id}/actions"), status, &body);
    Acted {
        status,
        replayed: headers.contains_key("idempotent-replayed"),
        body,
    }
}

/// The name differs; the rest agrees.
pub(crate) async fn mismatch(hub: &TestHub, client: &str, application: &str, name: &str) -> Value {
    let mut body = question(&json!({"name": name, "birth_date": "1949-12-31"}));
    body["purpose"]["application_no"] = json!(application);
    let (status, answer) = hub.verify(client, &body).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

async fn state_of(hub: &TestHub, client: &str, id: &str) -> Value {
    let (status, answer) = hub
        .send("GET", &format!("/v1/mismatches/{id}"), Some(&hub.token(client)), None)
        .await;
    assert_eq!(status, 200, "{answer}");
    answer
}

pub(crate) async fn wait_for_state(hub: &TestHub, id: &str, state: &str) -> Value {
    for _ in 0..400 {
        let found = state_of(hub, "auditor", id).await;
        if found["state"] == state {
            return found;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    panic!("never {state}: {}", state_of(hub, "auditor", id).await);
}

fn changes(received: &[Received]) -> Vec<Value> {
    let bodies = received
        .iter()
        .filter(|message| message.status < 300)
        .map(Received::json);
    bodies
        .filter(|body| body["type"] == "heyan.record.changed.v1")
        .collect()
}

/// The agency proposes, once, whatever is sent again.
async fn propose(hub: &TestHub, id: &str) {
    let propose = json!({"action": "propose_correction", "fields": {"name": "张三"}, "evidence": ["户口簿"]});
    let refused = act(hub, "authority", id, "k0", &propose).await;
    assert_eq!(
        (refused.status, &refused.json()["code"]),
        (403, &json!("role_not_allowed"))
    );
    let first = act(hub, "agency", id, "k1", &propose).await;
    assert_eq!(
        (first.status, &first.json()["state"]),
        (200, &json!("disputed")),
        "{}",
        first.body
    );
    let second = act(hub, "agency", id, "k1", &propose).await;
    assert_eq!((second.status, &second.body, second.replayed), (200, &first.body, true));
    let other = act(hub, "agency", id, "k1", &json!({"action": "report_false_claim"})).await;
    assert_eq!(
        (other.status, &other.json()["code"]),
        (422, &json!("idempotency_key_reused"))
    );
}

/// By the published library.
fn assert_is_signed(last: &Received, secret: &str) {
    let webhook = standardwebhooks::Webhook::new(secret).unwrap();
    let mut headers = http::HeaderMap::new();
    for (name, value) in [
        ("webhook-id", &last.id),
        ("webhook-timestamp", &last.timestamp),
        ("webhook-signature", &last.signature),
    ] {
        headers.insert(name, value.parse().unwrap());
    }
    webhook.verify(last.body.as_bytes(), &headers).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mismatch_ends_in_a_corrected_record_that_its_agency_has_heard_of_once() {
    let receiver = Receiver::start(&[500, 503]);
    let hub = hub_with(&[receiver.port()]).await;
    let secret = subscribe(&hub, "agency", &receiver.url, &["record.changed"]).await["secret"].clone();
    let answer = mismatch(&hub, "agency", "A-1", "张三").await;
    assert_eq!(answer["outcome"], "mismatched", "{answer}");
    let id = answer["mismatch"]["id"].as_str().unwrap().to_owned();
    assert!(answer["mismatch"]["due_on"].as_str().unwrap().len() == 10);
    let again = mismatch(&hub, "agency", "A-1", "张三").await;
    assert_eq!(again["mismatch"], answer["mismatch"], "it opens once");

    propose(&hub, &id).await;
    let disputed = mismatch(&hub, "agency2", "B-1", "李四").await;
    assert_eq!(disputed["fields"]["name"]["disputed"], true, "{disputed}");
    assert_eq!(disputed["fields"]["birth_date"].get("disputed"), None);

    let approve = json!({"action": "approve", "reason": "核实无误"});
    for (client, status) in [("agency", 403), ("agency2", 404), ("operator", 403)] {
        assert_eq!(act(&hub, client, &id, "k2", &approve).await.status, status, "{client}");
    }
    let approved = act(&hub, "authority", &id, "k2", &approve).await;
    assert_eq!(
        (approved.status, &approved.json()["state"]),
        (200, &json!("corrected")),
        "{}",
        approved.body
    );
    let verified = mismatch(&hub, "agency", "A-1", "张三").await;
    assert_eq!(
        (&verified["outcome"], &verified["record"]["version"]),
        (&json!("verified"), &json!(2))
    );

    let received = receiver.wait_until(|received| !changes(received).is_empty()).await;
    wait_for_state(&hub, &id, "closed").await;
    assert_eq!(receiver.received().len(), 3, "two failures and one success");
    assert!(
        received.iter().all(|message| message.id == received[0].id),
        "one delivery"
    );
    let last = received.last().unwrap();
    assert_is_signed(last, secret.as_str().unwrap());
    let data = last.json()["data"].clone();
    assert_eq!(
        (&data["version"], &data["reason"], &data["mismatch"]),
        (&json!(2), &json!("answered"), &json!(id))
    );
    assert_eq!(data["verifications"].as_array().unwrap().len(), 1);
    assert_eq!(data.get("fields"), None, "a verification hands out no value");
    let history = state_of(&hub, "agency", &id).await["history"].clone();
    let steps: Vec<_> = history
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["action"].as_str().unwrap())
        .collect();
    assert_eq!(steps, ["open", "propose_correction", "approve", "delivered"]);
    hub.stop().await;
    receiver.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_match_of_the_same_application_settles_and_another_application_does_not() {
    let hub = hub_with(&[443]).await;
    let one = mismatch(&hub, "agency", "A-1", "张三").await["mismatch"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    mismatch(&hub, "agency", "A-2", "张三丰").await;
    assert_eq!(state_of(&hub, "agency", &one).await["state"], "open");
    let settled = mismatch(&hub, "agency", "A-1", "张三丰").await;
    assert_eq!(settled["outcome"], "verified");
    let found = state_of(&hub, "agency", &one).await;
    assert_eq!(
        (&found["state"], &found["resolution"]),
        (&json!("closed"), &json!("settled"))
    );
    let new = mismatch(&hub, "agency", "A-1", "张三").await;
    assert_ne!(
        new["mismatch"]["id"],
        json!(one),
        "what settled itself may happen again"
    );
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn accepting_the_record_pushes_what_the_agency_may_read_and_nothing_else() {
    let receiver = Receiver::start(&[]);
    let hub = hub_with(&[receiver.port()]).await;
    hub.grant("agency", "natural-person", &["name"], &["read"]).await;
    subscribe(&hub, "agency", &receiver.url, &["record.changed"]).await;
    let mut body = question(&json!({"name": "张三", "sex": "2", "birth_date": "1949-12-31"}));
    body["purpose"]["application_no"] = json!("A-1");
    let (_, answer) = hub.verify("agency", &body).await;
    let id = answer["mismatch"]["id"].as_str().unwrap().to_owned();
    let accepted = act(&hub, "agency", &id, "k1", &json!({"action": "accept_record"})).await;
    assert_eq!(accepted.json()["state"], "record_accepted", "{}", accepted.body);
    wait_for_state(&hub, &id, "closed").await;
    let received = receiver.received();
    assert_eq!(received.len(), 1);
    let message = received[0].json();
    assert_eq!(message["type"], "heyan.record.accepted.v1");
    assert_eq!(message["data"]["fields"], json!({"name": "张三丰"}));
    assert_eq!(message["data"]["not_permitted"], json!(["sex"]));
    let found = state_of(&hub, "agency", &id).await;
    assert_eq!(found["resolution"], "record_accepted");
    let (_, others) = hub
        .send("GET", "/v1/mismatches", Some(&hub.token("agency2")), None)
        .await;
    assert_eq!(others["mismatches"], json!([]), "another agency's are not listed");
    let (_, own) = hub
        .send(
            "GET",
            "/v1/mismatches?state=closed",
            Some(&hub.token("authority")),
            None,
        )
        .await;
    assert_eq!(own["mismatches"].as_array().unwrap().len(), 1);
    hub.stop().await;
    receiver.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_reaches_exactly_those_who_were_answered_from_what_it_supersedes() {
    let receivers = [Receiver::start(&[]), Receiver::start(&[])];
    let ports: Vec<u16> = receivers.iter().map(Receiver::port).collect();
    let hub = hub_with(&ports).await;
    for (client, receiver) in ["agency", "agency2"].into_iter().zip(&receivers) {
        subscribe(&hub, client, &receiver.url, &["record.changed"]).await;
    }
    // agency is answered from version 1, agency2 only after the change.
    mismatch(&hub, "agency", "A-1", "张三丰").await;
    let mut changed = person();
    changed["fields"]["status"] = json!("死亡");
    assert_eq!(hub.put("natural-person", &changed).await.1["version"], 2);
    mismatch(&hub, "agency2", "B-1", "张三丰").await;
    let first = receivers[0].wait_until(|received| changes(received).len() == 1).await;
    assert_eq!(changes(&first)[0]["data"]["version"], 2);
    changed["fields"]["status"] = json!("正常");
    assert_eq!(hub.put("natural-person", &changed).await.1["version"], 3);
    receivers[0].wait_until(|received| changes(received).len() == 2).await;
    let second = receivers[1].wait_until(|received| changes(received).len() == 1).await;
    assert_eq!(
        changes(&second)[0]["data"]["version"],
        3,
        "version 2 was what it was answered from"
    );
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_are_told_apart_four_times_a_day_and_then_a_person_must_look() {
    let hub = hub_with(&[443]).await;
    let guess = async |client: &str, date: &str| {
        let mut body = question(&json!({"name": "张三丰", "birth_date": date}));
        body["purpose"]["application_no"] = json!("G-1");
        hub.verify(client, &body).await.1["fields"]["birth_date"].clone()
    };
    let wrong = json!({"verdict": "mismatch"});
    for (client, date) in [
        ("agency", "1950-01-01"),
        ("agency", "1950-01-02"),
        ("agency", "1950-01-03"),
        ("agency2", "1950-01-04"),
    ] {
        assert_eq!(guess(client, date).await, wrong);
    }
    let review = json!({"verdict": "review", "reason": "guess_budget"});
    assert_eq!(guess("agency2", "1950-01-06").await, review);
    assert_eq!(
        guess("agency2", "1949-12-31").await,
        review,
        "right or wrong is not told"
    );
    assert_eq!(
        guess("agency2", "1950年1月1日").await,
        wrong,
        "what was told is told again"
    );
    let (_, alerts) = hub
        .send("GET", "/v1/supervision/alerts", Some(&hub.token("auditor")), None)
        .await;
    assert_eq!(alerts["alerts"][0]["rule"], "guess_budget", "{alerts}");
    let folder = hub.stop().await;
    let hub = TestHub::open(folder, |_| {}).await;
    let body = question(&json!({"name": "张三丰", "birth_date": "1949-12-31"}));
    let (_, answer) = hub.verify("agency2", &body).await;
    assert_eq!(answer["fields"]["birth_date"], review, "a restart forgets no guess");
    let unlock =
        json!({"dataset": "natural-person", "subject": {"id_number": "11010519491231002X"}, "reason": "到窗口核实"});
    for (user, state) in [
        ("operator", "requested"),
        ("operator", "requested"),
        ("manager", "unlocked"),
    ] {
        let path = "/v1/supervision/guess-budgets/unlock";
        let (_, told) = hub.send("POST", path, Some(&hub.token(user)), Some(&unlock)).await;
        assert_eq!(told["state"], state, "{told}");
    }
    let (_, answer) = hub.verify("agency2", &body).await;
    assert_eq!(answer["outcome"], "verified", "two persons forgave the guesses");
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_is_not_listed_is_refused_and_a_gone_receiver_is_not_asked_again() {
    let receiver = Receiver::start(&[410]);
    let hub = hub_with(&[receiver.port()]).await;
    for url in [
        "https://agency.example/",
        "http://127.0.0.1:1/",
        "file:///etc/passwd",
        "http://user@127.0.0.1/",
    ] {
        let body = json!({"url": url, "events": ["*"]});
        let (status, answer) = hub
            .send("POST", "/v1/subscriptions", Some(&hub.token("agency")), Some(&body))
            .await;
        assert_eq!((status, &answer["code"]), (422, &json!("target_not_allowed")), "{url}");
    }
    let made = subscribe(&hub, "agency", &receiver.url, &["*"]).await;
    let path = format!("/v1/subscriptions/{}", made["id"].as_str().unwrap());
    let tested = hub
        .send("POST", &format!("{path}/test"), Some(&hub.token("agency")), None)
        .await;
    assert_eq!(tested.0, 202, "{}", tested.1);
    receiver.wait_until(|received| received.len() == 1).await;
    let gone = async || hub.send("GET", &path, Some(&hub.token("agency")), None).await.1["state"] == "gone";
    for _ in 0..200 {
        if gone().await {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert!(gone().await);
    let other = hub.send("GET", &path, Some(&hub.token("agency2")), None).await;
    assert_eq!((other.0, &other.1["code"]), (404, &json!("subscription_not_found")));
    let (_, dead) = hub
        .send("GET", "/v1/deliveries?state=dead", Some(&hub.token("operator")), None)
        .await;
    let id = dead["deliveries"][0]["id"].as_str().unwrap().to_owned();
    let replay = format!("/v1/deliveries/{id}/replay");
    assert_eq!(hub.send("POST", &replay, Some(&hub.token("agency")), None).await.0, 403);
    assert_eq!(
        hub.send("POST", &replay, Some(&hub.token("operator")), None).await.0,
        200
    );
    let hub_ref: &Hub = &hub.hub;
    for _ in 0..200 {
        if hub_ref.store.delivery(&id).await.unwrap().unwrap().state == DeliveryPhase::Cancelled {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(receiver.received().len(), 1, "who said gone is left alone");
    hub.stop().await;
}
