//! What a caller asks: purpose, subject and claims, borrowed from the bytes of the request.
//! Strict: a member twice, an unknown member or a value of another type is an error, never a guess. The words of
//! the errors made here are codes of the problem catalogue.

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

pub use heyan_domain::safe_integer::{SAFE_INTEGER_MAX, SafeInteger};

/// Claims and subject members in one request; more is refused.
pub const MEMBERS_MAX: usize = 64;

/// Alternatives of one `one_of`.
pub const OPERANDS_MAX: usize = 64;

/// Longest text of a claim or identifier, bytes.
pub const TEXT_BYTES_MAX: usize = 4_096;

/// `POST /v1/verifications`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerificationBody<'a> {
    /// Dataset name.
    #[serde(borrow)]
    pub dataset: BoundedText<'a>,
    /// Identifiers of the subject.
    #[serde(borrow)]
    pub subject: MemberList<'a, BoundedText<'a>>,
    /// Field → claim.
    #[serde(borrow)]
    pub claims: MemberList<'a, AskedClaim<'a>>,
    /// Why it is asked.
    #[serde(borrow, deserialize_with = "object")]
    pub purpose: AskedPurposeElements<'a>,
    /// Oldest copy that will do, seconds.
    #[serde(default)]
    pub max_age_s: Option<SafeInteger>,
}

/// One item of a batch or a line of a stream.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ItemBody<'a> {
    /// The caller's own reference, echoed.
    #[serde(borrow, rename = "ref")]
    pub reference: BoundedText<'a>,
    /// Dataset name; a stream may state it once in its first line.
    #[serde(borrow, default)]
    pub dataset: Option<BoundedText<'a>>,
    /// Identifiers of the subject.
    #[serde(borrow)]
    pub subject: MemberList<'a, BoundedText<'a>>,
    /// Field → claim.
    #[serde(borrow)]
    pub claims: MemberList<'a, AskedClaim<'a>>,
    /// Oldest copy that will do, seconds.
    #[serde(default)]
    pub max_age_s: Option<SafeInteger>,
}

/// Why it is asked: the elements that the national licence service asks of every caller.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskedPurposeElements<'a> {
    /// Service item (政务服务事项) code.
    #[serde(borrow)]
    pub item_code: BoundedText<'a>,
    /// Service item name.
    #[serde(borrow, default)]
    pub item_name: Option<BoundedText<'a>>,
    /// The applicant's matter at the agency (办件编号).
    #[serde(borrow)]
    pub application_no: BoundedText<'a>,
    /// The clerk or system that asks.
    #[serde(borrow)]
    pub operator: BoundedText<'a>,
    /// Free text.
    #[serde(borrow, default)]
    pub reason: Option<BoundedText<'a>>,
}

/// What is claimed of one field.
pub enum AskedClaim<'a> {
    /// The value itself.
    Literal(Cow<'a, str>),
    /// A condition that discloses no value.
    Predicate(PredicateBody<'a>),
}

/// `{"op":…,"value":…}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PredicateBody<'a> {
    /// `eq`, `ne`, `on_or_before` …
    #[serde(borrow)]
    pub op: BoundedText<'a>,
    /// One value, or several for `one_of`.
    #[serde(borrow)]
    pub value: PredicateOperands<'a>,
}

/// A string of bounded length, borrowed where the JSON has no escapes.
#[derive(Clone, PartialEq, Eq)]
pub struct BoundedText<'a>(pub Cow<'a, str>);

impl std::ops::Deref for BoundedText<'_> {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

/// The operands of a predicate.
pub struct PredicateOperands<'a>(pub Vec<Cow<'a, str>>);

/// An object as a list in the order of the request; a name stands at most once.
pub struct MemberList<'a, T>(pub Vec<(Cow<'a, str>, T)>);

impl<T> Default for MemberList<'_, T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> MemberList<'_, T> {
    /// The value of a member.
    pub fn get(&self, name: &str) -> Option<&T> {
        self.0.iter().find(|(member, _)| member == name).map(|(_, value)| value)
    }
}

/// A struct that is written as an object. Plain serde takes an array of its members too; two forms of one request are
/// one too many.
pub struct StrictObject<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for StrictObject<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        object(deserializer).map(Self)
    }
}

/// Reads a struct from an object alone; for `#[serde(deserialize_with)]`.
///
/// # Errors
/// Anything else than an object, or what the struct refuses.
pub fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    struct ObjectVisitor<T>(PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
        type Value = T;
        fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            out.write_str("an object")
        }
        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
            T::deserialize(serde::de::value::MapAccessDeserializer::new(map))
        }
    }
    deserializer.deserialize_map(ObjectVisitor(PhantomData))
}

