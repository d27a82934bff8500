//! Texts for people, in Chinese and English: the data files `config/texts/{zh,en}/*.toml`, compiled in and parsed at first use.
//! A key is a file's name and the path inside it, such as `cli.bad_url`. A capability may have its texts in a file of its own, below
//! `capabilities/`, with the whole key as path. Code writes each key out in full, as a literal or as
//! the pattern of a `format!`: a test compares all of them with the files.

use std::{collections::HashMap, sync::LazyLock};

pub use locale::Locale;

mod locale;

/// The texts of one file by the path inside it: Chinese, English.
type TextTable = HashMap<String, (String, String)>;

/// The Chinese and the English version of a file, with its name.
type Versions = (&'static str, &'static str, &'static str);

macro_rules! versions {
    ($folder:literal $($name:literal)*) => {
        &[$((
            $name,
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/texts/zh/", $folder, $name, ".toml")),
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/texts/en/", $folder, $name, ".toml")),
        ),)*]
    };
}

macro_rules! files {
    ([$($name:literal)*] [$($capability:literal)*]) => {
        /// Every file by subject.
        const FILES: &[Versions] = versions!("" $($name)*);
        /// Every file by capability: its top tables are named by the files that they belong to.
        const CAPABILITIES: &[Versions] = versions!("capabilities/" $($capability)*);
        static TABLES: [LazyLock<TextTable>; FILES.len()] = [$(LazyLock::new(|| table($name)),)*];
    };
}

// The lists are the folders' (`build.rs`).
include!(concat!(env!("OUT_DIR"), "/files.rs"));

/// The texts of a file, with what the files by capability add to it.
fn table(name: &str) -> TextTable {
    let mut table = TextTable::new();
    let own = FILES.iter().filter(|(known, ..)| *known == name);
    for (_, zh, en) in own {
        add(&mut table, flat(zh), flat(en));
    }
    let of_this = |file| {
        let texts = flat(file).into_iter();
        let own = texts.filter_map(|(key, text)| Some((key.strip_prefix(name)?.strip_prefix('.')?.to_owned(), text)));
        own.collect::<Vec<_>>()
    };
    for (_, zh, en) in CAPABILITIES {
        add(&mut table, of_this(zh), of_this(en));
    }
    table
}

fn add(table: &mut TextTable, zh: Vec<(String, String)>, en: Vec<(String, String)>) {
    let english: HashMap<String, String> = en.into_iter().collect();
    for (key, zh) in zh {
        let en = english.get(&key).cloned().unwrap_or_default();
        table.insert(key, (zh, en));
    }
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
