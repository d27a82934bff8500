//! Every kind of row that a caller can cause has a limit for its agency, which is told by name, and an end. Another agency goes on.

use std::sync::Arc;

use heyan::{
    config::Config,
    ports::{outward::NoConnectors, quotas::QuotaKind, time::Clock as _},
};
use serde_json::{Value, json};

use crate::{
    common::{ITEM, ShiftedClock, TestHub, person, purpose, question},
    mismatches::{act, loopback, mismatch, subscribe},
    receiver::Receiver,
};

async fn hub_with(change: impl FnOnce(&mut Config)) -> TestHub {
    let hub = TestHub::start_with(change).await;
    hub.add_parties().await;
    assert_eq!(hub.put("natural-person", &person()).await.0, 200);
    hub
}

async fn post(hub: &TestHub, client: &str, path: &str, body: &Value) -> (u16, Value) {
    hub.send("POST", path, Some(&hub.token(client)), Some(body)).await
}

/// A refusal that names a quota.
fn assert_reached((status, answer): (u16, Value), quota: &str, limit: u64) {
    assert_eq!((status, &answer["code"]), (429, &json!("quota_reached")), "{answer}");
    assert_eq!(
        (&answer["quota"], &answer["quota_limit"]),
        (&json!(quota), &json!(limit))
    );
}

fn case() -> Value {
    let co_handler = json!({"agency": "agency2", "item_code": ITEM});
    json!({"purpose": purpose(), "co_handlers": [co_handler], "valid_hours": 1})
}

