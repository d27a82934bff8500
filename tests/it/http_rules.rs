//! What HTTP itself asks of a server: HEAD, offers to upgrade, cached descriptions, errors of the token endpoint, keys of actions.

use std::collections::BTreeSet;

use heyan::http::routes::ROUTES;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    common::{ITEM, TestHub, person, purpose},
    mismatches::{act, mismatch},
    routes::concrete,
};

struct Answer {
    status: u16,
    /// Names in lower case; without what differs from answer to answer.
    headers: Vec<(String, String)>,
    length: usize,
}

async fn ask(method: &str, url: &str, token: Option<&str>) -> Answer {
    let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
    // A redirect is an answer too.
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let mut request = client.request(method, url);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let response = request.send().await.unwrap();
    let headers = response.headers().iter().filter(|(name, _)| *name != "date");
    Answer {
        status: response.status().as_u16(),
        headers: headers
            .map(|(name, value)| (name.as_str().to_owned(), value.to_str().unwrap().to_owned()))
            .collect(),
        length: response.bytes().await.unwrap().len(),
    }
}

/// Headers whose value is the same however often the same is asked; the length of an answer that counts or names its own call is not.
fn steady(answer: &Answer) -> BTreeSet<(String, String)> {
    let steady = |name: &str| !matches!(name, "content-length" | "transfer-encoding");
    let headers = answer.headers.iter().filter(|(name, _)| steady(name));
    headers.cloned().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn head_is_answered_as_get_without_a_body_wherever_there_is_get() {
    let hub = TestHub::with_parties().await;
    let mut asked = Vec::new();
    for route in ROUTES.iter().filter(|route| route.method == "GET") {
        let token = route.roles.first().map(|role| hub.token(role.as_str()));
        asked.push((format!("{}{}", hub.url, concrete(route.path)), token));
    }
    for path in ["/livez", "/readyz", "/startupz", "/metrics"] {
        asked.push((format!("{}{path}", hub.admin_url), None));
    }
    assert!(asked.len() > 30, "{}", asked.len());
    for (url, token) in asked {
        let get = ask("GET", &url, token.as_deref()).await;
        let head = ask("HEAD", &url, token.as_deref()).await;
        assert_eq!((head.status, head.length), (get.status, 0), "{url}");
        assert_eq!(steady(&head), steady(&get), "{url}");
    }
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn head_is_entered_like_get_and_named_among_the_methods_of_a_path() {
    let hub = TestHub::with_parties().await;
    let size = hub.ledger_size();
    let url = format!("{}/v1/datasets", hub.url);
    assert_eq!(ask("HEAD", &url, Some(&hub.token("agency"))).await.status, 200);
    assert_eq!(hub.ledger_size(), size + 1);
    assert_eq!(ask("HEAD", &url, None).await.status, 401);
    let refused = ask("PATCH", &url, None).await;
    assert_eq!(refused.status, 405);
    assert!(refused.headers.contains(&("allow".to_owned(), "GET, HEAD".to_owned())));
    let head = ask("HEAD", &format!("{}/v1/verifications", hub.url), None).await;
    assert_eq!(head.status, 405);
    hub.stop().await;
}

/// One answer of a connection that is kept: its head, and its body by its length.
async fn next_answer(stream: &mut TcpStream, has_body: bool) -> (String, Vec<u8>) {
    let mut read = Vec::new();
    let end = loop {
        if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        let mut byte = [0];
        assert_eq!(
            stream.read(&mut byte).await.unwrap(),
            1,
            "closed: {}",
            String::from_utf8_lossy(&read)
        );
        read.push(byte[0]);
    };
    let head = String::from_utf8(read[..end].to_vec()).unwrap().to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length = length.map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; if has_body { length } else { 0 }];
    stream.read_exact(&mut body).await.unwrap();
    (head, body)
}

const OFFER: &str = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\
    HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_to_upgrade_is_ignored_and_the_connection_is_kept() {
    let hub = TestHub::with_parties().await;
    assert_eq!(hub.put("natural-person", &person()).await.0, 200);
    let host = hub.url.strip_prefix("http://").unwrap().to_owned();
    let token = hub.token("agency");
    let body = crate::common::question(&json!({"name": "张三丰"})).to_string();
    let mut stream = TcpStream::connect(&host).await.unwrap();
    for _ in 0..3 {
        let get = format!("GET /problems HTTP/1.1\r\nHost: {host}\r\n{OFFER}\r\n");
        stream.write_all(get.as_bytes()).await.unwrap();
        let (head, page) = next_answer(&mut stream, true).await;
        assert!(head.starts_with("http/1.1 200"), "{head}");
        assert!(
            !head.contains("upgrade") && !head.contains("connection: close"),
            "{head}"
        );
        assert!(!page.is_empty());
        let head_only = format!("HEAD /problems HTTP/1.1\r\nHost: {host}\r\n{OFFER}\r\n");
        stream.write_all(head_only.as_bytes()).await.unwrap();
        let (head, _) = next_answer(&mut stream, false).await;
        assert!(head.contains(&format!("content-length: {}", page.len())), "{head}");
        // Java's client sends the head and the body apart.
        let post = format!(
            "POST /v1/verifications HTTP/1.1\r\nHost: {host}\r\n{OFFER}Authorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(post.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        stream.write_all(body.as_bytes()).await.unwrap();
        let (head, answer) = next_answer(&mut stream, true).await;
        assert!(head.starts_with("http/1.1 200"), "{head}");
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        assert_eq!(answer["outcome"], "verified", "{answer}");
    }
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn descriptions_are_public_cached_and_lead_to_each_other() {
    let hub = TestHub::with_parties().await;
    let get = async |path: &str, tag: Option<&str>| {
        let mut request = hub.client.get(format!("{}{path}", hub.url));
        if let Some(tag) = tag {
            request = request.header("if-none-match", tag);
        }
        request.send().await.unwrap()
    };
    let asyncapi = get("/asyncapi.yaml", None).await.text().await.unwrap();
    let mut paths = vec!["/openapi.json".to_owned(), "/asyncapi.yaml".to_owned()];
    let payloads = asyncapi.lines().filter_map(|line| line.split("$ref: './").nth(1));
    paths.extend(payloads.map(|rest| format!("/{}", rest.split('\'').next().unwrap())));
    assert_eq!(paths.len(), 11, "{paths:?}");
    for path in &paths {
        let first = get(path, None).await;
        assert_eq!(first.status(), 200, "{path}");
        assert!(
            first.headers()["cache-control"]
                .to_str()
                .unwrap()
                .starts_with("public, max-age=")
        );
        let tag = first.headers()["etag"].to_str().unwrap().to_owned();
        let second = get(path, Some(&tag)).await;
        assert_eq!(
            (second.status().as_u16(), &second.headers()["etag"]),
            (304, first.headers().get("etag").unwrap())
        );
        assert!(second.bytes().await.unwrap().is_empty(), "{path}");
        assert_eq!(get(path, Some("\"other\"")).await.status(), 200, "{path}");
        if path.ends_with(".json") {
            let schema: Value = first.json().await.unwrap();
            assert!(schema.is_object(), "{path}");
        }
    }
    let missing = get("/schemas/events/none.json", None).await;
    assert_eq!(missing.status(), 404);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_failure_of_the_token_endpoint_has_the_error_of_rfc_6749() {
    let hub = TestHub::with_parties().await;
    let url = format!("{}/oauth/token", hub.url);
    const FORM: &str = "application/x-www-form-urlencoded";
    let cases = [
        ("POST", Some("application/json"), "{}", 415, "invalid_request"),
        ("POST", None, "", 415, "invalid_request"),
        ("POST", Some(FORM), "a=1&a=1", 400, "invalid_request"),
        (
            "POST",
            Some(FORM),
            "grant_type=client_credentials",
            401,
            "invalid_client",
        ),
        (
            "POST",
            Some(FORM),
            "client_secret=x&grant_type=client_credentials",
            400,
            "invalid_request",
        ),
        ("GET", None, "", 405, "invalid_request"),
        ("PUT", Some(FORM), "a=1", 405, "invalid_request"),
    ];
    for (method, media, body, status, error) in cases {
        let mut request = hub.client.request(method.parse().unwrap(), &url).body(body.to_owned());
        if let Some(media) = media {
            request = request.header("content-type", media);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{method} {media:?} {body}");
        let answer: Value = response.json().await.unwrap();
        assert_eq!(answer["error"], error, "{answer}");
        assert!(answer["error_description"].as_str().unwrap().is_ascii(), "{answer}");
        assert!(answer["code"].is_string() && answer["type"].is_string(), "{answer}");
    }
    let form = format!(
        "grant_type=client_credentials&client_id=agency&client_secret={}",
        "x".repeat(20_000)
    );
    let request = hub.client.post(&url).header("content-type", FORM).body(form);
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(
        (&answer["status"], &answer["error"]),
        (&json!(413), &json!("invalid_request")),
        "{answer}"
    );
    let (_, elsewhere) = hub.send("POST", "/v1/verifications", None, None).await;
    assert!(elsewhere.get("error").is_none(), "{elsewhere}");
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_on_two_routes_stands_for_two_requests() {
    let hub = TestHub::with_parties().await;
    assert_eq!(hub.put("natural-person", &person()).await.0, 200);
    let answer = mismatch(&hub, "agency", "A-46", "张三").await;
    let id = answer["mismatch"]["id"].as_str().unwrap();
    let case =
        json!({"purpose": purpose(), "co_handlers": [{"agency": "agency2", "item_code": ITEM}], "valid_hours": 1});
    let request = hub.client.post(format!("{}/v1/cases", hub.url));
    let request = request
        .bearer_auth(hub.token("agency"))
        .header("idempotency-key", "same");
    let request = request
        .header("content-type", "application/json")
        .body(case.to_string());
    let opened = request.send().await.unwrap();
    assert_eq!(opened.status(), 201);
    let opened: Value = opened.json().await.unwrap();
    assert!(opened["id"].as_str().unwrap().starts_with("cas_"), "{opened}");
    let acted = act(&hub, "agency", id, "same", &json!({"action": "report_false_claim"})).await;
    assert_eq!(acted.status, 200, "{}", acted.body);
    let acted: Value = serde_json::from_str(&acted.body).unwrap();
    assert_eq!(
        (&acted["id"], &acted["state"]),
        (&json!(id), &json!("closed")),
        "{acted}"
    );
    hub.stop().await;
}
