//! Opens database and ledger, and compares what each remembers of the other. What does not fit is refused with the positions and the
//! remedies, or, with `--accept-rollback`, entered as a loss: then the old ledger is set aside, a new one with a new origin begins, and
//! record versions leave a gap, so that none is given twice.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context;

use super::{assemble::open_ledger, store};
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
const CHANGES: &str = "changes";

/// Between two writes of the files.
const KEEP_TICK: Duration = Duration::from_secs(1);

/// A loss that an operator accepted.
pub(super) struct AcceptedRollback {
    reason: String,
    found: Vec<String>,
    epoch: u32,
}

/// Database and ledger that fit together.
pub(super) struct OpenedStores {
    pub(super) store: Arc<dyn Store>,
    pub(super) ledger: Ledger,
    pub(super) changes: u64,
    pub(super) epoch: u32,
    pub(super) accepted: Option<AcceptedRollback>,
}

/// Opens both. `config.node.origin` becomes the origin in use.
pub(super) async fn open(
    config: &mut Config,
    keys: &KeyRing,
    clock: &Arc<dyn Clock>,
    accept: Option<&str>,
) -> anyhow::Result<OpenedStores> {
    config.node.origin = origin_in_use(config);
    let store = store::open(config, keys).await?;
    let ledger = open_ledger(config, keys, clock)?;
    let remembered = remembered(config, &*store).await?;
    let epoch = store.position(EPOCH).await?.and_then(|epoch| epoch.parse().ok());
    let (found, epoch, changes) = (
        remembered.differences(&ledger),
        epoch.unwrap_or(0),
        remembered.changes(),
    );
    let Some(reason) = accept.filter(|_| !found.is_empty()) else {
        refuse(&found, config)?;
        return Ok(OpenedStores {
            store,
            ledger,
            changes,
            epoch,
            accepted: None,
        });
    };
    ledger.close()?;
    drop(ledger);
    store.close().await;
    set_aside(config, clock.now_us())?;
    config.node.origin = next_origin(&config.node.origin);
    tracing::warn!(
        origin = config.node.origin,
        reason,
        found = found.join("; "),
        "rollback accepted"
    );
    let store = store::open(config, keys).await?;
    let ledger = open_ledger(config, keys, clock)?;
    Ok(OpenedStores {
        store,
        ledger,
        changes,
        epoch: epoch + 1,
        accepted: Some(AcceptedRollback {
            reason: reason.to_owned(),
            found,
            epoch: epoch + 1,
        }),
    })
}

fn refuse(found: &[String], config: &Config) -> anyhow::Result<()> {
    anyhow::ensure!(
        found.is_empty(),
        "database and ledger do not fit together:\n  {}\nEither stop here, and put back the newest copies of the database and of {}, both of one \
         moment; or accept what is lost with `heyan serve --accept-rollback REASON`: the loss is entered, the ledger begins anew under \
         another origin, the old one stays beside it, and record versions leave a gap.",
        found.join("\n  "),
        config.node.data_dir.join("ledger").display()
    );
    Ok(())
}

/// The origin of the settings, or one that an accepted rollback made of it.
fn origin_in_use(config: &Config) -> String {
    let stated = &config.node.origin;
    let is_ours = |name: &str| rollbacks_of(name, stated).is_some();
    let key = fs::read_to_string(config.node.data_dir.join("ledger/key.pub")).unwrap_or_default();
    if let Some((name, _)) = key.split_once('+').filter(|(name, _)| is_ours(name)) {
        return name.to_owned();
    }
    // The ledger's folder is lost: the newest file beside the root key says what it was called.
    let (folder, file) = beside_key(config, "");
    let prefix = file.trim_end_matches(POSITION_SUFFIX).to_owned();
    let names = fs::read_dir(folder).into_iter().flatten().flatten();
    let origins = names.filter_map(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        let origin = name.strip_prefix(&prefix)?.strip_suffix(POSITION_SUFFIX)?.to_owned();
        Some((rollbacks_of(&origin, stated)?, origin))
    });
    origins.max().map_or_else(|| stated.clone(), |(_, origin)| origin)
}

/// How many rollbacks lie between an origin and that of the settings; `None`: it is not of it.
fn rollbacks_of(origin: &str, stated: &str) -> Option<u32> {
    match origin.strip_prefix(stated)? {
        "" => Some(0),
        rest => rest.strip_prefix(ROLLBACK_MARK)?.parse().ok(),
    }
}

const ROLLBACK_MARK: &str = "-r";

fn next_origin(origin: &str) -> String {
    let numbered = origin.rsplit_once(ROLLBACK_MARK).and_then(|(stated, number)| {
        let number: u32 = number.parse().ok()?;
        Some((stated, number))
    });
    match numbered {
        Some((stated, number)) => format!("{stated}{ROLLBACK_MARK}{}", number + 1),
        None => format!("{origin}{ROLLBACK_MARK}1"),
    }
}

/// The old ledger stays beside the new one; its index is made again.
fn set_aside(config: &Config, now_us: i64) -> anyhow::Result<()> {
    let data = &config.node.data_dir;
    let (from, to) = (
        data.join("ledger"),
        data.join(format!("ledger-before-{}", now_us.div_euclid(1_000_000))),
    );
    fs::rename(&from, &to).with_context(|| format!("cannot move {} to {}", from.display(), to.display()))?;
    let index = data.join("index");
    if index.exists() {
        fs::remove_dir_all(&index).with_context(|| format!("cannot remove {}", index.display()))?;
    }
    Ok(())
}

const POSITION_SUFFIX: &str = ".position";

/// Folder and name of the third file.
fn beside_key(config: &Config, origin: &str) -> (PathBuf, String) {
    let key = &config.node.root_key_file;
    let folder = key.parent().filter(|folder| !folder.as_os_str().is_empty());
    let name = key
        .file_name()
        .map_or_else(|| "root".into(), |name| name.to_string_lossy());
    (
        folder.unwrap_or(Path::new(".")).to_owned(),
        format!("{name}.{origin}{POSITION_SUFFIX}"),
    )
}

async fn remembered(config: &Config, store: &dyn Store) -> anyhow::Result<RememberedStanding> {
    let origin = &config.node.origin;
    let database = store.position(&LedgerStanding::position_name(origin)).await?;
    let parse = |text: String, place: &str| {
        text.parse::<LedgerStanding>().map_err(|_unreadable| {
            anyhow::anyhow!("the position of the ledger in {place} cannot be read: it is damaged")
        })
    };
    let (folder, file) = beside_key(config, origin);
    let beside_key = match fs::read_to_string(folder.join(&file)) {
        Ok(text) => Some(parse(text, &folder.join(&file).display().to_string())?),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", folder.join(&file).display())),
    };
    let in_ledger = match fs::read_to_string(config.node.data_dir.join("ledger").join(CHANGES)) {
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
pub(super) async fn begin(hub: &Hub, accepted: Option<AcceptedRollback>) -> Result<(), AppError> {
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
        let (folder, file) = beside_key(config, hub.ledger.origin());
        Self {
            ledger: config.node.data_dir.join("ledger"),
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
