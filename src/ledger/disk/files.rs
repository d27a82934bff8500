//! Where the offline verifier reads a ledger's files from.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

/// Files by their path below the ledger's directory, on disk or in memory.
pub trait LedgerFiles {
    /// Up to `length` bytes from `offset`; fewer only at the end of the file; empty if there is no such file.
    ///
    /// # Errors
    /// I/O.
    fn read(&self, name: &str, offset: u64, length: u64) -> io::Result<Cow<'_, [u8]>>;

    /// Length of a file in bytes; 0 when there is no such file.
    ///
    /// # Errors
    /// I/O.
    fn length(&self, name: &str) -> io::Result<u64>;

    /// Names and lengths of the files in a folder, any order.
    ///
    /// # Errors
    /// I/O.
    fn list(&self, folder: &str) -> io::Result<Vec<(String, u64)>>;
}

/// Files on disk.
pub struct DiskDirectory(pub PathBuf);

impl LedgerFiles for DiskDirectory {
    fn read(&self, name: &str, offset: u64, length: u64) -> io::Result<Cow<'_, [u8]>> {
        let file = match File::open(self.0.join(name)) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Cow::default()),
            Err(e) => return Err(e),
        };
        let there = file.metadata()?.len().saturating_sub(offset).min(length);
        let mut bytes = vec![0; usize::try_from(there).unwrap_or(usize::MAX)];
        file.read_exact_at(&mut bytes, offset)?;
        Ok(Cow::Owned(bytes))
    }

    fn length(&self, name: &str) -> io::Result<u64> {
        match fs::metadata(self.0.join(name)) {
            Ok(metadata) => Ok(metadata.len()),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(e) => Err(e),
        }
    }

    fn list(&self, folder: &str) -> io::Result<Vec<(String, u64)>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(self.0.join(folder))? {
            let entry = entry?;
            let length = match entry.metadata() {
                Ok(metadata) => metadata.len(),
                // A spare segment of a ledger that is in use was taken meanwhile: what it will hold came after this look.
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                Err(e) => return Err(e),
            };
            found.push((entry.file_name().to_string_lossy().into_owned(), length));
        }
        Ok(found)
    }
}

/// Files in memory, by path; for tests and for ledgers that arrive as an archive.
impl LedgerFiles for BTreeMap<String, Vec<u8>> {
    fn read(&self, name: &str, offset: u64, length: u64) -> io::Result<Cow<'_, [u8]>> {
        let bytes = self.get(name).map(Vec::as_slice).unwrap_or_default();
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
        let rest = bytes.get(from..).unwrap_or_default();
        let length = usize::try_from(length).unwrap_or(usize::MAX).min(rest.len());
        Ok(Cow::Borrowed(rest.get(..length).unwrap_or_default()))
    }

    fn length(&self, name: &str) -> io::Result<u64> {
        Ok(self.get(name).map_or(0, |bytes| bytes.len() as u64))
    }

    fn list(&self, folder: &str) -> io::Result<Vec<(String, u64)>> {
        let inside = |(name, bytes): (&String, &Vec<u8>)| {
            let name = name.strip_prefix(folder)?.strip_prefix('/')?;
            Some((name.to_owned(), bytes.len() as u64))
        };
        Ok(self.iter().filter_map(inside).collect())
    }
}
