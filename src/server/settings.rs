//! What of the settings can be wrong beyond their values: files, folders, connectors, certificates, limits of the process. `heyan config
//! check` and `heyan serve` both come here, so that what one finds good the other does not refuse.

use std::{path::Path, sync::Arc};

use anyhow::Context;

use super::{bus, connectors::ConnectorSlot, folder::folder_of, harden, licences, outward, store, tls};
use heyan_auth::network::IpNetwork;
use heyan_catalog::{self as catalog, Catalog, item::ServiceItem};
use heyan_config::Config;
use heyan_connectors::push::WebhookPush;
use heyan_domain::division::HomeCity;

/// Settings that cannot be used: exit code 2.
#[derive(Debug)]
pub struct UnusableSettings(anyhow::Error);

impl std::fmt::Display for UnusableSettings {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{:#}", self.0)
    }
}

impl std::error::Error for UnusableSettings {}

impl From<anyhow::Error> for UnusableSettings {
    fn from(error: anyhow::Error) -> Self {
        Self(error)
    }
}

/// What was read of files and folders that the settings name.
pub struct PreparedSettings {
    /// Datasets.
    pub catalog: Arc<Catalog>,
    /// Service items.
    pub items: Vec<ServiceItem>,
    /// Rules of supervision.
    pub rules: catalog::supervision::RuleFile,
    pub(super) webhooks: Arc<WebhookPush>,
    pub(super) connectors: Arc<ConnectorSlot>,
    pub(super) tls: Option<tls::CertificateSlot>,
}

/// Reads and checks everything that the settings name. Opens neither database nor ledger, and makes nothing.
///
/// # Errors
/// The first setting that cannot be used, with its key and what to do.
pub fn prepare(config: &Config) -> Result<PreparedSettings, UnusableSettings> {
    Ok(read(config)?)
}

fn read(config: &Config) -> anyhow::Result<PreparedSettings> {
    harden::refuse_low_file_limit()?;
    folders(config)?;
    let catalog = Arc::new(
        Catalog::load_at_home(
            folder_of(&config.catalog.datasets_dir),
            HomeCity::parse(&config.catalog.home_city),
        )
        .context("catalog.datasets_dir")?,
    );
    let items = catalog::item::load(folder_of(&config.catalog.items_dir), &catalog).context("catalog.items_dir")?;
    let rules =
        catalog::supervision::load(folder_of(&config.supervision.rules_file)).context("supervision.rules_file")?;
    let webhooks = Arc::new(outward::webhooks(config)?);
    let connectors =
        Arc::new(ConnectorSlot::of(config, &webhooks).context("connectors.folder: its files cannot be used")?);
    outward::schedule(config)?;
    outward::calendar(config)?;
    licences::licences(config, &catalog).context("[licences]")?;
    bus::check(config)?;
    trusted_proxies(config)?;
    if config.store.postgres.is_configured() {
        store::postgres(config)?.check().context("store.postgres.url_file")?;
    }
    Ok(PreparedSettings {
        tls: tls::of(config)?,
        catalog,
        items,
        rules,
        webhooks,
        connectors,
    })
}

/// Networks of proxies, which are exempt from limits of one address.
pub(super) fn trusted_proxies(config: &Config) -> anyhow::Result<Vec<IpNetwork>> {
    let networks = config.http.trusted_proxies.iter();
    let parsed = networks.map(|text| {
        IpNetwork::parse(text).map_err(|why| {
            anyhow::anyhow!("http.trusted_proxies: {text:?}: {why}; name networks such as 10.1.2.0/24 or an address")
        })
    });
    parsed.collect()
}

/// What is there already must be what the settings say it is.
fn folders(config: &Config) -> anyhow::Result<()> {
    let data = &config.node.data_dir;
    anyhow::ensure!(
        !data.exists() || data.is_dir(),
        "node.data_dir: {} is not a folder; name a folder",
        data.display()
    );
    let root = &config.node.root_key_file;
    anyhow::ensure!(
        !root.exists() || root.is_file(),
        "node.root_key_file: {} is not a file; name a file",
        root.display()
    );
    anyhow::ensure!(
        root.exists() || !data.join(store::DATABASE).exists(),
        "node.root_key_file: {} is missing, but {} contains data encrypted with it: restore the key file from its backup",
        root.display(),
        data.display()
    );
    if root.exists() {
        heyan_auth::keys::load_or_create(root).with_context(|| format!("node.root_key_file: {}", root.display()))?;
    }
    for (section, key, folder) in [
        ("catalog", "datasets_dir", &config.catalog.datasets_dir),
        ("catalog", "items_dir", &config.catalog.items_dir),
        ("connectors", "folder", &config.connectors.folder),
        ("licences", "roots_dir", &config.licences.roots_dir),
    ] {
        let wanted: &Path = folder;
        anyhow::ensure!(
            wanted.as_os_str().is_empty() || wanted.is_dir(),
            "{section}.{key}: {} is not a folder; name one, or leave it empty",
            wanted.display()
        );
    }
    Ok(())
}

/// What SIGHUP reads again: the certificate and the connectors. Everything else is read at a start.
pub(super) struct ReloadedParts<'a> {
    /// The certificate in force; `None`: plain HTTP.
    pub(super) tls: Option<&'a tls::CertificateSlot>,
    /// The connectors in force.
    pub(super) connectors: &'a ConnectorSlot,
    /// Datasets.
    pub(super) catalog: &'a Catalog,
}

impl ReloadedParts<'_> {
    /// Reads both again, each for itself: one that cannot be used leaves its old one in force. What is under way keeps what it began
    /// with.
    pub(super) fn reload(&self, config: &Config) {
        if let Some(slot) = self.tls {
            match slot.reload(config) {
                Ok(()) => tracing::info!("SIGHUP: the certificate was read again"),
                Err(error) => tracing::error!(
                    cause = format!("{error:#}"),
                    "SIGHUP: the new certificate cannot be used; the old one stays"
                ),
            }
        }
        match self.connectors.reload(config, self.catalog) {
            Ok(()) => tracing::info!("SIGHUP: the connectors were read again; other settings are read at a start"),
            Err(error) => tracing::error!(
                cause = format!("{error:#}"),
                "SIGHUP: the new connectors cannot be used; the old ones stay"
            ),
        }
    }
}
