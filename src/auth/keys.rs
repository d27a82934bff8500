//! Key material of a node: one 32-byte root, from which every key is derived by its purpose (HKDF-SHA256, RFC 5869).
//! The root file is the only secret to keep and to back up: without it every pseudonym and sealed purpose is lost.
//! This is the one file of the module that does I/O. A crash before the link leaves a stray `.tmp` file, which is never
//! read; a crash after it leaves the whole root, durable.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use data_encoding::HEXLOWER;
use ring::hkdf;
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

const FORMAT: &str = "heyan-root-v1";
const FILE_BYTES_MAX: u64 = 128;

/// 32 secret bytes. No `Debug`; wiped when dropped.
pub type SecretBytes = Zeroizing<[u8; 32]>;

/// Why there is no key material.
#[derive(Debug, thiserror::Error)]
pub enum KeyRingError {
    /// A file operation failed.
    #[error("cannot {action} the root key file {path}")]
    File {
        /// What was tried.
        action: &'static str,
        /// Which file.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: io::Error,
    },
    /// Others than the owner may read or write the file.
    #[error(
        "the root key file {path} has mode {mode:04o}: others than its owner can reach it; run `chmod 0400 {path}` and, if \
         strangers have accounts here, replace the key"
    )]
    Exposed {
        /// Which file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A directory, device or pipe.
    #[error("the root key file {0} is not a regular file")]
    NotAFile(PathBuf),
    /// Its content is not one line of the format.
    #[error("the root key file {0} is not one line of `heyan-root-v1 <base64 of 32 bytes>`")]
    Malformed(PathBuf),
    /// The system's random source failed.
    #[error("no random bytes to make a root key")]
    NoRandom,
    /// The library could not derive; does not happen with 32-byte keys.
    #[error("cannot derive a key from the root")]
    Derive,
}

/// The keys of a node, derived on demand from its root.
pub struct KeyRing {
    root: hkdf::Prk,
}

impl KeyRing {
    /// Takes a root.
    pub(crate) fn from_root(root: &[u8; 32]) -> Self {
        // The salt separates this format from any other use of the same bytes.
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, FORMAT.as_bytes());
        Self {
            root: salt.extract(root),
        }
    }

    /// Ed25519 seed that signs access tokens. `generation` counts rotations: the hub signs with one and still accepts the one before.
    pub fn token_signing_seed(&self, generation: u32) -> Result<SecretBytes, KeyRingError> {
        self.derive(b"token-signing", generation)
    }

    /// Ed25519 seed that signs checkpoints of the ledger.
    pub fn checkpoint_signing_seed(&self) -> Result<SecretBytes, KeyRingError> {
        self.derive(b"checkpoint-signing", 0)
    }

    /// The same for one of several nodes that share the root.
    pub fn node_signing_seed(&self, origin: &str) -> Result<SecretBytes, KeyRingError> {
        self.derive(&[b"checkpoint-signing ", origin.as_bytes()].concat(), 0)
    }

    /// Ed25519 seed with which one of several nodes countersigns the checkpoints of the others.
    pub fn witness_seed(&self, origin: &str) -> Result<SecretBytes, KeyRingError> {
        self.derive(&[b"checkpoint-witness ", origin.as_bytes()].concat(), 0)
    }

    /// By which one root is told from another: it tells nothing of the root.
    pub fn mark(&self) -> Result<String, KeyRingError> {
        let mark = self.derive(b"root-mark", 0)?;
        Ok(HEXLOWER.encode(mark.get(..16).unwrap_or_default()))
    }

    /// HMAC key of subject pseudonyms.
    pub fn pseudonym_key(&self) -> Result<SecretBytes, KeyRingError> {
        self.derive(b"subject-pseudonym", 0)
    }

    /// AEAD key that seals purposes in ledger entries; `key_id` is the byte in front of what is sealed.
    pub fn purpose_sealing_key(&self, key_id: u8) -> Result<SecretBytes, KeyRingError> {
        self.derive(b"purpose-sealing", u32::from(key_id))
    }

    /// AEAD key that seals columns of the store; `key_id` is the byte in front of what is sealed.
    pub fn column_sealing_key(&self, key_id: u8) -> Result<SecretBytes, KeyRingError> {
        self.derive(b"column-sealing", u32::from(key_id))
    }

    /// AEAD key that seals files of connectors' secrets; `key_id` is the byte in front of what is sealed.
    pub fn connector_sealing_key(&self, key_id: u8) -> Result<SecretBytes, KeyRingError> {
        self.derive(b"connector-sealing", u32::from(key_id))
    }

    /// Ed25519 seed of `v1a` signatures of webhooks.
    pub fn webhook_signing_seed(&self) -> Result<SecretBytes, KeyRingError> {
        self.derive(b"webhook-signing", 0)
    }

    /// HMAC key that hides matter numbers and claims that are only ever compared.
    pub fn hiding_key(&self) -> Result<SecretBytes, KeyRingError> {
        self.derive(b"hiding", 0)
    }

    /// HMAC key of remembered one-time ids.
    pub fn replay_key(&self) -> Result<SecretBytes, KeyRingError> {
        self.derive(b"replay", 0)
    }

    /// Names are prefix-free because the generation has a fixed width and the separator occurs in no name.
    fn derive(&self, purpose: &[u8], generation: u32) -> Result<SecretBytes, KeyRingError> {
        let generation = generation.to_be_bytes();
        let info = [purpose, b"/".as_slice(), generation.as_slice()];
        let mut out = Zeroizing::new([0; 32]);
        self.root
            .expand(&info, hkdf::HKDF_SHA256)
            .and_then(|key| key.fill(out.as_mut_slice()))
            .map_err(|_| KeyRingError::Derive)?;
        Ok(out)
    }
}

