//! Reads which file of a crate imports which, and finds the circles.
//!
//! An import is a `use` or a path in the code that names an item of another file of the same crate. It leads to the file that
//! defines the item: names that are handed on (`pub use`, or a `use` that a child module reaches through `super::`) are followed.
//! So a `mod.rs` or `lib.rs` that only hands its children's names on is imported by nobody and is part of no circle. Handing on a
//! child's name, and `mod child;`, are no imports either. Method calls name no path and are not seen. Test code is left out.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{Source, brace_end, declared, idents, is_ident};

/// Re-exports that are followed from one name.
const FOLLOW_MAX: usize = 16;

/// What file `from` takes from file `to` (places in the list of files).
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Import {
    pub from: usize,
    pub to: usize,
    pub name: String,
}

/// One `use` with one name: `use a::{b, c as d};` makes two.
struct Use {
    module: Vec<String>,
    path: Vec<String>,
    alias: Option<String>,
    handed_on: bool,
}

struct Crate<'a> {
    files: &'a [&'a Source],
    /// Module path of each file; also of inline modules, which belong to the file that they are in.
    modules: BTreeMap<Vec<String>, usize>,
    defines: Vec<BTreeSet<String>>,
    uses: Vec<Vec<Use>>,
}

/// What the files of one crate import from each other. `files` are below one folder `src/<crate>`.
pub(crate) fn imports(files: &[&Source]) -> Vec<Import> {
    let names = |s: &&Source| -> BTreeSet<String> {
        let keywords = [
            "fn",
            "struct",
            "enum",
            "union",
            "trait",
            "type",
            "const",
            "static",
            "macro_rules!",
        ];
        declared(&s.live, &keywords).into_iter().map(|d| d.name).collect()
    };
    let mut house = Crate {
        files,
        modules: BTreeMap::new(),
        defines: files.iter().map(names).collect(),
        uses: Vec::new(),
    };
    for (at, source) in files.iter().enumerate() {
        let own = module_of(source);
        for (_, _, inner) in inline_modules(&source.live) {
            house.modules.insert([own.clone(), inner].concat(), at);
        }
        house.modules.insert(own, at);
    }
    house.uses = files.iter().map(|s| uses_of(s)).collect();
    let mut found = BTreeSet::new();
    for at in 0..files.len() {
        house.imports_of(at, &mut found);
    }
    found.into_iter().collect()
}

impl Crate<'_> {
    fn imports_of(&self, at: usize, found: &mut BTreeSet<Import>) {
        let own = module_of(self.files[at]);
        let mut add = |path: Option<(usize, Option<String>)>| {
            if let Some((to, Some(name))) = path
                && to != at
            {
                found.insert(Import { from: at, to, name });
            }
        };
        for one in &self.uses[at] {
            let Some(target) = self.absolute(&one.path, &one.module, at) else {
                continue;
            };
            if !(one.handed_on && target.starts_with(&own)) {
                add(self.locate(&target, 0));
            }
        }
        for (path, module) in paths_of(self.files[at]) {
            add(self
                .absolute(&path, &module, at)
                .and_then(|target| self.locate(&target, 0)));
        }
    }

    /// The path from the root of the crate; `None` if it leads out of the crate.
    fn absolute(&self, path: &[String], module: &[String], at: usize) -> Option<Vec<String>> {
        let mut base = match path.first()?.as_str() {
            "crate" => Vec::new(),
            "self" => module.to_vec(),
            "super" => {
                let ups = path.iter().take_while(|p| *p == "super").count();
                let base = module.get(..module.len().checked_sub(ups)?)?.to_vec();
                return Some([&base, &path[ups..]].concat());
            }
            first => {
                let child = [module, &[first.to_owned()]].concat();
                if self.modules.contains_key(&child) {
                    return Some([&child, &path[1..]].concat());
                }
                let alias = self.uses[at]
                    .iter()
                    .find(|u| u.name() == Some(first) && u.module == module && u.path.first() != path.first())?;
                let target = self.absolute(&alias.path, &alias.module, at)?;
                return Some([&target, &path[1..]].concat());
            }
        };
        base.extend_from_slice(&path[1..]);
        Some(base)
    }

    /// The file that defines what `path` names, with its name; no name where the path leads to a module.
    fn locate(&self, path: &[String], steps: usize) -> Option<(usize, Option<String>)> {
        let (module, rest) = (0..=path.len())
            .rev()
            .find(|n| self.modules.contains_key(&path[..*n]))
            .map(|n| path.split_at(n))?;
        let at = *self.modules.get(module)?;
        let Some(name) = rest.first() else {
            return Some((at, None));
        };
        if name == "*" {
            return Some((at, Some("*".into())));
        }
        if self.defines[at].contains(name) || steps == FOLLOW_MAX {
            return Some((at, Some(name.clone())));
        }
        let here = || self.uses[at].iter().filter(|u| u.module == module);
        if let Some(one) = here().find(|u| u.name() == Some(name))
            && let Some(target) = self.absolute(&one.path, &one.module, at)
        {
            return self.locate(&[&target, &rest[1..]].concat(), steps + 1);
        }
        for glob in here().filter(|u| u.path.last().is_some_and(|p| p == "*")) {
            let Some(target) = self.absolute(&glob.path, &glob.module, at) else {
                continue;
            };
            let target = [&target[..target.len() - 1], rest].concat();
            if let Some((to, Some(found))) = self.locate(&target, steps + 1)
                && self.defines[to].contains(&found)
            {
                return Some((to, Some(found)));
            }
        }
        Some((at, Some(name.clone())))
    }
}

