//! Reads an OpenAPI 3.1 document: references, localised texts, operations by tag, made-up examples.
//! Only references into the document itself are followed; a broken or circular one ends as what it is.

use serde_json::{Map, Value};

use heyan_texts::Locale;

/// Longest chain of references that is followed.
const REF_HOPS_MAX: usize = 16;
/// Deepest nesting of a made-up example.
const EXAMPLE_DEPTH_MAX: usize = 8;

const METHODS: [&str; 8] = ["get", "put", "post", "patch", "delete", "head", "options", "trace"];

/// The document and the language that it is read in.
#[derive(Clone, Copy)]
pub(super) struct ApiSpec<'a> {
    pub(super) root: &'a Value,
    pub(super) locale: Locale,
}

/// One method of one path, or one kind of message that is pushed.
pub(super) struct ApiOperation<'a> {
    pub(super) method: &'static str,
    pub(super) path: &'a str,
    /// Whether the hub sends it, and the reader answers.
    pub(super) is_pushed: bool,
    pub(super) node: &'a Value,
    /// Path-level parameters, then the operation's own, which replace those of the same name and place.
    pub(super) parameters: Vec<&'a Value>,
    /// Unique within the page.
    pub(super) anchor: String,
}

/// Operations under one tag.
pub(super) struct TagGroup<'a> {
    /// Empty for operations without a tag.
    pub(super) name: &'a str,
    /// Entry of the document's `tags`, if there is one.
    pub(super) node: Option<&'a Value>,
    pub(super) operations: Vec<ApiOperation<'a>>,
}

impl<'a> ApiSpec<'a> {
    /// Follows `$ref` until something else stands there.
    pub(super) fn resolve(&self, node: &'a Value) -> &'a Value {
        let mut current = node;
        for _ in 0..REF_HOPS_MAX {
            match reference(current).and_then(|target| self.root.pointer(target)) {
                Some(target) => current = target,
                None => break,
            }
        }
        current
    }

    /// Text member in the page's language: `x-zh-NAME` for Chinese when it is there. A reference's own text
    /// goes before that of its target (OpenAPI 3.1 §4.8.23).
    pub(super) fn text(&self, node: &'a Value, name: &str) -> Option<&'a str> {
        let target = self.resolve(node);
        if self.locale == Locale::ZhCn {
            let chinese = format!("x-zh-{name}");
            if let Some(text) = string(node, &chinese).or_else(|| string(target, &chinese)) {
                return Some(text);
            }
        }
        string(node, name).or_else(|| string(target, name))
    }

    /// Every operation, by first tag: tags in the document's order, then unlisted ones, untagged last.
    pub(super) fn groups(&self) -> Vec<TagGroup<'a>> {
        let mut groups: Vec<TagGroup<'a>> = items(self.root, "tags")
            .filter_map(|tag| {
                let name = string(tag, "name")?;
                Some(TagGroup {
                    name,
                    node: Some(tag),
                    operations: Vec::new(),
                })
            })
            .collect();
        for (index, mut operation) in self.operations().into_iter().enumerate() {
            operation.anchor = anchor(&operation, index);
            let tag = items(operation.node, "tags").next();
            let name = tag.and_then(Value::as_str).unwrap_or_default();
            match groups.iter_mut().find(|group| group.name == name) {
                Some(group) => group.operations.push(operation),
                None => groups.push(TagGroup {
                    name,
                    node: None,
                    operations: vec![operation],
                }),
            }
        }
        groups.retain(|group| !group.operations.is_empty());
        groups.sort_by_key(|group| group.name.is_empty());
        groups
    }

    fn operations(&self) -> Vec<ApiOperation<'a>> {
        let mut operations = Vec::new();
        let paths = members(self.root, "paths").map(|(path, item)| (path, item, false));
        let pushed = members(self.root, "webhooks").map(|(kind, item)| (kind, item, true));
        for (path, item, is_pushed) in paths.chain(pushed) {
            let item = self.resolve(item);
            for method in METHODS {
                let Some(node) = item.get(method).filter(|node| node.is_object()) else {
                    continue;
                };
                let parameters = self.parameters(item, node);
                let anchor = String::new();
                operations.push(ApiOperation {
                    method,
                    path,
                    is_pushed,
                    node,
                    parameters,
                    anchor,
                });
            }
        }
        operations
    }

