//! One exchange with an outside system, bounded in everything: who waits, how many at once, how long, how much.
//! The time is for waiting, signing, connecting and the whole answer together; a drip of bytes does not prolong it.

use std::{
    future::Future,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use reqwest::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER};
use ring::rand::{SecureRandom, SystemRandom};
use tokio::{
    net::TcpStream,
    sync::Semaphore,
    time::{Instant, timeout, timeout_at},
};

use super::{
    answer::WholeAnswer,
    auth::{ConnectorCredentials, SecretFetcher, of_unanswered},
    config::{ConnectorError, ConnectorFile, ConnectorLimits, ConnectorWork, HttpConfig},
    request::PreparedRequest,
    secret_file::SecretFiles,
    template::UnmadeRequest,
    trouble::{ResultBlame, SourceTrouble},
};
use crate::guard::{GuardSettings, GuardedClient, NameLookup, SystemLookup, SystemRoots, UnansweredCall, read_bounded};
use heyan_auth::target::{CheckedUrl, TargetRules};
use heyan_domain::{
    breaker::{Breaker, BreakerConfig, BreakerState, BreakerTicket},
    delivery::{AttemptFailure, TargetFault},
};
use heyan_ports::trace;

const RETRY_AFTER_S_MAX: u32 = 86_400;
/// A failed probe doubles the pause up to so many times the first one.
const PAUSES_MAX: u64 = 8;

/// Time, Unix microseconds.
pub type WallClock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// What every connector of a hub shares.
#[derive(Clone)]
pub struct SharedSurroundings {
    /// The time.
    pub now_us: WallClock,
    /// Resolves names.
    pub lookup: Arc<dyn NameLookup>,
    /// Whether the system's certificate authorities are trusted.
    pub system_roots: SystemRoots,
    /// Reads files of secrets.
    pub secrets: SecretFiles,
}

impl SharedSurroundings {
    /// The system's resolver and certificate authorities.
    pub fn new(now_us: WallClock) -> Self {
        Self {
            now_us,
            lookup: Arc::new(SystemLookup::default()),
            system_roots: SystemRoots::Trusted,
            secrets: SecretFiles::default(),
        }
    }
}

/// Slots and breaker of one outside system, whatever it is spoken to by.
pub struct SystemGate {
    slots: Semaphore,
    waiting: AtomicUsize,
    waiting_max: usize,
    total_max: Duration,
    breaker: Mutex<Breaker>,
    now_us: WallClock,
    /// Name of a source: its failing is told here. Feeds and sinks are told of by those who drive them.
    source: Option<String>,
    is_down: AtomicBool,
}

impl SystemGate {
    /// The gate of a connector.
    pub fn of(connector: &ConnectorFile, now_us: WallClock) -> Self {
        let is_source = matches!(
            connector.work,
            ConnectorWork::HttpSource { .. } | ConnectorWork::SqlSource { .. }
        );
        Self {
            source: is_source.then(|| connector.name.clone()),
            ..Self::new(&limits_of(connector), now_us)
        }
    }

    /// A gate by the limits of a connector.
    pub fn new(limits: &ConnectorLimits, now_us: WallClock) -> Self {
        let ms = |ms: u64| u32::try_from(ms).unwrap_or(u32::MAX);
        let pause_ms = limits.breaker.pause_ms;
        Self {
            slots: Semaphore::new(limits.requests_at_once),
            waiting: AtomicUsize::new(0),
            waiting_max: limits.waiting_requests_max,
            total_max: Duration::from_millis(limits.total_timeout_ms),
            breaker: Mutex::new(Breaker::new(BreakerConfig {
                open_after_requests: limits.breaker.failures,
                pause_min_ms: ms(pause_ms),
                pause_max_ms: ms(pause_ms.saturating_mul(PAUSES_MAX)),
                probe_max_ms: ms(limits.total_timeout_ms.saturating_add(1_000)),
            })),
            now_us,
            source: None,
            is_down: AtomicBool::new(false),
        }
    }

