//! `/v1/traces/seals`: what two auditors keep out of traces while a case is investigated.
//! A seal that is not one's own is not told apart from none.

use actix_web::HttpResponse;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{access::change, call::Call, extract, openapi::shapes, problem::Problem, reply::ok, traces::instant};
use heyan_app::traces::seals::{self, About, NewSeal, Seal};
use heyan_app::{
    foundation::error::AppError,
    verification::question::{Members, Text},
};
use heyan_ports::time;

fn seal_json(seal: &Seal) -> Value {
    json!({
        "id": seal.id, "state": seal.state, "agency": seal.agency, "case_no": seal.case_no,
        "until": time::rfc3339(seal.until_us),
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SealBody<'a> {
    #[serde(borrow, default)]
    application_no: Option<Text<'a>>,
    #[serde(borrow, default)]
    dataset: Option<Text<'a>>,
    #[serde(borrow, default)]
    subject: Members<'a, Text<'a>>,
    #[serde(borrow)]
    agency: Text<'a>,
    #[serde(borrow)]
    case_no: Text<'a>,
    #[serde(borrow)]
    reason: Text<'a>,
    #[serde(borrow)]
    until: Text<'a>,
}

/// `POST /v1/traces/seals`.
#[utoipa::path(
    post, path = "/v1/traces/seals", operation_id = "add_seal", tag = "trace",
    request_body = shapes::NewSeal,
    responses((status = 200, body = shapes::Seal)),
)]
pub(super) async fn add(mut call: Call) -> Result<HttpResponse, Problem> {
    let bytes = call.json_body(call.state.limits.body_bytes_max).await?;
    let (state, caller) = (call.state.clone(), call.caller.clone());
    let requested = change(async move {
        let body: SealBody<'_> = extract::parse(&bytes)?;
        let hub = &state.hub;
        let about = match (&body.application_no, &body.dataset, body.subject.0.is_empty()) {
            (Some(number), None, true) if !number.trim().is_empty() => About::Application(number.to_string()),
            (None, Some(dataset), false) => About::subject(hub, dataset, &body.subject)?,
            _ => return Err(AppError::fault("/application_no", "invalid_value").into()),
        };
        let new = NewSeal {
            about,
            agency: &body.agency,
            case_no: &body.case_no,
            reason: &body.reason,
            until_us: instant(Some(&body.until), "/until")?.unwrap_or_default(),
        };
        Ok::<_, Problem>(seals::request(hub, &caller, new).await?)
    });
    Ok(done(&call, &requested.await?))
}

/// `GET /v1/traces/seals`.
#[utoipa::path(
    get, path = "/v1/traces/seals", operation_id = "list_seals", tag = "trace",
    responses((status = 200, body = shapes::Seals)),
)]
pub(super) async fn list(call: Call) -> Result<HttpResponse, Problem> {
    let seals = seals::of_auditor(call.hub(), &call.caller).await?;
    let seals: Vec<Value> = seals.iter().map(seal_json).collect();
    Ok(ok(&json!({"seals": seals})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConfirmBody {
    case_no: String,
}

/// `POST /v1/traces/seals/{id}/confirm`.
#[utoipa::path(
    post, path = "/v1/traces/seals/{id}/confirm", operation_id = "confirm_seal", tag = "trace",
    params(("id" = String, Path)),
    request_body = shapes::SealConfirmation,
    responses((status = 200, body = shapes::Seal)),
)]
pub(super) async fn confirm(mut call: Call) -> Result<HttpResponse, Problem> {
    let bytes = call.json_body(call.state.limits.body_bytes_max).await?;
    let body: ConfirmBody = extract::parse(&bytes)?;
    let (state, caller, id) = (call.state.clone(), call.caller.clone(), call.path("id"));
    let confirmed = change(async move { seals::confirm(&state.hub, &caller, &id, &body.case_no).await });
    Ok(done(&call, &confirmed.await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LiftBody {
    reason: String,
}

/// `POST /v1/traces/seals/{id}/lift`.
#[utoipa::path(
    post, path = "/v1/traces/seals/{id}/lift", operation_id = "lift_seal", tag = "trace",
    params(("id" = String, Path)),
    request_body = shapes::SealLifting,
    responses((status = 200, body = shapes::Seal)),
)]
pub(super) async fn lift(mut call: Call) -> Result<HttpResponse, Problem> {
    let bytes = call.json_body(call.state.limits.body_bytes_max).await?;
    let body: LiftBody = extract::parse(&bytes)?;
    let (state, caller, id) = (call.state.clone(), call.caller.clone(), call.path("id"));
    let lifted = change(async move { seals::lift(&state.hub, &caller, &id, &body.reason).await });
    Ok(done(&call, &lifted.await?))
}

fn done(call: &Call, seal: &Seal) -> HttpResponse {
    call.entered();
    ok(&seal_json(seal))
}
