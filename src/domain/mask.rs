//! Masked forms of values for display: a surname, the two ends of a number, an address down to its district.
//! Every digit and letter counts as text: a number is masked even when it came as an integer.

use super::compare::address_head;
use super::fold;

/// How many characters of a number stay at each end.
const NUMBER_ENDS: usize = 4;
/// The longest row of stars, so that a mask tells no length beyond it.
const STARS_MAX: usize = 16;

crate::words! {
    /// How a field is shown.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub enum FieldMask {
        /// The first character of a name: `王*`.
        Name = "name",
        /// The first and last four characters: `3402**********521X`.
        Number = "number",
        /// Down to the district: `安徽省芜湖市镜湖区***`.
        Address = "address",
        /// Nothing: `***`.
        Full = "full",
        /// All of it.
        None = "none",
    }
}

impl FieldMask {
    /// The masked text; never longer than the value by more than the stars.
    pub fn apply(self, value: &str) -> String {
        match self {
            Self::None => value.to_owned(),
            Self::Full => "***".to_owned(),
            Self::Name => name(value),
            Self::Number => number(value),
            Self::Address => format!("{}***", address_head(value)),
        }
    }
}

fn name(value: &str) -> String {
    let cleaned = fold::clean(value);
    let mut rest = cleaned.trim().chars();
    let Some(first) = rest.next() else {
        return "***".to_owned();
    };
    format!("{first}{}", stars(rest.count().max(1)))
}

fn number(value: &str) -> String {
    let cleaned = fold::text(value, fold::SpaceFolding::Drop, fold::CaseFolding::Upper);
    let length = cleaned.chars().count();
    if length <= 2 * NUMBER_ENDS {
        return stars(length.max(3));
    }
    let head: String = cleaned.chars().take(NUMBER_ENDS).collect();
    let tail: String = cleaned.chars().skip(length - NUMBER_ENDS).collect();
    format!("{head}{}{tail}", stars(length - 2 * NUMBER_ENDS))
}

fn stars(count: usize) -> String {
    "*".repeat(count.min(STARS_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_the_first_character() {
        assert_eq!(FieldMask::Name.apply("王明"), "王*");
        assert_eq!(FieldMask::Name.apply(" 王 "), "王*");
        assert_eq!(FieldMask::Name.apply(""), "***");
    }

    #[test]
    fn numbers_keep_their_ends_and_short_ones_nothing() {
        assert_eq!(FieldMask::Number.apply("34020719970530521x"), "3402**********521X");
        assert_eq!(FieldMask::Number.apply("12345678"), "********");
        assert_eq!(FieldMask::Number.apply("1"), "***");
    }

    #[test]
    fn addresses_end_at_the_district() {
        assert_eq!(
            FieldMask::Address.apply("安徽省芜湖市镜湖区北京中路2号"),
            "安徽省芜湖市镜湖区***"
        );
        assert_eq!(FieldMask::Address.apply("北京中路2号"), "***");
    }

    #[test]
    fn full_tells_nothing_and_names_of_masks_are_one_to_one() {
        assert_eq!(FieldMask::Full.apply("anything"), "***");
        assert_eq!(FieldMask::None.apply("anything"), "anything");
        for mask in FieldMask::ALL {
            assert_eq!(FieldMask::parse(mask.as_str()), Some(mask));
        }
    }
}
