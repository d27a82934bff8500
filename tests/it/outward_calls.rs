//! What a call sets going outside carries the caller's `traceparent`; a system that fails is told of once each way, by its name and HTTP
//! status; a call that fails has one line; and connectors are read again at SIGHUP, while a file that is wrong leaves the old ones.

use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU16, Ordering},
    },
    time::{Duration, Instant},
};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde_json::{Value, json};

use crate::{
    common::question,
    mismatches::{hub_with, subscribe},
    process_kit::{Process, TRACE},
    receiver::Receiver,
};

const TRACE_ID: &str = "0af7651916cd43dd8448eb211c80319c";

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_carries_the_trace_of_the_call_that_it_comes_of() {
    let receiver = Receiver::start(&[503]);
    let hub = hub_with(&[receiver.port()]).await;
    hub.grant("agency", "natural-person", &["name"], &["read"]).await;
    subscribe(&hub, "agency", &receiver.url, &["record.changed"]).await;
    let mut changed = crate::common::person();
    changed["fields"]["name"] = json!("张三");
    assert_eq!(hub.put_traced("natural-person", &changed, TRACE).await, 200);
    changed["fields"]["name"] = json!("李四");
    assert_eq!(hub.put_traced("natural-person", &changed, "00-not-a-trace").await, 200);
    let received = receiver.wait_until(|received| received.len() == 3).await;
    let traces: Vec<Option<&str>> = received.iter().map(|one| one.traceparent.as_deref()).collect();
    assert_eq!(
        traces,
        [Some(TRACE), Some(TRACE), None],
        "each attempt, and nothing that is no trace"
    );
    receiver.stop().await;
    hub.stop().await;
}

/// Paths with the traces that came.
type SeenCalls = Arc<Mutex<Vec<(String, Option<String>)>>>;

/// An outside system: a source of persons at `/ask`, a sink at `/share`.
struct Outside {
    port: u16,
    /// What `/ask` answers.
    status: Arc<AtomicU16>,
    came: SeenCalls,
}

impl Outside {
    fn start() -> Self {
        let (status, came) = (Arc::new(AtomicU16::new(200)), Arc::new(Mutex::new(Vec::new())));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = web::Data::new((Arc::clone(&status), Arc::clone(&came)));
        let server = HttpServer::new(move || App::new().app_data(state.clone()).default_service(web::to(answer)));
        tokio::spawn(server.workers(1).disable_signals().listen(listener).unwrap().run());
        Self { port, status, came }
    }

    fn traces(&self, path: &str) -> Vec<Option<String>> {
        let came = self.came.lock().unwrap();
        let of = came.iter().filter(|(at, _)| at == path);
        of.map(|(_, trace)| trace.clone()).collect()
    }
}

type Shared = (Arc<AtomicU16>, Arc<Mutex<Vec<(String, Option<String>)>>>);

