//! The language of the command line. Its texts are in `cli.toml`; none has a place for a value that came from a row of a file.

use clap::ValueEnum;
use heyan_texts::{Locale, text};

/// A language of the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CliLanguage {
    /// English.
    En,
    /// 简体中文.
    Zh,
}

impl CliLanguage {
    /// The language asked for, or the one of the session: the first of `LC_ALL`, `LC_MESSAGES`, `LANG` that is set.
    pub(crate) fn choose(asked: Option<Self>) -> Self {
        let session = || {
            ["LC_ALL", "LC_MESSAGES", "LANG"]
                .iter()
                .find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()))
        };
        asked.unwrap_or_else(|| session().map_or(Self::En, |locale| Self::of_locale(&locale)))
    }

    fn of_locale(locale: &str) -> Self {
        if locale.to_ascii_lowercase().starts_with("zh") {
            Self::Zh
        } else {
            Self::En
        }
    }

    /// For the hub, so that problems come in the same language (RFC 9110 §12.5.4).
    pub(crate) fn accept_language(self) -> &'static str {
        self.locale().tag()
    }

    /// The text of `key` with `parts` in its places.
    pub(crate) fn say(self, key: &str, parts: &[&str]) -> String {
        text(key).fill(self.locale(), parts)
    }

    /// The same language for the texts that all layers share.
    pub(crate) fn locale(self) -> Locale {
        match self {
            Self::En => Locale::En,
            Self::Zh => Locale::ZhCn,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locale_of_the_session_chooses() {
        assert_eq!(CliLanguage::of_locale("zh_CN.UTF-8"), CliLanguage::Zh);
        assert_eq!(CliLanguage::of_locale("C.UTF-8"), CliLanguage::En);
        assert_eq!(CliLanguage::En.say("cli.cannot_read", &["a", "b"]), "cannot read a: b");
    }
}
