//! Watches the ledger of another node: a checkpoint is countersigned only when it extends the one that was seen before, so a node
//! cannot rewrite its history without a peer that saw the old one (C2SP tlog-cosignature; RFC 9162 §2.1.4 for the proof).
//!
//! `countersigned ⇒ remembered on disk`: what was seen is synced before the signature is given, so a restart forgets nothing.

use std::{
    fs::{self, File},
    io::{self, Read},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

use super::disk::write_atomically;
use super::{
    TreeHash, TreeHead, VerifierKey,
    note::{CHECKPOINT_BYTES_MAX, CosignatureRule, NoteError},
    receipt::verify_consistency,
};

/// Algorithm byte of a timestamped Ed25519 cosignature.
const COSIGNATURE_ALGORITHM: u8 = 4;

/// Bytes of a cosignature: time and Ed25519.
const SIGNATURE_BYTES: usize = 8 + 64;

/// Why a checkpoint is not countersigned.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// It is no checkpoint of this ledger.
    #[error("the checkpoint does not verify: {0}")]
    Note(#[from] NoteError),
    /// It is smaller than, or differs from, what was seen: the history was rewritten, or two write one ledger.
    #[error("the ledger no longer extends the {seen} entries that were seen: it has shown two histories")]
    Forked {
        /// Entries of the newest checkpoint that was seen.
        seen: u64,
    },
    /// What was seen cannot be read or kept.
    #[error("what was seen of a ledger cannot be kept")]
    Io(#[from] io::Error),
}

/// A node's memory of other ledgers, and the key with which it countersigns.
pub struct LedgerWitness {
    folder: PathBuf,
    name: String,
    id: u32,
    pair: Ed25519KeyPair,
}

impl LedgerWitness {
    /// A witness named `name` that keeps what it saw in `folder`, which is made with mode 0700.
    ///
    /// # Errors
    /// The folder cannot be made, or the seed or name is none.
    pub fn open(folder: PathBuf, name: &str, seed: &[u8; 32]) -> Result<Self, WitnessError> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| NoteError::Key)?;
        let mut key = vec![COSIGNATURE_ALGORITHM];
        key.extend_from_slice(pair.public_key().as_ref());
        Ok(Self {
            folder,
            id: signed_note::key_id(name, &key),
            name: name.to_owned(),
            pair,
        })
    }

    /// The verifier key of its countersignatures: `name+8 hex digits+base64(0x04 ‖ public key)`.
    pub fn vkey(&self) -> String {
        let mut key = vec![COSIGNATURE_ALGORITHM];
        key.extend_from_slice(self.pair.public_key().as_ref());
        format!("{}+{:08x}+{}", self.name, self.id, STANDARD.encode(key))
    }

    /// The newest checkpoint of `key`'s ledger that was seen; `None`: none yet.
    ///
    /// # Errors
    /// It cannot be read, or is no checkpoint of that ledger any more.
    pub fn seen(&self, key: &VerifierKey) -> Result<Option<TreeHead>, WitnessError> {
        let mut text = Vec::new();
        match File::open(self.file(key.origin())) {
            Ok(file) => {
                let limit = u64::try_from(CHECKPOINT_BYTES_MAX).unwrap_or(u64::MAX);
                file.take(limit).read_to_end(&mut text)?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        Ok(Some(key.open(&text, CosignatureRule::Allowed)?))
    }

    /// Countersigns `checkpoint`, when it extends what was seen: `proof` is RFC 9162's, from the size seen to its own; empty for
    /// the first. Answers the checkpoint with the line of this witness, at `now_s` (Unix seconds).
    ///
    /// # Errors
    /// [`WitnessError`]; then nothing is remembered.
    pub fn countersign(
        &self,
        key: &VerifierKey,
        checkpoint: &str,
        proof: &[TreeHash],
        now_s: u64,
    ) -> Result<String, WitnessError> {
        let head = key.open(checkpoint.as_bytes(), CosignatureRule::Refused)?;
        if let Some(seen) = self.seen(key)? {
            let extends = head.size >= seen.size && verify_consistency(&seen, &head, proof).is_ok();
            if !extends {
                return Err(WitnessError::Forked { seen: seen.size });
            }
        }
        // Beside, synced, renamed, synced: a crash leaves what was seen before or this.
        write_atomically(&self.folder, key.origin(), checkpoint.as_bytes())?;
        let mut signature = self.id.to_be_bytes().to_vec();
        signature.extend_from_slice(&now_s.to_be_bytes());
        let signed = message(checkpoint, now_s)?;
        signature.extend_from_slice(self.pair.sign(signed.as_bytes()).as_ref());
        Ok(format!(
            "{checkpoint}\u{2014} {} {}\n",
            self.name,
            STANDARD.encode(signature)
        ))
    }

    fn file(&self, origin: &str) -> PathBuf {
        self.folder.join(origin)
    }
}

/// What a cosignature signs: its time, and the checkpoint without its signatures.
fn message(checkpoint: &str, now_s: u64) -> Result<String, NoteError> {
    let (body, _signatures) = checkpoint.split_once("\n\n").ok_or(NoteError::Malformed)?;
    Ok(format!("cosignature/v1\ntime {now_s}\n{body}\n"))
}

/// Proves that a checkpoint carries the countersignature of `witness` (its [`Witness::vkey`]); answers its time, Unix seconds.
///
/// # Errors
/// No such line, or it does not verify.
pub fn verify_cosignature(checkpoint: &str, witness: &str) -> Result<u64, NoteError> {
    let mut parts = witness.splitn(3, '+');
    let (name, _id, key) = (parts.next(), parts.next(), parts.next());
    let (Some(name), Some(key)) = (name, key) else {
        return Err(NoteError::Key);
    };
    let key = STANDARD.decode(key).map_err(|_| NoteError::Key)?;
    let [COSIGNATURE_ALGORITHM, public @ ..] = key.as_slice() else {
        return Err(NoteError::Key);
    };
    let id = signed_note::key_id(name, &key).to_be_bytes();
    let prefix = format!("\u{2014} {name} ");
    let lines = checkpoint.lines().filter_map(|line| line.strip_prefix(&prefix));
    for signature in lines.filter_map(|line| STANDARD.decode(line).ok()) {
        let Some(rest) = signature.strip_prefix(&id).filter(|rest| rest.len() == SIGNATURE_BYTES) else {
            continue;
        };
        let (time, signature) = rest.split_at(8);
        let time = u64::from_be_bytes(time.try_into().map_err(|_| NoteError::Malformed)?);
        let signed = message(checkpoint, time)?;
        if UnparsedPublicKey::new(&ED25519, public)
            .verify(signed.as_bytes(), signature)
            .is_ok()
        {
            return Ok(time);
        }
    }
    Err(NoteError::Signature)
}

/// Whether a folder's name could be one of the files here: origins are names of letters, digits, dots and dashes.
pub fn is_file_name(origin: &str) -> bool {
    Path::new(origin).file_name().is_some_and(|name| name == origin) && !origin.starts_with('.')
}

#[cfg(test)]
mod tests {
    use super::super::{
        Ledger,
        tests::{Blocking as _, config},
    };
    use super::*;

    /// A closed ledger in `folder`, with so many entries more.
    fn with_entries(folder: &Path, count: u64) -> Ledger {
        let ledger = Ledger::open(config(folder)).unwrap();
        let own = folder.display().to_string();
        for _ in 0..count {
            ledger.append_blocking(own.clone().into_bytes()).unwrap();
        }
        ledger.close().unwrap();
        ledger
    }

    #[test]
    fn a_checkpoint_is_countersigned_only_when_it_extends_what_was_seen() {
        let folder = tempfile::tempdir().unwrap();
        let witness = || LedgerWitness::open(folder.path().join("seen"), "hub-2.test", &[9; 32]).unwrap();
        let ledger = with_entries(&folder.path().join("one"), 5);
        let key = VerifierKey::parse(ledger.vkey()).unwrap();
        let first = ledger.checkpoint();
        let signed = witness().countersign(&key, &first, &[], 1_700_000_000).unwrap();
        assert!(signed.starts_with(&first));
        assert!(key.open(signed.as_bytes(), CosignatureRule::Allowed).is_ok());
        assert_eq!(verify_cosignature(&signed, &witness().vkey()), Ok(1_700_000_000));
        for at in 0..signed.len() {
            let mut changed = signed.clone().into_bytes();
            changed[at] ^= 1;
            if let Ok(changed) = String::from_utf8(changed) {
                let both = verify_cosignature(&changed, &witness().vkey()).is_ok()
                    && key.open(changed.as_bytes(), CosignatureRule::Allowed).is_ok();
                assert!(!both, "byte {at}");
            }
        }
        // The same again, and a longer one with its proof; never one without, nor another history of the same length.
        assert!(witness().countersign(&key, &first, &[], 1).is_ok());
        drop(ledger);
        let longer = with_entries(&folder.path().join("one"), 4);
        let seen = witness().seen(&key).unwrap().unwrap();
        assert_eq!(seen.size, 5);
        let proof = longer.consistency_proof(seen.size, 9).unwrap();
        let without = witness().countersign(&key, &longer.checkpoint(), &[], 2);
        assert!(matches!(without, Err(WitnessError::Forked { seen: 5 })));
        assert!(witness().countersign(&key, &longer.checkpoint(), &proof, 2).is_ok());
        let other = with_entries(&folder.path().join("other"), 12);
        assert_eq!(
            other.vkey(),
            longer.vkey(),
            "the key is the same: only the history differs"
        );
        let proof = other.consistency_proof(9, 12).unwrap();
        let forked = witness().countersign(&key, &other.checkpoint(), &proof, 3);
        assert!(matches!(forked, Err(WitnessError::Forked { seen: 9 })));
        let shorter = witness().countersign(&key, &first, &[], 3);
        assert!(matches!(shorter, Err(WitnessError::Forked { seen: 9 })));
    }

    #[test]
    fn an_origin_is_no_way_out_of_the_folder() {
        assert!(is_file_name("hub-1.heyan.local"));
        for bad in ["", ".", "..", "a/b", "../a", "/a", ".new"] {
            assert!(!is_file_name(bad), "{bad}");
        }
    }
}
