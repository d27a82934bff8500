//! Which runs there are, and of which ledger: one small file that is replaced by rename, so that it is the old one or the new.
//! Runs are neighbours without a gap: the first begins with entry 0, each other where the one before it ends.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use data_encoding::HEXLOWER;
use ring::digest;

use super::run::{RunSpan, UNFINISHED};
use crate::disk::{create, sync_dir};
use crate::tree::TreeHash;

/// Name of the file.
pub(super) const MANIFEST: &str = "manifest";
/// Longest manifest that is read, bytes: a row has at most 80, and a thousand runs are more than any ledger makes.
const BYTES_MAX: u64 = 1 << 20;
const HEADER: &str = "heyan ledger index v1";

/// What the index was made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IndexManifest {
    /// Name of the ledger.
    pub origin: String,
    /// Counts the ways in which entries were read: another way is another index.
    pub form: u32,
    /// Leaf hash of the last entry that the runs are about; of another ledger it is another. Zeroes: there are no runs.
    pub leaf: TreeHash,
    /// The runs, oldest entries first.
    pub spans: Vec<RunSpan>,
}

impl IndexManifest {
    /// The entry behind the last run.
    pub(super) fn end(&self) -> u64 {
        self.spans.last().map_or(0, |span| span.end)
    }

    /// Reads the manifest; `None` if there is none or it is damaged.
    pub(super) fn read(folder: &Path) -> Option<Self> {
        let path = folder.join(MANIFEST);
        if fs::metadata(&path).ok()?.len() > BYTES_MAX {
            return None;
        }
        Self::parse(&fs::read_to_string(path).ok()?)
    }

    /// Replaces it: under another name, synced, renamed, and the folder synced.
    ///
    /// # Errors
    /// I/O; the old one stands.
    pub(super) fn write(&self, folder: &Path) -> io::Result<()> {
        let unfinished = folder.join(format!("{MANIFEST}{UNFINISHED}"));
        let mut file = create(&unfinished)?;
        file.write_all(self.text().as_bytes())?;
        file.sync_all()?;
        fs::rename(unfinished, folder.join(MANIFEST))?;
        sync_dir(folder)
    }

    fn text(&self) -> String {
        let mut text = format!(
            "{HEADER}\norigin {}\nform {}\nleaf {}\n",
            self.origin,
            self.form,
            HEXLOWER.encode(&self.leaf)
        );
        for RunSpan {
            level,
            first,
            end,
            rows,
        } in &self.spans
        {
            text.push_str(&format!("run {level} {first} {end} {rows}\n"));
        }
        let check = HEXLOWER.encode(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
        text.push_str(&format!("sha256 {check}\n"));
        text
    }

    fn parse(text: &str) -> Option<Self> {
        let mut manifest = Self {
            origin: String::new(),
            form: 0,
            leaf: [0; 32],
            spans: Vec::new(),
        };
        for line in text.lines() {
            let mut words = line.split(' ');
            let (word, mut rest) = (words.next()?, words);
            match word {
                "origin" => manifest.origin = rest.next()?.to_owned(),
                "form" => manifest.form = rest.next()?.parse().ok()?,
                "leaf" => manifest.leaf = unhex(rest.next()?)?,
                "run" => manifest.spans.push(RunSpan {
                    level: rest.next()?.parse().ok()?,
                    first: rest.next()?.parse().ok()?,
                    end: rest.next()?.parse().ok()?,
                    rows: rest.next()?.parse().ok()?,
                }),
                _ => {}
            }
        }
        let mut end = 0;
        for span in &manifest.spans {
            if span.first != end || span.end <= span.first {
                return None;
            }
            end = span.end;
        }
        // Written anew it must be the same text, its checksum included.
        (manifest.text() == text).then_some(manifest)
    }
}

fn unhex(text: &str) -> Option<TreeHash> {
    HEXLOWER.decode(text.as_bytes()).ok()?.try_into().ok()
}
