//! The load of `heyan bench`: connections that are kept, requests in turn, latencies in a histogram.
//! With a rate, a request's latency counts from when it was due, so that a server that stalls cannot hide the requests that
//! it kept from being sent (coordinated omission).

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::Context;
use bytes::Bytes;
use hdrhistogram::Histogram;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request,
    client::conn::http1::{SendRequest, handshake},
    header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue},
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, time::Instant};

/// Longest latency that is told apart, microseconds.
const LATENCY_MAX_US: u64 = 60_000_000;

/// Requests to one server.
#[derive(Clone)]
pub(super) struct LoadRequests {
    authority: String,
    token: HeaderValue,
    bodies: Arc<[Bytes]>,
    next: Arc<AtomicUsize>,
}

/// What one round came to.
pub(super) struct LoadRound {
    latencies_us: Histogram<u64>,
    /// Answers other than 200, and requests without one.
    pub bad: u64,
    bytes: u64,
    seconds: f64,
    /// CPU time of the server, seconds.
    pub cpu_s: f64,
}

/// When to stop, and when to send.
#[derive(Clone, Copy)]
enum LoadPace {
    /// The next with the answer, until then.
    Closed(Instant),
    /// One each interval, from the first one on, until then.
    Open {
        first: Instant,
        interval: Duration,
        until: Instant,
    },
    /// This many in all.
    Count(usize),
}

impl LoadRequests {
    /// Requests with a token to the server of a URL.
    ///
    /// # Errors
    /// The URL or the token is none.
    pub(super) fn new(url: &str, token: &str, bodies: Vec<String>) -> anyhow::Result<Self> {
        let mut bearer = HeaderValue::from_str(&format!("Bearer {token}"))?;
        bearer.set_sensitive(true);
        Ok(Self {
            authority: authority(url)?,
            token: bearer,
            bodies: bodies.into_iter().map(Bytes::from).collect(),
            next: Arc::default(),
        })
    }

    /// The same requests to another server.
    ///
    /// # Errors
    /// The URL is none.
    pub(super) fn to(&self, url: &str) -> anyhow::Result<Self> {
        Ok(Self {
            authority: authority(url)?,
            ..self.clone()
        })
    }

    /// Each request once.
    ///
    /// # Errors
    /// No connection.
    pub(crate) async fn each_once(&self, connections: u64) -> anyhow::Result<LoadRound> {
        self.all(connections, |_| LoadPace::Count(self.bodies.len())).await
    }

    /// One round.
    ///
    /// # Errors
    /// No connection.
    pub(super) async fn run(&self, connections: u64, seconds: u64, rate: Option<u64>) -> anyhow::Result<LoadRound> {
        let begin = Instant::now();
        let until = begin + Duration::from_secs(seconds);
        self.all(connections, |number| match rate {
            None => LoadPace::Closed(until),
            Some(rate) => LoadPace::Open {
                first: begin + Duration::from_secs(1).mul_f64(share(number, rate)),
                interval: Duration::from_secs(1).mul_f64(share(connections, rate)),
                until,
            },
        })
        .await
    }

    async fn all(&self, connections: u64, pace: impl Fn(u64) -> LoadPace) -> anyhow::Result<LoadRound> {
        self.next.store(0, Ordering::Relaxed);
        let begin = Instant::now();
        let tasks = (0..connections).map(|number| tokio::spawn(self.clone().one(pace(number))));
        let mut all = LoadRound::new()?;
        for task in tasks.collect::<Vec<_>>() {
            let round = task.await??;
            all.latencies_us.add(&round.latencies_us)?;
            all.bad += round.bad;
            all.bytes += round.bytes;
        }
        all.seconds = begin.elapsed().as_secs_f64();
        Ok(all)
    }

    async fn one(self, pace: LoadPace) -> anyhow::Result<LoadRound> {
        let mut round = LoadRound::new()?;
        let mut sender = self.connect().await?;
        let mut due = match pace {
            LoadPace::Open { first, .. } => first,
            _ => Instant::now(),
        };
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            match pace {
                LoadPace::Closed(until) if Instant::now() >= until => return Ok(round),
                LoadPace::Count(count) if number >= count => return Ok(round),
                LoadPace::Open { until, .. } if due >= until => return Ok(round),
                LoadPace::Open { .. } => tokio::time::sleep_until(due).await,
                _ => due = Instant::now(),
            }
            let body = self
                .bodies
                .get(number % self.bodies.len().max(1))
                .cloned()
                .unwrap_or_default();
            match self.ask(&mut sender, body).await {
                Ok((200, bytes)) => round.bytes += bytes,
                Ok(_) => round.bad += 1,
                Err(_broken) => {
                    round.bad += 1;
                    sender = self.connect().await?;
                }
            }
            let took = u64::try_from(due.elapsed().as_micros()).unwrap_or(LATENCY_MAX_US);
            round.latencies_us.saturating_record(took.max(1));
            if let LoadPace::Open { interval, .. } = pace {
                due += interval;
            }
        }
    }

    async fn connect(&self) -> anyhow::Result<SendRequest<Full<Bytes>>> {
        let stream = TcpStream::connect(&self.authority).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(sender)
    }

    async fn ask(&self, sender: &mut SendRequest<Full<Bytes>>, body: Bytes) -> anyhow::Result<(u16, u64)> {
        let request = Request::post("/v1/verifications")
            .header(HOST, &self.authority)
            .header(AUTHORIZATION, self.token.clone())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(Full::new(body))?;
        sender.ready().await?;
        let answer = sender.send_request(request).await?;
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await?.to_bytes();
        Ok((status, body.len() as u64))
    }
}

/// The part of a second that is `number` requests of `rate` a second.
fn share(number: u64, rate: u64) -> f64 {
    number as f64 / rate as f64
}

fn authority(url: &str) -> anyhow::Result<String> {
    let rest = url.strip_prefix("http://").context("an http:// address is needed")?;
    Ok(rest.trim_end_matches('/').to_owned())
}

impl LoadRound {
    fn new() -> anyhow::Result<Self> {
        Ok(Self {
            latencies_us: Histogram::new_with_bounds(1, LATENCY_MAX_US, 3)?,
            bad: 0,
            bytes: 0,
            seconds: 0.0,
            cpu_s: 0.0,
        })
    }

    /// Answers a second.
    pub(super) fn rate(&self) -> f64 {
        self.latencies_us.len() as f64 / self.seconds
    }

    /// A percentile of latency, microseconds.
    pub(crate) fn percentile(&self, percent: f64) -> f64 {
        self.latencies_us.value_at_percentile(percent) as f64
    }

    /// CPU time of the server for one request, microseconds.
    pub(crate) fn cpu_us(&self) -> f64 {
        self.cpu_s * 1e6 / (self.latencies_us.len() as f64).max(1.0)
    }

    /// Bytes of an answer, on average.
    pub(crate) fn answer_bytes(&self) -> usize {
        usize::try_from(self.bytes / self.latencies_us.len().max(1)).unwrap_or_default()
    }

    /// One line.
    pub(super) fn line(&self) -> String {
        format!(
            "{:.0} req/s, p50 {} µs, p99 {} µs, CPU {:.1} µs, bad {}",
            self.rate(),
            self.percentile(50.0),
            self.percentile(99.0),
            self.cpu_us(),
            self.bad
        )
    }
}
