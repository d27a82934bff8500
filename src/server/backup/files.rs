//! The files of a backup: which there are, their digests, and how they are copied.

use std::{
    fs::{self, DirBuilder, File},
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

use anyhow::Context;
use heyan_auth::file_digest;
use serde::{Deserialize, Serialize};

use super::{MANIFEST, RESTORED};

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ListedFile {
    /// Below the folder, with `/`.
    pub(super) path: String,
    /// Size.
    pub(super) bytes: u64,
    /// SHA-256, hexadecimal.
    pub(super) sha256: String,
}

/// A folder that is not whole yet: removed when dropped, unless it was put in its place.
pub(super) struct PartialFolder {
    pub(super) path: PathBuf,
    is_whole: bool,
}

impl PartialFolder {
    /// Makes the folder (mode 0700), in place of one that an earlier run left.
    pub(super) fn make(path: PathBuf) -> anyhow::Result<Self> {
        if path.exists() {
            fs::remove_dir_all(&path)
                .with_context(|| format!("cannot remove {}, which an earlier run left", path.display()))?;
        }
        DirBuilder::new().mode(0o700).create(&path).with_context(|| {
            format!(
                "cannot create {}: the folder above it must exist and be writable",
                path.display()
            )
        })?;
        Ok(Self { path, is_whole: false })
    }

    /// Gives it its name; durable.
    pub(super) fn put_in_place(mut self, to: &Path) -> anyhow::Result<()> {
        sync_folder(&self.path)?;
        fs::rename(&self.path, to)
            .with_context(|| format!("cannot rename {} to {}", self.path.display(), to.display()))?;
        self.is_whole = true;
        sync_folder(parent(to))
    }
}

impl Drop for PartialFolder {
    fn drop(&mut self) {
        if !self.is_whole {
            // What stays is removed by the next run.
            let _removed = fs::remove_dir_all(&self.path);
        }
    }
}

/// The folder that a path lies in.
pub(super) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Makes the names in a folder durable.
pub(super) fn sync_folder(folder: &Path) -> anyhow::Result<()> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.with_context(|| format!("cannot sync {}", folder.display()))
}

/// All files below a folder, by path; the manifest and the note of restores are left out.
///
/// # Errors
/// The folder cannot be read, or holds something that is neither file nor folder.
pub(super) fn list(dir: &Path) -> anyhow::Result<Vec<ListedFile>> {
    let mut found = Vec::new();
    for path in paths_below(dir)? {
        let digest = File::open(dir.join(&path)).and_then(file_digest::sha256_of);
        let (sha256, bytes) = digest.with_context(|| format!("cannot read {}", dir.join(&path).display()))?;
        found.push(ListedFile {
            path,
            bytes,
            sha256: file_digest::hex(&sha256),
        });
    }
    Ok(found)
}

fn paths_below(dir: &Path) -> anyhow::Result<Vec<String>> {
    let (mut found, mut folders) = (Vec::new(), vec![String::new()]);
    while let Some(folder) = folders.pop() {
        let place = dir.join(&folder);
        let entries = fs::read_dir(&place).with_context(|| format!("cannot read {}", place.display()))?;
        for entry in entries {
            let entry = entry.with_context(|| format!("cannot read {}", place.display()))?;
            let (name, kind) = (entry.file_name().to_string_lossy().into_owned(), entry.file_type()?);
            let path = match folder.as_str() {
                "" => name,
                folder => format!("{folder}/{name}"),
            };
            match (kind.is_dir(), kind.is_file()) {
                (true, _) => folders.push(path),
                (_, true) if path == MANIFEST || path == RESTORED => {}
                (_, true) => found.push(path),
                _ => anyhow::bail!("{}: neither a file nor a folder", dir.join(&path).display()),
            }
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// Copies a file (mode 0600), synced; the folder that it goes to is made where it is missing (mode 0700).
pub(super) fn copy_file(from: &Path, to: &Path) -> anyhow::Result<()> {
    let copied = || -> std::io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(parent(to))?;
        fs::copy(from, to)?;
        fs::set_permissions(to, fs::Permissions::from_mode(0o600))?;
        File::open(to)?.sync_all()?;
        File::open(parent(to))?.sync_all()
    };
    copied().with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))
}

/// Copies all files below a folder, except those named.
pub(super) fn copy_folder(from: &Path, to: &Path, leave_out: &[&str]) -> anyhow::Result<()> {
    for path in paths_below(from)?
        .iter()
        .filter(|path| !leave_out.contains(&path.as_str()))
    {
        copy_file(&from.join(path), &to.join(path))?;
    }
    Ok(())
}
