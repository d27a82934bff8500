//! Checkpoints as signed notes (C2SP tlog-checkpoint, signed-note) and the verifier key that proves them.
//! Signing and verifying are ring's; `signed_note` gives the note's form and the key id, `tlog_tiles` the checkpoint's text.
//! A checkpoint read back must equal its own re-encoding byte for byte: a lenient decoder would let bits change unseen.

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use signed_note::{Note, Signature, Verifier, VerifierList};
use tlog_tiles::{Checkpoint, Hash as TlogHash};

use super::tree::TreeHash;

/// Longest checkpoint that is read, in bytes; room for some sixty witness signatures.
pub(crate) const CHECKPOINT_BYTES_MAX: usize = 16 * 1024;
/// Algorithm byte of Ed25519 in a verifier key (C2SP signed-note).
const ED25519_ALGORITHM: u8 = 1;

/// Why a note or a key was refused. Messages never repeat the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// The verifier key is not `name+8 hex digits+base64`.
    #[error("malformed verifier key")]
    Key,
    /// The origin is empty, or holds white space or a plus sign.
    #[error("malformed origin")]
    Origin,
    /// The checkpoint is not a well-formed signed note.
    #[error("malformed checkpoint")]
    Malformed,
    /// No signature of the expected key, or a wrong one.
    #[error("checkpoint signature does not verify")]
    Signature,
}

/// What a verified checkpoint says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeHead {
    /// Number of entries.
    pub size: u64,
    /// RFC 6962 root over them.
    pub root: TreeHash,
}

/// Whether a checkpoint may carry signatures beside the log's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CosignatureRule {
    /// Witness signatures are allowed, and not checked.
    Allowed,
    /// Exactly one signature, the log's: the form in which the ledger writes its own.
    Refused,
}

/// The log's Ed25519 key with its name.
pub struct NoteSigner {
    pair: Ed25519KeyPair,
    vkey: VerifierKey,
}

/// The public half: checks checkpoints.
#[derive(Clone)]
pub struct VerifierKey {
    name: String,
    id: u32,
    public: [u8; 32],
}

impl NoteSigner {
    /// A signer named `origin` from a 32-byte Ed25519 seed.
    pub fn from_seed(origin: &str, seed: &[u8; 32]) -> Result<Self, NoteError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| NoteError::Key)?;
        let public = pair.public_key().as_ref().try_into().map_err(|_| NoteError::Key)?;
        Ok(Self {
            vkey: VerifierKey::new(origin, public)?,
            pair,
        })
    }

    /// The public half.
    pub fn verifier(&self) -> &VerifierKey {
        &self.vkey
    }

    /// The signed checkpoint of a tree, as text. Ed25519 is deterministic: same tree, same bytes.
    pub fn checkpoint(&self, head: &TreeHead) -> Result<String, NoteError> {
        let text = Checkpoint::new(&self.vkey.name, head.size, TlogHash(head.root), "")
            .map_err(|_| NoteError::Malformed)?
            .to_bytes();
        let signature = Signature::new(
            self.vkey.name.clone(),
            self.vkey.id,
            self.pair.sign(&text).as_ref().to_vec(),
        )
        .map_err(|_| NoteError::Origin)?;
        let note = Note::new(&text, &[signature]).map_err(|_| NoteError::Malformed)?;
        String::from_utf8(note.to_bytes()).map_err(|_| NoteError::Malformed)
    }
}

impl VerifierKey {
    fn new(name: &str, public: [u8; 32]) -> Result<Self, NoteError> {
        if !signed_note::is_key_name_valid(name) || name.chars().any(char::is_control) || name.len() > 255 {
            return Err(NoteError::Origin);
        }
        let mut key = vec![ED25519_ALGORITHM];
        key.extend_from_slice(&public);
        Ok(Self {
            name: name.to_owned(),
            id: signed_note::key_id(name, &key),
            public,
        })
    }