    /// Runs `work` when it may: under the breaker, with a slot, in time.
    ///
    /// # Errors
    /// It may not, or was not done in time, or failed.
    pub async fn run<T>(&self, work: impl Future<Output = Result<T, SourceTrouble>>) -> Result<T, SourceTrouble> {
        if self.state() == BreakerState::Open {
            return Err(SourceTrouble::Open);
        }
        let deadline = Instant::now() + self.total_max;
        let _slot = timeout_at(deadline, self.slot())
            .await
            .map_err(|_late| SourceTrouble::Timeout)??;
        let passed = self.pass()?;
        let result = match timeout_at(deadline, work).await {
            Ok(result) => result,
            Err(_late) => Err(SourceTrouble::Timeout),
        };
        passed.tell(
            result
                .as_ref()
                .map_or_else(SourceTrouble::blame, |_| ResultBlame::Works),
        );
        self.tell_turn(result.as_ref().err());
        result
    }

    /// One line when the source is given up for a while, and one when it answers again.
    fn tell_turn(&self, trouble: Option<&SourceTrouble>) {
        let Some(connector) = &self.source else { return };
        let is_closed = self.state() == BreakerState::Closed;
        match trouble {
            Some(trouble) if !is_closed && !self.is_down.swap(true, Ordering::AcqRel) => {
                let (source_status, cause) = (trouble.status(), trouble.source().to_string());
                tracing::warn!(
                    connector,
                    source_status,
                    cause,
                    "connector down: its calls are answered source_unavailable"
                );
            }
            None if is_closed && self.is_down.swap(false, Ordering::AcqRel) => {
                tracing::info!(connector, "connector recovered");
            }
            _ => {}
        }
    }

    /// The state of the breaker.
    pub fn state(&self) -> BreakerState {
        self.breaker().state((self.now_us)())
    }

    async fn slot(&self) -> Result<tokio::sync::SemaphorePermit<'_>, SourceTrouble> {
        if let Ok(slot) = self.slots.try_acquire() {
            return Ok(slot);
        }
        let _waits = WaitPlace::begin(self)?;
        self.slots.acquire().await.map_err(|_| SourceTrouble::Busy)
    }

    fn pass(&self) -> Result<BreakerPass<'_>, SourceTrouble> {
        let permit = self.breaker().allow((self.now_us)());
        match permit.pass() {
            Some(pass) => Ok(BreakerPass {
                gate: self,
                pass,
                blame: ResultBlame::Unknown,
            }),
            None => Err(SourceTrouble::Open),
        }
    }

    fn breaker(&self) -> std::sync::MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place among those who wait, given back however the wait ends.
struct WaitPlace<'a>(&'a AtomicUsize);

impl<'a> WaitPlace<'a> {
    fn begin(gate: &'a SystemGate) -> Result<Self, SourceTrouble> {
        let before = gate.waiting.fetch_add(1, Ordering::AcqRel);
        let waits = Self(&gate.waiting);
        if before >= gate.waiting_max {
            Err(SourceTrouble::Busy)
        } else {
            Ok(waits)
        }
    }
}

impl Drop for WaitPlace<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A pass of the breaker; dropped untold (its caller went away) it makes way for the next.
struct BreakerPass<'a> {
    gate: &'a SystemGate,
    pass: BreakerTicket,
    blame: ResultBlame,
}

impl BreakerPass<'_> {
    fn tell(mut self, blame: ResultBlame) {
        self.blame = blame;
    }
}

impl Drop for BreakerPass<'_> {
    fn drop(&mut self) {
        let now_us = (self.gate.now_us)();
        let mut breaker = self.gate.breaker();
        match self.blame {
            ResultBlame::Works => breaker.succeeded(self.pass),
            ResultBlame::Fails => breaker.failed(self.pass, now_us),
            ResultBlame::Unknown => breaker.abandoned(self.pass, now_us),
        }
    }
}

