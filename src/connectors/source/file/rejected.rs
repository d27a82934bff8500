//! Rows that are no records, told to the people who made the file: `rejected/FILE.rejected.ndjson`, row and code, no value.
//! A batch may be read twice, so a row that stands there already is not told again: rows come in ascending order, and the
//! last whole line says how far it was told.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufRead as _, BufReader, Seek as _, SeekFrom, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::FileId;
use heyan_ports::outward::FeedReject;

pub(super) struct RejectsFile<'a> {
    path: PathBuf,
    file: &'a FileId,
}

#[derive(Serialize, Deserialize)]
struct RejectsLine {
    row: u64,
    code: String,
}

impl<'a> RejectsFile<'a> {
    pub(super) fn of(folder: &Path, file: &'a FileId) -> Self {
        let path = folder.join("rejected").join(format!("{}.rejected.ndjson", file.file));
        Self { path, file }
    }

    /// Appends what is not there yet. Nothing is made where nothing is rejected.
    pub(super) fn append<'r>(&self, rejects: impl Iterator<Item = &'r FeedReject>) -> io::Result<()> {
        let mut rejects = rejects.peekable();
        if rejects.peek().is_none() {
            return Ok(());
        }
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut options = OpenOptions::new();
        let mut out = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&self.path)?;
        let told = self.told(&mut out)?;
        let mut text = String::new();
        for reject in rejects.filter(|reject| reject.row > told) {
            let line = RejectsLine {
                row: reject.row,
                code: reject.code.to_owned(),
            };
            text.push_str(&serde_json::to_string(&line)?);
            text.push('\n');
        }
        out.write_all(text.as_bytes())?;
        out.sync_data()
    }

    /// The last row that was told, with the file cut to its whole lines; it begins anew for another state of the file.
    fn told(&self, out: &mut File) -> io::Result<u64> {
        let head = serde_json::to_string(self.file)? + "\n";
        let mut reader = BufReader::new(&mut *out);
        let (mut line, mut whole, mut told) = (String::new(), 0, 0);
        while reader.read_line(&mut line)? > 0 && line.ends_with('\n') {
            if whole == 0 && line != head {
                break;
            }
            if whole > 0 {
                // A line that is none of ours ends what can be relied on.
                let Ok(line) = serde_json::from_str::<RejectsLine>(&line) else {
                    break;
                };
                told = line.row;
            }
            whole += line.len() as u64;
            line.clear();
        }
        out.set_len(whole)?;
        out.seek(SeekFrom::Start(whole))?;
        if whole == 0 {
            out.write_all(head.as_bytes())?;
        }
        Ok(told)
    }
}
