//! A hub in a few lines, as far as the client commands talk to it.
//! It checks nothing but what a story needs; its faults are asked for by `Faults`.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::{
    Method, Request, Response,
    body::{Bytes, Frame, Incoming},
    header::{AUTHORIZATION, CONTENT_TYPE},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::mpsc};

/// What goes wrong.
#[derive(Default)]
pub(crate) struct Faults {
    /// Requests with records that break off after their first answer.
    pub break_off: AtomicUsize,
    /// Requests with records that get 503.
    pub unavailable: AtomicUsize,
    /// Milliseconds before every request with records is read, the first alone.
    pub first_delay_ms: AtomicU64,
    /// Streams end without a last line after so many answers; 0 = never.
    pub stream_cut_at: AtomicU64,
    /// Milliseconds before every answer of a stream.
    pub answer_delay_ms: AtomicU64,
    /// Refusals of a caller whose document is lost with the connection.
    pub lost_refusals: AtomicUsize,
    /// Streams say nothing after the head.
    pub silent: AtomicUsize,
}

#[derive(Default)]
pub(crate) struct Seen {
    pub records: HashMap<String, Value>,
    pub basic: Option<String>,
    pub header: Option<Value>,
    pub language: Option<String>,
    pub posts: Vec<(String, Value)>,
    pub puts: usize,
}

pub(crate) struct Stub {
    pub url: String,
    pub faults: Faults,
    pub seen: Mutex<Seen>,
    pub tokens: AtomicUsize,
}

type Body = BoxBody<Bytes, std::io::Error>;

