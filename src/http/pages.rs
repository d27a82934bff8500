//! Pages that people read: the API reference and the problem pages, in both languages, with nothing loaded from elsewhere.

use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, http::header, web};
use serde::Deserialize;

use super::{
    docs, html, openapi,
    problem::{self, ProblemCode, ProblemDocument},
    state::WorkerState,
};
use heyan_texts::Locale;

/// `GET /docs`.
#[utoipa::path(
    get, path = "/docs", operation_id = "get_docs", tag = "pages",
    params(("lang" = Option<String>, Query), ("Accept-Language" = Option<String>, Header)),
    responses((status = 200, body = String, content_type = "text/html")),
)]
pub(super) async fn docs(
    _state: web::Data<WorkerState>,
    request: HttpRequest,
    _payload: web::Payload,
) -> Result<HttpResponse, ProblemDocument> {
    let locale = locale_of(&request);
    let spec =
        serde_json::from_str(openapi::COMMITTED).map_err(|_unreadable| ProblemDocument::new(ProblemCode::Internal))?;
    Ok(page(HttpResponse::Ok(), locale).body(docs::render(&spec, locale)))
}

/// `GET /problems`.
#[utoipa::path(
    get, path = "/problems", operation_id = "list_problems", tag = "pages",
    params(("lang" = Option<String>, Query), ("Accept-Language" = Option<String>, Header)),
    responses((status = 200, body = String, content_type = "text/html")),
)]
pub(super) async fn problems(
    _state: web::Data<WorkerState>,
    request: HttpRequest,
    _payload: web::Payload,
) -> Result<HttpResponse, ProblemDocument> {
    let locale = locale_of(&request);
    Ok(page(HttpResponse::Ok(), locale).body(problem::page::index_page(locale)))
}

/// `GET /problems/{code}`.
#[utoipa::path(
    get, path = "/problems/{code}", operation_id = "get_problem", tag = "pages",
    params(("code" = String, Path), ("lang" = Option<String>, Query), ("Accept-Language" = Option<String>, Header)),
    responses(
        (status = 200, body = String, content_type = "text/html"),
        (status = 404, body = String, content_type = "text/html"),
    ),
)]
pub(super) async fn problem(
    _state: web::Data<WorkerState>,
    request: HttpRequest,
    _payload: web::Payload,
) -> Result<HttpResponse, ProblemDocument> {
    let locale = locale_of(&request);
    let code = ProblemCode::parse(request.match_info().query("code"));
    match code {
        Some(code) => Ok(page(HttpResponse::Ok(), locale).body(problem::page::problem_page(code, locale))),
        None if wants_html(&request) => {
            let text = problem::page::problem_page(ProblemCode::ProblemNotFound, locale);
            Ok(page(HttpResponse::NotFound(), locale).body(text))
        }
        None => Err(ProblemDocument::new(ProblemCode::ProblemNotFound)),
    }
}

/// `GET /assets/site.css`.
#[utoipa::path(
    get, path = "/assets/site.css", operation_id = "get_stylesheet", tag = "pages",
    responses((status = 200, body = String, content_type = "text/css")),
)]
pub(super) async fn stylesheet(
    _state: web::Data<WorkerState>,
    _request: HttpRequest,
    _payload: web::Payload,
) -> Result<HttpResponse, ProblemDocument> {
    Ok(HttpResponse::Ok()
        .content_type("text/css; charset=utf-8")
        .body(html::STYLESHEET))
}

/// `GET /`: the way to the reference.
#[utoipa::path(
    get, path = "/", operation_id = "get_home", tag = "pages",
    responses((status = 303, headers(("Location" = String)))),
)]
pub(super) async fn home(
    _state: web::Data<WorkerState>,
    _request: HttpRequest,
    _payload: web::Payload,
) -> Result<HttpResponse, ProblemDocument> {
    Ok(HttpResponse::SeeOther()
        .insert_header((header::LOCATION, "/docs"))
        .finish())
}

#[derive(Deserialize)]
struct PageLanguage {
    lang: Option<String>,
}

/// `?lang=` first, then `Accept-Language`.
fn locale_of(request: &HttpRequest) -> Locale {
    let asked = web::Query::<PageLanguage>::from_query(request.query_string())
        .ok()
        .and_then(|query| query.into_inner().lang);
    let preferred = request
        .headers()
        .get(header::ACCEPT_LANGUAGE)
        .and_then(|value| value.to_str().ok());
    asked
        .as_deref()
        .and_then(Locale::from_query)
        .unwrap_or_else(|| Locale::negotiate(preferred))
}

fn wants_html(request: &HttpRequest) -> bool {
    let accept = request
        .headers()
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

fn page(mut response: HttpResponseBuilder, locale: Locale) -> HttpResponseBuilder {
    response
        .content_type(html::CONTENT_TYPE)
        .insert_header((header::CONTENT_LANGUAGE, locale.tag()))
        .insert_header((header::VARY, "accept-language"))
        .insert_header((header::CONTENT_SECURITY_POLICY, html::CONTENT_SECURITY_POLICY));
    response
}
