//! Digests of files: hexadecimal, in any case, with an optional name of the algorithm in front.
//! Only the field's own algorithm may be left out; a digest of another one is not read, so that an SM3 digest never equals a
//! SHA-256 one.

use std::borrow::Cow;

use serde_json::Value;

use super::{ComparatorError, known_options};
use crate::byte_set::ByteSet;
use crate::fold::{self, CaseFolding, SpaceFolding};

const LENGTH: usize = 64;
const HEXADECIMAL: ByteSet = ByteSet::EMPTY.with(b'0', b'9').with(b'a', b'f');

/// With which algorithm the digests of a field are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DigestAlgorithm {
    /// FIPS 180-4.
    Sha256,
    /// GB/T 32905-2016.
    Sm3,
}

impl DigestAlgorithm {
    /// `{"algorithm": "sm3"}`; SHA-256 where nothing is said.
    pub(crate) fn from_options(options: &Value) -> Result<Self, ComparatorError> {
        known_options("digest", options, &["algorithm"])?;
        match options.get("algorithm").map(Value::as_str) {
            None | Some(Some("sha256")) => Ok(Self::Sha256),
            Some(Some("sm3")) => Ok(Self::Sm3),
            Some(_) => Err(ComparatorError::BadOption {
                comparator: "digest",
                option: "algorithm".to_owned(),
                expected: "\"sha256\" or \"sm3\"",
            }),
        }
    }

    const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Sha256 => &["sha256", "sha-256", "sha_256"],
            Self::Sm3 => &["sm3"],
        }
    }

    /// The digest, folded, or nothing when the text is none of this algorithm.
    pub(crate) fn read(self, raw: &str) -> Option<Cow<'_, str>> {
        let folded = self.fold(raw);
        (folded.len() == LENGTH && HEXADECIMAL.holds(&folded)).then_some(folded)
    }

    /// Lower case without spaces and without a `sha256:` or `sm3:` in front.
    pub fn fold(self, raw: &str) -> Cow<'_, str> {
        if raw.len() == LENGTH && HEXADECIMAL.holds(raw) {
            return Cow::Borrowed(raw);
        }
        let text = fold::text(raw, SpaceFolding::Drop, CaseFolding::Lower);
        for name in self.names() {
            let bare = text
                .strip_prefix(name)
                .and_then(|rest| rest.strip_prefix([':', '=', '-']));
            if let Some(bare) = bare {
                return Cow::Owned(bare.to_owned());
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_fields_own_algorithm_may_be_left_out() {
        let hex = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0";
        let of = |options: Value| DigestAlgorithm::from_options(&options).unwrap();
        let (sha, sm3) = (of(Value::Null), of(serde_json::json!({"algorithm": "sm3"})));
        for (algorithm, raw, bare) in [
            (sm3, format!("SM3:{hex}"), true),
            (sm3, hex.to_uppercase(), true),
            (sm3, format!("sha256:{hex}"), false),
            (sha, format!("sm3:{hex}"), false),
            (sha, format!("SHA-256={hex}"), true),
        ] {
            assert_eq!(algorithm.fold(&raw) == hex, bare, "{raw}");
        }
        for wrong in [
            serde_json::json!({"algorithm": "md5"}),
            serde_json::json!({"kind": "sm3"}),
        ] {
            assert!(DigestAlgorithm::from_options(&wrong).is_err());
        }
    }
}
