//! A text for people in both languages. Programs never decide by one.

/// A text in both languages.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

impl Label {
    /// Of a Chinese text and its translation, if there is one.
    pub fn of(zh: &str, en: Option<&str>) -> Self {
        Self {
            zh: zh.to_owned(),
            en: en.unwrap_or(zh).to_owned(),
        }
    }
}
