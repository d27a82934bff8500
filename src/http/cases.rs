//! `/v1/cases`: joint handling. The lead opens a case and verifies within it; who handles it too uses a check again.

use actix_web::HttpResponse;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    access::change,
    call::Call,
    extract,
    openapi::shapes,
    page::{self, after, limit_of},
    problem::{Problem, ProblemCode},
    reply::ok,
    verifications::{NO_STORE, query},
};
use heyan_app::cases::{self, CaseBody, ReuseBody};
use heyan_app::{
    foundation::error::AppError,
    verification::{
        answer_json,
        question::{ItemBody, VerificationBody},
        verify::{self, Answer},
    },
};

/// `POST /v1/cases`.
#[utoipa::path(
    post, path = "/v1/cases", operation_id = "open_case", tag = "case",
    request_body = shapes::NewCase,
    responses((status = 201, body = shapes::Case)),
)]
pub(super) async fn open(mut call: Call) -> Result<HttpResponse, Problem> {
    let bytes = call.json_body(call.state.limits.body_bytes_max).await?;
    let (state, caller) = (call.state.clone(), call.caller.clone());
    let opened = change(async move {
        let body: CaseBody<'_> = extract::parse(&bytes)?;
        let view = cases::open(&state.hub, &caller, &body).await?;
        Ok::<_, Problem>(view)
    });
    let view = opened.await?;
    call.entered();
    Ok(HttpResponse::Created()
        .insert_header(NO_STORE)
        .json(view.json(call.now_us)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Filter {
    limit: Option<u32>,
    cursor: Option<String>,
}

/// `GET /v1/cases`.
#[utoipa::path(
    get, path = "/v1/cases", operation_id = "list_cases", tag = "case",
    params(("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = shapes::Cases)),
)]
pub(super) async fn list(call: Call) -> Result<HttpResponse, Problem> {
    let asked: Filter = query(&call)?;
    let limit = limit_of(asked.limit)?;
    let after = after(asked.cursor.as_deref())?;
    let mut views = cases::list(call.hub(), &call.caller, after.as_deref(), limit + 1).await?;
    let next = page::next(&mut views, limit, |view| view.row.id.clone());
    let views: Vec<Value> = views.iter().map(|view| view.json(call.now_us)).collect();
    Ok(ok(&json!({"cases": views, "next_cursor": next})))
}

/// `GET /v1/cases/{id}`.
#[utoipa::path(
    get, path = "/v1/cases/{id}", operation_id = "get_case", tag = "case",
    params(("id" = String, Path)),
    responses((status = 200, body = shapes::Case)),
)]
pub(super) async fn get(call: Call) -> Result<HttpResponse, Problem> {
    let view = cases::get(call.hub(), &call.caller, &call.path("id")).await?;
    Ok(ok(&view.json(call.now_us)))
}

/// `DELETE /v1/cases/{id}`.
#[utoipa::path(
    delete, path = "/v1/cases/{id}", operation_id = "close_case", tag = "case",
    params(("id" = String, Path)),
    responses((status = 204)),
)]
pub(super) async fn close(call: Call) -> Result<HttpResponse, Problem> {
    let (state, caller, id) = (call.state.clone(), call.caller.clone(), call.path("id"));
    if change(async move { cases::close(&state.hub, &caller, &id).await }).await? {
        call.entered();
    }
    Ok(HttpResponse::NoContent().insert_header(NO_STORE).finish())
}

/// `POST /v1/cases/{id}/checks`.
#[utoipa::path(
    post, path = "/v1/cases/{id}/checks", operation_id = "check_in_case", tag = "case",
    params(("id" = String, Path)),
    request_body = shapes::Item,
    responses((status = 201, body = shapes::CaseCheckAnswer)),
)]
pub(super) async fn check(mut call: Call) -> Result<HttpResponse, Problem> {
    let bytes = call.json_body(call.state.limits.body_bytes_max).await?;
    let item: ItemBody<'_> = extract::parse(&bytes)?;
    // The same bytes, read a second time: the question takes what it is made of.
    let again: ItemBody<'_> = extract::parse(&bytes)?;
    cases::check_reference(&item.reference)?;
    let case = call.path("id");
    let hub = call.hub();
    let view = cases::led(hub, &call.caller, &case).await?;
    let missing = || AppError::fault("/dataset", "missing_member");
    let question = VerificationBody {
        dataset: again.dataset.ok_or_else(missing)?,
        subject: again.subject,
        claims: again.claims,
        purpose: view.purpose(),
        max_age_s: again.max_age_s,
    };
    let answer = verify::verify(hub, &call.state.lane, &call.caller, &question, call.now_us);
    let answer = match verify::asks_outside(hub, &question.dataset) {
        true => Box::pin(call.outside(answer)).await?,
        false => answer.await?,
    };
    let new = cases::checked(&item, &answer)?;
    let (state, caller) = (call.state.clone(), call.caller.clone());
    let number = change(async move { cases::add_check(&state.hub, &caller, &case, &new).await }).await?;
    call.entered();
    let mut out = written(&answer, &hub.node.settings.origin);
    out.extend_from_slice(b",\"number\":");
    answer_json::put_number(&mut out, number.into());
    out.push(b'}');
    Ok(HttpResponse::Created()
        .insert_header(NO_STORE)
        .content_type("application/json")
        .body(out))
}

/// An answer as JSON, without its closing brace.
fn written(answer: &Answer<'_>, origin: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    out.push(b'{');
    answer_json::put_answer(&mut out, origin, answer);
    out
}

/// `POST /v1/cases/{id}/checks/{number}/reuse`.
#[utoipa::path(
    post, path = "/v1/cases/{id}/checks/{number}/reuse", operation_id = "reuse_check", tag = "case",
    params(("id" = String, Path), ("number" = u32, Path)),
    request_body = shapes::ReuseRequest,
    responses((status = 200, body = shapes::Verification)),
)]
pub(super) async fn reuse(mut call: Call) -> Result<HttpResponse, Problem> {
    let bytes = call.json_body(call.state.limits.body_bytes_max).await?;
    let body: ReuseBody<'_> = extract::parse(&bytes)?;
    let number = call.path("number").parse();
    let number: u32 = number.map_err(|_no_number| Problem::new(ProblemCode::InvalidParameter))?;
    let (hub, case, mut names) = (call.hub(), call.path("id"), Vec::new());
    let answer = cases::reuse(hub, &call.state.lane, &call.caller, (&case, number), &body, &mut names).await?;
    call.entered();
    let mut out = written(&answer, &hub.node.settings.origin);
    out.push(b'}');
    Ok(super::verifications::answered(out))
}
