//! Holds the document against the route table, the parsers of the handlers and what the handlers write.
//! `HEYAN_BLESS=1` writes the committed file anew instead of comparing.

use std::collections::BTreeSet;

use serde_json::json;

use super::*;
use crate::{
    problem::{FieldCode, ProblemCode, ProblemDocument, ProblemPointer},
    routes::{ROUTES, access, datasets},
};
use heyan_app::access::admin::NewSecret;
use heyan_catalog::Catalog;
use heyan_domain::identifier::IdentifierKind;
use heyan_ports::access::{AgencyRow, ClientRow, GrantRow};
use heyan_texts::Locale;

mod answers;
mod bodies;

use bodies::{full, parses};

fn operations(document: &Value) -> BTreeSet<(String, String, String)> {
    let mut found = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            found.insert((id.to_owned(), method.clone(), path.clone()));
        }
    }
    found
}

/// Holds a schema to the members and words of today.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if members.contains_key("properties") {
                members.insert("additionalProperties".to_owned(), false.into());
            }
            if let Some(words) = members.get(tolerance::TODAY).cloned() {
                members.insert("enum".to_owned(), words);
            }
            members.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

/// A schema with its references at hand; `closed`: members and words that it does not name are refused.
fn validator(document: &Value, schema: &Value, closed: bool) -> jsonschema::Validator {
    let mut root = schema.clone();
    root["components"] = document["components"].clone();
    if closed {
        let mut parts = BTreeSet::new();
        walk(document, "", &mut |members, _| {
            let all = members.get("allOf").and_then(Value::as_array);
            parts.extend(
                all.into_iter()
                    .flatten()
                    .filter_map(|part| Some(part["$ref"].as_str()?.to_owned())),
            );
        });
        for (name, schema) in root["components"]["schemas"].as_object_mut().unwrap() {
            // What is a part of another cannot know the members of the whole.
            let is_part = parts.contains(&format!("#/components/schemas/{name}"));
            if schema.get("allOf").is_some() {
                schema["unevaluatedProperties"] = false.into();
            } else if !is_part {
                close(schema);
            }
        }
    }
    jsonschema::validator_for(&root).unwrap()
}

fn assert_fits(document: &Value, name: &str, value: &Value) {
    let schema = json!({"$ref": format!("#/components/schemas/{name}")});
    let validator = validator(document, &schema, true);
    let faults: Vec<String> = validator.iter_errors(value).map(|fault| fault.to_string()).collect();
    assert!(faults.is_empty(), "{name}: {faults:?}");
}

#[test]
fn the_committed_document_is_the_one_that_the_code_makes() {
    let made = document_json();
    if std::env::var_os("HEYAN_BLESS").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas/openapi.json");
        std::fs::write(path, &made).unwrap();
        return;
    }
    // Not assert_eq: two whole documents are no help in a terminal.
    let first = made
        .lines()
        .zip(COMMITTED.lines())
        .find(|(made, committed)| made != committed);
    assert!(
        made == COMMITTED,
        "run it again with HEYAN_BLESS=1; first difference: {first:?}"
    );
}

#[test]
fn the_document_is_openapi_3_1_0_of_this_version() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn routes_handlers_and_texts_name_the_same_operations() {
    let rows: BTreeSet<_> = ROUTES
        .iter()
        .map(|route| {
            (
                route.operation.to_owned(),
                route.method.to_lowercase(),
                complete::template(route),
            )
        })
        .collect();
    let stated = serde_json::to_value(<Handlers as utoipa::OpenApi>::openapi()).unwrap();
    assert_eq!(operations(&stated), rows);
    assert_eq!(operations(&document()), rows);
    let described: BTreeSet<&str> = heyan_texts::keys("openapi")
        .filter_map(|key| key.strip_prefix("operation.")?.split('.').next())
        .collect();
    let routed: BTreeSet<&str> = ROUTES.iter().map(|route| route.operation).collect();
    assert_eq!((described, routed.len()), (routed.clone(), ROUTES.len()));
}

#[test]
fn every_path_parameter_is_described_and_every_parameter_is_known() {
    let document = document();
    for (operation, method, path) in operations(&document) {
        let node = &document["paths"][&path][&method];
        let empty = Vec::new();
        let parameters = node["parameters"].as_array().unwrap_or(&empty);
        let described: BTreeSet<&str> = parameters
            .iter()
            .filter(|parameter| parameter["in"] == "path")
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect();
        let templated: BTreeSet<&str> = path
            .split('{')
            .skip(1)
            .map(|part| part.split('}').next().unwrap())
            .collect();
        assert_eq!(described, templated, "{operation}");
        assert!(
            parameters.iter().all(|parameter| !parameter["description"].is_null()),
            "{operation}"
        );
    }
}

