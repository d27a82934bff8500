//! A hub that has more to do than it can: who is let in, who is refused and how, and bodies that take their time.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, timeout},
};

use crate::common::{TestHub, person, question};

/// A connection that is written by hand.
struct Raw(TcpStream);

impl Raw {
    async fn to(hub: &TestHub) -> Self {
        let authority = hub.url.strip_prefix("http://").unwrap();
        Self(TcpStream::connect(authority).await.unwrap())
    }

    async fn write(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    /// Reads until `count` answers came, or the other side closed; their status codes.
    async fn statuses(&mut self, count: usize) -> Vec<String> {
        let mut text = String::new();
        let mut buffer = [0; 4096];
        loop {
            let found: Vec<String> = text
                .match_indices("HTTP/1.1 ")
                .filter_map(|(at, word)| text.get(at + word.len()..at + word.len() + 3))
                .map(ToOwned::to_owned)
                .collect();
            if found.len() >= count {
                return found;
            }
            let read = timeout(Duration::from_secs(20), self.0.read(&mut buffer)).await;
            match read.unwrap().unwrap() {
                0 => return found,
                read => text.push_str(&String::from_utf8_lossy(&buffer[..read])),
            }
        }
    }
}

fn head(token: &str, length: usize) -> String {
    format!(
        "POST /v1/verifications HTTP/1.1\r\nhost: hub\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    )
}

async fn hub_with(change: impl FnOnce(&mut heyan::config::Config)) -> TestHub {
    let hub = TestHub::start_with(change).await;
    hub.add_parties().await;
    assert_eq!(hub.put("natural-person", &person()).await.0, 200);
    hub
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_is_read_whether_it_comes_with_its_head_or_in_pieces_or_behind_another() {
    let hub = hub_with(|_| {}).await;
    let (token, body) = (hub.token("agency"), question(&json!({"name": "张三丰"})).to_string());
    let head = head(&token, body.len());
    let mut raw = Raw::to(&hub).await;
    raw.write(&format!("{head}{body}")).await;
    assert_eq!(raw.statuses(1).await, ["200"], "in one piece");
    let (begin, end) = body.split_at(body.find("claims").unwrap());
    for pieces in [
        vec![head.as_str(), body.as_str()],
        vec![head.as_str(), begin, end],
        vec![&head[..30], &head[30..], begin, end],
    ] {
        for piece in &pieces {
            raw.write(piece).await;
            tokio::time::sleep(Duration::from_millis(60)).await;
        }
        assert_eq!(raw.statuses(1).await, ["200"], "{} pieces", pieces.len());
    }
    raw.write(&format!("{head}{body}").repeat(5)).await;
    assert_eq!(raw.statuses(5).await, ["200"; 5], "five behind each other");
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_never_comes_ends_at_its_deadline() {
    let hub = hub_with(|config| config.http.body_timeout_ms = 400).await;
    for sent in [0, 20] {
        let body = question(&json!({"name": "张三丰"})).to_string();
        let mut raw = Raw::to(&hub).await;
        raw.write(&format!("{}{}", head(&hub.token("agency"), body.len()), &body[..sent]))
            .await;
        let begun = Instant::now();
        assert_eq!(raw.statuses(1).await, ["408"]);
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
    hub.stop().await;
}

/// Sends `count` questions of one client at the same moment; statuses and answers.
async fn crowd(hub: &TestHub, client: &str, count: usize) -> Vec<(u16, Option<String>, Value)> {
    let (token, url) = (hub.token(client), format!("{}/v1/verifications", hub.url));
    let asked = (0..count).map(|_| {
        let request = hub.client.post(&url).bearer_auth(&token);
        let request = request.header("content-type", "application/json");
        request.body(question(&json!({"name": "张三丰"})).to_string()).send()
    });
    let mut told = Vec::new();
    for answer in futures_util::future::join_all(asked).await {
        let answer = answer.unwrap();
        let wait = answer
            .headers()
            .get("retry-after")
            .map(|value| value.to_str().unwrap().to_owned());
        told.push((answer.status().as_u16(), wait, answer.json().await.unwrap()));
    }
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_its_places_a_worker_refuses_at_once_and_tells_when_to_come_again() {
    let hub = hub_with(|config| (config.http.workers, config.http.calls_max) = (1, 4)).await;
    let (mut good, mut refused) = (0, 0);
    for _ in 0..20 {
        for (status, wait, answer) in crowd(&hub, "agency", 100).await {
            match (status, answer["code"].as_str()) {
                (200, _) => good += 1,
                (429, Some("rate_limited")) | (503, Some("overloaded")) => {
                    assert!(wait.unwrap().parse::<u64>().unwrap() > 0);
                    refused += 1;
                }
                other => panic!("{other:?}: {answer}"),
            }
        }
    }
    assert!(good > 0 && refused > 0, "{good} {refused}");
    assert_eq!(
        hub.verify("agency", &question(&json!({"name": "张三丰"}))).await.0,
        200,
        "every place is free again"
    );
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_who_let_the_hub_wait_take_no_place() {
    let hub = hub_with(|config| (config.http.workers, config.http.calls_max) = (1, 4)).await;
    let mut slow = Vec::new();
    for _ in 0..12 {
        let mut raw = Raw::to(&hub).await;
        raw.write(&head(&hub.token("agency"), 500)).await;
        slow.push(raw);
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    for client in ["agency", "agency2"] {
        let answer = hub.verify(client, &question(&json!({"name": "张三丰"}))).await;
        assert_eq!(answer.0, 200, "{}", answer.1);
    }
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_nobody_reads_is_cut_off_and_holds_no_stop() {
    let hub = hub_with(|config| config.http.body_timeout_ms = 1_000).await;
    let mut raw = Raw::to(&hub).await;
    raw.write(&format!(
        "POST /v1/verifications/stream HTTP/1.1\r\nhost: hub\r\nauthorization: Bearer {}\r\n\
         content-type: application/x-ndjson\r\ncontent-length: 4000000000\r\n\r\n",
        hub.token("agency")
    ))
    .await;
    let header = json!({"purpose": crate::common::purpose(), "dataset": "natural-person"});
    raw.write(&format!("{header}\n")).await;
    let line = json!({"ref": "r", "subject": {"id_number": "1"}, "claims": {"name": "张三丰"}});
    let lines = format!("{line}\n").repeat(1_000);
    let begun = Instant::now();
    // Until the other side is full of answers, and then cut off.
    while timeout(Duration::from_secs(30), raw.0.write_all(lines.as_bytes()))
        .await
        .unwrap()
        .is_ok()
    {}
    assert!(begun.elapsed() < Duration::from_secs(60));
    let stopped = Instant::now();
    hub.stop().await;
    assert!(stopped.elapsed() < Duration::from_secs(10), "{:?}", stopped.elapsed());
}
