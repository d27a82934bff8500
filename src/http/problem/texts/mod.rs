//! The long texts of the problem catalogue, one static per code, in Chinese and English.
//! They are public pages: they name commands and settings, never a register's content or a host name.

use crate::locale::Text;

pub(super) mod access;
pub(super) mod content;
pub(super) mod lookup;
pub(super) mod server;
pub(super) mod syntax;

/// What the page `/problems/{code}` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explanation {
    /// One or two sentences; also the default `detail` of a problem document.
    pub meaning: Text,
    /// What usually leads here.
    pub cause: Text,
    /// What the calling side (clerk or developer) does next.
    pub caller: Text,
    /// What the people who run the hub or administer access do.
    pub operator: Text,
}

/// Declares explanations: each text is a Chinese literal followed by an English one, so neither can be forgotten.
macro_rules! explain {
    ($($name:ident
        meaning  $mz:literal $me:literal
        cause    $cz:literal $ce:literal
        caller   $az:literal $ae:literal
        operator $oz:literal $oe:literal
    )*) => {$(
        pub(crate) static $name: crate::problem::texts::Explanation =
            crate::problem::texts::Explanation {
                meaning: crate::locale::text!($mz => $me),
                cause: crate::locale::text!($cz => $ce),
                caller: crate::locale::text!($az => $ae),
                operator: crate::locale::text!($oz => $oe),
            };
    )*};
}
pub(super) use explain;
