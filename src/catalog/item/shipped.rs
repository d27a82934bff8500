//! The items that ship, and those of a folder: TOML, one file an agency. A file there with the name of a shipped one replaces it.

use std::path::Path;

use serde::Deserialize;

use super::{ItemSpec, ServiceItem, compile};
use crate::{Catalog, CatalogError};

macro_rules! shipped {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../../../config/items/", $name)))),*]
    };
}

/// Compiled in, so that the binary starts with nothing else installed.
const SHIPPED: [(&str, &str); 14] = shipped![
    "civil.toml",
    "disabled.toml",
    "ecology.toml",
    "education.toml",
    "emergency.toml",
    "fund.toml",
    "health.toml",
    "housing.toml",
    "hrss.toml",
    "land.toml",
    "market.toml",
    "medins.toml",
    "police.toml",
    "transport.toml",
];

/// A file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileSpec {
    agency: AgencySpec,
    item: Vec<ItemSpec>,
}

/// Whose items they are.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AgencySpec {
    code: String,
    name: String,
    name_en: Option<String>,
}

/// The shipped items, and those of `folder`.
///
/// # Errors
/// A file that cannot be read, has an unknown key, or names a register or field that there is not; the error names file and place.
pub fn load(folder: Option<&Path>, catalog: &Catalog) -> Result<Vec<ServiceItem>, CatalogError> {
    let mut files: Vec<(String, String)> = SHIPPED
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect();
    let more = folder.map(|folder| crate::read_folder(folder, "toml")).transpose()?;
    for (name, text) in more.unwrap_or_default() {
        match files.iter_mut().find(|(shipped, _)| *shipped == name) {
            Some(file) => file.1 = text,
            None => files.push((name, text)),
        }
    }
    let mut items: Vec<ServiceItem> = Vec::new();
    for (name, text) in &files {
        for (place, spec) in read(name, text)?.into_iter().enumerate() {
            let item = compile(spec, catalog).map_err(|faults| {
                let fault = faults.first();
                let pointer = fault.map_or("", |fault| fault.pointer.as_str());
                let code = fault.map_or("invalid", |fault| fault.code);
                CatalogError::in_file(name, &format!("/item/{place}{pointer}"), code)
            })?;
            if items.iter().any(|known| known.spec.code == item.spec.code) {
                let pointer = format!("/item/{place}/code");
                return Err(CatalogError::in_file(name, &pointer, "another item has the same code"));
            }
            items.push(item);
        }
    }
    Ok(items)
}

/// The items of one file, each with its agency.
fn read(name: &str, text: &str) -> Result<Vec<ItemSpec>, CatalogError> {
    let read: Result<FileSpec, _> = serde_path_to_error::deserialize(toml::Deserializer::new(text));
    let file = read.map_err(|error| {
        let place = error.path().to_string().replace(['.', '['], "/").replace(']', "");
        let reason = error.inner().message().to_owned();
        CatalogError::in_file(name, &format!("/{place}"), reason)
    })?;
    let AgencySpec { code, name, name_en } = file.agency;
    let with_agency = |item: ItemSpec| ItemSpec {
        agency_code: Some(item.agency_code.unwrap_or_else(|| code.clone())),
        agency_name: Some(item.agency_name.unwrap_or_else(|| name.clone())),
        agency_name_en: item.agency_name_en.or_else(|| name_en.clone()),
        ..item
    };
    Ok(file.item.into_iter().map(with_agency).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_items_compile_and_each_has_a_code_of_its_own() {
        let catalog = Catalog::load(None).unwrap();
        let items = load(None, &catalog).unwrap();
        assert!(items.len() >= 25);
        assert!(items.iter().all(|item| item.materials.is_some()));
    }

    #[test]
    fn an_unknown_key_or_field_is_refused_with_file_and_place() {
        let catalog = Catalog::load(None).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let text = |key: &str, claims: &str| {
            format!(
                "[agency]\ncode = \"1\"\nname = \"a\"\n[[item]]\ncode = \"c\"\nname = \"n\"\n{key}\n[[item.material]]\nid = \"i\"\nname = \"m\"\ndataset = \"natural-person\"\nsubject = {{ id_number = \"$applicant.id_number\" }}\nclaims = {{ {claims} }}\n"
            )
        };
        for (key, claims, words) in [
            (
                "nick = \"x\"",
                "name = \"$applicant.name\"",
                ["/item/0", "unknown field `nick`"],
            ),
            (
                "",
                "nick = \"$applicant.name\"",
                ["/item/0/materials/0/claims/nick", "unknown_field"],
            ),
            (
                "",
                "name = \"$applicant\"",
                ["/item/0/materials/0/claims/name", "invalid_value"],
            ),
            (
                "",
                "name = { op = \"at_least\", value = \"1\" }",
                ["claims/name", "invalid_predicate"],
            ),
        ] {
            std::fs::write(folder.path().join("mine.toml"), text(key, claims)).unwrap();
            let error = load(Some(folder.path()), &catalog).err().unwrap().to_string();
            assert!(error.starts_with("mine.toml"), "{error}");
            assert!(words.iter().all(|word| error.contains(word)), "{error}");
        }
        std::fs::write(folder.path().join("mine.toml"), text("", "name = \"$applicant.name\"")).unwrap();
        let more = load(Some(folder.path()), &catalog).unwrap();
        let ours = more.iter().find(|item| item.spec.code == "c").unwrap();
        assert_eq!(ours.spec.agency_name.as_deref(), Some("a"));
    }

    #[test]
    fn a_file_of_the_same_name_replaces_a_shipped_one() {
        let catalog = Catalog::load(None).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let before = load(None, &catalog).unwrap().len();
        std::fs::write(
            folder.path().join("civil.toml"),
            "item = []\n[agency]\ncode = \"1\"\nname = \"a\"\n",
        )
        .unwrap();
        assert!(load(Some(folder.path()), &catalog).unwrap().len() < before);
    }
}
