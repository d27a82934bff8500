//! Documents: which there are, their headings, and their text without code.

use std::path::PathBuf;

use super::law::hold;
use super::source::{files_below, read, root};

/// What marks a Chinese document: `nodes.zh-CN.md` beside `nodes.md`.
pub(crate) const CHINESE: &str = ".zh-CN.md";

/// Documents whose readers include people who read Chinese only, by their English path. Each has a Chinese twin.
const FOR_EVERYONE: &[&str] = &["README.md", "SECURITY.md", "deploy/README.md"];

/// One document: its path below the root, and its text.
pub(crate) struct Document {
    pub path: String,
    pub text: String,
}

/// The documents at the root and below `docs` and `deploy`; the change log keeps the words of its time.
pub(crate) fn documents() -> Vec<Document> {
    let at_root = std::fs::read_dir(root())
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    let at_root: Vec<PathBuf> = at_root.filter(|p| p.extension().is_some_and(|e| e == "md")).collect();
    let below = ["docs", "deploy"]
        .iter()
        .flat_map(|folder| files_below(&root().join(folder), "md"));
    let mut found: Vec<Document> = at_root
        .into_iter()
        .chain(below)
        .filter(|p| !p.ends_with("CHANGELOG.md"))
        .map(|p| Document {
            text: read(&p),
            path: p.strip_prefix(root()).unwrap_or(&p).display().to_string(),
        })
        .collect();
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// `text` with code blocks, code spans and the targets of links blanked; lines and columns stay.
pub(crate) fn prose(text: &str) -> String {
    let mut fenced = false;
    let lines = text.lines().map(|line| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        if fence || fenced {
            String::new()
        } else {
            without_spans(line)
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn without_spans(line: &str) -> String {
    let mut out = String::new();
    let (mut code, mut target) = (false, 0_usize);
    let mut last = ' ';
    for c in line.chars() {
        match c {
            '`' => code = !code,
            '(' if target > 0 || (last == ']' && !code) => target += 1,
            _ => {}
        }
        let hidden = code || c == '`' || target > 0;
        if c == ')' && target > 0 {
            target -= 1;
        }
        out.push(if hidden { '\u{1}' } else { c });
        last = c;
    }
    out
}

/// Depth of each heading, in order.
fn headings(text: &str) -> Vec<(usize, String)> {
    let prose = prose(text);
    let lines = prose
        .lines()
        .zip(text.lines())
        .filter(|(prose, _)| prose.starts_with('#'));
    lines
        .map(|(prose, line)| (prose.chars().take_while(|c| *c == '#').count(), line.to_owned()))
        .collect()
}

fn twin_faults(documents: &[Document]) -> Vec<String> {
    let text_of = |path: &str| documents.iter().find(|d| d.path == path).map(|d| d.text.as_str());
    let mut faults = Vec::new();
    for english in FOR_EVERYONE.iter().filter(|path| text_of(path).is_some()) {
        let twin = english.replace(".md", CHINESE);
        if text_of(&twin).is_none() {
            faults.push(format!("{english}: no {twin}"));
        }
    }
    for chinese in documents.iter().filter(|d| d.path.ends_with(CHINESE)) {
        let path = chinese.path.replace(CHINESE, ".md");
        let Some(english) = text_of(&path) else {
            faults.push(format!("{}: no {path}", chinese.path));
            continue;
        };
        let (zh, en) = (headings(&chinese.text), headings(english));
        let apart = (0..zh.len().max(en.len())).find(|i| zh.get(*i).map(|h| h.0) != en.get(*i).map(|h| h.0));
        if let Some(at) = apart {
            let shown = |headings: &[(usize, String)]| headings.get(at).map_or("nothing".into(), |h| h.1.clone());
            faults.push(format!(
                "{}: {} headings, {path} has {}; the first apart: `{}` beside `{}`",
                chinese.path,
                zh.len(),
                en.len(),
                shown(&zh),
                shown(&en)
            ));
        }
    }
    faults
}

#[test]
fn a_chinese_document_has_the_headings_of_its_english_twin() {
    hold(
        "a Chinese document has the headings of its English twin",
        &twin_faults(&documents()),
    );
}

#[test]
fn the_laws_of_documents_see_what_they_should() {
    let document = |path: &str, text: &str| Document {
        path: path.into(),
        text: text.into(),
    };
    let mut house = vec![
        document("docs/a.md", "# A\n```\n# no heading\n```\n## B\n### C\n"),
        document("docs/a.zh-CN.md", "# 甲\n## 乙\n### 丙\n"),
        document("SECURITY.md", "# S\n"),
    ];
    assert_eq!(twin_faults(&house), ["SECURITY.md: no SECURITY.zh-CN.md"]);
    house.push(document("SECURITY.zh-CN.md", "# 安全\n## 多\n"));
    house.push(document("docs/b.zh-CN.md", "# 丁\n"));
    assert_eq!(
        twin_faults(&house),
        [
            "SECURITY.zh-CN.md: 2 headings, SECURITY.md has 1; the first apart: `## 多` beside `nothing`",
            "docs/b.zh-CN.md: no docs/b.md"
        ]
    );
    let seen = prose("文[字](x(1),中)`a,b`,尾\n```\n码\n```\n完");
    let seen = seen.replace('\u{1}', "");
    assert_eq!(seen, "文[字],尾\n\n\n\n完");
}
