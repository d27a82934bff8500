//! Receipts: one entry, its place, and the proof that a signed checkpoint covers it, as C2SP tlog-proof text or as JSON.
//! The entry travels in the `extra` line, which the format leaves unauthenticated: here it is hashed into the leaf, so a
//! changed entry fails the proof. A text receipt without it proves nothing by itself and is refused.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use tlog_tiles::{Hash as TlogHash, tlog};

use super::disk::frame::ENTRY_BYTES_MAX;
use super::note::{CHECKPOINT_BYTES_MAX, CosignatureRule, NoteError, TreeHead, VerifierKey};
use super::tree::{TreeHash, leaf_hash};

/// First line of the text form.
const TEXT_HEADER: &str = "c2sp.org/tlog-proof@v1";
/// A tree of 2^64 entries is 64 high, so no proof is longer.
const PROOF_HASHES_MAX: usize = 64;
/// Longest receipt that is read: entry in base64, proof, checkpoint, and JSON's escapes.
pub(crate) const RECEIPT_BYTES_MAX: usize = 256 * 1024;

/// One entry with its proof. `Debug` shows no entry bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Origin of the log.
    pub origin: String,
    /// Index of the entry.
    pub index: u64,
    /// Its RFC 6962 leaf hash.
    pub leaf: TreeHash,
    /// The entry itself.
    pub entry: Option<Vec<u8>>,
    /// Inclusion path from the leaf's sibling to the root's child (RFC 6962 §2.1.1).
    pub proof: Vec<TreeHash>,
    /// Signed checkpoint, verbatim.
    pub checkpoint: String,
}

/// What a receipt that verified has shown.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifiedReceipt {
    /// Origin of the log.
    pub origin: String,
    /// Index of the entry.
    pub index: u64,
    /// Its leaf hash.
    pub leaf: TreeHash,
    /// The entry, when the receipt carries it; then its bytes are proven.
    pub entry: Option<Vec<u8>>,
    /// The signed tree that holds it.
    pub head: TreeHead,
}

/// Why a receipt was refused. Messages never repeat the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// Longer than `RECEIPT_BYTES_MAX`.
    #[error("the receipt is too long")]
    TooLong,
    /// Neither the text nor the JSON form.
    #[error("malformed receipt")]
    Malformed,
    /// A receipt without its entry.
    #[error("the receipt does not carry its entry")]
    NoEntry,
    /// Entry and leaf hash disagree.
    #[error("the entry does not hash to the leaf")]
    Leaf,
    /// Origin of the receipt and of its checkpoint or key disagree.
    #[error("the receipt is of another log")]
    Origin,
    /// The path does not lead to the checkpoint's root.
    #[error("the inclusion proof does not lead to the checkpoint")]
    Proof,
    /// The key or the checkpoint is bad.
    #[error(transparent)]
    Note(#[from] NoteError),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReceiptJson {
    origin: String,
    index: u64,
    leaf: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    entry: Option<String>,
    proof: Vec<String>,
    checkpoint: String,
}

/// Proves a receipt in either form with nothing but the log's verifier key.
///
/// # Errors
/// See `ReceiptError`.
pub fn verify(receipt: &[u8], vkey: &str) -> Result<VerifiedReceipt, ReceiptError> {
    let key = VerifierKey::parse(vkey.trim_end_matches('\n'))?;
    let receipt = Receipt::parse(receipt)?;
    if receipt.origin != key.origin() {
        return Err(ReceiptError::Origin);
    }
    if receipt.entry.is_none() {
        // A hash alone says that something was entered, not what.
        return Err(ReceiptError::NoEntry);
    }
    let head = key.open(receipt.checkpoint.as_bytes(), CosignatureRule::Allowed)?;
    receipt.proves(&head)?;
    let Receipt {
        origin,
        index,
        leaf,
        entry,
        ..
    } = receipt;
    Ok(VerifiedReceipt {
        origin,
        index,
        leaf,
        entry,
        head,
    })
}

/// Proves (RFC 6962 §2.1.2) that the tree `new` extends the tree `old`. Equal trees need no path; a tree of size 0 is
/// extended by every other.
///
/// # Errors
/// `ReceiptError::Proof`.
pub(crate) fn verify_consistency(old: &TreeHead, new: &TreeHead, proof: &[TreeHash]) -> Result<(), ReceiptError> {
    if old.size == 0 {
        let empty = super::tree::TreeFrontier::default().root();
        return if proof.is_empty() && old.root == empty {
            Ok(())
        } else {
            Err(ReceiptError::Proof)
        };
    }
    if old.size > new.size || proof.len() > 2 * PROOF_HASHES_MAX {
        return Err(ReceiptError::Proof);
    }
    let path = proof.iter().copied().map(TlogHash).collect();
    tlog::check_tree(&path, new.size, TlogHash(new.root), old.size, TlogHash(old.root)).map_err(|_| ReceiptError::Proof)
}

