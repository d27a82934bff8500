//! A hub's REST interface as the commands use it: credentials, requests, lines that stream both ways.
//! All `reqwest` code is here. Times out on silence only, never on length: a stream may run for hours while it moves.

use std::{path::PathBuf, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream::BoxStream};
use reqwest::{
    Body, Method, RequestBuilder, Response, Url,
    header::{ACCEPT, ACCEPT_LANGUAGE, AUTHORIZATION, CONTENT_TYPE, HeaderValue, LOCATION, RETRY_AFTER},
};
use serde_json::Value;
use tokio::{
    sync::mpsc,
    time::{Instant, timeout},
};

use super::{
    credentials::{ClientCredentials, credentials, form_encoded, secret_of},
    failure::{CommandFailure, HubProblem, remark},
    text::CliLanguage,
};
use heyan_api::Token;
use heyan_server::process::OutputAudience;

/// The hub and the credentials to call it with.
#[derive(clap::Args, Clone)]
pub(crate) struct HubArgs {
    /// URL of the hub
    #[arg(long, env = "HEYAN_URL", default_value = "http://127.0.0.1:8080")]
    pub url: String,
    /// File with a bearer token, read for every request [default: the variable HEYAN_TOKEN]
    #[arg(long, value_name = "F")]
    pub token_file: Option<PathBuf>,
    /// Client id: get tokens with it, and new ones before they expire (for work of more than 10 minutes)
    #[arg(long, env = "HEYAN_CLIENT", value_name = "ID", requires = "secret_file")]
    pub client: Option<String>,
    /// File with the client's secret
    #[arg(long, env = "HEYAN_SECRET_FILE", value_name = "F")]
    pub secret_file: Option<PathBuf>,
    /// PEM file of certificate authorities to trust in addition to those of the system
    #[arg(long, value_name = "F")]
    pub cacert: Option<PathBuf>,
    /// Seconds without an answer after which the command gives up
    #[arg(long, value_name = "S", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub timeout_s: u64,
    /// Language of texts / 文字的语言 [default: that of the session]
    #[arg(long, value_enum, env = "HEYAN_LANG")]
    pub lang: Option<CliLanguage>,
}

impl HubArgs {
    /// The language of texts.
    pub(crate) fn lang(&self) -> CliLanguage {
        CliLanguage::choose(self.lang)
    }
}

/// A hub, and as whom it is asked.
pub(crate) struct HubClient {
    http: reqwest::Client,
    base: Url,
    credentials: ClientCredentials,
    lang: CliLanguage,
    silence_max: Duration,
}

/// What a request does.
#[derive(Clone, Copy)]
pub(crate) enum RequestVerb {
    /// `GET`.
    Get,
    /// `POST`.
    Post,
    /// `DELETE`.
    Delete,
}

/// Longest answer that is not a stream, and longest line of one, bytes.
const ANSWER_BYTES_MAX: usize = 16 << 20;
/// Time to connect.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// A token with less life left than this is replaced.
const TOKEN_SPARE: Duration = Duration::from_secs(60);
/// Longest wait that a hub may ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(300);

impl HubClient {
    /// Prepares to talk to a hub; nothing is sent yet.
    ///
    /// # Errors
    /// The address, the certificate file or the credentials cannot be used.
    pub(crate) fn open(args: &HubArgs, output: OutputAudience) -> Result<Self, CommandFailure> {
        let credentials = credentials(args)?;
        Self::with(args, output, credentials)
    }

    /// The same without credentials, for the token endpoint.
    ///
    /// # Errors
    /// The address or the certificate file cannot be used.
    pub(crate) fn open_without_token(args: &HubArgs, output: OutputAudience) -> Result<Self, CommandFailure> {
        Self::with(args, output, ClientCredentials::None)
    }

