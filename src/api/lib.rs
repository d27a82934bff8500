//! The wire types of the REST API, one each: what a handler answers with, what it parses where no borrowed parser of the
//! hot path does, what the command line reads, and what the description is made of.
//!
//! A comment on a public item is the text that callers read, English first and Chinese behind `‖`. A member that may be
//! missing is an `Option` that is left out; a member that may be `null` is one with `required = true`.

pub use self::{
    access::*, administration::*, case::*, catalogue::*, health::*, item::*, ledger::*, licence::*, problem::*,
    quality::*, supervision::*, trace::*, turn::*, verification::*, watch::*,
};

/// Words of lists that may grow. A reader takes any; which there are today, the description lists from the code that says them.
macro_rules! words {
    ($($(#[$text:meta])* $name:ident;)*) => {$(
        $(#[$text])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
        #[serde(transparent)]
        #[schema(value_type = String)]
        pub struct $name(pub std::borrow::Cow<'static, str>);

        impl From<&'static str> for $name {
            fn from(word: &'static str) -> Self {
                Self(word.into())
            }
        }

        impl From<String> for $name {
            fn from(word: String) -> Self {
                Self(word.into())
            }
        }

        impl From<$name> for String {
            fn from(word: $name) -> Self {
                word.0.into_owned()
            }
        }

        impl std::ops::Deref for $name {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }
    )*};
}

/// Objects whose member names are data, in the order of the wire.
macro_rules! maps {
    ($($(#[$text:meta])* $name:ident: $value:ty;)*) => {$(
        $(#[$text])*
        #[derive(Debug, Default, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
        #[serde(transparent)]
        #[schema(value_type = Object)]
        pub struct $name(pub indexmap::IndexMap<String, $value>);

        impl $name {
            /// Whether it has no member.
            pub fn is_empty(&self) -> bool {
                self.0.is_empty()
            }
        }

        impl<K: Into<String>, V: Into<$value>> FromIterator<(K, V)> for $name {
            fn from_iter<T: IntoIterator<Item = (K, V)>>(members: T) -> Self {
                Self(members.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
            }
        }
    )*};
}

mod access;
mod administration;
mod case;
mod catalogue;
mod health;
mod item;
mod ledger;
mod licence;
mod problem;
mod quality;
mod supervision;
mod trace;
mod turn;
mod verification;
mod watch;
