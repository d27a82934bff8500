//! `/v1/watches`: verifications whose caller is notified when their verdict changes.

use actix_web::{HttpResponse, http::StatusCode};
use serde::Deserialize;

use crate::{
    call::{HandlerCall, change, query},
    extract,
    page::{self, after, limit_of},
    problem::{ProblemCode, ProblemDocument},
    reply::{answered, no_content, ok, with_more},
};
use heyan_api as api;
use heyan_app::node::hub::Hub;
use heyan_app::verification::{question::VerificationBody, verify};
use heyan_app::watches::{self, WatchBody, WatchView};
use heyan_domain::calendar::china_date;
use heyan_ports::{
    time,
    watches::{WatchFilter, WatchPhase},
};

/// `POST /v1/watches`.
#[utoipa::path(
    post, path = "/v1/watches", operation_id = "add_watch", tag = "watch",
    request_body = api::WatchRequest,
    responses((status = 201, body = api::WatchedVerification)),
)]
pub(crate) async fn add(mut call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
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
    let more = api::WatchNote {
        watch: watch(hub, &view),
    };
    let mut response = answered(with_more(&hub.node.settings.origin, &answer, &more));
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

fn watch(hub: &Hub, view: &WatchView) -> api::Watch {
    let (row, facts, told) = (&view.row, &view.facts, &view.facts.told);
    let (state, ended) = view.state(hub);
    api::Watch {
        id: row.id.clone(),
        state: state.as_str().into(),
        dataset: row.dataset.to_string(),
        until: china_date(row.until - 1).to_string(),
        application_no: facts.application_no.clone(),
        item_code: facts.item_code.clone(),
        verification: facts.first.verification.clone(),
        outcome: told.outcome().into(),
        fields: told.verdicts().collect(),
        last_told: told.verification.clone(),
        told_at: time::rfc3339(told.at),
        notices: facts.notices,
        told_by: watches::told_by(hub, row),
        ended: ended.map(str::to_owned),
        created_at: time::rfc3339(row.created_at),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WatchQuery {
    state: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// `GET /v1/watches`.
#[utoipa::path(
    get, path = "/v1/watches", operation_id = "list_watches", tag = "watch",
    params(("state" = Option<String>, Query), ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = api::Watches)),
)]
pub(crate) async fn list(call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let asked: WatchQuery = query(&call)?;
    let state = asked.state.as_deref().map(WatchPhase::parse);
    if state == Some(None) {
        return Err(ProblemDocument::new(ProblemCode::InvalidParameter));
    }
    let limit = limit_of(asked.limit)?.min(page::LARGE_ROWS_MAX);
    let filter = WatchFilter {
        agency: String::new(),
        state: state.flatten(),
        after: after(asked.cursor.as_deref())?,
        limit: limit + 1,
    };
    let mut views = watches::list(call.hub(), &call.caller, filter).await?;
    let next_cursor = page::next(&mut views, limit, |view| view.row.id.clone());
    let mut watches: Vec<api::Watch> = views.iter().map(|view| watch(call.hub(), view)).collect();
    let next_cursor = page::fit(&mut watches, next_cursor, |watch| watch.id.clone());
    Ok(ok(&api::Watches { watches, next_cursor }))
}

/// `GET /v1/watches/{id}`.
#[utoipa::path(
    get, path = "/v1/watches/{id}", operation_id = "get_watch", tag = "watch",
    params(("id" = String, Path)),
    responses((status = 200, body = api::Watch)),
)]
pub(crate) async fn get(call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let view = watches::get(call.hub(), &call.caller, &call.path("id")).await?;
    Ok(ok(&watch(call.hub(), &view)))
}

/// `DELETE /v1/watches/{id}`.
#[utoipa::path(
    delete, path = "/v1/watches/{id}", operation_id = "remove_watch", tag = "watch",
    params(("id" = String, Path)),
    responses((status = 204)),
)]
pub(crate) async fn remove(call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let (state, caller, id) = (call.state.clone(), call.caller.clone(), call.path("id"));
    let removed = change(async move { watches::remove(&state.hub, &caller, &id).await }).await?;
    if removed {
        call.entered();
    }
    Ok(no_content())
}

#[cfg(test)]
pub(crate) const SHAPE: super::RequestShape = super::RequestShape {
    name: "WatchRequest",
    parses: |bytes| extract::parse::<WatchBody<'_>>(bytes).is_ok(),
    full: || {
        serde_json::json!({
            "dataset": "d", "subject": {"s": "1"},
            "claims": {"a": "v", "b": {"op": "eq", "value": "x"}, "c": {"op": "one_of", "value": ["x", "y"]}},
            "purpose": {"item_code": "i", "item_name": "n", "application_no": "a", "operator": "o", "reason": "r"},
            "until": "2027-01-31",
        })
    },
};