    fn with(args: &HubArgs, output: OutputAudience, credentials: ClientCredentials) -> Result<Self, CommandFailure> {
        let base = base_of(&args.url)?;
        let loopback = is_loopback(&base);
        if base.scheme() == "http" && !loopback {
            remark(output, &args.lang().say("cli.plain_http", &[base.as_str()]));
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "the one builder of the command line's client, with its limits"
        )]
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_MAX)
            .tcp_nodelay(true)
            .user_agent(concat!("heyan/", env!("CARGO_PKG_VERSION")));
        if loopback {
            builder = builder.no_proxy();
        }
        if let Some(path) = &args.cacert {
            let shown = path.display().to_string();
            let pem = std::fs::read(path)
                .map_err(|error| CommandFailure::usage("cli.cannot_read", [&shown, &error.to_string()]))?;
            let unusable = |_error| CommandFailure::usage("cli.bad_certificate", [&shown]);
            let certificates = reqwest::Certificate::from_pem_bundle(&pem).map_err(unusable)?;
            if certificates.is_empty() {
                return Err(CommandFailure::usage("cli.bad_certificate", [&shown]));
            }
            builder = builder.tls_certs_merge(certificates);
        }
        let http = builder
            .build()
            .map_err(|error| CommandFailure::unreachable("cli.no_client", [&error.to_string()]))?;
        let silence_max = Duration::from_secs(args.timeout_s);
        Ok(Self {
            http,
            base,
            credentials,
            lang: args.lang(),
            silence_max,
        })
    }

    /// One request with an optional JSON body and a JSON answer. `path` is made of segments, which are encoded here.
    ///
    /// # Errors
    /// The hub refuses, cannot be reached, or answers no JSON.
    pub(crate) async fn call(
        &self,
        verb: RequestVerb,
        path: &[&str],
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Value, CommandFailure> {
        let method = match verb {
            RequestVerb::Get => Method::GET,
            RequestVerb::Post => Method::POST,
            RequestVerb::Delete => Method::DELETE,
        };
        let mut url = self.address(path)?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut request = self
            .http
            .request(method, url)
            .header(ACCEPT, "application/json, application/problem+json");
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = self.send(self.authorized(request).await?).await?;
        self.json(response).await
    }

    /// One request with a JSON body and an answer of bytes.
    ///
    /// # Errors
    /// The hub refuses, cannot be reached, or answers more than 16 MiB.
    pub(crate) async fn fetch(&self, path: &[&str], body: &Value) -> Result<Vec<u8>, CommandFailure> {
        let request = self.http.post(self.address(path)?).json(body);
        let response = self.send(self.authorized(request).await?).await?;
        self.body(response).await
    }

    /// Sends lines of known length; the answer's lines come as they are written.
    ///
    /// # Errors
    /// The hub refuses or cannot be reached.
    pub(crate) async fn put_lines(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        lines: Bytes,
    ) -> Result<AnswerLines, CommandFailure> {
        let mut url = self.address(path)?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.lines(Method::PUT, url, Body::from(lines)).await
    }

    /// Sends blocks of lines as they come through `blocks`, while the answer's lines are read: a slow reader slows the sender.
    ///
    /// # Errors
    /// Returns an error if the hub refuses or cannot be reached.
    pub(crate) async fn stream_lines(
        &self,
        path: &[&str],
        blocks: mpsc::Receiver<Bytes>,
    ) -> Result<AnswerLines, CommandFailure> {
        let stream = futures_util::stream::unfold(blocks, async |mut blocks| {
            blocks
                .recv()
                .await
                .map(|block| (Ok::<_, std::io::Error>(block), blocks))
        });
        self.lines(Method::POST, self.address(path)?, Body::wrap_stream(stream))
            .await
    }

    async fn lines(&self, method: Method, url: Url, body: Body) -> Result<AnswerLines, CommandFailure> {
        let response = match self.send_lines(method.clone(), url.clone(), body).await {
            Ok(response) => response,
            Err(failure) if failure.is_mute() => return Err(self.refusal(method, url).await.unwrap_or(failure)),
            Err(failure) => return Err(failure),
        };
        Ok(AnswerLines {
            pieces: response.bytes_stream().boxed(),
            buffer: BytesMut::new(),
            searched: 0,
            silence_max: self.silence_max,
            base: self.base.clone(),
        })
    }

    async fn send_lines(&self, method: Method, url: Url, body: Body) -> Result<Response, CommandFailure> {
        let request = self
            .http
            .request(method, url)
            .header(CONTENT_TYPE, "application/x-ndjson")
            .header(ACCEPT, "application/x-ndjson, application/problem+json")
            .body(body);
        self.send(self.authorized(request).await?).await
    }

    /// A hub that refuses a caller before it reads the lines closes the connection while they are under way, and the refusal
    /// can be lost with them (RFC 9112 §9.6): asked again with nothing to read, it can be heard.
    async fn refusal(&self, method: Method, url: Url) -> Option<CommandFailure> {
        let failure = self.send_lines(method, url, Body::default()).await.err()?;
        let is_of_caller = matches!(&failure, CommandFailure::Refused(problem) if matches!(problem.status, 401 | 403));
        is_of_caller.then_some(failure)
    }

    /// Asks for a token by client credentials (RFC 6749 §4.4, client authentication §2.3.1).
    ///
    /// # Errors
    /// The hub refuses, cannot be reached, or answers no token.
    pub(crate) async fn token(&self, id: &str, secret: &str) -> Result<Token, CommandFailure> {
        let pair = format!("{}:{}", form_encoded(id), form_encoded(secret));
        let mut basic = header_value(&format!("Basic {}", STANDARD.encode(pair)))?;
        basic.set_sensitive(true);
        let request = self
            .http
            .post(self.address(&["oauth", "token"])?)
            .header(AUTHORIZATION, basic);
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let response = self.send(request.body("grant_type=client_credentials")).await?;
        let answer = self.json(response).await?;
        serde_json::from_value(answer).map_err(|_shape| CommandFailure::unreachable("cli.odd_answer", ["access_token"]))
    }

    async fn authorized(&self, request: RequestBuilder) -> Result<RequestBuilder, CommandFailure> {
        let token = match &self.credentials {
            ClientCredentials::None => return Ok(request),
            ClientCredentials::Token(token) => token.clone(),
            ClientCredentials::File(path) => secret_of(path)?,
            ClientCredentials::Client { id, secret, held } => {
                let mut held = held.lock().await;
                match &*held {
                    Some((token, until)) if *until > Instant::now() => token.clone(),
                    _ => {
                        let fresh = self.token(id, secret).await?;
                        let life = Duration::from_secs(fresh.expires_in);
                        let until = Instant::now() + life.saturating_sub(TOKEN_SPARE).max(life / 2);
                        *held = Some((fresh.access_token.clone(), until));
                        fresh.access_token
                    }
                }
            }
        };
        let mut bearer = header_value(&format!("Bearer {token}"))?;
        bearer.set_sensitive(true);
        Ok(request.header(AUTHORIZATION, bearer))
    }

    fn address(&self, path: &[&str]) -> Result<Url, CommandFailure> {
        let mut url = self.base.clone();
        let segments = url.path_segments_mut().map(|mut segments| {
            segments.pop_if_empty().extend(path);
        });
        segments.map_err(|()| CommandFailure::usage("cli.bad_url", [self.base.as_str()]))?;
        Ok(url)
    }

    /// Sends, waits for the head, and turns every status but 2xx into a failure.
    async fn send(&self, request: RequestBuilder) -> Result<Response, CommandFailure> {
        let request = request.header(ACCEPT_LANGUAGE, self.lang.accept_language());
        let sent = timeout(self.silence_max, request.send())
            .await
            .map_err(|_elapsed| too_slow(self.silence_max))?;
        let response = sent.map_err(|error| unreachable(&self.base, error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        if response.status().is_redirection() && response.headers().contains_key(LOCATION) {
            return Err(CommandFailure::usage("cli.redirected", []));
        }
        Err(self.problem(response).await)
    }

    async fn problem(&self, response: Response) -> CommandFailure {
        let status = response.status().as_u16();
        let seconds = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let retry_after = seconds.map(|seconds| Duration::from_secs(seconds).min(RETRY_AFTER_MAX));
        // A body that cannot be read leaves the status, which is what matters.
        let body = self.body(response).await.unwrap_or_default();
        let document: Value = serde_json::from_slice(&body).unwrap_or_default();
        let problem = problem_of(document, status, retry_after, &self.base, self.lang);
        CommandFailure::Refused(Box::new(problem))
    }

    async fn json(&self, response: Response) -> Result<Value, CommandFailure> {
        let body = self.body(response).await?;
        if body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&body).map_err(|_syntax| CommandFailure::unreachable("cli.odd_answer", ["JSON"]))
    }

    async fn body(&self, response: Response) -> Result<Vec<u8>, CommandFailure> {
        let mut pieces = response.bytes_stream();
        let mut body = Vec::new();
        while let Some(piece) = timeout(self.silence_max, pieces.next())
            .await
            .map_err(|_| too_slow(self.silence_max))?
        {
            body.extend_from_slice(&piece.map_err(|error| unreachable(&self.base, error))?);
            if body.len() > ANSWER_BYTES_MAX {
                return Err(CommandFailure::unreachable("cli.odd_answer", ["> 16 MiB"]));
            }
        }
        Ok(body)
    }
}

/// Lines of an answer as they arrive.
pub(crate) struct AnswerLines {
    pieces: BoxStream<'static, reqwest::Result<Bytes>>,
    buffer: BytesMut,
    searched: usize,
    silence_max: Duration,
    base: Url,
}

impl AnswerLines {
    /// The next line that has arrived already, without its line feed; empty lines are passed over.
    pub(crate) fn ready(&mut self) -> Option<Bytes> {
        loop {
            let unsearched = self.buffer.get(self.searched..).unwrap_or_default();
            let Some(end) = unsearched.iter().position(|byte| *byte == b'\n') else {
                self.searched = self.buffer.len();
                return None;
            };
            let mut line = self.buffer.split_to(self.searched + end + 1);
            self.searched = 0;
            line.truncate(line.trim_ascii_end().len());
            if !line.is_empty() {
                return Some(line.freeze());
            }
        }
    }

    /// The next line; `None` at the end.
    ///
    /// # Errors
    /// The connection breaks, stays silent for too long, or a line is longer than 16 MiB.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, CommandFailure> {
        loop {
            if let Some(line) = self.ready() {
                return Ok(Some(line));
            }
            if self.buffer.len() > ANSWER_BYTES_MAX {
                return Err(CommandFailure::unreachable("cli.odd_answer", ["> 16 MiB"]));
            }
            let piece = timeout(self.silence_max, self.pieces.next())
                .await
                .map_err(|_| too_slow(self.silence_max))?;
            match piece {
                Some(Ok(piece)) => self.buffer.extend_from_slice(&piece),
                Some(Err(error)) => return Err(unreachable(&self.base, error)),
                None if self.buffer.is_empty() => return Ok(None),
                None => self.buffer.extend_from_slice(b"\n"),
            }
        }
    }

    /// A problem that stands in a line, as a failure.
    pub(crate) fn problem(&self, document: Value, lang: CliLanguage) -> CommandFailure {
        let status = document
            .get("status")
            .and_then(Value::as_u64)
            .and_then(|status| u16::try_from(status).ok());
        let problem = problem_of(document, status.unwrap_or(500), None, &self.base, lang);
        CommandFailure::Refused(Box::new(problem))
    }
}

