//! What a node says of its machine, and what it refuses at a start.

use std::{sync::Arc, time::Duration};

use heyan::config::Config;
use heyan::ports::outward::NoConnectors;
use heyan::ports::time::SystemClock;
use serde_json::Value;

use crate::common::{ShiftedClock, TestHub, person};

async fn readyz(hub: &TestHub) -> (u16, Value) {
    let response = hub
        .client
        .get(format!("{}/readyz", hub.admin_url))
        .send()
        .await
        .unwrap();
    let status = response.status().as_u16();
    (status, response.json().await.unwrap())
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..100 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn readyz_has_a_word_for_each_part() {
    let hub = TestHub::start().await;
    let (status, body) = readyz(&hub).await;
    assert_eq!(status, 200);
    let parts: Vec<&String> = body["checks"].as_object().unwrap().keys().collect();
    assert_eq!(parts, ["store", "ledger", "nodes", "bus", "clock", "disk"]);
    let words = ["ok", "degraded", "stalled", "failed", "starting", "draining"];
    let said = body["checks"].as_object().unwrap().values().chain([&body["status"]]);
    assert!(
        said.into_iter().all(|word| words.contains(&word.as_str().unwrap())),
        "{body}"
    );
    let metrics = hub
        .client
        .get(format!("{}/metrics", hub.admin_url))
        .send()
        .await
        .unwrap();
    let metrics = metrics.text().await.unwrap();
    for gauge in [
        "heyan_ledger_oldest_wait_seconds",
        "heyan_store_oldest_wait_seconds",
        "heyan_disk_free_bytes",
        "heyan_backup_age_seconds",
    ] {
        assert!(metrics.contains(&format!("\n{gauge} ")), "{gauge}");
    }
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_is_doubted_and_believed_when_it_is_set_back() {
    let clock = Arc::new(ShiftedClock::default());
    let folder = tempfile::tempdir().unwrap();
    let hub = TestHub::open_at(folder, Arc::new(NoConnectors), Arc::clone(&clock) as _, |_| {}).await;
    until("the clock is right", async || {
        readyz(&hub).await.1["checks"]["clock"] == "ok"
    })
    .await;
    clock.forward_s(32 * 86_400);
    until("it is doubted", async || {
        readyz(&hub).await.1["checks"]["clock"] == "degraded"
    })
    .await;
    assert!(hub.hub.node.health.is_clock_unchecked());
    clock.forward_s(-32 * 86_400);
    until("it is believed", async || {
        readyz(&hub).await.1["checks"]["clock"] == "ok"
    })
    .await;
    hub.stop().await;
}

/// Opens the data in `folder` again; the refusal, if there is one.
async fn refusal(folder: &tempfile::TempDir) -> Option<String> {
    let mut config = Config::load(None).unwrap();
    config.http.listen = "127.0.0.1:0".to_owned();
    config.http.admin_listen = "127.0.0.1:0".to_owned();
    config.node.data_dir = folder.path().join("data");
    config.node.root_key_file = folder.path().join("keys/root");
    config.store.postgres.url_file = crate::postgres_kit::url_file(folder.path()).await.unwrap_or_default();
    let opened = Box::pin(heyan::server::boot::open_at(
        config,
        Arc::new(NoConnectors),
        Arc::new(SystemClock),
    ))
    .await;
    opened.err().map(|error| format!("{error:#}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_that_is_lost_is_refused_with_positions_and_remedy() {
    let hub = TestHub::with_parties().await;
    hub.put("natural-person", &person()).await;
    // The second after it the files are written.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    let folder = hub.stop().await;
    assert_eq!(refusal(&folder).await, None, "undamaged");
    let ledger = folder.path().join("data/ledger");
    std::fs::rename(&ledger, folder.path().join("kept")).unwrap();
    let said = refusal(&folder).await.unwrap();
    assert!(
        said.contains("the ledger has 0 entries") && said.contains("--accept-rollback"),
        "{said}"
    );
    std::fs::remove_dir_all(&ledger).unwrap();
    std::fs::rename(folder.path().join("kept"), &ledger).unwrap();
    assert_eq!(refusal(&folder).await, None, "put back");
    std::fs::write(ledger.join("changes"), "1000000\n").unwrap();
    let said = refusal(&folder).await.unwrap();
    assert!(said.contains("remembers change 1000000"), "{said}");
}
