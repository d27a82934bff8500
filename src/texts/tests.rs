//! The files held against each other and against the code that asks for their texts.

use std::{collections::BTreeSet, fs, path::PathBuf};

use super::*;

fn places(text: &str) -> BTreeSet<&str> {
    text.split('{')
        .filter_map(|after| after.split_once('}'))
        .map(|(place, _)| place)
        .filter(|place| place.bytes().all(|byte| byte.is_ascii_digit()))
        .collect()
}

fn is_han(c: char) -> bool {
    ('\u{4e00}'..='\u{9fff}').contains(&c)
}

/// Every file: where it is below the folder of a language, and its versions.
fn all() -> impl Iterator<Item = (String, &'static str, &'static str)> {
    let own = FILES.iter().map(|(name, zh, en)| (format!("{name}.toml"), *zh, *en));
    let more = CAPABILITIES.iter();
    own.chain(more.map(|(name, zh, en)| (format!("capabilities/{name}.toml"), *zh, *en)))
}

#[test]
fn both_languages_have_the_same_files_keys_and_places() {
    for language in ["zh", "en"] {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("../../config/texts")
            .join(language);
        let mut there = BTreeSet::new();
        for below in ["", "capabilities/"] {
            for entry in fs::read_dir(folder.join(below)).into_iter().flatten() {
                let name = entry.unwrap().file_name().into_string().unwrap();
                there.extend(name.ends_with(".toml").then(|| format!("{below}{name}")));
            }
        }
        assert_eq!(there, all().map(|(place, ..)| place).collect());
    }
    for (place, zh, en) in all() {
        assert!(
            toml::from_str::<toml::Table>(zh).is_ok() && toml::from_str::<toml::Table>(en).is_ok(),
            "{place}"
        );
        let keys = |file| flat(file).into_iter().map(|(key, _)| key).collect::<BTreeSet<_>>();
        assert_eq!(keys(zh), keys(en), "{place}");
        let subject = place.strip_suffix(".toml").filter(|name| !name.contains('/'));
        for key in keys(zh) {
            let key = subject.map_or(key.clone(), |name| format!("{name}.{key}"));
            let text = text(&key);
            assert!(!text.zh.is_empty() && !text.en.is_empty(), "{place}: {key}");
            assert_eq!(places(text.zh), places(text.en), "{place}: {key}");
        }
    }
}

#[test]
fn chinese_has_full_width_punctuation_and_english_no_chinese() {
    let mut faults = Vec::new();
    for (name, zh, en) in all() {
        for (key, text) in flat(zh) {
            let characters: Vec<char> = text.chars().collect();
            let is_half = |c: char| ",;:?!()".contains(c);
            let half = characters
                .windows(2)
                .any(|pair| matches!(pair, [a, b] if is_han(*a) && is_half(*b) || is_half(*a) && is_han(*b)));
            if half {
                faults.push(format!("zh {name}.{key}: {text}"));
            }
        }
        for (key, text) in flat(en) {
            // The name of the product, and a date as a clerk types it.
            let rest = text.replace("核验", "").replace("1997年5月30日", "");
            if rest.chars().any(is_han) {
                faults.push(format!("en {name}.{key}: {text}"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The keys and patterns of keys in the code: every literal that begins with the name of a file and a dot.
fn named_in_code() -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    let mut folders = vec![PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let code = fs::read_to_string(&path).unwrap();
                let is_of_a_key = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._{}()-".contains(c);
                let literals = code.split('"').filter(|literal| {
                    literal.split_once('.').is_some_and(|(file, path)| {
                        FILES.iter().any(|(name, ..)| *name == file)
                            && !path.is_empty()
                            && path.chars().all(is_of_a_key)
                    })
                });
                named.extend(literals.map(str::to_owned));
            }
        }
    }
    named
}

/// Whether a key is what a pattern of `format!` can make: `{…}` stands for one part of it.
fn makes(pattern: &str, key: &str) -> bool {
    let (parts, of_key): (Vec<&str>, Vec<&str>) = (pattern.split('.').collect(), key.split('.').collect());
    parts.len() == of_key.len()
        && parts
            .iter()
            .zip(of_key)
            .all(|(part, of_key)| *part == of_key || part.starts_with('{'))
}

#[test]
fn every_text_is_used_and_every_key_in_the_code_has_its_text() {
    let keys: BTreeSet<String> = FILES
        .iter()
        .flat_map(|(name, ..)| keys(name).map(move |key| format!("{name}.{key}")))
        .collect();
    let named = named_in_code();
    let unused: Vec<&String> = keys
        .iter()
        .filter(|key| !named.iter().any(|pattern| makes(pattern, key)))
        .collect();
    let missing: Vec<&String> = named
        .iter()
        .filter(|pattern| !keys.iter().any(|key| makes(pattern, key)))
        .filter(|pattern| !pattern.ends_with(".toml") && !pattern.ends_with(".rs") && !pattern.ends_with(".json"))
        .collect();
    assert!(
        unused.is_empty() && missing.is_empty(),
        "unused: {unused:?}\nmissing: {missing:?}"
    );
}

#[test]
fn what_is_put_into_a_place_is_never_read_as_a_place() {
    assert_eq!(fill("{1}, {0}{2}{", &["a{1}", "{0}b"]), "{0}b, a{1}{2}{");
    let known = text("cli.cannot_read");
    assert_eq!(known.fill(Locale::En, &["f", "denied"]), "cannot read f: denied");
}
