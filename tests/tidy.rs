//! Holds the repository to its own rules: layers, sizes, headers, where SQL and outside crates are allowed. The laws by topic
//! are in `tidy/`; `cargo test --test tidy -- --nocapture` also prints the figures of the house and the pending laws.
//! Reads source text, not types: a rule that a macro could hide from it is a rule for the reviewer as well.

#![allow(
    clippy::panic,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a fault of the repository ends the test with its text, and figures are printed"
)]

use std::collections::BTreeSet;
use std::fs;

use source::{files_below, functions, more_sources, read, root, sources, under, uses};

#[path = "tidy/documents.rs"]
mod documents;
#[path = "tidy/figures.rs"]
mod figures;
#[path = "tidy/imports.rs"]
mod imports;
#[path = "tidy/law.rs"]
mod law;
#[path = "tidy/layout.rs"]
mod layout;
#[path = "tidy/names.rs"]
mod names;
#[path = "tidy/parts.rs"]
mod parts;
#[path = "tidy/source.rs"]
mod source;
#[path = "tidy/wire.rs"]
mod wire;
#[path = "tidy/words.rs"]
mod words;

/// Longest file and longest function, in lines.
const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;

/// Each crate below `src`, and the others that it may depend on. An adapter (`store kafka connectors`) never depends on `app`.
const LAYERS: &[(&str, &[&str])] = &[
    ("texts", &[]),
    ("domain", &["texts"]),
    ("ledger", &["domain"]),
    ("auth", &["domain"]),
    ("catalog", &["domain"]),
    ("ports", &["domain"]),
    ("cache", &["domain", "ports"]),
    ("telemetry", &["domain"]),
    (
        "app",
        &[
            "texts",
            "domain",
            "ledger",
            "auth",
            "catalog",
            "ports",
            "cache",
            "telemetry",
        ],
    ),
    ("api", &["domain"]),
    ("store", &["domain", "auth", "ports"]),
    ("kafka", &["ports"]),
    ("connectors", &["texts", "domain", "auth", "ports"]),
    ("config", &["domain", "telemetry"]),
    (
        "http",
        &[
            "texts",
            "domain",
            "ledger",
            "auth",
            "catalog",
            "ports",
            "telemetry",
            "app",
            "api",
        ],
    ),
    (
        "server",
        &[
            "domain",
            "ledger",
            "auth",
            "catalog",
            "ports",
            "cache",
            "telemetry",
            "app",
            "store",
            "kafka",
            "connectors",
            "http",
            "config",
        ],
    ),
    (
        "cli",
        &[
            "texts",
            "domain",
            "ledger",
            "auth",
            "catalog",
            "ports",
            "telemetry",
            "app",
            "api",
            "store",
            "connectors",
            "config",
            "server",
            "demo",
        ],
    ),
    ("demo", &["texts", "domain", "telemetry", "app", "config", "server"]),
];

/// Outside crates that live only in the places named: a layer, or one file or folder of it.
const CRATES: &[(&str, &[&str])] = &[
    ("actix_http", &["http", "console"]),
    ("actix_multipart", &["http"]),
    ("actix_rt", &["http", "demo"]),
    ("actix_tls", &["http/server"]),
    ("actix_web", &["http", "console", "demo"]),
    ("aes", &["connectors/source"]),
    ("anyhow", &["cli", "server", "demo"]),
    ("clap", &["cli", "server/process", "demo"]),
    ("ed25519_dalek", &["auth/signature"]),
    ("figment", &["config"]),
    ("flate2", &["http/call"]),
    ("hdrhistogram", &["demo/bench"]),
    ("http_body_util", &["demo/bench"]),
    ("httpdate", &["connectors/push"]),
    ("hyper", &["demo/bench"]),
    ("hyper_util", &["demo/bench"]),
    ("icu_normalizer", &["domain"]),
    ("indicatif", &["cli", "demo"]),
    ("ipnet", &["auth/network"]),
    ("jsonschema", &["catalog"]),
    ("libsqlite3_sys", &["store"]),
    ("maud", &["http", "console"]),
    ("mimalloc", &["main"]),
    ("moka", &["cache"]),
    ("num_bigint", &["auth/signature"]),
    ("prometheus", &["telemetry"]),
    ("pulldown_cmark", &["http/docs"]),
    ("quick_xml", &["connectors/source"]),
    ("rdkafka", &["kafka"]),
    ("reqwest", &["cli/client", "auth/target", "connectors"]),
    ("ring", &["ledger", "auth", "connectors"]),
    ("rustls", &["main", "http", "server", "connectors"]),
    ("sm3", &["auth"]),
    ("sqlx", &["store", "connectors/source"]),
    ("tracing_subscriber", &["telemetry", "cli"]),
    ("unicode_width", &["cli/table"]),
    ("utoipa", &["api", "http"]),
    ("x509_cert", &["auth/signature"]),
];