fn walk(node: &Value, place: &str, visit: &mut impl FnMut(&serde_json::Map<String, Value>, &str)) {
    match node {
        Value::Object(members) => {
            visit(members, place);
            for (name, value) in members {
                if !matches!(name.as_str(), "example" | "examples" | "value") {
                    walk(value, &format!("{place}/{name}"), visit);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| walk(item, place, visit)),
        _ => {}
    }
}

#[test]
fn every_text_speaks_both_languages() {
    let is_han = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
    let mut texts = 0;
    walk(&document(), "", &mut |members, place| {
        for name in ["summary", "description"] {
            let Some(Value::String(en)) = members.get(name) else {
                continue;
            };
            let zh = members
                .get(&format!("x-zh-{name}"))
                .and_then(Value::as_str)
                .unwrap_or_default();
            assert!(!en.contains('‖') && !en.chars().any(is_han), "{place}: {en}");
            assert!(
                zh.chars().any(is_han) || zh == "RFC 7517。" || zh.starts_with("OpenAPI") || zh.starts_with("RFC"),
                "{place}: {zh}"
            );
            texts += 1;
        }
    });
    assert!(texts > 400, "{texts}");
}

#[test]
fn every_member_of_every_shape_is_described_and_every_reference_leads_somewhere() {
    let document = document();
    walk(&document, "", &mut |members, place| {
        if let Some(Value::String(target)) = members.get("$ref") {
            let target = target.strip_prefix('#').unwrap();
            assert!(document.pointer(target).is_some(), "{place}: {target}");
        }
    });
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        assert!(schema["description"].is_string(), "{name}");
        for (member, property) in schema["properties"].as_object().into_iter().flatten() {
            let said = property["description"].is_string()
                || property["oneOf"]
                    .as_array()
                    .is_some_and(|all| all.iter().any(|one| one["description"].is_string()));
            assert!(said, "{name}.{member}");
        }
    }
}

#[test]
fn every_replacement_has_its_place() {
    let stated = serde_json::to_value(stated()).unwrap();
    let schemas = &stated["components"]["schemas"];
    for (name, _) in words::replacements() {
        assert!(schemas.get(name).is_some(), "{name}");
    }
}

#[test]
fn every_example_fits_its_schema() {
    let document = document();
    let mut checked = 0;
    let mut check = |place: &str, media: &Value| {
        let schema = &media["schema"];
        let named = media["examples"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(_, example)| &example["value"]);
        for example in named.chain(media.get("example")) {
            let validator = validator(&document, schema, true);
            let faults: Vec<String> = validator.iter_errors(example).map(|fault| fault.to_string()).collect();
            assert!(faults.is_empty(), "{place}: {faults:?}");
            checked += 1;
            for line in media["x-line-schemas"]
                .as_array()
                .iter()
                .flat_map(|_| example.as_str().unwrap().lines())
            {
                let line = serde_json::from_str(line).unwrap();
                let any = json!({"anyOf": media["x-line-schemas"]});
                assert!(
                    self::validator(&document, &any, true).is_valid(&line),
                    "{place}: {line}"
                );
            }
        }
    };
    for (operation, method, path) in operations(&document) {
        let node = &document["paths"][&path][&method];
        for (_, media) in node["requestBody"]["content"].as_object().into_iter().flatten() {
            check(&operation, media);
        }
        for (_, response) in node["responses"].as_object().unwrap() {
            for (_, media) in response["content"].as_object().into_iter().flatten() {
                check(&operation, media);
            }
        }
    }
    assert!(checked >= 20, "{checked}");
}

#[test]
fn strict_shapes_and_the_handlers_parsers_agree_on_every_member() {
    let document = document();
    // The parts of a record are checked by the dataset's schema, a predicate inside a claim.
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let strict = schemas
        .iter()
        .filter(|(_, schema)| schema["additionalProperties"] == false);
    let parsed: Vec<&str> = strict
        .map(|(name, _)| name.as_str())
        .filter(|name| !matches!(*name, "Record" | "Predicate"))
        .collect();
    assert!(parsed.len() >= 32, "{parsed:?}");
    for name in parsed {
        let body = full(name);
        assert_fits(&document, name, &body);
        assert!(parses(name, &body), "{name}");
        let schema = &document["components"]["schemas"][name];
        let none = Vec::new();
        let required = schema["required"].as_array().unwrap_or(&none);
        let members: BTreeSet<&String> = schema["properties"].as_object().unwrap().keys().collect();
        assert_eq!(members, body.as_object().unwrap().keys().collect(), "{name}");
        for (member, property) in schema["properties"].as_object().unwrap() {
            let mut without = body.clone();
            without.as_object_mut().unwrap().remove(member);
            assert_eq!(
                parses(name, &without),
                !required.contains(&json!(member)),
                "{name} without {member}"
            );
            let nullable = property["type"]
                .as_array()
                .is_some_and(|types| types.contains(&json!("null")));
            let mut null = body.clone();
            null[member] = Value::Null;
            assert_eq!(parses(name, &null), nullable, "{name} with {member}: null");
        }
        let mut more = body.clone();
        more["nick"] = "x".into();
        assert!(!parses(name, &more), "{name} with a member more");
    }
}

#[test]
fn what_the_handlers_write_fits_and_is_wholly_described() {
    let document = document();
    let catalog = Catalog::load(None).unwrap();
    for dataset in catalog.iter() {
        assert_fits(&document, "Dataset", &json!(datasets::describe(dataset)));
    }
    let agency = AgencyRow {
        id: "a".to_owned(),
        number: 1,
        name: "n".to_owned(),
        credit_code: "c".to_owned(),
        authority_for: vec!["natural-person".to_owned()],
        networks: Vec::new(),
        disabled: false,
        created_at: 0,
        updated_at: 0,
    };
    assert_fits(&document, "Agency", &json!(access::agency_of(&agency, "agency")));
    let told = NewSecret {
        client_id: "a".to_owned(),
        client_secret: "s".to_owned(),
        previous_valid_until: Some("2026-11-22T00:00:00Z".to_owned()),
    };
    assert_fits(&document, "RotatedCredential", &json!(access::rotated(told)));
    let user = ClientRow {
        id: "u".to_owned(),
        name: "n".to_owned(),
        role: "auditor".to_owned(),
        agency: None,
        secret_hash: [0; 32],
        previous_secret_hash: None,
        previous_valid_until: None,
        public_key: None,
        disabled: false,
        appointed_by: None,
        created_at: 0,
        updated_at: 0,
    };
    assert_fits(&document, "User", &json!(access::user_of(&user)));
    let mut grant = GrantRow {
        id: "g".to_owned(),
        agency: "a".to_owned(),
        dataset: "d".to_owned(),
        fields: vec!["*".to_owned()],
        operations: vec!["stale_ok".to_owned()],
        item_codes: vec!["*".to_owned()],
        valid_from: 0,
        valid_until: None,
        daily_ceiling: None,
        networks: Vec::new(),
        revoked_at: None,
        created_at: 0,
    };
    assert_fits(&document, "Grant", &json!(access::grant_of(&grant)));
    (grant.valid_until, grant.daily_ceiling, grant.revoked_at) = (Some(1), Some(1), Some(1));
    assert_fits(&document, "Grant", &json!(access::grant_of(&grant)));
}

#[test]
fn every_problem_fits() {
    let document = document();
    for code in ProblemCode::ALL {
        for locale in Locale::ALL {
            let mut problem = ProblemDocument::new(*code).trace_id("t").retry_after_s(1);
            for field in FieldCode::ALL {
                problem = problem.error(ProblemPointer::root(), field);
            }
            let problem = problem.missing_clause("networks").legal_basis("law").reason("host");
            assert_fits(&document, "Problem", &json!(problem.document(locale)));
        }
    }
}

#[test]
fn examples_name_subjects_fields_and_agencies_that_can_be() {
    let catalog = Catalog::load(None).unwrap();
    for operation in ["verify", "query_record", "put_records"] {
        for example in examples::requests(operation, "application/json").unwrap().values() {
            let body = &example["value"];
            let dataset = catalog
                .get(body["dataset"].as_str().unwrap_or("natural-person"))
                .unwrap();
            let subject = dataset.parse_subject(|name| body["subject"][name].as_str());
            assert!(subject.is_ok_and(|subject| subject.findings.is_empty()), "{operation}");
            for name in body["claims"].as_object().into_iter().flatten().map(|(name, _)| name) {
                assert!(dataset.field_number(name).is_some(), "{operation}: {name}");
            }
            if operation == "put_records" {
                let record = json!({"subject": body["subject"], "fields": body["fields"]});
                assert!(dataset.check(&record).is_empty());
            }
        }
    }
    for example in examples::requests("add_agency", "application/json").unwrap().values() {
        let code = example["value"]["credit_code"].as_str().unwrap();
        assert!(IdentifierKind::CreditCode.parse(code).is_ok());
    }
}