async fn answer(state: web::Data<Shared>, request: HttpRequest) -> HttpResponse {
    let trace = request.headers().get("traceparent");
    let trace = trace.map(|value| value.to_str().unwrap().to_owned());
    state.1.lock().unwrap().push((request.path().to_owned(), trace));
    let status = match request.path() {
        "/ask" => state.0.load(Ordering::SeqCst),
        _ => 200,
    };
    HttpResponse::build(actix_web::http::StatusCode::from_u16(status).unwrap())
        .content_type("application/json")
        .body(r#"{"code":"1"}"#)
}

fn loopback(port: u16) -> String {
    format!(
        "title = {{ zh = \"测试\", en = \"Test\" }}\n[targets]\nnetworks = [\"127.0.0.0/8\"]\n\
         literal_networks = [\"127.0.0.0/8\"]\nplain_http_networks = [\"127.0.0.0/8\"]\nports = [{port}]\n"
    )
}

fn source(port: u16) -> String {
    format!(
        "role = \"source\"\nkind = \"http\"\ndataset = \"natural-person\"\n{}[request]\n\
         url = \"http://127.0.0.1:{port}/ask\"\nbody = '{{\"id\": \"{{subject.id_number}}\"}}'\n[answer]\n\
         code_pointer = \"/code\"\nsuccess = [\"0\"]\nnot_found = [\"1\"]\nrecords_pointer = \"/data\"\n\
         fields = {{ name = \"/xm\" }}\n[limits]\nbreaker = {{ failures = 2, pause_ms = 300 }}\n",
        loopback(port)
    )
}

fn sink(port: u16, path: &str) -> String {
    format!(
        "role = \"sink\"\nkind = \"http\"\ndatasets = [\"e-licence\", \"natural-person\"]\n{}[request]\nmethod = \"PUT\"\n\
         url = \"http://127.0.0.1:{port}/{path}\"\nbody = '{{\"id\": \"{{delivery}}\"}}'\n[answer]\nmode = \"receipt\"\n\
         code_pointer = \"/code\"\nsuccess = [\"1\"]\nnot_found = [\"9\"]\n",
        loopback(port)
    )
}

async fn hub_with_connectors(folder: &Path) -> Process {
    let connectors = folder.join("connectors");
    Process::start(folder, &[("HEYAN__CONNECTORS__FOLDER", connectors.to_str().unwrap())]).await
}

/// Asks about a person whom only the source can know.
async fn ask(hub: &Process) -> (u16, Value) {
    let mut asked = question(&json!({"name": "张三丰"}));
    asked["max_age_s"] = json!(0);
    hub.send("POST", "/v1/verifications", "agency", &asked).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_fails_is_told_of_once_each_way_and_each_failed_call_has_one_line() {
    let (outside, folder) = (Outside::start(), tempfile::tempdir().unwrap());
    let connectors = folder.path().join("connectors");
    std::fs::create_dir(&connectors).unwrap();
    std::fs::write(connectors.join("population.toml"), source(outside.port)).unwrap();
    let hub = hub_with_connectors(folder.path()).await;
    let (status, answer) = ask(&hub).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(outside.traces("/ask"), [Some(TRACE.to_owned())]);
    outside.status.store(503, Ordering::SeqCst);
    let mut first = Value::Null;
    for _ in 0..6 {
        let (status, problem) = ask(&hub).await;
        assert_eq!(
            (status, &problem["code"]),
            (503, &json!("source_unavailable")),
            "{problem}"
        );
        first = problem;
    }
    assert_eq!(first["trace_id"], TRACE_ID);
    let failed = hub.until_told("call failed", 6).await;
    assert_eq!(failed.len(), 6, "one line a call");
    for line in &failed {
        let got = (&line["trace_id"], &line["connector"], &line["code"]);
        assert_eq!(
            got,
            (&json!(TRACE_ID), &json!("population"), &json!("source_unavailable")),
            "{line}"
        );
    }
    assert_eq!(failed[0]["source_status"], 503, "{}", failed[0]);
    let down = hub.until_told("connector down", 1).await;
    assert_eq!(
        (down.len(), &down[0]["connector"], &down[0]["source_status"]),
        (1, &json!("population"), &json!(503))
    );
    outside.status.store(200, Ordering::SeqCst);
    let end = Instant::now() + Duration::from_secs(20);
    while ask(&hub).await.0 != 200 {
        assert!(Instant::now() < end);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let up = hub.until_told("connector recovered", 1).await;
    assert_eq!((up.len(), &up[0]["connector"]), (1, &json!("population")));
    assert_eq!(hub.lines("connector down").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn connectors_are_read_again_at_sighup_and_a_wrong_file_leaves_the_old_ones() {
    let (outside, folder) = (Outside::start(), tempfile::tempdir().unwrap());
    let connectors = folder.path().join("connectors");
    std::fs::create_dir(&connectors).unwrap();
    let file = connectors.join("city.toml");
    std::fs::write(&file, sink(outside.port, "one")).unwrap();
    let hub = hub_with_connectors(folder.path()).await;
    let put = async |name: &str| {
        let mut record = crate::common::person();
        record["fields"]["name"] = json!(name);
        let (status, answer) = hub
            .send("PUT", "/v1/datasets/natural-person/records", "authority", &record)
            .await;
        assert_eq!(status, 200, "{answer}");
    };
    let arrives = async |path: &str| {
        let end = Instant::now() + Duration::from_secs(20);
        while !outside.traces(path).contains(&Some(TRACE.to_owned())) {
            assert!(Instant::now() < end, "{path}: {:?}", outside.came.lock().unwrap());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        outside.came.lock().unwrap().clear();
    };
    put("张一").await;
    arrives("/one").await;
    // Another address.
    std::fs::write(&file, sink(outside.port, "two")).unwrap();
    hub.hang_up();
    hub.until_told("the connectors were read again", 1).await;
    put("张二").await;
    arrives("/two").await;
    // A key that no connector has, and a source that would make a dataset live: each is one line, and nothing changes.
    std::fs::write(&file, format!("surprise = 1\n{}", sink(outside.port, "three"))).unwrap();
    hub.hang_up();
    let told = hub.until_told("the new connectors cannot be used", 1).await;
    let cause = told[0]["cause"].as_str().unwrap();
    assert!(
        cause.contains("connectors.folder") && cause.contains("city.toml") && cause.contains("surprise"),
        "{cause}"
    );
    put("张三").await;
    arrives("/two").await;
    std::fs::write(&file, sink(outside.port, "three")).unwrap();
    std::fs::write(connectors.join("population.toml"), source(outside.port)).unwrap();
    hub.hang_up();
    let told = hub.until_told("the new connectors cannot be used", 2).await;
    assert_eq!(told.len(), 2, "one line each");
    let cause = told[1]["cause"].as_str().unwrap();
    assert!(cause.contains("natural-person") && cause.contains("restart"), "{cause}");
    put("张四").await;
    arrives("/two").await;
}