/// What a pure layer names none of: no async, no I/O, no clock, no logging.
const IMPURE: &[(&str, &[&str])] = &[(
    "domain",
    &[
        "tokio",
        "async_trait",
        "tracing",
        "std::fs",
        "std::net",
        "std::env",
        "std::process",
        "std::time",
    ],
)];

/// Words of which a numeric setting's name must hold one, so that its unit is in its name.
const UNITS: &[&str] = &[
    "us",
    "units",
    "calls",
    "ms",
    "s",
    "min",
    "h",
    "hours",
    "days",
    "bytes",
    "kib",
    "mib",
    "percent",
    "ratio",
    "items",
    "rows",
    "entries",
    "lines",
    "depth",
    "chars",
    "connections",
    "workers",
    "threads",
    "attempts",
    "requests",
    "streams",
    "members",
    "port",
    "leaves",
    "keys",
    "fields",
    "claims",
    "values",
    "files",
    "series",
    "readers",
    "writers",
    "loads",
    "messages",
    "partitions",
    "replicas",
    "id",
];

#[test]
fn a_crate_depends_only_on_the_crates_that_the_table_allows() {
    let mut faults = Vec::new();
    let mut folders: Vec<String> = fs::read_dir(root().join("src"))
        .expect("src")
        .flatten()
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    folders.sort();
    for folder in folders {
        let path = root().join("src").join(&folder).join("Cargo.toml");
        let manifest: toml::Table = toml::from_str(&read(&path)).expect("a manifest");
        let Some(allowed) = lookup(LAYERS, &folder) else {
            faults.push(format!("src/{folder}: no row in LAYERS"));
            continue;
        };
        for table in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let names = manifest
                .get(table)
                .and_then(toml::Value::as_table)
                .into_iter()
                .flatten();
            for (name, _) in names {
                if let Some(layer) = name.strip_prefix("heyan-")
                    && !allowed.contains(&layer)
                {
                    faults.push(format!(
                        "src/{folder}/Cargo.toml: `{folder}` may not depend on `{layer}`"
                    ));
                }
            }
        }
    }
    report("a crate depends on what it may not", &faults);
}

#[test]
fn an_outside_crate_lives_only_where_the_table_says() {
    let mut faults = Vec::new();
    for source in sources() {
        let place = source.place();
        for (name, homes) in CRATES {
            if !homes.iter().any(|home| place == *home || under(&place, home, "/")) {
                for line in uses(&source.live, name) {
                    faults.push(format!("{}:{line}: `{name}` belongs to {homes:?}", source.shown()));
                }
            }
        }
        for name in lookup(IMPURE, &source.layer).unwrap_or_default() {
            for line in uses(&source.live, name) {
                faults.push(format!(
                    "{}:{line}: `{}` is pure and names `{name}`",
                    source.shown(),
                    source.layer
                ));
            }
        }
    }
    report("an outside crate is out of its place", &faults);
}

#[test]
fn a_file_says_what_it_is_for_and_stays_short() {
    let mut faults = Vec::new();
    for source in sources().iter().chain(&more_sources()) {
        let header = source.raw.lines().take_while(|l| l.starts_with("//!")).count();
        if header == 0 {
            faults.push(format!("{}:1: no `//!` header", source.shown()));
        }
        let lines = source.raw.lines().count();
        if lines > FILE_LINES_MAX {
            faults.push(format!("{}: {lines} lines, at most {FILE_LINES_MAX}", source.shown()));
        }
        for (line, name, length) in functions(&source.code) {
            if length > FUNCTION_LINES_MAX {
                let shown = source.shown();
                faults.push(format!(
                    "{shown}:{line}: `{name}` has {length} lines, at most {FUNCTION_LINES_MAX}"
                ));
            }
        }
    }
    report("a file or function is too long, or a file has no header", &faults);
}

