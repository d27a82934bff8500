//! Names: types say whose they are, and what is public is used.

use std::collections::BTreeMap;

use super::law::hold;
use super::source::{Source, declared, idents, read, root, sources};

const FILES_PER_TYPE_NAME_MAX: usize = 3;
const ONE_WORD_PERCENT_MAX: usize = 35;

/// Public names that only tests, benches or examples use, each with the reason.
const ONLY_OUTSIDE_SRC: &[(&str, &str)] = &[
    (
        "NAMES",
        "a fuzz target tries every comparator; the API description lists them",
    ),
    ("REASONS", "the API description lists them"),
    (
        "open_at",
        "integration tests open nodes with a clock and connectors of their own",
    ),
    (
        "verify_cosignature",
        "an integration test checks countersignatures as an auditor does",
    ),
];

/// Each type name with the files that declare such a type. Aliases inside an `impl` are not counted.
pub(crate) fn type_names(sources: &[Source]) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for source in sources {
        let types = declared(&source.live, &["struct", "enum", "union", "trait", "type"]);
        let free = declared(&source.live, &["type"]).into_iter().filter(|d| d.depth > 0);
        let bound: Vec<(usize, String)> = free.map(|d| (d.line, d.name)).collect();
        for one in types {
            let is_type = one.name.starts_with(|c: char| c.is_ascii_uppercase());
            if is_type && !bound.contains(&(one.line, one.name.clone())) {
                found.entry(one.name).or_default().push(source.shown());
            }
        }
    }
    for files in found.values_mut() {
        files.dedup();
    }
    found
}

/// (types, types of one word).
pub(crate) fn one_word(sources: &[Source]) -> (usize, usize) {
    let names = type_names(sources);
    let sum = |keep: fn(&str) -> bool| names.iter().filter(|(n, _)| keep(n)).map(|(_, f)| f.len()).sum();
    (sum(|_| true), sum(is_one_word))
}

fn is_one_word(name: &str) -> bool {
    let mut humps = 0;
    let mut last_upper = false;
    for c in name.chars() {
        humps += usize::from(c.is_ascii_uppercase() && !last_upper);
        last_upper = c.is_ascii_uppercase();
    }
    humps <= 1
}

fn shared_faults(sources: &[Source]) -> Vec<String> {
    let names = type_names(sources);
    let shared = names.iter().filter(|(_, files)| files.len() > FILES_PER_TYPE_NAME_MAX);
    shared
        .map(|(name, files)| format!("`{name}` is a type in {} files: {}", files.len(), files.join(", ")))
        .collect()
}

fn one_word_faults(sources: &[Source]) -> Vec<String> {
    let (all, one) = one_word(sources);
    if one * 100 <= all * ONE_WORD_PERCENT_MAX {
        return Vec::new();
    }
    let mut short: Vec<String> = type_names(sources).into_keys().filter(|n| is_one_word(n)).collect();
    short.sort();
    vec![format!(
        "{one} of {all} type names are one word ({} %, at most {ONE_WORD_PERCENT_MAX} %): {}",
        one * 100 / all.max(1),
        short.join(" ")
    )]
}

/// `file:line name` of each public name that no other place in `src` names.
pub(crate) fn unused(sources: &[Source]) -> Vec<String> {
    let mut count: BTreeMap<&str, usize> = BTreeMap::new();
    for source in sources {
        for word in idents(&source.live) {
            *count.entry(word).or_default() += 1;
        }
    }
    let mut found = Vec::new();
    for source in sources {
        for one in declared(
            &source.live,
            &[
                "fn", "struct", "enum", "union", "trait", "type", "const", "static", "mod",
            ],
        ) {
            let known = ONLY_OUTSIDE_SRC.iter().any(|(name, _)| *name == one.name);
            if one.public && !known && count.get(one.name.as_str()) == Some(&1) {
                found.push(format!(
                    "{}:{}: `{}` is used nowhere in src",
                    source.shown(),
                    one.line,
                    one.name
                ));
            }
        }
    }
    found
}

