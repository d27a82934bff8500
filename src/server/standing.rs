//! Opens database and ledger, and compares what each remembers of the other. What does not fit is refused with the positions and the
//! remedies, or, with `--accept-rollback`, entered as a loss: then the old ledger is set aside, a new one with a new origin begins, and
//! record versions leave a gap, so that none is given twice.

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context;

use super::{
    assemble::open_ledger,
    loss::AcceptedLoss,
    origin::{self, LEDGER},
    store,
};
use heyan_app::{
    foundation::error::AppError,
    node::{
        hub::Hub,
        standing::{EPOCH, LedgerStanding, RememberedStanding},
    },
};
use heyan_auth::keys::KeyRing;
use heyan_config::Config;
use heyan_ledger::{
    Ledger,
    entry::{self, EntryKind},
};
use heyan_ports::{commit::Commit, positions::ReadPosition, store::Store, time::Clock};

/// File in the ledger's folder with the number of the newest change of the database.
pub(super) const CHANGES: &str = "changes";

/// Begins the name of a ledger that was set aside.
pub(super) const SET_ASIDE: &str = "ledger-before-";

/// Between two writes of the files.
const KEEP_TICK: Duration = Duration::from_secs(1);

/// Database and ledger that fit together.
pub(super) struct OpenedStores {
    pub(super) store: Arc<dyn Store>,
    pub(super) ledger: Ledger,
    pub(super) changes: u64,
    pub(super) epoch: u32,
    pub(super) accepted: Option<AcceptedLoss>,
}

/// Opens both. `config.node.origin` becomes the origin in use.
pub(super) async fn open(
    config: &mut Config,
    keys: &KeyRing,
    clock: &Arc<dyn Clock>,
    accept: Option<&str>,
) -> anyhow::Result<OpenedStores> {
    let in_use = origin::in_use(config);
    let stated = std::mem::replace(&mut config.node.origin, in_use);
    let data = &config.node.data_dir;
    let pending = AcceptedLoss::pending(data)?;
    // A start that was cut short has set the ledger aside already.
    let is_set_aside = |loss: &AcceptedLoss| loss.origin == config.node.origin || !data.join(LEDGER).exists();
    let (loss, changes) = match pending {
        Some(loss) if is_set_aside(&loss) => (loss, 0),
        pending => match compare(config, keys, clock, (&stated, pending, accept)).await? {
            ComparedStores::Fit(opened) => return Ok(opened),
            ComparedStores::Lost { loss, changes } => (loss, changes),
        },
    };
    config.node.origin.clone_from(&loss.origin);
    tracing::warn!(
        origin = loss.origin,
        reason = loss.reason,
        found = loss.found.join("; "),
        "rollback accepted"
    );
    let store = store::open(config, keys).await?;
    store.take_over(&loss.earlier).await?;
    Ok(OpenedStores {
        ledger: open_ledger(config, keys, clock)?,
        changes: changes.max(remembered(config, &*store).await?.changes()),
        store,
        epoch: loss.epoch,
        accepted: Some(loss),
    })
}

/// What came of comparing.
enum ComparedStores {
    /// They fit together.
    Fit(OpenedStores),
    /// A loss is accepted; both are closed, and the ledger is set aside.
    Lost { loss: AcceptedLoss, changes: u64 },
}

async fn compare(
    config: &Config,
    keys: &KeyRing,
    clock: &Arc<dyn Clock>,
    (stated, pending, accept): (&str, Option<AcceptedLoss>, Option<&str>),
) -> anyhow::Result<ComparedStores> {
    let store = store::open(config, keys).await?;
    let ledger = open_ledger(config, keys, clock)?;
    let remembered = remembered(config, &*store).await?;
    let epoch = store.position(EPOCH).await?.and_then(|epoch| epoch.parse().ok());
    let (epoch, changes) = (epoch.unwrap_or(0), remembered.changes());
    let mut found = remembered.differences(&ledger);
    found.extend(older_than_key(config, stated));
    let mut loss = match (pending, accept.filter(|_| !found.is_empty())) {
        (Some(loss), _) => loss,
        (None, Some(reason)) => accepted(config, stated, reason, found),
        (None, None) => {
            refuse(&found, config)?;
            return Ok(ComparedStores::Fit(OpenedStores {
                store,
                ledger,
                changes,
                epoch,
                accepted: None,
            }));
        }
    };
    loss.epoch = loss.epoch.max(epoch.saturating_add(1));
    loss.keep(&config.node.data_dir)?;
    ledger.close()?;
    drop(ledger);
    store.close().await;
    set_aside(config, clock.now_us())?;
    Ok(ComparedStores::Lost { loss, changes })
}

/// Accepts what was found.
fn accepted(config: &Config, stated: &str, reason: &str, found: Vec<String>) -> AcceptedLoss {
    let of_ledger = origin::losses_of(&config.node.origin, stated).unwrap_or(0);
    let losses = of_ledger
        .max(origin::losses_beside_key(config, stated))
        .saturating_add(1);
    AcceptedLoss {
        reason: reason.to_owned(),
        found,
        earlier: config.node.origin.clone(),
        origin: origin::after_losses(stated, losses),
        // An old copy of the database does not know of losses that were accepted since.
        epoch: losses,
    }
}

/// Says so if a file beside the root key remembers a ledger that followed this one.
fn older_than_key(config: &Config, stated: &str) -> Option<String> {
    let (newest, ours) = (origin::losses_beside_key(config, stated), &config.node.origin);
    (origin::losses_of(ours, stated)? < newest).then(|| {
        format!(
            "a file beside the root key remembers the ledger {}, which followed {ours} after a loss: the data folder is an old copy",
            origin::after_losses(stated, newest)
        )
    })
}

