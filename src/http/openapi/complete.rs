//! Makes the document whole: texts, roles, credentials, refusals and examples, each from the one place that knows it.
//! What the handlers state is kept; nothing here names a path or a shape of its own.

use serde_json::{Map, Value, json};

use super::{BETWEEN, examples, parameters, refusals, tolerance, webhooks, words};
use crate::{
    docs,
    problem::{self, ProblemCode},
    routes::{LedgerRow, ROUTES, Route},
};
use heyan_texts::{BilingualText, text};

/// Groups of operations, in the order of the page.
const TAGS: [&str; 15] = [
    "verification",
    "catalogue",
    "item",
    "licence",
    "mismatch",
    "case",
    "watch",
    "push",
    "supervision",
    "trace",
    "access",
    "token",
    "ledger",
    "pages",
    "webhook",
];

/// What every route of a known caller may answer with.
const KNOWN: &[ProblemCode] = &[
    ProblemCode::Unauthenticated,
    ProblemCode::InvalidToken,
    ProblemCode::TokenExpired,
    ProblemCode::NetworkNotAllowed,
    ProblemCode::AgencyDisabled,
    ProblemCode::Internal,
    ProblemCode::LedgerUnavailable,
    ProblemCode::Overloaded,
];

/// Completes what the handlers state.
pub(super) fn complete(stated: Value) -> Value {
    let mut document = Map::new();
    document.insert("openapi".to_owned(), stated.get("openapi").cloned().unwrap_or_default());
    document.insert("info".to_owned(), info());
    document.insert("servers".to_owned(), json!([{"url": "/"}]));
    document.insert("tags".to_owned(), TAGS.iter().map(tag).collect());
    document.insert("security".to_owned(), json!([{"bearer": []}]));
    document.insert("paths".to_owned(), paths(&stated));
    document.insert("webhooks".to_owned(), webhooks::section());
    document.insert("components".to_owned(), components(&stated));
    let mut document = Value::Object(document);
    split_texts(&mut document);
    tolerance::open_answers(&mut document);
    let samples: Vec<_> = ROUTES
        .iter()
        .map(|route| docs::curl_line(&document, route.operation))
        .collect();
    for (route, sample) in ROUTES.iter().zip(samples) {
        if let (Some(operation), Some(line)) = (operation_mut(&mut document, route), sample) {
            let sample = json!([{"lang": "Shell", "label": "curl", "source": line}]);
            operation.insert("x-codeSamples".to_owned(), sample);
        }
    }
    document
}

/// The path of a route as OpenAPI writes it: without the pattern of a tail.
pub(super) fn template(route: &Route) -> String {
    route.path.replace(":.*}", "}")
}

fn operation_mut<'d>(document: &'d mut Value, route: &Route) -> Option<&'d mut Map<String, Value>> {
    let path = document.get_mut("paths")?.get_mut(template(route))?;
    path.get_mut(route.method.to_ascii_lowercase())?.as_object_mut()
}

pub(super) fn put_text(node: &mut Map<String, Value>, name: &str, text: BilingualText) {
    node.insert(name.to_owned(), text.en.into());
    node.insert(format!("x-zh-{name}"), text.zh.into());
}

fn info() -> Value {
    let mut info = Map::new();
    put_text(&mut info, "title", text("openapi.info.title"));
    info.insert("version".to_owned(), env!("CARGO_PKG_VERSION").into());
    put_text(&mut info, "description", text("openapi.info.description"));
    let contact = json!({"name": "The bureau that operates this hub", "x-zh-name": "本系统的运维单位"});
    info.insert("contact".to_owned(), contact);
    info.insert(
        "license".to_owned(),
        json!({"name": "Apache-2.0", "identifier": "Apache-2.0"}),
    );
    Value::Object(info)
}

