//! `/v1/mismatches`: the list, one with its history, and what its parties do about it.
//! An action needs an `Idempotency-Key`: the first answer to a key is given again byte for byte, refusals that were decided
//! included.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    call::Call,
    extract,
    openapi::shapes,
    problem::{Problem, ProblemCode},
    verifications::{NO_STORE, locale_of, query},
};
use crate::{
    app::{
        error::AppError,
        mismatches::{self, Note, View, Wanted},
        replies::{self, Begun, KEY_BYTES_MAX, Slot},
        rows::{Delivery, MismatchFilter, MismatchRow, StepRow},
        time,
    },
    auth::sha256,
    domain::mismatch::{STATES, State},
};

/// Rows of a page when nothing is asked, and at most.
const LIMIT_DEFAULT: u32 = 100;
const LIMIT_MAX: u32 = 1_000;

/// The rows of a page.
pub(super) fn limit_of(asked: Option<u32>) -> Result<u32, Problem> {
    let limit = asked.unwrap_or(LIMIT_DEFAULT);
    if (1..=LIMIT_MAX).contains(&limit) {
        Ok(limit)
    } else {
        Err(Problem::new(ProblemCode::InvalidParameter))
    }
}

/// A cursor is the last id of the page before.
pub(super) fn after(cursor: Option<&str>) -> Result<Option<String>, Problem> {
    let Some(cursor) = cursor else { return Ok(None) };
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok();
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .map(Some)
        .ok_or_else(|| Problem::new(ProblemCode::InvalidCursor))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Filter {
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
    responses((status = 200, body = shapes::Mismatches)),
)]
pub(super) async fn list(call: Call) -> Result<HttpResponse, Problem> {
    let asked: Filter = query(&call)?;
    let is_date = |text: &String| text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok();
    let known = asked.state.as_deref().is_none_or(|state| STATES.contains(&state));
    if !known || asked.due_before.as_ref().is_some_and(|date| !is_date(date)) {
        return Err(Problem::new(ProblemCode::InvalidParameter));
    }
    let limit = limit_of(asked.limit)?;
    let filter = MismatchFilter {
        agency: None,
        datasets: asked.dataset.map(|dataset| vec![dataset]),
        state: asked.state,
        due_before: asked.due_before,
        after: after(asked.cursor.as_deref())?,
        limit: limit + 1,
    };
    let mut rows = mismatches::list(call.hub(), &call.caller, filter).await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next = rows.last().filter(|_| more).map(|row| URL_SAFE_NO_PAD.encode(&row.id));
    let rows: Vec<Value> = rows.iter().map(|row| Value::Object(summary(row))).collect();
    Ok(ok(&json!({"mismatches": rows, "next_cursor": next})))
}

fn ok(body: &Value) -> HttpResponse {
    HttpResponse::Ok().insert_header(NO_STORE).json(body)
}

/// What every reader may know.
fn summary(row: &MismatchRow) -> Map<String, Value> {
    let mut members = Map::new();
    let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
    put("id", row.id.as_str().into());
    put("state", row.state.as_str().into());
    put("dataset", (*row.dataset).into());
    put("agency", row.agency.as_str().into());
    put("fields", row.fields.clone().into());
    put("due_on", row.due_on.clone().into());
    put("opened_at", time::rfc3339(row.opened_at).into());
    put("updated_at", time::rfc3339(row.updated_at).into());
    put("version", row.revision.into());
    members
}

/// `GET /v1/mismatches/{id}`.
#[utoipa::path(
    get, path = "/v1/mismatches/{id}", operation_id = "get_mismatch", tag = "mismatch",
    params(("id" = String, Path)),
    responses((status = 200, body = shapes::Mismatch)),
)]
pub(super) async fn get(call: Call) -> Result<HttpResponse, Problem> {
    let view = mismatches::get(call.hub(), &call.caller, &call.path("id")).await?;
    Ok(ok(&whole(&view)))
}

fn whole(view: &View) -> Value {
    let mut members = summary(&view.row);
    let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
    if view.version_told && view.row.record_version > 0 {
        put("record_version", view.row.record_version.into());
    }
    if let Some(facts) = &view.facts {
        put("application_no", facts.application_no.as_str().into());
        put("item_code", facts.item_code.as_str().into());
        match &facts.state {
            State::Disputed { proposal } => {
                put(
                    "proposal",
                    json!({"fields": proposal.fields, "evidence": proposal.evidence}),
                );
            }
            State::Closed { how } => {
                put("resolution", how.as_str().into());
            }
            _ => {}
        }
    }
    let steps: Vec<Value> = view
        .steps
        .iter()
        .map(|(step, note)| step_json(step, note.as_ref()))
        .collect();
    put("history", steps.into());
    let deliveries: Vec<Value> = view.deliveries.iter().map(delivery_state).collect();
    put("deliveries", deliveries.into());
    Value::Object(members)
}

fn step_json(step: &StepRow, note: Option<&Note>) -> Value {
    let mut members = Map::new();
    let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
    put("seq", step.seq.into());
    put("at", time::rfc3339(step.at).into());
    put("action", step.action.as_str().into());
    put("state", step.state.as_str().into());
    put("by_role", step.actor.into());
    if let Some(note) = note {
        if !note.by.is_empty() {
            put("by", note.by.as_str().into());
        }
        if let Some(reason) = &note.reason {
            put("reason", reason.as_str().into());
        }
    }
    Value::Object(members)
}

fn delivery_state(delivery: &Delivery) -> Value {
    json!({"id": delivery.id, "state": delivery.state, "attempts": delivery.attempts})
}