fn refuse(found: &[String], config: &Config) -> anyhow::Result<()> {
    anyhow::ensure!(
        found.is_empty(),
        "database and ledger do not fit together:\n  {}\nEither stop here, move the data folder {} away, and put back the newest backup \
         with `heyan restore`; or put back the newest copies of the database and the ledger, both of one moment; or accept what is lost \
         with `heyan serve --accept-rollback REASON`: the loss is entered, the ledger begins anew under another origin, the old one stays \
         beside it, and record versions leave a gap.",
        found.join("\n  "),
        config.node.data_dir.display()
    );
    Ok(())
}

/// The old ledger stays beside the new one; its index is made again.
fn set_aside(config: &Config, now_us: i64) -> anyhow::Result<()> {
    let data = &config.node.data_dir;
    let (from, to) = (
        data.join(LEDGER),
        data.join(format!("{SET_ASIDE}{}", now_us.div_euclid(1_000_000))),
    );
    fs::rename(&from, &to).with_context(|| format!("cannot move {} to {}", from.display(), to.display()))?;
    let index = data.join("index");
    if index.exists() {
        fs::remove_dir_all(&index).with_context(|| format!("cannot remove {}", index.display()))?;
    }
    Ok(())
}

async fn remembered(config: &Config, store: &dyn Store) -> anyhow::Result<RememberedStanding> {
    let name = LedgerStanding::position_name(&config.node.origin);
    let database = store.position(&name).await?;
    let parse = |text: String, place: &str| {
        text.parse::<LedgerStanding>().map_err(|_unreadable| {
            anyhow::anyhow!("the position of the ledger in {place} cannot be read: it is damaged")
        })
    };
    let (folder, file) = origin::beside_key(config, &config.node.origin);
    let beside_key = match fs::read_to_string(folder.join(&file)) {
        Ok(text) => Some(parse(text, &folder.join(&file).display().to_string())?),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", folder.join(&file).display())),
    };
    let in_ledger = match fs::read_to_string(config.node.data_dir.join(LEDGER).join(CHANGES)) {
        Ok(text) => Some(
            text.trim_end()
                .parse()
                .context("the file `changes` of the ledger is damaged")?,
        ),
        Err(_) => None,
    };
    Ok(RememberedStanding {
        database: database.map(|text| parse(text, "the database")).transpose()?,
        database_is_new: store.access().await?.clients.is_empty(),
        beside_key,
        in_ledger,
    })
}

/// Enters an accepted loss; at a first start, keeps where the ledger stands.
pub(super) async fn begin(hub: &Hub, config: &Config, accepted: Option<AcceptedLoss>) -> Result<(), AppError> {
    let now_us = hub.clock.now_us();
    let name = LedgerStanding::position_name(hub.ledger.origin());
    let Some(accepted) = accepted else {
        if hub.store.position(&name).await?.is_none() {
            // The first start, or the first with a program that compares.
            hub.write(Commit::at(now_us)).await?;
        }
        return Ok(());
    };
    let mut bytes = Vec::with_capacity(512);
    entry::begin(&mut bytes, EntryKind::Access, now_us, 0);
    entry::put_text(&mut bytes, "rollback.accept");
    let told = format!("{}: {}", accepted.reason, accepted.found.join("; "));
    entry::put_text(&mut bytes, &told);
    entry::end(&mut bytes, &[]);
    let epoch = ReadPosition {
        name: EPOCH.to_owned(),
        value: accepted.epoch.to_string(),
    };
    hub.write(Commit::at(now_us).with(epoch).entry(bytes)).await?;
    AcceptedLoss::entered(&config.node.data_dir);
    Ok(())
}

/// What the files beside the root key and in the ledger's folder say.
struct KeptPosition {
    ledger: PathBuf,
    folder: PathBuf,
    file: String,
    standing: LedgerStanding,
}

impl KeptPosition {
    fn of(hub: &Hub, config: &Config) -> Self {
        let (folder, file) = origin::beside_key(config, hub.ledger.origin());
        Self {
            ledger: config.node.data_dir.join(LEDGER),
            folder,
            file,
            standing: LedgerStanding::of(&hub.ledger, hub.node.changes.kept(), hub.clock.now_us()),
        }
    }

    fn mark(&self) -> (u64, u64) {
        (self.standing.size, self.standing.changes)
    }

    fn write(&self) -> std::io::Result<()> {
        let changes = format!("{}\n", self.standing.changes);
        heyan_ledger::write_small_file(&self.ledger, CHANGES, changes.as_bytes())?;
        let text = format!("{}\n", self.standing.to_text());
        heyan_ledger::write_small_file(&self.folder, &self.file, text.as_bytes())
    }
}

/// Keeps the files, a second behind.
pub(super) async fn keep(hub: Arc<Hub>, config: Config) {
    let (mut written, mut is_told) = (None, false);
    loop {
        tokio::time::sleep(KEEP_TICK).await;
        let position = KeptPosition::of(&hub, &config);
        let mark = position.mark();
        if written == Some(mark) {
            continue;
        }
        match tokio::task::spawn_blocking(move || position.write()).await {
            Ok(Ok(())) => (written, is_told) = (Some(mark), false),
            Ok(Err(error)) if !is_told => {
                tracing::warn!(cause = %error, "{NOT_KEPT}");
                is_told = true;
            }
            _ => {}
        }
    }
}

const NOT_KEPT: &str = "cannot write where the ledger stands beside the root key or into the ledger's folder: an old copy would not be found";

/// Keeps the files once more when everything is closed.
pub(super) fn keep_last(hub: &Hub, config: &Config) {
    if let Err(error) = KeptPosition::of(hub, config).write() {
        tracing::warn!(cause = %error, "{NOT_KEPT}");
    }
}
