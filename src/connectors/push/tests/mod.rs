//! Attempts against real servers on loopback. Shared here: servers, a resolver with a script, a webhook to send to.

mod answers;
mod corpus;
mod tls;

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::push::*;
use heyan_auth::target::TargetLists;

/// The one address that the rules of these tests admit.
const GOOD: &str = "127.0.0.9";
const KEY: [u8; 32] = [7; 32];

/// Counts what connects and answers each connection with the bytes that `answer` makes of the request.
struct Server {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Server {
    async fn start<F>(listener: TcpListener, answer: F) -> Self
    where
        F: Fn(String) -> Vec<u8> + Clone + Send + Sync + 'static,
    {
        Self::with(listener, move |mut stream| {
            let answer = answer.clone();
            async move {
                let request = read_request(&mut stream).await?;
                stream.write_all(&answer(request)).await?;
                stream.shutdown().await
            }
        })
    }

    /// Hands over each connection as it is.
    fn with<F, D>(listener: TcpListener, drive: F) -> Self
    where
        F: Fn(TcpStream) -> D + Send + 'static,
        D: Future<Output = io::Result<()>> + Send + 'static,
    {
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(drive(stream));
            }
        });
        Self { address, connections }
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn listen() -> TcpListener {
    TcpListener::bind((GOOD, 0)).await.unwrap()
}

/// Head and body of one request.
async fn read_request(stream: &mut TcpStream) -> io::Result<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return Ok(text);
            }
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// Answers of a resolver in turn; the last one stays. `None` is a failure.
type Script = Vec<Option<Vec<IpAddr>>>;

#[derive(Default)]
struct Scripted {
    names: Mutex<HashMap<String, Script>>,
    asked: AtomicUsize,
}

impl Scripted {
    fn set(&self, name: &str, script: &[Option<&[&str]>]) {
        let each = script.iter().map(|answer| {
            let addresses = (*answer)?.iter().map(|address| address.parse().unwrap());
            Some(addresses.collect())
        });
        self.names.lock().unwrap().insert(name.to_owned(), each.collect());
    }
}

#[async_trait]
impl NameLookup for Scripted {
    async fn lookup(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut names = self.names.lock().unwrap();
        let script = names.get_mut(name).ok_or(io::ErrorKind::NotFound)?;
        let answer = if script.len() > 1 {
            script.remove(0)
        } else {
            script[0].clone()
        };
        answer.ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

fn texts(items: &[&str]) -> Vec<String> {
    items.iter().map(|item| (*item).to_owned()).collect()
}

/// Rules that admit `GOOD` by plain http on `ports`, under every name below `.example`.
fn lists(ports: &[u16]) -> TargetLists {
    TargetLists {
        hosts: texts(&[".example"]),
        networks: texts(&[GOOD]),
        ports: ports.to_vec(),
        literal_networks: texts(&[GOOD]),
        any_port_networks: Vec::new(),
        plain_http_networks: texts(&[GOOD]),
    }
}

fn config(lists: &TargetLists) -> PushConfig {
    PushConfig {
        connect_ms: 1_000,
        total_ms: 2_000,
        answer_ms: 100,
        system_roots: SystemRoots::Ignored,
        ..PushConfig::new(TargetRules::parse(lists).unwrap())
    }
}

fn push(lists: &TargetLists, lookup: &Arc<Scripted>) -> WebhookPush {
    let lookup: Arc<dyn NameLookup> = Arc::<Scripted>::clone(lookup);
    WebhookPush::with_lookup(config(lists), lookup).unwrap()
}

async fn send(push: &WebhookPush, url: &str) -> AttemptOutcome {
    let target = WebhookTarget {
        url: url.to_owned(),
        secrets: vec![KEY.to_vec()],
        ed25519_seed: None,
    };
    push.send(&target, &message()).await
}

fn message() -> PushMessage {
    PushMessage {
        id: "msg_1".to_owned(),
        timestamp_s: now_s(),
        body: br#"{"specversion":"1.0"}"#.to_vec(),
    }
}

fn now_s() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(now.unwrap().as_secs()).unwrap()
}

fn no_answer(failure: AttemptFailure) -> AttemptOutcome {
    failed(failure)
}

fn answered(status: u16, retry_after_s: Option<u32>) -> AttemptOutcome {
    AttemptOutcome::Failed {
        failure: AttemptFailure::Answer,
        status: Some(status),
        retry_after_s,
    }
}