impl<'de: 'a, 'a> Deserialize<'de> for BoundedText<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = BoundedText<'de>;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a string")
            }
            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<BoundedText<'de>, E> {
                bounded(Cow::Borrowed(text)).map(BoundedText)
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<BoundedText<'de>, E> {
                bounded(Cow::Owned(text.to_owned())).map(BoundedText)
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for AskedClaim<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ClaimVisitor;
        impl<'de> Visitor<'de> for ClaimVisitor {
            type Value = AskedClaim<'de>;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a string or a predicate")
            }
            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                bounded(Cow::Borrowed(text)).map(AskedClaim::Literal)
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                bounded(Cow::Owned(text.to_owned())).map(AskedClaim::Literal)
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                PredicateBody::deserialize(serde::de::value::MapAccessDeserializer::new(map)).map(AskedClaim::Predicate)
            }
        }
        deserializer.deserialize_any(ClaimVisitor)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for PredicateOperands<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OperandsVisitor;
        impl<'de> Visitor<'de> for OperandsVisitor {
            type Value = PredicateOperands<'de>;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a string or an array of strings")
            }
            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                bounded(Cow::Borrowed(text)).map(|text| PredicateOperands(vec![text]))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                bounded(Cow::Owned(text.to_owned())).map(|text| PredicateOperands(vec![text]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut operands = Vec::new();
                while let Some(BoundedText(text)) = list.next_element::<BoundedText<'de>>()? {
                    if operands.len() == OPERANDS_MAX {
                        return Err(A::Error::custom(format_args!("too_many_items {OPERANDS_MAX}")));
                    }
                    operands.push(text);
                }
                Ok(PredicateOperands(operands))
            }
        }
        deserializer.deserialize_any(OperandsVisitor)
    }
}

impl<'de: 'a, 'a, T: Deserialize<'de>> Deserialize<'de> for MemberList<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor<'a, T>(PhantomData<(&'a (), T)>);
        impl<'de: 'a, 'a, T: Deserialize<'de>> Visitor<'de> for MembersVisitor<'a, T> {
            type Value = MemberList<'a, T>;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members: Vec<(Cow<'a, str>, T)> = Vec::with_capacity(4);
                while let Some(BoundedText(name)) = map.next_key::<BoundedText<'de>>()? {
                    if members.iter().any(|(member, _)| *member == name) {
                        return Err(A::Error::custom("duplicate_member"));
                    }
                    if members.len() == MEMBERS_MAX {
                        let _value: IgnoredAny = map.next_value()?;
                        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                        return Err(A::Error::custom(format_args!("too_many_items {MEMBERS_MAX}")));
                    }
                    members.push((name, map.next_value()?));
                }
                Ok(MemberList(members))
            }
        }
        deserializer.deserialize_map(MembersVisitor(PhantomData))
    }
}

fn bounded<E: Error>(text: Cow<'_, str>) -> Result<Cow<'_, str>, E> {
    if text.len() <= TEXT_BYTES_MAX {
        Ok(text)
    } else {
        Err(E::custom(format_args!("value_too_long {TEXT_BYTES_MAX}")))
    }
}

#[cfg(test)]
mod tests {
    use crate::verification::question::*;

    fn parse(text: &str) -> Result<VerificationBody<'_>, serde_json::Error> {
        serde_json::from_str(text)
    }

    const GOOD: &str = r#"{"dataset":"natural-person","subject":{"id_number":"1"},"claims":{"name":"王","birth_date":
        {"op":"on_or_before","value":"2008-11-22"}},"max_age_s":60,
        "purpose":{"item_code":"i","application_no":"a","operator":"o"}}"#;

    #[test]
    fn literals_and_predicates_are_told_apart() {
        let body = parse(GOOD).unwrap();
        assert!(matches!(
            body.claims.get("name"),
            Some(AskedClaim::Literal(Cow::Borrowed("王")))
        ));
        assert!(matches!(body.claims.get("birth_date"), Some(AskedClaim::Predicate(p)) if &*p.op == "on_or_before"));
        assert_eq!(body.max_age_s, Some(SafeInteger(60)));
    }

    #[test]
    fn members_twice_unknown_members_and_unsafe_numbers_are_refused() {
        let purpose = r#""purpose":{"item_code":"i","application_no":"a","operator":"o"}"#;
        for (claims, extra, word) in [
            (r#"{"name":"a","name":"b"}"#, "", "duplicate_member"),
            (r#"{"name":{"op":"eq","value":"a","op":"ne"}}"#, "", "duplicate field"),
            (r#"{"name":7}"#, "", "invalid type"),
            (r#"{"name":["eq","a"]}"#, "", "invalid type"),
            (r#"{"name":{"op":"eq","value":7}}"#, "", "invalid type"),
            (r#"{"name":null}"#, "", "invalid type"),
            (r#"{"name":"a"}"#, r#","nick":1"#, "unknown field"),
            (r#"{"name":"a"}"#, r#","max_age_s":-1"#, "invalid value"),
            (r#"{"name":"a"}"#, r#","max_age_s":9007199254740993"#, "unsafe_number"),
        ] {
            let text = format!(r#"{{"dataset":"d","subject":{{"s":"1"}},"claims":{claims},{purpose}{extra}}}"#);
            let error = parse(&text).err().unwrap().to_string();
            assert!(error.contains(word), "{text} gave {error}");
        }
        let purpose_as_array = GOOD.replace(
            r#"{"item_code":"i","application_no":"a","operator":"o"}"#,
            r#"["i","n","a","o","r"]"#,
        );
        assert!(parse(&purpose_as_array).is_err());
        assert!(serde_json::from_str::<StrictObject<VerificationBody<'_>>>(r#"["d",{"s":"1"},{"n":"a"},{}]"#).is_err());
    }
}
