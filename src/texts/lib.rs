//! Texts for people, in Chinese and English: the data files `config/texts/{zh,en}/*.toml`, compiled in and parsed at first use.
//! A key is a file's name and the path inside it, such as `cli.bad_url`. Code writes each key out in full, as a literal or as
//! the pattern of a `format!`: a test compares all of them with the files.

use std::{collections::HashMap, sync::LazyLock};

pub use locale::Locale;

mod locale;

/// The texts of one file by the path inside it: Chinese, English.
type TextTable = HashMap<String, (String, String)>;

macro_rules! files {
    ($($name:literal)*) => {
        /// Every file: its name, and the Chinese and the English version of it.
        const FILES: &[(&str, &str, &str)] = &[$((
            $name,
            include_str!(concat!("../../config/texts/zh/", $name, ".toml")),
            include_str!(concat!("../../config/texts/en/", $name, ".toml")),
        ),)*];
        static TABLES: [LazyLock<Table>; FILES.len()] = [$(LazyLock::new(|| table($name)),)*];
    };
}

files! { "archive_pack" "cli" "connectors" "demo" "notice" "openapi" "pages" "problems" "quality" }

fn table(name: &str) -> TextTable {
    let mut table = TextTable::new();
    for (_, zh, en) in FILES.iter().filter(|(known, ..)| *known == name) {
        let english: HashMap<String, String> = flat(en).into_iter().collect();
        for (key, zh) in flat(zh) {
            let en = english.get(&key).cloned().unwrap_or_default();
            table.insert(key, (zh, en));
        }
    }
    table
}

/// The texts of a file with their dotted paths. The tests prove that every file parses.
fn flat(file: &str) -> Vec<(String, String)> {
    fn walk(path: &str, value: toml::Value, texts: &mut Vec<(String, String)>) {
        match value {
            toml::Value::Table(members) => {
                for (name, member) in members {
                    let path = if path.is_empty() {
                        name
                    } else {
                        format!("{path}.{name}")
                    };
                    walk(&path, member, texts);
                }
            }
            toml::Value::String(text) => texts.push((path.to_owned(), text)),
            _ => {}
        }
    }
    let mut texts = Vec::new();
    walk(
        "",
        toml::Value::Table(toml::from_str(file).unwrap_or_default()),
        &mut texts,
    );
    texts
}

/// A text in both languages. It may have places `{0}`, `{1}` … for what the program knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BilingualText {
    /// Chinese.
    pub zh: &'static str,
    /// English.
    pub en: &'static str,
}

/// The text of a key. A key that no file has gives an empty text; the tests find such a key.
pub fn text(key: &str) -> BilingualText {
    let found = key.split_once('.').and_then(|(file, path)| {
        let number = FILES.iter().position(|(name, ..)| *name == file)?;
        TABLES.get(number)?.get(path)
    });
    debug_assert!(found.is_some(), "no text {key}");
    found.map_or(BilingualText { zh: "", en: "" }, |(zh, en)| BilingualText { zh, en })
}

/// The keys of a file, without its name; none for a file that is not known.
pub fn keys(file: &str) -> impl Iterator<Item = &'static str> {
    let number = FILES.iter().position(|(name, ..)| *name == file);
    let table = number.and_then(|number| TABLES.get(number));
    table.into_iter().flat_map(|table| table.keys().map(String::as_str))
}

impl BilingualText {
    /// The text in one language.
    pub const fn get(&self, locale: Locale) -> &'static str {
        match locale {
            Locale::ZhCn => self.zh,
            Locale::En => self.en,
        }
    }

    /// The text in one language, with `parts` in its places.
    pub fn fill(&self, locale: Locale, parts: &[&str]) -> String {
        fill(self.get(locale), parts)
    }
}

/// Puts `parts` in the places `{0}`, `{1}` …. What a part holds is never read as a place.
fn fill(text: &str, parts: &[&str]) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let place = after
            .split_once('}')
            .and_then(|(number, behind)| Some((parts.get(number.parse::<usize>().ok()?)?, behind)));
        if let Some((part, behind)) = place {
            filled.push_str(part);
            rest = behind;
        } else {
            filled.push('{');
            rest = after;
        }
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests;
