//! From a file to a `Connector`: every key known, every needed key there, no key that the role and kind do not have.
//! A key that would be passed over is refused: it is most likely a limit or a rule that somebody relies on.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{
    AnswerConfig, AnswerMode, AuthConfig, BreakerConfig, ConnectorError, ConnectorFile, ConnectorKind, ConnectorLimits,
    ConnectorRole, ConnectorWork, FeedFacts, FileConfig, HttpConfig, PollConfig, RequestConfig, SinkFacts, SqlConfig,
    TargetsConfig, WebhookConfig,
};
use heyan_domain::label::BilingualLabel;

const NAME_BYTES_MAX: usize = 64;
const FILE_BYTES_MAX: u64 = 256 << 10;
const INTERVAL_S: u64 = 60;

/// A file as it stands: every key that any role or kind has.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenFile {
    role: ConnectorRole,
    kind: ConnectorKind,
    title: BilingualLabel,
    dataset: Option<String>,
    datasets: Option<Vec<String>>,
    agency: Option<String>,
    interval_s: Option<u64>,
    supersedes: Option<bool>,
    targets: Option<TargetsConfig>,
    #[serde(default)]
    limits: ConnectorLimits,
    auth: Option<AuthConfig>,
    request: Option<RequestConfig>,
    answer: Option<AnswerConfig>,
    poll: Option<PollConfig>,
    sql: Option<SqlConfig>,
    file: Option<FileConfig>,
    webhook: Option<WebhookConfig>,
}

impl ConnectorFile {
    /// Reads one file.
    ///
    /// # Errors
    /// It cannot be read, or a key is wrong: the error names file, key and reason.
    pub fn read(path: &Path) -> Result<Self, ConnectorError> {
        let unreadable = |error: std::io::Error| ConnectorError::new(path, "-", format!("cannot be read: {error}"));
        if std::fs::metadata(path).map_err(unreadable)?.len() > FILE_BYTES_MAX {
            let reason = format!("the file is longer than {FILE_BYTES_MAX} bytes");
            return Err(ConnectorError::new(path, "-", reason));
        }
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        Self::parse(path, &text)
    }

    /// Reads the text of the file at `path`.
    ///
    /// # Errors
    /// As `read`.
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConnectorError> {
        let name = name_of(path)?;
        let written = written(path, text)?;
        let reading = FileReading {
            path,
            folder: path.parent().unwrap_or_else(|| Path::new("")),
        };
        reading.limits(&written.limits)?;
        if written.role == ConnectorRole::Sink && written.limits.breaker != BreakerConfig::default() {
            return Err(reading.error(
                "limits.breaker",
                "a sink has none: deliveries have a schedule and a breaker of their own",
            ));
        }
        let (title, limits) = (written.title.clone(), written.limits.clone());
        let mut targets = written.targets.clone().unwrap_or_default();
        targets.roots_file.iter_mut().for_each(|path| reading.resolve(path));
        targets.rules().map_err(|(key, reason)| reading.error(&key, reason))?;
        let work = reading.work(written)?;
        if title.zh.trim().is_empty() || title.en.trim().is_empty() {
            return Err(reading.error("title", "needs a text in zh and in en"));
        }
        Ok(Self {
            name,
            path: path.to_owned(),
            title,
            targets,
            limits,
            work,
        })
    }
}

/// The name of a connector: lower-case letters, digits and hyphens, for it stands in metrics and in the ledger.
fn name_of(path: &Path) -> Result<String, ConnectorError> {
    let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.chars().all(fine) {
        let reason = "the file's name is not 1 to 64 of a-z, 0-9 and - before .toml";
        return Err(ConnectorError::new(path, "-", reason));
    }
    Ok(name.to_owned())
}

fn written(path: &Path, text: &str) -> Result<WrittenFile, ConnectorError> {
    let toml = toml::Deserializer::new(text);
    serde_path_to_error::deserialize(toml).map_err(|error| {
        let at = error.path().to_string();
        let inner = error.into_inner();
        let line = inner.span().map(|span| {
            let before = text.as_bytes().get(..span.start).unwrap_or_default();
            before.iter().filter(|byte| **byte == b'\n').count() + 1
        });
        let key = if at == "." { "-".to_owned() } else { at };
        let place = line.map(|line| format!(" (line {line})")).unwrap_or_default();
        ConnectorError::new(path, key, format!("{}{place}", inner.message().trim()))
    })
}

