//! What the hub needs for licences, made from the settings: the trusted authorities are read once, at the start.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::Context;
use tokio::sync::Semaphore;

use super::folder::folder_of;
use heyan_app::licences::state::{LicenceSettings, LicenceState};
use heyan_auth::signature::{Certificate, SoftwareProvider};
use heyan_catalog::Catalog;
use heyan_config::Config;

/// Longest file of certificates, bytes.
const FILE_BYTES_MAX: u64 = 65_536;

/// Licences as the settings want them.
pub(super) fn licences(config: &Config, catalog: &Catalog) -> anyhow::Result<LicenceState> {
    let wanted = &config.licences;
    let away = Some(wanted.away_dataset.clone()).filter(|name| !name.is_empty());
    let is_of_licences = |name: &String| catalog.get(name).is_some_and(|dataset| dataset.licence.is_some());
    anyhow::ensure!(
        away.as_ref().is_none_or(is_of_licences),
        "licences.away_dataset: {} is not a dataset of licences",
        wanted.away_dataset
    );
    Ok(LicenceState {
        provider: Box::new(SoftwareProvider),
        roots: folder_of(&wanted.roots_dir).map(roots).transpose()?.unwrap_or_default(),
        places: Arc::new(Semaphore::new(wanted.files_max)),
        settings: LicenceSettings {
            file_bytes_max: wanted.file_bytes_max,
            upload_deadline: Duration::from_millis(wanted.upload_timeout_ms),
            // One agency never has all places.
            agency_files_max: (wanted.files_max / 2).max(1),
            upload_bytes_s_min: wanted.upload_bytes_s_min,
            home_divisions: wanted.home_divisions.clone(),
            away_dataset: away,
            issue_delay_days_max: wanted.issue_delay_days_max,
        },
    })
}

/// The certificates of a folder. A file that is not a certificate is an error: an authority that was silently skipped would not be
/// noticed.
fn roots(folder: &Path) -> anyhow::Result<Vec<Certificate>> {
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("licences.roots_dir: cannot read {}", folder.display()))?;
    let mut paths = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<anyhow::Result<Vec<_>>>()?;
    paths.retain(|path| {
        path.extension()
            .is_some_and(|end| end == "pem" || end == "crt" || end == "cer" || end == "der")
    });
    paths.sort();
    let mut roots = Vec::new();
    for path in paths {
        let reading = || format!("licences.roots_dir: {}", path.display());
        let length = std::fs::metadata(&path).with_context(reading)?.len();
        anyhow::ensure!(
            length <= FILE_BYTES_MAX,
            "{}: longer than {FILE_BYTES_MAX} bytes",
            reading()
        );
        let bytes = std::fs::read(&path).with_context(reading)?;
        roots.extend(Certificate::read_all(&bytes).with_context(reading)?);
    }
    Ok(roots)
}
