//! Pages that people read: the API reference and the problem pages, in both languages, with nothing loaded from elsewhere.

use std::{
    collections::HashMap,
    sync::{LazyLock, OnceLock},
};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web,
};
use serde::Deserialize;

use crate::{
    call::{open::OpenCall, page::FixedPage},
    docs, html, openapi,
    problem::{self, ProblemCode, ProblemDocument},
};
use heyan_texts::Locale;

/// One page in each language, rendered when it is first asked for.
#[derive(Default)]
struct PageInLanguages {
    zh: OnceLock<FixedPage>,
    en: OnceLock<FixedPage>,
}

impl PageInLanguages {
    const fn new() -> Self {
        Self {
            zh: OnceLock::new(),
            en: OnceLock::new(),
        }
    }

    const fn of(&self, locale: Locale) -> &OnceLock<FixedPage> {
        match locale {
            Locale::ZhCn => &self.zh,
            Locale::En => &self.en,
        }
    }
}

static DOCS: PageInLanguages = PageInLanguages::new();
static PROBLEMS: PageInLanguages = PageInLanguages::new();
static PROBLEM: LazyLock<HashMap<ProblemCode, PageInLanguages>> = LazyLock::new(|| {
    let codes = ProblemCode::ALL.iter();
    codes.map(|code| (*code, PageInLanguages::default())).collect()
});
static STYLESHEET: LazyLock<FixedPage> = LazyLock::new(|| FixedPage::new("text/css; charset=utf-8", html::STYLESHEET));

/// `GET /docs`.
#[utoipa::path(
    get, path = "/docs", operation_id = "get_docs", tag = "pages",
    params(("lang" = Option<String>, Query), ("Accept-Language" = Option<String>, Header)),
    responses((status = 200, body = String, content_type = "text/html")),
)]
pub(crate) async fn docs(call: OpenCall) -> Result<HttpResponse, ProblemDocument> {
    let locale = locale_of(&call.request);
    let render = || {
        let spec = serde_json::from_str(openapi::COMMITTED).unwrap_or_default();
        page(docs::render(&spec, locale), locale)
    };
    let page = DOCS.of(locale).get_or_init(render);
    Ok(page.answer(&call.request, StatusCode::OK))
}

/// `GET /problems`.
#[utoipa::path(
    get, path = "/problems", operation_id = "list_problems", tag = "pages",
    params(("lang" = Option<String>, Query), ("Accept-Language" = Option<String>, Header)),
    responses((status = 200, body = String, content_type = "text/html")),
)]
pub(crate) async fn problems(call: OpenCall) -> Result<HttpResponse, ProblemDocument> {
    let locale = locale_of(&call.request);
    let render = || page(problem::page::index_page(locale), locale);
    let page = PROBLEMS.of(locale).get_or_init(render);
    Ok(page.answer(&call.request, StatusCode::OK))
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
pub(crate) async fn problem(call: OpenCall) -> Result<HttpResponse, ProblemDocument> {
    let locale = locale_of(&call.request);
    let none = ProblemDocument::new(ProblemCode::ProblemNotFound);
    let (code, status) = match ProblemCode::parse(call.request.match_info().query("code")) {
        Some(code) => (code, StatusCode::OK),
        None if wants_html(&call.request) => (ProblemCode::ProblemNotFound, StatusCode::NOT_FOUND),
        None => return Err(none),
    };
    let Some(pages) = PROBLEM.get(&code) else {
        return Err(none);
    };
    let render = || page(problem::page::problem_page(code, locale), locale);
    let page = pages.of(locale).get_or_init(render);
    Ok(page.answer(&call.request, status))
}

/// `GET /assets/site.css`.
#[utoipa::path(
    get, path = "/assets/site.css", operation_id = "get_stylesheet", tag = "pages",
    responses((status = 200, body = String, content_type = "text/css")),
)]
pub(crate) async fn stylesheet(call: OpenCall) -> Result<HttpResponse, ProblemDocument> {
    Ok(STYLESHEET.answer(&call.request, StatusCode::OK))
}

/// `GET /`: the way to the reference.
#[utoipa::path(
    get, path = "/", operation_id = "get_home", tag = "pages",
    responses((status = 303, headers(("Location" = String)))),
)]
pub(crate) async fn home(_call: OpenCall) -> Result<HttpResponse, ProblemDocument> {
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

fn page(text: String, locale: Locale) -> FixedPage {
    FixedPage::new(html::CONTENT_TYPE, text)
        .with(header::CONTENT_LANGUAGE, locale.tag())
        .with(header::VARY, "accept-language")
        .with(header::CONTENT_SECURITY_POLICY, html::CONTENT_SECURITY_POLICY)
}
