//! `/v1/supervision/alerts`: what a person should look at, newest first; one with its evidence and history; and what an auditor does
//! about it, by `idempotent`.

use actix_web::HttpResponse;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    call::Call,
    extract,
    idempotent::{self, Deed},
    mismatches::REASON_BYTES_MAX,
    openapi::shapes,
    page::{self, limit_of},
    problem::{Problem, ProblemCode},
    reply::ok,
    verifications::query,
};
use heyan_app::supervision::alerts::{self, Action, State, View};
use heyan_app::{delivery::message, foundation::error::AppError, mismatch::steps::Note};
use heyan_domain::{fault::Limit, supervision::Class};
use heyan_ports::{
    rows::{AlertFilter, AlertRow, AlertStep},
    time,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Filter {
    state: Option<String>,
    class: Option<String>,
    rule: Option<String>,
    since: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// `GET /v1/supervision/alerts`.
#[utoipa::path(
    get, path = "/v1/supervision/alerts", operation_id = "list_alerts", tag = "supervision",
    params(
        ("state" = Option<String>, Query), ("class" = Option<String>, Query), ("rule" = Option<String>, Query),
        ("since" = Option<String>, Query), ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query),
    ),
    responses((status = 200, body = shapes::Alerts)),
)]
pub(super) async fn list(call: Call) -> Result<HttpResponse, Problem> {
    let asked: Filter = query(&call)?;
    let invalid = || Problem::new(ProblemCode::InvalidParameter);
    let states = State::ALL.map(State::as_str);
    let classes = Class::ALL.map(Class::as_str);
    let known = |word: &Option<String>, words: &[&str]| word.as_deref().is_none_or(|word| words.contains(&word));
    if !known(&asked.state, &states) || !known(&asked.class, &classes) {
        return Err(invalid());
    }
    let since = asked
        .since
        .as_deref()
        .map(|text| time::parse_rfc3339(text).ok_or_else(invalid));
    let limit = limit_of(asked.limit)?;
    let filter = AlertFilter {
        state: asked.state,
        class: asked.class,
        rule: asked.rule,
        since: since.transpose()?,
        before: asked.cursor.as_deref().map(before).transpose()?,
        limit: limit + 1,
    };
    let mut rows = alerts::list(call.hub(), &filter).await?;
    let next = page::next(&mut rows, limit, |row| format!("{}:{}", row.at, row.id));
    let rows: Vec<Value> = rows.iter().map(|row| Value::Object(summary(row))).collect();
    Ok(ok(&json!({"alerts": rows, "next_cursor": next})))
}

/// A cursor is time and id of the last alert of the page before.
fn before(cursor: &str) -> Result<(i64, String), Problem> {
    let text = page::after(Some(cursor))?;
    let parts = text.as_deref().and_then(|text| text.split_once(':'));
    parts
        .and_then(|(at, id)| Some((at.parse().ok()?, id.to_owned())))
        .ok_or_else(|| Problem::new(ProblemCode::InvalidCursor))
}

/// What every reader may know.
pub(super) fn summary(row: &AlertRow) -> Map<String, Value> {
    let mut members = Map::new();
    let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
    put("id", row.id.as_str().into());
    put("rule", row.rule.as_str().into());
    put("class", row.class.as_str().into());
    put("severity", row.severity.as_str().into());
    put("state", row.state.as_str().into());
    put("at", time::rfc3339(row.at).into());
    put("updated_at", time::rfc3339(row.updated_at).into());
    put("dataset", row.dataset.clone().into());
    put("record", row.subject.map(|subject| message::hex(&subject.0)).into());
    put("mismatch", row.mismatch.clone().into());
    put("agency", row.agency.clone().into());
    put("facts", serde_json::from_str(&row.facts).unwrap_or_default());
    put("entries", row.entries.into());
    put("version", row.revision.into());
    members
}

/// `GET /v1/supervision/alerts/{id}`.
#[utoipa::path(
    get, path = "/v1/supervision/alerts/{id}", operation_id = "get_alert", tag = "supervision",
    params(("id" = String, Path)),
    responses((status = 200, body = shapes::WholeAlert)),
)]
pub(super) async fn get(call: Call) -> Result<HttpResponse, Problem> {
    let id = call.path("id");
    let view = call.outside(alerts::get(call.hub(), &call.caller, &id)).await?;
    Ok(ok(&whole(&view)))
}

fn whole(view: &View) -> Value {
    let mut members = summary(&view.row);
    let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
    if let Some(rule) = &view.rule {
        put("title", json!(rule.title));
        put("remedy", json!(rule.remedy));
    }
    if let Some(operator) = &view.operator {
        put("operator", operator.as_str().into());
    }
    let evidence = alerts::evidence(&view.row).into_iter();
    let evidence: Vec<Value> = evidence
        .map(|(origin, index)| json!({"origin": origin, "index": index}))
        .collect();
    put("evidence", evidence.into());
    let steps = view.steps.iter();
    let steps: Vec<Value> = steps.map(|(step, note)| step_json(step, note.as_ref())).collect();
    put("history", steps.into());
    Value::Object(members)
}

fn step_json(step: &AlertStep, note: Option<&Note>) -> Value {
    let mut members = Map::new();
    let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
    put("seq", step.seq.into());
    put("at", time::rfc3339(step.at).into());
    put("action", step.action.as_str().into());
    put("state", step.state.as_str().into());
    if let Some(note) = note {
        put("by", note.by.as_str().into());
        if let Some(reason) = &note.reason {
            put("reason", reason.as_str().into());
        }
    }
    Value::Object(members)
}

/// One action.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AlertActionBody {
    action: String,
    #[serde(default)]
    reason: Option<String>,
}

/// `POST /v1/supervision/alerts/{id}/actions`.
#[utoipa::path(
    post, path = "/v1/supervision/alerts/{id}/actions", operation_id = "act_on_alert", tag = "supervision",
    params(("id" = String, Path), ("Idempotency-Key" = String, Header)),
    request_body = shapes::AlertAction,
    responses((status = 200, body = shapes::WholeAlert)),
)]
pub(super) async fn act(mut call: Call) -> Result<HttpResponse, Problem> {
    idempotent::act(&mut call, "act_on_alert", decide).await
}

async fn decide(deed: &Deed) -> Result<Vec<u8>, Problem> {
    let body: AlertActionBody = extract::parse(&deed.bytes)?;
    let action = Action::parse(&body.action)?;
    let reason = body.reason.filter(|reason| !reason.trim().is_empty());
    if reason.as_ref().is_some_and(|reason| reason.len() > REASON_BYTES_MAX) {
        return Err(AppError::over("/reason", Limit::Bytes(REASON_BYTES_MAX)).into());
    }
    let render = |view: &View| whole(view).to_string().into_bytes();
    let hub = &deed.state.hub;
    Ok(alerts::act(hub, &deed.caller, &deed.id, (action, reason), &deed.slot, &render).await?)
}
