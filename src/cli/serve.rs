//! `heyan serve`: a hub. Without a file it is embedded, on loopback, in `./heyan-data`, and says so.
//! The first start makes one manager, whose secret is written to a file that only the owner may read.

use std::{
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::Context;

use heyan_app::{access::admin, node::hub::Hub};
use heyan_auth::secret::ClientSecret;
use heyan_config::Config;
use heyan_server::boot;
use heyan_telemetry as telemetry;

/// `heyan serve`.
#[derive(clap::Args)]
pub(crate) struct ServeArgs {
    /// Settings file; config/hub.toml lists all settings
    #[arg(long, env = "HEYAN_CONFIG")]
    config: Option<PathBuf>,
    /// Start although database and ledger do not fit together: the loss is entered with this reason, the ledger begins anew under
    /// another origin, and record versions leave a gap
    #[arg(long, value_name = "REASON")]
    accept_rollback: Option<String>,
}

/// Serves until told to stop.
pub(crate) async fn run(args: ServeArgs) -> anyhow::Result<()> {
    let config = Config::load(args.config.as_deref())?;
    telemetry::start_log(&config.log.level, config.log.format);
    if args.config.is_none() {
        telemetry::tell_operator(&format!(
            "heyan: no --config: embedded hub on {} with its data in {} (no TLS, loopback only)",
            config.http.listen,
            config.node.data_dir.display()
        ));
    }
    boot::ignore_signals()?;
    let data_dir = config.node.data_dir.clone();
    let node = match args.accept_rollback.as_deref().map(str::trim) {
        Some("") => anyhow::bail!("--accept-rollback needs a reason, which is entered in the ledger"),
        Some(reason) => boot::open_accepting(config, reason).await?,
        None => boot::open(config).await?,
    };
    first_manager(&node.hub, &data_dir).await?;
    node.serve(|| Ok(())).await
}

/// Someone must be there to add everyone else.
async fn first_manager(hub: &Hub, data_dir: &Path) -> anyhow::Result<()> {
    if !hub.access.table.load().clients.is_empty() {
        return Ok(());
    }
    let file = data_dir.join("first-manager.secret");
    // The file first: a manager whose secret is lost would lock everyone out.
    let secret = ClientSecret::generate()?;
    let mut out = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&file)
        .with_context(|| format!("cannot write {}", file.display()))?;
    writeln!(out, "{}", secret.reveal())?;
    out.sync_all()?;
    let (user, _told) = admin::add_user(hub, None, "manager", "first manager", "manager", Some(secret)).await?;
    telemetry::tell_operator(&format!(
        "heyan: first start: client {:?} with the role manager; its secret is in {}.\n\
         heyan: heyan token --client {} --secret-file {}",
        user.id,
        file.display(),
        user.id,
        file.display()
    ));
    Ok(())
}