/// A sink has no breaker here: the courier has one, and a second would use up attempts of deliveries without sending them.
fn limits_of(connector: &ConnectorFile) -> ConnectorLimits {
    let mut limits = connector.limits.clone();
    if matches!(connector.work, ConnectorWork::HttpSink { .. }) {
        limits.breaker.failures = u32::MAX;
    }
    limits
}

/// Exchanges with one system that speaks HTTP.
pub struct HttpExchange {
    client: GuardedClient,
    rules: TargetRules,
    lookup: Arc<dyn NameLookup>,
    connect_max: Duration,
    credentials: ConnectorCredentials,
    gate: SystemGate,
    answer_bytes_max: usize,
    now_us: WallClock,
}

impl HttpExchange {
    /// For one connector; nothing is sent yet.
    ///
    /// # Errors
    /// Targets, certificates or credentials cannot be used.
    pub fn new(
        connector: &ConnectorFile,
        http: &HttpConfig,
        around: &SharedSurroundings,
    ) -> Result<Self, ConnectorError> {
        let wrong = |(key, reason): (String, String)| ConnectorError::new(&connector.path, key, reason);
        let credentials = ConnectorCredentials::compile(&http.auth, &around.secrets).map_err(wrong)?;
        let (targets, limits) = (&connector.targets, &connector.limits);
        let extra_roots_pem = match &targets.roots_file {
            Some(path) => std::fs::read(path)
                .map_err(|error| wrong(("targets.roots_file".to_owned(), format!("cannot be read: {error}"))))?,
            None => Vec::new(),
        };
        let settings = GuardSettings {
            rules: targets.rules().map_err(wrong)?,
            connect_max: Duration::from_millis(limits.connect_timeout_ms),
            total_max: Duration::from_millis(limits.total_timeout_ms),
            extra_roots_pem,
            system_roots: around.system_roots,
        };
        let client = GuardedClient::with_lookup(&settings, Arc::clone(&around.lookup))
            .map_err(|error| wrong(("targets.roots_file".to_owned(), error.to_string())))?;
        let exchange = Self {
            client,
            rules: settings.rules,
            lookup: Arc::clone(&around.lookup),
            connect_max: settings.connect_max,
            credentials,
            gate: SystemGate::of(connector, Arc::clone(&around.now_us)),
            answer_bytes_max: limits.answer_bytes_max,
            now_us: Arc::clone(&around.now_us),
        };
        if let Some(url) = exchange.credentials.refresh_url() {
            exchange
                .may_reach(url)
                .map_err(|reason| wrong(("auth.refresh_url".to_owned(), reason)))?;
        }
        Ok(exchange)
    }

    /// Whether the targets admit a URL.
    ///
    /// # Errors
    /// Why not, as a reason for an operator.
    pub(crate) fn may_reach(&self, url: &str) -> Result<(), String> {
        let refused = |fault: TargetFault| format!("is not admitted by [targets] ({})", fault.as_str());
        self.client.check(url).map(drop).map_err(refused)
    }

    /// The addresses that a URL leads to, all of them admitted: for a check of each step.
    ///
    /// # Errors
    /// Returns an error if the name has no address, or if one of its addresses is not admitted.
    pub async fn addresses(&self, url: &str) -> Result<Vec<SocketAddr>, SourceTrouble> {
        let checked = self.client.check(url).map_err(SourceTrouble::Target)?;
        let port = checked.url().port_or_known_default().unwrap_or_default();
        let name = checked.url().host_str().unwrap_or_default();
        let addresses = match checked.literal() {
            Some(literal) => vec![literal],
            None => match timeout(self.connect_max, self.lookup.lookup(name)).await {
                Ok(Ok(addresses)) if !addresses.is_empty() => addresses,
                _ => return Err(SourceTrouble::Connect(AttemptFailure::Connect)),
            },
        };
        for address in &addresses {
            self.rules
                .check_address(checked.transport(), *address)
                .map_err(SourceTrouble::Target)?;
        }
        Ok(addresses
            .into_iter()
            .map(|address| SocketAddr::new(address, port))
            .collect())
    }