/// One action.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ActionBody {
    action: String,
    #[serde(default)]
    fields: BTreeMap<String, String>,
    #[serde(default)]
    evidence: Option<Vec<String>>,
    #[serde(default)]
    reason: Option<String>,
}

/// Longest reason, bytes.
const REASON_BYTES_MAX: usize = 2_048;

impl ActionBody {
    fn wanted(self) -> Result<Wanted, AppError> {
        let reason = self.reason.filter(|reason| !reason.trim().is_empty());
        if reason.as_ref().is_some_and(|reason| reason.len() > REASON_BYTES_MAX) {
            return Err(AppError::fault("/reason", "value_too_long"));
        }
        let allowed: &[&str] = match self.action.as_str() {
            "propose_correction" => &["fields", "evidence", "reason"],
            "approve" => &["fields", "reason"],
            _ => &["reason"],
        };
        for (name, given) in [
            ("fields", !self.fields.is_empty()),
            ("evidence", self.evidence.is_some()),
        ] {
            if given && !allowed.contains(&name) {
                return Err(AppError::fault(format!("/{name}"), "unknown_member"));
            }
        }
        Ok(Wanted {
            action: self.action,
            fields: self.fields,
            evidence: self.evidence.unwrap_or_default(),
            reason,
        })
    }
}

/// `POST /v1/mismatches/{id}/actions`.
#[utoipa::path(
    post, path = "/v1/mismatches/{id}/actions", operation_id = "act_on_mismatch", tag = "mismatch",
    params(("id" = String, Path), ("Idempotency-Key" = String, Header)),
    request_body = shapes::MismatchAction,
    responses((status = 200, body = shapes::Mismatch)),
)]
pub(super) async fn act(mut call: Call) -> Result<HttpResponse, Problem> {
    let key = idempotency_key(&call.request)?;
    let bytes = call.json_body(call.state.limits.body_bytes_max).await?;
    let id = call.path("id");
    let fingerprint = sha256(&[b"act_on_mismatch\0", id.as_bytes(), b"\0", &bytes].concat());
    let (state, caller) = (call.state.clone(), call.caller.clone());
    let locale = locale_of(&call);
    let mark = call.entered_mark();
    // On its own task: a caller that resets the connection cannot stop an action half-way.
    let work = actix_web::rt::spawn(async move {
        let hub = &state.hub;
        let slot = match replies::begin(hub, &caller.client.row.id, &key, fingerprint).await? {
            Begun::New(slot) => slot,
            Begun::Answered(status, body) => return Ok((status, body, Replayed::Yes)),
        };
        match decide(&state, &caller, &id, &bytes, &slot).await {
            Ok(body) => Ok((200, body, Replayed::No)),
            Err(problem) if is_decided(&problem) => {
                let problem = problem.trace_id(uuid::Uuid::now_v7().simple().to_string());
                let body = problem.to_json(locale).into_bytes();
                slot.refuse(hub, problem.status(), &body).await?;
                Ok((problem.status(), body, Replayed::Refused))
            }
            Err(problem) => Err(problem),
        }
    });
    let done: Result<_, Problem> = work.await.map_err(|_panicked| Problem::new(ProblemCode::Internal))?;
    let (status, body, replayed) = done?;
    if replayed == Replayed::No {
        mark.mark();
    }
    Ok(answer(status, body, replayed))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Replayed {
    No,
    Yes,
    Refused,
}

async fn decide(
    state: &super::state::State,
    caller: &crate::app::hub::Caller,
    id: &str,
    bytes: &[u8],
    slot: &Slot,
) -> Result<Vec<u8>, Problem> {
    let body: ActionBody = extract::parse(bytes)?;
    let wanted = body.wanted()?;
    let render = |view: &View| whole(view).to_string().into_bytes();
    Ok(mismatches::act(&state.hub, caller, id, &wanted, slot, &render).await?)
}

/// Whether a refusal is the answer to this very request, whenever it is sent; others may end otherwise next time.
fn is_decided(problem: &Problem) -> bool {
    (400..500).contains(&problem.status()) && !matches!(problem.status(), 401 | 408 | 429)
}

fn answer(status: u16, body: Vec<u8>, replayed: Replayed) -> HttpResponse {
    let status = actix_web::http::StatusCode::from_u16(status).unwrap_or(actix_web::http::StatusCode::OK);
    let mut response = HttpResponse::build(status);
    response.insert_header(NO_STORE);
    if replayed == Replayed::Yes {
        response.insert_header(("idempotent-replayed", "true"));
    }
    let media = if status.is_success() {
        "application/json"
    } else {
        super::problem::CONTENT_TYPE
    };
    response.content_type(media).body(body)
}

/// The key of a request: a structured-field string or bare, printable, of bounded length.
fn idempotency_key(request: &HttpRequest) -> Result<String, Problem> {
    let mut values = request.headers().get_all("idempotency-key");
    let invalid = || Problem::new(ProblemCode::InvalidHeader).detail("Idempotency-Key");
    let value = values
        .next()
        .ok_or_else(|| Problem::new(ProblemCode::PreconditionRequired).detail("Idempotency-Key"))?;
    if values.next().is_some() {
        return Err(invalid());
    }
    let text = value.to_str().map_err(|_unprintable| invalid())?.trim();
    let bare = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .unwrap_or(text);
    if bare.is_empty() || bare.len() > KEY_BYTES_MAX || bare.contains(['"', '\\']) {
        return Err(invalid());
    }
    Ok(bare.to_owned())
}