impl Use {
    fn name(&self) -> Option<&str> {
        let last = self.path.last().filter(|p| *p != "*")?;
        Some(self.alias.as_deref().unwrap_or(last))
    }
}

/// Module path of a file below `src/<crate>`: `index/run.rs` is `index::run`, `mod.rs` and `lib.rs` are their folder's.
fn module_of(source: &Source) -> Vec<String> {
    let mut parts: Vec<String> = source.place().split('/').skip(1).map(str::to_owned).collect();
    if parts.last().is_some_and(|last| last == "mod" || last == "lib") {
        parts.pop();
    }
    parts
}

/// (from, to, path below the file's module) of each inline module.
fn inline_modules(code: &str) -> Vec<(usize, usize, Vec<String>)> {
    let mut found: Vec<(usize, usize, Vec<String>)> = Vec::new();
    for (at, _) in code.match_indices("mod ") {
        let name: String = code[at + 4..].chars().take_while(|c| is_ident(*c)).collect();
        let after = at + 4 + name.len();
        if code[..at].ends_with(is_ident) || !code[after..].trim_start().starts_with('{') {
            continue;
        }
        let end = brace_end(code, after + code[after..].find('{').unwrap_or(0));
        let outer = found.iter().rev().find(|(from, to, _)| *from < at && at < *to);
        let mut path = outer.map(|(_, _, path)| path.clone()).unwrap_or_default();
        path.push(name);
        found.push((at, end, path));
    }
    found
}

fn module_at(source: &Source, inline: &[(usize, usize, Vec<String>)], at: usize) -> Vec<String> {
    let inner = inline.iter().rev().find(|(from, to, _)| *from < at && at < *to);
    [
        module_of(source),
        inner.map(|(_, _, path)| path.clone()).unwrap_or_default(),
    ]
    .concat()
}

/// (from, to) of each `use … ;`, from its visibility on.
fn use_spans(code: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("use ") {
        let start = code[..at].rfind([';', '{', '}', ']']).map_or(0, |i| i + 1);
        let before = code[start..at].trim();
        if before.is_empty() || before == "pub" || (before.starts_with("pub(") && before.ends_with(')')) {
            found.push((start, code[at..].find(';').map_or(code.len(), |i| at + i)));
        }
    }
    found
}

fn uses_of(source: &Source) -> Vec<Use> {
    let inline = inline_modules(&source.live);
    let mut found = Vec::new();
    for (from, to) in use_spans(&source.live) {
        let text = source.live[from..to].trim();
        let Some((visibility, tree)) = text.split_once("use ") else {
            continue;
        };
        let mut leaves = Vec::new();
        leaves_of(&[], tree.trim(), &mut leaves);
        for (path, alias) in leaves {
            found.push(Use {
                module: module_at(source, &inline, from + 1),
                path,
                alias,
                handed_on: visibility.starts_with("pub"),
            });
        }
    }
    found
}

/// The paths of a `use` tree, each with its `as` name.
fn leaves_of(prefix: &[String], tree: &str, found: &mut Vec<(Vec<String>, Option<String>)>) {
    let segments = |text: &str| -> Vec<String> {
        let parts = text.split("::").map(str::trim).filter(|s| !s.is_empty());
        prefix.iter().cloned().chain(parts.map(str::to_owned)).collect()
    };
    if let Some((head, inner)) = tree.split_once('{') {
        let inner = inner.trim_end().strip_suffix('}').unwrap_or(inner);
        let (mut depth, mut from) = (0_usize, 0);
        let ends = inner.char_indices().chain([(inner.len(), ',')]);
        for (at, c) in ends {
            match c {
                '{' => depth += 1,
                '}' => depth = depth.saturating_sub(1),
                ',' if depth == 0 => {
                    let part = inner[from..at].trim();
                    if !part.is_empty() {
                        leaves_of(&segments(head), part, found);
                    }
                    from = at + 1;
                }
                _ => {}
            }
        }
        return;
    }
    let (path, alias) = tree.split_once(" as ").unwrap_or((tree, ""));
    let mut path = segments(path);
    if path.len() > 1 && path.last().is_some_and(|p| p == "self") {
        path.pop();
    }
    found.push((path, (!alias.is_empty()).then(|| alias.trim().to_owned())));
}

