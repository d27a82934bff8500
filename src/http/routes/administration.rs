//! What needs two managers, what administration did, and whether something would be allowed.

use actix_web::HttpResponse;
use serde::Deserialize;

use crate::{
    call::{HandlerCall, change, query},
    page::{self, after, limit_of},
    problem::ProblemDocument,
    reply::{accepted, ok},
    routes::access::user_of,
};
use heyan_api as api;
use heyan_app::{
    access::{
        approvals::{self, ApprovalRequest, ApprovalView},
        explain::{self, AccessAnswer, AccessAsked},
    },
    foundation::error::AppError,
};
use heyan_ports::time;

/// What a request that waits answers.
pub(crate) fn waiting(view: &ApprovalView) -> HttpResponse {
    accepted(&api::WaitingApproval {
        approval: view.row.id.clone(),
    })
}

pub(crate) fn approval_of(view: &ApprovalView) -> api::Approval {
    let role = match &view.request {
        ApprovalRequest::AddUser { role, .. } => Some(role.clone().into()),
        ApprovalRequest::RotateUserSecret { .. } => None,
    };
    api::Approval {
        id: view.row.id.clone(),
        action: view.request.action().to_owned(),
        target: view.request.target().to_owned(),
        role,
        state: view.row.state.as_str().to_owned(),
        asked_by: view.row.asked_by.clone(),
        created_at: time::rfc3339(view.row.created_at),
    }
}

/// `GET /v1/approvals`.
#[utoipa::path(
    get, path = "/v1/approvals", operation_id = "list_approvals", tag = "access",
    responses((status = 200, body = api::Approvals)),
)]
pub(crate) async fn list_approvals(call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let all = approvals::all(call.hub()).await?;
    Ok(ok(&api::Approvals {
        approvals: all.iter().map(approval_of).collect(),
    }))
}

/// `POST /v1/approvals/{id}/confirm`.
#[utoipa::path(
    post, path = "/v1/approvals/{id}/confirm", operation_id = "confirm_approval", tag = "access",
    params(("id" = String, Path)),
    responses((status = 200, body = api::ConfirmedApproval)),
)]
pub(crate) async fn confirm_approval(call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let (state, caller, id) = (call.state.clone(), call.caller.clone(), call.path("id"));
    let (user, told) = change(async move { approvals::confirm(&state.hub, &caller, &id).await }).await?;
    call.entered();
    Ok(ok(&api::ConfirmedApproval {
        approval: call.path("id"),
        user: user_of(&user),
        client_id: told.client_id,
        client_secret: told.client_secret,
        previous_valid_until: told.previous_valid_until,
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LogQuery {
    limit: Option<u32>,
    cursor: Option<String>,
}

/// `GET /v1/administration/log`.
#[utoipa::path(
    get, path = "/v1/administration/log", operation_id = "get_administration_log", tag = "access",
    params(("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = api::AdministrationLog)),
)]
pub(crate) async fn log(call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let asked: LogQuery = query(&call)?;
    let limit = limit_of(asked.limit)?;
    let before = after(asked.cursor.as_deref())?;
    let store = &call.hub().store;
    let mut rows = store
        .administration(before.as_deref(), limit + 1)
        .await
        .map_err(AppError::from)?;
    let next_cursor = page::next(&mut rows, limit, |row| row.id.clone());
    let acts = rows.into_iter().map(|row| api::AdministrationAct {
        id: row.id,
        at: time::rfc3339(row.at),
        action: row.action,
        target: row.target,
        by: row.by_client,
    });
    Ok(ok(&api::AdministrationLog {
        acts: acts.collect(),
        next_cursor,
    }))
}

/// `POST /v1/access/explain`.
#[utoipa::path(
    post, path = "/v1/access/explain", operation_id = "explain_access", tag = "access",
    request_body = api::AccessQuestion,
    responses((status = 200, body = api::AccessExplanation)),
)]
pub(crate) async fn explain(mut call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let body: api::AccessQuestion = call.body().await?;
    let from = body.from.as_deref().map(str::parse).transpose();
    let from = from.map_err(|_no_address| AppError::fault("/from", "invalid_value"))?;
    let asked = AccessAsked {
        agency: &body.agency,
        dataset: &body.dataset,
        item_code: &body.item_code,
        operation: &body.operation,
        fields: &body.fields,
        from: from.unwrap_or(call.caller.peer),
    };
    let AccessAnswer {
        missing_clause,
        legal_basis,
        disabled,
        fields_missing,
    } = explain::explain(call.hub(), &call.caller, &asked)?;
    Ok(ok(&api::AccessExplanation {
        allowed: missing_clause.is_none() && legal_basis.is_none() && !disabled && fields_missing.is_empty(),
        missing_clause: missing_clause.map(Into::into),
        legal_basis,
        disabled,
        fields_missing,
    }))
}
