//! What programs read to know the interface: OpenAPI, AsyncAPI and the schemas of the bus. Public, cached, with an `ETag`.

use std::sync::LazyLock;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, EntityTag, Header as _},
    web,
};

use super::{
    openapi,
    problem::{ProblemCode, ProblemDocument},
    state::WorkerState,
};
use heyan_app::delivery::message::hex;
use heyan_auth::sha256;
use heyan_catalog::schema_text;

/// How long a copy may be used without asking; a new version of the hub may bring another text.
const CACHING: &str = "public, max-age=300";

/// `schemas/asyncapi.yaml` with the payloads at the addresses where the hub serves them.
static ASYNCAPI: LazyLock<String> =
    LazyLock::new(|| include_str!("../../schemas/asyncapi.yaml").replace("'./events/", "'./schemas/events/"));

/// `GET /openapi.json`.
#[utoipa::path(
    get, path = "/openapi.json", operation_id = "get_openapi", tag = "pages",
    responses((status = 200, body = Object)),
)]
pub(super) async fn openapi(
    _state: web::Data<WorkerState>,
    request: HttpRequest,
    _payload: web::Payload,
) -> Result<HttpResponse, ProblemDocument> {
    Ok(cached(&request, "application/json", openapi::COMMITTED))
}

/// `GET /asyncapi.yaml`.
#[utoipa::path(
    get, path = "/asyncapi.yaml", operation_id = "get_asyncapi", tag = "pages",
    responses((status = 200, body = Object, content_type = "application/yaml")),
)]
pub(super) async fn asyncapi(
    _state: web::Data<WorkerState>,
    request: HttpRequest,
    _payload: web::Payload,
) -> Result<HttpResponse, ProblemDocument> {
    Ok(cached(&request, "application/yaml", &ASYNCAPI))
}

/// `GET /schemas/events/{name}`.
#[utoipa::path(
    get, path = "/schemas/events/{name}", operation_id = "get_event_schema", tag = "pages",
    params(("name" = String, Path)),
    responses((status = 200, body = Object, content_type = "application/schema+json")),
)]
pub(super) async fn event(
    _state: web::Data<WorkerState>,
    request: HttpRequest,
    _payload: web::Payload,
) -> Result<HttpResponse, ProblemDocument> {
    let topic = request.match_info().query("name").strip_suffix(".json");
    let text = topic
        .and_then(schema_text)
        .ok_or(ProblemDocument::new(ProblemCode::RouteNotFound))?;
    Ok(cached(&request, "application/schema+json", text))
}

/// A text that stays the same while the hub runs; `304` where the caller has it already.
fn cached(request: &HttpRequest, media: &'static str, text: &'static str) -> HttpResponse {
    let tag = EntityTag::new_strong(hex(&sha256(text.as_bytes())));
    let held = match header::IfNoneMatch::parse(request) {
        Ok(header::IfNoneMatch::Items(held)) => held.iter().any(|held| held.weak_eq(&tag)),
        Ok(header::IfNoneMatch::Any) => request.headers().contains_key(header::IF_NONE_MATCH),
        Err(_unreadable) => false,
    };
    let mut response = if held {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    response.insert_header(header::ETag(tag));
    response.insert_header((header::CACHE_CONTROL, CACHING));
    if held {
        return response.finish();
    }
    response.content_type(media).body(text)
}
