//! The vectors and the sample city of the shared folder, when it is there (`HEYAN_SHARED`, else `../shared`).
//! Skipped without it: the same kinds of vectors stand inside the unit tests.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first thing that is not as it should be"
)]

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use heyan::domain::compare::{Canonical, Comparator};
use heyan::domain::identifier::{Finding, IdentifierKind};
use heyan::domain::predicate::Predicate;
use heyan::domain::verdict::{Outcome, Verdict};
use serde_json::{Value, json};

fn shared() -> Option<PathBuf> {
    let root = std::env::var_os("HEYAN_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"),
        PathBuf::from,
    );
    root.join("standards").is_dir().then_some(root)
}

fn rows(path: &Path) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().skip(1).map(cells).collect()
}

/// One CSV line; quotes only around a whole cell.
fn cells(line: &str) -> Vec<String> {
    let (mut out, mut cell, mut quoted) = (Vec::new(), String::new(), false);
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => out.push(std::mem::take(&mut cell)),
            _ => cell.push(c),
        }
    }
    out.push(cell);
    out
}

fn ndjson(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn comparator(name: &str) -> Comparator {
    let money = json!({"units": {"元": "1", "万元": "10000", "亿元": "100000000"}, "ignore": ["人民币"]});
    let (name, options) = match name {
        "capital" => ("amount", money),
        "area" => ("amount", json!({"units": {"平方米": "1", "㎡": "1", "m²": "1"}})),
        "sex" => ("coded", json!({"codes": {"1": ["男", "男性"], "2": ["女", "女性"]}})),
        "ethnicity" => ("coded", json!({"table": "ethnicity"})),
        "mortgaged" => ("coded", json!({"codes": {"1": ["有", "是"], "0": ["无", "否"]}})),
        other => (other, Value::Null),
    };
    Comparator::from_options(name, &options).unwrap()
}

#[test]
fn every_pair_of_the_match_vectors_comes_out_right() {
    let Some(root) = shared() else { return };
    let mut wrong = Vec::new();
    for row in rows(&root.join("standards/match_pairs.csv")) {
        let name = match row[0].as_str() {
            "company" => "organization_name",
            "doc_no" => "document_number",
            "ethnic" => "ethnicity",
            "resident_id" => "resident_number",
            "amount" => "capital",
            other => other,
        };
        let comparator = comparator(name);
        let verdict = comparator.compare(&row[1], &comparator.canonical(&row[2]));
        let word = if row[3] == "variant" { "review" } else { row[3].as_str() };
        if verdict.as_str() != word {
            wrong.push(format!("{row:?}: {verdict:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_identifier_vector_comes_out_right() {
    let Some(root) = shared() else { return };
    let mut wrong = Vec::new();
    for row in rows(&root.join("standards/id_test_vectors.csv")) {
        let kind = match row[1].as_str() {
            "uscc" => IdentifierKind::CreditCode,
            "elicence_id" => IdentifierKind::LicenceIdentifier,
            _ => IdentifierKind::ResidentNumber,
        };
        let parsed = kind.parse(&row[0]);
        let right = match (row[2].split(':').next().unwrap_or_default(), &parsed) {
            ("valid" | "valid_shape" | "valid_letter_prefix", Ok(id)) => {
                !id.findings.contains(&Finding::LicenceCheckCharacter)
            }
            ("upgrades_to", Ok(id)) => row[2].ends_with(&id.canonical) && id.upgraded,
            ("bad_check", Ok(id)) => id.findings.contains(&Finding::LicenceCheckCharacter),
            ("bad_check", Err(error)) => error.code() == "check_character",
            ("bad_length", Err(error)) => error.code() == "length",
            ("bad_alphabet", Err(error)) => error.code() == "alphabet",
            ("invalid_date", Err(error)) => error.code() == "date",
            _ => false,
        };
        if !right {
            wrong.push(format!("{row:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_reference_tables_agree_with_the_shared_ones() {
    let Some(root) = shared() else { return };
    for row in rows(&root.join("standards/pua_fold_gbk.csv")) {
        let from = char::from_u32(u32::from_str_radix(&row[0][2..], 16).unwrap()).unwrap();
        let held = heyan::domain::fold::clean(&row[3]).into_owned();
        assert_eq!(heyan::domain::fold::clean(&from.to_string()), held, "{}", row[0]);
    }
}

struct Dataset {
    subject: &'static str,
    kind: IdentifierKind,
    fields: HashMap<&'static str, Comparator>,
    records: HashMap<String, HashMap<String, Canonical>>,
}

fn dataset(
    root: &Path,
    name: &str,
    subject: &'static str,
    kind: IdentifierKind,
    fields: &[(&'static str, &str)],
) -> Dataset {
    let fields: HashMap<&str, Comparator> = fields.iter().map(|(field, name)| (*field, comparator(name))).collect();
    let mut records = HashMap::new();
    for line in ndjson(&root.join(format!("city/{name}.ndjson"))) {
        let id = kind
            .parse(line["subject"][subject].as_str().unwrap())
            .unwrap_or_else(|_| panic!("a record's subject"));
        let canonical = line["fields"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(field, value)| (field.clone(), fields[field.as_str()].canonical(value.as_str().unwrap())))
            .collect();
        records.insert(id.canonical, canonical);
    }
    Dataset {
        subject,
        kind,
        fields,
        records,
    }
}

/// Dataset, subject, its kind, and each field with its comparator.
type Row = (
    &'static str,
    &'static str,
    IdentifierKind,
    &'static [(&'static str, &'static str)],
);

/// The comparator of every field of the four datasets.
const FIELDS: &[Row] = &[
    (
        "natural-person",
        "id_number",
        IdentifierKind::ResidentNumber,
        &[
            ("name", "person_name"),
            ("sex", "sex"),
            ("ethnicity", "ethnicity"),
            ("birth_date", "date"),
            ("domicile_address", "address"),
            ("status", "text"),
        ],
    ),
    (
        "legal-entity",
        "uscc",
        IdentifierKind::CreditCode,
        &[
            ("name", "organization_name"),
            ("established_on", "date"),
            ("registered_capital", "capital"),
            ("address", "address"),
            ("status", "text"),
        ],
    ),
    (
        "e-licence",
        "licence_id",
        IdentifierKind::LicenceIdentifier,
        &[
            ("type_name", "text"),
            ("licence_no", "document_number"),
            ("holder_name", "party_name"),
            ("holder_id", "party_identifier"),
            ("valid_from", "date"),
            ("valid_until", "date"),
            ("status", "text"),
            ("file_sha256", "digest"),
        ],
    ),
    (
        "real-estate",
        "certificate_no",
        IdentifierKind::DocumentNumber,
        &[
            ("owner_name", "party_name"),
            ("owner_id", "party_identifier"),
            ("location", "address"),
            ("area_m2", "area"),
            ("usage", "text"),
            ("mortgaged", "mortgaged"),
        ],
    ),
];

fn city(root: &Path) -> HashMap<&'static str, Dataset> {
    FIELDS
        .iter()
        .map(|(name, subject, kind, fields)| (*name, dataset(root, name, subject, *kind, fields)))
        .collect()
}

fn verdict(comparator: &Comparator, claim: &Value, record: &Canonical) -> Verdict {
    if let Some(literal) = claim.as_str() {
        return comparator.compare(literal, record);
    }
    let operand = &claim["value"];
    let operands: Vec<&str> = match operand.as_array() {
        Some(list) => list.iter().filter_map(Value::as_str).collect(),
        None => operand.as_str().into_iter().collect(),
    };
    Predicate::new(claim["op"].as_str().unwrap(), &operands, comparator)
        .unwrap()
        .evaluate(record)
}

#[test]
fn every_request_of_the_sample_city_gets_its_verdicts() {
    let Some(root) = shared() else { return };
    let city = city(&root);
    let expected: HashMap<String, Value> = ndjson(&root.join("city/expected.ndjson"))
        .into_iter()
        .map(|line| (line["ref"].as_str().unwrap().to_owned(), line))
        .collect();
    let (mut requests, mut fields, mut wrong) = (0, 0, Vec::new());
    for request in ndjson(&root.join("city/requests.ndjson")) {
        requests += 1;
        let reference = request["ref"].as_str().unwrap();
        let wanted = &expected[reference];
        let set = &city[request["dataset"].as_str().unwrap()];
        let Ok(id) = set.kind.parse(request["subject"][set.subject].as_str().unwrap()) else {
            if wanted["outcome"] != "invalid" {
                wrong.push(format!("{reference}: refused"));
            }
            continue;
        };
        let found = set
            .records
            .get(&id.canonical)
            .or_else(|| set.records.get(id.alternative.as_deref()?));
        let Some(record) = found else {
            if wanted["outcome"] != "not_found" {
                wrong.push(format!("{reference}: not found"));
            }
            continue;
        };
        let mut verdicts = Vec::new();
        for (field, claim) in request["claims"].as_object().unwrap() {
            let got = verdict(&set.fields[field.as_str()], claim, &record[field]);
            fields += 1;
            if wanted["fields"][field] != got.as_str() {
                wrong.push(format!("{reference} {field}: {got:?}"));
            }
            verdicts.push(got);
        }
        if wanted["outcome"] != Outcome::of(verdicts).as_str() {
            wrong.push(format!("{reference}: another outcome"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    println!("{requests} requests, {fields} field verdicts");
}