#[tokio::test(flavor = "multi_thread")]
async fn cases_have_a_quota_that_headers_tell_and_are_forgotten() {
    let clock = Arc::new(ShiftedClock::default());
    let folder = tempfile::tempdir().unwrap();
    let hub = TestHub::open_at(
        folder,
        Arc::new(NoConnectors),
        Arc::<ShiftedClock>::clone(&clock),
        |config| {
            config.quotas.cases_rows_max = 3;
        },
    );
    let hub = Box::pin(hub).await;
    hub.add_parties().await;
    for _ in 0..3 {
        assert_eq!(post(&hub, "agency", "/v1/cases", &case()).await.0, 201);
    }
    let url = format!("{}/v1/cases", hub.url);
    let asked = hub.client.post(url).bearer_auth(hub.token("agency"));
    let told = asked
        .header("content-type", "application/json")
        .body(case().to_string())
        .send()
        .await
        .unwrap();
    let header = |name: &str| told.headers().get(name).unwrap().to_str().unwrap().to_owned();
    assert_eq!(header("ratelimit-policy"), "\"cases\";q=3");
    assert!(header("ratelimit").starts_with("\"cases\";r=0;t="));
    assert_reached(post(&hub, "agency", "/v1/cases", &case()).await, "cases", 3);
    let other =
        json!({"purpose": purpose(), "co_handlers": [{"agency": "agency", "item_code": ITEM}], "valid_hours": 1});
    assert_eq!(
        post(&hub, "agency2", "/v1/cases", &other).await.0,
        201,
        "another agency goes on"
    );
    clock.forward_s(31 * 86_400);
    heyan::app::node::upkeep::sweep(&hub.hub, clock.now_us()).await.unwrap();
    assert_eq!(hub.hub.store.rows_held("agency", QuotaKind::Cases).await.unwrap(), 0);
    assert_eq!(post(&hub, "agency", "/v1/cases", &case()).await.0, 201);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn open_mismatches_stop_the_verifications_of_their_agency_before_anything_is_looked_up() {
    let hub = hub_with(|config| config.quotas.open_mismatches_rows_max = 3).await;
    for n in 0..3 {
        let answer = mismatch(&hub, "agency", &format!("A-{n}"), "李四").await;
        assert!(answer["mismatch"]["id"].is_string(), "{answer}");
        // What is known is read again at most once a second.
        tokio::time::sleep(std::time::Duration::from_millis(1_050)).await;
    }
    let (right, wrong) = (question(&json!({"name": "张三丰"})), question(&json!({"name": "李四"})));
    assert_reached(hub.verify("agency", &right).await, "open_mismatches", 3);
    assert_reached(hub.verify("agency", &wrong).await, "open_mismatches", 3);
    assert_eq!(hub.verify("agency2", &right).await.0, 200);
    // One that is over makes room, and nothing was counted twice.
    let (_, list) = hub
        .send("GET", "/v1/mismatches", Some(&hub.token("agency")), None)
        .await;
    let id = list["mismatches"][0]["id"].as_str().unwrap();
    let close = json!({"action": "close", "reason": "办结"});
    assert_eq!(act(&hub, "agency", id, "k1", &close).await.status, 200);
    assert_eq!(
        hub.hub
            .store
            .rows_held("agency", QuotaKind::OpenMismatches)
            .await
            .unwrap(),
        2
    );
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    assert_eq!(hub.verify("agency", &right).await.0, 200);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mismatch_about_a_number_that_nobody_has_is_gone_after_a_day_as_is_one_that_told_nothing() {
    let clock = Arc::new(ShiftedClock::default());
    let folder = tempfile::tempdir().unwrap();
    let hub = TestHub::open_at(
        folder,
        Arc::new(NoConnectors),
        Arc::<ShiftedClock>::clone(&clock),
        |_| {},
    );
    let hub = Box::pin(hub).await;
    hub.add_parties().await;
    assert_eq!(hub.put("natural-person", &person()).await.0, 200);
    hub.revoke_all_grants().await;
    hub.grant("agency", "natural-person", &["*"], &["verify"]).await;
    hub.grant("agency2", "natural-person", &["*"], &["verify", "existence"])
        .await;
    let mut nobody = question(&json!({"name": "李四"}));
    nobody["subject"]["id_number"] = json!("440524188001010014");
    let (status, about_nobody) = hub.verify("agency", &nobody).await;
    let real = hub.verify("agency", &question(&json!({"name": "李四"}))).await.1;
    assert_eq!(
        (status, &about_nobody["outcome"], &real["outcome"]),
        (200, &json!("mismatched"), &json!("mismatched"))
    );
    // Told something: `birth_date` agrees.
    let told = mismatch(&hub, "agency", "A-2", "李四").await;
    let (_, not_found) = hub.verify("agency2", &nobody).await;
    assert_eq!(
        (&not_found["outcome"], &not_found["mismatch"]),
        (&json!("not_found"), &Value::Null)
    );
    let ids = [&about_nobody, &real, &told].map(|answer| answer["mismatch"]["id"].as_str().unwrap().to_owned());
    let proposal = json!({"action": "propose_correction", "fields": {"name": "李四"}, "evidence": ["x"]});
    assert_eq!(
        act(&hub, "agency", &ids[1], "k1", &proposal).await.status,
        200,
        "one that a party acts on stays"
    );
    clock.forward_s(86_400 + 60);
    heyan::app::node::upkeep::sweep(&hub.hub, clock.now_us()).await.unwrap();
    let mut found = Vec::new();
    for id in &ids {
        found.push(
            hub.send("GET", &format!("/v1/mismatches/{id}"), Some(&hub.token("agency")), None)
                .await
                .0,
        );
    }
    assert_eq!(found, [404, 200, 200]);
    assert_eq!(
        hub.hub
            .store
            .rows_held("agency", QuotaKind::OpenMismatches)
            .await
            .unwrap(),
        2
    );
    let again = hub.verify("agency", &nobody).await.1;
    assert_ne!(again["mismatch"]["id"], about_nobody["mismatch"]["id"]);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn idempotency_keys_and_watches_have_quotas() {
    let hub = hub_with(|config| {
        config.quotas.saved_replies_rows_max = 2;
        config.quotas.watches_rows_max = 1;
    })
    .await;
    // Refusals are kept too.
    for key in ["k1", "k2"] {
        let acted = act(
            &hub,
            "agency",
            "mis_00000000000000000000000000",
            key,
            &json!({"action": "close", "reason": "x"}),
        )
        .await;
        assert_eq!(acted.status, 404, "{}", acted.body);
    }
    let acted = act(
        &hub,
        "agency",
        "mis_00000000000000000000000000",
        "k3",
        &json!({"action": "close", "reason": "x"}),
    )
    .await;
    let body: Value = serde_json::from_str(&acted.body).unwrap();
    assert_reached((acted.status, body), "saved_replies", 2);
    let acted = act(
        &hub,
        "agency",
        "mis_00000000000000000000000000",
        "k1",
        &json!({"action": "close", "reason": "x"}),
    )
    .await;
    assert_eq!(acted.status, 404, "a known key is answered");

    let mut watch = question(&json!({"name": "张三丰"}));
    watch["until"] = json!("2027-06-01");
    assert_eq!(post(&hub, "agency", "/v1/watches", &watch).await.0, 201);
    assert_reached(post(&hub, "agency", "/v1/watches", &watch).await, "watches", 1);

    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_and_test_events_have_quotas() {
    let receiver = Receiver::start(&[]);
    let hub = hub_with(|config| {
        loopback(config, &[receiver.port()]);
        config.quotas.subscriptions_rows_max = 2;
        config.quotas.test_events_rows_max = 2;
    })
    .await;
    let first = subscribe(&hub, "agency", &receiver.url, &["*"]).await;
    let id = first["id"].as_str().unwrap();
    subscribe(&hub, "agency", &receiver.url, &["*"]).await;
    let body = json!({"url": receiver.url, "events": ["*"]});
    assert_reached(
        post(&hub, "agency", "/v1/subscriptions", &body).await,
        "subscriptions",
        2,
    );
    let removed = hub
        .send(
            "DELETE",
            &format!("/v1/subscriptions/{id}"),
            Some(&hub.token("agency")),
            None,
        )
        .await;
    assert_eq!(removed.0, 204);
    assert_reached(
        post(&hub, "agency", "/v1/subscriptions", &body).await,
        "subscriptions",
        2,
    );
    let (_, list) = hub
        .send("GET", "/v1/subscriptions", Some(&hub.token("agency")), None)
        .await;
    let id = list["subscriptions"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["state"] == "active")
        .unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let test = format!("/v1/subscriptions/{id}/test");
    for _ in 0..2 {
        assert_eq!(post(&hub, "agency", &test, &json!({})).await.0, 202);
    }
    assert_reached(post(&hub, "agency", &test, &json!({})).await, "test_events", 2);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_one_client_have_an_hourly_quota() {
    let hub = TestHub::start_with(|config| config.quotas.token_requests_h_max = 2).await;
    let mut secrets = Vec::new();
    for (id, code) in [
        ("a", crate::common::CREDIT_CODES[0]),
        ("b", crate::common::CREDIT_CODES[1]),
    ] {
        let new = heyan::app::access::admin::NewAgency {
            id: Some(id.to_owned()),
            name: id.to_owned(),
            credit_code: code.to_owned(),
            role: "agency".to_owned(),
            authority_for: vec![],
            networks: vec![],
            public_key: None,
        };
        let (_, told) = heyan::app::access::admin::add_agency(&hub.hub, None, new)
            .await
            .unwrap();
        secrets.push(told.client_secret);
    }
    let ask = async |id: &str, secret: &str| {
        let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
        let asked = hub.client.post(format!("{}/oauth/token", hub.url)).body(form);
        let told = asked
            .header("content-type", "application/x-www-form-urlencoded")
            .send()
            .await
            .unwrap();
        let status = told.status().as_u16();
        (
            status,
            serde_json::from_str::<Value>(&told.text().await.unwrap()).unwrap(),
        )
    };
    assert_eq!(ask("a", &secrets[0]).await.0, 200);
    assert_eq!(ask("a", &secrets[0]).await.0, 200);
    assert_reached(ask("a", &secrets[0]).await, "tokens", 2);
    assert_eq!(ask("b", &secrets[1]).await.0, 200);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_large_cases_is_bounded() {
    let hub = TestHub::with_parties().await;
    let refs: Vec<String> = (0..64).map(|n| format!("{n:0>100}")).collect();
    let co_handlers: Vec<Value> = (0..16)
        .map(|n| json!({"agency": "agency2", "item_code": format!("{ITEM}{n}"), "refs": refs}))
        .collect();
    let body = json!({"purpose": purpose(), "co_handlers": co_handlers, "valid_hours": 1});
    for _ in 0..25 {
        assert_eq!(post(&hub, "agency", "/v1/cases", &body).await.0, 201);
    }
    let (mut seen, mut cursor) = (0, String::new());
    loop {
        let path = format!("/v1/cases?limit=1000{cursor}");
        let (status, page) = hub.send("GET", &path, Some(&hub.token("agency2")), None).await;
        assert_eq!(status, 200);
        assert!(page.to_string().len() < 1_100_000, "{}", page.to_string().len());
        seen += page["cases"].as_array().unwrap().len();
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, 25);
    hub.stop().await;
}