/// Each path of two or more names outside `use`, with the module that it is written in.
fn paths_of(source: &Source) -> Vec<(Vec<String>, Vec<String>)> {
    let inline = inline_modules(&source.live);
    let mut code = source.live.clone();
    for (from, to) in use_spans(&source.live) {
        code.replace_range(from..to, &" ".repeat(to - from));
    }
    let mut found = Vec::new();
    let mut rest = 0;
    while let Some(colons) = code[rest..].find("::").map(|i| rest + i) {
        let start = code[..colons].rfind(|c| !is_ident(c)).map_or(0, |i| i + 1);
        let mut end = colons;
        while code[end..].starts_with("::") && code[end + 2..].starts_with(is_ident) {
            end += 2;
            end += code[end..].find(|c| !is_ident(c)).unwrap_or(code.len() - end);
        }
        rest = end.max(colons + 2);
        let path: Vec<String> = idents(&code[start..end]).map(str::to_owned).collect();
        let before = &code[..start];
        if path.len() > 1 && !before.ends_with([':', '.']) && !before.ends_with("pub(in ") {
            found.push((path, module_at(source, &inline, start)));
        }
    }
    found
}

/// Sets of two or more files that import each other in a loop, the largest first.
pub(crate) fn circles(files: usize, imports: &[Import]) -> Vec<Vec<usize>> {
    let mut next = vec![Vec::new(); files];
    for import in imports {
        next[import.from].push(import.to);
    }
    let mut walk = Tarjan {
        next: &next,
        order: vec![None; files],
        low: vec![0; files],
        open: Vec::new(),
        count: 0,
        found: Vec::new(),
    };
    for file in 0..files {
        if walk.order[file].is_none() {
            walk.visit(file);
        }
    }
    walk.found
        .sort_by_key(|circle| (usize::MAX - circle.len(), circle.first().copied()));
    walk.found
}

/// Strongly connected components, by Tarjan.
struct Tarjan<'a> {
    next: &'a [Vec<usize>],
    order: Vec<Option<usize>>,
    low: Vec<usize>,
    open: Vec<usize>,
    count: usize,
    found: Vec<Vec<usize>>,
}

impl Tarjan<'_> {
    fn visit(&mut self, file: usize) {
        self.order[file] = Some(self.count);
        self.low[file] = self.count;
        self.count += 1;
        self.open.push(file);
        for &to in &self.next[file] {
            match self.order[to] {
                None => {
                    self.visit(to);
                    self.low[file] = self.low[file].min(self.low[to]);
                }
                Some(order) if self.open.contains(&to) => self.low[file] = self.low[file].min(order),
                Some(_) => {}
            }
        }
        if Some(self.low[file]) == self.order[file]
            && let Some(at) = self.open.iter().position(|open| *open == file)
        {
            let mut circle = self.open.split_off(at);
            circle.sort_unstable();
            if circle.len() > 1 {
                self.found.push(circle);
            }
        }
    }
}

#[test]
fn imports_are_followed_to_the_file_that_defines_the_name() {
    let example = [
        ("src/x/lib.rs", "mod a;\npub mod b;\nmod deep;\npub use a::Alpha;\npub use deep::*;\npub struct Root;\nfn f(_: b::Beta) {}"),
        ("src/x/a.rs", "use super::b::{Beta, self as other};\nuse crate::Delta;\npub struct Alpha(Beta);\nfn g() { other::make(); }"),
        ("src/x/b.rs", "pub struct Beta;\npub fn make() { crate::deep::inner::go(); }\n#[cfg(test)]\nmod tests { use crate::Root; }"),
        ("src/x/deep/mod.rs", "pub mod inner;\npub use inner::Delta;"),
        ("src/x/deep/inner.rs", "pub(in crate::deep) struct Delta;\npub fn go() { let _ = crate::Alpha::new(); std::mem::drop(super::super::Root); }"),
    ]
    .map(|(path, text)| Source::example(path, text));
    let files: Vec<&Source> = example.iter().collect();
    let found = imports(&files);
    let shown: Vec<(usize, usize, &str)> = found.iter().map(|i| (i.from, i.to, i.name.as_str())).collect();
    let expected = [
        (0, 2, "Beta"),
        (1, 2, "Beta"),
        (1, 2, "make"),
        (1, 4, "Delta"),
        (2, 4, "go"),
        (4, 0, "Root"),
        (4, 1, "Alpha"),
    ];
    assert_eq!(shown, expected);
    assert_eq!(circles(files.len(), &found), [vec![0, 1, 2, 4]]);
}

#[test]
fn a_folder_that_only_hands_names_on_is_in_no_circle() {
    let example = [
        ("src/x/mod.rs", "mod a;\nmod b;\npub use a::A;\npub use b::B;"),
        ("src/x/a.rs", "pub struct A(super::B);"),
        ("src/x/b.rs", "pub struct B;"),
    ]
    .map(|(path, text)| Source::example(path, text));
    let files: Vec<&Source> = example.iter().collect();
    let found = imports(&files);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(circles(files.len(), &found).is_empty());
}
