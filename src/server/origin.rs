//! What the ledger of a node is called: the origin of the settings, and after each accepted loss that origin with a number behind it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use heyan_config::Config;

/// Folder of the ledger in the data folder.
pub(super) const LEDGER: &str = "ledger";

/// Between the origin of the settings and the number of losses.
const ROLLBACK_MARK: &str = "-r";

/// End of the name of the file beside the root key.
const POSITION_SUFFIX: &str = ".position";

/// Folder and name of the file beside the root key that remembers the ledger of `origin`.
pub(super) fn beside_key(config: &Config, origin: &str) -> (PathBuf, String) {
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

/// The origin of the settings, or the one that an accepted loss made of it.
pub(super) fn in_use(config: &Config) -> String {
    let stated = &config.node.origin;
    let key = fs::read_to_string(config.node.data_dir.join(LEDGER).join("key.pub")).unwrap_or_default();
    if let Some((name, _)) = key
        .split_once('+')
        .filter(|(name, _)| losses_of(name, stated).is_some())
    {
        return name.to_owned();
    }
    // The ledger's folder is lost: the newest file beside the root key says what it was called.
    after_losses(stated, losses_beside_key(config, stated))
}

/// The largest number of losses that a file beside the root key tells of; 0 when there is none.
pub(super) fn losses_beside_key(config: &Config, stated: &str) -> u32 {
    let (folder, file) = beside_key(config, "");
    let prefix = file.trim_end_matches(POSITION_SUFFIX).to_owned();
    let names = fs::read_dir(folder).into_iter().flatten().flatten();
    let losses = names.filter_map(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        losses_of(name.strip_prefix(&prefix)?.strip_suffix(POSITION_SUFFIX)?, stated)
    });
    losses.max().unwrap_or(0)
}

/// How many losses lie between an origin and that of the settings; `None`: it is not of it.
pub(super) fn losses_of(origin: &str, stated: &str) -> Option<u32> {
    match origin.strip_prefix(stated)? {
        "" => Some(0),
        rest => rest.strip_prefix(ROLLBACK_MARK)?.parse().ok(),
    }
}

/// The origin after so many losses.
pub(super) fn after_losses(stated: &str, losses: u32) -> String {
    match losses {
        0 => stated.to_owned(),
        losses => format!("{stated}{ROLLBACK_MARK}{losses}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_counts_its_losses() {
        for losses in [0, 1, 12] {
            assert_eq!(losses_of(&after_losses("hub", losses), "hub"), Some(losses));
        }
        for other in ["hub2", "hub-rx", "other", "hub-r"] {
            assert_eq!(losses_of(other, "hub"), None, "{other}");
        }
    }
}
