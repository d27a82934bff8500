//! The one builder of clients to outside systems: it connects to addresses that `auth::target` admits, and to no others.
//! A name is resolved and checked in one step and the connection goes to what was checked, so an answer that changes in
//! between changes nothing. Literal addresses never reach a resolver: only a `CheckedUrl` becomes a request.
//! Own code: the checked address must be the one connected to, which no client offers by itself.

use std::error::Error as StdError;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::BytesMut;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Certificate, Client, ClientBuilder, Method, RequestBuilder, Response};
use tokio::sync::Semaphore;

use heyan_auth::target::{CheckedUrl, TargetRules, TargetTransport};
use heyan_domain::delivery::{AttemptFailure, TargetFault};

/// Concurrent look-ups of the system's resolver. Each holds a thread until it ends, even when its caller no longer waits.
const LOOKUPS_MAX: usize = 64;
/// Addresses of one name that are tried; all are checked.
const ADDRESSES_MAX: usize = 8;
/// Header fields of an answer.
const HEADERS_MAX: usize = 64;
/// Unused connections to one target, and how long each is kept.
const IDLE_MAX: usize = 2;
const IDLE_LIFE: Duration = Duration::from_secs(30);

/// What a guarded client is made of.
#[derive(Clone)]
pub struct GuardSettings {
    /// What it may reach.
    pub rules: TargetRules,
    /// Time to resolve, connect and shake hands.
    pub connect_max: Duration,
    /// Time for one request with its whole answer.
    pub total_max: Duration,
    /// Certificate authorities to trust, PEM; empty: none of its own.
    pub extra_roots_pem: Vec<u8>,
    /// Whether the system's certificate authorities are trusted as well.
    pub system_roots: SystemRoots,
}

/// What the certificate authorities of the operating system are worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SystemRoots {
    /// Trusted; read once, when the client is made (`SSL_CERT_FILE` and `SSL_CERT_DIR` say where, else the usual places).
    Trusted,
    /// Not read: agencies have an authority of their own.
    Ignored,
}

/// Why a guarded client cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// The file holds no certificate, or a broken one.
    #[error("the file of certificate authorities holds no usable certificate")]
    Roots,
    /// The library refuses its settings.
    #[error("cannot create the client for outside systems: {0}")]
    Client(#[source] reqwest::Error),
}

/// Resolves names. What it answers is not trusted.
#[async_trait]
pub trait NameLookup: Send + Sync + 'static {
    /// Every address of `name`.
    ///
    /// # Errors
    /// There is no answer.
    async fn lookup(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The system's resolver.
pub struct SystemLookup {
    running: Arc<Semaphore>,
}

impl Default for SystemLookup {
    fn default() -> Self {
        let running = Arc::new(Semaphore::new(LOOKUPS_MAX));
        Self { running }
    }
}

#[async_trait]
impl NameLookup for SystemLookup {
    async fn lookup(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let permit = Arc::clone(&self.running).acquire_owned().await;
        let permit = permit.map_err(io::Error::other)?;
        let name = name.to_owned();
        let task = tokio::task::spawn_blocking(move || {
            let addresses = (name.as_str(), 0).to_socket_addrs();
            drop(permit);
            addresses.map(|addresses| addresses.map(|address| address.ip()).collect())
        });
        task.await.map_err(io::Error::other)?
    }
}

/// A client that reaches what its rules admit. Follows no redirects, uses no proxy, keeps no cookies, repeats nothing.
#[derive(Clone)]
pub struct GuardedClient {
    rules: Arc<TargetRules>,
    tls: Client,
    plain: Client,
}

impl GuardedClient {
    /// Makes a client on the system's resolver.
    ///
    /// # Errors
    /// Returns an error if the certificates cannot be used.
    pub fn new(settings: &GuardSettings) -> Result<Self, GuardError> {
        Self::with_lookup(settings, Arc::new(SystemLookup::default()))
    }

    /// The same on another resolver.
    ///
    /// # Errors
    /// Returns an error if the certificates cannot be used.
    pub(crate) fn with_lookup(settings: &GuardSettings, lookup: Arc<dyn NameLookup>) -> Result<Self, GuardError> {
        // The first installed provider stays; `main` has done so, a test has not.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let rules = Arc::new(settings.rules.clone());
        let builder = |transport| {
            let resolver = CheckedResolver {
                rules: Arc::clone(&rules),
                lookup: Arc::clone(&lookup),
                transport,
            };
            limited(settings).dns_resolver(Arc::new(resolver))
        };
        let plain = builder(TargetTransport::Plain).tls_certs_only([]).build();
        let plain = plain.map_err(GuardError::Client)?;
        let tls = with_roots(settings, || builder(TargetTransport::Tls).https_only(true))?;
        Ok(Self { rules, tls, plain })
    }

    /// Checks a URL as somebody wrote it.
    ///
    /// # Errors
    /// Returns the reason if the target may not be reached.
    pub fn check(&self, url: &str) -> Result<CheckedUrl, TargetFault> {
        self.rules.check_text(url)
    }

    /// Begins a request. `checked` must come from this client's rules or narrower ones.
    pub fn request(&self, method: Method, checked: &CheckedUrl) -> RequestBuilder {
        let client = match checked.transport() {
            TargetTransport::Tls => &self.tls,
            TargetTransport::Plain => &self.plain,
        };
        client.request(method, checked.url().clone())
    }
}

/// Why no whole answer came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnansweredCall {
    /// The rules do not admit what the name resolves to; nothing was connected to.
    Refused(TargetFault),
    /// It was tried.
    Failed(AttemptFailure),
}

