//! Reads Rust source as text for the rules of `tests/tidy.rs`: what is code, what is a literal, what is test code.
//! No parser: comments and literals are blanked in place, so that line numbers and columns stay right.

use std::fs;
use std::path::{Path, PathBuf};

/// One source file, with what is neither comment nor literal kept at its place and all else blanked.
pub(crate) struct Source {
    pub path: PathBuf,
    pub layer: String,
    pub raw: String,
    pub code: String,
    /// `code` without items under `#[cfg(test)]`.
    pub live: String,
    /// (line, text) of each string literal outside tests.
    pub strings: Vec<(usize, String)>,
}

impl Source {
    fn new(path: PathBuf, layer: String, raw: String) -> Self {
        let (code, literals) = blank(&raw);
        let live = without_tests(&code);
        let kept = |line: usize| live.lines().nth(line - 1).is_some_and(|l| !l.trim().is_empty());
        let strings = literals.into_iter().filter(|(line, _)| kept(*line)).collect();
        Self {
            path,
            layer,
            raw,
            code,
            live,
            strings,
        }
    }

    pub(crate) fn shown(&self) -> String {
        self.path
            .strip_prefix(root())
            .unwrap_or(&self.path)
            .display()
            .to_string()
    }

    /// Path below `src`, without the extension: `cli/client`.
    pub(crate) fn place(&self) -> String {
        let below = self.path.strip_prefix(root().join("src")).unwrap_or(&self.path);
        below.with_extension("").to_string_lossy().replace('\\', "/")
    }
}

pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Whether `name` is below `prefix`: `app::ports::X` below `app::ports`.
pub(crate) fn under(name: &str, prefix: &str, separator: &str) -> bool {
    name.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(separator))
}

