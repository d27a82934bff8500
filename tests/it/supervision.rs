//! Supervision over a real hub: what callers do becomes alerts with evidence; an auditor works them; rules are tried over the past.

use std::time::{Duration, Instant};

use heyan::ledger::receipt;
use serde_json::{Value, json};

use crate::{
    common::{ITEM, TestHub, person},
    nodes::Cluster,
};

const ALERTS: &str = "/v1/supervision/alerts";

/// One wrong claim after another about the same person.
async fn guess(hub: &TestHub, days: std::ops::Range<u32>) {
    for day in days {
        let body = json!({"dataset": "natural-person", "subject": {"id_number": "11010519491231002X"},
            "claims": {"birth_date": format!("1950-01-{day:02}")},
            "purpose": {"item_code": ITEM, "application_no": "A-7", "operator": "window-9"}});
        let (status, answer) = hub.verify("agency", &body).await;
        assert_eq!(status, 200, "{answer}");
    }
}

async fn ask(hub: &TestHub, user: &str, path: &str) -> Value {
    let (status, answer) = hub.send("GET", path, Some(&hub.token(user)), None).await;
    assert_eq!(status, 200, "{path}: {answer}");
    answer
}

/// Waits for an alert of `rule`.
async fn alert(hub: &TestHub, rule: &str) -> Value {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let found = ask(hub, "operator", &format!("{ALERTS}?rule={rule}")).await;
        if let Some(found) = found["alerts"].get(0) {
            return found.clone();
        }
        assert!(Instant::now() < until, "no alert of {rule}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn act(hub: &TestHub, id: &str, key: &str, body: &Value) -> (u16, Value) {
    let request = hub
        .client
        .post(format!("{}{ALERTS}/{id}/actions", hub.url))
        .bearer_auth(hub.token("auditor"))
        .header("idempotency-key", key)
        .header("content-type", "application/json");
    let response = request.body(body.to_string()).send().await.unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    crate::wire::check("POST", &format!("{ALERTS}/{id}/actions"), status, &text);
    (status, serde_json::from_str(&text).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_becomes_an_alert_whose_evidence_is_proven_and_that_an_auditor_closes() {
    let hub = TestHub::with_parties().await;
    hub.put("natural-person", &person()).await;
    guess(&hub, 1..7).await;
    let found = alert(&hub, "repeated_guessing").await;
    assert_eq!(
        (&found["state"], &found["class"]),
        (&json!("open"), &json!("integrity_risk"))
    );
    assert_eq!((&found["agency"], &found["entries"]), (&json!("agency"), &json!(6)));
    assert_eq!(found["facts"]["wrong_answers"], 6);
    let path = format!("{ALERTS}/{}", found["id"].as_str().unwrap());
    let whole = ask(&hub, "auditor", &path).await;
    assert_eq!(whole["operator"], "window-9", "an auditor is told who it is");
    assert!(whole["remedy"]["zh"].is_string());
    for place in whole["evidence"].as_array().unwrap() {
        let (origin, index) = (place["origin"].as_str().unwrap(), &place["index"]);
        let receipt_path = format!("/v1/receipts/{origin}/{index}");
        let got = hub
            .client
            .get(format!("{}{receipt_path}", hub.url))
            .bearer_auth(hub.token("auditor"))
            .header("accept", "text/plain")
            .header("prefer", "wait=5");
        let text = got.send().await.unwrap().text().await.unwrap();
        receipt::verify(text.as_bytes(), hub.hub.ledger.vkey()).unwrap();
    }
    let seen = ask(&hub, "operator", &path).await;
    assert!(seen.get("operator").is_none(), "an operator is not: {seen}");
    assert!(!seen.to_string().contains("window-9") && !seen.to_string().contains("A-7"));

    let id = found["id"].as_str().unwrap();
    let acknowledge = json!({"action": "acknowledge"});
    let (status, first) = act(&hub, id, "k-1", &acknowledge).await;
    assert_eq!((status, &first["state"]), (200, &json!("acknowledged")), "{first}");
    assert_eq!(
        act(&hub, id, "k-1", &acknowledge).await,
        (200, first),
        "the same answer again"
    );
    assert_eq!(act(&hub, id, "k-2", &acknowledge).await.0, 409, "not in this state");
    assert_eq!(
        act(&hub, id, "k-3", &json!({"action": "close"})).await.0,
        422,
        "closing needs a reason"
    );
    let close = json!({"action": "close", "reason": "核实为录入错误"});
    let (status, closed) = act(&hub, id, "k-4", &close).await;
    assert_eq!((status, &closed["state"]), (200, &json!("closed")), "{closed}");
    assert_eq!(closed["history"][1]["reason"], "核实为录入错误");
    let none = ask(&hub, "auditor", &format!("{ALERTS}?rule=repeated_guessing&state=open")).await;
    assert_eq!(none["alerts"], json!([]));
    let seen = ask(&hub, "operator", &path).await;
    assert_eq!(seen["history"][1]["action"], "close");
    assert!(seen["history"][1].get("reason").is_none(), "reasons are the auditors'");
    assert_eq!(act(&hub, "alt_none", "k-5", &acknowledge).await.0, 404);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_neither_forgets_what_was_seen_nor_raises_it_twice() {
    let hub = TestHub::with_parties().await;
    hub.put("natural-person", &person()).await;
    guess(&hub, 1..4).await;
    let hub = TestHub::open(hub.stop().await, |_| {}).await;
    guess(&hub, 4..7).await;
    let first = alert(&hub, "repeated_guessing").await;
    let hub = TestHub::open(hub.stop().await, |_| {}).await;
    guess(&hub, 7..13).await;
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let again = ask(&hub, "auditor", &format!("{ALERTS}?rule=repeated_guessing")).await;
        assert_eq!(again["alerts"].as_array().unwrap().len(), 1, "{again}");
        assert_eq!(again["alerts"][0]["id"], first["id"]);
        if again["alerts"][0]["entries"] == 12 {
            break;
        }
        assert!(Instant::now() < until, "the evidence does not grow: {again}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_is_tried_over_the_past_and_raises_nothing() {
    let hub = TestHub::with_parties().await;
    hub.put("natural-person", &person()).await;
    guess(&hub, 1..5).await;
    let auditor = hub.token("auditor");
    let path = "/v1/supervision/rules/repeated_guessing/replay";
    let (status, tried) = hub.send("POST", path, Some(&auditor), Some(&json!({"days": 2}))).await;
    assert_eq!((status, &tried["alerts"]), (200, &json!(0)), "{tried}");
    let stricter = heyan::catalog::supervision::SHIPPED.replace("wrong_min = 6", "wrong_min = 3");
    let body = json!({"days": 2, "rules": stricter});
    let (status, tried) = hub.send("POST", path, Some(&auditor), Some(&body)).await;
    assert_eq!((status, &tried["alerts"]), (200, &json!(1)), "{tried}");
    assert_eq!(tried["examples"][0]["agency"], "agency");
    let counted: u64 = tried["by_day"]
        .as_array()
        .unwrap()
        .iter()
        .map(|day| day["alerts"].as_u64().unwrap())
        .sum();
    assert_eq!(counted, 1);
    let alerts = ask(&hub, "auditor", &format!("{ALERTS}?rule=repeated_guessing")).await;
    assert_eq!(alerts["alerts"], json!([]), "nothing was raised");
    let rules = ask(&hub, "operator", "/v1/supervision/rules").await;
    let shipped = heyan::catalog::supervision::SHIPPED.matches("[[rule]]").count();
    assert_eq!(rules["rules"].as_array().unwrap().len(), shipped);
    assert_eq!(rules["sha256"], hub.hub.supervision.digest);
    for (path, body, wanted) in [
        (path, json!({"days": 0}), 422),
        (path, json!({"days": 1, "rules": "nonsense"}), 422),
        ("/v1/supervision/rules/none/replay", json!({"days": 1}), 404),
    ] {
        assert_eq!(
            hub.send("POST", path, Some(&auditor), Some(&body)).await.0,
            wanted,
            "{path} {body}"
        );
    }
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_in_shadow_counts_and_raises_nothing_and_a_changed_file_is_in_the_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rules.toml");
    let shipped = heyan::catalog::supervision::SHIPPED;
    let shadow = shipped.replace(
        "id = \"repeated_guessing\"\n",
        "id = \"repeated_guessing\"\nmode = \"shadow\"\n",
    );
    std::fs::write(&file, shadow).unwrap();
    let hub = TestHub::start_with(|config| config.supervision.rules_file = file).await;
    hub.add_parties().await;
    hub.put("natural-person", &person()).await;
    guess(&hub, 1..7).await;
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let rules = ask(&hub, "auditor", "/v1/supervision/rules").await;
        let rules = rules["rules"].as_array().unwrap();
        let rule = rules.iter().find(|rule| rule["id"] == "repeated_guessing").unwrap();
        if rule["findings"] == 1 {
            assert_eq!((&rule["mode"], &rule["alerts"]), (&json!("shadow"), &json!(0)));
            break;
        }
        assert!(Instant::now() < until, "{rule}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let digest = format!("sha256:{}", hub.hub.supervision.digest);
    let size = hub.ledger_size();
    let entries = hub.hub.ledger.entries(0, size).unwrap();
    let entered = entries.iter().filter(|(_, bytes)| {
        let bytes = bytes.as_slice();
        bytes.windows(digest.len()).any(|window| window == digest.as_bytes())
    });
    assert_eq!(entered.count(), 1);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_is_reported_as_a_keyed_hash() {
    let hub = TestHub::with_parties().await;
    let report =
        json!({"application_no": "A-20261126-1", "item_code": ITEM, "accepted_at": "2026-11-26T09:00:00+08:00"});
    let token = hub.token("agency");
    let (status, told) = hub.send("POST", "/v1/applications", Some(&token), Some(&report)).await;
    assert_eq!((status, &told["status"]), (200, &json!("reported")), "{told}");
    let index = told["receipt"]["index"].as_u64().unwrap();
    let entry = hub.hub.ledger.entry(index).unwrap().unwrap();
    assert!(!String::from_utf8_lossy(&entry).contains("A-20261126-1"));
    for (member, value) in [("application_no", " "), ("item_code", ""), ("accepted_at", "yesterday")] {
        let mut wrong = report.clone();
        wrong[member] = value.into();
        let (status, told) = hub.send("POST", "/v1/applications", Some(&token), Some(&wrong)).await;
        assert_eq!(status, 422, "{member}: {told}");
    }
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_holds_over_all_nodes() {
    let Some(cluster) = Cluster::start().await else { return };
    cluster.one.put("natural-person", &person()).await;
    guess(&cluster.one, 1..4).await;
    guess(&cluster.two, 4..7).await;
    let found = alert(&cluster.one, "repeated_guessing").await;
    assert_eq!(found["entries"], 6, "{found}");
    let path = format!("{ALERTS}/{}", found["id"].as_str().unwrap());
    let whole = ask(&cluster.two, "auditor", &path).await;
    let evidence = whole["evidence"].as_array().unwrap();
    for origin in ["hub-1.test", "hub-2.test"] {
        let of = evidence.iter().filter(|place| place["origin"] == origin);
        assert_eq!(of.count(), 3, "{whole}");
    }
    assert_eq!(whole["operator"], "window-9", "the other node is asked who it is");
    cluster.stop().await;
}