impl Stub {
    pub(crate) async fn start() -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let stub = Arc::new(Self {
            url,
            faults: Faults::default(),
            seen: Mutex::default(),
            tokens: AtomicUsize::new(0),
        });
        let serving = Arc::clone(&stub);
        tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let stub = Arc::clone(&serving);
                tokio::spawn(async move {
                    let service = service_fn(move |request| {
                        let stub = Arc::clone(&stub);
                        async move { Ok::<_, Infallible>(stub.answer(request).await) }
                    });
                    let _ = http1::Builder::new()
                        .serve_connection(TokioIo::new(socket), service)
                        .await;
                });
            }
        });
        stub
    }

    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Response<Body> {
        let header = |name| {
            request
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
        };
        let authorization = header(AUTHORIZATION);
        let path = request.uri().path().to_owned();
        let language = request
            .headers()
            .get("accept-language")
            .and_then(|v| v.to_str().ok())
            .map(str::to_owned);
        self.seen.lock().unwrap().language = language;
        if path == "/oauth/token" {
            self.seen.lock().unwrap().basic = authorization;
            self.tokens.fetch_add(1, SeqCst);
            return json_answer(
                200,
                json!({"access_token":"good","token_type":"Bearer","expires_in":600}),
            );
        }
        if authorization.as_deref() != Some("Bearer good") {
            let document = problem(401, "unauthorized", "No valid token");
            return if *request.method() != Method::GET && take(&self.faults.lost_refusals) {
                json_answer(401, json!(null))
            } else {
                document
            };
        }
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        match (request.method(), segments.as_slice()) {
            (&Method::GET, ["v1", "datasets"]) => json_answer(200, json!({"datasets":[person(), firm()]})),
            (&Method::GET, ["v1", "datasets", "natural-person"]) => json_answer(200, person()),
            (&Method::PUT, ["v1", "datasets", "natural-person", "records"]) => self.records(request).await,
            (&Method::POST, ["v1", "verifications", "stream"]) => self.stream(request),
            (&Method::GET, ["v1", list @ ("agencies" | "grants" | "users")]) => page(list, request.uri().query()),
            (&Method::DELETE, ["v1", "grants", id]) => {
                json_answer(200, json!({"id": id, "revoked_at": "2026-11-23T00:00:00Z"}))
            }
            (&Method::POST, ["v1", ..]) => self.post(path, request).await,
            _ => problem(404, "not_found", "Nothing here"),
        }
    }

    async fn post(&self, path: String, request: Request<Incoming>) -> Response<Body> {
        let bytes = request.into_body().collect().await.unwrap().to_bytes();
        let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        self.seen.lock().unwrap().posts.push((path.clone(), body.clone()));
        if body.get("credit_code") == Some(&json!("bad")) {
            return problem(422, "invalid_request", "Not a credit code");
        }
        let mut answer = body.as_object().cloned().unwrap_or_default();
        answer.insert("client_id".to_owned(), "c1".into());
        answer.insert("client_secret".to_owned(), "S3CRET".into());
        json_answer(if path.ends_with("disable") { 200 } else { 201 }, Value::Object(answer))
    }

    async fn records(self: Arc<Self>, request: Request<Incoming>) -> Response<Body> {
        let put = {
            let mut seen = self.seen.lock().unwrap();
            seen.puts += 1;
            seen.puts
        };
        if take(&self.faults.unavailable) {
            return problem(503, "unavailable", "Later");
        }
        if put == 1 {
            tokio::time::sleep(Duration::from_millis(self.faults.first_delay_ms.load(SeqCst))).await;
        }
        let (answers, body) = mpsc::channel::<Result<Bytes, std::io::Error>>(4);
        let breaks_off = take(&self.faults.break_off);
        tokio::spawn(async move {
            let mut lines = Lines::of(request);
            let mut number = 0;
            while let Some(line) = lines.next().await {
                number += 1;
                let answer = self.put_one(number, &line);
                if answers.send(Ok(format!("{answer}\n").into())).await.is_err() {
                    return;
                }
                if breaks_off {
                    let _ = answers.send(Err(std::io::Error::other("broken"))).await;
                    return;
                }
            }
            let last = json!({"summary":{"lines":number},"receipt":{"origin":"hub-1","index":7,"leaf":"x"}});
            let _ = answers.send(Ok(format!("{last}\n").into())).await;
        });
        streamed(body)
    }

    fn put_one(&self, number: u64, line: &[u8]) -> Value {
        let problem = |code: &str| json!({"line":number,"problem":{"type":format!("/problems/{code}"),"title":"Bad","status":422,"code":code,"detail":"not good"}});
        let Ok(record) = serde_json::from_slice::<Value>(line) else {
            return problem("invalid_json");
        };
        let id = record["subject"]["id_number"].as_str().unwrap_or_default().to_owned();
        if id.len() != 18 {
            return problem("invalid_identifier");
        }
        let mut seen = self.seen.lock().unwrap();
        let status = match seen.records.insert(id, record.clone()) {
            None => "created",
            Some(old) if old == record => "unchanged",
            Some(_) => "updated",
        };
        json!({"line":number,"status":status,"version":1})
    }

    fn stream(self: Arc<Self>, request: Request<Incoming>) -> Response<Body> {
        let (answers, body) = mpsc::channel::<Result<Bytes, std::io::Error>>(4);
        tokio::spawn(async move {
            let mut lines = Lines::of(request);
            let header = lines.next().await.unwrap();
            self.seen.lock().unwrap().header = Some(serde_json::from_slice(&header).unwrap());
            let (cut, delay) = (
                self.faults.stream_cut_at.load(SeqCst),
                self.faults.answer_delay_ms.load(SeqCst),
            );
            if self.faults.silent.load(SeqCst) > 0 {
                tokio::time::sleep(Duration::from_secs(60)).await;
            }
            let mut block = String::new();
            let mut number = 0;
            while let Some(line) = lines.next().await {
                if delay > 0 {
                    tokio::time::sleep(Duration::from_millis(delay)).await;
                }
                number += 1;
                block.push_str(&verdict(&line));
                let due = block.len() > 4096 || delay > 0 || !lines.more_ready() || cut == number;
                if due && answers.send(Ok(std::mem::take(&mut block).into())).await.is_err() {
                    return;
                }
                if cut == number {
                    return;
                }
            }
            let last = json!({"summary":{"items":number},"receipt":{"origin":"hub-1","index":9,"leaf":"x"}});
            let _ = answers.send(Ok(format!("{block}{last}\n").into())).await;
        });
        streamed(body)
    }
}

