//! `[licences]`: how large a file may be, whose signatures are trusted, and which licences are this city's own.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::unsafe_setting::{UnsafeSetting, between};

/// Electronic licences.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Licences {
    /// Largest file.
    pub file_bytes_max: u64,
    /// Files at once.
    pub files_max: usize,
    /// Longest time to receive one.
    pub upload_timeout_ms: u64,
    /// Slowest sender that is waited for.
    pub upload_bytes_s_min: u64,
    /// Folder of trusted authorities; empty: none.
    pub roots_dir: PathBuf,
    /// First digits of the city's division codes.
    pub home_divisions: Vec<String>,
    /// Dataset of licences from elsewhere; empty: the city's own.
    pub away_dataset: String,
    /// Days from which on a licence came in late; 0: never.
    pub issue_delay_days_max: u16,
}

pub(super) fn check(licences: &Licences, found: &mut Vec<UnsafeSetting>) {
    between(
        found,
        &[
            ("licences.file_bytes_max", licences.file_bytes_max, 1_024, 1 << 34),
            (
                "licences.files_max",
                u64::try_from(licences.files_max).unwrap_or(u64::MAX),
                1,
                256,
            ),
            (
                "licences.upload_timeout_ms",
                licences.upload_timeout_ms,
                1_000,
                3_600_000,
            ),
            ("licences.upload_bytes_s_min", licences.upload_bytes_s_min, 1, 1 << 30),
            (
                "licences.issue_delay_days_max",
                licences.issue_delay_days_max.into(),
                0,
                3_650,
            ),
        ],
    );
    let is_division =
        |digits: &String| (2..=6).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !licences.home_divisions.iter().all(is_division) {
        found.push(UnsafeSetting {
            key: "licences.home_divisions",
            remedy: "must be the first 2 to 6 digits of division codes, such as 3402".to_owned(),
        });
    }
}
