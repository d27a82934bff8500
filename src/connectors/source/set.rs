//! Every connector of a folder, behind the port that the use cases know.
//! A file that is wrong keeps the hub from starting: a source that is silently missing would be "unavailable" for weeks.
//! A secret, a database or a folder that is not there yet does not: it is looked for again with every question.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use async_trait::async_trait;

pub use super::file::{ColumnNames, RecordShape as DatasetFacts};
use super::{
    config::{ConnectorError, ConnectorFile, ConnectorRole, ConnectorWork, FeedFacts, SinkFacts},
    exchange::SharedSurroundings,
    http::HttpSource,
    opened::{OpenedDatabase, OpenedFolder, OpenedWebhook},
    poll::HttpFeed,
    sink::HttpSink,
    template::PlaceScope,
    trouble::SourceTrouble,
};
use heyan_domain::delivery::{AttemptFailure, AttemptOutcome, TargetFault};
use heyan_ports::outward::{
    FeedBatch, FeedInfo, OutsideSystems, RecordChange, SaidOfClaims, SinkInfo, SourceFault, SourceRecord, WebhookTarget,
};

const FILES_MAX: usize = 256;

/// Tells signed webhooks of changes, for sinks of kind `webhook`: the push module does it.
#[async_trait]
pub trait SignedSink: Send + Sync + 'static {
    /// Whether the hub's own rules admit the URL.
    ///
    /// # Errors
    /// Returns the reason why not.
    fn check(&self, url: &str) -> Result<(), TargetFault>;

    /// One signed attempt; the delivery of the change is the id of the message.
    async fn tell(&self, target: &WebhookTarget, change: &RecordChange) -> AttemptOutcome;
}

/// Every outside system of a folder.
pub struct ConnectorSet {
    all: BTreeMap<String, ConnectorPart>,
    live: BTreeMap<String, String>,
    sinks: Arc<[SinkInfo]>,
    feeds: Arc<[FeedInfo]>,
    around: SharedSurroundings,
}

/// One outside system.
pub(super) struct ConnectorPart {
    pub(super) connector: ConnectorFile,
    pub(super) system: ConnectorSystem,
}

impl ConnectorPart {
    fn verifies(&self) -> bool {
        matches!(&self.system, ConnectorSystem::Http(source) if source.verifies())
    }
}

pub(super) enum ConnectorSystem {
    Http(Box<HttpSource>),
    Sql(Box<OpenedDatabase>),
    Poll(Box<HttpFeed>),
    File(Box<OpenedFolder>),
    Sink(Box<HttpSink>),
    Webhook(OpenedWebhook),
}

