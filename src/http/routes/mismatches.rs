//! `/v1/mismatches`: the list, one mismatch with its history, and the actions of its parties, by `idempotent`.

use actix_web::HttpResponse;
use serde::Deserialize;

use crate::{
    call::{HandlerCall, query},
    extract,
    idempotent::{self, PathAction},
    page::{self, after, limit_of},
    problem::{ProblemCode, ProblemDocument},
    reply::ok,
};
use heyan_api as api;
use heyan_app::{
    foundation::error::AppError,
    mismatch::actions::{self as mismatches, MismatchView, StepNote, WantedAction},
};
use heyan_domain::fault::LengthLimit;
use heyan_domain::mismatch::{MismatchPhase, MismatchState};
use heyan_ports::time;
use heyan_ports::{
    deliveries::StoredDelivery,
    mismatches::{MismatchFilter, MismatchRow, StepRow},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MismatchQuery {
    state: Option<String>,
    dataset: Option<String>,
    due_before: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// `GET /v1/mismatches`.
#[utoipa::path(
    get, path = "/v1/mismatches", operation_id = "list_mismatches", tag = "mismatch",
    params(
        ("state" = Option<String>, Query), ("dataset" = Option<String>, Query), ("due_before" = Option<String>, Query),
        ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query),
    ),
    responses((status = 200, body = api::Mismatches)),
)]
pub(crate) async fn list(call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let asked: MismatchQuery = query(&call)?;
    let is_date = |text: &String| text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok();
    let state = asked.state.as_deref().map(MismatchPhase::parse);
    if state == Some(None) || asked.due_before.as_ref().is_some_and(|date| !is_date(date)) {
        return Err(ProblemDocument::new(ProblemCode::InvalidParameter));
    }
    let limit = limit_of(asked.limit)?;
    let filter = MismatchFilter {
        agency: None,
        datasets: asked.dataset.map(|dataset| vec![dataset]),
        state: state.flatten(),
        due_before: asked.due_before,
        after: after(asked.cursor.as_deref())?,
        limit: limit + 1,
    };
    let mut rows = mismatches::list(call.hub(), &call.caller, filter.clone()).await?;
    let next_cursor = page::next(&mut rows, limit, |row| filter.place(row));
    let mismatches = rows.iter().map(summary).collect();
    Ok(ok(&api::Mismatches {
        mismatches,
        next_cursor,
    }))
}

/// What every reader may know.
fn summary(row: &MismatchRow) -> api::MismatchSummary {
    api::MismatchSummary {
        id: row.id.clone(),
        state: row.state.as_str().into(),
        dataset: row.dataset.to_string(),
        agency: row.agency.clone(),
        fields: row.fields.clone(),
        due_on: row.due_on.clone(),
        opened_at: time::rfc3339(row.opened_at),
        updated_at: time::rfc3339(row.updated_at),
        version: row.revision,
    }
}

/// `GET /v1/mismatches/{id}`.
#[utoipa::path(
    get, path = "/v1/mismatches/{id}", operation_id = "get_mismatch", tag = "mismatch",
    params(("id" = String, Path)),
    responses((status = 200, body = api::Mismatch)),
)]
pub(crate) async fn get(call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let view = mismatches::get(call.hub(), &call.caller, &call.path("id")).await?;
    Ok(ok(&whole(&view)))
}

fn whole(view: &MismatchView) -> api::Mismatch {
    let facts = view.facts.as_ref();
    let proposal = facts.and_then(|facts| match &facts.state {
        MismatchState::Disputed { proposal } => Some(api::CorrectionProposal {
            fields: proposal.fields.clone().into_iter().collect(),
            evidence: proposal.evidence.clone(),
        }),
        _ => None,
    });
    let resolution = facts.and_then(|facts| match &facts.state {
        MismatchState::Closed { how } => Some(how.as_str().into()),
        _ => None,
    });
    let state = |delivery: &StoredDelivery| api::DeliveryState {
        id: delivery.id.clone(),
        state: delivery.state.as_str().into(),
        attempts: delivery.attempts,
    };
    api::Mismatch {
        summary: summary(&view.row),
        record_version: Some(view.row.record_version).filter(|version| view.version_told && *version > 0),
        application_no: facts.map(|facts| facts.application_no.clone()),
        item_code: facts.map(|facts| facts.item_code.clone()),
        proposal,
        resolution,
        history: view.steps.iter().map(|(row, note)| step(row, note.as_ref())).collect(),
        deliveries: view.deliveries.iter().map(state).collect(),
    }
}

fn step(row: &StepRow, note: Option<&StepNote>) -> api::MismatchStep {
    api::MismatchStep {
        seq: row.seq,
        at: time::rfc3339(row.at),
        action: row.action.clone(),
        state: row.state.as_str().into(),
        by_role: row.actor.into(),
        by: note.map(|note| note.by.clone()).filter(|by| !by.is_empty()),
        reason: note.and_then(|note| note.reason.clone()),
    }
}

/// Longest reason, bytes.
pub(crate) const REASON_BYTES_MAX: usize = 2_048;

fn wanted(body: api::MismatchAction) -> Result<WantedAction, AppError> {
    let reason = body.reason.filter(|reason| !reason.trim().is_empty());
    if reason.as_ref().is_some_and(|reason| reason.len() > REASON_BYTES_MAX) {
        return Err(AppError::over("/reason", LengthLimit::Bytes(REASON_BYTES_MAX)));
    }
    let allowed: &[&str] = match &*body.action {
        "propose_correction" => &["fields", "evidence", "reason"],
        "approve" => &["fields", "reason"],
        _ => &["reason"],
    };
    for (name, given) in [
        ("fields", !body.fields.0.is_empty()),
        ("evidence", body.evidence.is_some()),
    ] {
        if given && !allowed.contains(&name) {
            return Err(AppError::fault(format!("/{name}"), "unknown_member"));
        }
    }
    Ok(WantedAction {
        action: body.action.into(),
        fields: body.fields.0.into_iter().collect(),
        evidence: body.evidence.unwrap_or_default(),
        reason,
    })
}

/// `POST /v1/mismatches/{id}/actions`.
#[utoipa::path(
    post, path = "/v1/mismatches/{id}/actions", operation_id = "act_on_mismatch", tag = "mismatch",
    params(("id" = String, Path), ("Idempotency-Key" = String, Header)),
    request_body = api::MismatchAction,
    responses((status = 200, body = api::Mismatch)),
)]
pub(crate) async fn act(mut call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    idempotent::act(&mut call, "act_on_mismatch", decide).await
}

async fn decide(deed: &PathAction) -> Result<Vec<u8>, ProblemDocument> {
    let wanted = wanted(extract::parse(&deed.bytes)?)?;
    let render = |view: &MismatchView| serde_json::to_vec(&whole(view)).unwrap_or_default();
    let hub = &deed.state.hub;
    Ok(mismatches::act(hub, &deed.caller, &deed.id, &wanted, deed.slot()?, &render).await?)
}
