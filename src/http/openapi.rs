//! The API description: OpenAPI 3.1, made of the attributes on the handlers, the rows of the route table and the words
//! of the domain. What is served is the committed file; a test makes it anew and fails when it is out of date, so what makes it is
//! no part of the program.

#[cfg(test)]
use crate::routes::Handlers;
#[cfg(test)]
use heyan_api as api;
#[cfg(test)]
use serde_json::Value;

#[cfg(test)]
mod complete;
#[cfg(test)]
mod examples;
#[cfg(test)]
mod parameters;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod tolerance;
#[cfg(test)]
mod webhooks;
#[cfg(test)]
mod words;

/// The committed document, as `/openapi.json` serves it.
pub const COMMITTED: &str = include_str!("../../schemas/openapi.json");

/// Between the English and the Chinese half of a description; the documentation comments of [`heyan_api`] use it.
#[cfg(test)]
const BETWEEN: &str = " ‖ ";

/// Puts a sentence behind each half of a description that was split already.
#[cfg(test)]
fn put_description(schema: &mut Value, more: heyan_texts::BilingualText) {
    use heyan_texts::Locale;
    for (name, more) in [
        ("description", more.get(Locale::En)),
        ("x-zh-description", more.get(Locale::ZhCn)),
    ] {
        if let Some(Value::String(text)) = schema.get_mut(name) {
            if more.is_ascii() {
                text.push(' ');
            }
            text.push_str(more);
        }
    }
}

/// Shapes that no handler names: of lines, and parts of others.
#[cfg(test)]
#[derive(utoipa::OpenApi)]
#[openapi(components(schemas(
    api::Agency,
    api::AlertMore,
    api::FileQuestion,
    api::Claim,
    api::ExplainedField,
    api::FieldVerdict,
    api::NewCredential,
    api::Predicate,
    api::Problem,
    api::User,
    api::Subscription,
    api::SubscriptionSecret,
    api::Watch,
    api::FieldError,
    api::Item,
    api::ItemAnswer,
    api::ItemProblem,
    api::CheckedMaterial,
    api::ItemLine,
    api::StreamHeader,
    api::StreamEnd,
    api::StreamSummary,
    api::RecordFinding,
    api::RecordLine,
    api::RecordLineProblem,
    api::RecordsEnd,
    api::RecordsSummary,
    api::RecordsReceipt,
    api::TraceEnd,
    api::TraceSummary,
)))]
struct Shapes;

/// What handlers and shapes state.
#[cfg(test)]
fn stated() -> utoipa::openapi::OpenApi {
    let mut stated = <Handlers as utoipa::OpenApi>::openapi();
    stated.merge(<Shapes as utoipa::OpenApi>::openapi());
    stated
}

/// The document, made anew.
#[cfg(test)]
fn document() -> Value {
    // Every part of it is plain data: it cannot fail to become JSON.
    complete::complete(serde_json::to_value(stated()).unwrap_or_default())
}

/// The document as it is committed: indented, paths in the order of the route table, with a line feed at the end.
#[cfg(test)]
fn document_json() -> String {
    format!("{:#}\n", document())
}

#[cfg(test)]
mod tests;