/// Reads the root file at `path`, or makes one (mode 0400) when there is none.
///
/// A new file appears under its name whole and synced or not at all, and never replaces one that is there. A file that
/// group or others can reach is refused. Of several processes that start at once, all get the same root.
pub fn load_or_create(path: &Path) -> Result<KeyRing, KeyRingError> {
    match File::open(path) {
        Ok(file) => load(file, path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            create(path)?;
            let file = File::open(path).map_err(failed("open", path))?;
            load(file, path)
        }
        Err(error) => Err(failed("open", path)(error)),
    }
}

fn load(file: File, path: &Path) -> Result<KeyRing, KeyRingError> {
    // The open handle is asked, not the name, so the file cannot be exchanged between check and use.
    let meta = file.metadata().map_err(failed("inspect", path))?;
    if !meta.is_file() {
        return Err(KeyRingError::NotAFile(path.to_owned()));
    }
    let mode = meta.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        let path = path.to_owned();
        return Err(KeyRingError::Exposed { path, mode });
    }
    let mut text = Zeroizing::new(String::with_capacity(FILE_BYTES_MAX as usize));
    match file.take(FILE_BYTES_MAX).read_to_string(&mut text) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            return Err(KeyRingError::Malformed(path.to_owned()));
        }
        Err(error) => return Err(failed("read", path)(error)),
    }
    let root = parse(&text).ok_or_else(|| KeyRingError::Malformed(path.to_owned()))?;
    Ok(KeyRing::from_root(&root))
}

fn parse(text: &str) -> Option<SecretBytes> {
    let line = text.strip_suffix('\n').unwrap_or(text);
    let encoded = line.strip_prefix(FORMAT)?.strip_prefix(' ')?;
    let bytes = Zeroizing::new(STANDARD.decode(encoded).ok()?);
    <[u8; 32]>::try_from(bytes.as_slice()).ok().map(Zeroizing::new)
}

