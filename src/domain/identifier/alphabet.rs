//! The characters of a check system with their values, as a table by byte.

/// An alphabet of ASCII characters; each is worth its place.
pub(super) struct Alphabet {
    characters: &'static [u8],
    values: [u8; 256],
}

/// What the table holds for a byte that is not of the alphabet.
const NONE: u8 = u8::MAX;

impl Alphabet {
    #[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
    pub(super) const fn new(characters: &'static str) -> Self {
        let characters = characters.as_bytes();
        let mut values = [NONE; 256];
        let mut at = 0;
        while at < characters.len() {
            values[characters[at] as usize] = at as u8;
            at += 1;
        }
        Self { characters, values }
    }

    /// What a character is worth; `None` if it is not of the alphabet.
    pub(super) fn value(&self, byte: u8) -> Option<u32> {
        let value = *self.values.get(usize::from(byte))?;
        (value != NONE).then_some(u32::from(value))
    }

    /// The character that is worth so much.
    pub(super) fn character(&self, value: u32) -> Option<char> {
        self.characters.get(value as usize).map(|byte| char::from(*byte))
    }

    /// The values of `text` times `weights`, summed; `None` if one is not of the alphabet or there are too few or too many.
    pub(super) fn weigh<const LENGTH: usize>(&self, text: &[u8], weights: [u32; LENGTH]) -> Option<u32> {
        let text: &[u8; LENGTH] = text.try_into().ok()?;
        let mut sum = 0;
        for (byte, weight) in text.iter().zip(weights) {
            sum += self.value(*byte)? * weight;
        }
        Some(sum)
    }
}

/// Digits and capitals.
pub(super) const BASE_36: Alphabet = Alphabet::new("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ");
/// Digits.
pub(super) const DIGITS: Alphabet = Alphabet::new("0123456789");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_is_worth_its_place_and_others_nothing() {
        for byte in 0..=u8::MAX {
            let value = BASE_36.value(byte);
            let expected = char::from(byte).to_digit(36).filter(|_| !byte.is_ascii_lowercase());
            assert_eq!(value, expected, "{byte}");
            let back = value.and_then(|value| BASE_36.character(value));
            assert_eq!(back, value.map(|_| char::from(byte)));
        }
    }

    #[test]
    fn only_text_of_the_right_length_is_weighed() {
        assert_eq!(DIGITS.weigh(b"123", [1, 10, 100]), Some(321));
        assert_eq!(DIGITS.weigh(b"12", [1, 10, 100]), None);
        assert_eq!(DIGITS.weigh(b"1A3", [1, 10, 100]), None);
    }
}