impl ConnectorSet {
    /// Loads every `*.toml` of `folder`, none of its sub-folders. `facts` says what a dataset has; `signed` tells webhooks.
    ///
    /// # Errors
    /// The first file that is wrong, with its key; two sources for one dataset.
    pub fn load(
        folder: &Path,
        around: SharedSurroundings,
        facts: &dyn Fn(&str) -> Option<DatasetFacts>,
        signed: Option<Arc<dyn SignedSink>>,
    ) -> Result<Self, ConnectorError> {
        let unreadable = |error: std::io::Error| ConnectorError::new(folder, "-", format!("cannot be read: {error}"));
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if path.extension().is_some_and(|extension| extension == "toml") && path.is_file() {
                paths.push(path);
            }
        }
        paths.sort();
        if paths.len() > FILES_MAX {
            return Err(ConnectorError::new(
                folder,
                "-",
                format!("holds more than {FILES_MAX} connectors"),
            ));
        }
        let mut set = Self {
            all: BTreeMap::new(),
            live: BTreeMap::new(),
            sinks: Arc::default(),
            feeds: Arc::default(),
            around,
        };
        for path in paths {
            set.add(ConnectorFile::read(&path)?, facts, signed.as_ref())?;
        }
        let works = || set.all.values().map(|part| &part.connector);
        let feeds = works().filter_map(|connector| match &connector.work {
            ConnectorWork::HttpFeed { feed, .. } | ConnectorWork::FileFeed { feed, .. } => {
                Some(feed_info(&connector.name, feed))
            }
            _ => None,
        });
        let sinks = works().filter_map(|connector| match &connector.work {
            ConnectorWork::HttpSink { sink, .. } | ConnectorWork::WebhookSink { sink, .. } => {
                Some(sink_info(connector, sink))
            }
            _ => None,
        });
        let (feeds, sinks): (Arc<[_]>, Arc<[_]>) = (feeds.collect(), sinks.collect());
        (set.feeds, set.sinks) = (feeds, sinks);
        Ok(set)
    }

    /// Names of all connectors with what they are, in order.
    pub fn list(&self) -> impl Iterator<Item = &ConnectorFile> {
        self.all.values().map(|part| &part.connector)
    }

    pub(super) fn part(&self, name: &str) -> Option<&ConnectorPart> {
        self.all.get(name)
    }

    fn add(
        &mut self,
        connector: ConnectorFile,
        facts: &dyn Fn(&str) -> Option<DatasetFacts>,
        signed: Option<&Arc<dyn SignedSink>>,
    ) -> Result<(), ConnectorError> {
        let wrong = |key: &str, reason: &str| ConnectorError::new(&connector.path, key, reason);
        let known = |key: &str, dataset: &str| {
            facts(dataset).ok_or_else(|| wrong(key, &format!("the hub has no dataset {dataset}")))
        };
        let around = &self.around;
        let system = match &connector.work {
            ConnectorWork::HttpSource { dataset, http } => {
                let scope = scope(ConnectorRole::Source, &[known("dataset", dataset)?]);
                let source = HttpSource::new(&connector, dataset, http, &scope, around)?;
                self.live_of(&connector, dataset)?;
                ConnectorSystem::Http(Box::new(source))
            }
            ConnectorWork::SqlSource { dataset, sql } => {
                let table = OpenedDatabase::new(&connector, sql, &known("dataset", dataset)?, around)?;
                self.live_of(&connector, dataset)?;
                ConnectorSystem::Sql(Box::new(table))
            }
            ConnectorWork::HttpFeed { feed, http, poll } => {
                let scope = scope(ConnectorRole::Feed, &[known("dataset", &feed.dataset)?]);
                let source = HttpFeed::new(&connector, feed, (http, poll), &scope, around)?;
                ConnectorSystem::Poll(Box::new(source))
            }
            ConnectorWork::FileFeed { feed, file } => {
                let shape = known("dataset", &feed.dataset)?;
                let watched = OpenedFolder::new(&connector, file, shape, around)?;
                ConnectorSystem::File(Box::new(watched))
            }
            ConnectorWork::HttpSink { sink, http } => {
                let datasets: Result<Vec<_>, _> = sink.datasets.iter().map(|name| known("datasets", name)).collect();
                let scope = scope(ConnectorRole::Sink, &datasets?);
                let told = HttpSink::new(&connector, http, &scope, around)?;
                ConnectorSystem::Sink(Box::new(told))
            }
            ConnectorWork::WebhookSink { sink, webhook } => {
                for dataset in &sink.datasets {
                    known("datasets", dataset)?;
                }
                let signed = signed.ok_or_else(|| wrong("kind", "this command sends no webhooks"))?;
                let refused = |fault: TargetFault| {
                    wrong(
                        "webhook.url",
                        &format!("the hub's rules on targets refuse it ({})", fault.as_str()),
                    )
                };
                signed.check(&webhook.url).map_err(refused)?;
                ConnectorSystem::Webhook(OpenedWebhook {
                    config: webhook.clone(),
                    signed: Arc::clone(signed),
                    secrets: around.secrets.clone(),
                })
            }
        };
        self.all
            .insert(connector.name.clone(), ConnectorPart { connector, system });
        Ok(())
    }

    fn live_of(&mut self, connector: &ConnectorFile, dataset: &str) -> Result<(), ConnectorError> {
        match self.live.insert(dataset.to_owned(), connector.name.clone()) {
            None => Ok(()),
            Some(other) => {
                let reason = format!("{dataset} has another source already: {other}");
                Err(ConnectorError::new(&connector.path, "dataset", reason))
            }
        }
    }

    fn source(&self, dataset: &str) -> Option<&ConnectorPart> {
        self.all.get(self.live.get(dataset)?)
    }

    async fn question(
        &self,
        part: &ConnectorPart,
        subject: &[(String, String)],
    ) -> Result<Option<SourceRecord>, SourceTrouble> {
        match &part.system {
            ConnectorSystem::Http(source) => source.ask(subject).await,
            ConnectorSystem::Sql(table) => table.ask(subject).await,
            _ => Err(SourceTrouble::Fault(SourceFault::Unknown)),
        }
    }
}