impl Receipt {
    /// The C2SP tlog-proof form; `extra` carries the entry.
    pub fn to_text(&self) -> String {
        let mut text = format!("{TEXT_HEADER}\n");
        if let Some(entry) = &self.entry {
            text.push_str(&format!("extra {}\n", STANDARD.encode(entry)));
        }
        text.push_str(&format!("index {}\n", self.index));
        for hash in &self.proof {
            text.push_str(&STANDARD.encode(hash));
            text.push('\n');
        }
        text.push('\n');
        text.push_str(&self.checkpoint);
        text
    }

    /// The JSON form: `{origin,index,leaf,entry,proof[],checkpoint}`, hashes and entry in base64.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({
            "origin": self.origin,
            "index": self.index,
            "leaf": STANDARD.encode(self.leaf),
            "entry": self.entry.as_ref().map(|e| STANDARD.encode(e)),
            "proof": self.proof.iter().map(|h| STANDARD.encode(h)).collect::<Vec<_>>(),
            "checkpoint": self.checkpoint,
        })
    }

    /// Reads either form, strictly: one spelling only, nothing unknown, nothing twice, limits on everything.
    ///
    /// # Errors
    /// `TooLong`, `Malformed`, `NoEntry`, `Leaf`.
    pub fn parse(bytes: &[u8]) -> Result<Self, ReceiptError> {
        if bytes.len() > RECEIPT_BYTES_MAX {
            return Err(ReceiptError::TooLong);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| ReceiptError::Malformed)?;
        if text.trim_start().starts_with('{') {
            Self::parse_json(text)
        } else {
            Self::parse_text(text)
        }
    }

    /// Checks that the entry hashes to the leaf and that the leaf lies under `head`. Says nothing about who signed `head`.
    ///
    /// # Errors
    /// `Leaf`, `Proof`.
    pub fn proves(&self, head: &TreeHead) -> Result<(), ReceiptError> {
        if self.entry.as_ref().is_some_and(|e| leaf_hash(e) != self.leaf) {
            return Err(ReceiptError::Leaf);
        }
        if self.index >= head.size || self.proof.len() > PROOF_HASHES_MAX {
            return Err(ReceiptError::Proof);
        }
        let path = self.proof.iter().copied().map(TlogHash).collect();
        tlog::check_record(&path, head.size, TlogHash(head.root), self.index, TlogHash(self.leaf))
            .map_err(|_| ReceiptError::Proof)
    }

    fn parse_text(text: &str) -> Result<Self, ReceiptError> {
        let bad = ReceiptError::Malformed;
        let (head, checkpoint) = text.split_once("\n\n").ok_or(bad)?;
        let mut lines = head.split('\n');
        if lines.next() != Some(TEXT_HEADER) {
            return Err(bad);
        }
        let mut line = lines.next().ok_or(bad)?;
        let extra = line.strip_prefix("extra ");
        if extra.is_some() {
            line = lines.next().ok_or(bad)?;
        }
        let digits = line.strip_prefix("index ").ok_or(bad)?;
        let index: u64 = digits.parse().map_err(|_| bad)?;
        if index.to_string() != digits {
            return Err(bad);
        }
        let proof = lines.map(decode_hash).collect::<Result<Vec<_>, _>>()?;
        let entry = decode_entry(extra.ok_or(ReceiptError::NoEntry)?)?;
        let origin = checkpoint.split('\n').next().unwrap_or_default().to_owned();
        let checkpoint = checkpoint.to_owned();
        Self {
            origin,
            index,
            leaf: leaf_hash(&entry),
            entry: Some(entry),
            proof,
            checkpoint,
        }
        .limited()
    }

    fn parse_json(text: &str) -> Result<Self, ReceiptError> {
        let json: ReceiptJson = serde_json::from_str(text).map_err(|_| ReceiptError::Malformed)?;
        let entry = json.entry.as_deref().map(decode_entry).transpose()?;
        let proof = json
            .proof
            .iter()
            .map(|h| decode_hash(h))
            .collect::<Result<Vec<_>, _>>()?;
        let leaf = decode_hash(&json.leaf)?;
        if entry.as_ref().is_some_and(|e| leaf_hash(e) != leaf) {
            return Err(ReceiptError::Leaf);
        }
        Self {
            origin: json.origin,
            index: json.index,
            leaf,
            entry,
            proof,
            checkpoint: json.checkpoint,
        }
        .limited()
    }

    fn limited(self) -> Result<Self, ReceiptError> {
        let short = self.proof.len() <= PROOF_HASHES_MAX && self.checkpoint.len() <= CHECKPOINT_BYTES_MAX;
        let named = self
            .checkpoint
            .strip_prefix(&self.origin)
            .is_some_and(|rest| rest.starts_with('\n'));
        match (short, named) {
            (true, true) => Ok(self),
            (true, false) => Err(ReceiptError::Origin),
            (false, _) => Err(ReceiptError::Malformed),
        }
    }
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receipt")
            .field("origin", &self.origin)
            .field("index", &self.index)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for VerifiedReceipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedReceipt")
            .field("origin", &self.origin)
            .field("index", &self.index)
            .finish_non_exhaustive()
    }
}

