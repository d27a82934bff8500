//! How files lie in folders, and which circles their imports make.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::imports::{Import, circles, imports};
use super::law::hold;
use super::source::{Source, sources};

const CIRCLE_FILES_MAX: usize = 4;
const FOLDER_FILES_MAX: usize = 20;

/// One circle: its files as they are shown, and the imports that tie it.
pub(crate) struct Circle {
    pub files: Vec<String>,
    folders: usize,
    ties: Vec<String>,
}

/// Every circle, crate by crate, the largest first.
pub(crate) fn all_circles(sources: &[Source]) -> Vec<Circle> {
    let mut crates: BTreeMap<&str, Vec<&Source>> = BTreeMap::new();
    for source in sources.iter().filter(|s| s.place().contains('/')) {
        crates.entry(&source.layer).or_default().push(source);
    }
    let mut found = Vec::new();
    for files in crates.values() {
        let imports = imports(files);
        found.extend(
            circles(files.len(), &imports)
                .iter()
                .map(|circle| shown(files, circle, &imports)),
        );
    }
    found.sort_by_key(|circle: &Circle| usize::MAX - circle.files.len());
    found
}

fn shown(files: &[&Source], circle: &[usize], imports: &[Import]) -> Circle {
    let mut ties: BTreeMap<(usize, usize), Vec<&str>> = BTreeMap::new();
    for import in imports
        .iter()
        .filter(|i| circle.contains(&i.from) && circle.contains(&i.to))
    {
        ties.entry((import.from, import.to)).or_default().push(&import.name);
    }
    let folders: BTreeSet<_> = circle.iter().map(|at| files[*at].path.parent()).collect();
    Circle {
        files: circle.iter().map(|at| files[*at].shown()).collect(),
        folders: folders.len(),
        ties: ties
            .iter()
            .map(|((from, to), names)| {
                format!(
                    "{} -> {}: {}",
                    files[*from].shown(),
                    files[*to].shown(),
                    names.join(", ")
                )
            })
            .collect(),
    }
}

/// `.rs` files directly in each folder below `src`.
pub(crate) fn folders(sources: &[Source]) -> BTreeMap<PathBuf, usize> {
    let mut found = BTreeMap::new();
    for folder in sources.iter().filter_map(|s| s.path.parent()) {
        *found.entry(folder.to_owned()).or_default() += 1;
    }
    found
}

fn circle_faults(sources: &[Source]) -> Vec<String> {
    let too_wide = |c: &&Circle| c.files.len() > CIRCLE_FILES_MAX || c.folders > 1;
    let faults = all_circles(sources);
    faults
        .iter()
        .filter(too_wide)
        .map(|c| {
            format!(
                "{} files in {} folders:\n    {}",
                c.files.len(),
                c.folders,
                c.ties.join("\n    ")
            )
        })
        .collect()
}

fn folder_faults(sources: &[Source]) -> Vec<String> {
    let full = folders(sources)
        .into_iter()
        .filter(|(_, files)| *files > FOLDER_FILES_MAX);
    full.map(|(folder, files)| format!("{}: {files} files, at most {FOLDER_FILES_MAX}", folder.display()))
        .collect()
}

fn app_faults(sources: &[Source]) -> Vec<String> {
    let loose = sources.iter().filter(|s| {
        let place = s.place();
        place != "app/lib" && place.strip_prefix("app/").is_some_and(|below| !below.contains('/'))
    });
    loose.map(|s| format!("{}: move it into a folder", s.shown())).collect()
}

#[test]
fn a_circle_of_imports_is_small_and_in_one_folder() {
    hold(
        "a circle of imports is small and in one folder",
        &circle_faults(sources()),
    );
}

#[test]
fn a_folder_holds_few_files() {
    hold("a folder holds few files", &folder_faults(sources()));
}

#[test]
fn app_has_folders_only() {
    hold("app has folders only", &app_faults(sources()));
}

#[test]
fn the_laws_of_layout_see_what_they_should() {
    let chain = |n: usize| {
        Source::example(
            &format!("src/x/f{n}.rs"),
            &format!("pub struct T{n};\nuse super::f{}::T{};", (n + 1) % 5, (n + 1) % 5),
        )
    };
    let mut house: Vec<Source> = (0..5).map(chain).collect();
    house.push(Source::example("src/y/a.rs", "pub struct A(super::deep::b::B);"));
    house.push(Source::example("src/y/deep/b.rs", "pub struct B(crate::a::A);"));
    house.push(Source::example("src/z/a.rs", "pub struct A(super::b::B);"));
    house.push(Source::example("src/z/b.rs", "pub struct B(super::a::A);"));
    let faults = circle_faults(&house);
    assert_eq!(faults.len(), 2, "{faults:?}");
    assert!(faults[0].starts_with("5 files in 1 folders:\n    src/x/f0.rs -> src/x/f1.rs: T1"));
    assert!(faults[1].starts_with("2 files in 2 folders:"));
    assert!(folder_faults(&house).is_empty());
    house.extend((0..21).map(|n| Source::example(&format!("src/w/f{n}.rs"), "")));
    assert_eq!(folder_faults(&house).len(), 1);
    house.push(Source::example("src/app/lib.rs", ""));
    house.push(Source::example("src/app/node/hub.rs", ""));
    house.push(Source::example("src/app/verify.rs", ""));
    assert_eq!(app_faults(&house), ["src/app/verify.rs: move it into a folder"]);
}
