//! Keyed pseudonyms of subjects: the only form in which a subject is a key of a table, of the ledger or of a message.
//! It hides the identifier from who lacks the key only; with the key, the few possible numbers are soon tried.

use ring::hmac;

/// Makes pseudonyms with one key.
pub struct Pseudonymizer {
    key: hmac::Key,
}

impl Pseudonymizer {
    /// `key` is `KeyRing::pseudonym_key`.
    pub fn new(key: &[u8; 32]) -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, key),
        }
    }

    /// First 16 bytes of HMAC-SHA256 over `dataset`, a zero byte, and `canonical`: the canonical text of the identifier.
    ///
    /// A dataset name holds no zero byte, so no two pairs give the same input. The same person has unrelated pseudonyms in
    /// two datasets.
    pub fn subject(&self, dataset: &str, canonical: &[u8]) -> [u8; 16] {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(dataset.as_bytes());
        context.update(&[0]);
        context.update(canonical);
        first_16(&context.sign())
    }

    /// First 16 bytes of HMAC-SHA256 over `parts`, each behind its length: equal only for equal parts.
    pub fn hide(&self, parts: &[&[u8]]) -> [u8; 16] {
        let mut context = hmac::Context::with_key(&self.key);
        for part in parts {
            context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            context.update(part);
        }
        first_16(&context.sign())
    }
}

fn first_16(tag: &hmac::Tag) -> [u8; 16] {
    let mut out = [0; 16];
    for (to, from) in out.iter_mut().zip(tag.as_ref()) {
        *to = *from;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pseudonym_is_the_truncated_hmac_as_python_computes_it() {
        // Python: hmac.digest(bytes(range(32)), b"natural-person\0" + b"110101199003070011", "sha256")[:16].hex()
        let key: [u8; 32] = std::array::from_fn(|at| at as u8);
        let hex: String = Pseudonymizer::new(&key)
            .subject("natural-person", "110101199003070011".as_bytes())
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        assert_eq!(hex, "f1cb5e34ae0ef8013a563b3c1da9907a");
    }

    #[test]
    fn hidden_parts_are_equal_only_when_each_is() {
        let key = Pseudonymizer::new(&[1; 32]);
        assert_eq!(key.hide(&[b"a", b"bc"]), key.hide(&[b"a", b"bc"]));
        assert_ne!(key.hide(&[b"a", b"bc"]), key.hide(&[b"ab", b"c"]));
        assert_ne!(key.hide(&[b"a"]), key.hide(&[b"a", b""]));
    }

    #[test]
    fn dataset_text_and_key_all_matter() {
        let one = Pseudonymizer::new(&[1; 32]);
        let two = Pseudonymizer::new(&[2; 32]);
        assert_eq!(one.subject("a", "b".as_bytes()), one.subject("a", "b".as_bytes()));
        assert_ne!(one.subject("a", "b".as_bytes()), one.subject("ab", "".as_bytes()));
        assert_ne!(one.subject("a", "b".as_bytes()), one.subject("a", "c".as_bytes()));
        assert_ne!(one.subject("a", "b".as_bytes()), two.subject("a", "b".as_bytes()));
    }
}
