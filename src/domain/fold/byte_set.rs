//! A quick look at text: whether every byte of it is of a set, before any character is decoded.
//! A continuation byte never stands without its lead byte, so a set that holds all of them and some lead bytes holds just
//! the characters of these lead bytes.

/// A set of bytes.
pub struct ByteSet([bool; 256]);

impl ByteSet {
    /// No byte.
    pub(crate) const EMPTY: Self = Self([false; 256]);
    /// The bytes of U+4000 to U+9FFF: nearly every Han character in use. Nothing folds any of these, and none has a case.
    pub(crate) const HAN: Self = Self::EMPTY.with(0x80, 0xBF).with(0xE4, 0xE9);

    /// The set with the bytes `from..=to` too.
    #[expect(clippy::indexing_slicing, reason = "evaluated by the compiler; a u8 is below 256")]
    pub const fn with(mut self, from: u8, to: u8) -> Self {
        let mut at = from as usize;
        while at <= to as usize {
            self.0[at] = true;
            at += 1;
        }
        self
    }

    /// The set without a byte.
    #[expect(clippy::indexing_slicing, reason = "evaluated by the compiler; a u8 is below 256")]
    pub const fn without(mut self, byte: u8) -> Self {
        self.0[byte as usize] = false;
        self
    }

    /// Whether every byte of `text` is of the set.
    pub fn holds(&self, text: &str) -> bool {
        text.bytes().all(|byte| self.has(byte))
    }

    /// The characters at the head of `text` that are of the set, and the rest.
    pub fn split<'a>(&self, text: &'a str) -> (&'a str, &'a str) {
        let end = text.bytes().position(|byte| !self.has(byte));
        text.split_at(end.unwrap_or(text.len()))
    }

    fn has(&self, byte: u8) -> bool {
        self.0.get(usize::from(byte)).is_some_and(|held| *held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_set_of_han_holds_whole_characters() {
        for c in '\u{0}'..='\u{2FFFF}' {
            let held = ByteSet::HAN.holds(c.encode_utf8(&mut [0; 4]));
            assert_eq!(held, ('\u{4000}'..='\u{9FFF}').contains(&c), "{c:?}");
        }
    }

    #[test]
    fn a_set_holds_what_was_added() {
        let set = ByteSet::HAN.with(b'0', b'9');
        assert!(set.holds("") && set.holds("中山路120号"));
        assert!(!set.holds("中山路 120号") && !set.holds("（1）"));
        assert_eq!(set.split("中山路（1）"), ("中山路", "（1）"));
        assert_eq!(ByteSet::EMPTY.with(b'0', b'9').split("1中"), ("1", "中"));
    }
}
