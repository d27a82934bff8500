//! An agency's system that receives webhooks: a real HTTP server on loopback that may refuse, and remembers what came.

use std::{
    collections::VecDeque,
    sync::{Arc, LazyLock, Mutex},
};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, dev::ServerHandle, web};
use serde_json::Value;
use tokio::sync::Notify;

/// One message as it came.
#[derive(Clone)]
pub(crate) struct Received {
    pub id: String,
    pub timestamp: String,
    pub signature: String,
    pub body: String,
    pub status: u16,
    pub traceparent: Option<String>,
}

impl Received {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

#[derive(Default)]
struct Shared {
    received: Mutex<Vec<Received>>,
    statuses: Mutex<VecDeque<u16>>,
    news: Notify,
}

pub(crate) struct Receiver {
    pub url: String,
    shared: Arc<Shared>,
    server: ServerHandle,
}

impl Receiver {
    /// Answers `statuses` first, then 204.
    pub(crate) fn start(statuses: &[u16]) -> Self {
        let shared = Arc::new(Shared::default());
        shared.statuses.lock().unwrap().extend(statuses);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/in", listener.local_addr().unwrap());
        let state = web::Data::from(Arc::clone(&shared));
        let server = HttpServer::new(move || App::new().app_data(state.clone()).route("/in", web::post().to(receive)))
            .workers(1)
            .disable_signals()
            .listen(listener)
            .unwrap()
            .run();
        let handle = server.handle();
        tokio::spawn(server);
        Self {
            url,
            shared,
            server: handle,
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.url
            .rsplit(':')
            .next()
            .unwrap()
            .split('/')
            .next()
            .unwrap()
            .parse()
            .unwrap()
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.shared.received.lock().unwrap().clone()
    }

    /// Waits until `enough` is true of what came.
    pub(crate) async fn wait_until(&self, enough: impl Fn(&[Received]) -> bool) -> Vec<Received> {
        let wait = async {
            loop {
                let news = self.shared.news.notified();
                let received = self.received();
                if enough(&received) {
                    received.iter().for_each(assert_described);
                    return received;
                }
                let _ = tokio::time::timeout(std::time::Duration::from_millis(200), news).await;
            }
        };
        match tokio::time::timeout(std::time::Duration::from_secs(30), wait).await {
            Ok(received) => received,
            Err(_) => panic!("it did not come: {} messages", self.received().len()),
        }
    }

    pub(crate) async fn stop(self) {
        self.server.stop(false).await;
    }
}

/// The API description, with the members and words of today alone.
static DESCRIPTION: LazyLock<Value> = LazyLock::new(|| {
    let mut document = serde_json::from_str(heyan::http::openapi::COMMITTED).unwrap();
    close(&mut document);
    document
});

fn close(node: &mut Value) {
    match node {
        Value::Object(members) => {
            if members.contains_key("properties") {
                members.insert("additionalProperties".to_owned(), false.into());
            }
            if let Some(words) = members.get("x-extensible-enum").cloned() {
                members.insert("enum".to_owned(), words);
            }
            members.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

/// What is pushed is a webhook of the API description.
fn assert_described(message: &Received) {
    let body = message.json();
    let kind = body["type"].as_str().unwrap();
    let kind = kind.strip_prefix("heyan.").unwrap().strip_suffix(".v1").unwrap();
    let hook = &DESCRIPTION["webhooks"][kind]["post"]["requestBody"]["content"]["application/cloudevents+json"];
    let mut schema = hook["schema"].clone();
    schema["components"] = DESCRIPTION["components"].clone();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let faults: Vec<String> = validator.iter_errors(&body).map(|fault| fault.to_string()).collect();
    assert!(faults.is_empty(), "{kind}: {faults:?} {body}");
}

async fn receive(shared: web::Data<Shared>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let header = |name: &str| request.headers().get(name).unwrap().to_str().unwrap().to_owned();
    let status = shared.statuses.lock().unwrap().pop_front().unwrap_or(204);
    shared.received.lock().unwrap().push(Received {
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp"),
        signature: header("webhook-signature"),
        body: String::from_utf8(body.to_vec()).unwrap(),
        status,
        traceparent: request
            .headers()
            .get("traceparent")
            .map(|value| value.to_str().unwrap().to_owned()),
    });
    shared.news.notify_waiters();
    HttpResponse::build(actix_web::http::StatusCode::from_u16(status).unwrap()).finish()
}