    fn parameters(&self, item: &'a Value, node: &'a Value) -> Vec<&'a Value> {
        let mut merged: Vec<&'a Value> = Vec::new();
        for parameter in items(item, "parameters").chain(items(node, "parameters")) {
            let parameter = self.resolve(parameter);
            let key = |value: &'a Value| (string(value, "name"), string(value, "in"));
            merged.retain(|earlier| key(earlier) != key(parameter));
            merged.push(parameter);
        }
        merged
    }

    /// The example of a media type or parameter: its own, else one made from its schema.
    pub(super) fn example(&self, node: &'a Value) -> Option<Value> {
        if let Some(example) = node.get("example") {
            return Some(example.clone());
        }
        if let Some((_, example)) = members(node, "examples").next() {
            return self.resolve(example).get("value").cloned();
        }
        node.get("schema").map(|schema| self.made_up(schema, 0))
    }

    /// A value that the schema allows, as far as its plain keywords say.
    fn made_up(&self, schema: &'a Value, depth: usize) -> Value {
        let schema = self.resolve(schema);
        let given = schema
            .get("example")
            .or_else(|| items(schema, "examples").next())
            .or_else(|| schema.get("const"))
            .or_else(|| schema.get("default"))
            .or_else(|| items(schema, "enum").next())
            .or_else(|| items(schema, "x-extensible-enum").next());
        if let Some(given) = given {
            return given.clone();
        }
        if depth >= EXAMPLE_DEPTH_MAX {
            return Value::Null;
        }
        for keyword in ["oneOf", "anyOf"] {
            let choice = items(schema, keyword).find(|choice| !is_null(self.resolve(choice)));
            if let Some(choice) = choice {
                return self.made_up(choice, depth + 1);
            }
        }
        let kind = type_names(schema).into_iter().find(|kind| *kind != "null");
        match kind {
            Some("string") => made_up_string(schema).into(),
            Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or_else(|| 1.into()),
            Some("boolean") => true.into(),
            Some("array") => match schema.get("items") {
                Some(item) => Value::Array(vec![self.made_up(item, depth + 1)]),
                None => Value::Array(Vec::new()),
            },
            _ => {
                let mut object = Map::new();
                for (name, property, _) in self.properties(schema) {
                    object.insert(name.to_owned(), self.made_up(property, depth + 1));
                }
                Value::Object(object)
            }
        }
    }

    /// Properties of an object schema with those of its `allOf` parts: name, schema, whether required.
    pub(super) fn properties(&self, schema: &'a Value) -> Vec<(&'a str, &'a Value, bool)> {
        let mut parts = vec![schema];
        let mut at = 0;
        // Bounded, because a part may refer back to its whole.
        while let Some(part) = parts.get(at).copied().filter(|_| parts.len() < 64) {
            parts.extend(items(part, "allOf").map(|inner| self.resolve(inner)));
            at += 1;
        }
        let required: Vec<&str> = parts
            .iter()
            .flat_map(|part| items(part, "required"))
            .filter_map(Value::as_str)
            .collect();
        let mut properties: Vec<(&str, &Value, bool)> = Vec::new();
        for (name, property) in parts.iter().flat_map(|part| members(part, "properties")) {
            if !properties.iter().any(|(known, _, _)| *known == name) {
                properties.push((name, property, required.contains(&name)));
            }
        }
        properties
    }
}

/// Target of a local reference as a JSON pointer.
pub(super) fn reference(node: &Value) -> Option<&str> {
    string(node, "$ref")?.strip_prefix('#')
}

/// Non-empty string member.
pub(super) fn string<'a>(node: &'a Value, name: &str) -> Option<&'a str> {
    node.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// Elements of an array member; none if it is something else.
pub(super) fn items<'a>(node: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    node.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// Members of an object member; none if it is something else.
pub(super) fn members<'a>(node: &'a Value, name: &str) -> impl Iterator<Item = (&'a str, &'a Value)> + use<'a> {
    let object = node.get(name).and_then(Value::as_object);
    object.into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

/// `type` as a list; derived from other keywords when it is not given.
pub(super) fn type_names(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ if schema.get("properties").is_some() || schema.get("allOf").is_some() => vec!["object"],
        _ if schema.get("items").is_some() => vec!["array"],
        _ => Vec::new(),
    }
}

/// Whether the schema allows `null` and nothing else.
pub(super) fn is_null(schema: &Value) -> bool {
    type_names(schema) == ["null"]
}

fn made_up_string(schema: &Value) -> &'static str {
    match string(schema, "format") {
        Some("date-time") => "2026-11-20T08:00:00Z",
        Some("date") => "2026-11-20",
        Some("uri" | "url") => "https://example.invalid/",
        Some("uuid") => "00000000-0000-7000-8000-000000000000",
        _ => "string",
    }
}

/// `op-` and the operation id reduced to letters, digits and `-`; the position keeps doubtful ones apart.
fn anchor(operation: &ApiOperation<'_>, index: usize) -> String {
    match string(operation.node, "operationId") {
        Some(id) if id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') => {
            format!("op-{id}")
        }
        _ => format!("op.{index}"),
    }
}