    /// Parses `name+8 hex digits+base64(0x01 ‖ public key)` (C2SP signed-note). Only the canonical form passes.
    pub fn parse(vkey: &str) -> Result<Self, NoteError> {
        let (name, rest) = vkey.split_once('+').ok_or(NoteError::Key)?;
        let (_, key) = rest.split_once('+').ok_or(NoteError::Key)?;
        let key = STANDARD.decode(key).map_err(|_| NoteError::Key)?;
        let [ED25519_ALGORITHM, public @ ..] = key.as_slice() else {
            return Err(NoteError::Key);
        };
        let parsed = Self::new(name, public.try_into().map_err(|_| NoteError::Key)?)?;
        if parsed.encode() == vkey {
            Ok(parsed)
        } else {
            Err(NoteError::Key)
        }
    }

    /// The text form that `parse` reads.
    pub fn encode(&self) -> String {
        let mut key = vec![ED25519_ALGORITHM];
        key.extend_from_slice(&self.public);
        format!("{}+{:08x}+{}", self.name, self.id, STANDARD.encode(key))
    }

    /// Name of the key, which is the log's origin.
    pub fn origin(&self) -> &str {
        &self.name
    }

    /// Proves a checkpoint: canonical form, this origin, this key's signature.
    pub fn open(&self, checkpoint: &[u8], cosignatures: CosignatureRule) -> Result<TreeHead, NoteError> {
        if checkpoint.len() > CHECKPOINT_BYTES_MAX {
            return Err(NoteError::Malformed);
        }
        let note = Note::from_bytes(checkpoint).map_err(|_| NoteError::Malformed)?;
        let text = Checkpoint::from_bytes(note.text()).map_err(|_| NoteError::Malformed)?;
        if note.to_bytes() != checkpoint || text.to_bytes() != note.text() || text.origin() != self.name {
            return Err(NoteError::Malformed);
        }
        let known = VerifierList::new(vec![Box::new(self.clone())]);
        note.verify(&known).map_err(|_| NoteError::Signature)?;
        let head = TreeHead {
            size: text.size(),
            root: text.hash().0,
        };
        if cosignatures == CosignatureRule::Refused {
            // One line after the blank one: the note was re-encoded equal above, so counting lines is counting signatures.
            let lines = checkpoint.iter().filter(|b| **b == b'\n').count();
            let expected = note.text().iter().filter(|b| **b == b'\n').count() + 2;
            if lines != expected {
                return Err(NoteError::Malformed);
            }
        }
        Ok(head)
    }
}

impl Verifier for VerifierKey {
    fn name(&self) -> &str {
        &self.name
    }

    fn key_id(&self) -> u32 {
        self.id
    }

    fn verify(&self, msg: &[u8], sig: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.public).verify(msg, sig).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_proves_itself_and_no_bit_of_it_or_of_its_key_may_change() {
        let signer = NoteSigner::from_seed("hub.example/log", &[7; 32]).unwrap();
        let head = TreeHead {
            size: 12,
            root: [3; 32],
        };
        let text = signer.checkpoint(&head).unwrap();
        let key = VerifierKey::parse(&signer.verifier().encode()).unwrap();
        assert_eq!(key.open(text.as_bytes(), CosignatureRule::Refused), Ok(head));
        for bit in 0..text.len() * 8 {
            let mut bytes = text.clone().into_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(key.open(&bytes, CosignatureRule::Allowed).is_err(), "bit {bit}");
        }
        let vkey = key.encode();
        for bit in 0..vkey.len() * 8 {
            let mut bytes = vkey.clone().into_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(
                !String::from_utf8(bytes).is_ok_and(|k| VerifierKey::parse(&k).is_ok()),
                "bit {bit}"
            );
        }
    }

    #[test]
    fn signed_note_itself_accepts_our_key_and_signature() {
        let signer = NoteSigner::from_seed("hub.example/log", &[9; 32]).unwrap();
        let text = signer.checkpoint(&TreeHead { size: 1, root: [1; 32] }).unwrap();
        let theirs = signed_note::StandardVerifier::new(&signer.verifier().encode()).unwrap();
        let note = Note::from_bytes(text.as_bytes()).unwrap();
        assert!(note.verify(&VerifierList::new(vec![Box::new(theirs)])).is_ok());
    }
}
