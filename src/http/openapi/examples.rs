//! Examples of requests and answers, all synthetic: numbers have right check characters and belong to no person. They stand in
//! `examples/*.json`: by operation and media type, requests as OpenAPI has them, answers as they are, and which refusals
//! there are where `refusals.rs` does not say it.
//! A test holds each against its schema, and each request against the types that the handlers parse with.

use std::{fs, sync::LazyLock};

use serde_json::{Map, Value};

static EXAMPLES: LazyLock<Map<String, Value>> = LazyLock::new(read);

/// The files of the folder: a capability may have its own.
fn read() -> Map<String, Value> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/examples");
    let mut examples = Map::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let text = fs::read_to_string(entry.path()).unwrap_or_default();
        examples.extend(serde_json::from_str::<Map<String, Value>>(&text).unwrap_or_default());
    }
    examples
}

/// The refusals that stand beside the examples of an operation.
pub(super) fn refusals(operation: &str) -> Option<&'static str> {
    EXAMPLES.get(operation)?.get("refusals")?.as_str()
}

/// Requests of an operation in one media type, by name.
pub(super) fn requests(operation: &str, media: &str) -> Option<&'static Map<String, Value>> {
    EXAMPLES.get(operation)?.get("requests")?.get(media)?.as_object()
}

/// The answer of an operation in one media type.
pub(super) fn answer(operation: &str, media: &str) -> Option<&'static Value> {
    EXAMPLES.get(operation)?.get("answers")?.get(media)
}
