//! A loss that an operator accepted, or that came with a backup. It is kept in a file of the data folder until it is entered in the
//! ledger: a crash in between forgets neither the entry nor the gap of versions.

use std::{fs, io::ErrorKind, path::Path};

use anyhow::Context;
use serde::{Deserialize, Serialize};

/// File in the data folder.
const FILE: &str = "accepted-loss.json";

/// A loss that is still to be entered.
#[derive(Serialize, Deserialize)]
pub(super) struct AcceptedLoss {
    /// In the operator's words.
    pub(super) reason: String,
    /// What is lost, with positions.
    pub(super) found: Vec<String>,
    /// Origin of the ledger that is set aside.
    pub(super) earlier: String,
    /// Origin of the ledger that begins.
    pub(super) origin: String,
    /// Gap of record versions: one more than any that was given before.
    pub(super) epoch: u32,
}

impl AcceptedLoss {
    /// The one that is still to be entered.
    pub(super) fn pending(data: &Path) -> anyhow::Result<Option<Self>> {
        let file = data.join(FILE);
        match fs::read(&file) {
            Ok(text) => serde_json::from_slice(&text)
                .map(Some)
                .with_context(|| format!("{} is damaged: restore again", file.display())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", file.display())),
        }
    }

    /// Keeps it until it is entered.
    pub(super) fn keep(&self, data: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_vec(self)?;
        heyan_ledger::write_small_file(data, FILE, &text)
            .with_context(|| format!("cannot write {}", data.join(FILE).display()))
    }

    /// It is in the ledger now. A file that stays is entered again at the next start.
    pub(super) fn entered(data: &Path) {
        let _removed = fs::remove_file(data.join(FILE));
    }
}