pub(crate) fn is_ident(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

pub(crate) fn ends_in_ident(text: &str) -> bool {
    text.chars().next_back().is_some_and(is_ident)
}

pub(crate) fn files_below(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let (mut found, mut waiting) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|e| e == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Every file of the crate; a file that only tests bring in has no live code.
pub(crate) fn sources() -> Vec<Source> {
    let src = root().join("src");
    let mut found = Vec::new();
    for path in files_below(&src, "rs") {
        let below = path.strip_prefix(&src).unwrap_or(&path);
        let first = below
            .iter()
            .next()
            .map(|p| p.to_string_lossy().into_owned())
            .unwrap_or_default();
        let raw = read(&path);
        found.push(Source::new(path, first.trim_end_matches(".rs").to_owned(), raw));
    }
    assert!(!found.is_empty(), "no source files below {}", src.display());
    let test_modules: Vec<PathBuf> = found.iter().flat_map(test_modules).collect();
    for source in &mut found {
        let bare = source.path.with_extension("");
        if test_modules.iter().any(|module| bare.starts_with(module)) {
            source.live = "\n".repeat(source.code.matches('\n').count());
            source.strings.clear();
        }
    }
    found
}

/// Paths, without extension, of the modules that a file brings in by `#[cfg(test)] mod name;`.
fn test_modules(source: &Source) -> Vec<PathBuf> {
    let folder = match source.path.file_stem().and_then(|s| s.to_str()) {
        Some("mod" | "lib" | "main") => source.path.with_file_name(""),
        _ => source.path.with_extension(""),
    };
    let named = source.code.split("#[cfg(test)]").skip(1).filter_map(|after| {
        let (name, _) = after
            .trim_start()
            .trim_start_matches("pub(super) ")
            .strip_prefix("mod ")?
            .split_once(';')?;
        name.chars().all(is_ident).then(|| folder.join(name))
    });
    named.collect()
}

/// Tests, benches and examples: only sizes, headers and ignored tests are looked at.
pub(crate) fn more_sources() -> Vec<Source> {
    let folders = ["tests", "benches", "examples"].map(|f| root().join(f));
    let paths = folders
        .iter()
        .flat_map(|f| files_below(f, "rs"))
        .filter(|p| !p.iter().any(|x| x == "target"));
    paths
        .map(|p| (read(&p), p))
        .map(|(raw, p)| Source::new(p, "tests".into(), raw))
        .collect()
}

/// Replaces comments and the insides of literals by spaces; returns also each string literal with its line.
fn blank(raw: &str) -> (String, Vec<(usize, String)>) {
    let text: Vec<char> = raw.chars().collect();
    let (mut out, mut strings) = (String::with_capacity(raw.len()), Vec::new());
    let (mut at, mut line) = (0, 1);
    while let Some(&c) = text.get(at) {
        let (end, is_string) = match (c, text.get(at + 1)) {
            ('/', Some('/')) => (span(&text, at, |i| text[i] == '\n'), false),
            ('/', Some('*')) => (block_comment_end(&text, at), false),
            ('"', _) => (quoted_end(&text, at + 1, '"'), true),
            ('r', Some('"' | '#')) if !out.chars().next_back().is_some_and(|p| is_ident(p) && p != 'b') => {
                raw_string_end(&text, at)
            }
            ('\'', _) => (char_literal_end(&text, at), false),
            _ => (at + 1, false),
        };
        if end == at + 1 {
            out.push(c);
        } else {
            let piece = &text[at..end];
            if is_string {
                let text: String = piece.iter().collect();
                let text = text.trim_start_matches('r').trim_matches('#');
                let text = text.strip_prefix('"').unwrap_or(text);
                strings.push((line, text.strip_suffix('"').unwrap_or(text).to_owned()));
            }
            out.extend(piece.iter().map(|c| {
                if *c == '\n' {
                    '\n'
                } else if is_string {
                    '_'
                } else {
                    ' '
                }
            }));
        }
        line += text[at..end].iter().filter(|c| **c == '\n').count();
        at = end;
    }
    (out, strings)
}

fn span(text: &[char], from: usize, stop: impl Fn(usize) -> bool) -> usize {
    (from..text.len()).find(|i| stop(*i)).unwrap_or(text.len())
}

fn block_comment_end(text: &[char], from: usize) -> usize {
    let (mut depth, mut at) = (0, from);
    while at + 1 < text.len() {
        match (text[at], text[at + 1]) {
            ('/', '*') => depth += 1,
            ('*', '/') => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

/// Position after the closing quote; `from` is after the opening one.
fn quoted_end(text: &[char], from: usize, quote: char) -> usize {
    let mut at = from;
    while at < text.len() {
        match text[at] {
            '\\' => at += 2,
            c if c == quote => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

fn raw_string_end(text: &[char], from: usize) -> (usize, bool) {
    let hashes = text[from + 1..].iter().take_while(|c| **c == '#').count();
    if text.get(from + 1 + hashes) != Some(&'"') {
        return (from + 1, false); // a raw identifier
    }
    let close = |i: usize| text[i] == '"' && text[i + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes;
    (
        span(text, from + 2 + hashes, close)
            .saturating_add(1 + hashes)
            .min(text.len()),
        true,
    )
}

/// A lifetime is not a literal: it has no closing quote where a character would have one.
fn char_literal_end(text: &[char], from: usize) -> usize {
    match (text.get(from + 1), text.get(from + 2)) {
        (Some('\\'), _) => quoted_end(text, from + 1, '\''),
        (Some(_), Some('\'')) => from + 3,
        _ => from + 1,
    }
}

/// Blanks each item that stands under `#[cfg(test)]`.
fn without_tests(code: &str) -> String {
    let mut out = code.to_owned();
    while let Some(start) = out.find("#[cfg(test)]") {
        let after = start + "#[cfg(test)]".len();
        let ends = out[after..].find(['{', ';']).map_or(out.len(), |i| after + i);
        let end = if out[ends..].starts_with('{') {
            brace_end(&out, ends)
        } else {
            (ends + 1).min(out.len())
        };
        let blanked: String = out[start..end]
            .chars()
            .map(|c| if c == '\n' { '\n' } else { ' ' })
            .collect();
        out.replace_range(start..end, &blanked);
    }
    out
}

/// Position after the brace that closes the one at `open`.
fn brace_end(code: &str, open: usize) -> usize {
    let mut depth = 0_usize;
    for (i, c) in code[open..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => return open + i + 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    code.len()
}

fn line_of(code: &str, at: usize) -> usize {
    code[..at].matches('\n').count() + 1
}

/// (line, name, lines) of each function with a body.
pub(crate) fn functions(code: &str) -> Vec<(usize, String, usize)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        let name: String = code[at + 3..].chars().take_while(|c| is_ident(*c)).collect();
        let Some(stop) = code[at..].find(['{', ';']).map(|i| at + i) else {
            continue;
        };
        if name.is_empty() || ends_in_ident(&code[..at]) || code[stop..].starts_with(';') {
            continue;
        }
        let length = code[at..brace_end(code, stop)].matches('\n').count() + 1;
        found.push((line_of(code, at), name, length));
    }
    found
}

/// Lines on which an outside crate or a `std` path is named.
pub(crate) fn uses(code: &str, name: &str) -> Vec<usize> {
    let mut lines = Vec::new();
    for (at, _) in code.match_indices(name) {
        let (before, after) = (&code[..at], &code[at + name.len()..]);
        let path = after.starts_with("::") || name.contains("::") || before.trim_end().ends_with("use");
        let inner = before.ends_with("::") || before.ends_with('.') || ends_in_ident(before);
        if path && !inner && !after.starts_with(is_ident) {
            lines.push(line_of(code, at));
        }
    }
    lines
}

#[test]
fn the_reader_of_source_text_sees_what_it_should() {
    let text = "//! x\nuse crate::{store::A, app::ports::{B, C}};\nfn f() { let s = \"crate::bus\"; /* crate::push */ }\n\
                #[cfg(test)]\nmod tests { use crate::cli::X; fn g() { x.unwrap(); } }\nfn h<'a>(c: char) -> bool { c == '\"' }\n\
                fn r() { let _ = r#\"a \"quoted\" b\"#; super::super::http::x(); }\n";
    let source = Source::new(PathBuf::from("src/domain/deep/file.rs"), "domain".into(), text.into());
    assert!(!source.live.contains("unwrap") && source.code.contains("unwrap"));
    assert_eq!(
        source.strings.iter().map(|(_, s)| s.as_str()).collect::<Vec<_>>(),
        ["crate::bus", "a \"quoted\" b"]
    );
    assert_eq!(
        functions(&source.code)
            .iter()
            .map(|(l, n, _)| (*l, n.as_str()))
            .collect::<Vec<_>>(),
        [(3, "f"), (5, "g"), (6, "h"), (7, "r")]
    );
    assert_eq!(
        uses("use moka::sync; let x = a::moka::b; moka_x::y(); moka::z()", "moka"),
        [1, 1]
    );
}
