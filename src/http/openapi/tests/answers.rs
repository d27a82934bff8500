//! Answers and pushed events are open, requests are strict.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::{document, shapes, tolerance};
use super::walk;

/// The schemas of one side of every operation, with the shapes that they refer to.
fn side(document: &Value, parts: &[&str], is_pushed: bool) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    let mut names = BTreeSet::new();
    let sections = if is_pushed {
        vec!["paths", "webhooks"]
    } else {
        vec!["paths"]
    };
    for section in sections {
        for (path, item) in document[section].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let parts = if section == "webhooks" { &["requestBody"] } else { parts };
                for part in parts {
                    let node = &operation[*part];
                    gather(document, node, &mut names);
                    found.push((format!("{method} {path} {part}"), node.clone()));
                }
            }
        }
    }
    for name in names {
        found.push((name.clone(), document["components"]["schemas"][&name].clone()));
    }
    found
}

fn gather(document: &Value, node: &Value, names: &mut BTreeSet<String>) {
    let mut targets = Vec::new();
    walk(node, "", &mut |members, _| {
        if let Some(Value::String(target)) = members.get("$ref")
            && let Some(name) = target.strip_prefix("#/components/schemas/")
        {
            targets.push(name.to_owned());
        }
    });
    for name in targets {
        if names.insert(name.clone()) {
            gather(document, &document["components"]["schemas"][&name], names);
        }
    }
}

#[test]
fn every_answer_and_every_pushed_event_takes_more_members_and_more_words() {
    let document = document();
    let mut objects = 0;
    let mut words = 0;
    for (name, schema) in side(&document, &["responses"], true) {
        walk(&schema, &name, &mut |members, place| {
            assert!(members.get("enum").is_none(), "{place}");
            assert!(!members.get("const").is_some_and(Value::is_string), "{place}");
            if members.contains_key("properties") {
                assert_eq!(members["additionalProperties"], true, "{place}");
                objects += 1;
            }
            if let Some(list) = members.get(tolerance::TODAY) {
                assert!(list.as_array().is_some_and(|list| !list.is_empty()), "{place}");
                assert_eq!(members["type"], "string", "{place}");
                words += 1;
            }
        });
    }
    assert!(objects > 100 && words > 30, "{objects} {words}");
}

#[test]
fn no_request_takes_more_members_or_more_words() {
    let document = document();
    for (name, schema) in side(&document, &["requestBody", "parameters"], false) {
        walk(&schema, &name, &mut |members, place| {
            assert!(members.get(tolerance::TODAY).is_none(), "{place}");
            assert_ne!(members.get("additionalProperties"), Some(&json!(true)), "{place}");
        });
    }
    for name in shapes::STRICT {
        let schema = &document["components"]["schemas"][name];
        assert_eq!(schema["additionalProperties"], false, "{name}");
    }
}

#[test]
fn the_two_words_that_decide_say_what_an_unknown_word_means() {
    let document = document();
    for (name, text) in tolerance::UNKNOWN {
        let schema = &document["components"]["schemas"][name];
        assert!(schema["description"].as_str().unwrap().ends_with(text.en), "{name}");
        assert!(
            schema["x-zh-description"].as_str().unwrap().ends_with(text.zh),
            "{name}"
        );
        assert!(schema[tolerance::TODAY].is_array(), "{name}");
    }
}

#[test]
fn every_kind_of_event_that_is_pushed_is_a_webhook() {
    let document = document();
    let described: BTreeSet<&str> = document["webhooks"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let kinds = heyan_app::delivery::subscriptions::EVENT_KINDS
        .into_iter()
        .chain(["test"]);
    assert_eq!(described, kinds.collect());
    for (kind, item) in document["webhooks"].as_object().unwrap() {
        let schema = &item["post"]["requestBody"]["content"]["application/cloudevents+json"]["schema"];
        let event = document.pointer(schema["$ref"].as_str().unwrap().trim_start_matches('#'));
        let word = &event.unwrap()["properties"]["type"][tolerance::TODAY];
        assert_eq!(*word, json!([format!("heyan.{kind}.v1")]));
    }
}
