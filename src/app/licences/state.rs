//! What a node needs for licences: trusted certificates, places for uploads, limits.

use std::{sync::Arc, time::Duration};

use heyan_auth::signature::{Certificate, SignatureProvider};
use tokio::sync::Semaphore;

/// What the hub needs for licences.
pub struct LicenceState {
    /// Verifies signatures.
    pub provider: Box<dyn SignatureProvider>,
    /// Certificates of the authorities whose signers are trusted.
    pub roots: Vec<Certificate>,
    /// One for each file that is verified at once.
    pub places: Arc<Semaphore>,
    /// Limits and names.
    pub settings: LicenceSettings,
}

/// Limits and names.
#[derive(Clone, Debug)]
pub struct LicenceSettings {
    /// Largest file, bytes.
    pub file_bytes_max: u64,
    /// Longest time to receive one.
    pub upload_deadline: Duration,
    /// Files of one agency at once.
    pub agency_files_max: usize,
    /// Bytes of a file that have to come in a second.
    pub upload_bytes_s_min: u64,
    /// First digits of this city's division codes.
    pub home_divisions: Vec<String>,
    /// Dataset of licences that were issued elsewhere.
    pub away_dataset: Option<String>,
    /// Days after its date of issue from which on a licence came in late; 0: never.
    pub issue_delay_days_max: u16,
}
