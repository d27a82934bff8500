//! The service items that ship are whole: codes, datasets, fields and templates.
//! It reads `config/items` as a user's file would be read, not what the build compiled in.

use std::collections::HashSet;
use std::path::Path;

use heyan::demo::city::{City, Sizes};
use toml::Value;

const DATASETS: [(&str, &[&str]); 4] = [
    (
        "natural-person",
        &[
            "id_number",
            "name",
            "sex",
            "ethnicity",
            "birth_date",
            "domicile_address",
            "status",
        ],
    ),
    (
        "legal-entity",
        &[
            "uscc",
            "name",
            "established_on",
            "registered_capital",
            "address",
            "status",
        ],
    ),
    (
        "e-licence",
        &[
            "licence_id",
            "type_name",
            "licence_no",
            "holder_name",
            "holder_id",
            "valid_from",
            "valid_until",
            "status",
            "file_sha256",
        ],
    ),
    (
        "real-estate",
        &[
            "certificate_no",
            "owner_name",
            "owner_id",
            "location",
            "area_m2",
            "usage",
            "mortgaged",
        ],
    ),
];

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value
        .get(key)
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("{key} is missing"))
}

/// Type, number on the face and holder: nobody knows the identifier of a licence.
const LICENCE_KEY: [&str; 3] = ["holder_id", "licence_no", "type_name"];

/// The literals of a claim, or of a member of a subject.
fn literals(value: &Value) -> Vec<&str> {
    let operands = value.get("value").unwrap_or(value);
    match operands.as_array() {
        Some(several) => several.iter().map(|one| one.as_str().unwrap()).collect(),
        None => vec![operands.as_str().unwrap()],
    }
}

fn check_material(material: &Value, types: &HashSet<&str>) {
    if let Some(reason) = material.get("not_verifiable") {
        assert!(!text(reason, "zh").is_empty() && !text(reason, "en").is_empty() && material.get("dataset").is_none());
        return;
    }
    let dataset = text(material, "dataset");
    let (_, fields) = DATASETS.iter().find(|(name, _)| *name == dataset).unwrap();
    let subject = material["subject"].as_table().unwrap();
    let mut members: Vec<&str> = subject.keys().map(String::as_str).collect();
    members.sort_unstable();
    let wanted = if dataset == "e-licence" {
        &LICENCE_KEY
    } else {
        &fields[..1]
    };
    assert_eq!(members, wanted);
    let claims = material["claims"].as_table().unwrap();
    for (field, value) in subject.iter().chain(claims) {
        assert!(fields.contains(&field.as_str()), "{field}");
        for literal in literals(value) {
            if let Some(template) = literal.strip_prefix('$') {
                let known = ["applicant.", "material.", "materials.", "today", "day."]
                    .iter()
                    .any(|start| template.starts_with(start));
                assert!(known, "{literal}");
            } else if field == "type_name" {
                assert!(types.contains(literal), "{literal}");
            }
        }
    }
    check_conditions(material, claims);
}

/// What the item itself demands is told in words.
fn check_conditions(material: &Value, claims: &toml::map::Map<String, Value>) {
    let is_declared = |text: &&str| {
        ["$applicant.", "$material.", "$materials."]
            .iter()
            .any(|start| text.starts_with(start))
    };
    for (field, value) in claims {
        if literals(value).iter().any(is_declared) {
            continue;
        }
        let words = material.get("conditions").and_then(|all| all.get(field));
        let words = words.unwrap_or_else(|| panic!("{} has no words for {field}", text(material, "id")));
        assert!(!text(words, "zh").is_empty() && !text(words, "en").is_empty());
    }
}

#[test]
fn every_item_has_a_code_of_its_agency_and_materials_that_a_dataset_can_prove() {
    let city = City::new(1, Sizes::for_persons(10));
    let types: HashSet<&str> = city.licence_types().iter().map(|kind| kind.name).collect();
    let (mut codes, mut materials) = (HashSet::new(), 0);
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("config/items")).unwrap() {
        let path = entry.unwrap().path();
        let file: Value = toml::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let slug = path.file_stem().unwrap().to_str().unwrap();
        let agency = city.agencies().iter().find(|agency| agency.slug == slug).unwrap();
        assert_eq!(text(&file["agency"], "code"), agency.credit_code);
        assert_eq!(text(&file["agency"], "name"), agency.name);
        assert_eq!(text(&file["agency"], "name_en"), agency.name_en);
        for item in file["item"].as_array().unwrap() {
            let code = text(item, "code");
            assert!(code.len() == 31 && code.starts_with(agency.credit_code) && codes.insert(code.to_owned()));
            assert!(!text(item, "name").is_empty() && !text(item, "name_en").is_empty());
            assert!(["person", "firm", "either"].contains(&text(item, "applicant")));
            assert!(
                item["limit_days"]
                    .as_integer()
                    .is_some_and(|days| (1..=30).contains(&days))
            );
            for basis in item["legal_basis"].as_array().unwrap() {
                assert!(text(basis, "zh").starts_with('《') && !text(basis, "en").is_empty());
            }
            let mut ids = HashSet::new();
            for material in item["material"].as_array().unwrap() {
                assert!(ids.insert(text(material, "id").to_owned()));
                check_material(material, &types);
                materials += 1;
            }
        }
    }
    assert!(codes.len() >= 25 && materials >= 50, "{} {materials}", codes.len());
}
