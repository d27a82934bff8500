//! `/v1/quality`: the data-quality ledger, as rows and as a week's report.

use actix_web::{HttpResponse, http::header};
use jiff::{ToSpan, civil::Date};
use serde::Deserialize;
use serde_json::json;

use super::{
    call::Call,
    openapi::shapes,
    problem::{Problem, ProblemCode},
    verifications::{NO_STORE, locale_of, query},
};
use heyan_app::quality::{self, By, Request, Week};
use heyan_domain::calendar::china_date;
use heyan_texts::Locale;

/// Days when nothing is asked, besides today.
const DAYS_DEFAULT: i64 = 29;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Filter {
    dataset: Option<String>,
    authority: Option<String>,
    agency: Option<String>,
    from: Option<String>,
    until: Option<String>,
    by: Option<String>,
}

fn date(text: Option<&String>, otherwise: Date) -> Result<Date, Problem> {
    let Some(text) = text else { return Ok(otherwise) };
    let date = text.parse().ok().filter(|_| text.len() == "YYYY-MM-DD".len());
    date.ok_or_else(|| Problem::new(ProblemCode::InvalidParameter))
}

/// `GET /v1/quality`.
#[utoipa::path(
    get, path = "/v1/quality", operation_id = "get_quality", tag = "supervision",
    params(
        ("dataset" = Option<String>, Query), ("authority" = Option<String>, Query), ("agency" = Option<String>, Query),
        ("from" = Option<String>, Query), ("until" = Option<String>, Query), ("by" = Option<String>, Query),
    ),
    responses((status = 200, body = shapes::Quality)),
)]
pub(super) async fn rows(call: Call) -> Result<HttpResponse, Problem> {
    let asked: Filter = query(&call)?;
    let until = date(asked.until.as_ref(), china_date(call.now_us))?;
    let from = date(asked.from.as_ref(), until.saturating_sub(DAYS_DEFAULT.days()))?;
    let by = match asked.by.as_deref() {
        None | Some("day") => By::Day,
        Some("week") => By::Week,
        Some(_) => return Err(Problem::new(ProblemCode::InvalidParameter)),
    };
    let request = Request {
        dataset: asked.dataset,
        authority: asked.authority,
        agency: asked.agency,
        from,
        until,
        by,
    };
    let body = quality::rows(call.hub(), &call.caller, &request).await?;
    Ok(HttpResponse::Ok().insert_header(NO_STORE).json(body))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfWeek {
    authority: String,
    week: String,
}

/// `GET /v1/quality/report`.
#[utoipa::path(
    get, path = "/v1/quality/report", operation_id = "get_quality_report", tag = "supervision",
    params(
        ("authority" = String, Query), ("week" = String, Query), ("Accept" = Option<String>, Header),
        ("Accept-Language" = Option<String>, Header),
    ),
    responses((status = 200, content((shapes::QualityReport = "application/json"), (String = "text/markdown")))),
)]
pub(super) async fn report(call: Call) -> Result<HttpResponse, Problem> {
    let asked: OfWeek = query(&call)?;
    let week = Week::parse(&asked.week).ok_or_else(|| Problem::new(ProblemCode::InvalidParameter))?;
    let markdown = wants_markdown(&call)?;
    let report = quality::report(call.hub(), &call.caller, &asked.authority, week).await?;
    let mut response = HttpResponse::Ok();
    response.insert_header(NO_STORE);
    if !markdown {
        let mut body = report.json;
        if let Some(members) = body.as_object_mut() {
            members.insert("markdown".to_owned(), json!({"zh": report.zh, "en": report.en}));
        }
        return Ok(response.json(body));
    }
    let locale = locale_of(&call);
    let text = match locale {
        Locale::ZhCn => report.zh,
        Locale::En => report.en,
    };
    Ok(response
        .content_type("text/markdown; charset=utf-8")
        .insert_header((header::CONTENT_LANGUAGE, locale.tag()))
        .body(text))
}

fn wants_markdown(call: &Call) -> Result<bool, Problem> {
    let accept = call.request.headers().get(header::ACCEPT);
    let accept = accept.and_then(|value| value.to_str().ok()).unwrap_or("*/*");
    for range in accept.split(',') {
        match range.split(';').next().unwrap_or_default().trim() {
            "text/markdown" | "text/*" => return Ok(true),
            "application/json" | "application/*" | "*/*" | "" => return Ok(false),
            _ => {}
        }
    }
    Err(Problem::new(ProblemCode::NotAcceptable))
}