#[test]
fn nothing_panics_on_purpose_outside_tests() {
    // A literal is read as underscores; `expect` of a byte or token is a parser's own method.
    const EXPECT: &str = ".expect(__";
    let banned = [".unwrap()", EXPECT, "panic!", "todo!", "unimplemented!", "dbg!"];
    let mut faults = Vec::new();
    for source in sources() {
        for (at, line) in source.live.lines().enumerate() {
            let bare: String = line.split_whitespace().collect();
            for word in banned {
                if bare
                    .match_indices(word)
                    .any(|(i, _)| word.starts_with('.') || !bare[..i].ends_with(source::is_ident))
                {
                    faults.push(format!("{}:{}: `{word}`", source.shown(), at + 1));
                }
            }
        }
    }
    report("a panic outside tests", &faults);
}

#[test]
fn no_test_is_ignored_and_none_sleeps() {
    let mut faults = Vec::new();
    for source in sources().iter().chain(&more_sources()) {
        for (at, line) in source.code.lines().enumerate() {
            let test_only = source.live.lines().nth(at).is_none_or(|l| l.trim().is_empty());
            if line.contains(concat!("#[", "ignore")) || (test_only && line.contains("thread::sleep(")) {
                faults.push(format!("{}:{}: {}", source.shown(), at + 1, line.trim()));
            }
        }
    }
    report("a test is ignored, or sleeps", &faults);
}

#[test]
fn sql_stands_in_the_store_alone() {
    let openings = [
        "select ",
        "insert into ",
        "insert or ",
        "update ",
        "delete from ",
        "create table ",
        "create index ",
        "create unique ",
        "alter table ",
        "drop table ",
        "pragma ",
        "begin immediate",
        "with recursive ",
    ];
    let mut faults = Vec::new();
    for source in sources()
        .iter()
        .filter(|s| s.layer != "store" && s.layer != "connectors")
    {
        for (line, text) in &source.strings {
            let text = text.trim_start().to_ascii_lowercase();
            let looks = openings.iter().any(|o| text.starts_with(o));
            let update = text.starts_with("update ") && !text.contains(" set ");
            let select = text.starts_with("select ") && !text.contains(" from ");
            if looks && !update && !select {
                faults.push(format!("{}:{line}: SQL text", source.shown()));
            }
        }
    }
    report("SQL outside store/", &faults);
}

#[test]
fn both_engines_have_the_same_migrations() {
    let names = |engine: &str| -> Option<BTreeSet<String>> {
        let entries = fs::read_dir(root().join("schemas/sql").join(engine)).ok()?;
        Some(
            entries
                .flatten()
                .map(|e| e.file_name().to_string_lossy().into_owned())
                .collect(),
        )
    };
    if let (Some(sqlite), Some(postgres)) = (names("sqlite"), names("postgres")) {
        let apart: Vec<_> = sqlite.symmetric_difference(&postgres).cloned().collect();
        report("a migration that only one engine has", &apart);
    }
}

#[test]
fn a_numeric_setting_has_its_unit_in_its_name() {
    let mut faults = Vec::new();
    for path in files_below(&root().join("config"), "toml")
        .into_iter()
        .filter(|p| !p.iter().any(|x| x == "items"))
    {
        for (at, line) in read(&path).lines().enumerate() {
            let Some((key, value)) = line.trim_start_matches(['#', ' ']).split_once('=') else {
                continue;
            };
            let (key, value) = (key.trim(), value.split('#').next().unwrap_or_default().trim());
            let named = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            let numeric =
                value.starts_with(|c: char| c.is_ascii_digit()) && value.replace('_', "").parse::<f64>().is_ok();
            if named && numeric && !key.split('_').any(|part| UNITS.contains(&part)) {
                faults.push(format!("{}:{}: `{key}` names no unit", path.display(), at + 1));
            }
        }
    }
    report("a numeric setting without a unit", &faults);
}

fn report(what: &str, faults: &[String]) {
    assert!(faults.is_empty(), "{what} ({}):\n{}", faults.len(), faults.join("\n"));
}

fn lookup<'a>(table: &'a [(&str, &'a [&'a str])], name: &str) -> Option<&'a [&'a str]> {
    table.iter().find(|(n, _)| *n == name).map(|(_, row)| *row)
}

fn is_han(c: char) -> bool {
    ('\u{4e00}'..='\u{9fff}').contains(&c)
}
