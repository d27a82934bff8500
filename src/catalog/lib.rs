//! The catalogue: what datasets there are, compiled once at start from `schemas/datasets/*.json`.
//! A new dataset is a new file: nothing here or elsewhere names one.

#![cfg_attr(
    test,
    allow(
        clippy::string_slice,
        clippy::disallowed_methods,
        reason = "a test stops at the first surprise"
    )
)]

mod compile;
mod dataset;
mod events;
mod intake;
pub mod item;
mod licence;
pub mod supervision;

use std::{collections::HashMap, path::Path, sync::Arc};

pub use compile::CatalogError;
pub use dataset::{Dataset, DatasetAuthority, Field, GuessRule, ParsedSubject, SubjectMember};
pub use events::{EventSchemas, schema_texts};
pub use intake::{CONTROL, IntakeFinding, IntakeRule, NumberPart};
pub use licence::{LicenceFieldRole, LicenceRules};

pub use heyan_domain::label::BilingualLabel;

use heyan_domain::division::HomeCity;

/// The datasets that ship, embedded so that the binary starts with nothing else installed.
const SHIPPED: [(&str, &str); 4] = [
    (
        "natural-person.json",
        include_str!("../../schemas/datasets/natural-person.json"),
    ),
    (
        "legal-entity.json",
        include_str!("../../schemas/datasets/legal-entity.json"),
    ),
    ("e-licence.json", include_str!("../../schemas/datasets/e-licence.json")),
    (
        "real-estate.json",
        include_str!("../../schemas/datasets/real-estate.json"),
    ),
];

/// Every dataset of the hub.
pub struct Catalog {
    datasets: Box<[Arc<Dataset>]>,
    numbers: HashMap<Arc<str>, usize, ahash::RandomState>,
    /// Payloads of the bus.
    pub events: EventSchemas,
}

impl Catalog {
    /// One dataset, of the text of its file.
    ///
    /// # Errors
    /// As [`Catalog::load`].
    pub fn dataset_of(name: &str, text: &str) -> Result<Dataset, CatalogError> {
        compile::compile(name, text, 0)
    }

    /// The datasets that ship, and those of `folder`; a file there with the name of a shipped dataset replaces it.
    ///
    /// # Errors
    /// A file that cannot be read, is no JSON Schema, or whose `x-heyan` keywords are wrong; the error names the file
    /// and the place.
    pub fn load(folder: Option<&Path>) -> Result<Self, CatalogError> {
        Self::load_at_home(folder, None)
    }

    /// [`Catalog::load`] for a hub whose addresses may leave out its home city.
    ///
    /// # Errors
    /// As [`Catalog::load`].
    pub fn load_at_home(folder: Option<&Path>, home: Option<HomeCity>) -> Result<Self, CatalogError> {
        let home = home.map(Arc::new);
        let mut files: Vec<(String, String)> = SHIPPED
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
            .collect();
        for (name, text) in folder
            .map(|folder| read_folder(folder, "json"))
            .transpose()?
            .unwrap_or_default()
        {
            match files.iter_mut().find(|(shipped, _)| *shipped == name) {
                Some(file) => file.1 = text,
                None => files.push((name, text)),
            }
        }
        let mut datasets = Vec::with_capacity(files.len());
        let mut numbers = HashMap::default();
        for (name, text) in &files {
            let number = u16::try_from(datasets.len())
                .map_err(|_too_many| CatalogError::in_file(name, "", "more datasets than 65,535"))?;
            let mut dataset = compile::compile(name, text, number)?;
            for field in &mut dataset.fields {
                field.comparator = field.comparator.clone().at_home(home.as_ref());
            }
            if numbers.insert(Arc::clone(&dataset.name), datasets.len()).is_some() {
                return Err(CatalogError::in_file(
                    name,
                    "/x-heyan/dataset",
                    "another file has the same dataset name",
                ));
            }
            datasets.push(Arc::new(dataset));
        }
        Ok(Self {
            datasets: datasets.into(),
            numbers,
            events: EventSchemas::shipped()?,
        })
    }

    /// The dataset of a name.
    pub fn get(&self, name: &str) -> Option<&Arc<Dataset>> {
        self.numbers.get(name).and_then(|number| self.datasets.get(*number))
    }

    /// The dataset of a number of this run; numbers are not kept from run to run.
    pub fn by_number(&self, number: u16) -> Option<&Arc<Dataset>> {
        self.datasets.get(usize::from(number))
    }

    /// The first dataset of licences: the one that is meant where none is named.
    pub fn licences(&self) -> Option<&Arc<Dataset>> {
        self.datasets.iter().find(|dataset| dataset.licence.is_some())
    }