fn verdict(line: &[u8]) -> String {
    let item: Value = serde_json::from_slice(line).unwrap_or_default();
    let answer = match (item.get("ref"), item["claims"]["name"].as_str()) {
        (Some(name), Some("王小明")) => json!({"ref":name,"id":"ver_1","outcome":"verified"}),
        (Some(name), Some(_)) => json!({"ref":name,"id":"ver_1","outcome":"mismatched"}),
        (name, _) => {
            json!({"ref":name,"problem":{"type":"/problems/invalid_json","title":"Bad","status":422,"code":"invalid_json"}})
        }
    };
    format!("{answer}\n")
}

struct Lines {
    body: Incoming,
    buffer: Vec<u8>,
    begin: usize,
}

impl Lines {
    fn of(request: Request<Incoming>) -> Self {
        Self {
            body: request.into_body(),
            buffer: Vec::new(),
            begin: 0,
        }
    }

    fn more_ready(&self) -> bool {
        self.buffer[self.begin..].contains(&b'\n')
    }

    async fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(end) = self.buffer[self.begin..].iter().position(|byte| *byte == b'\n') {
                let line = self.buffer[self.begin..self.begin + end].to_vec();
                self.begin += end + 1;
                return Some(line);
            }
            self.buffer.drain(..self.begin);
            self.begin = 0;
            let frame = self.body.frame().await?.ok()?;
            self.buffer.extend_from_slice(&frame.into_data().unwrap_or_default());
        }
    }
}

fn take(counter: &AtomicUsize) -> bool {
    counter
        .fetch_update(SeqCst, SeqCst, |count| count.checked_sub(1))
        .is_ok()
}

fn streamed(body: mpsc::Receiver<Result<Bytes, std::io::Error>>) -> Response<Body> {
    let stream = futures_util::stream::unfold(body, async |mut body| {
        body.recv().await.map(|piece| (piece.map(Frame::data), body))
    });
    let body = BodyExt::boxed(StreamBody::new(SyncStream(Mutex::new(Box::pin(stream)))));
    Response::builder()
        .header(CONTENT_TYPE, "application/x-ndjson")
        .body(body)
        .unwrap()
}

/// A boxed body must be `Sync`.
struct SyncStream<S>(Mutex<std::pin::Pin<Box<S>>>);

impl<S: futures_util::Stream> futures_util::Stream for SyncStream<S> {
    type Item = S::Item;

    fn poll_next(
        self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<S::Item>> {
        self.0.lock().unwrap().as_mut().poll_next(context)
    }
}

fn full(text: String) -> Body {
    Full::new(Bytes::from(text)).map_err(|never| match never {}).boxed()
}

fn json_answer(status: u16, body: Value) -> Response<Body> {
    Response::builder()
        .status(status)
        .header(CONTENT_TYPE, "application/json")
        .body(full(body.to_string()))
        .unwrap()
}

fn problem(status: u16, code: &str, title: &str) -> Response<Body> {
    let body = json!({"type":format!("/problems/{code}"),"title":title,"status":status,"code":code,
        "detail":"what is wrong","errors":[{"pointer":"#/x","code":"x","detail":"this one"}],"trace_id":"t-1"});
    let response = Response::builder()
        .status(status)
        .header(CONTENT_TYPE, "application/problem+json");
    response
        .header("retry-after", "0")
        .body(full(body.to_string()))
        .unwrap()
}

/// Two pages.
fn page(what: &str, query: Option<&str>) -> Response<Body> {
    let row = |n: u32| json!({"id":format!("{what}-{n}"),"name":"区数据局","networks":["10.0.0.0/8","::1/128"],"disabled":false});
    let (rows, next) = match query.unwrap_or_default().contains("cursor=a%2Fb") {
        true => (vec![row(3)], Value::Null),
        false => (vec![row(1), row(2)], json!("a/b")),
    };
    json_answer(200, json!({what: rows, "next_cursor": next}))
}

fn person() -> Value {
    json!({"name":"natural-person","subject":[{"name":"id_number","label":{"zh":"公民身份号码","en":"ID number"}}],
        "fields":[{"name":"name","label":{"zh":"姓名","en":"Name"}},{"name":"domicile_address","label":{"zh":"住址"}}]})
}

fn firm() -> Value {
    json!({"name":"legal-entity","subject":[{"name":"uscc","label":{"zh":"统一社会信用代码"}}],
        "fields":[{"name":"name","label":{"zh":"名称"}},{"name":"status"}]})
}
