//! Where in a request something is wrong, and why, in both languages.
//! A pointer holds member names only; neither pointer nor text ever holds the value that was sent.

use std::borrow::Cow;
use std::fmt;

use heyan_domain::fault::LengthLimit;
use heyan_texts::{BilingualText, Locale, text};

/// JSON Pointer (RFC 6901) in its URI fragment form (§6), such as `#/claims/name` or `#/items/3/subject`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ProblemPointer(String);

/// Longest member name that a pointer repeats, in bytes; a longer one can only be hostile, so its parent is named.
const KEY_BYTES_MAX: usize = 128;
/// Longest pointer, in bytes after escaping.
const POINTER_BYTES_MAX: usize = 512;

impl ProblemPointer {
    /// `#`, the whole document.
    pub fn root() -> Self {
        Self("#".to_owned())
    }

    /// Pointer along member names from the root.
    pub fn of<'a>(keys: impl IntoIterator<Item = &'a str>) -> Self {
        keys.into_iter().fold(Self::root(), |pointer, key| pointer.key(key))
    }

    /// The member `key` of what this points to. Escapes `~` and `/`, then percent-encodes what a fragment may not hold.
    #[must_use]
    pub fn key(mut self, key: &str) -> Self {
        if key.len() > KEY_BYTES_MAX || self.0.len() + 1 + 3 * key.len() > POINTER_BYTES_MAX {
            return self;
        }
        self.0.push('/');
        for byte in key.bytes() {
            match byte {
                b'~' => self.0.push_str("~0"),
                b'/' => self.0.push_str("~1"),
                byte if is_fragment_byte(byte) => self.0.push(char::from(byte)),
                byte => self.0.push_str(&format!("%{byte:02X}")),
            }
        }
        self
    }

    /// Element `index` (from 0) of the array that this points to.
    #[must_use]
    pub fn index(mut self, index: usize) -> Self {
        self.0.push('/');
        self.0.push_str(&index.to_string());
        self
    }

    /// The fragment, `#` included.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProblemPointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ProblemPointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Characters of a URI fragment that need no percent-encoding (RFC 3986 §3.5), `~` and `/` apart.
fn is_fragment_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._!$&'()*+,;=:@?".contains(&byte)
}

/// Type that a member should have had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JsonType {
    /// `"…"`
    String,
    /// A number without fraction.
    Integer,
    /// Any number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// `{…}`
    Object,
    /// `[…]`
    Array,
    /// A string, or an object with `op` and `value`.
    Claim,
}

impl JsonType {
    fn name(self) -> BilingualText {
        text(match self {
            Self::String => "problems.json_type.string",
            Self::Integer => "problems.json_type.integer",
            Self::Number => "problems.json_type.number",
            Self::Boolean => "problems.json_type.boolean",
            Self::Object => "problems.json_type.object",
            Self::Array => "problems.json_type.array",
            Self::Claim => "problems.json_type.claim",
        })
    }
}

/// Which rule an identifier broke; `reason` beside `"code":"invalid_identifier"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IdentifierFault {
    /// Nothing but space.
    Empty,
    /// Wrong number of characters.
    Length,
    /// A character that this kind of identifier never has.
    Alphabet,
    /// The date inside does not exist or lies in the future.
    Date,
    /// The check character does not fit the rest (GB 11643, GB 32100, GB/T 36904).
    CheckCharacter,
    /// The sequence part cannot be (such as all zeros).
    OrderCode,
    /// The prefix names no form that the hub knows.
    Form,
}

impl IdentifierFault {
    /// Every fault, in the order of the page.
    pub const ALL: [Self; 7] = [
        Self::Empty,
        Self::Length,
        Self::Alphabet,
        Self::Date,
        Self::CheckCharacter,
        Self::OrderCode,
        Self::Form,
    ];

    /// Value of `reason`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Length => "length",
            Self::Alphabet => "alphabet",
            Self::Date => "date",
            Self::CheckCharacter => "check_character",
            Self::OrderCode => "order_code",
            Self::Form => "form",
        }
    }

    /// One sentence for the person who typed it.
    pub fn text(self) -> BilingualText {
        text(&format!("problems.identifier.{}", self.as_str()))
    }
}

/// Why one place of a request is refused. Variants carry what the text needs, never the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FieldCode {
    /// A required member is not there; the pointer names it.
    MissingMember,
    /// The contract knows no such member.
    UnknownMember,
    /// The member occurs twice in its object.
    DuplicateMember,
    /// Another JSON type was expected.
    InvalidType(JsonType),
    /// The identifier cannot be one.
    InvalidIdentifier(IdentifierFault),
    /// The dataset has no such field.
    UnknownField,
    /// The catalogue has no such dataset.
    UnknownDataset,
    /// The claim cannot be compared.
    InvalidClaim,
    /// Unknown `op`, no `value`, or an operator that this field does not take.
    InvalidPredicate,
    /// Not one of the listed values, out of range, or malformed.
    InvalidValue,
    /// Not a date or time that exists.
    InvalidDate,
    /// A number that cannot be exact.
    UnsafeNumber,
    /// Nothing but space where something must stand.
    Empty,
    /// A value is longer, or a list has more items, than allowed.
    Over(LengthLimit),
}

