//! Requests are strict and answers may grow: what the hub answers or pushes takes more members and more words than are known today.
//!
//! The document is completed with closed shapes and closed lists of words. Here every shape that stands in an answer is opened:
//! `additionalProperties: true`, and `x-extensible-enum` instead of `enum` or `const`. A shape that stands in requests too keeps
//! its strict form there, and gets an open twin of the name with `Response` behind it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::put_description;
use heyan_texts::text;

/// The keyword that lists the words of today.
pub(super) const TODAY: &str = "x-extensible-enum";

/// Behind the name of the open twin of a strict shape.
const TWIN: &str = "Response";

const PLACE: &str = "#/components/schemas/";

/// What a client does with a word that it does not know, by the shape of the word.
pub(super) const UNKNOWN: [(&str, &str); 2] = [
    ("Outcome", "openapi.unknown_word.outcome"),
    ("VerdictWord", "openapi.unknown_word.verdict"),
];

/// Opens every answer and every pushed event of `document`.
pub(super) fn open_answers(document: &mut Value) {
    let Some(Value::Object(mut schemas)) = document.pointer("/components/schemas").cloned() else {
        return;
    };
    let (mut asked, mut told) = (BTreeSet::new(), BTreeSet::new());
    for_each_part(document, &mut |part, node| {
        let names = match part {
            SchemaPart::Request => &mut asked,
            SchemaPart::Answer => &mut told,
        };
        reach(node, &schemas, names);
    });
    for name in &told {
        if let Some(merged) = schemas.get(name).and_then(|schema| merged(schema, &schemas)) {
            schemas.insert(name.clone(), merged);
        }
    }
    let twins = twins(&schemas, &asked, &told);
    for name in &told {
        let Some(mut schema) = schemas.get(name).cloned() else {
            continue;
        };
        open(&mut schema);
        point_at_twins(&mut schema, &twins);
        if let Some((_, key)) = UNKNOWN.iter().find(|(word, _)| word == name) {
            put_description(&mut schema, text(key));
        }
        match twins.get(name) {
            Some(twin) => schemas.insert(twin.clone(), schema),
            None if asked.contains(name) => None,
            None => schemas.insert(name.clone(), schema),
        };
    }
    for_each_part(document, &mut |part, node| {
        if part == SchemaPart::Answer {
            open(node);
            point_at_twins(node, &twins);
        }
    });
    if let Some(place) = document.pointer_mut("/components/schemas") {
        let sorted: BTreeMap<String, Value> = schemas.into_iter().collect();
        *place = Value::Object(sorted.into_iter().collect());
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum SchemaPart {
    /// What a caller sends to the hub.
    Request,
    /// What the hub sends.
    Answer,
}

/// Visits the schemas of each operation and each webhook. What a subscriber answers is read by status alone, so it is no part.
fn for_each_part(document: &mut Value, visit: &mut impl FnMut(SchemaPart, &mut Value)) {
    let parts: [(&str, &[(&str, SchemaPart)]); 2] = [
        (
            "paths",
            &[
                ("parameters", SchemaPart::Request),
                ("requestBody", SchemaPart::Request),
                ("responses", SchemaPart::Answer),
            ],
        ),
        ("webhooks", &[("requestBody", SchemaPart::Answer)]),
    ];
    for (section, parts) in parts {
        let items = document.get_mut(section).and_then(Value::as_object_mut);
        let operations = items.into_iter().flat_map(Map::values_mut);
        for operation in operations.filter_map(Value::as_object_mut).flat_map(Map::values_mut) {
            for (name, part) in parts {
                if let Some(node) = operation.get_mut(*name) {
                    for_each_schema(node, &mut |schema| visit(*part, schema));
                }
            }
        }
    }
}

/// Visits the schemas inside parameters, bodies and answers: examples and texts beside them stay as they are.
fn for_each_schema(node: &mut Value, visit: &mut impl FnMut(&mut Value)) {
    match node {
        Value::Object(members) => {
            for (name, value) in members {
                match name.as_str() {
                    "schema" | "x-line-schemas" => visit(value),
                    "example" | "examples" => {}
                    _ => for_each_schema(value, visit),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| for_each_schema(item, visit)),
        _ => {}
    }
}

/// Names of the shapes that `node` refers to, directly or through others.
fn reach(node: &Value, schemas: &Map<String, Value>, found: &mut BTreeSet<String>) {
    for name in references(node) {
        if let Some(schema) = schemas.get(&name)
            && found.insert(name)
        {
            reach(schema, schemas, found);
        }
    }
}

fn references(node: &Value) -> Vec<String> {
    match node {
        Value::Object(members) => {
            let own = members.get("$ref").and_then(Value::as_str);
            let own = own.and_then(|target| target.strip_prefix(PLACE)).map(str::to_owned);
            own.into_iter().chain(members.values().flat_map(references)).collect()
        }
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

/// A choice between two shapes as one shape with the members of both. A reader of open shapes cannot tell them apart: each takes the
/// members of the other, and a generated client that demands exactly one fails.
fn merged(schema: &Value, schemas: &Map<String, Value>) -> Option<Value> {
    let resolve = |choice: &Value| {
        let name = choice.get("$ref")?.as_str()?.strip_prefix(PLACE)?;
        schemas.get(name)
    };
    let [first, second] = schema.get("oneOf")?.as_array()?.as_slice() else {
        return None;
    };
    let (first, second) = (resolve(first)?, resolve(second)?);
    let mut properties = first.get("properties")?.as_object()?.clone();
    for (name, property) in second.get("properties")?.as_object()? {
        properties.entry(name).or_insert_with(|| property.clone());
    }
    let mut whole = schema.as_object()?.clone();
    whole.remove("oneOf");
    whole.insert("type".to_owned(), "object".into());
    whole.insert("properties".to_owned(), Value::Object(properties));
    Some(Value::Object(whole))
}

/// Shapes of requests and answers that are not the same in both, with the names of their twins.
fn twins(schemas: &Map<String, Value>, asked: &BTreeSet<String>, told: &BTreeSet<String>) -> BTreeMap<String, String> {
    let opens = |name: &str| {
        schemas.get(name).is_some_and(|schema| {
            let mut opened = schema.clone();
            open(&mut opened);
            opened != *schema
        })
    };
    let both = asked.intersection(told);
    let differs = both.filter(|name| {
        let mut reached = BTreeSet::from([(*name).clone()]);
        if let Some(schema) = schemas.get(*name) {
            reach(schema, schemas, &mut reached);
        }
        reached.iter().any(|name| opens(name))
    });
    differs.map(|name| (name.clone(), format!("{name}{TWIN}"))).collect()
}

fn point_at_twins(node: &mut Value, twins: &BTreeMap<String, String>) {
    match node {
        Value::Object(members) => {
            for (name, value) in members {
                let twin = match (name.as_str(), value.as_str()) {
                    ("$ref", Some(target)) => target.strip_prefix(PLACE).and_then(|name| twins.get(name)),
                    _ => None,
                };
                match twin {
                    Some(twin) => *value = format!("{PLACE}{twin}").into(),
                    None => point_at_twins(value, twins),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| point_at_twins(item, twins)),
        _ => {}
    }
}

/// Opens a schema and what stands inside it.
fn open(schema: &mut Value) {
    if let Value::Array(items) = schema {
        items.iter_mut().for_each(open);
        return;
    }
    let Some(members) = schema.as_object_mut() else { return };
    open_words(members);
    let is_object = members.contains_key("properties") || members.get("type").is_some_and(|kind| kind == "object");
    let is_map = members.get("additionalProperties").is_some_and(Value::is_object);
    if is_object && !is_map {
        members.insert("additionalProperties".to_owned(), true.into());
    }
    for (name, part) in members {
        match name.as_str() {
            "properties" => part
                .as_object_mut()
                .into_iter()
                .flat_map(Map::values_mut)
                .for_each(open),
            "items" | "additionalProperties" | "allOf" | "anyOf" | "oneOf" | "then" | "else" => open(part),
            _ => {}
        }
    }
}

/// A closed list of words becomes an open string that lists them.
fn open_words(members: &mut Map<String, Value>) {
    let listed = match (members.get("enum"), members.get("const")) {
        (Some(Value::Array(words)), _) if words.iter().all(Value::is_string) => words.clone(),
        (None, Some(word)) if word.is_string() => vec![word.clone()],
        _ => return,
    };
    let mut opened = Map::new();
    for (name, value) in std::mem::take(members) {
        match name.as_str() {
            "enum" | "const" => {
                opened.entry("type").or_insert_with(|| "string".into());
                opened.insert(TODAY.to_owned(), listed.clone().into());
            }
            _ => {
                opened.insert(name, value);
            }
        }
    }
    *members = opened;
}
