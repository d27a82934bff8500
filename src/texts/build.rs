//! Lists the files of `config/texts`: a new file needs no line in the code.

#![allow(clippy::print_stdout, reason = "cargo reads what a build script prints")]

use std::{
    env,
    error::Error,
    fs,
    path::{Path, PathBuf},
};

fn main() -> Result<(), Box<dyn Error>> {
    let texts = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../../config/texts");
    println!("cargo::rerun-if-changed={}", texts.display());
    let (files, capabilities) = (names(&texts.join("zh"))?, names(&texts.join("zh/capabilities"))?);
    let list = format!("files! {{ [{files}] [{capabilities}] }}\n");
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("files.rs"), list)?;
    Ok(())
}

/// The names of the TOML files of a folder, as literals, in order; none if there is no such folder.
fn names(folder: &Path) -> Result<String, Box<dyn Error>> {
    let mut names = Vec::new();
    if folder.is_dir() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|end| end == "toml") {
                names.extend(path.file_stem().map(|name| format!("{:?}", name.to_string_lossy())));
            }
        }
    }
    names.sort();
    Ok(names.join(" "))
}
