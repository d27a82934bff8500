//! The digests of a file in one pass: SHA-256 (FIPS 180-4) and SM3 (GB/T 32905-2016). Nothing of the file is kept.

use std::io::{self, Read};

use data_encoding::HEXLOWER;
use ring::digest::{self, Context};
use sm3::{Digest as _, Sm3};

/// Digests of a file whose bytes are still coming.
pub struct FileDigest {
    sha256: Context,
    sm3: Sm3,
    bytes: u64,
}

/// Digests of a whole file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileDigests {
    /// SHA-256.
    pub sha256: [u8; 32],
    /// SM3.
    pub sm3: [u8; 32],
    /// Length of the file, bytes.
    pub bytes: u64,
}

impl Default for FileDigest {
    fn default() -> Self {
        Self {
            sha256: Context::new(&digest::SHA256),
            sm3: Sm3::new(),
            bytes: 0,
        }
    }
}

impl FileDigest {
    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        self.sm3.update(bytes);
        self.bytes = self
            .bytes
            .saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    }

    /// The digests of all bytes.
    pub fn finish(self) -> FileDigests {
        FileDigests {
            sha256: fixed(&self.sha256.finish()),
            sm3: self.sm3.finalize().into(),
            bytes: self.bytes,
        }
    }
}

/// SHA-256 of all that `from` gives, and the number of its bytes.
///
/// # Errors
/// It cannot be read.
pub fn sha256_of(mut from: impl Read) -> io::Result<([u8; 32], u64)> {
    let (mut digest, mut bytes) = (Context::new(&digest::SHA256), 0);
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let read = match from.read(&mut buffer) {
            Ok(0) => return Ok((fixed(&digest.finish()), bytes)),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        digest.update(buffer.get(..read).unwrap_or_default());
        bytes += u64::try_from(read).unwrap_or(u64::MAX);
    }
}

fn fixed(digest: &digest::Digest) -> [u8; 32] {
    let mut sha256 = [0; 32];
    for (to, from) in sha256.iter_mut().zip(digest.as_ref()) {
        *to = *from;
    }
    sha256
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    HEXLOWER.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vectors_of_the_standards_come_out() {
        for (text, sha256, sm3) in [
            (
                "abc".to_owned(),
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
                "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0",
            ),
            (
                String::new(),
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                "1ab21d8355cfa17f8e61194831e81a8f22bec8c728fefb747ed035eb5082aa2b",
            ),
        ] {
            let mut digest = FileDigest::default();
            for byte in text.bytes() {
                digest.update(&[byte]);
            }
            let digests = digest.finish();
            assert_eq!(hex(&digests.sha256), sha256);
            assert_eq!(hex(&digests.sm3), sm3);
            assert_eq!(digests.bytes, u64::try_from(text.len()).unwrap());
            assert_eq!(sha256_of(text.as_bytes()).unwrap(), (digests.sha256, digests.bytes));
        }
        let mut digest = FileDigest::default();
        (0..16).for_each(|_| digest.update(b"abcd"));
        let sm3 = digest.finish().sm3;
        assert_eq!(
            hex(&sm3),
            "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"
        );
    }
}
