//! What programs read to know the interface: OpenAPI, AsyncAPI and the schemas of the bus. Public, cached, with an `ETag`.

use std::{collections::HashMap, sync::LazyLock};

use actix_web::{HttpResponse, http::StatusCode};

use crate::{
    call::{open::OpenCall, page::FixedPage},
    openapi,
    problem::{ProblemCode, ProblemDocument},
};
use heyan_catalog::schema_texts;

static OPENAPI: LazyLock<FixedPage> = LazyLock::new(|| FixedPage::new("application/json", openapi::COMMITTED));

/// `schemas/asyncapi.yaml` with the payloads at the addresses where the hub serves them.
static ASYNCAPI: LazyLock<FixedPage> = LazyLock::new(|| {
    let text = include_str!("../../../../schemas/asyncapi.yaml").replace("'./events/", "'./schemas/events/");
    FixedPage::new("application/yaml", text)
});

/// Schemas of events by topic.
static EVENTS: LazyLock<HashMap<&str, FixedPage>> = LazyLock::new(|| {
    let page =
        |(topic, text): &(&'static str, &'static str)| (*topic, FixedPage::new("application/schema+json", *text));
    schema_texts().iter().map(page).collect()
});

/// `GET /openapi.json`.
#[utoipa::path(
    get, path = "/openapi.json", operation_id = "get_openapi", tag = "pages",
    responses((status = 200, body = Object)),
)]
pub(crate) async fn openapi(call: OpenCall) -> Result<HttpResponse, ProblemDocument> {
    Ok(OPENAPI.answer(&call.request, StatusCode::OK))
}

/// `GET /asyncapi.yaml`.
#[utoipa::path(
    get, path = "/asyncapi.yaml", operation_id = "get_asyncapi", tag = "pages",
    responses((status = 200, body = Object, content_type = "application/yaml")),
)]
pub(crate) async fn asyncapi(call: OpenCall) -> Result<HttpResponse, ProblemDocument> {
    Ok(ASYNCAPI.answer(&call.request, StatusCode::OK))
}

/// `GET /schemas/events/{name}`.
#[utoipa::path(
    get, path = "/schemas/events/{name}", operation_id = "get_event_schema", tag = "pages",
    params(("name" = String, Path)),
    responses((status = 200, body = Object, content_type = "application/schema+json")),
)]
pub(crate) async fn event(call: OpenCall) -> Result<HttpResponse, ProblemDocument> {
    let topic = call.request.match_info().query("name").strip_suffix(".json");
    let page = topic.and_then(|topic| EVENTS.get(topic));
    let page = page.ok_or(ProblemDocument::new(ProblemCode::RouteNotFound))?;
    Ok(page.answer(&call.request, StatusCode::OK))
}
