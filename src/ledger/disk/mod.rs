//! The files of a ledger: their names, how they are opened and replaced, and how their bytes lie.

pub(crate) mod files;
pub(crate) mod frame;
pub(crate) mod journal;
pub(crate) mod levels;
pub(crate) mod scan;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// Name of the checkpoint's file.
pub(crate) const CHECKPOINT: &str = "checkpoint";
/// Name of the file of bundle positions.
pub(crate) const BUNDLES: &str = "bundles.idx";
/// Name of the file of the verifier key.
pub(crate) const KEY: &str = "key.pub";
/// Suffix of files that a crash may leave half written; all of them hold zeros only.
pub(crate) const UNFINISHED: &str = ".tmp";

/// Longest wait for a place in the table of open files.
const OPEN_WAIT: Duration = Duration::from_secs(60);

/// Opens something, and waits while the process or the system has no more files to open: a crowd of connections can use them
/// up, and nothing was written yet, so that is no failure of the disk.
///
/// # Errors
/// Any other error, or still no file after a minute.
pub(crate) fn patiently<T>(mut open: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    // ENFILE and EMFILE, errno(3).
    const FULL: [i32; 2] = [23, 24];
    let begun = Instant::now();
    loop {
        match open() {
            Err(error)
                if error.raw_os_error().is_some_and(|code| FULL.contains(&code)) && begun.elapsed() < OPEN_WAIT =>
            {
                // The ledger's own threads come here, and they may block.
                thread::park_timeout(Duration::from_millis(20));
            }
            opened => return opened,
        }
    }
}

/// How files of a ledger are made: for their owner alone.
pub(crate) fn private() -> OpenOptions {
    let mut options = File::options();
    options.write(true).create(true).mode(0o600);
    options
}

/// Makes a file, or empties it.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    private().truncate(true).open(path)
}

/// Makes a directory's new or renamed names durable.
pub(crate) fn sync_dir(directory: &Path) -> io::Result<()> {
    patiently(|| File::open(directory))?.sync_all()
}

/// Replaces a small file so that a crash leaves the old content or the new.
pub(crate) fn write_atomically(directory: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    let unfinished = directory.join(format!("{name}{UNFINISHED}"));
    let mut file = patiently(|| create(&unfinished))?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(unfinished, directory.join(name))?;
    sync_dir(directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_full_table_of_files_is_waited_for() {
        let mut tries = 0;
        let opened = patiently(|| {
            tries += 1;
            if tries < 3 {
                Err(io::Error::from_raw_os_error(24))
            } else {
                Ok(tries)
            }
        });
        assert_eq!(opened.unwrap(), 3);
        let full_disk = patiently(|| Err::<(), _>(io::Error::from_raw_os_error(28)));
        assert_eq!(full_disk.unwrap_err().raw_os_error(), Some(28));
    }
}
