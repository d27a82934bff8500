//! Lists the steps of `schemas/sql`: a new one needs no line in the code.

#![allow(clippy::print_stdout, reason = "cargo reads what a build script prints")]

use std::{env, error::Error, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../../schemas/sql/sqlite");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut steps = Vec::new();
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "sql") {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let (version, _) = name.split_once('_').ok_or("a step is named NNNN_what.sql")?;
            steps.push((version.parse::<u32>()?, name));
        }
    }
    steps.sort();
    let steps: Vec<String> = steps
        .iter()
        .map(|(version, name)| format!("{version} {name:?};"))
        .collect();
    let list = format!("migrations! {{ {} }}\n", steps.join(" "));
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("migrations.rs"), list)?;
    Ok(())
}
