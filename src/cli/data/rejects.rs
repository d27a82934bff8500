//! `FILE.rejected.ndjson`: the rows that did not go in, each with its line, the reason and the row itself.
//! It holds people's data, so only its owner may read it; it is made with the first rejected row, and an old one is removed.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use crate::failure::CommandFailure;

/// The file of rejected rows.
pub(crate) struct RejectFile {
    path: PathBuf,
    file: Option<BufWriter<File>>,
    /// Rows in it.
    pub count: u64,
}

/// A row that did not go in.
pub(crate) struct RejectedRow {
    /// Its line in the file.
    pub line: u64,
    /// For programs.
    pub code: String,
    /// For people.
    pub reason: String,
    /// The hub's problem document, or `null`.
    pub problem: Value,
    /// The row as it stood in the file.
    pub raw: Option<String>,
}

/// Opens a file that only its owner may read.
pub(crate) fn create_private(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.write(true).open(path)
}

impl RejectFile {
    /// For the rows of `input`; removes what an earlier run left.
    ///
    /// # Errors
    /// An old file cannot be removed.
    pub(crate) fn beside(input: &Path) -> Result<Self, CommandFailure> {
        let mut name = if input.as_os_str() == "-" {
            "stdin".into()
        } else {
            input.as_os_str().to_owned()
        };
        name.push(".rejected.ndjson");
        let rejects = Self {
            path: name.into(),
            file: None,
            count: 0,
        };
        match std::fs::remove_file(&rejects.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(rejects.cannot_write(&error)),
            _ => Ok(rejects),
        }
    }

    /// Adds a row.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn add(&mut self, reject: RejectedRow) -> Result<(), CommandFailure> {
        let RejectedRow {
            line,
            code,
            reason,
            problem,
            raw,
        } = reject;
        let mut row = json!({"line": line, "code": code, "reason": reason, "problem": problem, "raw": raw});
        if let Some(members) = row.as_object_mut() {
            members.retain(|_name, value| !value.is_null());
        }
        self.count += 1;
        self.write(&row).map_err(|error| self.cannot_write(&error))
    }

    fn write(&mut self, row: &Value) -> io::Result<()> {
        if self.file.is_none() {
            self.file = Some(BufWriter::new(create_private(
                &self.path,
                OpenOptions::new().create_new(true),
            )?));
        }
        self.file.as_mut().map_or(Ok(()), |file| writeln!(file, "{row}"))
    }

    /// Hands everything to the system, so that a stop from outside loses no row that was decided.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn flush(&mut self) -> Result<(), CommandFailure> {
        let flushed = self.file.as_mut().map_or(Ok(()), BufWriter::flush);
        flushed.map_err(|error| self.cannot_write(&error))
    }

    /// Where it is, if there is one.
    pub(crate) fn path(&self) -> Option<String> {
        self.file.as_ref().map(|_file| self.path.display().to_string())
    }

    fn cannot_write(&self, error: &io::Error) -> CommandFailure {
        CommandFailure::unreachable(
            "cli.cannot_write",
            [&self.path.display().to_string(), &error.to_string()],
        )
    }
}
