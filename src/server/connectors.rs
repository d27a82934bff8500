//! The connectors in force. They can be read again while the node serves: what is under way ends by the old ones.

use std::sync::Arc;

use anyhow::Context;
use arc_swap::ArcSwap;
use async_trait::async_trait;

use super::outward;
use heyan_catalog::Catalog;
use heyan_config::Config;
use heyan_connectors::push::WebhookPush;
use heyan_domain::delivery::AttemptOutcome;
use heyan_ports::outward::{
    FeedBatch, FeedInfo, OutsideSystems, RecordChange, SaidOfClaims, SinkInfo, SourceFault, SourceRecord,
};

/// The connectors in force.
pub(super) struct ConnectorSlot {
    now: ArcSwap<Box<dyn OutsideSystems>>,
    webhooks: Arc<WebhookPush>,
}

impl ConnectorSlot {
    /// The connectors of the settings' folder.
    ///
    /// # Errors
    /// The first file that is wrong, with its key.
    pub(super) fn of(config: &Config, webhooks: &Arc<WebhookPush>) -> anyhow::Result<Self> {
        Ok(Self {
            now: ArcSwap::from_pointee(outward::connectors(config, webhooks)?),
            webhooks: Arc::clone(webhooks),
        })
    }

    /// Reads the folder again.
    ///
    /// # Errors
    /// A file is wrong, or a dataset would become live or cease to be: all of the old connectors stay.
    pub(super) fn reload(&self, config: &Config, catalog: &Catalog) -> anyhow::Result<()> {
        let (new, old) = (
            outward::connectors(config, &self.webhooks).context("connectors.folder: its files cannot be used")?,
            self.now.load(),
        );
        let changed = catalog
            .iter()
            .find(|dataset| new.is_live(&dataset.name) != old.is_live(&dataset.name));
        if let Some(dataset) = changed {
            anyhow::bail!(
                "connectors.folder: the live source of {} was added or removed; restart the hub for that",
                dataset.name
            );
        }
        self.now.store(Arc::new(new));
        Ok(())
    }
}

#[async_trait]
impl OutsideSystems for ConnectorSlot {
    fn is_live(&self, dataset: &str) -> bool {
        self.now.load().is_live(dataset)
    }

    async fn ask(&self, dataset: &str, subject: &[(String, String)]) -> Result<Option<SourceRecord>, SourceFault> {
        self.now.load_full().ask(dataset, subject).await
    }

    fn source_of(&self, dataset: &str) -> Option<String> {
        self.now.load().source_of(dataset)
    }

    fn verifies(&self, dataset: &str) -> bool {
        self.now.load().verifies(dataset)
    }

    async fn verify(
        &self,
        dataset: &str,
        subject: &[(String, String)],
        claims: &[(String, String)],
    ) -> Result<SaidOfClaims, SourceFault> {
        self.now.load_full().verify(dataset, subject, claims).await
    }

    fn sinks(&self) -> Arc<[SinkInfo]> {
        self.now.load().sinks()
    }

    async fn tell(&self, sink: &str, change: &RecordChange) -> AttemptOutcome {
        self.now.load_full().tell(sink, change).await
    }

    fn feeds(&self) -> Arc<[FeedInfo]> {
        self.now.load().feeds()
    }

    async fn poll(&self, feed: &str, position: Option<&str>) -> Result<FeedBatch, SourceFault> {
        self.now.load_full().poll(feed, position).await
    }

    async fn acknowledge(&self, feed: &str, position: &str) -> Result<(), SourceFault> {
        self.now.load_full().acknowledge(feed, position).await
    }
}
