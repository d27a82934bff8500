//! A text for people in both languages. Programs never decide by one.

use heyan_texts::{Locale, text};

/// A text in both languages.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BilingualLabel {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

impl BilingualLabel {
    /// The text in one language.
    pub fn get(&self, locale: Locale) -> &str {
        match locale {
            Locale::ZhCn => &self.zh,
            Locale::En => &self.en,
        }
    }

    /// The text of `key` with `parts` in its places, each in its language.
    pub fn told(key: &str, parts: &[&Self]) -> Self {
        let in_one = |locale| {
            let parts: Vec<&str> = parts.iter().map(|part| part.get(locale)).collect();
            text(key).fill(locale, &parts)
        };
        Self {
            zh: in_one(Locale::ZhCn),
            en: in_one(Locale::En),
        }
    }

    /// Of a Chinese text and its translation, if there is one.
    pub fn of(zh: &str, en: Option<&str>) -> Self {
        Self {
            zh: zh.to_owned(),
            en: en.unwrap_or(zh).to_owned(),
        }
    }
}
