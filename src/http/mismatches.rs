//! `/v1/mismatches`: the list, one with its history, and what its parties do about it, by `idempotent`.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    call::Call,
    extract,
    idempotent::{self, Deed},
    openapi::shapes,
    page::{self, after, limit_of},
    problem::{Problem, ProblemCode},
    reply::ok,
    verifications::query,
};
use heyan_app::{
    foundation::error::AppError,
    mismatch::actions::{self as mismatches, Note, View, Wanted},
};
use heyan_domain::{
    fault::Limit,
    mismatch::{STATES, State},
};
use heyan_ports::{
    rows::{Delivery, MismatchFilter, MismatchRow, StepRow},
    time,
};

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
    let next = page::next(&mut rows, limit, |row| row.id.clone());
    let rows: Vec<Value> = rows.iter().map(|row| Value::Object(summary(row))).collect();
    Ok(ok(&json!({"mismatches": rows, "next_cursor": next})))
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
pub(super) const REASON_BYTES_MAX: usize = 2_048;

impl ActionBody {
    fn wanted(self) -> Result<Wanted, AppError> {
        let reason = self.reason.filter(|reason| !reason.trim().is_empty());
        if reason.as_ref().is_some_and(|reason| reason.len() > REASON_BYTES_MAX) {
            return Err(AppError::over("/reason", Limit::Bytes(REASON_BYTES_MAX)));
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
    idempotent::act(&mut call, "act_on_mismatch", decide).await
}

async fn decide(deed: &Deed) -> Result<Vec<u8>, Problem> {
    let body: ActionBody = extract::parse(&deed.bytes)?;
    let wanted = body.wanted()?;
    let render = |view: &View| whole(view).to_string().into_bytes();
    let hub = &deed.state.hub;
    Ok(mismatches::act(hub, &deed.caller, &deed.id, &wanted, &deed.slot, &render).await?)
}