    /// Opens a connection to one of the addresses and closes it again: for a check of each step.
    ///
    /// # Errors
    /// None can be connected to.
    pub async fn connect(&self, addresses: &[SocketAddr]) -> Result<(), SourceTrouble> {
        match timeout(self.connect_max, TcpStream::connect(addresses)).await {
            Ok(Ok(_connection)) => Ok(()),
            _ => Err(SourceTrouble::Connect(AttemptFailure::Connect)),
        }
    }

    /// The time.
    pub fn now_us(&self) -> i64 {
        (self.now_us)()
    }

    /// An id for one request, time-ordered.
    ///
    /// # Errors
    /// Returns an error if the random source fails.
    pub fn uuid(&self) -> Result<uuid::Uuid, UnmadeRequest> {
        let mut random = [0; 10];
        SystemRandom::new()
            .fill(&mut random)
            .map_err(|_| UnmadeRequest("no random bytes"))?;
        let ms = u64::try_from(self.now_us().div_euclid(1_000)).unwrap_or_default();
        Ok(uuid::Builder::from_unix_timestamp_millis(ms, &random).into_uuid())
    }

    /// The proof that a request would carry: for a check of the credentials alone.
    ///
    /// # Errors
    /// Returns an error if the credentials cannot be made.
    pub(crate) async fn try_credentials(&self) -> Result<(), SourceTrouble> {
        let fetcher = SecretFetcher { client: &self.client };
        self.credentials.prove(self.now_us(), &fetcher).await.map(drop)
    }

    /// Sends what `make` makes, and lets `read` read the answer; once more with another secret where the first was refused.
    ///
    /// # Errors
    /// There is no answer that `read` takes.
    pub async fn run<T>(
        &self,
        make: impl Fn() -> Result<PreparedRequest, UnmadeRequest> + Send + Sync,
        read: impl Fn(&WholeAnswer) -> Result<T, SourceTrouble> + Send + Sync,
    ) -> Result<T, SourceTrouble> {
        self.gate
            .run(async {
                let (first, generation) = self.once(&make).await?;
                match read(&first) {
                    Err(SourceTrouble::Auth(_)) if self.credentials.renew(generation, self.now_us()).await => {
                        let (second, _) = self.once(&make).await?;
                        read(&second)
                    }
                    result => result,
                }
            })
            .await
    }

    async fn once(
        &self,
        make: impl Fn() -> Result<PreparedRequest, UnmadeRequest>,
    ) -> Result<(WholeAnswer, u64), SourceTrouble> {
        let fetcher = SecretFetcher { client: &self.client };
        let mut made = make().map_err(|unmade| SourceTrouble::Unmade(unmade.0))?;
        let proof = self.credentials.prove(self.now_us(), &fetcher).await?;
        if let Some((name, secret)) = &proof.query {
            made.add_parameter(name, secret)
                .map_err(|unmade| SourceTrouble::Unmade(unmade.0))?;
        }
        let checked: CheckedUrl = self.client.check(&made.url).map_err(SourceTrouble::Target)?;
        let mut request = self.client.request(made.method, &checked).header(ACCEPT, "*/*");
        if let Some(parent) = trace::parent() {
            request = request.header(trace::HEADER, &*parent);
        }
        for (name, value) in made.headers.into_iter().chain(proof.headers) {
            request = request.header(name, value);
        }
        if let Some(body) = made.body {
            request = request.body(body);
        }
        let response = request
            .send()
            .await
            .map_err(|error| of_unanswered(UnansweredCall::of(&error)))?;
        let text = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        let content_type = text(CONTENT_TYPE).map(str::to_owned);
        let retry_after_s = text(RETRY_AFTER).and_then(|text| text.trim().parse::<u32>().ok());
        let status = response.status().as_u16();
        let body = read_bounded(response, self.answer_bytes_max)
            .await
            .map_err(of_unanswered)?;
        let answer = WholeAnswer {
            status,
            content_type,
            retry_after_s: retry_after_s.map(|seconds| seconds.min(RETRY_AFTER_S_MAX)),
            body,
        };
        Ok((answer, proof.generation))
    }
}
