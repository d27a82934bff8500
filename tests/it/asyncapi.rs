//! `schemas/asyncapi.yaml` against the code: every topic and type, no other; every reference leads somewhere.

use std::{collections::BTreeSet, path::Path};

use heyan::ports::bus::BusTopic;
use yaml_rust2::{Yaml, YamlLoader};

fn document() -> (Yaml, std::path::PathBuf) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    let text = std::fs::read_to_string(folder.join("asyncapi.yaml")).unwrap();
    (YamlLoader::load_from_str(&text).unwrap().remove(0), folder)
}

fn at<'y>(document: &'y Yaml, pointer: &str) -> &'y Yaml {
    let found = pointer.split('/').fold(document, |node, segment| &node[segment]);
    assert!(!found.is_badvalue(), "{pointer} leads nowhere");
    found
}

fn follow<'y>(document: &'y Yaml, node: &'y Yaml) -> &'y Yaml {
    match node["$ref"].as_str().and_then(|reference| reference.strip_prefix("#/")) {
        Some(pointer) => at(document, pointer),
        None => node,
    }
}

fn references(node: &Yaml, found: &mut Vec<String>) {
    match node {
        Yaml::Hash(members) => {
            for (name, value) in members {
                match (name.as_str(), value.as_str()) {
                    (Some("$ref"), Some(reference)) => found.push(reference.to_owned()),
                    _ => references(value, found),
                }
            }
        }
        Yaml::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[test]
fn every_topic_and_type_is_described_and_nothing_else() {
    let (document, folder) = document();
    assert_eq!(document["asyncapi"].as_str(), Some("3.0.0"));
    let of_code: BTreeSet<&str> = BusTopic::ALL.into_iter().map(BusTopic::name).collect();
    assert_eq!(of_code.len(), BusTopic::ALL.len());
    let mut addresses = BTreeSet::new();
    for channel in document["channels"].as_hash().unwrap().values() {
        let address = channel["address"].as_str().unwrap();
        addresses.insert(address);
        let topic = BusTopic::ALL.into_iter().find(|topic| topic.name() == address).unwrap();
        let message = follow(&document, &channel["messages"]["event"]);
        assert_eq!(message["name"].as_str(), Some(address), "the type of the events");
        let payload = format!("./events/{address}.json");
        assert_eq!(message["payload"]["$ref"].as_str(), Some(payload.as_str()));
        for bindings in [&channel["bindings"], &message["bindings"]] {
            let kafka = &follow(&document, bindings)["kafka"];
            assert_eq!(kafka["bindingVersion"].as_str(), Some("0.5.0"));
        }
        let topic_settings = &follow(&document, &channel["bindings"])["kafka"]["topicConfiguration"];
        let policy = &topic_settings["cleanup.policy"][0];
        assert_eq!(policy.as_str() == Some("compact"), topic.is_compacted(), "{address}");
    }
    assert_eq!(addresses, of_code);
    let mut directions = BTreeSet::new();
    for operation in document["operations"].as_hash().unwrap().values() {
        let address = follow(&document, &operation["channel"])["address"].as_str().unwrap();
        directions.insert((address, operation["action"].as_str() == Some("receive")));
    }
    let expected = BusTopic::ALL
        .into_iter()
        .map(|topic| (topic.name(), topic.is_inbound()));
    assert_eq!(directions, expected.collect());
    let files = std::fs::read_dir(folder.join("events")).unwrap().flatten();
    let files: BTreeSet<String> = files.map(|file| file.file_name().into_string().unwrap()).collect();
    let expected = of_code.iter().map(|topic| format!("{topic}.json"));
    assert_eq!(files, expected.collect());
}

#[test]
fn every_reference_leads_somewhere() {
    let (document, folder) = document();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 30, "{}", found.len());
    for reference in found {
        match reference.strip_prefix("#/") {
            Some(pointer) => {
                at(&document, pointer);
            }
            None => assert!(folder.join(&reference).is_file(), "{reference}"),
        }
    }
}