fn decode_hash(text: &str) -> Result<TreeHash, ReceiptError> {
    let bytes = if text.len() == 44 {
        STANDARD.decode(text).ok()
    } else {
        None
    };
    bytes.and_then(|b| b.try_into().ok()).ok_or(ReceiptError::Malformed)
}

fn decode_entry(text: &str) -> Result<Vec<u8>, ReceiptError> {
    match STANDARD.decode(text) {
        Ok(entry) if (1..=ENTRY_BYTES_MAX).contains(&entry.len()) => Ok(entry),
        _ => Err(ReceiptError::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::super::note::NoteSigner;
    use super::super::tree::naive;
    use super::*;

    fn receipt(count: u8, index: usize) -> (Receipt, String) {
        let leaves: Vec<TreeHash> = (0..count).map(|i| leaf_hash(&[i, 7])).collect();
        let signer = NoteSigner::from_seed("hub.test", &[4; 32]).unwrap();
        let head = TreeHead {
            size: u64::from(count),
            root: naive::root(&leaves),
        };
        let checkpoint = signer.checkpoint(&head).unwrap();
        let entry = vec![u8::try_from(index).unwrap(), 7];
        let (leaf, proof) = (leaves[index], naive::path(&leaves, index));
        let receipt = Receipt {
            origin: "hub.test".into(),
            index: index as u64,
            leaf,
            entry: Some(entry),
            proof,
            checkpoint,
        };
        (receipt, signer.verifier().encode())
    }

    #[test]
    fn both_forms_prove_offline_and_read_back_equal() {
        let (receipt, vkey) = receipt(11, 6);
        for form in [receipt.to_text(), receipt.to_json().to_string()] {
            assert_eq!(Receipt::parse(form.as_bytes()), Ok(receipt.clone()));
            let proven = verify(form.as_bytes(), &vkey).unwrap();
            assert_eq!(
                (proven.index, proven.head.size, proven.entry),
                (6, 11, receipt.entry.clone())
            );
        }
    }

    #[test]
    fn no_bit_of_a_text_receipt_may_change() {
        let (receipt, vkey) = receipt(11, 6);
        let text = receipt.to_text().into_bytes();
        for bit in 0..text.len() * 8 {
            let mut flipped = text.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(verify(&flipped, &vkey).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn what_is_missing_doubled_unknown_or_too_long_is_refused() {
        let (mut receipt, vkey) = receipt(5, 2);
        let json = receipt.to_json().to_string();
        let doubled = json.replacen('{', "{\"index\":2,", 1);
        let unknown = json.replacen('{', "{\"more\":2,", 1);
        for bad in [
            doubled,
            unknown,
            json.strip_suffix("}").unwrap().to_owned(),
            String::new(),
            "{}".into(),
        ] {
            assert_eq!(verify(bad.as_bytes(), &vkey), Err(ReceiptError::Malformed));
        }
        assert_eq!(
            verify(&vec![b' '; RECEIPT_BYTES_MAX + 1], &vkey),
            Err(ReceiptError::TooLong)
        );
        let other = NoteSigner::from_seed("hub.test", &[5; 32]).unwrap().verifier().encode();
        assert_eq!(
            verify(json.as_bytes(), &other),
            Err(ReceiptError::Note(NoteError::Signature))
        );
        receipt.entry = None;
        assert_eq!(
            verify(receipt.to_json().to_string().as_bytes(), &vkey),
            Err(ReceiptError::NoEntry)
        );
        assert_eq!(verify(receipt.to_text().as_bytes(), &vkey), Err(ReceiptError::NoEntry));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(bytes: Vec<u8>, at in 0usize..600, with: u8) {
            let _ = Receipt::parse(&bytes);
            let (receipt, vkey) = receipt(9, 3);
            for form in [receipt.to_text(), receipt.to_json().to_string()] {
                let mut bytes = form.into_bytes();
                let at = at % bytes.len();
                bytes[at] = with;
                let _ = verify(&bytes, &vkey);
                let _ = verify(&bytes[..at], &vkey);
            }
        }
    }
}
