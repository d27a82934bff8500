//! `/v1/traces/seals`: what two auditors keep out of traces while a case is investigated.
//! A seal that is not one's own is not told apart from none.

use actix_web::HttpResponse;
use serde::Deserialize;

use super::{access::change, call::HandlerCall, extract, problem::ProblemDocument, reply::ok, traces::instant};
use heyan_api as api;
use heyan_app::traces::seals::{self, NewSeal, SealScope, SealView};
use heyan_app::{
    foundation::error::AppError,
    verification::question::{BoundedText, MemberList},
};
use heyan_ports::time;

fn told(seal: SealView) -> api::Seal {
    api::Seal {
        id: seal.id,
        state: seal.state.into(),
        agency: seal.agency,
        case_no: seal.case_no,
        until: time::rfc3339(seal.until_us),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SealBody<'a> {
    #[serde(borrow, default)]
    application_no: Option<BoundedText<'a>>,
    #[serde(borrow, default)]
    dataset: Option<BoundedText<'a>>,
    #[serde(borrow, default)]
    subject: MemberList<'a, BoundedText<'a>>,
    #[serde(borrow)]
    agency: BoundedText<'a>,
    #[serde(borrow)]
    case_no: BoundedText<'a>,
    #[serde(borrow)]
    reason: BoundedText<'a>,
    #[serde(borrow)]
    until: BoundedText<'a>,
}

/// `POST /v1/traces/seals`.
#[utoipa::path(
    post, path = "/v1/traces/seals", operation_id = "add_seal", tag = "trace",
    request_body = api::NewSeal,
    responses((status = 200, body = api::Seal)),
)]
pub(super) async fn add(mut call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let bytes = call.json_body(call.state.limits.body_bytes_max).await?;
    let (state, caller) = (call.state.clone(), call.caller.clone());
    let requested = change(async move {
        let body: SealBody<'_> = extract::parse(&bytes)?;
        let hub = &state.hub;
        let about = match (&body.application_no, &body.dataset, body.subject.0.is_empty()) {
            (Some(number), None, true) if !number.trim().is_empty() => SealScope::Application(number.to_string()),
            (None, Some(dataset), false) => SealScope::subject(hub, dataset, &body.subject)?,
            _ => return Err(AppError::fault("/application_no", "invalid_value").into()),
        };
        let new = NewSeal {
            about,
            agency: &body.agency,
            case_no: &body.case_no,
            reason: &body.reason,
            until_us: instant(Some(&body.until), "/until")?.unwrap_or_default(),
        };
        Ok::<_, ProblemDocument>(seals::request(hub, &caller, new).await?)
    });
    Ok(done(&call, requested.await?))
}

/// `GET /v1/traces/seals`.
#[utoipa::path(
    get, path = "/v1/traces/seals", operation_id = "list_seals", tag = "trace",
    responses((status = 200, body = api::Seals)),
)]
pub(super) async fn list(call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let seals = seals::of_auditor(call.hub(), &call.caller).await?;
    let seals = seals.into_iter().map(told).collect();
    Ok(ok(&api::Seals { seals }))
}

/// `POST /v1/traces/seals/{id}/confirm`.
#[utoipa::path(
    post, path = "/v1/traces/seals/{id}/confirm", operation_id = "confirm_seal", tag = "trace",
    params(("id" = String, Path)),
    request_body = api::SealConfirmation,
    responses((status = 200, body = api::Seal)),
)]
pub(super) async fn confirm(mut call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let body: api::SealConfirmation = call.body().await?;
    let (state, caller, id) = (call.state.clone(), call.caller.clone(), call.path("id"));
    let confirmed = change(async move { seals::confirm(&state.hub, &caller, &id, &body.case_no).await });
    Ok(done(&call, confirmed.await?))
}

/// `POST /v1/traces/seals/{id}/lift`.
#[utoipa::path(
    post, path = "/v1/traces/seals/{id}/lift", operation_id = "lift_seal", tag = "trace",
    params(("id" = String, Path)),
    request_body = api::SealLifting,
    responses((status = 200, body = api::Seal)),
)]
pub(super) async fn lift(mut call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let body: api::SealLifting = call.body().await?;
    let (state, caller, id) = (call.state.clone(), call.caller.clone(), call.path("id"));
    let lifted = change(async move { seals::lift(&state.hub, &caller, &id, &body.reason).await });
    Ok(done(&call, lifted.await?))
}

fn done(call: &HandlerCall, seal: SealView) -> HttpResponse {
    call.entered();
    ok(&told(seal))
}