fn tag(name: &&str) -> Value {
    let title = text(&format!("openapi.tag.{name}.title"));
    let mut tag = Map::new();
    tag.insert("name".to_owned(), (*name).into());
    tag.insert("x-displayName".to_owned(), title.en.into());
    tag.insert("x-zh-name".to_owned(), title.zh.into());
    put_text(
        &mut tag,
        "description",
        text(&format!("openapi.tag.{name}.description")),
    );
    Value::Object(tag)
}

/// Paths in the order of the route table; a stated operation without a row is left out, and a test finds it.
fn paths(stated: &Value) -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for route in ROUTES {
        let method = route.method.to_ascii_lowercase();
        let stated = stated
            .get("paths")
            .and_then(|paths| paths.get(template(route))?.get(&method));
        let Some(stated) = stated else { continue };
        let item = paths.entry(template(route)).or_insert_with(|| json!({}));
        if let Some(item) = item.as_object_mut() {
            item.insert(method, operation(route, stated));
        }
    }
    Value::Object(paths)
}

fn operation(route: &Route, stated: &Value) -> Value {
    let part = |name: &str| stated.get(name).cloned();
    let mut whole = Map::new();
    whole.insert("operationId".to_owned(), part("operationId").unwrap_or_default());
    whole.insert("tags".to_owned(), part("tags").unwrap_or_default());
    let of = route.operation;
    put_text(&mut whole, "summary", text(&format!("openapi.operation.{of}.summary")));
    put_text(
        &mut whole,
        "description",
        text(&format!("openapi.operation.{of}.description")),
    );
    if route.ledger == LedgerRow::Open {
        let scheme = if route.operation == "issue_token" {
            json!([{"basic": []}])
        } else {
            json!([])
        };
        whole.insert("security".to_owned(), scheme);
    } else {
        let roles: Vec<&str> = route.roles.iter().map(|role| role.as_str()).collect();
        whole.insert("x-roles".to_owned(), roles.into());
    }
    if let Some(Value::Array(list)) = part("parameters") {
        let list = list.into_iter().map(|parameter| describe_parameter(route, parameter));
        whole.insert("parameters".to_owned(), list.collect());
    }
    if let Some(body) = part("requestBody") {
        whole.insert("requestBody".to_owned(), request_body(route, body));
    }
    let answers = part("responses").unwrap_or_default();
    whole.insert("responses".to_owned(), responses(route, answers));
    Value::Object(whole)
}

fn describe_parameter(route: &Route, stated: Value) -> Value {
    let name = stated.get("name").and_then(Value::as_str).unwrap_or_default();
    let known = parameters::parameter(route.operation, name);
    let (Some(known), Value::Object(mut parameter)) = (known, stated) else {
        return Value::Null;
    };
    put_text(&mut parameter, "description", known.text);
    parameter.insert("schema".to_owned(), known.schema);
    if let Some(example) = known.example {
        parameter.insert("example".to_owned(), example);
    }
    Value::Object(parameter)
}

fn request_body(route: &Route, mut body: Value) -> Value {
    if let Some(content) = body.get_mut("content").and_then(Value::as_object_mut) {
        for (media, node) in content {
            let Some(node) = node.as_object_mut() else { continue };
            note_lines(route, media, "request", node);
            if let Some(named) = examples::requests(route.operation, media) {
                node.insert("examples".to_owned(), Value::Object(named.clone()));
            }
        }
    }
    body
}

/// What one line of an NDJSON body is: OpenAPI 3.1 has no keyword for it.
fn note_lines(route: &Route, media: &str, place: &str, node: &mut Map<String, Value>) {
    let names: &[&str] = match (media, route.operation, place) {
        ("application/x-ndjson", "verify_stream", "request") => &["StreamHeader", "Item"],
        ("application/x-ndjson", "verify_stream", _) => &["ItemAnswer", "ItemProblem", "StreamEnd"],
        ("application/x-ndjson", "put_items", "request") => &["ServiceItem"],
        ("application/x-ndjson", "put_items", _) => &["ItemLine", "RecordLineProblem", "RecordsEnd"],
        ("application/x-ndjson", "query_trace", _) => &["TraceRow", "TraceEnd"],
        ("application/x-ndjson", _, "request") => &["Record"],
        ("application/x-ndjson", _, _) => &["RecordLine", "RecordLineProblem", "RecordsEnd"],
        _ => return,
    };
    let lines: Vec<Value> = names
        .iter()
        .map(|name| json!({"$ref": format!("#/components/schemas/{name}")}))
        .collect();
    node.insert("x-line-schemas".to_owned(), lines.into());
}

