//! The `webhooks` section: one request for each kind of event that the hub pushes to a subscriber, from `webhooks.json`.
//! The texts there are English first and Chinese behind `‖`, as in the rest of the document.

use serde_json::{Map, Value, json};

use crate::problem::CONTENT_TYPE;

/// What `webhooks.json` says; unreadable data gives an empty section, and a test finds it.
fn told() -> Value {
    serde_json::from_str(include_str!("webhooks.json")).unwrap_or_default()
}

/// Schemas of the events and of their data, by name.
pub(super) fn schemas() -> Map<String, Value> {
    let told = told();
    let mut schemas = members(&told, "schemas");
    for (kind, webhook) in members(&told, "webhooks") {
        let mut event = told.get("envelope").cloned().unwrap_or_default();
        put(
            &mut event,
            "description",
            webhook.get("summary").cloned().unwrap_or_default(),
        );
        if let Some(properties) = event.get_mut("properties") {
            let data =
                json!({"$ref": reference(&text(&webhook, "data")), "description": "What happened. ‖ 事件内容。"});
            put(properties, "data", data);
            if let Some(word) = properties.get_mut("type") {
                put(word, "const", type_of(&kind).into());
            }
        }
        schemas.insert(event_name(&webhook), event);
    }
    schemas
}

/// The section: a path item for each kind of event.
pub(super) fn section() -> Value {
    let told = told();
    let hooks = members(&told, "webhooks").into_iter().map(|(kind, webhook)| {
        let (summary, zh_summary) = halves(&text(&webhook, "summary"));
        let operation = json!({
            "operationId": webhook.get("operation"),
            "tags": ["webhook"],
            "summary": summary,
            "x-zh-summary": zh_summary,
            "description": webhook.get("text"),
            "security": [],
            // The receiver serves it, so a generated client has the types of the events and no call.
            "x-internal": true,
            "parameters": headers(&told),
            "requestBody": {
                "required": true,
                "content": {"application/cloudevents+json": {
                    "schema": {"$ref": reference(&event_name(&webhook))},
                }},
            },
            "responses": answers(&told),
        });
        (kind, json!({"post": operation}))
    });
    Value::Object(hooks.collect())
}

/// Type of the event as the message says it.
fn type_of(kind: &str) -> String {
    format!("heyan.{kind}.v1")
}

/// Name of an event's schema: that of its data, which ends in `Data`.
fn event_name(webhook: &Value) -> String {
    let data = text(webhook, "data");
    format!("{}Event", data.strip_suffix("Data").unwrap_or(&data))
}

fn reference(name: &str) -> String {
    format!("#/components/schemas/{name}")
}

fn headers(told: &Value) -> Vec<Value> {
    let header = |(name, text): (String, Value)| json!({"name": name, "in": "header", "required": true, "description": text, "schema": {"type": "string"}});
    members(told, "headers").into_iter().map(header).collect()
}

/// What the receiver may answer. A refusal may carry a problem document; the hub does not read it.
fn answers(told: &Value) -> Value {
    let answer = |(status, text): (String, Value)| {
        let mut answer = json!({"description": text});
        if !status.starts_with('2') {
            put(&mut answer, "content", json!({(CONTENT_TYPE): {"schema": {}}}));
        }
        (status, answer)
    };
    Value::Object(members(told, "answers").into_iter().map(answer).collect())
}

fn members(node: &Value, name: &str) -> Map<String, Value> {
    match node.get(name) {
        Some(Value::Object(members)) => members.clone(),
        _ => Map::new(),
    }
}

fn text(node: &Value, name: &str) -> String {
    node.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn halves(text: &str) -> (String, String) {
    let (en, zh) = text.split_once(super::BETWEEN).unwrap_or((text, text));
    (en.to_owned(), zh.to_owned())
}

fn put(node: &mut Value, name: &str, value: Value) {
    if let Some(members) = node.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}
