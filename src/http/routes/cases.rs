//! `/v1/cases`: joint handling. The lead agency opens a case and verifies within it; its co-handlers reuse those checks.

use actix_web::{HttpResponse, http::StatusCode};
use serde::Deserialize;

use crate::{
    call::{HandlerCall, change, query},
    extract,
    idempotent::{self, PathAction},
    page::{self, after, limit_of},
    problem::{ProblemCode, ProblemDocument},
    reply::{answered, no_content, ok, with_more},
};
use heyan_api as api;
use heyan_app::cases::{self, CaseBody, CaseView, ReuseBody};
use heyan_app::{
    foundation::error::AppError,
    verification::{
        question::{ItemBody, VerificationBody},
        verify,
    },
};
use heyan_ports::{cases::CaseCheckRow, time};

/// `POST /v1/cases`.
#[utoipa::path(
    post, path = "/v1/cases", operation_id = "open_case", tag = "case",
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = api::NewCase,
    responses((status = 201, body = api::Case)),
)]
pub(super) async fn open(mut call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    idempotent::create(&mut call, "open_case", decide).await
}

async fn decide(deed: &PathAction) -> Result<Vec<u8>, ProblemDocument> {
    let body: CaseBody<'_> = extract::parse(&deed.bytes)?;
    let render = |view: &CaseView| serde_json::to_vec(&case(view, view.row.created_at)).unwrap_or_default();
    Ok(cases::open(&deed.state.hub, &deed.caller, &body, deed.optional_slot(), &render).await?)
}

/// A case as the party that looks may read it: verdicts come from a reuse alone, the lead's matter is the lead's.
fn case(view: &CaseView, now_us: i64) -> api::Case {
    let (row, facts) = (&view.row, &view.facts);
    let of_lead = |text: &String| view.is_lead.then(|| text.clone());
    let co_handler = |one: &cases::CoHandler| api::CoHandler {
        agency: one.agency.clone(),
        item_code: one.item_code.clone(),
        refs: one.refs.clone(),
    };
    let check = |(row, facts): &(CaseCheckRow, cases::CheckFacts)| api::CaseCheck {
        number: row.number,
        reference: facts.reference.clone(),
        dataset: row.dataset.to_string(),
        fields: facts.fields.iter().map(|field| field.name.clone()).collect(),
        at: time::rfc3339(row.created_at),
        verification: of_lead(&row.verification),
    };
    api::Case {
        id: row.id.clone(),
        lead: row.lead.clone(),
        state: view.state(now_us).as_str().into(),
        valid_until: time::rfc3339(row.until),
        item_code: facts.item_code.clone(),
        application_no: of_lead(&facts.application_no),
        co_handlers: facts.co_handlers.iter().map(co_handler).collect(),
        checks: view.checks.iter().map(check).collect(),
        created_at: time::rfc3339(row.created_at),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseQuery {
    limit: Option<u32>,
    cursor: Option<String>,
}

/// `GET /v1/cases`.
#[utoipa::path(
    get, path = "/v1/cases", operation_id = "list_cases", tag = "case",
    params(("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = api::Cases)),
)]
pub(crate) async fn list(call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let asked: CaseQuery = query(&call)?;
    let limit = limit_of(asked.limit)?.min(page::LARGE_ROWS_MAX);
    let after = after(asked.cursor.as_deref())?;
    let mut views = cases::list(call.hub(), &call.caller, after.as_deref(), limit + 1).await?;
    let next_cursor = page::next(&mut views, limit, |view| view.row.id.clone());
    let mut cases: Vec<api::Case> = views.iter().map(|view| case(view, call.now_us)).collect();
    let next_cursor = page::fit(&mut cases, next_cursor, |case| case.id.clone());
    Ok(ok(&api::Cases { cases, next_cursor }))
}

/// `GET /v1/cases/{id}`.
#[utoipa::path(
    get, path = "/v1/cases/{id}", operation_id = "get_case", tag = "case",
    params(("id" = String, Path)),
    responses((status = 200, body = api::Case)),
)]
pub(crate) async fn get(call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let view = cases::get(call.hub(), &call.caller, &call.path("id")).await?;
    Ok(ok(&case(&view, call.now_us)))
}

/// `DELETE /v1/cases/{id}`.
#[utoipa::path(
    delete, path = "/v1/cases/{id}", operation_id = "close_case", tag = "case",
    params(("id" = String, Path)),
    responses((status = 204)),
)]
pub(crate) async fn close(call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let (state, caller, id) = (call.state.clone(), call.caller.clone(), call.path("id"));
    if change(async move { cases::close(&state.hub, &caller, &id).await }).await? {
        call.entered();
    }
    Ok(no_content())
}

/// `POST /v1/cases/{id}/checks`.
#[utoipa::path(
    post, path = "/v1/cases/{id}/checks", operation_id = "check_in_case", tag = "case",
    params(("id" = String, Path)),
    request_body = api::Item,
    responses((status = 201, body = api::CaseCheckAnswer)),
)]
pub(crate) async fn check(mut call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let bytes = call.json_body(call.state.limits.body_bytes_max).await?;
    let item: ItemBody<'_> = extract::parse(&bytes)?;
    // The same bytes, read a second time: the question takes what it is made of.
    let again: ItemBody<'_> = extract::parse(&bytes)?;
    cases::check_reference(&item.reference)?;
    let id = call.path("id");
    let hub = call.hub();
    let view = cases::led(hub, &call.caller, &id).await?;
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
    let number = change(async move { cases::add_check(&state.hub, &caller, &id, &new).await }).await?;
    call.entered();
    let more = api::CaseCheckNumber { number };
    let mut response = answered(with_more(&hub.node.settings.origin, &answer, &more));
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

/// `POST /v1/cases/{id}/checks/{number}/reuse`.
#[utoipa::path(
    post, path = "/v1/cases/{id}/checks/{number}/reuse", operation_id = "reuse_check", tag = "case",
    params(("id" = String, Path), ("number" = u32, Path)),
    request_body = api::ReuseRequest,
    responses((status = 200, body = api::Verification)),
)]
pub(crate) async fn reuse(mut call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let bytes = call.json_body(call.state.limits.body_bytes_max).await?;
    let body: ReuseBody<'_> = extract::parse(&bytes)?;
    let number = call.path("number").parse();
    let number: u32 = number.map_err(|_no_number| ProblemDocument::new(ProblemCode::InvalidParameter))?;
    let (hub, id, mut names) = (call.hub(), call.path("id"), Vec::new());
    let answer = cases::reuse(hub, &call.state.lane, &call.caller, (&id, number), &body, &mut names).await?;
    call.entered();
    Ok(answered(with_more(
        &hub.node.settings.origin,
        &answer,
        &serde_json::Map::new(),
    )))
}
