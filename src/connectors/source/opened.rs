//! What a connector opens only when it is asked: a database, a folder, the secrets of a webhook. One that is not there yet is
//! looked for again with every question.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use super::{
    auth::of_file,
    config::{ConnectorError, ConnectorFile, ConnectorLimits, FileConfig, SqlConfig, WebhookConfig},
    exchange::{SharedSurroundings, SystemGate, WallClock},
    file::{FileFeed, SETTLE_S},
    secret_file::SecretFiles,
    set::{DatasetFacts, SignedSink},
    sql::SqlSource,
    trouble::SourceTrouble,
};
use heyan_auth::webhook::{SECRET_PREFIX, WebhookSecret};
use heyan_ports::outward::{SourceFault, SourceRecord, WebhookTarget};

/// A database, opened when its URL can be read.
pub(super) struct OpenedDatabase {
    config: SqlConfig,
    limits: ConnectorLimits,
    gate: SystemGate,
    secrets: SecretFiles,
    open: Mutex<Option<Arc<SqlSource>>>,
}

/// A folder, opened when it is there.
pub(super) struct OpenedFolder {
    config: FileConfig,
    shape: DatasetFacts,
    now_us: WallClock,
    open: Mutex<Option<FileFeed>>,
}

/// A webhook; its secrets are read for each attempt.
pub(super) struct OpenedWebhook {
    pub(super) config: WebhookConfig,
    pub(super) signed: Arc<dyn SignedSink>,
    pub(super) secrets: SecretFiles,
}

impl OpenedDatabase {
    pub(super) fn new(
        connector: &ConnectorFile,
        sql: &SqlConfig,
        facts: &DatasetFacts,
        around: &SharedSurroundings,
    ) -> Result<Self, ConnectorError> {
        let wrong = |key: &str, reason: String| ConnectorError::new(&connector.path, key, reason);
        // Checks the text of the query, which is the same for every engine; this source is never opened.
        let tried = SqlSource::new("sqlite://none", sql, &connector.limits);
        let tried = tried.map_err(|fault| wrong("sql.query", fault.to_string()))?;
        let subject: BTreeSet<&str> = facts.subject.iter().map(|named| named.name.as_str()).collect();
        if let Some(name) = tried.identifiers().iter().find(|name| !subject.contains(&***name)) {
            return Err(wrong("sql.query", format!("no such place: {{subject.{name}}}")));
        }
        if let Some(name) = sql
            .columns
            .keys()
            .find(|name| facts.fields.iter().all(|field| field.name != **name))
        {
            return Err(wrong(
                &format!("sql.columns.{name}"),
                "the dataset has no such field".to_owned(),
            ));
        }
        Ok(Self {
            config: sql.clone(),
            limits: connector.limits.clone(),
            gate: SystemGate::of(connector, Arc::clone(&around.now_us)),
            secrets: around.secrets.clone(),
            open: Mutex::default(),
        })
    }

    pub(super) async fn ask(&self, subject: &[(String, String)]) -> Result<Option<SourceRecord>, SourceTrouble> {
        let source = self.open().map_err(SourceTrouble::Fault)?;
        let question = async { source.ask(subject).await.map_err(SourceTrouble::Fault) };
        let answer = self.gate.run(question).await;
        if matches!(answer, Err(SourceTrouble::Fault(SourceFault::Auth))) {
            // The password may have been changed: the next question reads the URL again.
            *self.open.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
        answer
    }

    pub(super) fn open(&self) -> Result<Arc<SqlSource>, SourceFault> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(source) = open.as_ref() {
            return Ok(Arc::clone(source));
        }
        let url = self.secrets.read(&self.config.engine_url_file);
        let url = url.map_err(|error| SourceFault::Setup(of_file(error)))?;
        let source = Arc::new(SqlSource::new(&url, &self.config, &self.limits)?);
        *open = Some(Arc::clone(&source));
        Ok(source)
    }
}

impl OpenedFolder {
    pub(super) fn new(
        connector: &ConnectorFile,
        file: &FileConfig,
        shape: DatasetFacts,
        around: &SharedSurroundings,
    ) -> Result<Self, ConnectorError> {
        for (key, map, known) in [
            ("subject", &file.subject, &shape.subject),
            ("columns", &file.columns, &shape.fields),
        ] {
            if let Some(name) = map.keys().find(|name| known.iter().all(|named| named.name != **name)) {
                let key = format!("file.{key}.{name}");
                return Err(ConnectorError::new(
                    &connector.path,
                    key,
                    "the dataset has no such name",
                ));
            }
        }
        let missing = shape
            .subject
            .iter()
            .find(|named| !file.subject.contains_key(&named.name));
        if let (Some(named), false) = (missing, file.columns.is_empty()) {
            let key = format!("file.subject.{}", named.name);
            return Err(ConnectorError::new(
                &connector.path,
                key,
                "is missing: it says whom a record is about",
            ));
        }
        Ok(Self {
            config: file.clone(),
            shape,
            now_us: Arc::clone(&around.now_us),
            open: Mutex::default(),
        })
    }

    pub(super) fn open(&self) -> Result<FileFeed, SourceFault> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(feed) = open.as_ref() {
            return Ok(feed.clone());
        }
        let shape = Some(self.shape.clone());
        let feed = FileFeed::new(&self.config, shape, SETTLE_S, Arc::clone(&self.now_us))?;
        *open = Some(feed.clone());
        Ok(feed)
    }
}

impl OpenedWebhook {
    /// Reads the secrets: two while one takes over from the other.
    pub(super) fn target(&self) -> Result<WebhookTarget, SourceFault> {
        let files = std::iter::once(&self.config.secret_file).chain(&self.config.previous_secret_file);
        let mut secrets = Vec::new();
        for file in files {
            let text = self
                .secrets
                .read(file)
                .map_err(|error| SourceFault::Setup(of_file(error)))?;
            let text = match text.starts_with(SECRET_PREFIX) {
                true => text,
                false => format!("{SECRET_PREFIX}{}", text.as_str()).into(),
            };
            let secret = WebhookSecret::parse(&text);
            let secret = secret.map_err(|_| {
                SourceFault::Setup("a webhook secret is malformed: `whsec_` and 24 to 64 bytes in base64 are expected")
            })?;
            secrets.push(secret.as_bytes().to_vec());
        }
        Ok(WebhookTarget {
            url: self.config.url.clone(),
            secrets,
            ed25519_seed: None,
        })
    }
}
