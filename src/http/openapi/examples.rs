//! Examples of requests and answers, all synthetic: numbers have correct check characters and belong to no person. They are in
//! `examples.json`, by operation and media type: requests in the form of OpenAPI, answers as sent.
//! A test checks each against its schema, and each request against the types that the handlers parse with.

use std::sync::LazyLock;

use serde_json::{Map, Value};

static EXAMPLES: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("examples.json")).unwrap_or_default());

/// Requests of an operation in one media type, by name.
pub(super) fn requests(operation: &str, media: &str) -> Option<&'static Map<String, Value>> {
    EXAMPLES.get(operation)?.get("requests")?.get(media)?.as_object()
}

/// The answer of an operation in one media type.
pub(super) fn answer(operation: &str, media: &str) -> Option<&'static Value> {
    EXAMPLES.get(operation)?.get("answers")?.get(media)
}
