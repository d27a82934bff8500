//! The measures of the house: `cargo test --test tidy -- --nocapture the_figures_of_the_house`.

use super::layout::{all_circles, folders};
use super::names::{one_word, type_names, unused};
use super::parts::{commits, hub_fields, retry_loops, store_methods};
use super::source::{Source, functions, root, sources};
use super::wire::{json_by_hand, schemas};
use super::words::counts;

/// One line per measure: what, and how much.
fn figures(sources: &[Source]) -> Vec<(&'static str, String)> {
    let circles = all_circles(sources);
    let sizes: Vec<String> = circles.iter().map(|c| c.files.len().to_string()).collect();
    let (folder, files) = folders(sources).into_iter().max_by_key(|(_, n)| *n).unwrap_or_default();
    let folder = folder.strip_prefix(root()).unwrap_or(&folder).display().to_string();
    let lines: usize = sources
        .iter()
        .map(|s| s.live.lines().filter(|l| !l.trim().is_empty()).count())
        .sum();
    let longest = |f: fn(&Source) -> usize| sources.iter().map(f).max().unwrap_or_default();
    let part = |found: Option<(String, usize)>| found.map_or("not found".into(), |(file, n)| format!("{n} ({file})"));
    let names = type_names(sources);
    let shared = names.iter().max_by_key(|(_, files)| files.len());
    let (types, short) = one_word(sources);
    let (schemas, bare) = schemas(sources);
    let by_hand = json_by_hand(sources);
    let mut places: Vec<String> = commits(sources).into_iter().map(|(place, _)| place).collect();
    places.sort();
    places.dedup();
    let (words, marks) = counts(sources);
    vec![
        (
            "files, lines of code without tests",
            format!("{}, {lines}", sources.len()),
        ),
        (
            "longest file, longest function",
            format!(
                "{}, {}",
                longest(|s| s.raw.lines().count()),
                longest(|s| functions(&s.code).iter().map(|f| f.2).max().unwrap_or_default())
            ),
        ),
        (
            "circles of imports, files in each",
            format!("{}: {}", circles.len(), sizes.join(" ")),
        ),
        ("fullest folder", format!("{files} ({folder})")),
        ("fields of Hub", part(hub_fields(sources))),
        ("own methods of Store", part(store_methods(sources))),
        ("files that commit", format!("{}", places.len())),
        (
            "functions that retry a commit",
            format!("{}", retry_loops(sources).len()),
        ),
        (
            "types of one word",
            format!("{short} of {types} ({} %)", short * 100 / types.max(1)),
        ),
        (
            "files of the most shared type name",
            shared.map_or(String::new(), |(n, f)| format!("{} (`{n}`)", f.len())),
        ),
        ("derived schemas, without serde", format!("{schemas}, {bare}")),
        (
            "`json!` in http",
            format!(
                "{} in {} files",
                by_hand.iter().map(|(_, n)| n).sum::<usize>(),
                by_hand.len()
            ),
        ),
        ("public names used nowhere in src", format!("{}", unused(sources).len())),
        (
            "words to replace, half-width marks beside Han",
            format!("{words}, {marks}"),
        ),
    ]
}

#[test]
fn the_figures_of_the_house() {
    let lines: Vec<String> = figures(sources())
        .into_iter()
        .map(|(what, much)| format!("{what:<46} {much}"))
        .collect();
    println!("\n{}\n", lines.join("\n"));
}

#[test]
fn the_figures_count_what_they_should() {
    let house = [
        Source::example(
            "src/app/node/hub.rs",
            "//! x\npub struct Hub { pub a: u8 }\nfn f() { hub.store.commit(c); }\n",
        ),
        Source::example("src/app/node/b.rs", "pub struct B(super::hub::Hub);\n"),
    ];
    let found = figures(&house);
    let figure = |what: &str| found.iter().find(|(w, _)| *w == what).map(|(_, much)| much.as_str());
    assert_eq!(figure("files, lines of code without tests"), Some("2, 3"));
    assert_eq!(figure("fullest folder"), Some("2 (src/app/node)"));
    assert_eq!(figure("fields of Hub"), Some("1 (src/app/node/hub.rs)"));
    assert_eq!(figure("files that commit"), Some("1"));
    assert_eq!(figure("types of one word"), Some("2 of 2 (100 %)"));
}