/// Faults of a workspace: the root's manifest and each crate's, by name.
fn lint_faults(root: &toml::Table, crates: &[(String, toml::Table)]) -> Vec<String> {
    let level = |table: &toml::Table, path: &[&str]| -> Option<toml::Value> {
        let (last, tables) = path.split_last()?;
        let table = tables
            .iter()
            .try_fold(table, |table, key| table.get(*key)?.as_table())?;
        table.get(*last).cloned()
    };
    let mut faults = Vec::new();
    if level(root, &["workspace", "lints", "rust", "unreachable_pub"]) != Some("deny".into()) {
        faults.push("Cargo.toml: [workspace.lints.rust] has no `unreachable_pub = \"deny\"`".into());
    }
    for (name, manifest) in crates {
        if level(manifest, &["lints", "workspace"]) != Some(true.into()) {
            faults.push(format!("src/{name}/Cargo.toml: no `[lints] workspace = true`"));
        }
    }
    faults
}

#[test]
fn a_type_name_is_in_few_files() {
    hold("a type name is in few files", &shared_faults(sources()));
}

#[test]
fn a_type_name_says_whose_it_is() {
    hold("a type name says whose it is", &one_word_faults(sources()));
}

#[test]
fn a_public_name_is_used_somewhere() {
    hold("a public name is used somewhere", &unused(sources()));
}

#[test]
fn unreachable_pub_is_denied() {
    let parse = |path: std::path::PathBuf| -> toml::Table { toml::from_str(&read(&path)).expect("a manifest") };
    let mut layers: Vec<String> = sources()
        .iter()
        .filter(|s| s.place().contains('/'))
        .map(|s| s.layer.clone())
        .collect();
    layers.dedup();
    let manifest = |layer: String| (layer.clone(), parse(root().join("src").join(layer).join("Cargo.toml")));
    let crates: Vec<_> = layers.into_iter().map(manifest).collect();
    hold(
        "unreachable_pub is denied",
        &lint_faults(&parse(root().join("Cargo.toml")), &crates),
    );
}

#[test]
fn the_laws_of_names_see_what_they_should() {
    let text = "pub struct Place;\npub enum RecordState { A }\nimpl Iterator for Place { type Item = u8; }\npub type Row = u8;\npub fn place_of(_: Place) {}\n";
    let mut house = vec![Source::example("src/x/a.rs", text)];
    assert_eq!(one_word(&house), (3, 2));
    assert_eq!(one_word_faults(&house).len(), 1);
    assert_eq!(
        unused(&house),
        [
            "src/x/a.rs:5: `place_of` is used nowhere in src",
            "src/x/a.rs:2: `RecordState` is used nowhere in src",
            "src/x/a.rs:4: `Row` is used nowhere in src"
        ]
    );
    assert!(shared_faults(&house).is_empty());
    house.extend((0..3).map(|n| Source::example(&format!("src/x/b{n}.rs"), "struct Place;")));
    assert_eq!(
        shared_faults(&house),
        ["`Place` is a type in 4 files: src/x/a.rs, src/x/b0.rs, src/x/b1.rs, src/x/b2.rs"]
    );
    assert!(is_one_word("Place") && is_one_word("SQL") && !is_one_word("SqlPlace"));

    let table = |text: &str| -> toml::Table { toml::from_str(text).expect("a manifest") };
    let crates = [
        ("x".to_owned(), table("[lints]\nworkspace = true")),
        ("y".to_owned(), table("")),
    ];
    let good = table("[workspace.lints.rust]\nunreachable_pub = \"deny\"");
    assert_eq!(
        lint_faults(&good, &crates),
        ["src/y/Cargo.toml: no `[lints] workspace = true`"]
    );
    assert_eq!(lint_faults(&table(""), &crates).len(), 2);
}