fn responses(route: &Route, stated: Value) -> Value {
    let mut by_status: Vec<(String, Value)> = match stated {
        Value::Object(stated) => stated.into_iter().collect(),
        _ => Vec::new(),
    };
    for (status, response) in &mut by_status {
        let Some(response) = response.as_object_mut() else {
            continue;
        };
        let answer = match status.as_str() {
            "202" => status_text(status),
            _ => text(&format!("openapi.operation.{}.answer", route.operation)),
        };
        put_text(response, "description", answer);
        if let Some(headers) = response.get_mut("headers").and_then(Value::as_object_mut) {
            for (name, header) in headers {
                *header = json!({"$ref": format!("#/components/headers/{name}")});
            }
        }
        answer_bodies(route, response);
    }
    for (status, codes) in codes_of(route) {
        let status = status.to_string();
        let bodies = by_status
            .iter()
            .position(|(known, _)| *known == status)
            .map(|position| by_status.swap_remove(position).1);
        by_status.push((status.clone(), refusal(&status, &codes, bodies.as_ref())));
    }
    by_status.sort_by(|(one, _), (two, _)| one.cmp(two));
    Value::Object(by_status.into_iter().collect())
}

fn answer_bodies(route: &Route, response: &mut Map<String, Value>) {
    let Some(content) = response.get_mut("content").and_then(Value::as_object_mut) else {
        return;
    };
    for (media, node) in content {
        let Some(node) = node.as_object_mut() else { continue };
        if media == "application/octet-stream" {
            // Bytes have no JSON Schema; OpenAPI 3.1 leaves it out.
            node.remove("schema");
        }
        note_lines(route, media, "response", node);
        if let Some(example) = examples::answer(route.operation, media) {
            node.insert("example".to_owned(), example.clone());
        }
    }
}

/// Codes by status, in the order of the catalogue.
fn codes_of(route: &Route) -> Vec<(u16, Vec<ProblemCode>)> {
    let mut codes: Vec<ProblemCode> = refusals::of(route.operation)
        .iter()
        .copied()
        .flatten()
        .copied()
        .collect();
    if route.ledger != LedgerRow::Open {
        codes.extend(KNOWN);
        if route.roles.len() < heyan_app::access::table::ClientRole::ALL.len() {
            codes.push(ProblemCode::RoleNotAllowed);
        }
    }
    codes.sort_unstable();
    codes.dedup();
    let mut by_status: Vec<(u16, Vec<ProblemCode>)> = Vec::new();
    for code in codes {
        match by_status.last_mut() {
            Some((status, codes)) if *status == code.status() => codes.push(code),
            _ => by_status.push((code.status(), vec![code])),
        }
    }
    by_status
}

fn refusal(status: &str, codes: &[ProblemCode], beside: Option<&Value>) -> Value {
    let mut headers = Map::new();
    let mut header = |name: &str| {
        headers.insert(name.to_owned(), json!({"$ref": format!("#/components/headers/{name}")}));
    };
    if status == "401" {
        header("WWW-Authenticate");
    }
    if matches!(status, "429" | "503") {
        header("Retry-After");
    }
    let mut content = json!({(problem::CONTENT_TYPE): {"schema": {"$ref": "#/components/schemas/Problem"}}});
    if let (Some(content), Some(more)) = (
        content.as_object_mut(),
        beside
            .and_then(|beside| beside.get("content"))
            .and_then(Value::as_object),
    ) {
        content.extend(more.clone());
    }
    let mut response = Map::new();
    put_text(&mut response, "description", status_text(status));
    let codes: Vec<&str> = codes.iter().map(|code| code.as_str()).collect();
    response.insert("x-problem-codes".to_owned(), codes.into());
    if !headers.is_empty() {
        response.insert("headers".to_owned(), Value::Object(headers));
    }
    response.insert("content".to_owned(), content);
    Value::Object(response)
}