/// The keys that only some roles and kinds have.
const OPTIONAL: [&str; 12] = [
    "dataset",
    "datasets",
    "agency",
    "interval_s",
    "supersedes",
    "targets",
    "auth",
    "request",
    "answer",
    "poll",
    "sql",
    "file",
];

struct FileReading<'a> {
    path: &'a Path,
    folder: &'a Path,
}

impl FileReading<'_> {
    fn error(&self, key: &str, reason: impl Into<String>) -> ConnectorError {
        ConnectorError::new(self.path, key, reason)
    }

    fn need<T>(&self, key: &str, value: Option<T>) -> Result<T, ConnectorError> {
        value.ok_or_else(|| self.error(key, "is missing"))
    }

    fn resolve(&self, path: &mut PathBuf) {
        if path.is_relative() {
            *path = self.folder.join(&*path);
        }
    }

    fn limits(&self, limits: &ConnectorLimits) -> Result<(), ConnectorError> {
        let bounds: [(&str, u64, u64, u64); 7] = [
            ("connect_timeout_ms", limits.connect_timeout_ms, 1, 60_000),
            ("total_timeout_ms", limits.total_timeout_ms, 1, 120_000),
            ("answer_bytes_max", limits.answer_bytes_max as u64, 1, 64 << 20),
            ("requests_at_once", limits.requests_at_once as u64, 1, 1_024),
            ("waiting_requests_max", limits.waiting_requests_max as u64, 0, 100_000),
            ("breaker.failures", u64::from(limits.breaker.failures), 1, 1_000),
            ("breaker.pause_ms", limits.breaker.pause_ms, 1, 3_600_000),
        ];
        for (key, value, least, most) in bounds {
            if !(least..=most).contains(&value) {
                return Err(self.error(&format!("limits.{key}"), format!("is not from {least} to {most}")));
            }
        }
        Ok(())
    }

    /// Refuses every key that is there and not among `has`.
    fn only(&self, written: &WrittenFile, has: &[&str]) -> Result<(), ConnectorError> {
        let there = [
            written.dataset.is_some(),
            written.datasets.is_some(),
            written.agency.is_some(),
            written.interval_s.is_some(),
            written.supersedes.is_some(),
            written.targets.is_some(),
            written.auth.is_some(),
            written.request.is_some(),
            written.answer.is_some(),
            written.poll.is_some(),
            written.sql.is_some(),
            written.file.is_some(),
        ];
        let mut all = OPTIONAL.into_iter().zip(there);
        let webhook = written.webhook.is_some().then_some("webhook");
        let extra = all
            .find(|(key, there)| *there && !has.contains(key))
            .map(|(key, _)| key);
        match extra.or(webhook.filter(|key| !has.contains(key))) {
            Some(key) => {
                let (role, kind) = (written.role, written.kind);
                let reason = format!("role {role:?} with kind {kind:?} has no such key").to_lowercase();
                Err(self.error(key, reason))
            }
            None => Ok(()),
        }
    }

    fn work(&self, written: WrittenFile) -> Result<ConnectorWork, ConnectorError> {
        match (written.role, written.kind) {
            (_, ConnectorKind::Kafka) => {
                Err(self.error("kind", "kafka is not there yet: use http, sql, file or webhook"))
            }
            (ConnectorRole::Source, ConnectorKind::Http) => {
                self.only(&written, &["dataset", "targets", "auth", "request", "answer"])?;
                let dataset = self.need("dataset", written.dataset.clone())?;
                let http = self.http(written, &[AnswerMode::Record, AnswerMode::Verdict])?;
                Ok(ConnectorWork::HttpSource { dataset, http })
            }
            (ConnectorRole::Source, ConnectorKind::Sql) => {
                // The URL of the database is the operator's own file: it alone says what is reached.
                self.only(&written, &["dataset", "sql"])?;
                let dataset = self.need("dataset", written.dataset)?;
                let mut sql = self.need("sql", written.sql)?;
                self.resolve(&mut sql.engine_url_file);
                if sql.columns.is_empty() {
                    return Err(self.error("sql.columns", "names no column: the record would be empty"));
                }
                Ok(ConnectorWork::SqlSource { dataset, sql })
            }
            (ConnectorRole::Feed, ConnectorKind::Http) => {
                let has = [
                    "dataset",
                    "agency",
                    "interval_s",
                    "targets",
                    "auth",
                    "request",
                    "answer",
                    "poll",
                ];
                self.only(&written, &has)?;
                let feed = self.feed(&written)?;
                let poll = self.need("poll", written.poll.clone())?;
                let http = self.http(written, &[AnswerMode::Record])?;
                Ok(ConnectorWork::HttpFeed { feed, http, poll })
            }
            (ConnectorRole::Feed, ConnectorKind::File) => {
                self.only(&written, &["dataset", "agency", "interval_s", "file"])?;
                let feed = self.feed(&written)?;
                let file = self.file(self.need("file", written.file)?)?;
                Ok(ConnectorWork::FileFeed { feed, file })
            }
            (ConnectorRole::Sink, ConnectorKind::Http) => {
                let has = ["datasets", "supersedes", "targets", "auth", "request", "answer"];
                self.only(&written, &has)?;
                let sink = self.sink(&written)?;
                let http = self.http(written, &[AnswerMode::Receipt])?;
                Ok(ConnectorWork::HttpSink { sink, http })
            }
            (ConnectorRole::Sink, ConnectorKind::Webhook) => {
                self.only(&written, &["datasets", "supersedes", "webhook"])?;
                let sink = self.sink(&written)?;
                let mut webhook = self.need("webhook", written.webhook)?;
                self.resolve(&mut webhook.secret_file);
                webhook
                    .previous_secret_file
                    .iter_mut()
                    .for_each(|path| self.resolve(path));
                Ok(ConnectorWork::WebhookSink { sink, webhook })
            }
            (role, kind) => {
                let reason = format!("role {role:?} has no kind {kind:?}: source is http or sql, ");
                let reason = reason.to_lowercase() + "feed is http or file, sink is http or webhook";
                Err(self.error("kind", reason))
            }
        }
    }

    fn feed(&self, written: &WrittenFile) -> Result<FeedFacts, ConnectorError> {
        let interval_s = written.interval_s.unwrap_or(INTERVAL_S);
        if !(1..=86_400).contains(&interval_s) {
            return Err(self.error("interval_s", "is not from 1 to 86400"));
        }
        Ok(FeedFacts {
            dataset: self.need("dataset", written.dataset.clone())?,
            agency: self.need("agency", written.agency.clone())?,
            interval_s,
        })
    }

    fn sink(&self, written: &WrittenFile) -> Result<SinkFacts, ConnectorError> {
        let datasets = self.need("datasets", written.datasets.clone())?;
        if datasets.is_empty() {
            return Err(self.error("datasets", "names none"));
        }
        Ok(SinkFacts {
            datasets,
            supersedes: written.supersedes.unwrap_or_default(),
        })
    }

    fn file(&self, mut file: FileConfig) -> Result<FileConfig, ConnectorError> {
        self.resolve(&mut file.folder);
        file.done_folder.iter_mut().for_each(|path| self.resolve(path));
        if !(1..=1_000).contains(&file.batch_rows_max) {
            return Err(self.error("file.batch_rows_max", "is not from 1 to 1000"));
        }
        if !(1..=1 << 20).contains(&file.row_bytes_max) {
            return Err(self.error("file.row_bytes_max", "is not from 1 to 1048576"));
        }
        if file.subject.is_empty() != file.columns.is_empty() {
            return Err(self.error(
                "file.columns",
                "file.subject and file.columns go together: both, or neither",
            ));
        }
        Ok(file)
    }

    fn http(&self, written: WrittenFile, modes: &[AnswerMode]) -> Result<HttpConfig, ConnectorError> {
        self.need("targets", written.targets)?;
        let mut auth = written.auth.unwrap_or_default();
        for path in auth.files() {
            self.resolve(path);
        }
        if let Some((key, reason)) = auth.fault() {
            return Err(self.error(&format!("auth.{key}"), reason));
        }
        let answer = self.need("answer", written.answer)?;
        if !modes.contains(&answer.mode) {
            let allowed = format!("is not what this role reads: {modes:?}").to_lowercase();
            return Err(self.error("answer.mode", allowed));
        }
        if let Some((key, reason)) = answer.fault() {
            return Err(self.error(&format!("answer.{key}"), reason));
        }
        let request = self.need("request", written.request)?;
        if request.body.is_some() && !request.form.is_empty() {
            return Err(self.error("request.form", "a request has a body or a form, not both"));
        }
        Ok(HttpConfig { auth, request, answer })
    }
}
