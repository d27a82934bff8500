//! What the client guarantees to all its users: resolver, bounds of answers, no proxy. URLs are tested in `push::tests`.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::guard::*;
use heyan_auth::target::TargetLists;

fn settings(networks: &[&str], port: u16) -> GuardSettings {
    let texts = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect::<Vec<_>>();
    let lists = TargetLists {
        hosts: texts(&["localhost"]),
        networks: texts(networks),
        ports: vec![port],
        literal_networks: texts(networks),
        any_port_networks: Vec::new(),
        plain_http_networks: texts(networks),
    };
    GuardSettings {
        rules: TargetRules::parse(&lists).unwrap(),
        connect_max: Duration::from_secs(2),
        total_max: Duration::from_secs(2),
        extra_roots_pem: Vec::new(),
        system_roots: SystemRoots::Ignored,
    }
}

/// Answers each connection with `answer` and counts them.
fn serve(address: &str, answer: &'static [u8]) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind((address, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let connections = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&connections);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            counter.fetch_add(1, Ordering::SeqCst);
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer);
        }
    });
    (port, connections)
}

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";

#[tokio::test]
async fn the_systems_resolver_is_checked_as_well() {
    let (port, heard) = serve("127.0.0.1", OK);
    let url = format!("http://localhost:{port}/");
    let client = GuardedClient::new(&settings(&["127.0.0.9", "::2"], port)).unwrap();
    let error = client
        .request(Method::GET, &client.check(&url).unwrap())
        .send()
        .await
        .unwrap_err();
    assert_eq!(
        UnansweredCall::of(&error),
        UnansweredCall::Refused(TargetFault::Network)
    );
    assert_eq!(heard.load(Ordering::SeqCst), 0);

    let client = GuardedClient::new(&settings(&["127.0.0.1", "::1"], port)).unwrap();
    let response = client
        .request(Method::GET, &client.check(&url).unwrap())
        .send()
        .await
        .unwrap();
    assert_eq!(read_bounded(response, 2).await, Ok(b"ok".to_vec()));
    assert_eq!(heard.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn the_resolver_refuses_a_name_that_no_rule_admits_even_when_the_url_was_not_checked() {
    let client = GuardedClient::new(&settings(&["127.0.0.1", "::1"], 80)).unwrap();
    let error = client.plain.get("http://ip6-localhost/").send().await.unwrap_err();
    assert_eq!(UnansweredCall::of(&error), UnansweredCall::Refused(TargetFault::Host));
}

#[tokio::test]
async fn a_literal_passes_every_resolver_and_so_is_stopped_before_it() {
    // The library alone connects to a literal without asking: this is why only a `CheckedUrl` becomes a request.
    let (port, heard) = serve("127.0.0.1", OK);
    let client = GuardedClient::new(&settings(&["127.0.0.9"], port)).unwrap();
    let url = format!("http://127.0.0.1:{port}/");
    assert_eq!(client.check(&url).err(), Some(TargetFault::Address));
    assert_eq!(heard.load(Ordering::SeqCst), 0);
    client.plain.get(&url).send().await.unwrap();
    assert_eq!(heard.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_answer_is_read_up_to_its_bound() {
    for (answer, bound, expected) in [
        (OK, 2, Ok(b"ok".to_vec())),
        (OK, 1, Err(AttemptFailure::TooLarge)),
        (b"HTTP/1.1 200 OK\r\n\r\nabcdef", 6, Ok(b"abcdef".to_vec())),
        (b"HTTP/1.1 200 OK\r\n\r\nabcdef", 5, Err(AttemptFailure::TooLarge)),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\nx",
            65_536,
            Err(AttemptFailure::TooLarge),
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n4\r\nefgh\r\n",
            7,
            Err(AttemptFailure::TooLarge),
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx",
            65_536,
            Err(AttemptFailure::Broken),
        ),
    ] {
        let (port, _) = serve("127.0.0.9", answer);
        let client = GuardedClient::new(&settings(&["127.0.0.9"], port)).unwrap();
        let checked = client.check(&format!("http://127.0.0.9:{port}/")).unwrap();
        let response = client.request(Method::GET, &checked).send().await.unwrap();
        let body = read_bounded(response, bound).await;
        assert_eq!(
            body,
            expected.map_err(UnansweredCall::Failed),
            "{}",
            String::from_utf8_lossy(answer)
        );
    }
}

#[tokio::test]
async fn an_error_names_neither_url_nor_query_in_its_sort() {
    let client = GuardedClient::new(&settings(&["127.0.0.9"], 9)).unwrap();
    let checked = client.check("http://127.0.0.9:9/?secret=x").unwrap();
    let error = client.request(Method::GET, &checked).send().await.unwrap_err();
    let sorted = UnansweredCall::of(&error);
    assert_eq!(sorted, UnansweredCall::Failed(AttemptFailure::Connect));
    assert!(!format!("{sorted:?}").contains("secret"));
}

/// Names the port to the child that the next test starts.
const TARGET: &str = "HEYAN_TEST_GUARD_PORT";

#[tokio::test]
async fn a_target_is_reached_directly() {
    let port = match std::env::var(TARGET) {
        Ok(port) => port.parse().unwrap(),
        Err(_) => serve("127.0.0.9", OK).0,
    };
    let client = GuardedClient::new(&settings(&["127.0.0.9"], port)).unwrap();
    let checked = client.check(&format!("http://127.0.0.9:{port}/")).unwrap();
    let response = client.request(Method::GET, &checked).send().await.unwrap();
    assert_eq!(response.status(), 200);
}

#[test]
fn a_proxy_of_the_environment_is_not_used() {
    let (port, reached) = serve("127.0.0.9", OK);
    let (proxy, heard) = serve("127.0.0.1", OK);
    let proxy = format!("http://127.0.0.1:{proxy}");
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child
        .args(["--exact", "guard::tests::a_target_is_reached_directly"])
        .env(TARGET, port.to_string());
    for name in [
        "http_proxy",
        "HTTP_PROXY",
        "https_proxy",
        "HTTPS_PROXY",
        "all_proxy",
        "ALL_PROXY",
    ] {
        child.env(name, &proxy);
    }
    for name in ["no_proxy", "NO_PROXY", "REQUEST_METHOD"] {
        child.env_remove(name);
    }
    let output = child.output().unwrap();
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && shown.contains("1 passed"), "{shown}");
    assert_eq!(reached.load(Ordering::SeqCst), 1);
    assert_eq!(heard.load(Ordering::SeqCst), 0);
}
