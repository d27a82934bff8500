//! Seals small personal texts (the purpose of a request) into ledger entries, which are for ever.
//! A nonce must never come twice under one key: the first nonce of a process is random over all 96 bits and its low 64 count
//! up, so two processes would have to draw the same 32 bits and neighbouring counters; no state on disk is needed.
//! Layout: key id (1 byte) ‖ nonce (12) ‖ ciphertext ‖ tag (16).

use std::sync::atomic::{AtomicU64, Ordering};

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};

/// Bytes that sealing adds.
pub(crate) const OVERHEAD_BYTES: usize = 1 + NONCE_LEN + 16;

/// Why nothing was sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The system's random source failed.
    #[error("no random bytes for a nonce")]
    NoRandom,
    /// The library refused the key or the length.
    #[error("cannot seal")]
    Refused,
    /// Two keys with the same id.
    #[error("two sealing keys have the same id")]
    DuplicateKeyId,
    /// Sealed with a key that is not here.
    #[error("sealed with an unknown key")]
    UnknownKey,
    /// Changed, cut, or sealed for another place.
    #[error("the sealed bytes do not open")]
    Broken,
}

/// Seals with one key, opens with that one and older ones.
pub struct PurposeSealer {
    id: u8,
    key: LessSafeKey,
    older: Vec<(u8, LessSafeKey)>,
    prefix: u32,
    counter: AtomicU64,
}

impl PurposeSealer {
    /// `id` names the key in what it seals; `older` keys open only. AES-256-GCM.
    pub fn new(id: u8, key: &[u8; 32], older: &[(u8, [u8; 32])]) -> Result<Self, SealError> {
        let mut start = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut start).map_err(|_| SealError::NoRandom)?;
        let [a, b, c, d, counter @ ..] = start;
        let mut sealer = Self {
            id,
            key: aead_key(key)?,
            older: Vec::with_capacity(older.len()),
            prefix: u32::from_be_bytes([a, b, c, d]),
            counter: AtomicU64::new(u64::from_be_bytes(counter)),
        };
        for (id, key) in older {
            if sealer.key_of(*id).is_some() {
                return Err(SealError::DuplicateKeyId);
            }
            sealer.older.push((*id, aead_key(key)?));
        }
        Ok(sealer)
    }

    /// Appends the sealed form of `plain`, `OVERHEAD_BYTES` longer, to `out`. `aad` names the place it belongs to and must
    /// be given again to open it. On an error `out` is as it was.
    pub fn seal(&self, plain: &[u8], aad: &[u8], out: &mut Vec<u8>) -> Result<(), SealError> {
        // Relaxed is enough: only that no two calls get the same number matters.
        let count = self.counter.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let mut nonce = [0; NONCE_LEN];
        let (high, low) = nonce.split_at_mut(4);
        high.copy_from_slice(&self.prefix.to_be_bytes());
        low.copy_from_slice(&count);
        let before = out.len();
        out.reserve(plain.len() + OVERHEAD_BYTES);
        out.push(self.id);
        out.extend_from_slice(&nonce);
        let text = out.len();
        out.extend_from_slice(plain);
        let sealed = out.get_mut(text..).unwrap_or_default();
        let nonce = Nonce::assume_unique_for_key(nonce);
        match self.key.seal_in_place_separate_tag(nonce, Aad::from(aad), sealed) {
            Ok(tag) => {
                out.extend_from_slice(tag.as_ref());
                Ok(())
            }
            Err(_) => {
                out.truncate(before);
                Err(SealError::Refused)
            }
        }
    }

    /// Appends the plain form of `sealed` to `out`. On an error `out` is as it was.
    pub fn open(&self, sealed: &[u8], aad: &[u8], out: &mut Vec<u8>) -> Result<(), SealError> {
        let (id, rest) = sealed.split_first().ok_or(SealError::Broken)?;
        let (nonce, text) = rest.split_first_chunk::<NONCE_LEN>().ok_or(SealError::Broken)?;
        let key = self.key_of(*id).ok_or(SealError::UnknownKey)?;
        let before = out.len();
        out.extend_from_slice(text);
        let opened = key
            .open_in_place(
                Nonce::assume_unique_for_key(*nonce),
                Aad::from(aad),
                out.get_mut(before..).unwrap_or_default(),
            )
            .map(|plain| plain.len());
        match opened {
            Ok(length) => {
                out.truncate(before + length);
                Ok(())
            }
            Err(_) => {
                out.truncate(before);
                Err(SealError::Broken)
            }
        }
    }

    fn key_of(&self, id: u8) -> Option<&LessSafeKey> {
        if id == self.id {
            return Some(&self.key);
        }
        self.older.iter().find(|(own, _)| *own == id).map(|(_, key)| key)
    }
}