/// What an answer of this status says in general.
fn status_text(status: &str) -> BilingualText {
    let known = [
        "202", "400", "401", "403", "404", "406", "408", "409", "412", "413", "415", "422", "429", "500", "503",
    ];
    let status = if known.contains(&status) { status } else { "other" };
    text(&format!("openapi.status.{status}"))
}

fn components(stated: &Value) -> Value {
    let mut schemas = match stated.pointer("/components/schemas") {
        Some(Value::Object(schemas)) => schemas.clone(),
        _ => Map::new(),
    };
    for (name, replacement) in words::replacements() {
        let (Some(place), Value::Object(mut replacement)) = (schemas.get_mut(name), replacement) else {
            continue;
        };
        if let Some(description) = place.get("description") {
            replacement.insert("description".to_owned(), description.clone());
        }
        *place = Value::Object(replacement);
    }
    schemas.extend(webhooks::schemas());
    for schema in schemas.values_mut().filter_map(Value::as_object_mut) {
        required_first(schema);
    }
    json!({
        "schemas": schemas,
        "headers": {
            "ETag": described("etag", json!({"schema": {"type": "string"}})),
            "Location": described("location", json!({"required": true, "schema": {"type": "string"}})),
            "Retry-After": described("retry_after", json!({"required": true, "schema": {"type": "integer", "minimum": 0}})),
            "WWW-Authenticate": described("www_authenticate", json!({"required": true, "schema": {"type": "string"}})),
        },
        "securitySchemes": {
            "bearer": described("bearer", json!({"type": "http", "scheme": "bearer", "bearerFormat": "JWT"})),
            "basic": described("basic", json!({"type": "http", "scheme": "basic"})),
        },
    })
}

/// A header or a security scheme with its text.
fn described(name: &str, component: Value) -> Value {
    let mut described = Map::new();
    put_text(
        &mut described,
        "description",
        text(&format!("openapi.component.{name}")),
    );
    described.extend(component.as_object().cloned().unwrap_or_default());
    Value::Object(described)
}

/// What must be there is read first.
fn required_first(schema: &mut Map<String, Value>) {
    let required: Vec<String> = match schema.get("required") {
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => return,
    };
    let Some(Value::Object(properties)) = schema.get_mut("properties") else {
        return;
    };
    let mut ordered = Map::new();
    for name in required {
        if let Some(property) = properties.get(&name) {
            ordered.insert(name, property.clone());
        }
    }
    for (name, property) in std::mem::take(properties) {
        ordered.entry(name).or_insert(property);
    }
    *properties = ordered;
}

/// Gives each half of a text its member.
fn split_texts(node: &mut Value) {
    match node {
        Value::Object(members) => {
            let halves = match members.get("description") {
                Some(Value::String(text)) => text.split_once(BETWEEN).map(|(en, zh)| (en.to_owned(), zh.to_owned())),
                _ => None,
            };
            if let Some((en, zh)) = halves {
                for (name, value) in std::mem::take(members) {
                    if name == "description" {
                        members.insert(name, en.clone().into());
                        members.insert("x-zh-description".to_owned(), zh.clone().into());
                    } else {
                        members.insert(name, value);
                    }
                }
            }
            members.values_mut().for_each(split_texts);
        }
        Value::Array(items) => items.iter_mut().for_each(split_texts),
        _ => {}
    }
}
