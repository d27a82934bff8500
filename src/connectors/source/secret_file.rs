//! Files that hold one secret: a token, a password, a key, the URL of a database.
//! A file that others than its owner may read is refused: a secret that leaked is worse than a connector that waits.
//! A secret may stand sealed (AES-256-GCM) under a key that is derived from the hub's root, which lies elsewhere: then who
//! copies the folder of connectors, or finds it in a backup, has nothing.

use std::{fs::File, io::Read, path::Path, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use heyan_auth::seal::{PurposeSealer, SealError};

/// What a sealed secret begins with.
const SEALED: &str = "heyan-sealed-v1 ";

const BYTES_MAX: u64 = 16 << 10;

/// Why the file cannot be used. Never says what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretFileError {
    /// Not there, or not ours to read.
    #[error("the secret's file cannot be read")]
    Unread,
    /// Group or others have rights on it.
    #[error("the secret's file may be read by others: chmod 400")]
    Open,
    /// Empty, over 16 KiB, or no text.
    #[error("the secret's file holds no secret")]
    Empty,
    /// Sealed with a key that is not here, for another file name, or changed.
    #[error("the sealed secret does not open with the hub's keys")]
    Sealed,
}

/// Reads files of secrets, sealed ones too where it has the keys. No `Debug`.
#[derive(Clone, Default)]
pub struct SecretFiles(Option<Arc<PurposeSealer>>);

impl SecretFiles {
    /// Opens what these keys sealed.
    pub fn opened_by(sealer: PurposeSealer) -> Self {
        Self(Some(Arc::new(sealer)))
    }

    /// The secret in the file, without the line break at its end.
    ///
    /// # Errors
    /// The file cannot be used.
    pub fn read(&self, path: &Path) -> Result<Zeroizing<String>, SecretFileError> {
        let text = read(path)?;
        let Some(sealed) = text.strip_prefix(SEALED) else {
            return Ok(text);
        };
        let sealer = self.0.as_ref().ok_or(SecretFileError::Sealed)?;
        let sealed = STANDARD.decode(sealed).map_err(|_| SecretFileError::Sealed)?;
        let mut plain = Zeroizing::new(Vec::with_capacity(sealed.len()));
        let opened = sealer.open(&sealed, &place(path), &mut plain);
        opened.map_err(|_| SecretFileError::Sealed)?;
        let secret = std::str::from_utf8(&plain).map_err(|_| SecretFileError::Sealed)?;
        whole(secret)
    }
}

/// The line that a file of this name holds for a secret.
///
/// # Errors
/// Returns an error if the text is not a secret, or if the sealing key is used up.
pub fn sealed(sealer: &PurposeSealer, path: &Path, secret: &str) -> Result<String, SecretFileError> {
    let secret = whole(secret)?;
    let mut out = Vec::new();
    let sealed: Result<(), SealError> = sealer.seal(secret.as_bytes(), &place(path), &mut out);
    sealed.map_err(|_| SecretFileError::Sealed)?;
    Ok(format!("{SEALED}{}\n", STANDARD.encode(out)))
}

/// A sealed secret belongs to its file's name, in whatever folder.
fn place(path: &Path) -> Vec<u8> {
    let name = path.file_name().unwrap_or_default();
    [b"heyan connector secret v1\0", name.as_encoded_bytes()].concat()
}

fn whole(text: &str) -> Result<Zeroizing<String>, SecretFileError> {
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() || secret.contains(['\r', '\n', '\0']) {
        return Err(SecretFileError::Empty);
    }
    Ok(Zeroizing::new(secret.to_owned()))
}

fn read(path: &Path) -> Result<Zeroizing<String>, SecretFileError> {
    let file = File::open(path).map_err(|_| SecretFileError::Unread)?;
    let meta = file.metadata().map_err(|_| SecretFileError::Unread)?;
    if !meta.is_file() {
        return Err(SecretFileError::Unread);
    }
    // Asked of the open file: what is read is what was looked at.
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        if meta.mode() & 0o077 != 0 {
            return Err(SecretFileError::Open);
        }
    }
    if meta.len() > BYTES_MAX {
        return Err(SecretFileError::Empty);
    }
    let mut text = Zeroizing::new(String::with_capacity(
        usize::try_from(meta.len()).unwrap_or_default() + 1,
    ));
    file.take(BYTES_MAX + 1)
        .read_to_string(&mut text)
        .map_err(|_| SecretFileError::Empty)?;
    whole(&text)
}

#[cfg(test)]
mod tests {
    use crate::source::secret_file::*;
    use std::{fs, os::unix::fs::PermissionsExt};

    #[test]
    fn only_a_file_of_its_owner_alone_holds_a_secret() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        assert_eq!(read(&path).unwrap_err(), SecretFileError::Unread);
        for (mode, content, expected) in [
            (0o400, "t0ken\r\n", Ok("t0ken")),
            (0o600, "t0ken", Ok("t0ken")),
            (0o640, "t0ken", Err(SecretFileError::Open)),
            (0o604, "t0ken", Err(SecretFileError::Open)),
            (0o400, "\n", Err(SecretFileError::Empty)),
            (0o400, "a\nb", Err(SecretFileError::Empty)),
        ] {
            let _ = fs::remove_file(&path);
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let got = read(&path);
            assert_eq!(
                got.as_ref().map(|secret| secret.as_str()).map_err(|error| *error),
                expected
            );
        }
        assert_eq!(read(folder.path()).unwrap_err(), SecretFileError::Unread);
    }

    #[test]
    fn a_sealed_secret_opens_under_its_own_name_with_its_own_key_alone() {
        let folder = tempfile::tempdir().unwrap();
        let sealer = |key: u8| PurposeSealer::new(1, &[key; 32], &[]).unwrap();
        let path = folder.path().join("token");
        let line = sealed(&sealer(1), &path, "t0ken\n").unwrap();
        assert!(line.starts_with(SEALED) && !line.contains("t0ken"));
        let put = |name: &str, text: &str| {
            let path = folder.path().join(name);
            let _ = fs::remove_file(&path);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
            path
        };
        let (own, other) = (put("token", &line), put("other", &line));
        let files = SecretFiles::opened_by(sealer(1));
        assert_eq!(files.read(&own).unwrap().as_str(), "t0ken");
        assert_eq!(files.read(&put("plain", "t0ken")).unwrap().as_str(), "t0ken");
        let broken = put("token", &line.replacen(SEALED, &format!("{SEALED}AA"), 1));
        for (files, path) in [(&files, &other), (&files, &broken)] {
            assert_eq!(files.read(path).unwrap_err(), SecretFileError::Sealed);
        }
        let own = put("token", &line);
        for files in [SecretFiles::default(), SecretFiles::opened_by(sealer(2))] {
            assert_eq!(files.read(&own).unwrap_err(), SecretFileError::Sealed);
        }
        // A newer key seals from now on, and what the older one sealed still opens.
        let rotated = PurposeSealer::new(2, &[2; 32], &[(1, [1; 32])]).unwrap();
        assert_eq!(SecretFiles::opened_by(rotated).read(&own).unwrap().as_str(), "t0ken");
        assert_eq!(sealed(&sealer(1), &path, "a\nb").unwrap_err(), SecretFileError::Empty);
    }
}
