//! Digests of files: hexadecimal, in any case, with an optional name of the algorithm in front.
//! Only `sha256` may be left out; another algorithm's name stays, so that an SM3 digest never equals a SHA-256 one.

use std::borrow::Cow;

use crate::domain::byte_set::ByteSet;
use crate::domain::fold::{self, Case, Spaces};

const LENGTH: usize = 64;
const HEXADECIMAL: ByteSet = ByteSet::EMPTY.with(b'0', b'9').with(b'a', b'f');

/// Lower case without spaces and without a `sha256:` in front.
pub fn fold(raw: &str) -> Cow<'_, str> {
    if raw.len() == LENGTH && HEXADECIMAL.holds(raw) {
        return Cow::Borrowed(raw);
    }
    let text = fold::text(raw, Spaces::Drop, Case::Lower);
    for name in ["sha256", "sha-256", "sha_256"] {
        let bare = text
            .strip_prefix(name)
            .and_then(|rest| rest.strip_prefix([':', '=', '-']));
        if let Some(bare) = bare {
            return Cow::Owned(bare.to_owned());
        }
    }
    text
}
