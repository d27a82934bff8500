//! Unknown callers: open routes are rendered once and bounded for each address, and connections are bounded for each address.
//! The honest client comes from another loopback address.

use std::{
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

use crate::common::{TestHub, person, question};

const HONEST: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 2));

fn honest() -> reqwest::Client {
    let builder = reqwest::Client::builder().no_proxy().local_address(HONEST);
    builder.build().unwrap()
}

async fn connect_from(address: [u8; 4], hub: &TestHub) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from((address, 0))).unwrap();
    let to = hub.url.trim_start_matches("http://").parse().unwrap();
    socket.connect(to).await.unwrap()
}

/// Milliseconds of each of `count` honest verifications, sorted.
async fn honest_times(hub: &TestHub, client: &reqwest::Client, count: usize) -> Vec<f64> {
    let (url, token) = (format!("{}/v1/verifications", hub.url), hub.token("agency"));
    let body = question(&json!({"name": "张三丰"}));
    let mut times = Vec::new();
    for _ in 0..count {
        let begun = Instant::now();
        let sent = client.post(&url).bearer_auth(&token).json(&body).send().await.unwrap();
        assert_eq!(sent.status(), 200);
        times.push(begun.elapsed().as_secs_f64() * 1_000.0);
    }
    times.sort_by(f64::total_cmp);
    times
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_rendered_once_and_told_by_their_tag() {
    let hub = TestHub::start().await;
    for path in [
        "/docs",
        "/docs?lang=en",
        "/problems",
        "/problems/not_granted",
        "/assets/site.css",
        "/openapi.json",
    ] {
        let url = format!("{}{path}", hub.url);
        let plain = hub.client.get(&url).send().await.unwrap();
        let tag = plain
            .headers()
            .get("etag")
            .unwrap_or_else(|| panic!("{path} has no tag"))
            .clone();
        let length = plain.bytes().await.unwrap().len();
        let packed = hub
            .client
            .get(&url)
            .header("accept-encoding", "gzip")
            .send()
            .await
            .unwrap();
        assert_eq!(packed.headers().get("content-encoding").unwrap(), "gzip", "{path}");
        assert_ne!(packed.headers().get("etag").unwrap(), tag);
        assert!(packed.bytes().await.unwrap().len() < length / 2, "{path}");
        let held = hub.client.get(&url).header("if-none-match", &tag).send().await.unwrap();
        assert_eq!(held.status(), 304, "{path}");
        assert_eq!(held.headers().get("etag").unwrap(), tag);
    }
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_that_reload_a_page_do_not_delay_an_agency() {
    let hub = TestHub::with_parties().await;
    assert_eq!(hub.put("natural-person", &person()).await.0, 200);
    let client = honest();
    honest_times(&hub, &client, 20).await;
    let quiet = honest_times(&hub, &client, 100).await;
    let shed = hub.hub.node.metrics.shed.get();
    let mut strangers = tokio::task::JoinSet::new();
    for _ in 0..32 {
        let url = format!("{}/docs", hub.url);
        strangers.spawn(async move {
            let client = reqwest::Client::builder().no_proxy().build().unwrap();
            loop {
                let Ok(sent) = client.get(&url).send().await else {
                    continue;
                };
                assert!(matches!(sent.status().as_u16(), 200 | 429), "{}", sent.status());
                let _read = sent.bytes().await;
            }
        });
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    let beside = honest_times(&hub, &client, 100).await;
    strangers.shutdown().await;
    let (before, after) = (quiet[98], beside[98]);
    assert!(after < before * 4.0 + 20.0, "p99 {before:.1} ms became {after:.1} ms");
    assert!(hub.hub.node.metrics.shed.get() > shed, "what is turned away is counted");
    // A token is fetched all the same.
    let form = "grant_type=client_credentials&client_id=agency&client_secret=wrong";
    let begun = Instant::now();
    let asked = client.post(format!("{}/oauth/token", hub.url)).body(form);
    let sent = asked
        .header("content-type", "application/x-www-form-urlencoded")
        .send()
        .await
        .unwrap();
    assert_eq!(sent.status(), 401);
    assert!(begun.elapsed() < Duration::from_millis(500));
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_tokens_of_one_address_wait_and_are_then_refused() {
    let hub = TestHub::start_with(|config| {
        config.http.stranger_calls_s_max = 1;
        config.http.workers = 1;
    })
    .await;
    let url = format!("{}/v1/datasets", hub.url);
    let mut asked = tokio::task::JoinSet::new();
    let begun = Instant::now();
    for _ in 0..8 {
        let sent = hub.client.get(&url).bearer_auth("no.token.ofours").send();
        asked.spawn(async move { sent.await.unwrap().status().as_u16() });
    }
    let mut told = asked.join_all().await;
    told.sort_unstable();
    assert_eq!(told, [401, 401, 401, 401, 401, 429, 429, 429]);
    assert!(begun.elapsed() >= Duration::from_secs(1));
    let begun = Instant::now();
    assert_eq!(honest().get(&url).send().await.unwrap().status(), 401);
    assert!(
        begun.elapsed() < Duration::from_millis(500),
        "another address does not wait"
    );
    assert_eq!(hub.hub.node.metrics.shed.get(), 3);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_of_one_address_leave_room_for_others() {
    let hub = TestHub::start_with(|config| {
        config.http.address_connections_max = 20;
        // Only the register closes any.
        config.http.head_timeout_ms = 60_000;
    })
    .await;
    let request = b"GET /assets/site.css HTTP/1.1\r\nhost: a\r\nif-none-match: *\r\n\r\n";
    let mut answer = [0; 4_096];
    let mut first = connect_from([127, 0, 0, 3], &hub).await;
    let mut idle = Vec::new();
    for _ in 0..19 {
        let mut one = connect_from([127, 0, 0, 3], &hub).await;
        // One that was answered is counted.
        one.write_all(request).await.unwrap();
        assert!(one.read(&mut answer).await.unwrap() > 0);
        idle.push(one);
    }
    first.write_all(request).await.unwrap();
    assert!(first.read(&mut answer).await.unwrap() > 0);
    // Ten more: the ten that are silent for the longest time are closed, not the one that asked.
    for _ in 0..10 {
        idle.push(connect_from([127, 0, 0, 3], &hub).await);
    }
    // Two workers count what is accepted at once in any order, so which of the older ones is not said.
    let mut closed = tokio::task::JoinSet::new();
    for (place, mut one) in idle.into_iter().enumerate() {
        closed.spawn(async move {
            let read = one.read(&mut [0; 64]).await;
            assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
            place
        });
    }
    for _ in 0..10 {
        let ended = tokio::time::timeout(Duration::from_secs(5), closed.join_next()).await;
        assert!(ended.unwrap().unwrap().unwrap() < 19, "the newest stay");
    }
    first.write_all(request).await.unwrap();
    assert!(first.read(&mut answer).await.unwrap() > 0);
    assert_eq!(hub.hub.node.metrics.shed.get(), 10);
    assert_eq!(
        honest().get(format!("{}/docs", hub.url)).send().await.unwrap().status(),
        200
    );
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_proxy_may_have_any_number_of_connections() {
    let hub = TestHub::start_with(|config| {
        config.http.address_connections_max = 2;
        config.http.trusted_proxies = vec!["127.0.0.3".to_owned()];
    })
    .await;
    let mut all = Vec::new();
    for _ in 0..10 {
        all.push(connect_from([127, 0, 0, 3], &hub).await);
    }
    for one in &mut all {
        one.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
        let mut answer = [0; 512];
        assert!(one.read(&mut answer).await.unwrap() > 0);
    }
    assert_eq!(hub.hub.node.metrics.shed.get(), 0);
    hub.stop().await;
}