fn create(path: &Path) -> Result<(), KeyRingError> {
    let random = SystemRandom::new();
    let mut root = Zeroizing::new([0; 32]);
    let mut suffix = [0; 9];
    random
        .fill(root.as_mut_slice())
        .and_then(|()| random.fill(&mut suffix))
        .map_err(|_| KeyRingError::NoRandom)?;
    let mut line = Zeroizing::new(String::with_capacity(64));
    line.push_str(FORMAT);
    line.push(' ');
    STANDARD.encode_string(root.as_slice(), &mut line);
    line.push('\n');

    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", URL_SAFE_NO_PAD.encode(suffix)));
    let temporary = path.with_file_name(name);
    let placed = write_new(&temporary, line.as_bytes()).and_then(|()| fs::hard_link(&temporary, path));
    let removed = fs::remove_file(&temporary);
    match placed {
        // Another process was first; its root is the root.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        other => other.map_err(failed("create", path))?,
    }
    removed.map_err(failed("tidy up after", path))?;
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(parent)
        .and_then(|directory| directory.sync_all())
        .map_err(failed("sync the directory of", path))
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o400).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> KeyRingError {
    let path = path.to_owned();
    move |source| KeyRingError::File { action, path, source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// A directory of this test alone, removed when dropped.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new() -> Self {
            static NEXT: AtomicU32 = AtomicU32::new(0);
            let n = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = std::env::temp_dir().join(format!("heyan-keys-{}-{n}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn root(&self) -> PathBuf {
            self.0.join("root.key")
        }

        fn put(&self, text: &[u8], mode: u32) -> PathBuf {
            let path = self.root();
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            path
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn good() -> String {
        format!("{FORMAT} {}\n", STANDARD.encode([7; 32]))
    }

    fn replay(ring: &KeyRing) -> [u8; 32] {
        *ring.replay_key().unwrap()
    }

    #[test]
    fn every_purpose_and_generation_has_its_own_key() {
        let ring = KeyRing::from_root(&[7; 32]);
        let mut keys = vec![
            *ring.token_signing_seed(0).unwrap(),
            *ring.token_signing_seed(1).unwrap(),
            *ring.checkpoint_signing_seed().unwrap(),
            *ring.pseudonym_key().unwrap(),
            *ring.purpose_sealing_key(0).unwrap(),
            *ring.purpose_sealing_key(1).unwrap(),
            *ring.column_sealing_key(0).unwrap(),
            *ring.column_sealing_key(1).unwrap(),
            *ring.connector_sealing_key(1).unwrap(),
            *ring.hiding_key().unwrap(),
            *ring.webhook_signing_seed().unwrap(),
            *ring.replay_key().unwrap(),
        ];
        let all = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), all);
        assert_eq!(replay(&ring), replay(&KeyRing::from_root(&[7; 32])));
        assert_ne!(replay(&ring), replay(&KeyRing::from_root(&[8; 32])));
    }

    #[test]
    fn the_derivation_is_hkdf_as_python_computes_it() {
        // Python `cryptography`: HKDF(SHA256, 32, salt=b"heyan-root-v1", info=b"subject-pseudonym/\0\0\0\0").derive(b"\7" * 32)
        let ring = KeyRing::from_root(&[7; 32]);
        let hex: String = ring
            .pseudonym_key()
            .unwrap()
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        assert_eq!(hex, "609cf0ab2d7f2bf0daa2c71297ccd35604800b7420a0adfe595c9b5ace8006d1");
    }

    #[test]
    fn a_new_root_is_private_and_the_same_at_the_next_start() {
        let scratch = Scratch::new();
        let first = load_or_create(&scratch.root()).ok().unwrap();
        let meta = fs::metadata(scratch.root()).unwrap();
        assert_eq!(meta.permissions().mode() & 0o7777, 0o400);
        let second = load_or_create(&scratch.root()).ok().unwrap();
        assert_eq!(replay(&first), replay(&second));
        let names: Vec<_> = fs::read_dir(&scratch.0).unwrap().collect();
        assert_eq!(names.len(), 1, "no temporary file is left");
        let text = fs::read_to_string(scratch.root()).unwrap();
        assert!(text.starts_with("heyan-root-v1 ") && text.ends_with("=\n"));
    }

    #[test]
    fn of_many_starters_all_get_one_root() {
        let scratch = Scratch::new();
        let path = scratch.root();
        let keys: Vec<[u8; 32]> = std::thread::scope(|scope| {
            let start = || replay(&load_or_create(&path).ok().unwrap());
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(start)).collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]));
        assert_eq!(fs::read_dir(&scratch.0).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_others_can_reach_is_refused_with_the_remedy() {
        for mode in [0o440, 0o404, 0o620, 0o602, 0o644, 0o410, 0o777] {
            let scratch = Scratch::new();
            let path = scratch.put(good().as_bytes(), mode);
            let error = load_or_create(&path).err().unwrap();
            assert!(matches!(&error, KeyRingError::Exposed { mode: m, .. } if *m == mode));
            let text = error.to_string();
            assert!(text.contains("chmod 0400") && text.contains(&format!("{mode:04o}")));
        }
        for mode in [0o400, 0o600, 0o700] {
            let scratch = Scratch::new();
            assert!(load_or_create(&scratch.put(good().as_bytes(), mode)).is_ok());
        }
    }

    #[test]
    fn a_malformed_file_is_refused_and_left_as_it_is() {
        let key = STANDARD.encode([7; 32]);
        for text in [
            String::new(),
            "\n".into(),
            key.clone(),
            format!("heyan-root-v2 {key}\n"),
            format!("heyan-root-v1  {key}\n"),
            format!("heyan-root-v1 {key} \n"),
            format!("heyan-root-v1 {key}\n\n"),
            format!("heyan-root-v1 {key}\r\n"),
            format!("heyan-root-v1 {}\n", STANDARD.encode([7; 31])),
            format!("heyan-root-v1 {}\n", STANDARD.encode([7; 33])),
            format!("heyan-root-v1 {key}{}", "\n".repeat(200)),
        ] {
            let scratch = Scratch::new();
            let path = scratch.put(text.as_bytes(), 0o600);
            let error = load_or_create(&path).err().unwrap();
            assert!(matches!(error, KeyRingError::Malformed(_)));
            assert!(!error.to_string().contains(&key));
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        let scratch = Scratch::new();
        let binary = load_or_create(&scratch.put(&[0xff; 60], 0o600));
        assert!(matches!(binary.err(), Some(KeyRingError::Malformed(_))));
        let unterminated = scratch.put(good().trim_end().as_bytes(), 0o600);
        assert!(load_or_create(&unterminated).is_ok());
    }

    #[test]
    fn a_directory_or_a_missing_folder_is_an_error() {
        let scratch = Scratch::new();
        let directory = load_or_create(&scratch.0).err().unwrap();
        assert!(matches!(directory, KeyRingError::NotAFile(_)));
        let nowhere = load_or_create(&scratch.0.join("no/such/root.key")).err().unwrap();
        assert!(matches!(nowhere, KeyRingError::File { action: "create", .. }));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in ".{0,100}", tail in "[A-Za-z0-9+/=\n ]{0,60}") {
            let _ = parse(&text);
            let _ = parse(&format!("heyan-root-v1 {tail}"));
        }
    }
}
