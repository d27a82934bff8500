//! `/v1/supervision`: alerts, and the guess budgets that two persons may unlock.
//! Identifiers of a subject stand in bodies only.

use actix_web::HttpResponse;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    call::Call,
    extract,
    mismatches::limit_of,
    openapi::shapes,
    problem::Problem,
    verifications::{NO_STORE, query},
};
use crate::app::{
    error::AppError,
    message,
    question::{Members, Text},
    rows::AlertRow,
    time, unlock,
};

fn ok(body: &Value) -> HttpResponse {
    HttpResponse::Ok().insert_header(NO_STORE).json(body)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AlertFilter {
    limit: Option<u32>,
}

/// `GET /v1/supervision/alerts`.
#[utoipa::path(
    get, path = "/v1/supervision/alerts", operation_id = "list_alerts", tag = "supervision",
    params(("limit" = Option<u32>, Query)),
    responses((status = 200, body = shapes::Alerts)),
)]
pub(super) async fn list_alerts(call: Call) -> Result<HttpResponse, Problem> {
    let asked: AlertFilter = query(&call)?;
    let rows = call
        .hub()
        .store
        .alerts(limit_of(asked.limit)?)
        .await
        .map_err(AppError::from)?;
    let alert = |row: &AlertRow| {
        json!({
            "id": row.id,
            "rule": row.rule,
            "at": time::rfc3339(row.at),
            "dataset": row.dataset,
            "record": row.subject.map(|subject| message::hex(&subject.0)),
            "mismatch": row.mismatch,
            "agency": row.agency,
            "facts": serde_json::from_str::<Value>(&row.facts).unwrap_or_default(),
        })
    };
    let rows: Vec<Value> = rows.iter().map(alert).collect();
    Ok(ok(&json!({"alerts": rows})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UnlockBody<'a> {
    #[serde(borrow)]
    dataset: Text<'a>,
    #[serde(borrow)]
    subject: Members<'a, Text<'a>>,
    #[serde(borrow)]
    reason: Text<'a>,
}

/// `POST /v1/supervision/guess-budgets/unlock`.
#[utoipa::path(
    post, path = "/v1/supervision/guess-budgets/unlock", operation_id = "unlock_guess_budget", tag = "supervision",
    request_body = shapes::UnlockRequest,
    responses((status = 200, body = shapes::Unlocked)),
)]
pub(super) async fn unlock(mut call: Call) -> Result<HttpResponse, Problem> {
    let bytes = call.json_body(call.state.limits.body_bytes_max).await?;
    let (state, caller) = (call.state.clone(), call.caller.clone());
    // On its own task: a caller that resets the connection cannot stop a change half-way.
    let work = actix_web::rt::spawn(async move {
        let body: UnlockBody<'_> = extract::parse(&bytes)?;
        if body.reason.trim().is_empty() {
            return Err(AppError::fault("/reason", "invalid_value").into());
        }
        let done = unlock::unlock(&state.hub, &caller, &body.dataset, &body.subject, &body.reason).await?;
        Ok::<_, Problem>(done)
    });
    let done = work
        .await
        .unwrap_or_else(|_panicked| Err(AppError::Internal("a change panicked").into()))?;
    call.entered();
    Ok(ok(&json!({"state": done.as_str()})))
}
