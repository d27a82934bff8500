//! The demo's pretend agency system: it takes what the hub pushes, and lists it.
//! It checks nothing and keeps the newest thousand: a real system verifies the signature first.

use std::{
    collections::VecDeque,
    net::TcpListener,
    sync::{Mutex, PoisonError},
};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, dev::ServerHandle, web};
use serde_json::{Value, json};

/// Where it listens.
pub(crate) const PATH: &str = "/inbox";

/// Messages kept.
const MESSAGES_MAX: usize = 1_000;

#[derive(Default)]
struct Inbox(Mutex<VecDeque<Value>>);

/// Starts the pretend system on a free port of loopback. Returns its address.
pub(crate) fn start() -> anyhow::Result<(ServerHandle, String)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}/inbox", listener.local_addr()?);
    let inbox = web::Data::new(Inbox::default());
    let server = HttpServer::new(move || {
        App::new()
            .app_data(inbox.clone())
            .route("/inbox", web::get().to(list))
            .route("/inbox", web::post().to(receive))
    })
    .workers(1)
    .listen(listener)?
    .disable_signals()
    .run();
    let handle = server.handle();
    tokio::spawn(server);
    Ok((handle, url))
}

async fn list(inbox: web::Data<Inbox>) -> HttpResponse {
    let messages = inbox.0.lock().unwrap_or_else(PoisonError::into_inner);
    HttpResponse::Ok().json(messages.iter().collect::<Vec<_>>())
}

async fn receive(inbox: web::Data<Inbox>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let header = |name: &str| {
        request
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    let message = json!({
        "webhook_id": header("webhook-id"),
        "webhook_timestamp": header("webhook-timestamp"),
        "webhook_signature": header("webhook-signature"),
        "body": serde_json::from_slice::<Value>(&body).unwrap_or(Value::Null),
    });
    let mut messages = inbox.0.lock().unwrap_or_else(PoisonError::into_inner);
    if messages.len() == MESSAGES_MAX {
        messages.pop_front();
    }
    messages.push_back(message);
    HttpResponse::NoContent().finish()
}