fn base_of(text: &str) -> Result<Url, CommandFailure> {
    let url = Url::parse(text.trim()).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
            && url.has_host()
    });
    let shown = text.split_once('@').map_or(text, |(_user, rest)| rest);
    let mut url = url.ok_or_else(|| CommandFailure::usage("cli.bad_url", [shown]))?;
    url.set_query(None);
    url.set_fragment(None);
    Ok(url)
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn header_value(text: &str) -> Result<HeaderValue, CommandFailure> {
    HeaderValue::from_str(text).map_err(|_bytes| CommandFailure::usage("cli.bad_token", []))
}

fn too_slow(silence: Duration) -> CommandFailure {
    CommandFailure::unreachable("cli.too_slow", [&silence.as_secs().to_string()])
}

/// The innermost cause says most ("connection refused"); the address stands beside it.
fn unreachable(base: &Url, error: reqwest::Error) -> CommandFailure {
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    CommandFailure::unreachable("cli.unreachable", [base.as_str(), &cause.to_string()])
}

fn problem_of(
    document: Value,
    status: u16,
    retry_after: Option<Duration>,
    base: &Url,
    lang: CliLanguage,
) -> HubProblem {
    let text = |name: &str| {
        document
            .get(name)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    // RFC 6749 §5.2 errors have no title.
    let title = text("title")
        .or_else(|| text("error_description"))
        .or_else(|| text("error"));
    let title = title.map_or_else(|| lang.say("cli.http_status", &[&status.to_string()]), str::to_owned);
    let page = text("type")
        .filter(|kind| *kind != "about:blank")
        .and_then(|kind| base.join(kind).ok());
    HubProblem {
        status,
        title,
        page: page.map(String::from),
        document,
        retry_after,
    }
}