impl UnansweredCall {
    /// Sorts an error of the library. Without a connection it is `Connect`, out of time or not: nothing was sent then.
    pub fn of(error: &reqwest::Error) -> Self {
        let mut tls = false;
        let mut next: Option<&(dyn StdError + 'static)> = Some(error);
        while let Some(cause) = next {
            if let Some(refusal) = cause.downcast_ref::<TargetRefusal>() {
                return Self::Refused(refusal.0);
            }
            tls |= cause.is::<rustls::Error>();
            // What an I/O error wraps is in `get_ref`; its `source` skips that.
            next = match cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
                Some(wrapped) => Some(wrapped),
                None => cause.source(),
            };
        }
        Self::Failed(if error.is_builder() {
            AttemptFailure::Unmade
        } else if tls {
            AttemptFailure::Tls
        } else if error.is_connect() {
            AttemptFailure::Connect
        } else if error.is_timeout() {
            AttemptFailure::Timeout
        } else {
            AttemptFailure::Broken
        })
    }
}

/// Reads an answer's body of at most `bytes_max` bytes; the client's time for the whole request bounds this as well.
///
/// # Errors
/// It is longer, or broke off.
pub(crate) async fn read_bounded(mut response: Response, bytes_max: usize) -> Result<Vec<u8>, UnansweredCall> {
    let declared = response.content_length().unwrap_or(0);
    if usize::try_from(declared).map_or(true, |declared| declared > bytes_max) {
        return Err(UnansweredCall::Failed(AttemptFailure::TooLarge));
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| UnansweredCall::of(&error))? {
        if chunk.len() > bytes_max.saturating_sub(body.len()) {
            return Err(UnansweredCall::Failed(AttemptFailure::TooLarge));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.to_vec())
}

/// Resolves a name and passes on its addresses only if the rules admit every one of them.
struct CheckedResolver {
    rules: Arc<TargetRules>,
    lookup: Arc<dyn NameLookup>,
    transport: TargetTransport,
}

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (rules, lookup, transport) = (Arc::clone(&self.rules), Arc::clone(&self.lookup), self.transport);
        Box::pin(async move {
            // The URL was checked; a name that comes here in any other way is not.
            rules.check_host(name.as_str()).map_err(TargetRefusal)?;
            let addresses = lookup.lookup(name.as_str()).await?;
            for address in &addresses {
                rules.check_address(transport, *address).map_err(TargetRefusal)?;
            }
            // Port 0: the one of the URL, which was checked.
            let tried = addresses.into_iter().take(ADDRESSES_MAX);
            let tried: Addrs = Box::new(tried.map(|address| SocketAddr::new(address, 0)));
            Ok(tried)
        })
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the target may not be reached: {}", .0.as_str())]
struct TargetRefusal(TargetFault);

fn limited(settings: &GuardSettings) -> ClientBuilder {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one builder of clients to outside systems, with its limits and the address policy"
    )]
    let builder = Client::builder();
    builder
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .referer(false)
        .http1_only()
        .http1_max_headers(HEADERS_MAX)
        .connect_timeout(settings.connect_max)
        .timeout(settings.total_max)
        .pool_max_idle_per_host(IDLE_MAX)
        .pool_idle_timeout(IDLE_LIFE)
        .tcp_nodelay(true)
        .user_agent(concat!("heyan/", env!("CARGO_PKG_VERSION")))
}

fn with_roots(settings: &GuardSettings, builder: impl Fn() -> ClientBuilder) -> Result<Client, GuardError> {
    let extra = match settings.extra_roots_pem.as_slice() {
        [] => Vec::new(),
        pem => Certificate::from_pem_bundle(pem).map_err(|_| GuardError::Roots)?,
    };
    if extra.is_empty() && !settings.extra_roots_pem.is_empty() {
        return Err(GuardError::Roots);
    }
    let own = !extra.is_empty();
    let client = match settings.system_roots {
        SystemRoots::Trusted => builder().tls_certs_merge(extra).build(),
        SystemRoots::Ignored => builder().tls_certs_only(extra).build(),
    };
    match client {
        Ok(client) => Ok(client),
        Err(error) if own => {
            tracing::debug!(%error, "the certificate authorities were refused");
            Err(GuardError::Roots)
        }
        // A system without any must not keep a node without https targets from starting.
        Err(_) => {
            tracing::warn!("the system has no certificate authorities: no https target will be trusted");
            builder().tls_certs_only([]).build().map_err(GuardError::Client)
        }
    }
}

#[cfg(test)]
mod tests;
