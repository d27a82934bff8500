//! `/v1/quality`: the data-quality ledger, as rows and as a week's report.

use actix_web::{HttpResponse, http::header};
use jiff::{ToSpan, civil::Date};
use serde::Deserialize;

use super::{
    call::HandlerCall,
    problem::{ProblemCode, ProblemDocument},
    reply::ok,
    verifications::{NO_STORE, locale_of, query},
};
use heyan_api as api;
use heyan_app::quality::{self, AnswersRow, FieldRow, IsoWeek, MismatchesRow, PeriodRows, ReportBy, ReportRequest};
use heyan_domain::calendar::china_date;
use heyan_texts::Locale;

/// Days when nothing is asked, besides today.
const DAYS_DEFAULT: i64 = 29;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QualityQuery {
    dataset: Option<String>,
    authority: Option<String>,
    agency: Option<String>,
    from: Option<String>,
    until: Option<String>,
    by: Option<String>,
}

fn date(text: Option<&String>, otherwise: Date) -> Result<Date, ProblemDocument> {
    let Some(text) = text else { return Ok(otherwise) };
    let date = text.parse().ok().filter(|_| text.len() == "YYYY-MM-DD".len());
    date.ok_or_else(|| ProblemDocument::new(ProblemCode::InvalidParameter))
}

/// `GET /v1/quality`.
#[utoipa::path(
    get, path = "/v1/quality", operation_id = "get_quality", tag = "supervision",
    params(
        ("dataset" = Option<String>, Query), ("authority" = Option<String>, Query), ("agency" = Option<String>, Query),
        ("from" = Option<String>, Query), ("until" = Option<String>, Query), ("by" = Option<String>, Query),
    ),
    responses((status = 200, body = api::Quality)),
)]
pub(super) async fn rows(call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let asked: QualityQuery = query(&call)?;
    let until = date(asked.until.as_ref(), china_date(call.now_us))?;
    let from = date(asked.from.as_ref(), until.saturating_sub(DAYS_DEFAULT.days()))?;
    let by = match asked.by.as_deref() {
        None | Some("day") => ReportBy::Day,
        Some("week") => ReportBy::Week,
        Some(_) => return Err(ProblemDocument::new(ProblemCode::InvalidParameter)),
    };
    let request = ReportRequest {
        dataset: asked.dataset,
        authority: asked.authority,
        agency: asked.agency,
        from,
        until,
        by,
    };
    let rows = quality::rows(call.hub(), &call.caller, &request).await?;
    Ok(ok(&api::Quality {
        from: from.to_string(),
        until: until.to_string(),
        by: asked.by.unwrap_or_else(|| "day".to_owned()).into(),
        rows: told(rows),
    }))
}

fn told(rows: PeriodRows) -> api::QualityRows {
    let field = |row: FieldRow| api::QualityField {
        compared: row.compared,
        mismatch_rate: row.mismatch_rate,
        verdicts: row.verdicts.into_iter().collect(),
        rules_applied: row.rules_applied.into_iter().collect(),
        period: row.period,
        dataset: row.dataset,
        rules: row.rules,
        field: row.field,
        comparator: row.comparator,
    };
    let answers = |row: AnswersRow| api::QualityAnswers {
        period: row.period,
        dataset: row.dataset,
        answers: row.answers,
        outcomes: row.outcomes.into_iter().collect(),
    };
    let mismatches = |row: MismatchesRow| {
        let count = |word: &str| row.steps.get(word).copied().unwrap_or_default();
        api::QualityMismatches {
            opened: count("opened"),
            settled: count("settled"),
            accepted: count("accepted"),
            proposed: count("proposed"),
            corrected: count("corrected"),
            upheld: count("upheld"),
            false_claims: count("false_claims"),
            closed: count("closed"),
            period: row.period,
            dataset: row.dataset,
            field: row.field,
            mean_days_to_decide: row.mean_days_to_decide,
        }
    };
    api::QualityRows {
        fields: rows.fields.into_iter().map(field).collect(),
        answers: rows.answers.into_iter().map(answers).collect(),
        mismatches: rows.mismatches.into_iter().map(mismatches).collect(),
    }
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
    responses((status = 200, content((api::QualityReport = "application/json"), (String = "text/markdown")))),
)]
pub(super) async fn report(call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let asked: OfWeek = query(&call)?;
    let week = IsoWeek::parse(&asked.week).ok_or_else(|| ProblemDocument::new(ProblemCode::InvalidParameter))?;
    let markdown = wants_markdown(&call)?;
    let report = quality::report(call.hub(), &call.caller, &asked.authority, week).await?;
    let mut response = HttpResponse::Ok();
    response.insert_header(NO_STORE);
    if !markdown {
        return Ok(response.json(api::QualityReport {
            authority: api::QualityAuthority {
                id: asked.authority,
                name: report.agency_name,
            },
            week: week.name(),
            from: week.first().to_string(),
            until: week.last().to_string(),
            datasets: report.datasets,
            rows: told(report.now),
            before: told(report.before),
            markdown: api::BothLanguages {
                zh: report.zh,
                en: report.en,
            },
        }));
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

fn wants_markdown(call: &HandlerCall) -> Result<bool, ProblemDocument> {
    let accept = call.request.headers().get(header::ACCEPT);
    let accept = accept.and_then(|value| value.to_str().ok()).unwrap_or("*/*");
    for range in accept.split(',') {
        match range.split(';').next().unwrap_or_default().trim() {
            "text/markdown" | "text/*" => return Ok(true),
            "application/json" | "application/*" | "*/*" | "" => return Ok(false),
            _ => {}
        }
    }
    Err(ProblemDocument::new(ProblemCode::NotAcceptable))
}
