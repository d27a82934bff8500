//! The hub and the store stay small, and one function commits.

use super::law::hold;
use super::source::{Source, body, brace_end, functions, line_of, sources};

const HUB_FIELDS_MAX: usize = 12;
const STORE_METHODS_MAX: usize = 12;

/// The one file that commits and retries, without extension.
const WRITER: &str = "app/node/write";

/// Where states and kinds are words that an outside program or format chose: librdkafka, RFC 9457, JSON Schema.
const OUTSIDE_WORDS: &[&str] = &[
    "kafka/client/mod",
    "kafka/client/consumer",
    "cli/client",
    "http/docs/spec",
];

/// Fields of `pub struct Hub`, with its file.
pub(crate) fn hub_fields(sources: &[Source]) -> Option<(String, usize)> {
    sources.iter().filter(|s| s.layer == "app").find_map(|s| {
        let fields = body(&s.live, "pub struct Hub {")?;
        Some((s.shown(), top_level(fields).matches(": ").count()))
    })
}

/// Methods that `pub trait Store` declares itself, with its file.
pub(crate) fn store_methods(sources: &[Source]) -> Option<(String, usize)> {
    sources.iter().filter(|s| s.layer == "ports").find_map(|s| {
        let methods = body(&s.live, "pub trait Store")?;
        Some((
            s.shown(),
            top_level(methods).split_whitespace().filter(|w| *w == "fn").count(),
        ))
    })
}

/// `text` without what is in braces, brackets, angles or parentheses of it.
fn top_level(text: &str) -> String {
    let (mut depth, mut out) = (0_usize, String::new());
    let mut last = ' ';
    for c in text.chars() {
        match c {
            '{' | '(' | '[' | '<' => depth += 1,
            '}' | ')' | ']' => depth = depth.saturating_sub(1),
            '>' if last != '-' => depth = depth.saturating_sub(1),
            c if depth == 0 => out.push(c),
            _ => {}
        }
        last = c;
    }
    out
}

/// Places where `store.commit(` is called, also over several lines.
pub(crate) fn commits(sources: &[Source]) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    for source in sources.iter().filter(|s| s.layer != "store") {
        for (at, _) in source.live.match_indices(".commit(") {
            if source.live[..at].trim_end().ends_with("store") {
                found.push((source.place(), line_of(&source.live, at)));
            }
        }
    }
    found
}

/// Functions of `app` that meet a conflict of the store inside a loop.
pub(crate) fn retry_loops(sources: &[Source]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for source in sources.iter().filter(|s| s.layer == "app") {
        for (line, name, length) in functions(&source.live) {
            let lines: Vec<&str> = source.live.lines().skip(line - 1).take(length).collect();
            if conflict_in_a_loop(&lines.join("\n")) {
                found.push((source.place(), name));
            }
        }
    }
    found
}

fn conflict_in_a_loop(function: &str) -> bool {
    ["for ", "while ", "loop "].iter().any(|word| {
        function.match_indices(word).any(|(at, _)| {
            let open = function[at..].find('{').map(|i| at + i);
            let starts = function[..at].trim_end().is_empty() || function[..at].ends_with(char::is_whitespace);
            starts
                && open.is_some_and(|open| function[open..brace_end(function, open)].contains("StoreError::Conflict"))
        })
    })
}

fn hub_faults(sources: &[Source]) -> Vec<String> {
    over("Hub", "fields", hub_fields(sources), HUB_FIELDS_MAX)
}

fn store_faults(sources: &[Source]) -> Vec<String> {
    over("Store", "methods", store_methods(sources), STORE_METHODS_MAX)
}

fn over(what: &str, of: &str, found: Option<(String, usize)>, most: usize) -> Vec<String> {
    match found {
        None => vec![format!("`{what}` was not found: mend this law with it")],
        Some((file, n)) if n > most => vec![format!("{file}: `{what}` has {n} {of}, at most {most}")],
        Some(_) => Vec::new(),
    }
}

fn commit_faults(sources: &[Source]) -> Vec<String> {
    let others = commits(sources).into_iter().filter(|(place, _)| place != WRITER);
    others
        .map(|(place, line)| format!("src/{place}.rs:{line}: only src/{WRITER}.rs commits"))
        .collect()
}

