//! A server on loopback that answers as it is told, well or badly. One request a connection.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// What it does with a request.
pub(super) enum Act {
    /// A whole answer.
    Json(u16, String),
    /// Status line, headers and body as they are; then it closes.
    Raw(Vec<u8>),
    /// Half an answer, then a reset.
    Reset,
    /// A byte, then another, without end.
    Drip,
    /// Nothing, without end.
    Hang,
    /// A body without end: chunks of zeros.
    Endless,
}

/// A request as it came.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub head: String,
    pub body: String,
}

impl Seen {
    /// A header's value.
    pub(super) fn header(&self, name: &str) -> Option<String> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let mut found = lines.filter(|(header, _)| header.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.to_owned())
    }
}

pub(super) struct Server {
    pub port: u16,
    pub seen: Arc<Mutex<Vec<Seen>>>,
    pub sent_bytes: Arc<AtomicU64>,
    pub at_once_max: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub(super) async fn start(act: impl Fn(&Seen, usize) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (seen, sent_bytes) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicU64::new(0)));
        let (at_once, at_once_max) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (act, all, sent, most) = (
            Arc::new(act),
            Arc::clone(&seen),
            Arc::clone(&sent_bytes),
            Arc::clone(&at_once_max),
        );
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (act, all, sent) = (Arc::clone(&act), Arc::clone(&all), Arc::clone(&sent));
                let (at_once, most) = (Arc::clone(&at_once), Arc::clone(&most));
                tokio::spawn(async move {
                    let Some(request) = read(&mut stream).await else { return };
                    most.fetch_max(at_once.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    let number = {
                        let mut all = all.lock().unwrap();
                        all.push(request.clone());
                        all.len()
                    };
                    answer(stream, act(&request, number), &sent).await;
                    at_once.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self {
            port,
            seen,
            sent_bytes,
            at_once_max,
            task,
        }
    }

    pub(super) fn requests(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    pub(super) fn last(&self) -> Seen {
        self.seen.lock().unwrap().last().cloned().unwrap_or_default()
    }
}

async fn read(stream: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let count = stream.read(&mut chunk).await.ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&chunk[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let seen = Seen {
            head: head.to_owned(),
            body: body.to_owned(),
        };
        let length = seen.header("content-length").map_or(0, |text| text.parse().unwrap());
        if body.len() >= length {
            return Some(seen);
        }
    }
}

async fn answer(mut stream: TcpStream, act: Act, sent: &AtomicU64) {
    const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
    match act {
        Act::Json(status, body) => {
            let head = format!(
                "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(head.as_bytes()).await;
            let _ = stream.write_all(body.as_bytes()).await;
        }
        Act::Raw(bytes) => {
            let _ = stream.write_all(&bytes).await;
        }
        Act::Reset => {
            let _ = stream.write_all(HEAD).await;
            let _ = stream.write_all(b"content-length: 100\r\n\r\n{\"code\":").await;
            let _ = stream.set_zero_linger();
        }
        Act::Drip => {
            let _ = stream.write_all(HEAD).await;
            let _ = stream.write_all(b"content-length: 100000\r\n\r\n").await;
            while stream.write_all(b" ").await.is_ok() {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        }
        Act::Hang => {
            let mut byte = [0];
            let _ = stream.read(&mut byte).await;
        }
        Act::Endless => {
            let _ = stream.write_all(HEAD).await;
            let _ = stream.write_all(b"transfer-encoding: chunked\r\n\r\n").await;
            let chunk = [b"10000\r\n".as_slice(), &[b' '; 0x10000], b"\r\n"].concat();
            while stream.write_all(&chunk).await.is_ok() {
                sent.fetch_add(0x10000, Ordering::SeqCst);
            }
        }
    }
    let _ = stream.shutdown().await;
}