fn aead_key(key: &[u8; 32]) -> Result<LessSafeKey, SealError> {
    UnboundKey::new(&AES_256_GCM, key)
        .map(LessSafeKey::new)
        .map_err(|_| SealError::Refused)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    fn sealer() -> PurposeSealer {
        PurposeSealer::new(1, &[1; 32], &[]).ok().unwrap()
    }

    fn seal(sealer: &PurposeSealer, plain: &[u8], aad: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        sealer.seal(plain, aad, &mut out).unwrap();
        out
    }

    #[test]
    fn what_was_sealed_opens_behind_what_stood_there() {
        let sealer = sealer();
        let mut sealed = b"front".to_vec();
        sealer.seal(b"plain", b"place", &mut sealed).unwrap();
        assert_eq!(sealed.len(), 5 + 5 + OVERHEAD_BYTES);
        let mut opened = b"before ".to_vec();
        sealer.open(&sealed[5..], b"place", &mut opened).unwrap();
        assert_eq!(opened, b"before plain");
    }

    #[test]
    fn a_changed_byte_a_cut_or_another_place_does_not_open() {
        let sealer = sealer();
        let sealed = seal(&sealer, b"plain text", b"place");
        let mut out = b"kept".to_vec();
        for at in 0..sealed.len() {
            for bit in 0..8 {
                let mut changed = sealed.clone();
                changed[at] ^= 1 << bit;
                assert!(sealer.open(&changed, b"place", &mut out).is_err());
            }
            assert!(sealer.open(&sealed[..at], b"place", &mut out).is_err());
        }
        assert_eq!(sealer.open(&sealed, b"other", &mut out), Err(SealError::Broken));
        assert_eq!(out, b"kept");
    }

    #[test]
    fn older_keys_open_and_unknown_ones_do_not() {
        let old = seal(&sealer(), b"x", b"");
        let both = PurposeSealer::new(2, &[2; 32], &[(1, [1; 32])]).ok().unwrap();
        let mut out = Vec::new();
        assert_eq!(both.open(&old, b"", &mut out), Ok(()));
        assert_eq!(seal(&both, b"x", b"")[0], 2);
        let new = PurposeSealer::new(2, &[2; 32], &[]).ok().unwrap();
        assert_eq!(new.open(&old, b"", &mut out), Err(SealError::UnknownKey));
        let wrong = PurposeSealer::new(1, &[9; 32], &[]).ok().unwrap();
        assert_eq!(wrong.open(&old, b"", &mut out), Err(SealError::Broken));
        for older in [vec![(2, [1; 32])], vec![(1, [1; 32]), (1, [3; 32])]] {
            let twice = PurposeSealer::new(2, &[2; 32], &older);
            assert_eq!(twice.err(), Some(SealError::DuplicateKeyId));
        }
    }

    #[test]
    fn no_nonce_comes_twice_in_a_process_or_over_the_counter_edge() {
        let mut sealer = sealer();
        sealer.counter = AtomicU64::new(u64::MAX - 500);
        let nonces = |_| {
            let seals = || {
                (0..500)
                    .map(|_| seal(&sealer, b"", b"")[1..13].to_vec())
                    .collect::<Vec<_>>()
            };
            std::thread::scope(|scope| {
                let threads: Vec<_> = (0..4).map(|_| scope.spawn(seals)).collect();
                threads.into_iter().flat_map(|t| t.join().unwrap()).collect::<Vec<_>>()
            })
        };
        let all = nonces(());
        let distinct: HashSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), 2_000);
        let other = PurposeSealer::new(1, &[1; 32], &[]).ok().unwrap();
        assert!(!distinct.contains(&seal(&other, b"", b"")[1..13].to_vec()));
    }

    proptest! {
        #[test]
        fn no_bytes_make_open_panic(bytes in proptest::collection::vec(any::<u8>(), 0..120), tail in proptest::collection::vec(any::<u8>(), 0..60)) {
            let sealer = sealer();
            prop_assert!(sealer.open(&bytes, b"", &mut Vec::new()).is_err());
            let own = [vec![1], tail].concat();
            prop_assert!(sealer.open(&own, b"", &mut Vec::new()).is_err());
        }

        #[test]
        fn sealing_and_opening_is_the_identity(plain in proptest::collection::vec(any::<u8>(), 0..200), aad in proptest::collection::vec(any::<u8>(), 0..50)) {
            let sealer = sealer();
            let mut opened = Vec::new();
            sealer.open(&seal(&sealer, &plain, &aad), &aad, &mut opened).unwrap();
            prop_assert_eq!(opened, plain);
        }
    }
}
