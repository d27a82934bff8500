//! Files that hold one secret: a token, a password, a key, the URL of a database.
//! A file that others than its owner may read is refused: a secret that leaked is worse than a connector that waits.

use std::{fs::File, io::Read, path::Path};

use zeroize::Zeroizing;

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
}

/// The secret in the file, without the line break at its end.
///
/// # Errors
/// The file cannot be used.
pub fn read(path: &Path) -> Result<Zeroizing<String>, SecretFileError> {
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
    let secret = Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned());
    if secret.is_empty() || secret.contains(['\r', '\n', '\0']) {
        return Err(SecretFileError::Empty);
    }
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;
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
}