fn retry_faults(sources: &[Source]) -> Vec<String> {
    let loops = retry_loops(sources);
    let second = loops.iter().filter(|(place, _)| place == WRITER).skip(1);
    let others = loops.iter().filter(|(place, _)| place != WRITER);
    others
        .chain(second)
        .map(|(place, name)| format!("src/{place}.rs: `{name}` retries a commit itself"))
        .collect()
}

fn word_faults(sources: &[Source]) -> Vec<String> {
    let mut faults = Vec::new();
    let outside = |s: &&Source| s.layer != "store" && !OUTSIDE_WORDS.contains(&s.place().as_str());
    for source in sources.iter().filter(outside) {
        for (at, (raw, live)) in source.raw.lines().zip(source.live.lines()).enumerate() {
            if live.trim().is_empty() {
                continue;
            }
            for word in ["state", "kind"] {
                for call in ["", ".as_str()", "()"] {
                    for sign in ["==", "!="] {
                        if raw.contains(&format!("{word}{call} {sign} \"")) {
                            faults.push(format!("{}:{}: {}", source.shown(), at + 1, raw.trim()));
                        }
                    }
                }
            }
        }
    }
    faults
}

#[test]
fn the_hub_has_few_parts() {
    hold("the hub has few parts", &hub_faults(sources()));
}

#[test]
fn the_store_has_few_methods_of_its_own() {
    hold("the store has few methods of its own", &store_faults(sources()));
}

#[test]
fn one_file_commits() {
    hold("one file commits", &commit_faults(sources()));
}

#[test]
fn one_loop_retries_a_commit() {
    hold("one loop retries a commit", &retry_faults(sources()));
}

#[test]
fn a_state_or_kind_is_an_enum_outside_the_store() {
    hold("a state or kind is an enum outside the store", &word_faults(sources()));
}

#[test]
fn the_laws_of_the_parts_see_what_they_should() {
    let fields: String = (0..13)
        .map(|n| format!("    pub(crate) f{n}: Box<dyn Fn(u8) -> Map<K, Vec<V>>>,\n"))
        .collect();
    let hub = Source::example("src/app/node/hub.rs", &format!("pub struct Hub {{\n{fields}}}\n"));
    let trait_text = "pub trait Store: Records + Cases {\n    /// x\n    async fn a(&self, f: fn(u8) -> u8) -> Result<(), E>;\n    fn b(&self) { fn inner() {} }\n}\n";
    let store = Source::example("src/ports/store.rs", trait_text);
    assert_eq!(store_methods(&[store]).map(|(_, n)| n), Some(2));
    assert_eq!(
        hub_faults(&[hub]),
        ["src/app/node/hub.rs: `Hub` has 13 fields, at most 12"]
    );
    assert_eq!(store_faults(&[]).len(), 1);

    let write = "async fn write() {\n    for _ in 0..8 {\n        match hub\n            .store\n            .commit(&c) { Err(StoreError::Conflict) => {} }\n    }\n}\n";
    let twice = "async fn once() { hub.store.commit(&c); }\nfn told() { match e { StoreError::Conflict => {} } }\n";
    let house = [
        Source::example("src/app/node/write.rs", write),
        Source::example("src/app/cases/mod.rs", write),
        Source::example("src/app/items/mod.rs", twice),
    ];
    assert_eq!(
        commit_faults(&house),
        [
            "src/app/cases/mod.rs:5: only src/app/node/write.rs commits",
            "src/app/items/mod.rs:1: only src/app/node/write.rs commits"
        ]
    );
    assert_eq!(
        retry_faults(&house),
        ["src/app/cases/mod.rs: `write` retries a commit itself"]
    );

    let words = "fn f() { if row.state == \"open\" || kind.as_str() != \"x\" {} }\n// state == \"open\"\n";
    let spoken = |path| word_faults(&[Source::example(path, words)]).len();
    assert_eq!((spoken("src/app/a.rs"), spoken("src/store/a.rs")), (2, 0));
}