#[async_trait]
impl OutsideSystems for ConnectorSet {
    fn is_live(&self, dataset: &str) -> bool {
        self.source(dataset).is_some_and(|part| !part.verifies())
    }

    fn source_of(&self, dataset: &str) -> Option<String> {
        self.live.get(dataset).cloned()
    }

    fn verifies(&self, dataset: &str) -> bool {
        self.source(dataset).is_some_and(ConnectorPart::verifies)
    }

    async fn verify(
        &self,
        dataset: &str,
        subject: &[(String, String)],
        claims: &[(String, String)],
    ) -> Result<SaidOfClaims, SourceFault> {
        let part = self.source(dataset).ok_or(SourceFault::Unknown)?;
        let ConnectorSystem::Http(source) = &part.system else {
            return Err(SourceFault::Unknown);
        };
        source.verify(subject, claims).await.map_err(|trouble| trouble.source())
    }

    async fn ask(&self, dataset: &str, subject: &[(String, String)]) -> Result<Option<SourceRecord>, SourceFault> {
        let part = self.source(dataset).ok_or(SourceFault::Unknown)?;
        self.question(part, subject).await.map_err(|trouble| trouble.source())
    }

    fn sinks(&self) -> Arc<[SinkInfo]> {
        Arc::clone(&self.sinks)
    }

    async fn tell(&self, sink: &str, change: &RecordChange) -> AttemptOutcome {
        match self.all.get(sink).map(|part| &part.system) {
            Some(ConnectorSystem::Sink(sink)) => sink.tell(change).await,
            Some(ConnectorSystem::Webhook(webhook)) => match webhook.target() {
                Ok(target) => webhook.signed.tell(&target, change).await,
                Err(_unmade) => AttemptOutcome::Failed {
                    failure: AttemptFailure::Unmade,
                    status: None,
                    retry_after_s: None,
                },
            },
            _ => AttemptOutcome::Refused(TargetFault::Host),
        }
    }

    fn feeds(&self) -> Arc<[FeedInfo]> {
        Arc::clone(&self.feeds)
    }

    async fn poll(&self, feed: &str, position: Option<&str>) -> Result<FeedBatch, SourceFault> {
        match self.all.get(feed).map(|part| &part.system) {
            Some(ConnectorSystem::Poll(feed)) => feed.poll(position).await.map_err(|trouble| trouble.source()),
            Some(ConnectorSystem::File(watched)) => watched.open()?.poll(position).await,
            _ => Err(SourceFault::Unknown),
        }
    }

    async fn acknowledge(&self, feed: &str, position: &str) -> Result<(), SourceFault> {
        match self.all.get(feed).map(|part| &part.system) {
            // The cursor says it all: it is sent with the next poll.
            Some(ConnectorSystem::Poll(_)) => Ok(()),
            Some(ConnectorSystem::File(watched)) => watched.open()?.acknowledge(position).await,
            _ => Err(SourceFault::Unknown),
        }
    }
}

fn scope(role: ConnectorRole, datasets: &[DatasetFacts]) -> PlaceScope {
    let names = |of: fn(&DatasetFacts) -> &[ColumnNames]| {
        let each = datasets
            .iter()
            .map(|facts| of(facts).iter().map(|named| named.name.clone()).collect());
        let sets: Vec<BTreeSet<String>> = each.collect();
        let all = sets
            .iter()
            .skip(1)
            .fold(sets.first().cloned().unwrap_or_default(), |all, set| &all & set);
        let some: BTreeSet<String> = sets.into_iter().flatten().collect();
        (all, some)
    };
    let (subject, some_subject) = names(|facts| &facts.subject);
    let (fields, some_fields) = names(|facts| &facts.fields);
    PlaceScope {
        role,
        subject,
        fields,
        some: &some_subject | &some_fields,
    }
}

fn feed_info(name: &str, feed: &FeedFacts) -> FeedInfo {
    FeedInfo {
        name: name.to_owned(),
        dataset: feed.dataset.clone(),
        agency: feed.agency.clone(),
        interval_s: feed.interval_s,
    }
}

fn sink_info(connector: &ConnectorFile, sink: &SinkFacts) -> SinkInfo {
    SinkInfo {
        name: connector.name.clone(),
        datasets: sink.datasets.clone(),
        attempts_max: connector.limits.requests_at_once,
        supersedes: sink.supersedes,
    }
}