    /// Every dataset, shipped ones first.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Dataset>> {
        self.datasets.iter()
    }
}

/// The files of `folder` with an extension, by name.
fn read_folder(folder: &Path, extension: &str) -> Result<Vec<(String, String)>, CatalogError> {
    let entries = std::fs::read_dir(folder).map_err(|source| CatalogError::read(folder, source))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(|source| CatalogError::read(folder, source))?.path();
        if path.extension().is_some_and(|found| found == extension) {
            let text = std::fs::read_to_string(&path).map_err(|source| CatalogError::read(&path, source))?;
            let name = path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default();
            files.push((name, text));
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use heyan_domain::{compare::FieldComparator, identifier::IdentifierKind, mask::FieldMask};

    use super::*;

    #[test]
    fn the_shipped_datasets_compile_and_have_the_fields_of_the_contract() {
        let catalog = Catalog::load(None).unwrap();
        let names: Vec<_> = catalog.iter().map(|dataset| dataset.name.to_string()).collect();
        assert_eq!(names, ["natural-person", "legal-entity", "e-licence", "real-estate"]);
        let person = catalog.get("natural-person").unwrap();
        let fields: Vec<_> = person.fields.iter().map(|field| &*field.name).collect();
        assert_eq!(
            fields,
            ["name", "sex", "ethnicity", "birth_date", "domicile_address", "status"]
        );
        assert_eq!(&*person.rules, "natural-person@2");
    }

    #[test]
    fn a_revision_names_the_fields_of_the_answers_before_it() {
        let catalog = Catalog::load(None).unwrap();
        let person = catalog.get("natural-person").unwrap();
        for (rules, shared) in [
            ("natural-person@2", true),
            ("natural-person@1", true),
            ("natural-person@0", false),
            ("natural-person@3", false),
            ("legal-entity@1", false),
            ("natural-person", false),
        ] {
            assert_eq!(person.shares_fields(rules), shared, "{rules}");
        }
        let text = SHIPPED[0].1.replace("\"fields_since\": 1", "\"fields_since\": 3");
        let error = compile::compile("natural-person.json", &text, 0)
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains("/x-heyan/fields_since"), "{error}");
    }

    #[test]
    fn a_status_says_whether_the_subject_still_lives_or_holds() {
        let catalog = Catalog::load(None).unwrap();
        for (dataset, value, inactive) in [
            ("natural-person", "正常", false),
            ("natural-person", "02", true),
            ("natural-person", "死亡注销", true),
            ("natural-person", "不详", false),
            ("legal-entity", "存续（在营、开业、在册）", false),
            ("legal-entity", "吊销，已注销", true),
            ("e-licence", "01", false),
            ("e-licence", "过期", true),
        ] {
            let dataset = catalog.get(dataset).unwrap();
            let status = dataset.field(dataset.field_number("status").unwrap()).unwrap();
            assert_eq!(
                status.says_inactive(&status.comparator.canonical(value)),
                inactive,
                "{value}"
            );
        }
    }

    #[test]
    fn a_birth_that_is_still_to_come_is_noticed() {
        let catalog = Catalog::load(None).unwrap();
        let person = catalog.get("natural-person").unwrap();
        let subject = person
            .parse_subject(|_only| Some("340202200101010012"))
            .unwrap_or_else(|_| panic!("a number"));
        let on = |year| person.finding_on(&subject, || jiff::civil::date(year, 12, 30));
        assert_eq!(
            on(2000),
            Some(heyan_domain::identifier::IdentifierFinding::DateInFuture)
        );
        assert_eq!(on(2001), None);
    }

    #[test]
    fn a_record_is_checked_without_naming_its_values() {
        let catalog = Catalog::load(None).unwrap();
        let person = catalog.get("natural-person").unwrap();
        let record = serde_json::json!({"subject":{"id_number":"x"},"fields":{"name":7,"nick":"secret"}});
        let faults = person.check(&record);
        assert!(
            faults
                .iter()
                .any(|fault| fault.pointer == "/fields/name" && fault.code == "invalid_type")
        );
        assert!(faults.iter().any(|fault| fault.code == "unknown_member"));
        assert!(!format!("{faults:?}").contains("secret"));
    }

    #[test]
    fn a_fifth_dataset_needs_only_a_file() {
        let folder = std::env::temp_dir().join(format!("heyan-catalog-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let schema = serde_json::json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
            "x-heyan": {"dataset": "marriage", "revision": 3, "title": {"zh": "婚姻登记", "en": "Marriages"},
                "sharing": "withheld", "legal_basis": "《民法典》第一千零四十九条",
                "authority": {"name": {"zh": "民政局", "en": "Civil Affairs"}, "credit_code": "113402000030150561"},
                "update_cycle": "P1D", "freshness_s": 3600, "settle_window_days": 30, "correction_due_working_days": 10},
            "required": ["subject", "fields"], "additionalProperties": false,
            "properties": {
                "subject": {"type": "object", "required": ["certificate_no"], "additionalProperties": false,
                    "properties": {"certificate_no": {"type": "string", "x-heyan":
                        {"label": {"zh": "结婚证字号", "en": "Certificate"}, "identifier": "document_number", "mask": "none"}}}},
                "fields": {"type": "object", "additionalProperties": false, "properties": {
                    "registered_on": {"type": "string", "x-heyan":
                        {"label": {"zh": "登记日期", "en": "Date"}, "comparator": "date", "mask": "none"}}}}}
        });
        std::fs::write(folder.join("marriage.json"), schema.to_string()).unwrap();
        let catalog = Catalog::load(Some(&folder)).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(catalog.iter().count(), 5);
        assert_eq!(&*catalog.get("marriage").unwrap().rules, "marriage@3");
    }

    #[test]
    fn the_how_to_page_has_a_file_that_compiles_and_lists_every_word() {
        let page = include_str!("../../docs/develop/add-a-dataset.md");
        let example = page.split("```json\n").nth(1).and_then(|rest| rest.split("```").next());
        let dataset = compile::compile("marriage.json", example.unwrap(), 0).unwrap();
        assert_eq!(&*dataset.rules, "marriage@1");
        let comparators = FieldComparator::NAMES.into_iter();
        let words = comparators
            .chain(IdentifierKind::ALL.map(IdentifierKind::as_str))
            .chain(FieldMask::ALL.map(FieldMask::as_str));
        for word in words {
            assert!(page.contains(&format!("\n| `{word}` |")), "no row for {word}");
        }
    }

    #[test]
    fn the_home_city_reaches_the_comparators_of_addresses() {
        let verdict = |home: Option<HomeCity>| {
            let catalog = Catalog::load_at_home(None, home).unwrap();
            let person = catalog.get("natural-person").unwrap();
            let address = person.field(person.field_number("domicile_address").unwrap()).unwrap();
            let record = address.comparator.canonical("安徽省芜湖市北京中路2号");
            address.comparator.compare("北京中路2号", &record).as_str()
        };
        assert_eq!(verdict(None), "review");
        assert_eq!(verdict(HomeCity::parse("芜湖市")), "match");
        assert_eq!(verdict(HomeCity::parse("合肥市")), "review");
    }

    #[test]
    fn a_licence_whose_roles_do_not_fit_is_refused_at_its_place() {
        let licences = SHIPPED[2].1;
        let fields = ["type_name", "licence_no", "holder_id"];
        let catalog = Catalog::load(None).unwrap();
        let dataset = catalog.licences().unwrap();
        let licence = dataset.licence.as_ref().unwrap();
        let names: Vec<_> = licence.key.iter().map(|n| &*dataset.field(*n).unwrap().name).collect();
        assert_eq!(names, fields);
        assert_eq!(dataset.field_number("status"), licence.field(LicenceFieldRole::Status));
        for (from, to, place) in [
            ("\"role\": \"valid_from\"", "\"role\": \"valid_until\"", "another field"),
            ("\"role\": \"status\"", "\"role\": \"file_sha256\"", "does not fit"),
            (
                "\"vocabulary\": \"housing\"",
                "\"vocabulary\": \"none\"",
                "/x-heyan/licence/vocabulary",
            ),
            ("\"holder_id\"\n      ]", "\"holder\"\n      ]", "/x-heyan/licence/key"),
            ("\"role\": \"status\",", "", "needs fields"),
        ] {
            let text = licences.replacen(from, to, 1);
            assert_ne!(text, licences, "{from}");
            let error = compile::compile("e-licence.json", &text, 0).err().unwrap().to_string();
            assert!(error.contains(place), "{error}");
        }
    }

    #[test]
    fn a_wrong_keyword_names_its_file_and_place() {
        let folder = std::env::temp_dir().join(format!("heyan-catalog-bad-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let text = SHIPPED[0]
            .1
            .replace("\"comparator\": \"person_name\"", "\"comparator\": \"persn_name\"");
        std::fs::write(folder.join("natural-person.json"), text).unwrap();
        let error = Catalog::load(Some(&folder)).err().unwrap().to_string();
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(
            error.contains("natural-person.json") && error.contains("/properties/fields/properties/name"),
            "{error}"
        );
    }
}
