//! `/v1/watches`: a verification that is told of when its verdict would change.

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
use heyan_app::verification::{answer_json, question::VerificationBody, verify};
use heyan_app::watches::{self, STATES, WatchBody};
use heyan_ports::rows::WatchFilter;

/// `POST /v1/watches`.
#[utoipa::path(
    post, path = "/v1/watches", operation_id = "add_watch", tag = "watch",
    request_body = shapes::WatchRequest,
    responses((status = 201, body = shapes::WatchedVerification)),
)]
pub(super) async fn add(mut call: Call) -> Result<HttpResponse, Problem> {
    let bytes = call.json_body(call.state.limits.body_bytes_max).await?;
    let body: WatchBody<'_> = extract::parse(&bytes)?;
    let (hub, now_us) = (call.hub(), call.now_us);
    let plan = watches::plan(hub, &call.caller, &body, now_us).await?;
    let question = VerificationBody {
        claims: plan.claims(now_us),
        dataset: body.dataset,
        subject: body.subject,
        purpose: body.purpose,
        max_age_s: None,
    };
    let answer = verify::verify(hub, &call.state.lane, &call.caller, &question, now_us);
    let answer = match verify::asks_outside(hub, &question.dataset) {
        true => Box::pin(call.outside(answer)).await?,
        false => answer.await?,
    };
    let view = plan.watch(hub, &call.caller, &question, &answer, now_us)?;
    let (state, caller, row) = (call.state.clone(), call.caller.clone(), view.row.clone());
    change(async move { watches::add(&state.hub, &caller, row).await }).await?;
    call.entered();
    let mut out = Vec::with_capacity(1_024);
    out.push(b'{');
    answer_json::put_answer(&mut out, &hub.node.settings.origin, &answer);
    out.extend_from_slice(b",\"watch\":");
    out.extend_from_slice(view.json(hub).to_string().as_bytes());
    out.push(b'}');
    Ok(HttpResponse::Created()
        .insert_header(NO_STORE)
        .content_type("application/json")
        .body(out))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Filter {
    state: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// `GET /v1/watches`.
#[utoipa::path(
    get, path = "/v1/watches", operation_id = "list_watches", tag = "watch",
    params(("state" = Option<String>, Query), ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = shapes::Watches)),
)]
pub(super) async fn list(call: Call) -> Result<HttpResponse, Problem> {
    let asked: Filter = query(&call)?;
    if asked.state.as_deref().is_some_and(|state| !STATES.contains(&state)) {
        return Err(Problem::new(ProblemCode::InvalidParameter));
    }
    let limit = limit_of(asked.limit)?;
    let filter = WatchFilter {
        agency: String::new(),
        state: asked.state,
        after: after(asked.cursor.as_deref())?,
        limit: limit + 1,
    };
    let mut views = watches::list(call.hub(), &call.caller, filter).await?;
    let next = page::next(&mut views, limit, |view| view.row.id.clone());
    let views: Vec<Value> = views.iter().map(|view| view.json(call.hub())).collect();
    Ok(ok(&json!({"watches": views, "next_cursor": next})))
}

/// `GET /v1/watches/{id}`.
#[utoipa::path(
    get, path = "/v1/watches/{id}", operation_id = "get_watch", tag = "watch",
    params(("id" = String, Path)),
    responses((status = 200, body = shapes::Watch)),
)]
pub(super) async fn get(call: Call) -> Result<HttpResponse, Problem> {
    let view = watches::get(call.hub(), &call.caller, &call.path("id")).await?;
    Ok(ok(&view.json(call.hub())))
}

/// `DELETE /v1/watches/{id}`.
#[utoipa::path(
    delete, path = "/v1/watches/{id}", operation_id = "remove_watch", tag = "watch",
    params(("id" = String, Path)),
    responses((status = 204)),
)]
pub(super) async fn remove(call: Call) -> Result<HttpResponse, Problem> {
    let (state, caller, id) = (call.state.clone(), call.caller.clone(), call.path("id"));
    let removed = change(async move { watches::remove(&state.hub, &caller, &id).await }).await?;
    if removed {
        call.entered();
    }
    Ok(HttpResponse::NoContent().insert_header(NO_STORE).finish())
}