impl FieldCode {
    /// One of each; numbers and kinds inside stand for any.
    pub const ALL: [Self; 15] = [
        Self::MissingMember,
        Self::UnknownMember,
        Self::DuplicateMember,
        Self::InvalidType(JsonType::String),
        Self::InvalidIdentifier(IdentifierFault::CheckCharacter),
        Self::UnknownField,
        Self::UnknownDataset,
        Self::InvalidClaim,
        Self::InvalidPredicate,
        Self::InvalidValue,
        Self::InvalidDate,
        Self::UnsafeNumber,
        Self::Empty,
        Self::Over(LengthLimit::Characters(64)),
        Self::Over(LengthLimit::Items(1000)),
    ];

    /// Value of `code` in the `errors` list.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MissingMember => "missing_member",
            Self::UnknownMember => "unknown_member",
            Self::DuplicateMember => "duplicate_member",
            Self::InvalidType(_) => "invalid_type",
            Self::InvalidIdentifier(_) => "invalid_identifier",
            Self::UnknownField => "unknown_field",
            Self::UnknownDataset => "unknown_dataset",
            Self::InvalidClaim => "invalid_claim",
            Self::InvalidPredicate => "invalid_predicate",
            Self::InvalidValue => "invalid_value",
            Self::InvalidDate => "invalid_date",
            Self::UnsafeNumber => "unsafe_number",
            Self::Empty => "empty",
            Self::Over(LengthLimit::Characters(_) | LengthLimit::Bytes(_)) => "value_too_long",
            Self::Over(LengthLimit::Items(_)) => "too_many_items",
        }
    }

    /// Value of `reason`, where the code alone does not say enough.
    pub const fn reason(self) -> Option<&'static str> {
        match self {
            Self::InvalidIdentifier(fault) => Some(fault.as_str()),
            _ => None,
        }
    }

    /// One sentence.
    pub fn detail(self, locale: Locale) -> Cow<'static, str> {
        match self {
            Self::InvalidType(expected) => text("problems.field_with.invalid_type")
                .fill(locale, &[expected.name().get(locale)])
                .into(),
            Self::Over(limit) => {
                let (key, max) = match limit {
                    LengthLimit::Characters(max) => ("problems.field_with.too_many_characters", max),
                    LengthLimit::Bytes(max) => ("problems.field_with.too_many_bytes", max),
                    LengthLimit::Items(max) => ("problems.field_with.too_many_items", max),
                };
                text(key).fill(locale, &[&max.to_string()]).into()
            }
            Self::InvalidIdentifier(fault) => fault.text().get(locale).into(),
            code => code.general_text().get(locale).into(),
        }
    }

    /// The sentence without the numbers and types of one occurrence.
    pub(super) fn general_text(self) -> BilingualText {
        text(&format!("problems.field.{}", self.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn pointers_are_fragments_of_rfc_6901() {
        let cases: [(&[&str], &str); 10] = [
            (&[], "#"),
            (&["claims", "name"], "#/claims/name"),
            (&[""], "#/"),
            (&["a/b"], "#/a~1b"),
            (&["m~n"], "#/m~0n"),
            (&["c%d"], "#/c%25d"),
            (&["e^f"], "#/e%5Ef"),
            (&["k\"l"], "#/k%22l"),
            (&[" "], "#/%20"),
            (&["姓名"], "#/%E5%A7%93%E5%90%8D"),
        ];
        for (keys, expected) in cases {
            assert_eq!(ProblemPointer::of(keys.iter().copied()).as_str(), expected);
        }
        assert_eq!(
            ProblemPointer::of(["items"]).index(3).key("ref").as_str(),
            "#/items/3/ref"
        );
    }

    #[test]
    fn an_oversized_member_name_is_pointed_at_through_its_parent() {
        let long = "x".repeat(KEY_BYTES_MAX + 1);
        assert_eq!(ProblemPointer::of(["claims", &long]).as_str(), "#/claims");
        let wide = "好".repeat(42);
        let deep = (0..100).fold(ProblemPointer::root(), |pointer, _| pointer.key(&wide));
        assert!(deep.as_str().len() <= POINTER_BYTES_MAX);
    }

    #[test]
    fn field_codes_and_reasons_are_unique_and_speak_both_languages() {
        let mut seen = HashSet::new();
        for code in FieldCode::ALL {
            assert!(seen.insert(code.as_str()));
            for locale in Locale::ALL {
                assert!(!code.detail(locale).is_empty());
            }
            assert_ne!(code.detail(Locale::En), code.detail(Locale::ZhCn));
        }
        let mut reasons = HashSet::new();
        for fault in IdentifierFault::ALL {
            assert!(reasons.insert(fault.as_str()));
            assert!(fault.text().zh.ends_with('。') && fault.text().en.ends_with('.'));
        }
    }

    #[test]
    fn details_say_the_limit_and_the_expected_type() {
        let too_long = FieldCode::Over(LengthLimit::Characters(200));
        assert_eq!(too_long.detail(Locale::En), "Longer than 200 characters.");
        assert_eq!(too_long.detail(Locale::ZhCn), "超过 200 个字符。");
        let too_long = FieldCode::Over(LengthLimit::Bytes(128));
        assert_eq!(too_long.detail(Locale::En), "Longer than 128 bytes of UTF-8.");
        assert_eq!(
            too_long.detail(Locale::ZhCn),
            "超过 128 字节（UTF-8，一个汉字为 3 字节）。"
        );
        let wrong = FieldCode::InvalidType(JsonType::Object);
        assert_eq!(wrong.detail(Locale::En), "Wrong type: expected an object.");
    }
}
