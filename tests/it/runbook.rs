//! The runbook has a section for each alert, each rule of supervision and each refusal to start, in both languages.

use std::path::{Path, PathBuf};

use crate::settings_agree::MISTAKES;

/// Refusals that are no setting: the heading, and the words of the message, which must be in the program.
const REFUSALS: &[(&str, &str)] = &[
    ("files-limit", "the limit of open files is"),
    ("address-in-use", "cannot listen on"),
    ("root-key", "database contains data encrypted with another root key"),
    ("ledger-locked", "the ledger directory is in use by another process"),
    ("ledger-key", "the ledger was written under another key or origin"),
    ("ledger-damaged", "damaged"),
    ("rollback", "database and ledger do not fit together"),
    ("copied-folder", "was copied while a hub was serving from it"),
    ("database-damaged", "is damaged: move the data folder away"),
    ("restore-cut-short", "a restore was cut short"),
    ("position-damaged", "cannot be read: it is damaged"),
    ("node-identity", "node.id"),
    ("postgres-away", "PostgreSQL is away"),
    ("sync-failed", "a sync of the ledger failed"),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

/// All of a folder's Rust, as one text.
fn sources(folder: &Path, into: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
}

/// The sections of a page by heading, with their lines.
fn sections(page: &str) -> Vec<(&str, Vec<&str>)> {
    let mut found: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in page.lines() {
        if let Some(heading) = line.strip_prefix("### ") {
            found.push((heading, Vec::new()));
        } else if let Some((_, lines)) = found.last_mut().filter(|_| !line.is_empty()) {
            lines.push(line);
        }
    }
    found
}

#[test]
fn every_alert_and_every_refusal_has_its_section_in_both_languages() {
    let rules = read("deploy/prometheus/rules.yml");
    let alerts = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: "));
    let supervision = read("config/supervision.toml");
    let ids = supervision.lines().filter_map(|line| line.strip_prefix("id = \""));
    let mut wanted: Vec<&str> = alerts.collect();
    assert!(wanted.len() > 20, "{wanted:?}");
    wanted.extend(ids.map(|id| id.trim_end_matches('"')));
    wanted.push("config");
    wanted.extend(REFUSALS.iter().map(|(heading, _)| *heading));
    let mut program = String::new();
    sources(&root().join("src"), &mut program);
    for name in ["docs/runbook.md", "docs/runbook.zh-CN.md"] {
        let page = read(name);
        let sections = sections(&page);
        for heading in &wanted {
            let lines = sections.iter().find(|(found, _)| found == heading);
            let (_, lines) = lines.unwrap_or_else(|| panic!("{name} has no section {heading}"));
            // What happened, how to see it, what to do.
            let parts = lines.iter().filter(|line| line.starts_with("- **")).count();
            assert_eq!(parts, 3, "{name}, {heading}: {lines:?}");
        }
        for (heading, words) in REFUSALS {
            assert!(program.contains(words), "the program no longer says {words:?}");
            let (_, lines) = sections.iter().find(|(found, _)| found == heading).unwrap();
            assert!(
                lines.iter().any(|line| line.contains(words)),
                "{name}, {heading} does not say {words:?}"
            );
        }
        for (_, key) in MISTAKES {
            assert!(page.contains(&format!("`{key}`")), "{name} does not name {key}");
        }
        let strangers: Vec<&&str> = sections
            .iter()
            .map(|(heading, _)| heading)
            .filter(|one| !wanted.contains(one))
            .collect();
        assert!(
            strangers.is_empty(),
            "{name} has sections of nothing that can happen: {strangers:?}"
        );
    }
}
